import { AttestationPolicy, AttestationRecord, AttestationReport, createPolicy, EvidenceRecord } from '@phalanx/attestation'
import { createSimulatedVendor } from '@phalanx/attestation/simulated'
import { concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { WorkerRegistrationInfoV2 } from '@phalanx/primitives/messages'
import { silentLogger } from '@phalanx/primitives/ports'
import { workerApi } from '@phalanx/worker/api'
import { encodeMessage } from '@phalanx/worker/wire'
import { beforeEach, describe, expect, test } from 'vitest'
import type { ChainClient } from '../chain-client.ts'
import type { HttpRequest } from '../http.ts'
import { constantRandom, createFakeClock } from '../testing.ts'
import type { ChainState } from './chain-state.ts'
import type { Network } from './network.ts'
import { createWorkerChoice } from './pick-worker.ts'

const crypto = await loadCrypto()
const NOW_SECONDS = 1_760_000_000
const CLUSTER = new Uint8Array(32).fill(1)
const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(3), crypto })
const policy = createPolicy({ kinds: ['SgxDcap'], roots: [vendor.rootCertificate], simulated: true, version: 1 })
const identities = [1, 2, 3].map((byte) => crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(byte)).publicKey)
const keys = [11, 12, 13].map((byte) => crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(byte)).publicKey)
const urlOf = (number: number): string => `http://worker-${number}`

/** What the chain keeps of each worker's evidence; the worker `foreign` has another one's. */
const storageOf = (foreign: number | undefined): ReadonlyMap<string, Uint8Array> => {
  const items = new Map<string, Uint8Array>()
  const put = (item: string, key: Uint8Array, value: Uint8Array): void => void items.set(toHex(concatBytes(utf8(item), crypto.twox64(key), key)), value)
  put('AttestationPolicies', u32.encode(1), AttestationPolicy.encode(policy))
  identities.forEach((pubkey, number) => {
    const named = number === foreign ? (identities[0] as Uint8Array) : pubkey
    const info = WorkerRegistrationInfoV2.encode({
      version: 1, machineId: new Uint8Array(16), pubkey: named, ecdhPubkey: named, genesisBlockHash: new Uint8Array(32), features: [], operator: undefined,
      paraId: 0, maxConsensusVersion: 0,
    })
    const report = vendor.evidence({
      platform: vendor.platform({ id: `machine ${number}` }), quote: { report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: crypto.blake2b256(info) }, nowSeconds: NOW_SECONDS,
    })
    put('Evidence', pubkey, EvidenceRecord.encode({ info, report: AttestationReport.encode(report), collateral: undefined, verifiedAt: BigInt(NOW_SECONDS) }))
    put('Attestations', pubkey, AttestationRecord.encode({
      kind: 'SgxDcap', measurement: new Uint8Array(68), family: new Uint8Array(6), confidenceLevel: 1, policyVersion: 1, collateral: undefined, verifiedAt: BigInt(NOW_SECONDS),
      validUntil: BigInt(NOW_SECONDS + 9), renewFrom: BigInt(NOW_SECONDS + 5), eviction: undefined,
    }))
  })
  return items
}

interface Rig {
  readonly network: Network
  /** Workers that do not answer, and those that hold another key than the chain says, by number. */
  readonly down: Set<number>
  readonly other: Set<number>
  readonly asked: number[]
  blocks: number
}

const createRig = (options: { readonly policy?: Network['policy']; readonly foreign?: number; readonly nowSeconds?: number } = {}): Rig => {
  const items = storageOf(options.foreign)
  const clock = createFakeClock((options.nowSeconds ?? NOW_SECONDS) * 1000)
  const rig = { down: new Set<number>(), other: new Set<number>(), asked: [] as number[], blocks: 5 }
  const http = ({ url }: HttpRequest) => {
    const number = Number(/worker-(\d)/.exec(url)?.[1])
    rig.asked.push(number)
    if (rig.down.has(number)) return Promise.reject(new AppError('SDK_HTTP_FAILED', { url, reason: 'refused' }))
    const key = keys[rig.other.has(number) ? (number + 1) % keys.length : number] as Uint8Array
    const status = { state: 'registered', reason: '', ecdhPublicKey: toHex(key), ecdhEpoch: 4n, platform: '', measurement: '', version: '', pendingBlocks: 0, pendingMessages: 0n, serving: true }
    return Promise.resolve({ status: 200, headers: {}, body: encodeMessage(workerApi.PhalanxAPI.Status.result, status) })
  }
  const chain = {
    url: 'memory', finalizedHead: () => Promise.resolve({ number: 5, hash: new Uint8Array(32) }),
    metadata: () => Promise.resolve({ storagePrefix: (_: string, item: string) => utf8(item) }),
    storage: (key: Uint8Array) => Promise.resolve(items.get(toHex(key))),
    rpc: { request: () => Promise.resolve(toHex(AttestationPolicy.encode(policy))) },
  } as unknown as ChainClient
  const state = (): ChainState => ({
    block: { number: rig.blocks++, hash: new Uint8Array(32) },
    workerKey: (worker: Uint8Array) => {
      const number = identities.findIndex((one) => toHex(one) === toHex(worker))
      return Promise.resolve({ epoch: 4n, publicKey: keys[number] as Uint8Array, anchor: new Uint8Array(32) })
    },
  }) as unknown as ChainState
  const network = {
    chain, policy: options.policy ?? 'chain', surroundings: { crypto, clock, random: constantRandom(0), http, createSocket: () => { throw new Error('none') }, logger: silentLogger },
    state: () => Promise.resolve(state()),
    cluster: (id: Uint8Array) => Promise.resolve({ id, workers: identities.map((publicKey, i) => ({ publicKey, endpoints: [urlOf(i)] })) }),
    waitFor: async <T>({ find }: { find(at: ChainState): Promise<T | undefined> }) => find(state()),
  } as unknown as Network
  return Object.assign(rig, { network })
}

const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined, (error: unknown) => error)

let rig: Rig
beforeEach(() => {
  rig = createRig()
})

describe('a worker is picked', () => {
  test('that proved itself and holds the key of the chain, and used again without asking', async () => {
    const choice = createWorkerChoice(rig.network)
    const picked = await choice.pick(CLUSTER, {})
    expect([toHex(picked.publicKey), picked.endpoint, picked.key.epoch, picked.proof.file.verdict.ok]).toEqual([toHex(identities[0] as Uint8Array), urlOf(0), 4n, true])
    expect(await choice.pick(CLUSTER, {})).toBe(picked)
    expect(rig.asked).toEqual([0])
    choice.forget(picked)
    expect((await choice.pick(CLUSTER, {})).endpoint).toBe(urlOf(0))
    expect(rig.asked).toEqual([0, 0])
  })

  test('in the place of those that do not answer, hold another key, or were tried', async () => {
    rig.down.add(0)
    rig.other.add(1)
    expect((await createWorkerChoice(rig.network).pick(CLUSTER, {})).endpoint).toBe(urlOf(2))
    expect((await createWorkerChoice(createRig().network).pick(CLUSTER, { except: identities.slice(0, 1) })).endpoint).toBe(urlOf(1))
  })

  test('again after further blocks where keys are just changing', async () => {
    for (const number of [0, 1, 2]) rig.other.add(number)
    const { surroundings } = rig.network
    const http: typeof surroundings.http = (request) => {
      if (rig.asked.length === 3) rig.other.clear()
      return surroundings.http(request)
    }
    const network = { ...rig.network, surroundings: { ...surroundings, http } } as Network
    expect((await createWorkerChoice(network).pick(CLUSTER, {})).endpoint).toBe(urlOf(0))
    expect(rig.asked).toEqual([0, 1, 2, 0])
  })
})

describe('no worker is picked, and each reason named,', () => {
  const reasonsOf = async (given: Rig): Promise<string> => {
    const error = await errorOf(createWorkerChoice(given.network).pick(CLUSTER, {}))
    return isAppError(error, 'SDK_WORKER_NONE') ? error.context.reasons : String(error)
  }

  test('where only simulated hardware vouches for them and the client trusts vendors', async () => {
    const reasons = await reasonsOf(createRig({ policy: 'vendors' }))
    expect(reasons.match(/SDK_WORKER_UNTRUSTED/g)).toHaveLength(3)
  })

  test('where their evidence is too old for the reader\'s clock', async () => {
    expect(await reasonsOf(createRig({ nowSeconds: NOW_SECONDS + 20 * 365 * 86_400 }))).toMatch(/SDK_WORKER_UNTRUSTED/)
  })

  test('where the evidence is another worker\'s', async () => {
    const given = createRig({ foreign: 1 })
    given.down.add(0)
    given.down.add(2)
    expect((await reasonsOf(given)).match(/SDK_(WORKER|EVIDENCE)_[A-Z]+/g)).toEqual(['SDK_WORKER_UNREACHABLE', 'SDK_EVIDENCE_FOREIGN', 'SDK_WORKER_UNREACHABLE'])
  })

  test('where none is left', async () => {
    const error = await errorOf(createWorkerChoice(rig.network).pick(CLUSTER, { except: identities }))
    expect(isAppError(error, 'SDK_WORKER_NONE') && error.context.reasons).toBe('it has none that published an address')
  })
})
