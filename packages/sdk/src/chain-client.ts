/**
 * Owns the typed view of a Phalanx node: heads, storage, nonces, the feed for workers, and extrinsics watched until they are in a block.
 * Every answer is checked for its form; finality is not verified here (workers do).
 */
import { parseHex, toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { MessageOrigin } from '@phalanx/primitives/messages'
import type { Crypto } from '@phalanx/primitives/crypto'
import { encodeSs58 } from '@phalanx/primitives/crypto'
import { u16 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { createMetadataIndex, type MetadataIndex } from './metadata-index.ts'
import { readOutcomes } from './block-outcomes.ts'
import type { DispatchOutcome } from './outcome.ts'
import type { IdentityQuestion, RpcClient } from './rpc-client.ts'
import type { Subscription } from './transport.ts'
import { checkExtensions } from './tx.ts'

/** A block's number and hash. */
export interface BlockRef {
  readonly number: number
  readonly hash: Uint8Array
}

/** What identifies the running code of a chain. */
export interface RuntimeVersion {
  readonly specName: string
  readonly specVersion: number
  readonly transactionVersion: number
}

/** An extrinsic that got into a block. */
export interface Inclusion {
  readonly blockHash: Uint8Array
  readonly outcome: DispatchOutcome
}

/** An extrinsic that the pool took. */
export interface Submitted {
  /** Resolves when it is in a block, with how its call ended. @throws SDK_EXTRINSIC_DROPPED and connection codes */
  readonly included: Promise<Inclusion>
}

/** Typed client of one node. */
export interface ChainClient {
  readonly url: string
  readonly rpc: RpcClient
  genesisHash(): Promise<Uint8Array>
  runtimeVersion(): Promise<RuntimeVersion>
  /** Read once per spec version. */
  metadata(): Promise<MetadataIndex>
  finalizedHead(): Promise<BlockRef>
  /** Numbers of finalised blocks as they come, over reconnects. */
  followFinalized(next: (number: number) => void): Promise<Subscription>
  storage(key: Uint8Array, at?: Uint8Array): Promise<Uint8Array | undefined>
  nextNonce(accountId: Uint8Array): Promise<number>
  /** Next sequence the chain and its pool expect from a sender. */
  nextMessageSequence(sender: MessageOrigin): Promise<bigint>
  /** SCALE FollowedBlocks. */
  getBlocks(from: number, limit: number): Promise<Uint8Array>
  /** SCALE GenesisBlockInfo. */
  genesisInfo(): Promise<Uint8Array>
  /** SCALE ChainCheckpoint of the newest final block, with what its state says of a worker (identity, 32 bytes). */
  checkpoint(worker: Uint8Array | undefined): Promise<Uint8Array>
  /** SCALE AdmissionProof: the rules by which the chain admits code. */
  admission(): Promise<Uint8Array>
  /** Resolves when the pool took the extrinsic. @throws SDK_RPC_REFUSED with the pool's reason */
  submit(extrinsic: Uint8Array): Promise<Submitted>
  close(): void
}

type Json = Readonly<Record<string, unknown>>

/** Blocks whose outcomes are remembered: several extrinsics of one block ask for the same. */
const OUTCOMES_KEPT = 16

/** The question whose answer tells a node of one chain from that of another, for `createRpcClient`. */
export const GENESIS_QUESTION: IdentityQuestion = { method: 'chain_getBlockHash', params: [0] }

/** Wraps a connection. */
export const createChainClient = (rpc: RpcClient, dependencies: { readonly crypto: Crypto }): ChainClient => new NodeChainClient(rpc, dependencies.crypto)

class NodeChainClient implements ChainClient {
  readonly rpc: RpcClient
  private readonly crypto: Crypto
  private cachedMetadata: { readonly specVersion: number; readonly index: Promise<MetadataIndex> } | undefined
  private readonly outcomes = new Map<string, Promise<ReadonlyMap<string, DispatchOutcome>>>()

  constructor(rpc: RpcClient, crypto: Crypto) {
    this.rpc = rpc
    this.crypto = crypto
  }

  get url(): string {
    return this.rpc.url
  }

  async genesisHash(): Promise<Uint8Array> {
    return this.bytes('chain_getBlockHash', [0], 32)
  }

  async runtimeVersion(): Promise<RuntimeVersion> {
    const answer = await this.object('state_getRuntimeVersion', [])
    const { specName, specVersion, transactionVersion } = answer
    if (typeof specName !== 'string' || !isUint(specVersion) || !isUint(transactionVersion)) throw this.malformed('state_getRuntimeVersion')
    return { specName, specVersion, transactionVersion }
  }

  async metadata(): Promise<MetadataIndex> {
    const { specVersion } = await this.runtimeVersion()
    if (this.cachedMetadata?.specVersion !== specVersion) {
      const index = this.bytes('state_getMetadata', []).then((bytes) => {
        const metadata = createMetadataIndex(bytes, this.crypto)
        checkExtensions(metadata.extensions)
        return metadata
      })
      this.cachedMetadata = { specVersion, index }
      index.catch(() => (this.cachedMetadata = undefined))
    }
    return this.cachedMetadata.index
  }

  async finalizedHead(): Promise<BlockRef> {
    const hash = await this.bytes('chain_getFinalizedHead', [], 32)
    const header = await this.object('chain_getHeader', [toHex(hash)])
    return { hash, number: this.headerNumber(header) }
  }

  followFinalized(next: (number: number) => void): Promise<Subscription> {
    return this.rpc.subscribe(
      { method: 'chain_subscribeFinalizedHeads', unsubscribe: 'chain_unsubscribeFinalizedHeads', params: [], renew: true },
      { next: (header) => next(this.headerNumber(header)) },
    )
  }

  async storage(key: Uint8Array, at?: Uint8Array): Promise<Uint8Array | undefined> {
    const params = at === undefined ? [toHex(key)] : [toHex(key), toHex(at)]
    const answer = await this.rpc.request('state_getStorage', params)
    return answer === null ? undefined : this.parse('state_getStorage', answer)
  }

  async nextNonce(accountId: Uint8Array): Promise<number> {
    const metadata = await this.metadata()
    const prefix = u16.decode(metadata.constant('System', 'SS58Prefix'))
    const nonce = await this.rpc.request('system_accountNextIndex', [encodeSs58(this.crypto, { prefix, payload: accountId })])
    if (!isUint(nonce)) throw this.malformed('system_accountNextIndex')
    return nonce
  }

  async nextMessageSequence(sender: MessageOrigin): Promise<bigint> {
    const sequence = await this.rpc.request('pha_getMqNextSequence', [toHexPlain(MessageOrigin.encode(sender))])
    if (typeof sequence !== 'number' || !Number.isSafeInteger(sequence) || sequence < 0) throw this.malformed('pha_getMqNextSequence')
    return BigInt(sequence)
  }

  getBlocks(from: number, limit: number): Promise<Uint8Array> {
    return this.bytes('phalanx_getBlocks', [from, limit])
  }

  genesisInfo(): Promise<Uint8Array> {
    return this.bytes('phalanx_genesisInfo', [])
  }

  checkpoint(worker: Uint8Array | undefined): Promise<Uint8Array> {
    return this.bytes('phalanx_getCheckpoint', [worker === undefined ? null : toHex(worker)])
  }

  admission(): Promise<Uint8Array> {
    return this.bytes('phalanx_getAdmission', [])
  }

  async submit(extrinsic: Uint8Array): Promise<Submitted> {
    const { blockHash } = await this.watchInclusion(toHex(extrinsic))
    const included = blockHash.then(async (hash) => {
      const outcome = (await this.outcomesOf(hash)).get(toHex(this.crypto.blake2b256(extrinsic)))
      if (outcome === undefined) throw this.malformed('chain_getBlock (the extrinsic is not in its block)')
      return { blockHash: hash, outcome }
    })
    // Whoever submits may choose not to wait; then nobody else must be troubled by what became of it.
    included.catch(() => {})
    return { included }
  }

  close(): void {
    this.rpc.close()
  }

  /** Submits; `blockHash` is that of the first block that a status names. */
  private async watchInclusion(extrinsic: string): Promise<{ readonly blockHash: Promise<Uint8Array> }> {
    let settle: { resolve(hash: Uint8Array): void; reject(error: unknown): void } = { resolve() {}, reject() {} }
    const found = new Promise<Uint8Array>((resolve, reject) => (settle = { resolve, reject }))
    found.catch(() => {})
    let subscription: Subscription | undefined
    let isDone = false
    const finish = (): void => {
      isDone = true
      subscription?.unsubscribe()
    }
    const next = (status: unknown): void => {
      if (isDone) return
      try {
        const hash = inclusionOf(status)
        if (hash === undefined) return
        settle.resolve(this.parse('author_submitAndWatchExtrinsic', hash))
      } catch (error) {
        settle.reject(error)
      }
      finish()
    }
    subscription = await this.rpc.subscribe(
      { method: 'author_submitAndWatchExtrinsic', unsubscribe: 'author_unwatchExtrinsic', params: [extrinsic], renew: false },
      { next, lost: settle.reject },
    )
    if (isDone) subscription.unsubscribe()
    return { blockHash: found }
  }

  /** Outcome by extrinsic hash of one block. */
  private outcomesOf(blockHash: Uint8Array): Promise<ReadonlyMap<string, DispatchOutcome>> {
    const key = toHex(blockHash)
    const known = this.outcomes.get(key)
    if (known !== undefined) return known
    const asked = readOutcomes(this, this.crypto, blockHash)
    this.outcomes.set(key, asked)
    asked.catch(() => this.outcomes.delete(key))
    const oldest = this.outcomes.keys().next()
    if (this.outcomes.size > OUTCOMES_KEPT && oldest.done === false) this.outcomes.delete(oldest.value)
    return asked
  }

  private headerNumber(header: unknown): number {
    const text = (header as { number?: unknown } | null)?.number
    const number = typeof text === 'string' && /^0x[0-9a-f]{1,8}$/i.test(text) ? Number(text) : text
    if (!isUint(number)) throw this.malformed('a header')
    return number
  }

  private async object(method: string, params: readonly unknown[]): Promise<Json> {
    const answer = await this.rpc.request(method, params)
    if (typeof answer !== 'object' || answer === null) throw this.malformed(method)
    return answer as Json
  }

  private async bytes(method: string, params: readonly unknown[], length?: number): Promise<Uint8Array> {
    const bytes = this.parse(method, await this.rpc.request(method, params))
    if (length !== undefined && bytes.length !== length) throw this.malformed(method)
    return bytes
  }

  private parse(method: string, answer: unknown): Uint8Array {
    if (typeof answer !== 'string' || !answer.startsWith('0x')) throw this.malformed(method)
    try {
      return parseHex(answer)
    } catch (cause) {
      throw new AppError('SDK_RESPONSE_MALFORMED', { url: this.url, what: method }, { cause })
    }
  }

  private malformed(what: string): AppError {
    return new AppError('SDK_RESPONSE_MALFORMED', { url: this.url, what })
  }
}

const isUint = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff

/** Statuses after which an extrinsic will not get into a block by itself. */
const LOST_STATUSES = ['invalid', 'dropped', 'usurped', 'finalityTimeout'] as const

/** Block hash in a transaction status, undefined while it waits. @throws SDK_EXTRINSIC_DROPPED */
const inclusionOf = (status: unknown): string | undefined => {
  if (typeof status === 'string') {
    if ((LOST_STATUSES as readonly string[]).includes(status)) throw new AppError('SDK_EXTRINSIC_DROPPED', { status })
    return undefined
  }
  const { inBlock, finalized, ...other } = (status ?? {}) as { inBlock?: unknown; finalized?: unknown }
  for (const hash of [finalized, inBlock]) if (typeof hash === 'string') return hash
  const lost = LOST_STATUSES.find((name) => name in other)
  if (lost !== undefined) throw new AppError('SDK_EXTRINSIC_DROPPED', { status: lost })
  return undefined
}

