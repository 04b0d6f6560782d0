import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bytesEqual, toHex, utf8 } from '@phalanx/primitives/bytes'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createMessage, palletOrigin, TOPICS, type ClusterNotice, type Message } from '@phalanx/primitives/messages'
import type { Effect } from '../core/effects.ts'
import { channelOf } from '../core/mq.ts'
import { decodeCheckpoint, encodeCheckpoint, type LiveState } from '../core/state.ts'
import { assertLive, EMPTY_STATE, step, type Core } from '../core/step.ts'
import { createTestChain, type TestChain } from '../testing/chain.ts'
import { createTestCore } from '../testing/core.ts'
import { clusterEpochContext, openClusterSecret } from './cluster-shares.ts'
import type { RootAnswer } from './root-calls.ts'
import { CLUSTERS_MAX, type GatekeeperState, type KnownCluster } from './state.ts'

const REGISTRY = palletOrigin('PhalaRegistry')
const PHAT = palletOrigin('PhalaPhatContracts')
const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const [MASTER, CLUSTER] = [filled(9), filled(1)]
const held: RootAnswer = { kind: 'held', value: [{ rotationId: 0n, publicKey: MASTER }] }
let crypto: Crypto
let core: Core
let chain: TestChain
let state: LiveState
let effects: readonly Effect[]
let steps = 0

beforeAll(async () => {
  crypto = await loadCrypto()
  core = createTestCore(crypto)
})
const pair = (name: string) => {
  const { secret, publicKey } = crypto.sr25519.pairFromSeed(crypto.sha256(utf8(name)))
  return { publicKey, secret: new Secret(secret) }
}
const member = (name: string) => ({ pubkey: pair(`${name} identity`).publicKey, ecdhPubkey: pair(name).publicKey })
const entropy = (): Uint8Array => crypto.sha256(utf8(`step ${steps++}`))
const apply = (input: Parameters<typeof step>[2]): void => {
  const result = step(core, state ?? EMPTY_STATE, input)
  state = assertLive(result.state)
  effects = result.effects
}
const feed = (...blocks: readonly (readonly Message[])[]): void => {
  const from = chain.head.number + 1
  for (const messages of blocks) chain.add({ messages })
  apply({ kind: 'feed', value: { blocks: chain.feed(from), genesisHash: undefined, iterations: 0n, entropy: entropy() } })
}
const question = () => effects.flatMap((effect) => (effect.kind === 'rootSecret' ? [effect.value] : []))[0]
const answer = (value: RootAnswer): void => apply({ kind: 'rootAnswer', value: { ticket: question()?.ticket ?? 0n, answer: value, entropy: entropy() } })
const restart = (): void => {
  const restored = decodeCheckpoint(encodeCheckpoint(state))
  const { identity } = state.keys
  state = undefined as unknown as LiveState
  apply({ kind: 'resume', value: { identity, genesisHash: chain.genesisHash, restored, entropy: entropy() } })
}
const gatekeeper = (): GatekeeperState => state.gatekeeper as GatekeeperState
const own = (): Uint8Array => state.keys.identity.publicKey
const notice = (value: ClusterNotice): Message => createMessage(PHAT, TOPICS.clusterNotice, value)
const request = (epoch: bigint, names = ['x', 'y']): Message => notice({ kind: 'EpochRequested', value: { cluster: CLUSTER, epoch, workers: names.map(member) } })
const terms = { owner: filled(2), deposit: 1n, gasPrice: 2n, depositPerItem: 3n, depositPerByte: 4n, treasuryAccount: filled(3) }
const deploy = (cluster = CLUSTER): Message => createMessage(PHAT, TOPICS.clusterEvent, { kind: 'DeployCluster', value: { cluster, workers: [member('x')], ...terms } })
const destroy = (cluster = CLUSTER): Message => createMessage(PHAT, TOPICS.clusterOperation, { kind: 'DestroyCluster', value: cluster })
const standing = (kind: 'Confirmed' | 'Suspended'): Message => createMessage(REGISTRY, TOPICS.gatekeeperNotice, { kind, value: { pubkey: own() } })
const said = <T>(to: { readonly topic: Uint8Array; readonly payload: { decode(bytes: Uint8Array): T } }): readonly T[] =>
  channelOf(state.egress, { kind: 'Worker', value: own() }).messages.filter(({ message }) => bytesEqual(message.destination, to.topic)).map(({ message }) => to.payload.decode(message.payload))
const candidates = () => said(TOPICS.clusterEpochCandidate)

/** An active gatekeeper at block 2. */
beforeEach(() => {
  chain = createTestChain(crypto)
  state = undefined as unknown as LiveState
  apply({ kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy: entropy() } })
  feed([createMessage(REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'FirstGatekeeper', value: { pubkey: own(), ecdhPubkey: state.keys.ecdh.publicKey } })])
  answer(held)
  feed([createMessage(REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'MasterPubkeyOnChain', value: { masterPubkey: MASTER } }), standing('Confirmed')])
})

describe('the secret of an epoch', () => {
  test('opens at each worker and is nowhere else once it was proposed', () => {
    feed([request(1n)])
    const [{ pubkey, secretKeys }] = candidates() as [ReturnType<typeof candidates>[number]]
    const context = clusterEpochContext(chain.genesisHash, { cluster: CLUSTER, epoch: 1n })
    const secrets = ['x', 'y'].map((name) => {
      const sealed = secretKeys.find(([worker]) => bytesEqual(worker, member(name).pubkey))?.[1] as NonNullable<typeof secretKeys[0]>[1]
      return openClusterSecret(crypto, { keys: [pair(name)], sealed, context }) as Uint8Array
    })
    expect(secrets.map((secret) => crypto.sr25519.pairFromSecret(secret).publicKey)).toEqual([pubkey, pubkey])
    const half = toHex((secrets[0] as Uint8Array).subarray(0, 32)).slice(2)
    expect(toHex(encodeCheckpoint(state))).not.toContain(half)
    expect(JSON.stringify(effects, (_key, value: unknown) => (value instanceof Uint8Array ? toHex(value) : typeof value === 'bigint' ? String(value) : value))).not.toContain(half)
  })

  test('is proposed once per request, another each time, and not for one that another follows or that began in the same step', () => {
    feed([request(1n)], [request(2n)])
    feed([])
    expect(candidates().map(({ epoch }) => epoch)).toEqual([2n])
    feed([request(2n)])
    expect(new Set(candidates().map(({ pubkey }) => toHex(pubkey))).size).toBe(2)
    feed([request(3n)], [notice({ kind: 'EpochBegan', value: { cluster: CLUSTER, epoch: 3n, pubkey: MASTER, retireAt: 9 } })])
    feed([request(4n), destroy()])
    expect(candidates()).toHaveLength(2)
    expect(gatekeeper().epochRequests).toEqual([])
  })

  test('is proposed by a gatekeeper whose votes count, and by others as soon as they do, over a restart, too', () => {
    feed([standing('Suspended')], [request(1n)])
    restart()
    answer(held)
    expect([candidates(), gatekeeper().epochRequests.length]).toEqual([[], 1])
    feed([standing('Confirmed')])
    expect(candidates().map(({ epoch }) => epoch)).toEqual([1n])
  })

  test('is not asked for by anybody but the chain', () => {
    feed([{ ...request(1n), sender: { kind: 'Gatekeeper' } }, { ...request(1n), sender: { kind: 'Worker', value: own() } }])
    expect(candidates()).toEqual([])
  })
})

describe('the key of a cluster', () => {
  const votes = () => said(TOPICS.gatekeeperVote)
  const sealed = (): RootAnswer => ({ kind: 'clusterSealed', value: { publicKey: filled(7), secretKeys: [[member('x').pubkey, { ecdhPubkey: MASTER, encryptedKey: filled(4), iv: new Uint8Array(12) }]] } })

  test('is asked of the root secret, and what it says is voted on as two outcomes in order', () => {
    feed([deploy()])
    expect(question()?.call).toEqual({ kind: 'sealCluster', value: { cluster: CLUSTER, epoch: 0n, recipients: [member('x')] } })
    answer(sealed())
    expect(votes().map(({ index, destination }) => [index, destination])).toEqual([[0, TOPICS.clusterRegistryEvent.topic], [1, TOPICS.clusterOperation.topic]])
    expect(TOPICS.clusterOperation.payload.decode(votes()[1]?.payload as Uint8Array)).toMatchObject({ kind: 'DispatchKeys', value: { cluster: CLUSTER, ...terms } })
  })

  test('is asked for again after a restart and after a failure of the root secret', () => {
    feed([deploy()])
    answer({ kind: 'failed', value: { code: 'SEAL_WRITE_FAILED' } })
    feed([])
    expect(question()?.call.kind).toBe('sealCluster')
    restart()
    answer(held)
    expect(question()?.call.kind).toBe('sealCluster')
    answer(sealed())
    expect(votes()).toHaveLength(2)
  })

  test('of a cluster that is unknown or gone is left to the others, under numbers that stay theirs', () => {
    feed([deploy(), destroy(), notice({ kind: 'WorkerAdded', value: { cluster: CLUSTER, worker: member('y') } }), deploy(filled(5))])
    expect(gatekeeper().clusters.map(({ id }) => id)).toEqual([filled(5)])
    expect(gatekeeper().votes.map(({ id, hash }) => [id.index, hash])).toEqual([[2, undefined]])
    expect(gatekeeper().nextIndex).toBe(5)
    answer(sealed())
    answer(sealed())
    expect(votes().map(({ index }) => index)).toEqual([0, 1, 3, 4])
  })

  test('of one cluster more than is kept track of is left to nobody: the list does not grow', () => {
    const many: readonly KnownCluster[] = Array.from({ length: CLUSTERS_MAX }, (_, i) => ({ id: crypto.sha256(utf8(String(i))), since: 1, terms }))
    state = { ...state, gatekeeper: { ...gatekeeper(), clusters: many } }
    feed([deploy()])
    expect([gatekeeper().clusters.length, question()]).toEqual([CLUSTERS_MAX, undefined])
  })
})
