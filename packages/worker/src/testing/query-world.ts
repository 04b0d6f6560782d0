/** Owns a whole worker (core, shell, methods) that runs a cluster on a chain of its own, and clients that ask it, for tests and benchmarks of queries. */
import { bytesToKey } from '@phalanx/primitives/bytes'
import {
  openReply, querySigningPayload, sealQuery, type ChannelTarget, type ClusterQuery, type PreparedQuery, type QueryContent, type SignerChain, type VerifiedReply,
} from '@phalanx/primitives/contracts'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { assert } from '@phalanx/primitives/assert'
import { isAppError } from '@phalanx/primitives/errors'
import { silentLogger, type Clock, type Random } from '@phalanx/primitives/ports'
import { createWorker, type Worker, type WorkerDependencies, type WorkerOptions } from '../create-worker.ts'
import { createBuiltinVm } from '../contracts/system-contract/create-builtin-vm.ts'
import type { CodeVm } from '../contracts/vm.ts'
import { decodeCheckpoint } from '../core/state.ts'
import { EgressMessages } from '../core/mq.ts'
import { createSoftwarePlatform } from '../platform/software.ts'
import type { WorkerClient } from '../wire/index.ts'
import { ClusterChain } from './cluster-chain.ts'
import { createDirectClient } from './harness.ts'
import { createMemoryBlobStore, createTestBenchmark, createTestClock, createTestRandom } from './outside.ts'
import { createScriptVm, SCRIPT_CODE } from './script-vm.ts'

/** The worker's own code of a call that failed, `none` where it did not, and the text of any other error. */
export const failureOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act
  } catch (error) {
    return isAppError(error, 'WIRE_CALL_FAILED') ? error.context.code : String(error)
  }
  return 'none'
}

/** Choices for a world. */
export interface QueryWorldOptions extends WorkerOptions {
  readonly seed?: string
  readonly vms?: readonly CodeVm[]
  readonly clock?: Clock
  readonly parts?: Pick<WorkerDependencies, 'startQueryThread' | 'httpFetch' | 'highResolutionMs'>
}

/** A chain, one worker of one cluster, one user. */
export class QueryWorld {
  readonly chain: ClusterChain
  readonly crypto: Crypto
  readonly random: Random
  readonly user: Sr25519Pair
  worker!: Worker
  client!: WorkerClient

  private constructor(crypto: Crypto, seed: string) {
    this.crypto = crypto
    this.random = createTestRandom(crypto, seed)
    this.chain = new ClusterChain(crypto, this.random)
    this.user = crypto.sr25519.pairFromSeed(this.random.bytes(32))
  }

  /** A world whose worker is registered and anchored, and runs no cluster yet. */
  static async create(crypto: Crypto, options: QueryWorldOptions = {}): Promise<QueryWorld> {
    const { seed, vms, clock, parts, ...rest } = options
    const world = new QueryWorld(crypto, seed ?? 'queries')
    const blobs = createMemoryBlobStore()
    const { random } = world
    const platform = await createSoftwarePlatform({}, { crypto, blobs, random })
    world.worker = await createWorker(rest, {
      platform, blobs, random, crypto, clock: clock ?? createTestClock(), logger: silentLogger, benchmark: createTestBenchmark(),
      vms: vms ?? [createBuiltinVm({ crypto }), createScriptVm()], ...parts,
    })
    world.client = createDirectClient(world.worker)
    await world.client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: world.chain.chain.genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false })
    world.chain.register(world.identity)
    await world.rounds(4)
    assert(world.worker.status().serving, 'the worker is registered and anchored')
    return world
  }

  /** The worker's identity key. */
  get identity(): Uint8Array {
    const identity = this.worker.identity()
    assert(identity !== undefined, 'the worker was initialised')
    return identity
  }

  /** Seals a block, feeds it, hands over what waits for the chain. */
  async rounds(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.chain.seal()
      const { blocknum } = await this.client.PhactoryAPI.GetInfo({})
      await this.client.PhalanxAPI.FeedBlocks({ encodedBlocks: this.chain.chain.feed(blocknum, this.chain.chain.head.number) })
      const { encodedMessages } = await this.client.PhactoryAPI.GetEgressMessages({})
      for (const [, messages] of EgressMessages.decode(encodedMessages)) for (const message of messages) this.chain.submit(message)
    }
  }

  /** Has the worker run the cluster, with an epoch and money for the user. */
  async deploy(): Promise<void> {
    const { chain } = this
    chain.create([this.identity])
    chain.dispatch()
    await this.rounds(2)
    chain.rotate()
    chain.deposit(this.user.publicKey, 10n ** 24n)
    await this.rounds(3)
  }

  /** Uploads code and makes a contract of it; a script contract unless told otherwise. */
  async instantiate(options: { readonly code?: Uint8Array; readonly data?: Uint8Array; readonly salt?: Uint8Array; readonly deployer?: Uint8Array } = {}): Promise<Uint8Array> {
    const { chain } = this
    const { code, data, salt, deployer } = options
    const id = chain.instantiate(chain.upload(code ?? SCRIPT_CODE), data ?? new Uint8Array(0), salt ?? Uint8Array.of(1), deployer)
    await this.rounds(4)
    return id
  }

  /** What a client has to know to seal a query, as the worker tells it. */
  async target(): Promise<ChannelTarget> {
    const { ecdhEpoch, ecdhAnchor, ecdhPublicKey } = await this.client.PhalanxAPI.Status({})
    const record = this.chain.ecdh.get(bytesToKey(this.identity))
    assert(ecdhEpoch !== undefined && ecdhAnchor !== undefined && ecdhPublicKey !== undefined && record !== undefined, 'the key is anchored')
    return { genesis: this.chain.chain.genesisHash, epoch: ecdhEpoch, anchor: Uint8Array.from(Buffer.from(ecdhAnchor.slice(2), 'hex')), publicKey: record.key }
  }

  /** A query with its conditions as they should be. */
  content(query: ClusterQuery, change: Partial<QueryContent> = {}): QueryContent {
    const { genesisHash, head } = this.chain.chain
    return {
      genesis: genesisHash, worker: this.identity, cluster: this.chain.id, atLeast: { number: head.number, hash: head.hash }, notAfter: head.number + 10,
      nonce: this.random.bytes(32), query, ...change,
    }
  }

  /** The user's signature over a query. */
  signerOf(content: QueryContent, pair: Sr25519Pair = this.user): SignerChain {
    const signature = this.crypto.sr25519.sign(pair.secret, querySigningPayload(content), this.random.bytes(32))
    return { signature: { type: { kind: 'Sr25519' }, signature }, leaf: { pubkey: pair.publicKey, ttl: 0x7fff_ffff, configBits: 0 }, issuer: undefined }
  }

  /** Seals a query of the user, or of nobody. */
  async prepare(query: ClusterQuery, options: { readonly change?: Partial<QueryContent>; readonly target?: Partial<ChannelTarget>; readonly isAnonymous?: boolean } = {}): Promise<PreparedQuery> {
    const content = this.content(query, options.change)
    const target = { ...(await this.target()), ...options.target }
    const signer = options.isAnonymous === true ? undefined : this.signerOf(content)
    return sealQuery(this.crypto, { target, content, signer, random: { seed: this.random.bytes(32), iv: this.random.bytes(12) } })
  }

  /** Sends a sealed query and opens the reply. */
  async send(prepared: PreparedQuery): Promise<VerifiedReply> {
    const { sealed } = await this.client.PhalanxAPI.Query({ sealed: prepared.sealed.bytes })
    return openReply(this.crypto, prepared, sealed)
  }

  /** Asks as the user does. */
  async ask(query: ClusterQuery, change: Partial<QueryContent> = {}): Promise<VerifiedReply> {
    return this.send(await this.prepare(query, { change }))
  }

  /** The cluster's stored part of the worker's checkpoint. */
  stored(): ReturnType<typeof decodeCheckpoint>['cluster'] {
    const exported = this.worker.exportState()
    return exported === undefined ? undefined : decodeCheckpoint(exported).cluster
  }
}

