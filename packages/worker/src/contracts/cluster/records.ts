/**
 * Owns what workers of a cluster must agree on besides the state of execution: it stands in the same trie under keys of its own, so that one root covers all of it
 * and whoever has the entries of the trie has the cluster. Every change gives a new cluster state; nothing is changed in place.
 */
import { compareBytes, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { invocationNonceKey, INVOCATION_LIFE_BLOCKS } from '@phalanx/primitives/contracts'
import { option, struct, tuple, u16, u32, u64, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createTrie, type State, type Trie } from '@phalanx/primitives/trie'
import { EpochFact, type ClusterState, type DeployedContract, type StoredCluster } from './state.ts'

const EPOCHS_MAX = 64
const RECORD_KEY = utf8('clus')
const DEPLOYED_PREFIX = utf8('depl')
const SEEN_PREFIX = utf8('seen')

/** Record of a cluster. `sequence`: next number of the cluster's channel to the chain. */
const ClusterRecord = struct({
  publicKey: Sr25519Public,
  runtimeVersion: tuple(u32, u32),
  systemCodeVersion: u16,
  eventChain: struct({ number: u64, hash: Hash }),
  sequence: u64,
  epochs: vecUpTo(EpochFact, EPOCHS_MAX),
})
/** Record of a cluster. */
export type ClusterRecord = TypeOf<typeof ClusterRecord>

const DeployedRecord = struct({ publicKey: Sr25519Public, deployer: Hash, weight: u32, hook: option(struct({ selector: u32, gasLimit: u64 })) })

/** What a trie says of the cluster whose state it is. */
export interface ReadCluster {
  readonly record: ClusterRecord
  readonly deployed: readonly DeployedContract[]
  readonly nonces: ClusterState['nonces']
}

/** Reads the records of a cluster's state. @throws CODEC_ codes where they are none; undefined where there is no record at all */
export const readCluster = (contracts: State): ReadCluster | undefined => {
  const record = contracts.get(RECORD_KEY)
  if (record === undefined) return undefined
  return {
    record: ClusterRecord.decode(record),
    deployed: [...contracts.entries(DEPLOYED_PREFIX)].map(([key, value]) => ({ id: key.slice(DEPLOYED_PREFIX.length), ...DeployedRecord.decode(value) })),
    nonces: [...contracts.entries(SEEN_PREFIX)].map(([key, value]) => ({ key, block: u32.decode(value) })).sort((a, b) => a.block - b.block || compareBytes(a.key, b.key)),
  }
}

/** The record of a cluster that runs. */
export const recordOf = ({ contracts }: ClusterState): ClusterRecord => ClusterRecord.decode(contracts.get(RECORD_KEY) ?? new Uint8Array(0))

/** Writes a cluster's record. */
export const withRecord = (contracts: Trie, record: ClusterRecord): Trie => contracts.apply([[RECORD_KEY, ClusterRecord.encode(record)]])

/** Changes a running cluster's record, and with it what the state shows of it. */
export const updateRecord = (cluster: ClusterState, change: Partial<ClusterRecord>): ClusterState => {
  const record = { ...recordOf(cluster), ...change }
  const { runtimeVersion, systemCodeVersion, eventChain } = record
  return { ...cluster, contracts: withRecord(cluster.contracts, record), runtimeVersion, systemCodeVersion, eventChain }
}

/** Place of an id in the list of contracts: where it is, or where it belongs. */
const placeOf = (deployed: readonly DeployedContract[], id: Uint8Array): number => {
  let low = 0
  let high = deployed.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareBytes((deployed[middle] as DeployedContract).id, id) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** A contract of the cluster. */
export const findDeployed = (cluster: Pick<ClusterState, 'deployed'>, id: Uint8Array): DeployedContract | undefined => {
  const found = cluster.deployed[placeOf(cluster.deployed, id)]
  return found !== undefined && compareBytes(found.id, id) === 0 ? found : undefined
}

/** Adds a contract, or puts it in the place of the one with its id. */
export const putDeployed = (cluster: ClusterState, contract: DeployedContract): ClusterState => {
  const { id, ...record } = contract
  const place = placeOf(cluster.deployed, id)
  const isKnown = findDeployed(cluster, id) !== undefined
  return {
    ...cluster,
    deployed: [...cluster.deployed.slice(0, place), contract, ...cluster.deployed.slice(isKnown ? place + 1 : place)],
    contracts: cluster.contracts.apply([[concatBytes(DEPLOYED_PREFIX, id), DeployedRecord.encode(record)]]),
  }
}

type Invoked = { readonly from: Uint8Array; readonly nonce: Uint8Array }

const seenKey = (crypto: Pick<Crypto, 'blake2b256'>, invoked: Invoked): Uint8Array => concatBytes(SEEN_PREFIX, invocationNonceKey(crypto, invoked))

/** Whether an invocation was taken before. */
export const isSeen = (crypto: Pick<Crypto, 'blake2b256'>, cluster: ClusterState, invoked: Invoked): boolean => cluster.contracts.get(seenKey(crypto, invoked)) !== undefined

/** Remembers an invocation that names a block. */
export const rememberInvocation = (crypto: Pick<Crypto, 'blake2b256'>, cluster: ClusterState, { block, ...invoked }: Invoked & { readonly block: number }): ClusterState => {
  const key = seenKey(crypto, invoked)
  let place = cluster.nonces.length
  while (place > 0 && (cluster.nonces[place - 1] as { readonly block: number }).block > block) place--
  return {
    ...cluster,
    nonces: [...cluster.nonces.slice(0, place), { key, block }, ...cluster.nonces.slice(place)],
    contracts: cluster.contracts.apply([[key, u32.encode(block)]]),
  }
}

/** Forgets invocations that nobody could repeat after block `now`, because they would be too old. */
export const forgetInvocations = (cluster: ClusterState, now: number): ClusterState => {
  const stays = cluster.nonces.findIndex(({ block }) => block + INVOCATION_LIFE_BLOCKS >= now)
  const over = stays < 0 ? cluster.nonces.length : stays
  if (over === 0) return cluster
  return {
    ...cluster,
    nonces: cluster.nonces.slice(over),
    contracts: cluster.contracts.apply(cluster.nonces.slice(0, over).map(({ key }) => [key, undefined] as const)),
  }
}

const ALL = new Uint8Array(0)

/** Every entry of a cluster's state. */
export const entriesOf = (contracts: State): StoredCluster['entries'] => [...contracts.entries(ALL)]

/** A state out of its entries. */
export const contractsFrom = (crypto: Crypto, entries: StoredCluster['entries']): Trie => createTrie({ crypto, version: 0 }).apply(entries)

/** What a checkpoint holds of a cluster. */
export const storeCluster = ({ id, contracts, receipts, reported, reportedUpTo, differsSince, gaps }: ClusterState): StoredCluster => ({
  id, entries: entriesOf(contracts), receipts, reportedUpTo, differsSince, gaps,
  reported: reported.map(({ block, stateRoot, receiptsRoot }) => ({ block, stateRoot, receiptsRoot })),
})
