/**
 * Five historical registrations on chains whose clocks stand at their time. Their worker info is of forms older than the argument of
 * today's call (33-byte keys, and mostly a 64-byte commitment), so no argument of today's call can hash to what they commit to. Hence three
 * steps: today's call passes every check but that last one; a call of the older form, in a pallet of this test, that judges by the registry's own
 * function, registers what the published bytes say; and where no bytes are published, the verifier accepts the report's own commitment.
 */
import { Attestation, evaluateRegistration, iasRoot, referencePolicy, verifyEvidence } from '@phalanx/attestation'
import { parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { expect, test } from 'vitest'
import { struct, u8, u32, u64, bytesUpTo, fixedBytes, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { declarePallet } from '../src/frame/pallet.ts'
import { palletStorage } from '../src/frame/storage.ts'
import { writes } from '../src/frame/weight.ts'
import { ensureSigned, signed } from '../src/frame/origin.ts'
import type { PlacedPallet } from '../src/frame/calls.ts'
import { createTestChain, devAccount } from '../src/frame/testing.ts'
import { phalaMq } from '../src/pallets/phala-mq/pallet.ts'
import { registryParts } from '../src/pallets/phala-registry/declaration.ts'
import { phalaRegistry } from '../src/pallets/phala-registry/pallet.ts'
import { ensureAttested } from '../src/pallets/phala-registry/registration.ts'
import * as storage from '../src/pallets/phala-registry/storage.ts'
import { system } from '../src/pallets/system/pallet.ts'
import { timestamp } from '../src/pallets/timestamp/pallet.ts'
import { now } from '../src/pallets/timestamp/storage.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Alice').publicKey)
const WORKER = { pubkey: devAccount(crypto, 'w').publicKey, ecdhPubkey: devAccount(crypto, 'w-ecdh').publicKey }

interface IasFile {
  readonly report: string
  readonly signatureBase64: string
  readonly signingCertDerBase64: string
  readonly verifyAt: number
  readonly published?: { readonly verifyAt?: number }
  readonly encodedWorkerInfo?: string
  readonly expected: { readonly reportData: string; readonly quoteStatus: string }
}

const CASES = [
  ['ias-phala-register-2019-10-30', 3],
  ['ias-phala-register-2020-06-11', 1],
  ['ias-phala-register-2020-09-30', 1],
  ['ias-phala-register-2021-02-14', 5],
  ['ias-phala-2021-09-12-6fdd11', 2],
] as const

const MACHINE = fixedBytes(16)
/** A compressed key on secp256k1: workers were known by these then. */
const FormerKey = fixedBytes(33)
const Features = vecUpTo(u32, 8)
/** The published forms of worker info, oldest first; each fits one published registration, whole. */
const FORMER_INFOS = {
  'ias-phala-register-2020-06-11': struct({ machineId: MACHINE, pubkey: FormerKey, score: u8 }),
  'ias-phala-register-2020-09-30': struct({ version: u8, machineId: MACHINE, pubkey: FormerKey, features: Features }),
  'ias-phala-register-2021-02-14': struct({ version: u32, machineId: MACHINE, pubkey: FormerKey, features: Features }),
} as const
type FormerId = keyof typeof FORMER_INFOS

const former = palletStorage('FormerRegistry')
const FormerWorker = struct({ info: bytesUpTo(128), machineId: MACHINE, confidenceLevel: u8, registeredAt: u64 })
const formerWorkers = former.map('Workers', { hasher: 'Twox64Concat', key: FormerKey, type: FormerWorker, doc: 'Workers of the older form.' })

/**
 * `register_worker` as it was: the info's bytes as they came, committed to by their 64-byte hash. Everything else is the registry's: policy, clock,
 * allow list, replay.
 */
const formerRegistry = (id: FormerId) =>
  declarePallet({ name: 'FormerRegistry', crate: 'former_registry', storage: { formerWorkers } }).withCalls({
    registerWorker: {
      index: 0, doc: 'Register a worker of the older form.', args: { encodedInfo: bytesUpTo(128), attestation: Attestation }, weight: writes(2),
      dispatch(ctx, origin, { encodedInfo, attestation }) {
        ensureSigned(origin)
        const attested = ensureAttested(registryParts.in(ctx), attestation, ctx.crypto.blake2b(encodedInfo, 64))
        const { machineId, pubkey } = FORMER_INFOS[id].decode(encodedInfo)
        formerWorkers.set(ctx, pubkey, { info: encodedInfo, machineId, confidenceLevel: attested.confidenceLevel, registeredAt: now.get(ctx) / 1000n })
      },
    },
  })

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

const setUp = (id: string) => {
  const file = readVectorJson<IasFile>(`1-ias/${id}.json`)
  const report: Attestation = { kind: 'SgxIas', value: { raReport: utf8(file.report), signature: fromBase64(file.signatureBase64), rawSigningCert: fromBase64(file.signingCertDerBase64) } } as Attestation
  const nowSeconds = file.published?.verifyAt ?? file.verifyAt
  const policy = referencePolicy({ admitDebug: true })
  const verdict = verifyEvidence({ evidence: report, policy, nowSeconds, crypto })
  if (!verdict.ok) throw new Error(verdict.errorCode)
  const { measurement } = verdict.facts
  const startAt = (seconds: number, measurements: readonly Uint8Array[], extra: readonly PlacedPallet[] = []) => createTestChain(
    {
      pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 40, pallet: phalaMq }, { index: 41, pallet: phalaRegistry }, ...extra],
      timeMs: BigInt(seconds) * 1000n,
      genesis: {
        PhalaRegistry: {
          kinds: ['SgxIas'], roots: [toHex(iasRoot)], measurements: measurements.map(toHex), genesisHashes: [toHex(new Uint8Array(32))],
          policy: { admitDebug: true, admitUnanchored: true, reattestationSeconds: 0, gatekeeperConfidenceMax: 255 },
        },
      },
    },
    { crypto },
  )
  const call = phalaRegistry.call('registerWorker', {
    pruntimeInfo: { version: 1, machineId: new Uint8Array(0), ...WORKER, genesisBlockHash: new Uint8Array(32), features: [4, 1], operator: undefined }, attestation: report,
  })
  return { file, report, nowSeconds, policy: { ...policy, enforceMeasurements: true, measurements: [measurement] }, measurement, startAt, call }
}

describeVectors('historical registrations', () => {
  test.each(CASES.filter(([id]) => id in FORMER_INFOS))('%s registers with its real worker info at its time, once, and with no other', (name, level) => {
    const id = name as FormerId
    const { file, report, nowSeconds, measurement, startAt } = setUp(id)
    const encodedInfo = parseHex(file.encodedWorkerInfo ?? '')
    const pallet = formerRegistry(id)
    const start = (seconds: number, measurements = [measurement]) => startAt(seconds, measurements, [{ index: 60, pallet }])
    const call = (bytes = encodedInfo) => pallet.call('registerWorker', { encodedInfo: bytes, attestation: report })
    const altered = encodedInfo.map((byte, i) => (i === 5 ? byte ^ 1 : byte))
    const chain = start(nowSeconds)
    chain.assertNoop(call(altered), anyone, 'PhalaRegistry.InvalidRuntimeInfoHash')
    chain.assertOk(call(), anyone)
    const info: TypeOf<(typeof FORMER_INFOS)[FormerId]> = FORMER_INFOS[id].decode(encodedInfo)
    expect([...formerWorkers.entries(chain.ctx)]).toEqual([[[info.pubkey], { info: encodedInfo, machineId: info.machineId, confidenceLevel: level, registeredAt: BigInt(nowSeconds) }]])
    expect([2, 3]).toContain(info.pubkey[0])
    chain.assertNoop(call(), anyone, 'PhalaRegistry.ReplayedReport')
    start(nowSeconds + 86_400).assertNoop(call(), anyone, 'PhalaRegistry.OutdatedIASReport')
    start(nowSeconds, []).assertNoop(call(), anyone, 'PhalaRegistry.PRuntimeRejected')
  })

  test.each(CASES)('%s passes register_worker at its time up to the commitment, and nothing else at any other', (id) => {
    const { nowSeconds, measurement, startAt, call } = setUp(id)
    startAt(nowSeconds, [measurement]).assertNoop(call, anyone, 'PhalaRegistry.InvalidRuntimeInfoHash')
    startAt(nowSeconds, []).assertNoop(call, anyone, 'PhalaRegistry.PRuntimeRejected')
    const late = startAt(nowSeconds + 7200 + 86_400, [measurement])
    late.assertNoop(call, anyone, 'PhalaRegistry.OutdatedIASReport')
    expect([...storage.workers.keys(late.ctx)]).toEqual([])
  })

  test.each(CASES)('%s is accepted with the commitment of its real worker info, at level %i', (id, level) => {
    const { file, report, nowSeconds, policy, measurement } = setUp(id)
    const info = file.encodedWorkerInfo === undefined ? undefined : parseHex(file.encodedWorkerInfo)
    // Where the bytes are published their hash is what the report commits to; elsewhere the report's own word is all there is.
    const commit = info === undefined ? parseHex(file.expected.reportData) : crypto.blake2b(info, 64)
    expect(evaluateRegistration({ report, commit, policy, nowSeconds, crypto })).toMatchObject({ ok: true, confidenceLevel: level, measurement, provider: { kind: 'Ias' } })
    const other = commit.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
    expect(evaluateRegistration({ report, commit: other, policy, nowSeconds, crypto })).toMatchObject({ ok: false, palletError: 'InvalidRuntimeInfoHash' })
  })
})
