/** A verdict is consensus: the Node and the browser backend must reach the same one on every input, malformed signatures included. */
import { beforeAll, expect, test } from 'vitest'
import { bytesEqual, concatBytes, parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto as loadBrowserCrypto } from '@phalanx/primitives/crypto/browser'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors } from '../../../tools/vectors.ts'
import { prepareCollateral, referencePolicy, verifyEvidence, type AttestationReport, type Verdict } from '../src/index.ts'
import { parseQuote } from '../src/kinds/dcap/quote.ts'
import { cutNitroEvidence, gpuFile, nitroCases, snpCases, snpMoment, toSnpEvidence } from './tee-cases.ts'
import { BASE_CASE, dcapCase, dcapCases, iasCases, toCollateral, toEvidence, toIasEvidence } from './cases.ts'

let node: Crypto
let browser: Crypto
beforeAll(async () => {
  node = await loadCrypto()
  browser = await loadBrowserCrypto()
})

const both = (evidence: AttestationReport, nowSeconds: number): Verdict => {
  const [one, other] = [node, browser].map((crypto) => verifyEvidence({ evidence, policy: referencePolicy({ admitDebug: true }), nowSeconds, crypto }))
  expect(other).toEqual(one)
  return one as Verdict
}

/** Order of P-256's group. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

const scalar = (value: bigint): Uint8Array => parseHex(value.toString(16).padStart(64, '0'))

describeVectors('two backends', () => {
  test('agree on every SGX case and every report', { timeout: 300_000 }, () => {
    for (const one of dcapCases('cases')) both(toEvidence(parseHex(one.quoteHex), one.collateral), one.verifyAt)
    for (const one of iasCases('.')) both(toIasEvidence(one), one.verifyAt ?? 0)
    for (const one of iasCases('invalid')) both(toIasEvidence(one), 1_531_338_000)
  })

  test('agree on every case of the other kinds', { timeout: 300_000 }, () => {
    for (const one of snpCases()) both(toSnpEvidence(one), snpMoment(one))
    for (const one of nitroCases()) both(cutNitroEvidence(one), one.verifyAt)
    both(gpuFile('hopper_evidence.json'), 1_767_225_600)
  })

  test('agree on signatures at the edges', { timeout: 300_000 }, () => {
    const one = dcapCase(BASE_CASE)
    const quote = parseHex(one.quoteHex)
    const { at, authentication } = parseQuote(quote)
    const r = authentication.signature.slice(0, 32)
    const s = BigInt(`0x${toHexPlain(authentication.signature.slice(32))}`)
    const prepared = prepareCollateral(toCollateral(one.collateral).value, referencePolicy(), node)
    const outcome = (signature: Uint8Array, key: Uint8Array = authentication.attestationKey): string => {
      const altered = concatBytes(quote.subarray(0, at.signature.offset), signature, key, quote.subarray(at.qeReport.offset))
      const evidence: AttestationReport = { kind: 'SgxDcap', value: { quote: altered, collateral: undefined } }
      const [ours, theirs] = [node, browser].map((crypto) => verifyEvidence({ evidence, policy: referencePolicy(), nowSeconds: one.verifyAt, crypto, prepared }))
      expect(theirs).toEqual(ours)
      return ours?.ok === true ? 'accepted' : 'refused'
    }
    // ECDSA is malleable: the mirrored signature is valid too, which is why digests are taken over signed content.
    expect(bytesEqual(scalar(ORDER - s), authentication.signature.slice(32))).toBe(false)
    expect(outcome(concatBytes(r, scalar(ORDER - s)))).toBe('accepted')
    for (const edge of [0n, ORDER, ORDER + 1n, 2n ** 256n - 1n]) {
      expect(outcome(concatBytes(r, scalar(edge)))).toBe('refused')
      expect(outcome(concatBytes(scalar(edge), scalar(s)))).toBe('refused')
    }
    for (const key of [new Uint8Array(64), new Uint8Array(64).fill(0xff), concatBytes(new Uint8Array(63), Uint8Array.of(1))]) expect(outcome(authentication.signature, key)).toBe('refused')
  })
})
