/** Owns a client's connection to a network of clusters: the node, what the chain holds, extrinsics by any signer, waiting by blocks. Workers are chosen in pick-worker.ts. */
import type { AttestationPolicy } from '@phalanx/attestation'
import { clusterIdOf } from '@phalanx/primitives/messages'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { accountOf, type Account, type AnySigner } from '../account.ts'
import { createChainClient, type BlockRef, type ChainClient, type Submitted } from '../chain-client.ts'
import '../errors.ts'
import { createRpcClient } from '../rpc-client.ts'
import { encodeCalls, type NamedCall } from './calls.ts'
import { ChainState, type ClusterEntry } from './chain-state.ts'
import { createWorkerChoice, type WorkerChoice, type PickedWorker, type PickOptions } from './pick-worker.ts'
import { createSurroundings, type SocketClass, type Surroundings } from './surroundings.ts'
import { waitForState } from './wait.ts'

/**
 * Which evidence a worker must show: `vendors` (the default) trusts the roots of the hardware vendors alone and, where the chain lists measurements, those;
 * `chain` judges by the chain's own policy, which on simulated chains takes simulated evidence; or a policy of the caller's.
 */
export type TrustPolicy = 'vendors' | 'chain' | AttestationPolicy

/** How to connect. Parts that are left out are the platform's own. */
export interface ConnectOptions extends Partial<Surroundings> {
  /** WebSocket address of a node. */
  readonly node: string
  readonly policy?: TrustPolicy
  /** WebSocket class where the platform has none, as Node before version 22. */
  readonly WebSocket?: SocketClass
}

/** A cluster and where its workers are. */
export interface Cluster extends ClusterEntry {
  /** Identity keys, and the addresses that they published. */
  readonly workers: readonly { readonly publicKey: Uint8Array; readonly endpoints: readonly string[] }[]
}

/** An extrinsic that is in a block and succeeded. */
export interface Included {
  readonly blockHash: Uint8Array
  readonly blockNumber: number
  /** What it cost, in the chain's smallest unit. */
  readonly fee: bigint
}

/** A connection to a network. */
export interface Network {
  readonly chain: ChainClient
  readonly surroundings: Surroundings
  readonly genesisHash: Uint8Array
  readonly policy: TrustPolicy
  /** The newest block with an extrinsic of this connection: whoever asks over it wants to see what came of that. */
  readonly newestOwn: BlockRef | undefined
  /** What the chain holds after the last finalised block, or after `block`. */
  state(block?: BlockRef): Promise<ChainState>
  /** All clusters, in the order of their making. */
  clusters(): Promise<readonly Cluster[]>
  /** @throws SDK_CLUSTER_NOT_FOUND */
  cluster(id: Uint8Array): Promise<Cluster>
  /** A worker of a cluster that proved what the policy asks and holds the key that the chain has for it. @throws SDK_WORKER_NONE */
  pickWorker(cluster: Uint8Array, options?: PickOptions): Promise<PickedWorker>
  /** The worker did not do: it is examined anew before it is picked again. */
  forgetWorker(worker: PickedWorker): void
  /** The first value that `find` gives, looked for after every finalised block. @throws SDK_WAIT_TIMEOUT and what `find` throws */
  waitFor<T>(wait: { readonly what: string; readonly timeoutMs: number; find(state: ChainState): Promise<T | undefined> }): Promise<T>
  account(signer: AnySigner): Account
  /** Submits a call, or several as one, and waits until it is in a block. @throws SDK_EXTRINSIC_FAILED, SDK_EXTRINSIC_DROPPED, SDK_RPC_REFUSED */
  submit(account: Account, calls: readonly NamedCall[]): Promise<Included>
  close(): void
}

/** Connects to a node, which is believed about what the chain holds: who trusts none runs one. @throws connection codes */
export const connect = async (options: ConnectOptions): Promise<Network> => {
  const surroundings = await createSurroundings(options)
  const chain = createChainClient(createRpcClient({ url: options.node }, surroundings), surroundings)
  try {
    return await createNetwork({ chain, surroundings, policy: options.policy ?? 'vendors' })
  } catch (error) {
    chain.close()
    throw error
  }
}

/** A network over a connection that is there already. */
export const createNetwork = async (parts: { readonly chain: ChainClient; readonly surroundings: Surroundings; readonly policy: TrustPolicy }): Promise<Network> => {
  const genesisHash = await parts.chain.genesisHash()
  return new ClusterNetwork(parts, genesisHash)
}

class ClusterNetwork implements Network {
  readonly chain: ChainClient
  readonly surroundings: Surroundings
  readonly genesisHash: Uint8Array
  readonly policy: TrustPolicy
  newestOwn: BlockRef | undefined
  private readonly choice: WorkerChoice
  /** The last submission of each account: a nonce is asked for when the pool has the one before. */
  private readonly submissions = new Map<string, Promise<unknown>>()

  constructor(parts: { readonly chain: ChainClient; readonly surroundings: Surroundings; readonly policy: TrustPolicy }, genesisHash: Uint8Array) {
    this.chain = parts.chain
    this.surroundings = parts.surroundings
    this.policy = parts.policy
    this.genesisHash = genesisHash
    this.choice = createWorkerChoice(this)
  }

  async state(block?: BlockRef): Promise<ChainState> {
    const { chain } = this
    const [at, metadata] = await Promise.all([block ?? chain.finalizedHead(), chain.metadata()])
    return new ChainState(at, { chain, metadata, crypto: this.surroundings.crypto })
  }

  async clusters(): Promise<readonly Cluster[]> {
    const state = await this.state()
    const count = await state.clusterCount()
    const entries = await Promise.all(Array.from({ length: Number(count) }, (_, i) => state.cluster(clusterIdOf(BigInt(i + 1)))))
    return Promise.all(entries.filter((entry) => entry !== undefined).map((entry) => withWorkers(state, entry)))
  }

  async cluster(id: Uint8Array): Promise<Cluster> {
    const state = await this.state()
    const entry = await state.cluster(id)
    if (entry === undefined) throw new AppError('SDK_CLUSTER_NOT_FOUND', { url: this.chain.url, cluster: toHex(id) })
    return withWorkers(state, entry)
  }

  pickWorker(cluster: Uint8Array, options: PickOptions = {}): Promise<PickedWorker> {
    return this.choice.pick(cluster, options)
  }

  forgetWorker(worker: PickedWorker): void {
    this.choice.forget(worker)
  }

  waitFor<T>(wait: { readonly what: string; readonly timeoutMs: number; find(state: ChainState): Promise<T | undefined> }): Promise<T> {
    const { chain, surroundings: { clock } } = this
    return waitForState({ chain, clock, ...wait, find: async () => wait.find(await this.state()) })
  }

  account(signer: AnySigner): Account {
    return accountOf(this.surroundings.crypto, signer)
  }

  async submit(account: Account, calls: readonly NamedCall[]): Promise<Included> {
    const key = toHex(account.accountId)
    const before = this.submissions.get(key) ?? Promise.resolve()
    const submitted = before.then(() => this.hand(account, calls))
    const settled = submitted.catch(() => {})
    this.submissions.set(key, settled)
    void settled.then(() => {
      if (this.submissions.get(key) === settled) this.submissions.delete(key)
    })
    const { included } = await submitted
    const { blockHash, outcome } = await included
    if (!outcome.ok) throw new AppError('SDK_EXTRINSIC_FAILED', { name: outcome.name, docs: outcome.docs, blockHash: toHex(blockHash) })
    const number = await this.numberOf(blockHash)
    if (number > (this.newestOwn?.number ?? 0)) this.newestOwn = { number, hash: blockHash }
    return { blockHash, blockNumber: number, fee: outcome.fee ?? 0n }
  }

  private async numberOf(hash: Uint8Array): Promise<number> {
    const header = (await this.chain.rpc.request('chain_getHeader', [toHex(hash)])) as { readonly number?: unknown } | null
    const number = typeof header?.number === 'string' ? Number(header.number) : Number.NaN
    if (!Number.isSafeInteger(number)) throw new AppError('SDK_RESPONSE_MALFORMED', { url: this.chain.url, what: 'chain_getHeader' })
    return number
  }

  /** Hands a signed extrinsic to the pool. */
  private async hand(account: Account, calls: readonly NamedCall[]): Promise<Submitted> {
    const { chain, genesisHash } = this
    const [metadata, version, birth, nonce] = await Promise.all([chain.metadata(), chain.runtimeVersion(), chain.finalizedHead(), chain.nextNonce(account.accountId)])
    const { specVersion, transactionVersion } = version
    const call = encodeCalls(metadata, calls)
    const extrinsic = await account.signExtrinsic({ call, nonce, metadata, context: { genesisHash, specVersion, transactionVersion, birth } })
    return chain.submit(extrinsic)
  }

  close(): void {
    this.chain.close()
  }
}

const withWorkers = async (state: ChainState, entry: ClusterEntry): Promise<Cluster> => {
  const keys = await state.workersOf(entry.id)
  const workers = await Promise.all(keys.map(async (publicKey) => ({ publicKey, endpoints: await state.endpointsOf(publicKey) })))
  return { ...entry, workers }
}
