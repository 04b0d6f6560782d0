/**
 * Owns the platform of a confidential virtual machine under Linux 6.7 or later: reports through configfs-tsm (kernel,
 * Documentation/ABI/testing/configfs-tsm-report). It offers no sealing key, so the identity is ephemeral.
 */
import type { AttestationReport } from '@phalanx/attestation'
import { toHexPlain } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { EVIDENCE_BYTES_MAX, createDevicePlatform, recognizeEvidence, systemReason, withDevice } from './device-evidence.ts'
import { readFeatures } from './devices.ts'
import type { DeviceFiles, PlatformKind, Prerequisite } from './platform.ts'

const NAME = 'tsm'
const FOLDER = '/sys/kernel/config/tsm/report'
const ATTRIBUTE_BYTES_MAX = 4096
const ATTEMPTS = 5
/** What a driver that is busy, or a folder that somebody else made or used, gives: worth another attempt in a fresh folder. */
const PASSING: readonly string[] = ['EBUSY', 'EAGAIN', 'EINTR', 'EEXIST']

/** What one report folder gave. */
interface TsmReport {
  readonly provider: string
  readonly outblob: Uint8Array
  /** Certificates that the host handed over, where the driver has any. */
  readonly auxblob: Uint8Array
}

const readText = async (files: DeviceFiles, path: string): Promise<string> => new TextDecoder().decode(await files.read(path, ATTRIBUTE_BYTES_MAX)).trim()

const readGeneration = async (files: DeviceFiles, folder: string): Promise<bigint> => {
  const text = await readText(files, `${folder}/generation`)
  if (!/^[0-9]{1,20}$/.test(text)) throw new AppError('PLATFORM_ANSWER_INVALID', { platform: NAME, reason: `generation "${text}" is no number` })
  return BigInt(text)
}

const readAuxblob = async (files: DeviceFiles, folder: string): Promise<Uint8Array> => {
  try {
    return await files.read(`${folder}/auxblob`, EVIDENCE_BYTES_MAX)
  } catch (error) {
    if (systemReason(error) === 'ENOENT') return new Uint8Array(0)
    throw error
  }
}

/**
 * One report in a folder of its own. The generation counts writes: exactly one more after the reads than before the write shows that
 * nobody else wrote between, so that the report is over our data. Undefined when somebody did.
 */
const makeReport = async (files: DeviceFiles, folder: string, inblob: Uint8Array): Promise<TsmReport | undefined> => {
  await files.makeFolder(folder)
  try {
    const before = await readGeneration(files, folder)
    await files.write(`${folder}/inblob`, inblob)
    const outblob = await files.read(`${folder}/outblob`, EVIDENCE_BYTES_MAX)
    const provider = await readText(files, `${folder}/provider`)
    const auxblob = await readAuxblob(files, folder)
    return (await readGeneration(files, folder)) === before + 1n ? { provider, outblob, auxblob } : undefined
  } finally {
    // A folder that stays costs kernel memory but harms nothing; the report matters more.
    await files.removeFolder(folder).catch(() => undefined)
  }
}

/** Entries of a certificate table: 16 bytes GUID, offset and length of the certificate (SEV-ES GHCB standardization 2.03, §4.1.8.1), up to one of zeros. */
const ENTRY_BYTES = 24
/** GUIDs in the byte order of their text. */
const ENDORSEMENTS = ['63da758de6644564adc5f4b93be8accd', 'a8074bc2a25a483eaae639c045a0b8a1']
const AUTHORITY = '4ab7b379bbac4fe4a02f05aef327c782'
const ROOT = 'c0b406a4a803495297433fb6014cd0ae'

/** DER of a certificate that a host gave as DER or as PEM. */
const toDer = (bytes: Uint8Array): Uint8Array => {
  const text = new TextDecoder('latin1').decode(bytes)
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(text)?.[1]
  return body === undefined ? bytes : new Uint8Array(Buffer.from(body, 'base64'))
}

/** Certificates of a table by GUID. @throws PLATFORM_ANSWER_INVALID */
const parseCertificateTable = (table: Uint8Array): ReadonlyMap<string, Uint8Array> => {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength)
  const found = new Map<string, Uint8Array>()
  for (let at = 0; at + ENTRY_BYTES <= table.length; at += ENTRY_BYTES) {
    const guid = table.subarray(at, at + 16)
    if (guid.every((byte) => byte === 0)) return found
    const [offset, length] = [view.getUint32(at + 16, true), view.getUint32(at + 20, true)]
    if (offset + length > table.length) throw new AppError('PLATFORM_ANSWER_INVALID', { platform: NAME, reason: `the certificate table points at byte ${offset + length} of ${table.length}` })
    found.set(toHexPlain(guid), toDer(table.slice(offset, offset + length)))
  }
  return found
}

/** Evidence with the host's certificates: what signs reports, and its issuers where the host handed them over. */
const withCertificates = (evidence: AttestationReport, table: Uint8Array): AttestationReport => {
  if (evidence.kind !== 'SevSnp' || table.length === 0) return evidence
  const certificates = parseCertificateTable(table)
  const endorsement = ENDORSEMENTS.map((guid) => certificates.get(guid)).find((der) => der !== undefined)
  const [authority, root] = [certificates.get(AUTHORITY), certificates.get(ROOT)]
  return {
    kind: evidence.kind,
    value: {
      ...evidence.value,
      ...(endorsement === undefined ? {} : { endorsement }),
      ...(authority === undefined || root === undefined ? {} : { collateral: { kind: 'SevSnp', value: { authority, root, revocationList: undefined } } }),
    },
  }
}

/** Kind of evidence that each driver's reports are. */
const KIND_OF_DRIVER: Readonly<Record<string, string>> = { tdx_guest: 'Tdx', sev_guest: 'SevSnp' }

/** Evidence out of a report, by the driver that made it; with the host's certificates where it handed any over. */
const toEvidence = ({ provider, outblob, auxblob }: TsmReport): AttestationReport => {
  const kind = Object.hasOwn(KIND_OF_DRIVER, provider) ? KIND_OF_DRIVER[provider] : undefined
  if (kind === undefined) throw new AppError('PLATFORM_ANSWER_INVALID', { platform: NAME, reason: `the driver "${provider}" is not known` })
  return withCertificates(recognizeEvidence(NAME, kind, outblob), auxblob)
}

/** What the guest must have. */
const PREREQUISITES: readonly Prerequisite[] = [
  { step: 'cpu', name: 'confidential guest', test: { kind: 'cpuFlag', anyOf: ['tdx_guest', 'sev_snp'] }, isHint: true, fix: 'Some kernels do not show it. Where the guest device is missing too, start this machine as a TDX or SEV-SNP guest; the host must offer it.' },
  { step: 'device', name: 'guest device', test: { kind: 'path', anyOf: ['/dev/tdx_guest', '/dev/sev-guest'] }, fix: 'Load the guest driver: modprobe tdx_guest, or modprobe sev-guest.' },
  { step: 'driver', name: 'kernel', test: { kind: 'kernel', atLeast: [6, 7] }, fix: 'Run Linux 6.7 or later in the guest: configfs-tsm begins there.' },
  { step: 'driver', name: 'configfs', test: { kind: 'path', anyOf: ['/sys/kernel/config'] }, fix: 'Mount it: mount -t configfs none /sys/kernel/config.' },
  {
    step: 'driver', name: 'report folder', test: { kind: 'path', anyOf: [FOLDER] }, access: 'write',
    fix: 'Load the guest driver and the tsm module; both must be of one kernel.', accessFix: `Run the worker as root, or give its user write access to ${FOLDER} and what is made in it.`,
  },
]

/** Linux configfs-tsm: TDX and SEV-SNP guests. */
export const tsm: PlatformKind = {
  name: NAME,
  prerequisites: PREREQUISITES,
  async open({ crypto, files, random }) {
    const ask = async (reportData: Uint8Array): Promise<AttestationReport> => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const folder = `${FOLDER}/phalanx-${toHexPlain(random.bytes(8))}`
        try {
          const report = await makeReport(files, folder, reportData)
          if (report !== undefined) return toEvidence(report)
        } catch (error) {
          if (!PASSING.includes(systemReason(error))) throw error
        }
      }
      throw new AppError('PLATFORM_CONTENDED', { platform: NAME, attempts: ATTEMPTS })
    }
    return createDevicePlatform({ name: NAME, ask: (data) => withDevice(NAME, FOLDER, () => ask(data)), features: await readFeatures(files) }, { crypto })
  },
}
