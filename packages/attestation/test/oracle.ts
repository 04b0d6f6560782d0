/** Owns the differential oracle: `@phala/dcap-qvl-web` as a function, its word for a case, and ours beside it. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { initSync, js_verify } from '@phala/dcap-qvl-web'
import type { Crypto } from '@phalanx/primitives/crypto'
import { firstFailure, referencePolicy, verifyEvidence, type Verdict } from '../src/index.ts'
import { toEvidence, type CaseCollateral } from './cases.ts'

/** Loads the Wasm oracle; returns its verdict on a quote as a status or an error text. */
export const loadOracle = (): ((quote: Uint8Array, collateral: CaseCollateral, at: number) => { readonly ok: boolean; readonly text: string }) => {
  initSync({ module: readFileSync(createRequire(import.meta.url).resolve('@phala/dcap-qvl-web/dcap-qvl-web_bg.wasm')) })
  return (quote, collateral, at) => {
    try {
      const result = js_verify(quote, collateral, BigInt(at)) as { status: string }
      return { ok: true, text: result.status }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      return { ok: false, text: (text.split('\n')[0] ?? '').slice(0, 120) }
    }
  }
}

/** One input on which both are asked. */
export interface Question {
  readonly name: string
  readonly quote: Uint8Array
  readonly collateral: CaseCollateral
  readonly at: number
}

/** Our verdict on a question under the reference's policy. */
export const ask = (question: Question, crypto: Crypto): Verdict =>
  verifyEvidence({ evidence: toEvidence(question.quote, question.collateral), policy: referencePolicy(), nowSeconds: question.at, crypto })

/** A disagreement, in words. */
export interface Difference {
  readonly name: string
  readonly at: number
  readonly ours: string
  readonly theirs: string
  readonly rule: string
}

/** Why the oracle refuses what we accept: what it reads, and its words. */
const THEIR_LIMITS: readonly { readonly version?: number; readonly words: RegExp; readonly rule: string }[] = [
  { words: /Failed to decode TcbInfo/, rule: 'TCB info of version 2 (PCS API v3) is a signed form of the vendor; the oracle reads version 3 only' },
  { version: 5, words: /Failed to decode quote/, rule: 'Quotes of version 5 are a form of the vendor; this oracle reads versions 3 and 4 only' },
]

const GUEST_RULE = 'Intel QVL, TcbLevelCheck: of a module with a version the first two guest SVNs are judged by its identity, not by the TCB level; status of platform, QE and module converge'

/** The rule behind a disagreement. */
const ruleOf = (quote: Uint8Array, ours: Verdict, theirs: { readonly ok: boolean; readonly text: string }): string => {
  // Every check of ours states its rule; the first that failed is why we refuse.
  if (!ours.ok) return firstFailure(ours.tree)?.rule ?? 'unexplained'
  if (!theirs.ok) return THEIR_LIMITS.find(({ version, words }) => (version === undefined || quote[0] === version) && words.test(theirs.text))?.rule ?? `unexplained: ${theirs.text}`
  if (theirs.text === ours.facts.tcbStatus) return ''
  return ours.facts.kind === 'Tdx' ? GUEST_RULE : 'Intel QVL: platform and QE status converge; every reservation of either stands'
}

/** Compares both; undefined when they agree. */
export const difference = (question: Question, ours: Verdict, theirs: { readonly ok: boolean; readonly text: string }): Difference | undefined => {
  const same = ours.ok === theirs.ok && (!ours.ok || ours.facts.tcbStatus === theirs.text)
  if (same) return undefined
  return {
    name: question.name, at: question.at,
    ours: ours.ok ? ours.facts.tcbStatus : `refused, ${ours.errorCode}`,
    theirs: theirs.ok ? theirs.text : `refused, "${theirs.text}"`,
    rule: ruleOf(question.quote, ours, theirs),
  }
}
