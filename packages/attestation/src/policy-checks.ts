/** Owns the checks that policy asks of every kind alike: debug, family, measurement, status, advisories, confidence, report data. */
import { bytesEqual, startsWith, toHexPlain } from '@phalanx/primitives/bytes'
import type { AttestationPolicy } from './policy.ts'
import { confidenceOf } from './status.ts'
import type { CheckRecorder, CheckValue, Facts } from './verdict.ts'

/** Facts under construction. */
export type FactsDraft = { -readonly [K in keyof Facts]?: Facts[K] }

/** Refuses debug code unless the policy replays history. */
export const checkDebug = (checks: CheckRecorder, found: { readonly debug: boolean; readonly seen: CheckValue; readonly rule: string }, policy: AttestationPolicy): void => {
  const spec = { name: 'not a debug enclave', rule: found.rule, seen: found.seen }
  if (found.debug && policy.admitDebug) return checks.skip(spec, 'the policy admits debug enclaves')
  checks.check(spec, { pass: !found.debug, code: 'ATTESTATION_DEBUG_ENCLAVE', detail: found.seen instanceof Uint8Array ? `attributes ${toHexPlain(found.seen)}` : String(found.seen) })
}

/** A platform family for people: text where it is text, hex otherwise. */
const formatFamily = (family: Uint8Array): string =>
  family.every((byte) => byte > 0x20 && byte < 0x7f) ? String.fromCharCode(...family) : toHexPlain(family)

/** Revoking a whole family is the answer to keys stolen from its machines; the block list wins over the allow list. */
const checkFamily = (checks: CheckRecorder, found: Uint8Array | undefined, policy: AttestationPolicy): void => {
  const spec = { name: 'platform family', rule: 'Policy: lists of allowed and blocked families' }
  if (found === undefined) {
    if (policy.allowedFamilies.length === 0) checks.skip(spec, 'this kind names no family')
    else checks.check(spec, { pass: false, code: 'ATTESTATION_FMSPC_REFUSED', detail: 'the evidence names no family' })
    return
  }
  const blocked = policy.blockedFamilies.some((family) => bytesEqual(family, found))
  const allowed = policy.allowedFamilies.length === 0 || policy.allowedFamilies.some((family) => bytesEqual(family, found))
  checks.check({ ...spec, seen: found }, { pass: !blocked && allowed, code: 'ATTESTATION_FMSPC_REFUSED', detail: `${formatFamily(found)} is ${blocked ? 'blocked' : 'not listed'}` })
}

/** The list names code by measurement, product, version and signer together (68 bytes); a prefix is not enough. */
const checkMeasurement = (checks: CheckRecorder, draft: FactsDraft, policy: AttestationPolicy): void => {
  const { measurement } = draft
  const spec = { name: 'measurement', rule: 'registry.md §2.2.6, §2.3.12: the runtime hash is on the allow list', expected: `one of ${policy.measurements.length}` }
  if (measurement === undefined) return checks.skip(spec, 'no measurement was read')
  if (!policy.enforceMeasurements) return checks.skip({ ...spec, seen: measurement }, 'the policy does not enforce the list')
  const isListed = (one: Uint8Array): boolean => policy.measurements.some((allowed) => bytesEqual(allowed, one))
  const { bootMeasurement } = draft
  // Listing the form without the running code's own additions admits whatever it adds: governance decides by which form it lists.
  if (!isListed(measurement) && bootMeasurement !== undefined && isListed(bootMeasurement)) draft.measurement = bootMeasurement
  const listed = isListed(draft.measurement ?? measurement)
  checks.check({ ...spec, seen: draft.measurement ?? measurement }, { pass: listed, code: 'ATTESTATION_MEASUREMENT_REFUSED', detail: toHexPlain(measurement) })
}

/** `Revoked` earns no level and is refused even by a policy that lists it. */
const checkStatus = (checks: CheckRecorder, draft: FactsDraft, policy: AttestationPolicy, harmless: readonly string[]): void => {
  const { tcbStatus, advisoryIds } = draft
  const rule = 'registry.md §2.5'
  if (tcbStatus === undefined || advisoryIds === undefined) return checks.skip({ name: 'status', rule }, 'no status was found')
  const level = confidenceOf({ status: tcbStatus, advisoryIds, harmless })
  if (level !== undefined) draft.confidenceLevel = level
  const advisories = advisoryIds.length === 0 ? '' : ` (${advisoryIds.join(', ')})`
  checks.check(
    { name: 'status', rule: `${rule} and policy: accepted statuses`, seen: tcbStatus, expected: policy.acceptedStatuses.join(', ') },
    { pass: level !== undefined && policy.acceptedStatuses.includes(tcbStatus), code: 'ATTESTATION_STATUS_REFUSED', detail: tcbStatus + advisories },
  )
  const open = [...new Set([...advisoryIds, ...(draft.moduleAdvisoryIds ?? [])])]
  const refused = open.filter((id) => policy.refusedAdvisories.includes(id))
  checks.check(
    { name: 'advisories', rule: 'Policy: advisories that must not be open', seen: open.join(', ') },
    { pass: refused.length === 0, code: 'ATTESTATION_ADVISORY_REFUSED', detail: refused.join(', ') },
  )
  if (level === undefined) return
  checks.check(
    { name: 'confidence level', rule: `${rule} and policy: worst admitted level`, seen: level, expected: policy.confidenceLevelMax },
    { pass: level <= policy.confidenceLevelMax, code: 'ATTESTATION_CONFIDENCE_TOO_LOW', detail: `level ${level}, at most ${policy.confidenceLevelMax}` },
  )
}

/** Family, measurement, status, advisories and confidence; fills in the confidence level. */
export const checkPolicy = (checks: CheckRecorder, draft: FactsDraft, policy: AttestationPolicy, harmless: readonly string[]): void => {
  checkFamily(checks, draft.family ?? draft.fmspc, policy)
  checkMeasurement(checks, draft, policy)
  checkStatus(checks, draft, policy, harmless)
}

/** Compares the first bytes of the report data with what the caller expects (registry.md §2.1). */
export const checkReportData = (checks: CheckRecorder, reportData: Uint8Array, expected: Uint8Array | undefined, offset?: number): void => {
  const spec = { name: 'report data', rule: 'registry.md §2.1: the evidence was made for exactly this data', seen: reportData }
  if (expected === undefined) return checks.skip(spec, 'the caller states no data')
  const at = offset === undefined ? {} : { at: { offset, length: expected.length } }
  checks.check(
    { ...spec, ...at, expected },
    { pass: expected.length > 0 && startsWith(reportData, expected), code: 'ATTESTATION_REPORT_DATA_MISMATCH', detail: `made for ${toHexPlain(reportData.subarray(0, 32))}…` },
  )
}
