import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { phalaPhatContractsStorage as phat } from '@phalanx/runtime/storage'
import type { KeyPair } from '../../core/keys.ts'
import type { LiveState } from '../../core/state.ts'
import { assertLive, step, type Core } from '../../core/step.ts'
import { createTestChain, type StateEntry, type TestChain } from '../../testing/chain.ts'
import { createTestCore, startWithIdentity } from '../../testing/core.ts'
import type { ClusterKeyring } from './keyring.ts'

const entropy = new Uint8Array(32)
const filled = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const [CLUSTER, OTHER] = [filled(1), filled(2)]
const PARAMETERS = { rotationPeriodBlocks: 7, graceBlocks: 2, reportIntervalBlocks: 3 }
let crypto: Crypto
let core: Core
let chain: TestChain
let identity: KeyPair

beforeAll(async () => {
  crypto = await loadCrypto()
})
const pair = (name: string): KeyPair => {
  const { secret, publicKey } = crypto.sr25519.pairFromSeed(crypto.sha256(utf8(name)))
  return { publicKey, secret: new Secret(secret) }
}
beforeEach(() => {
  core = createTestCore(crypto)
  chain = createTestChain(crypto)
  identity = pair('identity')
})

const facts = (): readonly StateEntry[] => [
  [phat.pinkSystemCode.key(crypto), phat.pinkSystemCode.encode([4, Uint8Array.of(1, 2, 3)])],
  [phat.pinkRuntimeVersion.key(crypto), phat.pinkRuntimeVersion.encode([1, 3])],
  [phat.clusterParameters.key(crypto), phat.clusterParameters.encode(PARAMETERS)],
]
const membership = (cluster: Uint8Array, requested: bigint): readonly StateEntry[] => [
  [phat.clusterByWorkers.key(crypto, identity.publicKey), phat.clusterByWorkers.encode(cluster)],
  [phat.clusterWorkers.key(crypto, cluster), phat.clusterWorkers.encode([filled(8), identity.publicKey])],
  [phat.clusterEpoch.key(crypto, cluster), phat.clusterEpoch.encode({ current: requested, since: 1, requested, dueBlock: 9 })],
  [phat.openEpochs.key(crypto, cluster), phat.openEpochs.encode(requested === 0n ? [] : [
    { epoch: 1n, pubkey: pair('epoch 1').publicKey, since: 1, anchor: filled(11), retireAt: 3 },
    { epoch: 2n, pubkey: pair('epoch 2').publicKey, since: 2, anchor: filled(12), retireAt: 4 },
    { epoch: 3n, pubkey: pair('epoch 3').publicKey, since: 3, anchor: undefined, retireAt: undefined },
  ])],
]
/** A worker that begins at block 3, whose state holds these entries. `before` changes what it was at block 1. */
const begin = (entries: readonly StateEntry[], before: (state: LiveState) => LiveState = (state) => state) => {
  chain.add()
  const started = step(core, startWithIdentity(core, identity, chain.genesisHash), { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy } }).state
  const followed = assertLive(step(core, started, { kind: 'feed', value: { blocks: chain.feed(1), genesisHash: undefined, iterations: 0n, entropy } }).state)
  chain.add()
  chain.add({ hasState: true, entries })
  const { state, effects } = step(core, before(followed), { kind: 'skipTo', value: { checkpoint: chain.checkpoint(identity.publicKey), entropy } })
  return { state: assertLive(state), effects }
}
const ring = (cluster: Uint8Array): ClusterKeyring => ({
  cluster, main: { key: pair('cluster'), since: 1 }, epochs: [1n, 2n].map((epoch) => ({ epoch, key: pair(`epoch ${epoch}`), since: 1 })),
})
const erased = (effects: ReturnType<typeof begin>['effects']): readonly Uint8Array[] => effects.flatMap((effect) => (effect.kind === 'eraseKeys' ? effect.value.map(({ publicKey }) => publicKey) : []))

describe('at a checkpoint a worker', () => {
  test('of no cluster learns what all workers know', () => {
    expect(begin(facts()).state.clusters).toEqual({ systemCode: { version: 4, code: Uint8Array.of(1, 2, 3) }, runtimeVersion: [1, 3], parameters: PARAMETERS, membership: undefined })
  })

  test('learns that nothing was said', () => {
    const { state } = begin([])
    expect([state.clusters.systemCode, state.clusters.runtimeVersion, state.joining, state.cluster]).toEqual([undefined, undefined, undefined, undefined])
  })

  test('of a cluster learns its members and the epochs that still count, and waits for the state that it missed', () => {
    const { state } = begin([...facts(), ...membership(CLUSTER, 3n)])
    expect(state.clusters.membership).toEqual({
      cluster: CLUSTER, members: [filled(8), identity.publicKey], keysAskedAt: undefined,
      epochs: [
        { epoch: 2n, publicKey: pair('epoch 2').publicKey, since: 2, anchor: filled(12), retireAt: 4, isAnnounced: false },
        { epoch: 3n, publicKey: pair('epoch 3').publicKey, since: 3, anchor: chain.head.hash, retireAt: undefined, isAnnounced: false },
      ],
    })
    expect(state.joining).toMatchObject({ cluster: CLUSTER, since: 4, deploy: undefined })
  })

  test('of a cluster that has no key yet waits for nothing: the key is sent after it', () => {
    const { state } = begin([...facts(), ...membership(CLUSTER, 0n)])
    expect([state.clusters.membership?.cluster, state.joining]).toEqual([CLUSTER, undefined])
  })

  test('keeps the secrets of its cluster that still open something, and erases the others', () => {
    const { state, effects } = begin(membership(CLUSTER, 3n), (before) => ({ ...before, clusterKeys: ring(CLUSTER) }))
    expect(state.clusterKeys?.main?.key.publicKey).toEqual(pair('cluster').publicKey)
    expect(state.clusterKeys?.epochs.map(({ epoch }) => epoch)).toEqual([2n])
    expect(erased(effects)).toEqual([pair('epoch 1').publicKey])
  })

  test.each([['is in none any more', (): readonly StateEntry[] => []], ['is in another one', () => membership(OTHER, 3n)]])(
    'that %s erases all secrets of the cluster that it was in', (_name, entries) => {
      const facts = { systemCode: undefined, runtimeVersion: undefined, parameters: PARAMETERS, membership: { cluster: CLUSTER, members: [], epochs: [], keysAskedAt: undefined } }
      const egress: LiveState['egress'] = [[{ kind: 'Cluster', value: CLUSTER }, { sequence: 4n, messages: [] }]]
      const { state, effects } = begin(entries(), (before) => ({ ...before, clusterKeys: ring(CLUSTER), clusters: facts, egress }))
      expect([state.clusterKeys, state.egress]).toEqual([undefined, []])
      expect(concatBytes(...erased(effects))).toEqual(concatBytes(...['cluster', 'epoch 1', 'epoch 2'].map((name) => pair(name).publicKey)))
    })
})
