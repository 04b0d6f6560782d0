/** Owns what the tests of PhalaPhatContracts and PhalaPhatTokenomic share: a chain with staked workers, clusters, messages of all senders. For tests only. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, compareBytes } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { UNIT } from '@phalanx/primitives/fixed'
import { clusterIdOf, createMessage, TOPICS, type ClusterEpochCandidate, type ClusterNotice, type MessageOrigin, type TopicOf } from '@phalanx/primitives/messages'
import type { RuntimeCall } from '../../frame/context.ts'
import { ROOT } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { mint } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { createComputationTestbed, STAKE, type TestSession } from '../phala-computation/testing.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { confirmedGatekeepers } from '../phala-registry/storage.ts'
import { phalaPhatTokenomic } from '../phala-phat-tokenomic/pallet.ts'
import type { NewCluster } from './clusters.ts'
import { onPhatMessage } from './messages.ts'
import { phalaPhatContracts } from './pallet.ts'
import * as storage from './storage.ts'

/** Where the test chain's genesis says nothing else. */
const GENESIS = { clusterMinStake: (4000n * UNIT).toString(), rotationPeriodBlocks: 20, graceBlocks: 5, reportIntervalBlocks: 10 }
/** What each account of the tests owns. */
const WEALTH = 1_000n * UNIT

/** Bytes that are all alike. */
export const filled = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)

/** Name of one of the pallet's errors, as refusals have it. */
export const fails = (name: string): string => `PhalaPhatContracts.${name}`

/** Sender of what a worker says. */
export const workerOrigin = ({ worker }: TestSession): MessageOrigin => ({ kind: 'Worker', value: worker })

/** Sender of what a cluster says. */
export const clusterOrigin = (cluster: Uint8Array): MessageOrigin => ({ kind: 'Cluster', value: cluster })

/** A session that the test has made before it asks. */
export const session = (one: TestSession | undefined): TestSession => {
  assert(one !== undefined, 'the session was made')
  return one
}

/** Starts the test world. `genesis` changes the pallet's part of the chain spec. */
export const createPhatTestbed = (crypto: Crypto, options: { readonly genesis?: object; readonly computation?: object } = {}) => {
  const bed = createComputationTestbed(crypto, {
    genesis: { checkWorkerRegisterTime: false, ...options.computation },
    more: {
      pallets: [{ index: 48, pallet: phalaPhatContracts }, { index: 49, pallet: phalaPhatTokenomic }],
      genesis: { PhalaPhatContracts: { ...GENESIS, ...options.genesis }, PhalaPhatTokenomic: { minStake: UNIT.toString() } },
    },
  })
  const { chain } = bed
  const account = (name: string): Uint8Array => {
    const { publicKey } = devAccount(crypto, name)
    mint(balancesParts.in(chain.ctx), publicKey, WEALTH)
    return publicKey
  }
  const [owner, user, treasury] = [account('Owner'), account('User'), account('Treasury')]
  const worker = (name: string, stake = STAKE): TestSession => bed.started(name, stake)
  const wish = (workers: readonly Uint8Array[], change: Partial<NewCluster> = {}): NewCluster => ({
    owner, permission: { kind: 'Public' }, deployWorkers: workers, deposit: 10n * UNIT, gasPrice: 1n, depositPerItem: 2n, depositPerByte: 3n,
    treasuryAccount: treasury, ...change,
  })
  const addCluster = (workers: readonly Uint8Array[], change: Partial<NewCluster> = {}): RuntimeCall => phalaPhatContracts.call('addCluster', wish(workers, change))
  /** A cluster of these workers that have no key yet; its id. */
  const created = (sessions: readonly TestSession[], change: Partial<NewCluster> = {}): Uint8Array => {
    chain.assertOk(addCluster(sessions.map((one) => one.worker), change), ROOT)
    return clusterIdOf(storage.clusterCounter.get(chain.ctx))
  }
  /** Hands a message to the pallet; what it refuses is thrown. */
  const say = <T>(sender: MessageOrigin, to: TopicOf<T>, payload: T): void => {
    chain.ctx.storage.begin()
    try {
      onPhatMessage(chain.ctx, createMessage(sender, to, payload))
      chain.ctx.storage.commit()
    } catch (error) {
      chain.ctx.storage.rollback()
      throw error
    }
  }
  const gatekeepers: MessageOrigin = { kind: 'Gatekeeper' }
  const sharesFor = (workers: readonly Uint8Array[]) =>
    [...workers].sort(compareBytes).map((pubkey) => [pubkey, { ecdhPubkey: filled(1), encryptedKey: filled(2, 80), iv: filled(3, 12) }] as const)
  /** The gatekeepers send a cluster's key; the shares are no real ones. */
  const dispatchKeys = (id: Uint8Array, workers: readonly Uint8Array[] = []): void => {
    const terms = { owner, deposit: 0n, gasPrice: 1n, depositPerItem: 2n, depositPerByte: 3n, treasuryAccount: treasury }
    say(gatekeepers, TOPICS.clusterOperation, { kind: 'DispatchKeys', value: { cluster: id, secretKeys: sharesFor(workers), ...terms } })
  }
  /** A cluster of these workers, which were sent its key; its id. */
  const cluster = (sessions: readonly TestSession[], change: Partial<NewCluster> = {}): Uint8Array => {
    const id = created(sessions, change)
    dispatchKeys(id)
    return id
  }
  const gatekeeper = devAccount(crypto, 'Gatekeeper').publicKey
  confirmedGatekeepers.set(chain.ctx, [[gatekeeper, chain.ctx.block.number]])
  const giveKey = (id: Uint8Array, pubkey: Uint8Array): void =>
    say(gatekeepers, TOPICS.clusterRegistryEvent, { kind: 'PubkeyAvailable', value: { cluster: id, pubkey } })
  /** What a gatekeeper proposes: the shares are no real ones. */
  const candidate = (id: Uint8Array, epoch: bigint, change: Partial<ClusterEpochCandidate> = {}): ClusterEpochCandidate => {
    return { cluster: id, epoch, pubkey: epochKey(epoch), secretKeys: sharesFor(storage.clusterWorkers.get(chain.ctx, id)), ...change }
  }
  const epochKey = (epoch: bigint): Uint8Array => devAccount(crypto, `Epoch ${epoch}`).publicKey
  const propose = (proposal: ClusterEpochCandidate, by = gatekeeper): void => say({ kind: 'Worker', value: by }, TOPICS.clusterEpochCandidate, proposal)
  const beginEpoch = (id: Uint8Array, epoch: bigint): void => propose(candidate(id, epoch))
  const report = (one: TestSession, id: Uint8Array, block: number, byte: number): void =>
    say({ kind: 'Worker', value: one.worker }, TOPICS.clusterState, { cluster: id, block, stateRoot: filled(byte), receiptsRoot: filled(0) })
  /** A contract that runs in a cluster. */
  const contract = (id: Uint8Array, byte: number): Uint8Array => {
    const value = { contract: filled(byte), pubkey: filled(byte + 1), deployer: owner }
    say({ kind: 'Cluster', value: id }, TOPICS.contractRegistryEvent, { kind: 'PubkeyAvailable', value })
    return value.contract
  }
  /** Messages of this block on a topic. */
  const heard = <T>(to: TopicOf<T>): readonly T[] =>
    loggedMessages(chain.ctx).filter(({ destination }) => bytesEqual(destination, to.topic)).map(({ payload }) => to.payload.decode(payload))
  /** What the pallet told workers of clusters in this block. */
  const notices = (kind: ClusterNotice['kind']): readonly ClusterNotice[] => heard(TOPICS.clusterNotice).filter((one) => one.kind === kind)
  const events = (name: string): readonly unknown[] =>
    chain.events().filter((event) => event.pallet === 'PhalaPhatContracts' && event.name === name).map(({ value }) => value)
  return {
    ...bed, owner, user, treasury, worker, addCluster, created, cluster, say, gatekeepers, gatekeeper, giveKey, dispatchKeys, candidate, epochKey, propose, beginEpoch, report,
    contract, heard, notices, events,
  }
}

/** The test world. */
export type PhatTestbed = ReturnType<typeof createPhatTestbed>
