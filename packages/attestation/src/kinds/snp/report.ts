/**
 * Owns reading SEV-SNP attestation reports (SEV Secure Nested Paging Firmware ABI, AMD publication 56860, table "ATTESTATION_REPORT"),
 * versions 2, 3 and 5: fixed offsets, reserved bytes zero, nothing after the signature. Does not judge what the fields say.
 */
import { concatBytes } from '@phalanx/primitives/bytes'
import { attestationError } from '../../errors.ts'
import type { ByteRange } from '../../verdict.ts'

/** Length of every report. */
export const REPORT_LENGTH = 1184
/** Bytes under the signature. */
export const SIGNED_LENGTH = 0x2a0
/** Versions read here; version 4 was never issued by released firmware. */
export const REPORT_VERSIONS: readonly number[] = [2, 3, 5]

/** Where the judged fields lie. */
export const AT = {
  version: { offset: 0x000, length: 4 },
  policy: { offset: 0x008, length: 8 },
  vmpl: { offset: 0x030, length: 4 },
  signatureAlgorithm: { offset: 0x034, length: 4 },
  currentTcb: { offset: 0x038, length: 8 },
  platformInfo: { offset: 0x040, length: 8 },
  keyInfo: { offset: 0x048, length: 4 },
  reportData: { offset: 0x050, length: 64 },
  measurement: { offset: 0x090, length: 48 },
  hostData: { offset: 0x0c0, length: 32 },
  idKeyDigest: { offset: 0x0e0, length: 48 },
  authorKeyDigest: { offset: 0x110, length: 48 },
  reportId: { offset: 0x140, length: 32 },
  migrationReportId: { offset: 0x160, length: 32 },
  reportedTcb: { offset: 0x180, length: 8 },
  cpuid: { offset: 0x188, length: 3 },
  chipId: { offset: 0x1a0, length: 64 },
  committedTcb: { offset: 0x1e0, length: 8 },
  launchTcb: { offset: 0x1f0, length: 8 },
  signature: { offset: 0x2a0, length: 512 },
} as const satisfies Readonly<Record<string, ByteRange>>

/** Guest policy (56860, "Guest Policy"), as far as it is judged. */
export interface GuestPolicy {
  readonly abiMajor: number
  readonly abiMinor: number
  readonly smt: boolean
  readonly migrationAgent: boolean
  readonly debug: boolean
  readonly singleSocket: boolean
  /** Bit 17 must be one. */
  readonly reservedOne: boolean
  /** Bits 26 to 63 must be zero. */
  readonly reservedZero: boolean
}

/** Which key signed, by the report's key information. */
export type SigningKey = 'VCEK' | 'VLEK' | 'none' | 'reserved'

/** A report. TCB versions are their 8 raw bytes; products read them differently. */
export interface SnpReport {
  readonly bytes: Uint8Array
  readonly version: number
  readonly guestSvn: number
  readonly policyBytes: Uint8Array
  readonly policy: GuestPolicy
  readonly familyId: Uint8Array
  readonly imageId: Uint8Array
  readonly vmpl: number
  readonly signatureAlgorithm: number
  readonly currentTcb: Uint8Array
  readonly committedTcb: Uint8Array
  readonly reportedTcb: Uint8Array
  readonly launchTcb: Uint8Array
  readonly platformInfo: Uint8Array
  /** Whether the firmware checked at start that no two addresses share memory (platform information bit 5). */
  readonly aliasCheckComplete: boolean
  readonly authorKeyEnabled: boolean
  readonly maskChipKey: boolean
  readonly signingKey: SigningKey
  readonly reportData: Uint8Array
  readonly measurement: Uint8Array
  readonly hostData: Uint8Array
  readonly idKeyDigest: Uint8Array
  readonly authorKeyDigest: Uint8Array
  readonly reportId: Uint8Array
  readonly migrationReportId: Uint8Array
  /** Family, model and stepping; undefined in version 2. */
  readonly cpuid: { readonly family: number; readonly model: number; readonly stepping: number } | undefined
  readonly chipId: Uint8Array
  /** Raw big-endian r ‖ s, 96 bytes. */
  readonly signature: Uint8Array
}

const bad = (detail: string): never => {
  throw attestationError('ATTESTATION_QUOTE_MALFORMED', detail)
}

const requireZero = (bytes: Uint8Array, from: number, to: number): void => {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return bad(`reserved byte ${i} is ${bytes[i]}`)
}

const u32At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16)) + (bytes[at + 3] as number) * 0x1000000

const bit = (bytes: Uint8Array, number: number): boolean => (((bytes[number >> 3] as number) >> (number & 7)) & 1) === 1

const readPolicy = (bytes: Uint8Array): GuestPolicy => ({
  abiMinor: bytes[0] as number,
  abiMajor: bytes[1] as number,
  smt: bit(bytes, 16),
  reservedOne: bit(bytes, 17),
  migrationAgent: bit(bytes, 18),
  debug: bit(bytes, 19),
  singleSocket: bit(bytes, 20),
  reservedZero: ((bytes[3] as number) & 0xfc) === 0 && bytes.subarray(4).every((byte) => byte === 0),
})

const SIGNING_KEYS: Readonly<Record<number, SigningKey>> = { 0: 'VCEK', 1: 'VLEK', 7: 'none' }

/** One half of the signature: 72 bytes little endian, of which a P-384 number fills 48. */
const readHalf = (bytes: Uint8Array, at: number): Uint8Array => {
  requireZero(bytes, at + 48, at + 72)
  return bytes.slice(at, at + 48).reverse()
}

/** Reserved bytes are zero in each version, so that a later version's field is never silently ignored. */
const checkReserved = (bytes: Uint8Array, version: number): void => {
  requireZero(bytes, 0x04c, 0x050)
  requireZero(bytes, version === 2 ? 0x188 : 0x18b, 0x1a0)
  requireZero(bytes, 0x1eb, 0x1ec)
  requireZero(bytes, 0x1ef, 0x1f0)
  requireZero(bytes, version === 5 ? 0x208 : 0x1f8, SIGNED_LENGTH)
  requireZero(bytes, SIGNED_LENGTH + 144, REPORT_LENGTH)
}

/** Version of a report, before its form is known. @throws ATTESTATION_QUOTE_MALFORMED */
export const readReportVersion = (bytes: Uint8Array): number => (bytes.length < 4 ? bad(`${bytes.length} bytes`) : u32At(bytes, 0))

/** Reads a report. @throws ATTESTATION_QUOTE_MALFORMED, ATTESTATION_QUOTE_TRAILING_BYTES, ATTESTATION_QUOTE_VERSION */
export const parseSnpReport = (input: Uint8Array): SnpReport => {
  const version = readReportVersion(input)
  if (!REPORT_VERSIONS.includes(version)) throw attestationError('ATTESTATION_QUOTE_VERSION', `version ${version}`)
  if (input.length < REPORT_LENGTH) return bad(`${input.length} bytes, ${REPORT_LENGTH} expected`)
  if (input.length > REPORT_LENGTH) throw attestationError('ATTESTATION_QUOTE_TRAILING_BYTES', `${input.length - REPORT_LENGTH} bytes`)
  const bytes = input.slice()
  checkReserved(bytes, version)
  const cut = (range: ByteRange): Uint8Array => bytes.subarray(range.offset, range.offset + range.length)
  const policyBytes = cut(AT.policy)
  const keyInfo = bytes[AT.keyInfo.offset] as number
  if ((keyInfo & 0xe0) !== 0 || cut(AT.keyInfo).subarray(1).some((byte) => byte !== 0)) return bad('reserved bits of the key information are set')
  const [family, model, stepping] = cut(AT.cpuid) as unknown as [number, number, number]
  return {
    bytes, version, policyBytes, policy: readPolicy(policyBytes),
    guestSvn: u32At(bytes, 0x004), familyId: bytes.subarray(0x010, 0x020), imageId: bytes.subarray(0x020, 0x030),
    vmpl: u32At(bytes, AT.vmpl.offset), signatureAlgorithm: u32At(bytes, AT.signatureAlgorithm.offset),
    currentTcb: cut(AT.currentTcb), committedTcb: cut(AT.committedTcb), reportedTcb: cut(AT.reportedTcb), launchTcb: cut(AT.launchTcb),
    platformInfo: cut(AT.platformInfo), aliasCheckComplete: bit(cut(AT.platformInfo), 5),
    authorKeyEnabled: (keyInfo & 1) === 1, maskChipKey: (keyInfo & 2) === 2, signingKey: SIGNING_KEYS[(keyInfo >> 2) & 7] ?? 'reserved',
    reportData: cut(AT.reportData), measurement: cut(AT.measurement), hostData: cut(AT.hostData),
    idKeyDigest: cut(AT.idKeyDigest), authorKeyDigest: cut(AT.authorKeyDigest),
    reportId: cut(AT.reportId), migrationReportId: cut(AT.migrationReportId),
    cpuid: version === 2 ? undefined : { family, model, stepping },
    chipId: cut(AT.chipId),
    signature: concatBytes(readHalf(bytes, AT.signature.offset), readHalf(bytes, AT.signature.offset + 72)),
  }
}
