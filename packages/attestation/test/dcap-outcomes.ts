/** Owns asking our verifier about DCAP cases and holding its answer to what a case states; the same for SGX and TDX. */
import { expect } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { readVectorJson } from '../../../tools/vectors.ts'
import { allFailures, mergeStatus, referencePolicy, verifyEvidence, type AttestationErrorCode, type AttestationPolicy, type TcbStatus, type Verdict } from '../src/index.ts'
import { dcapCase, genuinePckList, toEvidence, type CaseCollateral, type DcapCase } from './cases.ts'
import { describeVerdict, type Outcomes } from './outcomes.ts'

/** The backend that all DCAP cases are judged with. */
export const crypto = await loadCrypto()

/** Our verdict on a case under the reference's policy with changes. */
export const verify = (one: { readonly quoteHex: string; readonly collateral: CaseCollateral }, at: number, changes: Partial<AttestationPolicy> = {}): Verdict =>
  verifyEvidence({ evidence: toEvidence(parseHex(one.quoteHex), one.collateral), policy: referencePolicy(changes), nowSeconds: at, crypto })

/** Codes of all failures. */
export const failureCodes = (verdict: Verdict): readonly (AttestationErrorCode | undefined)[] => allFailures(verdict.tree).map(({ errorCode }) => errorCode)

/** Codes with which the reasons named by the cases must appear among the failures. */
const STATED_REASONS: readonly [RegExp, AttestationErrorCode][] = [
  [/^Debug mode/, 'ATTESTATION_DEBUG_ENCLAVE'],
  [/^SEPT_VE_DISABLE/, 'ATTESTATION_TD_SEPT_VE_ENABLED'],
  [/^No matching TCB level/, 'ATTESTATION_TCB_LEVEL_NOT_FOUND'],
  [/leaf signature invalid|intermediate signature invalid/, 'ATTESTATION_CERTIFICATE_SIGNATURE_INVALID'],
  [/decode error/, 'ATTESTATION_CERTIFICATE_SIGNATURE_INVALID'],
]

/** Whether a case's own notes say that two outcomes can be defended. */
export const isVerifierDependent = (one: DcapCase): boolean => (one.notes ?? []).some((note) => /verifier-dependent/i.test(note))

/** A case as it is judged, and the policy it is judged under. */
export interface Judged {
  readonly one: DcapCase
  readonly changes: Partial<AttestationPolicy>
  readonly remark: string
}

/** A case with the genuine list in place of a foreign one, and the grace that an overdue one needs. */
export const withGenuineList = (one: DcapCase): Judged => {
  const given = verify(one, one.verifyAt)
  const foreign = failureCodes(given).includes('ATTESTATION_CRL_ISSUER_MISMATCH')
  if (!foreign) return { one, changes: {}, remark: '' }
  const list = genuinePckList(one.collateral, one.verifyAt)
  if (list === undefined) return { one, changes: {}, remark: 'PCK CRL of another authority (refused); no genuine one at hand' }
  const grace = list.overdueSeconds === 0 ? '' : `, ${Math.ceil(list.overdueSeconds / 86_400)} days overdue and admitted by policy`
  return {
    one: { ...one, collateral: { ...one.collateral, pck_crl: list.hex } },
    changes: { revocationGraceSeconds: list.overdueSeconds },
    remark: `PCK CRL of another authority (as given ${describeVerdict(given)}); judged with the genuine one${grace}`,
  }
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const sorted = (ids: readonly string[]): readonly string[] => [...new Set(ids)].sort(byText)

/** Fields that are no bytes of the report, or are named otherwise. */
const NOT_FIELDS: readonly string[] = ['version', 'teeType', 'certDataType', 'fmspc', 'pceId', 'pckCpuSvn', 'pckPceSvn', 'pckCa', 'bodyType', 'reportData', 'debug']

const expectQuoteFields = (one: DcapCase, verdict: Verdict): void => {
  const stated = one.expected.quote
  const facts = verdict.ok ? verdict.facts : verdict.claims
  if (stated === undefined) return
  for (const [name, value] of Object.entries(stated)) {
    if (NOT_FIELDS.includes(name)) continue
    const ours = facts.fields?.[name]
    expect(ours instanceof Uint8Array ? toHexPlain(ours) : ours, `${one.id}: ${name}`).toBe(value)
  }
  expect(toHexPlain(facts.reportData ?? new Uint8Array())).toBe(stated.reportData)
  expect(facts.debug).toBe(stated.debug)
  if (facts.fmspc !== undefined && stated.fmspc !== undefined) expect(toHexPlain(facts.fmspc)).toBe(stated.fmspc)
}

const expectTcbEvaluation = (one: DcapCase, verdict: Verdict): void => {
  const stated = one.expected.tcbEvaluation
  const facts = verdict.ok ? verdict.facts : verdict.claims
  if (stated === undefined || facts.tcbStatus === undefined) return
  const module = stated.tdxModule ?? 'UpToDate'
  expect(facts.tcbStatus, one.id).toBe(mergeStatus(mergeStatus(stated.platform as TcbStatus, stated.qe as TcbStatus), module as TcbStatus))
  expect(sorted(facts.advisoryIds ?? []), one.id).toEqual(sorted([...stated.advisories, ...stated.qeAdvisories]))
}

/** Whether our verdict is what a case states: acceptance with status and advisories, or refusal with its reason among ours. */
export const isAsStated = (one: DcapCase, verdict: Verdict): boolean => {
  const { accepted, tcbStatus, advisoryIds, error } = one.expected
  if (accepted === undefined) return (verdict.ok ? verdict.facts : verdict.claims).tcbStatus === one.expected.tcbEvaluation?.platform
  if (accepted) return verdict.ok && verdict.facts.tcbStatus === tcbStatus && sorted(verdict.facts.advisoryIds).join() === sorted(advisoryIds ?? []).join()
  const reason = STATED_REASONS.find(([pattern]) => pattern.test(error ?? ''))
  // Where the chain is broken the case's words may be about any part of it.
  return !verdict.ok && (reason === undefined || one.expected.signatures?.chain === false || failureCodes(verdict).includes(reason[1]))
}

/** Notes a case, and asserts fields, TCB evaluation and outcome. Only where it is not as stated as given, a foreign revocation list is replaced. */
export const recordCase = (outcomes: Outcomes, original: DcapCase): void => {
  const given = { one: original, changes: {}, remark: '' }
  const { one, changes, remark }: Judged = isAsStated(original, verify(original, original.verifyAt)) ? given : withGenuineList(original)
  const verdict = verify(one, one.verifyAt, changes)
  const { accepted, tcbStatus, error, tcbEvaluation } = one.expected
  const stated = accepted === true ? `accepted: ${tcbStatus ?? ''}` : accepted === false ? `refused: ${error ?? ''}` : `level ${tcbEvaluation?.platform ?? ''}`
  const open = isVerifierDependent(one)
  outcomes.record({ name: one.id, stated, verdict, ok: isAsStated(one, verdict), count: open ? 'not judged' : remark === '' ? 'yes' : 'changed', remark: open ? 'verifier-dependent; ours follows the vendor\'s library' : remark })
  expectQuoteFields(one, verdict)
  expectTcbEvaluation(one, verdict)
}

/** Codes by which a part outside its window shows. */
const WINDOW_CODES: Readonly<Record<string, RegExp>> = {
  tcbInfo: /TCB_INFO_(EXPIRED|NOT_YET)/, qeIdentity: /QE_IDENTITY_(EXPIRED|NOT_YET)/, pckCrl: /CRL_(EXPIRED|NOT_YET)/,
  rootCrl: /CRL_(EXPIRED|NOT_YET)/, pckCert: /CERTIFICATE_(EXPIRED|NOT_YET)/,
}

/** Notes a case at its other times: refused, and each part that is outside its window named among the failures. Returns how many. */
export const recordTimeVariants = (outcomes: Outcomes, original: DcapCase): number => {
  const { one, changes } = withGenuineList(original)
  const isForeign = one.collateral.pck_crl !== original.collateral.pck_crl
  const variants = one.timeVariants ?? []
  for (const { at, when, outOfWindow } of variants) {
    const verdict = verify(one, at, changes)
    const codes = failureCodes(verdict)
    const missing = outOfWindow.filter((part) => !(isForeign && part === 'pckCrl') && !codes.some((code) => WINDOW_CODES[part]?.test(code ?? '') === true))
    outcomes.record({ name: `${one.id} @${at}`, stated: `refused: ${when}`, verdict, ok: outOfWindow.length > 0 && !verdict.ok && missing.length === 0 })
  }
  return variants.length
}

interface Tampered {
  readonly verifyAt: number
  readonly variants: readonly { readonly name: string; readonly why: string; readonly quoteHex?: string; readonly collateralChanges?: Partial<CaseCollateral> }[]
}

/** Notes every tampered form of a case: all are to be refused. Returns how many. */
export const recordTampered = (outcomes: Outcomes, id: string): number => {
  const base = dcapCase(id)
  const { verifyAt, variants } = readVectorJson<Tampered>(`2-dcap/invalid/tampered-${id}.json`)
  for (const variant of variants) {
    const verdict = verify({ quoteHex: variant.quoteHex ?? base.quoteHex, collateral: { ...base.collateral, ...variant.collateralChanges } }, verifyAt)
    outcomes.record({ name: `tampered ${id.slice(0, 12)}: ${variant.name}`, stated: `refused: ${variant.why}`, verdict, ok: !verdict.ok })
  }
  return variants.length
}
