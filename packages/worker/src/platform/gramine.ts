/**
 * Owns the platform of an SGX enclave run by Gramine: quotes and the sealing key of this very enclave out of its pseudo-files
 * (Gramine, "Attestation and Secret Provisioning", low-level /dev/attestation interface; keys: "Manifest syntax", encrypted files).
 */
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { EVIDENCE_BYTES_MAX, createDevicePlatform, recognizeEvidence, withDevice } from './device-evidence.ts'
import { readFeatures } from './devices.ts'
import type { PlatformKind } from './platform.ts'

const NAME = 'gramine'
const FOLDER = '/dev/attestation'
/** Sealing key bound to MRENCLAVE and processor, as EGETKEY gives it. */
const KEY_FILE = `${FOLDER}/keys/_sgx_mrenclave`
const KEY_BYTES = 16

/** Gramine SGX. */
export const gramine: PlatformKind = {
  name: NAME,
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
