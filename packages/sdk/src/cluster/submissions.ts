/**
 * Owns extrinsics on their way into a block: one nonce after the other for each account, and what becomes of those that were on their way when the connection broke.
 * These are looked for in the blocks first; only the same bytes are ever handed in again, which count once by their nonce.
 */
import { eraDeath } from '@phalanx/primitives/chain'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Account } from '../account.ts'
import { findExtrinsic, newestBlock } from '../block-outcomes.ts'
import type { ChainClient, Inclusion } from '../chain-client.ts'
import '../errors.ts'
import { eraOf } from '../tx.ts'
import { encodeCalls, type NamedCall } from './calls.ts'
import { createSpan, isOutage, type Limits, type Span } from './patience.ts'
import type { Surroundings } from './surroundings.ts'
import { findInSpan } from './wait.ts'

/** An extrinsic in a block, however its call ended. */
export interface Settled extends Inclusion {
  readonly blockNumber: number
}

/** Brings calls into blocks. */
export interface Submissions {
  /**
   * Signs calls as one extrinsic and waits until it is in a block, over restarts of the node. The time does not count how long the account takes to sign.
   * @throws SDK_EXTRINSIC_DROPPED, SDK_EXTRINSIC_FATE_UNKNOWN, SDK_RPC_REFUSED, SDK_WAIT_ABORTED, SDK_CLIENT_CLOSED, SDK_CHAIN_DIFFERS, SDK_SIGNING_REFUSED;
   * SDK_WAIT_TIMEOUT where nothing was handed in
   */
  submit(account: Account, calls: readonly NamedCall[], limits: Limits): Promise<Settled>
}

/** What submissions are made over. */
export interface SubmissionParts {
  readonly chain: ChainClient
  readonly surroundings: Pick<Surroundings, 'crypto' | 'clock' | 'random' | 'logger'>
  readonly genesisHash: Uint8Array
}

/** A signed extrinsic. */
interface Signed {
  readonly bytes: Uint8Array
  readonly hash: Uint8Array
  readonly account: string
  readonly nonce: number
  /** It can be in none of the blocks up to this one. */
  readonly birth: number
  /** Nor in any after this one. */
  readonly lastBlock: number
}

/** The pool has it already. */
const ALREADY_IMPORTED = 1013

/** Submissions over one connection. */
export const createSubmissions = (parts: SubmissionParts): Submissions => new QueuedSubmissions(parts)

class QueuedSubmissions implements Submissions {
  private readonly parts: SubmissionParts
  /** The last submission of each account: a nonce is asked for when the pool has the one before. */
  private readonly tails = new Map<string, Promise<unknown>>()
  /** What is being recovered of each account: until that is settled the node counts nonces without it. */
  private readonly recoveries = new Map<string, Set<Promise<unknown>>>()

  constructor(parts: SubmissionParts) {
    this.parts = parts
  }

  async submit(account: Account, calls: readonly NamedCall[], limits: Limits): Promise<Settled> {
    const key = toHex(account.accountId)
    const before = this.tails.get(key) ?? Promise.resolve()
    const handed = before.then(() => this.hand(account, calls, limits))
    const tail = handed.catch(() => {})
    this.tails.set(key, tail)
    void tail.then(() => {
      if (this.tails.get(key) === tail) this.tails.delete(key)
    })
    return (await handed).settled
  }

  private spanOf(what: string, limits: Limits): Span {
    const { chain: { rpc }, surroundings: { clock, random, logger } } = this.parts
    return createSpan({ what, ...limits }, { rpc, clock, random, logger })
  }

  /** Signs, and resolves as soon as the pool has it or it must be recovered. */
  private async hand(account: Account, calls: readonly NamedCall[], limits: Limits): Promise<{ readonly settled: Promise<Settled> }> {
    const signed = await this.sign(account, calls, limits)
    const span = this.spanOf(`block with the extrinsic ${toHex(signed.hash)}`, limits)
    const handed = span.within(this.parts.chain.submit(signed.bytes))
    const included = handed.then((submitted) => span.within(submitted.included)).catch((error: unknown) => {
      // Whether the pool took it before the connection broke nobody can tell.
      if (!isOutage(error)) throw error
      span.note(error)
      return this.recover(signed, span)
    })
    const settled = included.then((inclusion) => this.numbered(inclusion, span)).catch((error: unknown) => {
      throw isAppError(error, 'SDK_WAIT_TIMEOUT') ? this.fateUnknown(signed, error) : error
    }).finally(() => span.close())
    // Whoever waits for it does so a moment later.
    settled.catch(() => {})
    await handed.catch(() => {})
    return { settled }
  }

  /** Reads what an extrinsic needs, as often as it takes, and has the account sign once. */
  private async sign(account: Account, calls: readonly NamedCall[], limits: Limits): Promise<Signed> {
    const { chain, genesisHash, surroundings: { crypto } } = this.parts
    const key = toHex(account.accountId)
    const span = this.spanOf('answer of the node about the account\'s next extrinsic', limits)
    try {
      for (;;) {
        await span.within(Promise.allSettled([...(this.recoveries.get(key) ?? [])]))
        const [metadata, version, birth, nonce] = await span.through(() =>
          Promise.all([chain.metadata(), chain.runtimeVersion(), chain.finalizedHead(), chain.nextNonce(account.accountId)]))
        if (this.recoveries.has(key)) continue
        span.close()
        const { specVersion, transactionVersion } = version
        const bytes = await account.signExtrinsic({ call: encodeCalls(metadata, calls), nonce, metadata, context: { genesisHash, specVersion, transactionVersion, birth } })
        const lastBlock = eraDeath(eraOf(birth), birth.number) ?? Number.MAX_SAFE_INTEGER
        return { bytes, hash: crypto.blake2b256(bytes), account: key, nonce, birth: birth.number, lastBlock }
      }
    } finally {
      span.close()
    }
  }

  private async numbered(inclusion: Inclusion, span: Span): Promise<Settled> {
    const { chain } = this.parts
    const header = await span.through(() => chain.rpc.request('chain_getHeader', [toHex(inclusion.blockHash)])) as { readonly number?: unknown } | null
    const blockNumber = typeof header?.number === 'string' ? Number(header.number) : Number.NaN
    if (!Number.isSafeInteger(blockNumber)) throw new AppError('SDK_RESPONSE_MALFORMED', { url: chain.url, what: 'chain_getHeader' })
    return { ...inclusion, blockNumber }
  }

  private fateUnknown({ hash, account, nonce, lastBlock }: Signed, cause: AppError<'SDK_WAIT_TIMEOUT'>): AppError {
    const reason = isOutage(cause.cause) ? `the node went away and could not be asked again within ${cause.context.waitedMs} ms` : `no block had it within ${cause.context.waitedMs} ms`
    return new AppError('SDK_EXTRINSIC_FATE_UNKNOWN', { url: this.parts.chain.url, hash: toHex(hash), account, nonce, lastBlock, reason }, { cause })
  }

  /** Finds out what became of an extrinsic when the connection broke. */
  private async recover(signed: Signed, span: Span): Promise<Inclusion> {
    const { logger } = this.parts.surroundings
    logger.info('looking for an extrinsic that was on its way when the connection broke', { hash: toHex(signed.hash) })
    const recovery = this.find(signed, span)
    const ofAccount = this.recoveries.get(signed.account) ?? new Set()
    this.recoveries.set(signed.account, ofAccount.add(recovery))
    try {
      return await recovery
    } finally {
      ofAccount.delete(recovery)
      if (ofAccount.size === 0) this.recoveries.delete(signed.account)
    }
  }

  /** Looks for it after every block, and sees to it that the pool has it as long as it can still get into one. */
  private async find(signed: Signed, span: Span): Promise<Inclusion> {
    const { chain, surroundings: { crypto } } = this.parts
    const { bytes, hash, birth, lastBlock } = signed
    let isInPool = false
    let seen = birth
    /** In blocks that were not looked at yet. */
    const look = async (): Promise<Inclusion | undefined> => {
      const newest = await newestBlock(chain)
      const found = await findExtrinsic(chain, crypto, { hash, from: seen + 1, to: Math.min(newest, lastBlock) })
      if (found === undefined && newest >= lastBlock) throw new AppError('SDK_EXTRINSIC_DROPPED', { status: 'expired' })
      seen = Math.max(seen, newest)
      return found
    }
    // A node that was killed has lost its pool, and may have lost its newest blocks.
    const stop = chain.rpc.onConnection(() => {
      isInPool = false
      seen = birth
    })
    try {
      return await findInSpan(span, chain, async () => {
        const found = await look()
        if (found !== undefined || isInPool || span.isOver) return found
        const refused = await handIn(chain, bytes)
        isInPool = refused === undefined
        if (refused === undefined) return undefined
        // It got into a block in this very moment, or its nonce is used by another one.
        const late = await look()
        if (late === undefined) throw refused.reason
        return late
      })
    } finally {
      stop()
    }
  }
}

/** Hands in bytes that were handed in before; why the pool refuses them where it neither takes nor has them. @throws connection codes */
const handIn = async (chain: ChainClient, bytes: Uint8Array): Promise<{ readonly reason: AppError<'SDK_RPC_REFUSED'> } | undefined> => {
  try {
    await chain.rpc.request('author_submitExtrinsic', [toHex(bytes)])
  } catch (error) {
    if (!isAppError(error, 'SDK_RPC_REFUSED')) throw error
    if (error.context.rpcCode !== ALREADY_IMPORTED) return { reason: error }
  }
  return undefined
}
