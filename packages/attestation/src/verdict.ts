/**
 * Owns the explainable verdict: a tree of every check with its rule, what was seen, what was expected and the result, and the
 * facts that a passing verdict proves. The first failing check names the verdict's code. Does not own any rule.
 */
import { toHexPlain } from '@phalanx/primitives/bytes'
import { attestationError, fixOf, isAttestationError, type AttestationErrorCode } from './errors.ts'
import { formatIsoSeconds } from './x509/time.ts'
import type { TcbStatus } from './status.ts'

/** What a check looked at: bytes, text or a number. */
export type CheckValue = Uint8Array | string | number | boolean

/** Outcome of a check. A skipped one could not run because an earlier one failed, or does not apply here. */
export type CheckResult = 'pass' | 'fail' | 'skip'

/** Where in the evidence the bytes of a check lie. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** One node of the tree. A group passes when all below it pass. */
export interface Check {
  readonly name: string
  /** The rule with its source: a manual, an RFC or a reference section. */
  readonly rule: string
  readonly result: CheckResult
  readonly seen?: CheckValue
  readonly expected?: CheckValue
  readonly at?: ByteRange
  readonly errorCode?: AttestationErrorCode
  /** What was seen, in words, for the error's sentence. */
  readonly detail?: string
  readonly fix?: string
  readonly children: readonly Check[]
}

/** Something whose time ends: a certificate, a signed document, a revocation list, a report's age. */
export interface Lapse {
  readonly name: string
  /** Last second at which it holds, the policy's grace included. */
  readonly at: number
}

/** What evidence proves. Byte fields are raw; times are seconds. */
export interface Facts {
  /** Name of the kind in the table. */
  readonly kind: string
  /** Runtime hash, 68 bytes for enclaves (registry.md §2.2.6, §2.3.11). */
  readonly measurement: Uint8Array
  /** The measurement without what the code added to it while running, where the kind has both. */
  readonly bootMeasurement?: Uint8Array
  /** All 64 bytes the enclave had signed. */
  readonly reportData: Uint8Array
  readonly debug: boolean
  readonly tcbStatus: TcbStatus
  /** Open on the platform or on its quoting enclave. */
  readonly advisoryIds: readonly string[]
  /** Open on the firmware module that runs guests, where the kind has one; policies refuse these alike. */
  readonly moduleAdvisoryIds?: readonly string[]
  /** 1 (best) to 5 by registry.md §2.5. */
  readonly confidenceLevel: number
  /** Platform family, 6 bytes, where the kind has one. */
  readonly fmspc?: Uint8Array
  /** Platform family as policies list it, where it is another than the FMSPC: `snp:milan` as text. */
  readonly family?: Uint8Array
  /** The lower of the collateral's evaluation numbers. */
  readonly evaluationNumber?: number
  /** Whether a simulated vendor signed it. */
  readonly simulated: boolean
  /** SHA-256 of the pinned root certificate at which the chain ended. */
  readonly rootFingerprint: Uint8Array
  /** First second at which this verdict holds. */
  readonly notBefore: number
  /** Last second at which this verdict holds: it lapses after it. */
  readonly notAfter: number
  /** Everything that will lapse, the earliest first; the first one's time is `notAfter`. */
  readonly lapses: readonly Lapse[]
  /** Further fields of the kind, for display. */
  readonly fields: Readonly<Record<string, CheckValue>>
}

/** The outcome of verifying evidence. `claims` of a failed one are what it says, not what is true. */
export type Verdict =
  | { readonly ok: true; readonly facts: Facts; readonly tree: Check }
  | {
      readonly ok: false
      readonly errorCode: AttestationErrorCode
      readonly detail: string
      readonly fix: string
      readonly claims: Partial<Facts>
      readonly tree: Check
    }

/** The constant part of a check. */
export interface CheckSpec {
  readonly name: string
  readonly rule: string
  readonly seen?: CheckValue
  readonly expected?: CheckValue
  readonly at?: ByteRange
}

/** Collects checks in order; groups nest. */
export interface CheckRecorder {
  /** Records a check that ran; returns whether it passed. */
  check(spec: CheckSpec, test: { readonly pass: boolean; readonly code: AttestationErrorCode; readonly detail: string }): boolean
  /** Runs a reader that throws this package's errors; a throw is the failure and yields undefined. */
  attempt<T>(spec: CheckSpec, run: () => T): T | undefined
  /** Records a check that cannot or need not run. */
  skip(spec: CheckSpec, why: string): void
  /** Records a group of checks. */
  group<T>(spec: CheckSpec, run: (inner: CheckRecorder) => T): T
  /** Takes over a check recorded earlier (cached collateral). */
  adopt(check: Check): void
  /** Whether a check recorded so far failed. */
  failed(): boolean
  /** Everything recorded so far as one group. */
  finish(spec: CheckSpec): Check
}

const resultOf = (children: readonly Check[]): CheckResult => {
  let result: CheckResult = 'skip'
  for (const child of children) {
    if (child.result === 'fail') return 'fail'
    if (child.result === 'pass') result = 'pass'
  }
  return result
}

const failure = (spec: CheckSpec, code: AttestationErrorCode, detail: string): Check =>
  ({ ...spec, result: 'fail', errorCode: code, detail, fix: fixOf(code), children: [] })

/** An empty recorder. */
export const createCheckRecorder = (): CheckRecorder => {
  const checks: Check[] = []
  return {
    check(spec, test) {
      checks.push(test.pass ? { ...spec, result: 'pass', children: [] } : failure(spec, test.code, test.detail))
      return test.pass
    },
    attempt(spec, run) {
      try {
        const value = run()
        checks.push({ ...spec, result: 'pass', children: [] })
        return value
      } catch (error) {
        if (!isAttestationError(error)) throw error
        const path = error.path === '' ? '' : ` (in ${error.path})`
        checks.push(failure(spec, error.code, error.context.detail + path))
        return undefined
      }
    },
    skip(spec, why) {
      checks.push({ ...spec, result: 'skip', detail: why, children: [] })
    },
    group(spec, run) {
      const inner = createCheckRecorder()
      const value = run(inner)
      checks.push(inner.finish(spec))
      return value
    },
    adopt(check) {
      checks.push(check)
    },
    failed: () => checks.some(({ result }) => result === 'fail'),
    finish: (spec) => ({ ...spec, result: resultOf(checks), children: checks }),
  }
}

/** The first failing leaf in reading order, or undefined. */
export const firstFailure = (check: Check): Check | undefined => {
  if (check.result !== 'fail') return undefined
  for (const child of check.children) {
    const found = firstFailure(child)
    if (found !== undefined) return found
  }
  return check.errorCode === undefined ? undefined : check
}

/** Every failing leaf in reading order. */
export const allFailures = (check: Check): readonly Check[] =>
  check.children.length === 0 ? (check.result === 'fail' ? [check] : []) : check.children.flatMap(allFailures)

/** Turns a finished tree into a verdict. A tree without failure proves the facts, which must then be complete. */
export const verdictOf = (tree: Check, facts: Facts | Partial<Facts>): Verdict => {
  const failed = firstFailure(tree)
  if (failed === undefined) return { ok: true, facts: facts as Facts, tree }
  const errorCode = failed.errorCode as AttestationErrorCode
  return { ok: false, errorCode, detail: failed.detail ?? '', fix: failed.fix ?? fixOf(errorCode), claims: facts, tree }
}

/** The verdict's first failure as an error to throw. */
export const verdictError = (verdict: Verdict & { readonly ok: false }): Error =>
  attestationError(verdict.errorCode, verdict.detail, { path: firstFailurePath(verdict.tree).join('.') })

/** Names from the root to the first failure. */
export const firstFailurePath = (check: Check): readonly string[] => {
  const child = check.children.find(({ result }) => result === 'fail')
  return child === undefined ? [] : [child.name, ...firstFailurePath(child)]
}

/** What ends first and with it the verdict; of a refused one, of what could be read. Undefined where nothing with a date was. */
export const firstLapse = (verdict: Verdict): Lapse | undefined => (verdict.ok ? verdict.facts : verdict.claims).lapses?.[0]

/** One failed check with its remedy. */
export interface Remedy {
  /** Names from the tree's root to the check. */
  readonly path: readonly string[]
  readonly errorCode: AttestationErrorCode
  readonly detail: string
  /** What to do about it: one sentence. */
  readonly fix: string
}

/** Every failed check with its remedy, in reading order; the first is the verdict's own. Empty for a passing verdict. */
export const remediesOf = (verdict: Verdict): readonly Remedy[] => (verdict.ok ? [] : collectRemedies(verdict.tree, []))

const collectRemedies = (check: Check, path: readonly string[]): readonly Remedy[] =>
  check.children.flatMap((child): readonly Remedy[] => {
    const here = [...path, child.name]
    if (child.result !== 'fail') return []
    if (child.children.length > 0) return collectRemedies(child, here)
    const errorCode = child.errorCode as AttestationErrorCode
    return [{ path: here, errorCode, detail: child.detail ?? '', fix: child.fix ?? fixOf(errorCode) }]
  })

/** A check's value as text: hex for bytes. */
const formatCheckValue = (value: CheckValue): string => (value instanceof Uint8Array ? toHexPlain(value) : String(value))

const MARKS: Readonly<Record<CheckResult, string>> = { pass: '✔', fail: '✘', skip: '–' }

const formatLines = (check: Check, indent: string): readonly string[] => {
  const seen = check.seen === undefined ? '' : `: ${formatCheckValue(check.seen)}`
  const lines = [`${indent}${MARKS[check.result]} ${check.name}${seen}`]
  const note = (text: string): number => lines.push(`${indent}    ${text}`)
  if (check.result === 'fail' && check.children.length === 0) {
    if (check.expected !== undefined) note(`expected: ${formatCheckValue(check.expected)}`)
    note(`${check.errorCode ?? ''}: ${check.detail ?? ''}`)
    note(`rule: ${check.rule}`)
    note(`fix: ${check.fix ?? ''}`)
  } else if (check.result === 'skip' && check.detail !== undefined) note(check.detail)
  return [...lines, ...check.children.flatMap((child) => formatLines(child, `${indent}  `))]
}

/** The tree as indented text for people. */
export const formatVerdict = (verdict: Verdict): string => {
  const lapse = firstLapse(verdict)
  const ends = lapse === undefined ? '' : `, when ${lapse.name} lapses`
  const head = verdict.ok
    ? `trusted until ${formatIsoSeconds(verdict.facts.notAfter)}${ends} (${verdict.facts.tcbStatus}, confidence ${verdict.facts.confidenceLevel})`
    : `refused: ${verdict.errorCode} (${verdict.detail})\n${verdict.fix}`
  return [head, ...formatLines(verdict.tree, '')].join('\n')
}
