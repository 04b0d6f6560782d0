/**
 * Owns the whole question of somebody who holds a file and trusts nobody: what evidence is this, what does it prove at a time under a
 * policy, what will end that, and what can be done about every failure. The same in a terminal, on a server and in a browser.
 */
import { toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { attachCollateral, detectEvidence, type EvidenceForm } from './kinds/detect.ts'
import { verifyEvidence, type AttestationReport, type TeeKindName } from './kinds/index.ts'
import type { AttestationPolicy } from './policy.ts'
import { remediesOf, type Check, type CheckResult, type CheckValue, type Verdict } from './verdict.ts'
import { verdictToJson, type PlainJson } from './verdict-json.ts'
import { formatIsoSeconds } from './x509/time.ts'

/** What a verification of a file depends on. */
export interface VerifyFileInput {
  /** Evidence of any kind in any form. */
  readonly file: Uint8Array
  /** A file with collateral; takes the place of what the evidence carries. */
  readonly collateral?: Uint8Array | undefined
  readonly policy: AttestationPolicy
  readonly nowSeconds: number
  /** First bytes that the report data must have; undefined leaves them to the reader. */
  readonly reportData?: Uint8Array | undefined
  readonly crypto: Crypto
}

/** Evidence and what it proves. */
export interface VerifiedFile {
  readonly kind: TeeKindName
  /** How it came: a file's form, or read from a chain. */
  readonly form: EvidenceForm | 'chain'
  readonly evidence: AttestationReport
  readonly nowSeconds: number
  readonly verdict: Verdict
}

/**
 * Recognises evidence in a file and judges it. Evidence that fails is a verdict; only what is no evidence, or no collateral, throws.
 * @throws ATTESTATION_EVIDENCE_UNKNOWN, ATTESTATION_COLLATERAL_UNKNOWN, ATTESTATION_JSON_ codes, ATTESTATION_INPUT_TOO_LARGE
 */
export const verifyFile = (input: VerifyFileInput): VerifiedFile => {
  const { file, collateral, ...rest } = input
  const { evidence: found, form } = detectEvidence(file)
  const evidence = collateral === undefined ? found : attachCollateral(found, collateral)
  return verifyReport({ evidence, form, ...rest })
}

/** Judges evidence that was read already. Total: whatever is wrong is in the verdict. */
export const verifyReport = (input: Omit<VerifyFileInput, 'file' | 'collateral'> & Pick<VerifiedFile, 'evidence' | 'form'>): VerifiedFile => {
  const { evidence, form, policy, nowSeconds, reportData, crypto } = input
  return { kind: evidence.kind, form, evidence, nowSeconds, verdict: verifyEvidence({ evidence, policy, nowSeconds, crypto, expectedReportData: reportData }) }
}

/** The verdict's JSON (verdict-json.ts) with `kind`, `form` and `at`, the time it was judged for. */
export const verifiedFileToJson = ({ kind, form, nowSeconds, verdict }: VerifiedFile): PlainJson => ({
  kind, form, at: { seconds: nowSeconds, iso: formatIsoSeconds(nowSeconds) }, ...(verdictToJson(verdict) as Record<string, PlainJson>),
})

/** Marks up text by meaning; a terminal paints, everything else leaves it as it is. */
export interface VerdictStyle {
  good(text: string): string
  bad(text: string): string
  dim(text: string): string
  bold(text: string): string
}

const PLAIN: VerdictStyle = { good: (text) => text, bad: (text) => text, dim: (text) => text, bold: (text) => text }

/** Longest value shown whole. */
const VALUE_BYTES_MAX = 68
const VALUE_TEXT_MAX = 160

const formatValue = (value: CheckValue): string => {
  if (!(value instanceof Uint8Array)) return shorten(String(value))
  return value.length <= VALUE_BYTES_MAX ? toHexPlain(value) : `${toHexPlain(value.subarray(0, VALUE_BYTES_MAX))}… (${value.length} bytes)`
}

const shorten = (text: string): string => (text.length <= VALUE_TEXT_MAX ? text : `${text.slice(0, VALUE_TEXT_MAX)}…`)

const MARKS: Readonly<Record<CheckResult, string>> = { pass: '✔', fail: '✘', skip: '–' }

const paintMark = (result: CheckResult, style: VerdictStyle): string =>
  result === 'pass' ? style.good(MARKS.pass) : result === 'fail' ? style.bad(MARKS.fail) : style.dim(MARKS.skip)

/** Field, bytes, value, rule and result of a check and of those below it. */
const checkLines = (check: Check, indent: string, style: VerdictStyle): readonly string[] => {
  const { name, rule, result, seen, expected, at, detail, errorCode, children } = check
  const bytes = at === undefined ? '' : style.dim(` [${at.offset}..${at.offset + at.length})`)
  const lines = [`${indent}${paintMark(result, style)} ${children.length > 0 ? style.bold(name) : name}${bytes}${seen === undefined ? '' : `  ${formatValue(seen)}`}`]
  const note = (text: string): number => lines.push(`${indent}    ${text}`)
  const isLeaf = children.length === 0
  if (isLeaf && expected !== undefined && (result === 'fail' || String(expected) !== String(seen))) note(style.dim(`expected ${formatValue(expected)}`))
  note(style.dim(`rule: ${rule}`))
  if (isLeaf && result === 'fail') note(style.bad(`${errorCode ?? ''}: ${detail ?? ''}`))
  if (isLeaf && result === 'skip' && detail !== undefined) note(style.dim(`not judged: ${detail}`))
  return [...lines, ...children.flatMap((child) => checkLines(child, `${indent}  `, style))]
}

const moment = (seconds: number): string => (seconds >= Number.MAX_SAFE_INTEGER ? 'never' : formatIsoSeconds(seconds))

const lapseLines = (verdict: Verdict, nowSeconds: number): readonly string[] => {
  const lapses = (verdict.ok ? verdict.facts : verdict.claims).lapses ?? []
  const dated = lapses.filter(({ at }) => at < Number.MAX_SAFE_INTEGER)
  if (dated.length === 0) return [verdict.ok ? 'Lapses: nothing in it has a date.' : 'Lapses: nothing with a date could be read.']
  return dated.slice(0, 4).map(({ name, at }, i) => `${i === 0 ? 'Lapses first:' : 'then:        '} ${name}, ${moment(at)}${at < nowSeconds ? ' (lapsed)' : ''}`)
}

/** The verdict for people: what it is, whether it is trusted and until when, the tree of every check, and what to do about each failure. */
export const formatVerifiedFile = ({ kind, form, nowSeconds, verdict }: VerifiedFile, style: VerdictStyle = PLAIN): string => {
  const head = verdict.ok
    ? `${style.good('trusted')}: status ${verdict.facts.tcbStatus}, confidence ${verdict.facts.confidenceLevel}${verdict.facts.simulated ? ', from a simulated vendor' : ''}`
    : `${style.bad('not trusted')}: ${verdict.errorCode} (${verdict.detail})`
  const facts = verdict.ok ? verdict.facts : verdict.claims
  const said = (name: string, value: CheckValue | undefined): readonly string[] => (value === undefined ? [] : [`${name.padEnd(13)} ${formatValue(value)}`])
  const fields = Object.entries(facts.fields ?? {}).flatMap(([name, value]) => said(name, value))
  const remedies = remediesOf(verdict)
  return [
    `${style.bold(kind)} evidence (${form}), judged for ${moment(nowSeconds)}`,
    head,
    ...lapseLines(verdict, nowSeconds),
    ...(verdict.ok ? [] : [style.dim('What follows is what the evidence says, not what is true.')]),
    ...said('measurement', facts.measurement),
    ...said('boot form', facts.bootMeasurement),
    ...said('report data', facts.reportData),
    ...said('advisories', facts.advisoryIds === undefined || facts.advisoryIds.length === 0 ? undefined : facts.advisoryIds.join(', ')),
    ...fields.map((line) => style.dim(line)),
    '',
    ...checkLines(verdict.tree, '', style),
    ...(remedies.length === 0 ? [] : ['', style.bold(`What to do (${remedies.length}):`)]),
    ...remedies.flatMap(({ path, errorCode, detail, fix }, i) => [`${i + 1}. ${path.join(' > ')}: ${errorCode} (${detail})`, `   ${fix}`]),
  ].join('\n')
}
