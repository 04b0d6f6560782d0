/** Owns a client's connection to a network of clusters: the node, what the chain holds, extrinsics by any signer, waiting by blocks. Workers are chosen in pick-worker.ts. */
import type { AttestationPolicy } from '@phalanx/attestation'
import { clusterIdOf } from '@phalanx/primitives/messages'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { accountOf, type Account, type AnySigner } from '../account.ts'
import { createChainClient, GENESIS_QUESTION, type BlockRef, type ChainClient } from '../chain-client.ts'
import '../errors.ts'
import { createRpcClient } from '../rpc-client.ts'
import type { NamedCall } from './calls.ts'
import { ChainState, type ClusterEntry } from './chain-state.ts'
import { createSpan, type Limits, type SpanOptions } from './patience.ts'
import { createWorkerChoice, type WorkerChoice, type PickedWorker, type PickOptions } from './pick-worker.ts'
import { createSubmissions, type Submissions } from './submissions.ts'
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

/** Something that the chain will hold. `find`: undefined where it is not there yet. */
export interface ChainWait<T> extends SpanOptions {
  find(state: ChainState): Promise<T | undefined>
}

/** How long an extrinsic may take into a block. */
const SUBMIT_MS = 180_000

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
  /**
   * The first value that `find` gives, looked for after every finalised block, over restarts of the node.
   * @throws SDK_WAIT_TIMEOUT, SDK_WAIT_ABORTED, SDK_CLIENT_CLOSED, SDK_CHAIN_DIFFERS and what `find` throws
   */
  waitFor<T>(wait: ChainWait<T>): Promise<T>
  /**
   * Asks something that changes nothing, again where the node goes away meanwhile. `ask` can note what keeps it waiting, which a time-out names as its cause.
   * @throws as `waitFor`, and what else `ask` throws
   */
  holdOut<T>(limits: SpanOptions, ask: (note: (trouble: unknown) => void) => Promise<T>): Promise<T>
  account(signer: AnySigner): Account
  /**
   * Submits a call, or several as one, and waits until it is in a block, over restarts of the node; for three minutes where nothing is said.
   * @throws SDK_EXTRINSIC_FAILED, SDK_EXTRINSIC_DROPPED, SDK_EXTRINSIC_FATE_UNKNOWN, SDK_RPC_REFUSED, SDK_WAIT_ABORTED, SDK_CLIENT_CLOSED, SDK_CHAIN_DIFFERS
   */
  submit(account: Account, calls: readonly NamedCall[], limits?: Partial<Limits>): Promise<Included>
  close(): void
}

/** Connects to a node, which is believed about what the chain holds: who trusts none runs one. @throws connection codes */
export const connect = async (options: ConnectOptions): Promise<Network> => {
  const surroundings = await createSurroundings(options)
  const chain = createChainClient(createRpcClient({ url: options.node, identity: GENESIS_QUESTION }, surroundings), surroundings)
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
  private readonly submissions: Submissions

  constructor(parts: { readonly chain: ChainClient; readonly surroundings: Surroundings; readonly policy: TrustPolicy }, genesisHash: Uint8Array) {
    this.chain = parts.chain
    this.surroundings = parts.surroundings
    this.policy = parts.policy
    this.genesisHash = genesisHash
    this.choice = createWorkerChoice(this)
    this.submissions = createSubmissions({ ...parts, genesisHash })
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

  waitFor<T>(wait: ChainWait<T>): Promise<T> {
    const { chain, surroundings } = this
    return waitForState({ ...wait, chain, surroundings, find: async () => wait.find(await this.state()) })
  }

  async holdOut<T>(limits: SpanOptions, ask: (note: (trouble: unknown) => void) => Promise<T>): Promise<T> {
    const { chain: { rpc }, surroundings: { clock, random, logger } } = this
    const span = createSpan(limits, { rpc, clock, random, logger })
    try {
      return await span.through(() => ask((trouble) => span.note(trouble)))
    } finally {
      span.close()
    }
  }

  account(signer: AnySigner): Account {
    return accountOf(this.surroundings.crypto, signer)
  }

  async submit(account: Account, calls: readonly NamedCall[], { timeoutMs = SUBMIT_MS, signal }: Partial<Limits> = {}): Promise<Included> {
    const { blockHash, blockNumber: number, outcome } = await this.submissions.submit(account, calls, { timeoutMs, signal })
    if (!outcome.ok) throw new AppError('SDK_EXTRINSIC_FAILED', { name: outcome.name, docs: outcome.docs, blockHash: toHex(blockHash) })
    if (number > (this.newestOwn?.number ?? 0)) this.newestOwn = { number, hash: blockHash }
    return { blockHash, blockNumber: number, fee: outcome.fee ?? 0n }
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
