/**
 * Owns the guest's report in TDX quotes, versions 1.0 and 1.5 (Intel TDX DCAP Quoting Library API, appendix A.3.2): its layout, its
 * flags, and the measurement by which allow lists name a guest.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import { concatBytes, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { assert } from '@phalanx/primitives/assert'
import type { AttestationPolicy } from '../../policy.ts'
import { checkDebug } from '../../policy-checks.ts'
import type { CheckRecorder } from '../../verdict.ts'
import type { Quote } from '../dcap/quote.ts'

const REPORT = 'Intel TDX DCAP Quoting Library API, appendix A.3.2'

/** Fields in wire order with their lengths; the last two exist in version 1.5 only. */
const LAYOUT = [
  ['teeTcbSvn', 16], ['mrSeam', 48], ['mrSignerSeam', 48], ['seamAttributes', 8], ['tdAttributes', 8], ['xfam', 8],
  ['mrTd', 48], ['mrConfigId', 48], ['mrOwner', 48], ['mrOwnerConfig', 48], ['rtmr0', 48], ['rtmr1', 48], ['rtmr2', 48], ['rtmr3', 48],
  ['reportData', 64],
] as const
const LAYOUT_15 = [...LAYOUT, ['teeTcbSvn2', 16], ['mrServiceTd', 48]] as const

/** Where the report data begins in the body. */
export const REPORT_DATA_OFFSET = 520

/** Report of a guest ("TD"): who runs it, what was loaded, what it measured itself, and what it had signed. */
export type GuestReport = Readonly<Record<(typeof LAYOUT)[number][0], Uint8Array>> & {
  /** SVNs of the module that runs now, which may be newer than the one that started the guest; version 1.5. */
  readonly teeTcbSvn2?: Uint8Array
  /** Hash of the service guests that are bound to this one, zero where none is; version 1.5. */
  readonly mrServiceTd?: Uint8Array
}

/** Reads the body of a quote that is about a guest. */
export const parseGuestReport = ({ bodyKind, body }: Quote): GuestReport => {
  assert(bodyKind !== 'enclave', 'the quote is about a guest')
  const fields: Record<string, Uint8Array> = {}
  let offset = 0
  for (const [name, length] of bodyKind === 'guest10' ? LAYOUT : LAYOUT_15) {
    fields[name] = body.slice(offset, offset + length)
    offset += length
  }
  return fields as GuestReport
}

/** Bit of an 8-byte field, little endian. */
const bit = (bytes: Uint8Array, index: number): boolean => (((bytes[index >> 3] as number) >> (index & 7)) & 1) === 1

/** Bits of TDATTRIBUTES (Intel TDX Module ABI, TD_ATTRIBUTES). */
const ATTRIBUTE = { debug: 0, septVeDisable: 28, migratable: 29, pks: 30, keyLocker: 31, perfmon: 63 } as const

/** Bits 0 to 7 make a guest untrusted, all of them; only the first has a meaning so far. */
const UNTRUSTED_BITS = 8

/** Whether the guest's memory is open to its host. */
export const isDebugGuest = ({ tdAttributes }: GuestReport): boolean => bit(tdAttributes, ATTRIBUTE.debug)

const reservedAttributes = ({ tdAttributes }: GuestReport): readonly number[] => {
  const known: readonly number[] = Object.values(ATTRIBUTE)
  return Array.from({ length: 64 }, (_, index) => index).filter((index) => bit(tdAttributes, index) && !known.includes(index))
}

/** XFAM (Intel TDX Module ABI, XFAM): x87 and SSE are always on, and no bit outside this mask has a meaning. */
const XFAM_REQUIRED = 0x3n
const XFAM_KNOWN = 0x6dbe7n

const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)

/** Names of the features that a guest was given and that are no fault. */
const featuresOf = ({ tdAttributes }: GuestReport): string =>
  (['pks', 'keyLocker', 'perfmon'] as const).filter((name) => bit(tdAttributes, ATTRIBUTE[name])).join(', ')

/**
 * The flags by which a genuine guest can still be an open one. Exceptions on private pages must be off: a host that unmaps a page could
 * otherwise drive the guest's own handler. A service guest can read or move the one it is bound to, so a bound guest is as trustworthy
 * as code that no list names here.
 */
export const checkGuestFlags = (checks: CheckRecorder, quote: Quote, policy: AttestationPolicy): void => {
  const report = parseGuestReport(quote)
  const { tdAttributes, xfam, mrServiceTd } = report
  const seen = tdAttributes
  const detail = `TDATTRIBUTES ${toHexPlain(tdAttributes)}`
  const at = { offset: quote.at.body.offset + 120, length: 8 }
  checkDebug(checks, { debug: isDebugGuest(report), seen, rule: `${REPORT}: TDATTRIBUTES.DEBUG is bit 0` }, policy)
  const unknown = reservedAttributes(report)
  const untrusted = unknown.filter((index) => index < UNTRUSTED_BITS)
  checks.check(
    { name: 'reserved attributes', rule: `${REPORT}: reserved bits of TDATTRIBUTES are zero`, seen, at },
    { pass: unknown.length === 0, code: 'ATTESTATION_TD_ATTRIBUTES_RESERVED', detail: `${detail}, bits ${unknown.join(', ')}${untrusted.length > 0 ? ' (debug group)' : ''}` },
  )
  checks.check(
    { name: 'exceptions on private pages off', rule: `${REPORT}: TDATTRIBUTES.SEPT_VE_DISABLE (bit 28) is set`, seen, at },
    { pass: bit(tdAttributes, ATTRIBUTE.septVeDisable), code: 'ATTESTATION_TD_SEPT_VE_ENABLED', detail },
  )
  checks.check(
    { name: 'not migratable', rule: `${REPORT}: TDATTRIBUTES.MIGRATABLE (bit 29) is clear`, seen, at },
    { pass: !bit(tdAttributes, ATTRIBUTE.migratable), code: 'ATTESTATION_TD_MIGRATABLE', detail },
  )
  checks.check({ name: 'features', rule: `${REPORT}: protection keys, key locker and performance monitoring may be on`, seen: featuresOf(report), at }, { pass: true, code: 'ATTESTATION_TD_ATTRIBUTES_RESERVED', detail: '' })
  const states = littleEndian(xfam)
  checks.check(
    { name: 'XFAM', rule: 'Intel TDX Module ABI, XFAM: x87 and SSE on, reserved bits zero', seen: xfam, at: { offset: quote.at.body.offset + 128, length: 8 } },
    { pass: (states & XFAM_REQUIRED) === XFAM_REQUIRED && (states & ~XFAM_KNOWN) === 0n, code: 'ATTESTATION_TD_XFAM', detail: `XFAM ${toHexPlain(xfam)}` },
  )
  const service = { name: 'no service guest', rule: `${REPORT}: MRSERVICETD is zero` }
  if (mrServiceTd === undefined) checks.skip(service, 'reports of version 1.0 have no service guests')
  else checks.check({ ...service, seen: mrServiceTd }, { pass: isZero(mrServiceTd), code: 'ATTESTATION_TD_SERVICE_BOUND', detail: `MRSERVICETD ${toHexPlain(mrServiceTd)}` })
}

/** Tags that keep the two forms of measurement apart from each other and from every other hash. */
const FULL_TAG = utf8('phalanx/tdx/measurement/1')
const BOOT_TAG = utf8('phalanx/tdx/boot-measurement/1')

/**
 * Measurement of a guest, 32 bytes: SHA-256 over a tag and TDATTRIBUTES ‖ XFAM ‖ MRTD ‖ MRCONFIGID ‖ MROWNER ‖ MROWNERCONFIG ‖ RTMR0 ‖
 * RTMR1 ‖ RTMR2 ‖ RTMR3; the boot form leaves out RTMR3, which the running system extends. Every part has a fixed length.
 */
export const measureGuest = (report: GuestReport, crypto: Crypto): { readonly full: Uint8Array; readonly boot: Uint8Array } => {
  const { tdAttributes, xfam, mrTd, mrConfigId, mrOwner, mrOwnerConfig, rtmr0, rtmr1, rtmr2, rtmr3 } = report
  const loaded = concatBytes(tdAttributes, xfam, mrTd, mrConfigId, mrOwner, mrOwnerConfig, rtmr0, rtmr1, rtmr2)
  return { full: crypto.sha256(concatBytes(FULL_TAG, loaded, rtmr3)), boot: crypto.sha256(concatBytes(BOOT_TAG, loaded)) }
}
