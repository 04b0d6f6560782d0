/**
 * Owns the transaction pool: what may enter, what is replaced, dropped, banned or expired, and what watchers hear. Order among
 * transactions is graph.ts; whether one is valid is the runtime's word, handed in. Time comes from the injected clock.
 */
import { toHex } from '@phalanx/primitives/bytes'
import { EXTRINSIC_BYTES_MAX, decodeExtrinsic } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock } from '@phalanx/primitives/ports'
import type { SignatureCheck, TransactionSource, TransactionValidity, TransactionValidityError } from '@phalanx/runtime/frame'
import { bytesKey } from '../bytes-key.ts'
import '../errors.ts'
import { createBans } from './bans.ts'
import { createGraph, isBetter, type Readiness } from './graph.ts'
import { createPoolTransaction, type PoolTransaction, type TransactionStatus } from './transaction.ts'
import { verdictText } from './verdict-text.ts'
import { createWatchers, type StatusListener } from './watchers.ts'

/** Limits of the pool. */
export interface PoolLimits {
  readonly count: number
  readonly bytes: number
  readonly perAccount: number
  /** Submissions whose signatures are being checked. */
  readonly pending: number
}

/** Limits unless configured otherwise. */
const POOL_LIMITS: PoolLimits = { count: 16_384, bytes: 64 * 1024 * 1024, perAccount: 1_024, pending: 8_192 }

/** What the pool needs to judge transactions. */
export interface PoolDependencies {
  readonly crypto: Pick<Crypto, 'blake2b256'>
  readonly clock: Pick<Clock, 'nowMs'>
  /** Number of the newest block. */
  readonly headNumber: () => number
  /** The runtime's verdict on top of the newest block. @throws AppError for bytes that are no extrinsic */
  readonly validate: (extrinsic: Uint8Array, source: TransactionSource['kind']) => TransactionValidity
  /** Makes the signature checks ahead, so that `validate` finds the verdicts; the checks made are the answer. */
  readonly prepare: (extrinsic: Uint8Array) => Promise<readonly SignatureCheck[]>
  readonly forget: (checks: readonly SignatureCheck[]) => void
}

/** A block as the pool sees it. */
export interface PoolBlock {
  readonly number: number
  readonly hash: Uint8Array
  readonly body: readonly Uint8Array[]
}

/** Waiting transactions. */
export interface TxPool {
  /** Takes a transaction in and answers with its hash. @throws TXPOOL_ codes */
  submit(extrinsic: Uint8Array, source?: TransactionSource['kind']): Promise<Uint8Array>
  /** Hears what becomes of the transaction with this hash; the result stops it. */
  watch(hash: Uint8Array, listener: StatusListener): () => void
  /** Ready transactions, best first. Skip those that `has` no longer knows. */
  ready(): Generator<PoolTransaction>
  all(): Iterable<PoolTransaction>
  has(hash: Uint8Array): boolean
  /** Whether a transaction that `ready` gave is still here. */
  holds(transaction: PoolTransaction): boolean
  /** Whether a ready transaction provides the tag. */
  providesReady(tag: Uint8Array): boolean
  /** The author found that it cannot be in a block. */
  reject(transaction: PoolTransaction, error: TransactionValidityError): void
  /** The author found that our own code fails on it. */
  banFaulty(transaction: PoolTransaction): void
  /** Takes transactions out and bans them for a while; answers with those that were there. */
  remove(hashes: readonly Uint8Array[]): readonly Uint8Array[]
  /** A block became the head (and final). */
  onBlock(block: PoolBlock): void
  /** Called when a ready transaction appears. */
  onReady(listener: () => void): () => void
  readonly size: { readonly ready: number; readonly future: number; readonly bytes: number }
}

/** Transactions judged anew after each block. */
const REVALIDATED_PER_BLOCK = 64
const REPLACEMENT_MARGIN = 10n

const signerOf = (extrinsic: Uint8Array): string | undefined => {
  const { signed } = decodeExtrinsic(extrinsic)
  return signed?.address.kind === 'Id' ? bytesKey(signed.address.value) : undefined
}

const refusal = (error: TransactionValidityError): AppError => {
  const reason = verdictText(error)
  return error.kind === 'Invalid' ? new AppError('TXPOOL_INVALID', { reason }) : new AppError('TXPOOL_UNKNOWN_VALIDITY', { reason })
}

/** An empty pool. */
export const createTxPool = (options: { readonly limits?: Partial<PoolLimits> }, dependencies: PoolDependencies): TxPool => {
  const limits: PoolLimits = { ...POOL_LIMITS, ...options.limits }
  const { crypto, clock, headNumber, validate, prepare, forget } = dependencies
  const graph = createGraph()
  const watchers = createWatchers()
  const bans = createBans()
  const entering = new Set<string>()
  const perAccount = new Map<string, Set<string>>()
  const readyListeners = new Set<() => void>()
  let arrivals = 0

  const count = (transaction: PoolTransaction, isEntering: boolean): void => {
    const { sender } = transaction
    if (sender === undefined) return
    const keys = perAccount.get(sender) ?? new Set<string>()
    if (isEntering) keys.add(transaction.key)
    else keys.delete(transaction.key)
    if (keys.size === 0) perAccount.delete(sender)
    else perAccount.set(sender, keys)
  }

  const tell = (transaction: PoolTransaction, status: TransactionStatus): void => watchers.tell(transaction.key, status)

  const announce = (change: Readiness): void => {
    for (const transaction of change.promoted) tell(transaction, { kind: 'ready' })
    for (const transaction of change.demoted) tell(transaction, { kind: 'future' })
    if (change.promoted.length > 0) for (const listener of readyListeners) listener()
  }

  const insert = (transaction: PoolTransaction): void => {
    count(transaction, true)
    const change = graph.add(transaction)
    if (!graph.isReady(transaction.key)) tell(transaction, { kind: 'future' })
    announce(change)
  }

  /** Takes one out without letting its dependants fall, because another with the same tags follows at once. */
  const takeOut = (transaction: PoolTransaction, status: TransactionStatus | undefined): Readiness => {
    count(transaction, false)
    forget(transaction.checks)
    const change = graph.remove(transaction.key)
    if (status !== undefined) tell(transaction, status)
    return change
  }
  const drop = (transaction: PoolTransaction, status: TransactionStatus): void => announce(takeOut(transaction, status))

  const assertMayReplace = (transaction: PoolTransaction): readonly PoolTransaction[] => {
    const rivals = graph.providersOf(transaction.provides)
    for (const rival of rivals) {
      if (transaction.priority <= rival.priority + rival.priority / REPLACEMENT_MARGIN)
        throw new AppError('TXPOOL_PRIORITY_TOO_LOW', { old: String(rival.priority), new: String(transaction.priority) })
    }
    return rivals
  }

  /** Transactions that must leave so that this one fits: worse ones only. */
  const makeRoom = (transaction: PoolTransaction, freed: readonly PoolTransaction[]): readonly PoolTransaction[] => {
    let spareCount = limits.count - (graph.size - freed.length)
    let spareBytes = limits.bytes - (graph.bytes - freed.reduce((sum, { bytes }) => sum + bytes.length, 0))
    if (spareCount >= 1 && spareBytes >= transaction.bytes.length) return []
    const leaving: PoolTransaction[] = []
    const worstFirst = [...graph.all()].filter((one) => !freed.includes(one)).sort((a, b) => (isBetter(a, b) ? 1 : -1))
    for (const worst of worstFirst) {
      if (!isBetter(transaction, worst)) break
      leaving.push(worst)
      spareCount++
      spareBytes += worst.bytes.length
      if (spareCount >= 1 && spareBytes >= transaction.bytes.length) return leaving
    }
    throw spareCount < 1
      ? new AppError('TXPOOL_LIMIT_EXCEEDED', { what: 'transactions', max: limits.count })
      : new AppError('TXPOOL_LIMIT_EXCEEDED', { what: 'bytes', max: limits.bytes })
  }

  const admit = (transaction: PoolTransaction): void => {
    const rivals = assertMayReplace(transaction)
    const own = transaction.sender === undefined ? undefined : perAccount.get(transaction.sender)
    const ownAfter = (own?.size ?? 0) - rivals.filter(({ key }) => own?.has(key) === true).length
    if (ownAfter >= limits.perAccount) throw new AppError('TXPOOL_LIMIT_EXCEEDED', { what: 'transactions per account', max: limits.perAccount })
    const leaving = makeRoom(transaction, rivals)
    for (const rival of rivals) takeOut(rival, { kind: 'usurped', by: transaction.hash })
    insert(transaction)
    for (const worst of leaving) drop(worst, { kind: 'dropped', reason: 'the pool is full of better transactions' })
  }

  const judge = (parts: { bytes: Uint8Array; hash: Uint8Array; source: TransactionSource['kind']; checks: readonly SignatureCheck[]; arrival?: number }): PoolTransaction => {
    const validity = validate(parts.bytes, parts.source)
    if (!validity.ok) {
      forget(parts.checks)
      throw refusal(validity.error)
    }
    return createPoolTransaction({
      hash: parts.hash, bytes: parts.bytes, sender: signerOf(parts.bytes), validity: validity.value, at: headNumber(),
      arrival: parts.arrival ?? arrivals++, checks: parts.checks,
    })
  }

  const assertNew = (hash: Uint8Array, key: string): void => {
    if (graph.has(key) || entering.has(key)) throw new AppError('TXPOOL_ALREADY_IMPORTED', { hash: toHex(hash) })
    if (bans.has(key, clock.nowMs())) throw new AppError('TXPOOL_BANNED', { hash: toHex(hash) })
  }

  const assertShape = (extrinsic: Uint8Array): void => {
    if (extrinsic.length > EXTRINSIC_BYTES_MAX) throw new AppError('TXPOOL_TOO_LARGE', { bytes: extrinsic.length, max: EXTRINSIC_BYTES_MAX })
    try {
      decodeExtrinsic(extrinsic)
    } catch (cause) {
      throw new AppError('TXPOOL_MALFORMED', {}, { cause })
    }
  }

  /** Judges a waiting transaction anew; its place in line stays. */
  const revalidate = (transaction: PoolTransaction): void => {
    const { bytes, hash, checks, arrival } = transaction
    let fresh: PoolTransaction
    try {
      fresh = judge({ bytes, hash, source: 'External', checks, arrival })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return drop(transaction, { kind: 'invalid', reason: error.message })
    }
    const unmet = graph.unmet(transaction.key)
    if (fresh.requires.length === unmet.size && fresh.requires.every((tag) => unmet.has(tag))) return
    const before = graph.remove(transaction.key)
    const after = graph.add(fresh)
    announce({ promoted: after.promoted, demoted: before.demoted.filter(({ key }) => !graph.isReady(key)) })
  }

  const revalidateSome = (block: PoolBlock, strangers: ReadonlySet<string>): void => {
    let left = REVALIDATED_PER_BLOCK
    for (const transaction of [...graph.all()]) {
      if (transaction.deathBlock <= BigInt(block.number) + 1n) {
        drop(transaction, { kind: 'invalid', reason: 'Transaction is outdated' })
        continue
      }
      const isTouched = transaction.sender !== undefined && strangers.has(transaction.sender)
      if (isTouched || (left > 0 && (transaction.arrival + block.number) % 16 === 0)) {
        if (!isTouched) left--
        revalidate(transaction)
      }
    }
  }

  return {
    async submit(extrinsic, source = 'External') {
      assertShape(extrinsic)
      const hash = crypto.blake2b256(extrinsic)
      const key = bytesKey(hash)
      assertNew(hash, key)
      if (entering.size >= limits.pending) throw new AppError('TXPOOL_LIMIT_EXCEEDED', { what: 'transactions being checked', max: limits.pending })
      entering.add(key)
      try {
        const checks = await prepare(extrinsic)
        admit(judge({ bytes: extrinsic, hash, source, checks }))
      } finally {
        entering.delete(key)
      }
      return hash
    },
    watch: (hash, listener) => watchers.add(bytesKey(hash), listener),
    ready: () => graph.ready(),
    all: () => graph.all(),
    holds: ({ key }) => graph.has(key),
    has: (hash) => graph.has(bytesKey(hash)),
    providesReady: (tag) => graph.providersOf([bytesKey(tag)]).some(({ key }) => graph.isReady(key)),
    reject(transaction, error) {
      if (!graph.has(transaction.key)) return
      const isHopeless = error.kind === 'Invalid' && (error.value.kind === 'BadProof' || error.value.kind === 'Call')
      if (isHopeless) bans.add(transaction.key, clock.nowMs())
      drop(transaction, { kind: 'invalid', reason: verdictText(error) })
    },
    banFaulty(transaction) {
      bans.add(transaction.key, clock.nowMs())
      if (graph.has(transaction.key)) drop(transaction, { kind: 'invalid', reason: 'Execution failed in the node itself' })
    },
    remove(hashes) {
      return hashes.filter((hash) => {
        const key = bytesKey(hash)
        bans.add(key, clock.nowMs())
        const transaction = graph.get(key)
        if (transaction !== undefined) drop(transaction, { kind: 'dropped', reason: 'it was removed on request' })
        return transaction !== undefined
      })
    },
    onBlock(block) {
      const strangers = new Set<string>()
      const change: { promoted: PoolTransaction[] } = { promoted: [] }
      block.body.forEach((extrinsic, index) => {
        if (graph.size === 0 && !watchers.any) return
        const key = bytesKey(crypto.blake2b256(extrinsic))
        const transaction = graph.get(key)
        if (transaction !== undefined) {
          count(transaction, false)
          forget(transaction.checks)
          change.promoted.push(...graph.include(key).promoted)
        } else {
          const sender = signerOf(extrinsic)
          if (sender !== undefined) strangers.add(sender)
        }
        watchers.tell(key, { kind: 'inBlock', block: block.hash, index })
        watchers.tell(key, { kind: 'finalized', block: block.hash, index })
      })
      revalidateSome(block, strangers)
      announce({ promoted: change.promoted.filter(({ key }) => graph.isReady(key)), demoted: [] })
    },
    onReady(listener) {
      readyListeners.add(listener)
      return () => readyListeners.delete(listener)
    },
    get size() {
      return { ready: graph.readyCount, future: graph.size - graph.readyCount, bytes: graph.bytes }
    },
  }
}
