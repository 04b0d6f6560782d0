/**
 * Owns the JSON form of a verdict, for machines and for keeping: plain values only, bytes as 0x-hex, times in seconds and as text.
 * Keys are added in later formats, never renamed; `format` counts changes of meaning.
 */
import { toHex } from '@phalanx/primitives/bytes'
import { firstLapse, remediesOf, type Check, type CheckValue, type Facts, type Verdict } from './verdict.ts'
import { formatIsoSeconds } from './x509/time.ts'

/** A JSON value that `JSON.stringify` takes as it is. */
export type PlainJson = null | boolean | number | string | readonly PlainJson[] | { readonly [key: string]: PlainJson }

type Members = Readonly<Record<string, PlainJson | undefined>>

/** An object without its undefined members. */
const compact = (members: Members): PlainJson =>
  Object.fromEntries(Object.entries(members).filter((entry): entry is [string, PlainJson] => entry[1] !== undefined))

const valueToJson = (value: CheckValue | undefined): PlainJson | undefined => (value instanceof Uint8Array ? toHex(value) : value)

const checkToJson = (check: Check): PlainJson =>
  compact({
    name: check.name,
    rule: check.rule,
    result: check.result,
    seen: valueToJson(check.seen),
    expected: valueToJson(check.expected),
    at: check.at === undefined ? undefined : { offset: check.at.offset, length: check.at.length },
    errorCode: check.errorCode,
    detail: check.detail,
    fix: check.fix,
    children: check.children.length === 0 ? undefined : check.children.map(checkToJson),
  })

const momentToJson = (seconds: number | undefined): PlainJson | undefined =>
  seconds === undefined || seconds >= Number.MAX_SAFE_INTEGER ? undefined : { seconds, iso: formatIsoSeconds(seconds) }

const factsToJson = (facts: Partial<Facts>): PlainJson =>
  compact({
    kind: facts.kind,
    measurement: valueToJson(facts.measurement),
    bootMeasurement: valueToJson(facts.bootMeasurement),
    reportData: valueToJson(facts.reportData),
    debug: facts.debug,
    tcbStatus: facts.tcbStatus,
    advisoryIds: facts.advisoryIds,
    moduleAdvisoryIds: facts.moduleAdvisoryIds,
    confidenceLevel: facts.confidenceLevel,
    fmspc: valueToJson(facts.fmspc),
    family: valueToJson(facts.family),
    evaluationNumber: facts.evaluationNumber,
    simulated: facts.simulated,
    rootFingerprint: valueToJson(facts.rootFingerprint),
    notBefore: momentToJson(facts.notBefore),
    notAfter: momentToJson(facts.notAfter),
    lapses: facts.lapses?.map(({ name, at }) => ({ name, ...(momentToJson(at) as Record<string, PlainJson>) })),
    fields: facts.fields === undefined ? undefined : compact(Object.fromEntries(Object.entries(facts.fields).map(([name, value]) => [name, valueToJson(value)]))),
  })

/**
 * A verdict as JSON: `{format, trusted, errorCode?, detail?, fix?, firstLapse?, facts | claims, failures, tree}`. `facts` stand for a trusted
 * verdict only; what refused evidence says of itself is `claims`. `failures` lists every failed check with its remedy.
 */
export const verdictToJson = (verdict: Verdict): PlainJson => {
  const lapse = firstLapse(verdict)
  return compact({
    format: 1,
    trusted: verdict.ok,
    errorCode: verdict.ok ? undefined : verdict.errorCode,
    detail: verdict.ok ? undefined : verdict.detail,
    fix: verdict.ok ? undefined : verdict.fix,
    firstLapse: lapse === undefined ? undefined : { name: lapse.name, ...(momentToJson(lapse.at) as Record<string, PlainJson>) },
    facts: verdict.ok ? factsToJson(verdict.facts) : undefined,
    claims: verdict.ok ? undefined : factsToJson(verdict.claims),
    failures: remediesOf(verdict).map(({ path, errorCode, detail, fix }) => ({ path, errorCode, detail, fix })),
    tree: checkToJson(verdict.tree),
  })
}
