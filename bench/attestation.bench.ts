/**
 * Measures one full verification of an SGX quote with its collateral judged before, and without, against `@phala/dcap-qvl-web`
 * (dcap-qvl in Wasm, which takes raw collateral every time) on the same input in the same run. Goal: under 1 ms with cached collateral.
 * The input is a simulated vendor's for ours; the oracle needs a genuine quote, so with ../shared/vectors present both take that.
 */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { prepareCollateral, referencePolicy, verifyEvidence, type AttestationPolicy, type AttestationReport, type Collateral } from '@phalanx/attestation'
import { createSimulatedVendor } from '@phalanx/attestation/simulated'
import { assert } from '@phalanx/primitives/assert'
import { parseHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto as loadBrowserCrypto } from '@phalanx/primitives/crypto/browser'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { initSync, js_verify } from '@phala/dcap-qvl-web'
import { readVectorJson, vectorsDir } from '../tools/vectors.ts'

/** One measured line; `ratio` tells how many times faster than `against` we are. */
export interface Figure {
  readonly name: string
  readonly figure: number
  readonly unit: string
  readonly against: string
  readonly ratio: number
}

interface Subject {
  readonly quote: Uint8Array
  readonly collateral: Collateral
  readonly policy: AttestationPolicy
  readonly nowSeconds: number
  readonly oracle: (() => void) | undefined
}

type Raw = Readonly<Record<'pck_crl_issuer_chain' | 'root_ca_crl' | 'pck_crl' | 'tcb_info_issuer_chain' | 'tcb_info' | 'tcb_info_signature' | 'qe_identity_issuer_chain' | 'qe_identity' | 'qe_identity_signature', string>>

const genuineSubject = (): Subject => {
  const one = readVectorJson<{ quoteHex: string; collateral: Raw; verifyAt: number }>('2-dcap/cases/v3-sgx-signal-9a1589-2026-07-30-outofdate.json')
  const { collateral: raw } = one
  initSync({ module: readFileSync(createRequire(import.meta.url).resolve('@phala/dcap-qvl-web/dcap-qvl-web_bg.wasm')) })
  const quote = parseHex(one.quoteHex)
  return {
    quote, policy: referencePolicy(), nowSeconds: one.verifyAt,
    oracle: () => void js_verify(quote, raw, BigInt(one.verifyAt)),
    collateral: {
      kind: 'SgxV30',
      value: {
        pckCrlIssuerChain: raw.pck_crl_issuer_chain, rootCaCrl: raw.root_ca_crl, pckCrl: raw.pck_crl,
        tcbInfoIssuerChain: raw.tcb_info_issuer_chain, tcbInfo: raw.tcb_info, tcbInfoSignature: parseHex(raw.tcb_info_signature),
        qeIdentityIssuerChain: raw.qe_identity_issuer_chain, qeIdentity: raw.qe_identity, qeIdentitySignature: parseHex(raw.qe_identity_signature),
      },
    },
  }
}

const simulatedSubject = (crypto: Crypto): Subject => {
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(1), crypto })
  const nowSeconds = 1_790_000_000
  const quote = vendor.platform({ id: 'bench' }).quote({ report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(32) })
  return { quote, collateral: vendor.collateral({ nowSeconds }), policy: referencePolicy({ simulated: true, roots: [vendor.rootCertificate] }), nowSeconds, oracle: undefined }
}

/** Median time of one call in milliseconds, over `rounds` batches. */
const medianMs = (work: () => void, batch: number, rounds = 15): number => {
  const times: number[] = []
  for (let round = 0; round < rounds + 3; round++) {
    const start = performance.now()
    for (let i = 0; i < batch; i++) work()
    if (round >= 3) times.push((performance.now() - start) / batch)
  }
  return times.sort((a, b) => a - b)[times.length >> 1] as number
}

/** Distinct quotes of many machines over one collateral: nothing about a quote can be remembered. */
const registrationsMs = (crypto: Crypto): number => {
  const subject = simulatedSubject(crypto)
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(1), crypto })
  const quotes = Array.from({ length: 200 }, (_, i) =>
    vendor.platform({ id: `machine ${i}` }).quote({ report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: Uint8Array.of(i) }))
  const prepared = prepareCollateral(subject.collateral.value, subject.policy, crypto)
  const start = performance.now()
  for (const quote of quotes) {
    const evidence: AttestationReport = { kind: 'SgxDcap', value: { quote, collateral: undefined } }
    assert(verifyEvidence({ evidence, policy: subject.policy, nowSeconds: subject.nowSeconds, crypto, prepared }).ok, 'a simulated quote was refused')
  }
  return (performance.now() - start) / quotes.length
}

/** Runs the benchmark. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const subject = vectorsDir() === undefined ? simulatedSubject(crypto) : genuineSubject()
  const { quote, collateral, policy, nowSeconds, oracle } = subject
  const prepared = prepareCollateral(collateral.value, policy, crypto)
  const bare: AttestationReport = { kind: 'SgxDcap', value: { quote, collateral: undefined } }
  const full: AttestationReport = { kind: 'SgxDcap', value: { quote, collateral } }
  const cached = (backend: Crypto) => (): void => assert(verifyEvidence({ evidence: bare, policy, nowSeconds, crypto: backend, prepared }).ok, 'the quote was refused')
  const uncached = (): void => assert(verifyEvidence({ evidence: full, policy, nowSeconds, crypto }).ok, 'the quote was refused')
  const cachedMs = medianMs(cached(crypto), 50)
  const uncachedMs = medianMs(uncached, 10)
  const browserMs = medianMs(cached(await loadBrowserCrypto()), 5, 7)
  const manyMs = registrationsMs(crypto)
  const oracleMs = oracle === undefined ? undefined : medianMs(oracle, 5, 7)
  const against = oracleMs === undefined ? 'not run: @phala/dcap-qvl-web needs a genuine quote (../shared/vectors)' : '@phala/dcap-qvl-web 0.3.3 (Wasm)'
  const line = (name: string, figure: number): Figure => ({ name, figure, unit: 'ms', against, ratio: oracleMs === undefined ? 0 : oracleMs / figure })
  return [
    line('attestation: DCAP verify, cached collateral', cachedMs),
    line('attestation: DCAP verify, 200 machines, cached collateral', manyMs),
    line('attestation: DCAP verify, collateral judged too', uncachedMs),
    line('attestation: DCAP verify with the browser backend', browserMs),
  ]
}
