/**
 * Measures full verifications of an SGX and a TDX quote with collateral judged before, and without, against `@phala/dcap-qvl-web`
 * (dcap-qvl in Wasm) and `@phala/dcap-qvl` (pure JavaScript), which take raw collateral every time, on the same input in the same run;
 * and registrations of many machines through the runtime's own call. Goal: under 1 ms with cached collateral. Genuine quotes come from
 * ../shared/vectors; without them ours run on a simulated vendor's and the peers, which need genuine ones, do not.
 */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { parseCollateral, prepareCollateral, referencePolicy, verifyEvidence, type AttestationPolicy, type AttestationReport, type Collateral } from '@phalanx/attestation'
import { createSimulatedVendor } from '@phalanx/attestation/simulated'
import { assert } from '@phalanx/primitives/assert'
import { parseHex, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto as loadBrowserCrypto } from '@phalanx/primitives/crypto/browser'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { initSync, js_verify } from '@phala/dcap-qvl-web'
import { WorkerRegistrationInfoV2 } from '@phalanx/primitives/messages'
import { phalaRegistry } from '../packages/runtime/src/pallets/phala-registry/pallet.ts'
import { createRegistryTestbed } from '../packages/runtime/src/pallets/phala-registry/testing.ts'
import { readVectorJson, vectorsDir } from '../tools/vectors.ts'
import type { Figure } from './goals.ts'

const require = createRequire(import.meta.url)
const WASM = '@phala/dcap-qvl-web 0.3.3 (Wasm)'
const SCRIPT = '@phala/dcap-qvl 0.3.9 (pure JavaScript)'

type Kind = 'SgxDcap' | 'Tdx'

interface Peer {
  readonly name: string
  verify(): void
}

interface Subject {
  readonly kind: Kind
  readonly quote: Uint8Array
  readonly collateral: Collateral
  readonly policy: AttestationPolicy
  readonly nowSeconds: number
  readonly peers: readonly Peer[]
}

const GENUINE: Readonly<Record<Kind, string>> = { SgxDcap: 'v3-sgx-signal-9a1589-2026-07-30-outofdate', Tdx: 'v4-tdx-dcapqvl-f1c850-2025-06-19-uptodate' }

const genuineSubject = (kind: Kind): Subject => {
  const one = readVectorJson<{ quoteHex: string; collateral: Readonly<Record<string, string>>; verifyAt: number }>(`2-dcap/cases/${GENUINE[kind]}.json`)
  initSync({ module: readFileSync(require.resolve('@phala/dcap-qvl-web/dcap-qvl-web_bg.wasm')) })
  const script = require('@phala/dcap-qvl') as { verify(quote: Uint8Array, collateral: unknown, nowSeconds: number): { readonly status: string } }
  const quote = parseHex(one.quoteHex)
  return {
    kind, quote, policy: referencePolicy(), nowSeconds: one.verifyAt, collateral: parseCollateral(utf8(JSON.stringify(one.collateral))),
    peers: [
      { name: WASM, verify: () => void js_verify(quote, one.collateral, BigInt(one.verifyAt)) },
      { name: SCRIPT, verify: () => assert(script.verify(quote, one.collateral, one.verifyAt).status !== '', 'the peer refused the quote') },
    ],
  }
}

const simulatedSubject = (kind: Kind, crypto: Crypto): Subject => {
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(1), crypto })
  const nowSeconds = 1_790_000_000
  const platform = vendor.platform({ id: 'bench' })
  const reportData = new Uint8Array(32)
  const quote = kind === 'Tdx' ? platform.guestQuote({ report: { mrTd: new Uint8Array(48) }, reportData }) : platform.quote({ report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData })
  const collateral = vendor.collateral({ nowSeconds, tee: kind === 'Tdx' ? 'TDX' : 'SGX' })
  return { kind, quote, collateral, policy: referencePolicy({ simulated: true, roots: [vendor.rootCertificate] }), nowSeconds, peers: [] }
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

/** Ours and the peers' on one quote. Each figure of ours comes with its ratio to both. */
const benchKind = (subject: Subject, crypto: Crypto, browser: Crypto): readonly Figure[] => {
  const { kind, quote, collateral, policy, nowSeconds } = subject
  const evidence = (given: Collateral | undefined): AttestationReport => ({ kind, value: { quote, collateral: given } })
  const [bare, full] = [evidence(undefined), evidence(collateral)]
  const prepared = prepareCollateral(collateral.value, policy, crypto)
  const accept = (input: AttestationReport, backend: Crypto, isPrepared: boolean): void =>
    assert(verifyEvidence({ evidence: input, policy, nowSeconds, crypto: backend, ...(isPrepared ? { prepared } : {}) }).ok, 'the quote was refused')
  const title = `attestation: ${kind === 'Tdx' ? 'TDX' : 'SGX'} verify`
  const ours = [
    [`${title}, cached collateral`, medianMs(() => accept(bare, crypto, true), 50)],
    [`${title}, collateral judged too`, medianMs(() => accept(full, crypto, false), 10)],
    [`${title} with the browser backend`, medianMs(() => accept(bare, browser, true), 5, 7)],
  ] as const
  const missing = [{ name: 'not run: the peers need a genuine quote (../shared/vectors)', ms: undefined }]
  const theirs = subject.peers.length === 0 ? missing : subject.peers.map(({ name, verify }) => ({ name, ms: medianMs(verify, 3, 5) }))
  return ours.flatMap(([name, figure]) => theirs.map(({ name: against, ms }) => ({ name, figure, unit: 'ms', against, ratio: ms === undefined ? 0 : ms / figure })))
}

const REGISTRATIONS = 10_000
const MACHINES = 100

/** Workers of a hundred machines register through the runtime's call: evidence decoded, fully judged with the canonical set, written, told to the worker. */
const benchRegistrations = (crypto: Crypto, peerMs: number): readonly Figure[] => {
  const bed = createRegistryTestbed(crypto)
  const origin = { kind: 'Signed', value: new Uint8Array(32).fill(9) } as const
  const platforms = Array.from({ length: MACHINES }, (_, i) => bed.vendor.platform({ id: `machine ${i}` }))
  const registration = (index: number) => {
    const pruntimeInfo = bed.infoOf(bed.worker(`worker ${index}`))
    if (index === 0) return bed.registration(bed.worker('worker 0'))
    const reportData = crypto.blake2b256(WorkerRegistrationInfoV2.encode(pruntimeInfo))
    const quote = (platforms[index % MACHINES] as (typeof platforms)[number]).quote({ report: bed.report, reportData })
    return phalaRegistry.call('registerWorkerV2', { pruntimeInfo, attestation: { kind: 'SgxDcap', value: { quote, collateral: undefined } } })
  }
  // Making the evidence is the machines' work and is not measured; it is made in portions so that memory stays small.
  const portion = 500
  let spentMs = 0
  for (let first = 0; first < REGISTRATIONS; first += portion) {
    const calls = Array.from({ length: portion }, (_, i) => registration(first + i))
    const start = performance.now()
    for (const call of calls) {
      const outcome = bed.chain.dispatch(call, origin)
      assert(outcome.ok, 'a registration was refused')
    }
    spentMs += performance.now() - start
  }
  const each = spentMs / REGISTRATIONS
  return [
    { name: 'attestation: 10,000 registrations with full verification, each', figure: each, unit: 'ms', against: peerMs === 0 ? 'nothing: the peers did not run' : `verification alone by ${WASM}`, ratio: peerMs / each },
    { name: 'attestation: 10,000 registrations with full verification', figure: spentMs / 1000, unit: 's', against: 'the same', ratio: peerMs / each },
  ]
}

/** Runs the benchmark. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const browser = await loadBrowserCrypto()
  const subjects = (['SgxDcap', 'Tdx'] as const).map((kind) => (vectorsDir() === undefined ? simulatedSubject(kind, crypto) : genuineSubject(kind)))
  const figures = subjects.flatMap((subject) => benchKind(subject, crypto, browser))
  const first = figures.find(({ against }) => against === WASM)
  return [...figures, ...benchRegistrations(crypto, first === undefined ? 0 : first.ratio * first.figure)]
}
