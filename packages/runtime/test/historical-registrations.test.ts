/**
 * Reports of five historical registrations before `register_worker`, on a chain whose clock stands at their time. Their worker
 * info is of forms older than the call's argument (33-byte keys, and mostly a 64-byte commitment), so no argument of today's call can
 * hash to what they commit to: the call itself must pass every check but that last one, and the verifier, given the commitment that the
 * real bytes have, must accept.
 */
import { evaluateRegistration, iasRoot, referencePolicy, verifyEvidence, type Attestation } from '@phalanx/attestation'
import { parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { signed } from '../src/frame/origin.ts'
import { createTestChain, devAccount } from '../src/frame/testing.ts'
import { phalaMq } from '../src/pallets/phala-mq/pallet.ts'
import { phalaRegistry } from '../src/pallets/phala-registry/pallet.ts'
import * as storage from '../src/pallets/phala-registry/storage.ts'
import { system } from '../src/pallets/system/pallet.ts'
import { timestamp } from '../src/pallets/timestamp/pallet.ts'

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

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

const setUp = (id: string) => {
  const file = readVectorJson<IasFile>(`1-ias/${id}.json`)
  const report: Attestation = { kind: 'SgxIas', value: { raReport: utf8(file.report), signature: fromBase64(file.signatureBase64), rawSigningCert: fromBase64(file.signingCertDerBase64) } } as Attestation
  const nowSeconds = file.published?.verifyAt ?? file.verifyAt
  const policy = referencePolicy({ admitDebug: true })
  const verdict = verifyEvidence({ evidence: report, policy, nowSeconds, crypto })
  if (!verdict.ok) throw new Error(verdict.errorCode)
  const { measurement } = verdict.facts
  const startAt = (seconds: number, measurements: readonly Uint8Array[]) => createTestChain(
    {
      pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 40, pallet: phalaMq }, { index: 41, pallet: phalaRegistry }],
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
