/**
 * Owns the platform of an SGX enclave run by Gramine: quotes and the sealing key of this very enclave out of its pseudo-files
 * (Gramine, "Attestation and Secret Provisioning", low-level /dev/attestation interface; keys: "Manifest syntax", encrypted files).
 */
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { EVIDENCE_BYTES_MAX, createDevicePlatform, recognizeEvidence, withDevice } from './device-evidence.ts'
import { readFeatures } from './devices.ts'
import type { PlatformKind, Prerequisite } from './platform.ts'

const NAME = 'gramine'
const FOLDER = '/dev/attestation'
/** Sealing key bound to MRENCLAVE and processor, as EGETKEY gives it. */
const KEY_FILE = `${FOLDER}/keys/_sgx_mrenclave`
const KEY_BYTES = 16

/** What the host of the enclave must have. */
const PREREQUISITES: readonly Prerequisite[] = [
  { step: 'cpu', name: 'SGX', test: { kind: 'cpuFlag', anyOf: ['sgx'] }, fix: 'Enable SGX (and flexible launch control) in the firmware settings; a processor without it cannot run this platform.' },
  { step: 'cpu', name: 'flexible launch control', test: { kind: 'cpuFlag', anyOf: ['sgx_lc'] }, fix: 'Enable flexible launch control in the firmware settings; the kernel\'s driver needs it.' },
  {
    step: 'device', name: 'enclave device', test: { kind: 'path', anyOf: ['/dev/sgx_enclave'] }, access: 'write',
    fix: 'Run Linux 5.11 or later with CONFIG_X86_SGX; look for "sgx" in dmesg.', accessFix: 'Add the user to the group of /dev/sgx_enclave (usually sgx), and start a new session.',
  },
  {
    step: 'device', name: 'provisioning device', test: { kind: 'path', anyOf: ['/dev/sgx_provision'] },
    fix: 'Run Linux 5.11 or later with CONFIG_X86_SGX, and let the quoting service\'s user into the group of the device (usually sgx_prv).',
  },
  {
    step: 'driver', name: 'quoting service', test: { kind: 'path', anyOf: ['/var/run/aesmd/aesm.socket'] }, access: 'write',
    fix: 'Install and start Intel\'s AESM service with its ECDSA quoting plug-in (sgx-aesm-service, libsgx-aesm-quote-ex-plugin).', accessFix: 'Give the user access to /var/run/aesmd/aesm.socket.',
  },
]

/** Gramine SGX. */
export const gramine: PlatformKind = {
  name: NAME,
  prerequisites: PREREQUISITES,
  inside: { path: `${FOLDER}/quote`, place: 'the enclave (docs/deploy/gramine.md)' },
  async open({ crypto, files }) {
    const read = (file: string, maxBytes: number): Promise<Uint8Array> => withDevice(NAME, file, () => files.read(file, maxBytes))
    const typeFile = `${FOLDER}/attestation_type`
    const type = new TextDecoder().decode(await read(typeFile, 64)).trim()
    if (type !== 'dcap') throw new AppError('PLATFORM_ANSWER_INVALID', { platform: NAME, reason: `the attestation type is "${type}"; the manifest must say sgx.remote_attestation = "dcap"` })
    const ask = async (reportData: Uint8Array) => {
      const dataFile = `${FOLDER}/user_report_data`
      await withDevice(NAME, dataFile, () => files.write(dataFile, reportData))
      return recognizeEvidence(NAME, 'SgxDcap', await read(`${FOLDER}/quote`, EVIDENCE_BYTES_MAX))
    }
    const sealingKey = async (measurement: Uint8Array): Promise<Uint8Array> => {
      const ikm = await read(KEY_FILE, KEY_BYTES)
      try {
        if (ikm.length !== KEY_BYTES || bytesEqual(ikm, new Uint8Array(KEY_BYTES))) throw new AppError('PLATFORM_ANSWER_INVALID', { platform: NAME, reason: `${KEY_FILE} holds no key` })
        return crypto.hkdfSha256({ ikm, salt: utf8('phalanx/gramine/1'), info: measurement, length: 32 })
      } finally {
        ikm.fill(0)
      }
    }
    return createDevicePlatform({ name: NAME, ask, features: await readFeatures(files), sealingKey }, { crypto })
  },
}
