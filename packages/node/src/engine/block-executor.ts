/**
 * Owns the executor that the node gives its engine: builds and runs blocks with the runtime, commits them, proves them final and
 * publishes them. Foreign blocks come in by import.ts. Does not decide when a block is made.
 */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { headerHash, readPhlx, SignedPrecommit, precommitPayload, type AuthoritySet } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import type { Logger } from '@phalanx/primitives/ports'
import type { Trie } from '@phalanx/primitives/trie'
import type { BlockBuilder, BlockOutcome, Runtime, RuntimeEnv } from '@phalanx/runtime/frame'
import type { Chain } from '../chain.ts'
import type { TxPool } from '../txpool/pool.ts'
import type { PoolTransaction } from '../txpool/transaction.ts'
import type { BlockInput, BlockResult, Executor } from './engine.ts'
import { createAttestation, joinAttestations } from './finality.ts'

/** What the executor works with. */
export interface ExecutorDependencies {
  readonly runtime: Runtime
  readonly chain: Chain
  readonly pool: TxPool
  readonly env: RuntimeEnv
  readonly crypto: Crypto
  readonly logger: Logger
  /** Lets other work of the process go on during a long block. */
  readonly yieldToLoop: () => Promise<void>
  readonly onExecuted: (durationMs: number) => void
  readonly nowMs: () => number
}

/** Transactions applied before others get a turn. */
const APPLIED_PER_TURN = 64
/** Refusals for lack of room after which a block counts as full: smaller transactions may still fit behind a large one. */
const FULL_MAX = 8

interface Candidate {
  readonly outcome: BlockOutcome
  readonly hash: Uint8Array
}

/** Thrown in our own code by a transaction: which one it was. */
interface Faulty {
  readonly faulty: PoolTransaction
}

const isSameBlock = (outcome: BlockOutcome, block: BlockInput): boolean =>
  outcome.header.number === block.number &&
  outcome.timeMs === block.timeMs &&
  outcome.extrinsics.length === block.extrinsics.length &&
  outcome.extrinsics.every((extrinsic, i) => bytesEqual(extrinsic, block.extrinsics[i] as Uint8Array))

/** Creates the executor. `authoritySeed` is the 32-byte ed25519 seed of the author's GRANDPA key. */
export const createBlockExecutor = (options: { readonly authoritySeed: Uint8Array | undefined }, dependencies: ExecutorDependencies): Executor => {
  const { runtime, chain, pool, env, crypto, logger, yieldToLoop, onExecuted, nowMs } = dependencies
  const authorityKey = options.authoritySeed === undefined ? undefined : crypto.ed25519.publicKey(options.authoritySeed)
  let candidate: Candidate | undefined
  let executed: Candidate | undefined
  /** The set that finalises the block committed last. */
  let finalising: AuthoritySet | undefined

  const fill = async (builder: BlockBuilder): Promise<Faulty | undefined> => {
    let full = 0
    let applied = 0
    /** Tags of what found no room: whatever builds on it waits with it, and is not refused for coming too early. */
    const postponed = new Set<string>()
    const postpone = ({ provides }: PoolTransaction): void => provides.forEach((tag) => postponed.add(tag))
    for (const transaction of pool.ready()) {
      if (!pool.holds(transaction)) continue
      if (transaction.requires.some((tag) => postponed.has(tag))) {
        postpone(transaction)
        continue
      }
      let outcome
      try {
        outcome = builder.apply(transaction.bytes)
      } catch (error) {
        logger.error('a transaction broke the runtime and is dropped', {}, error)
        return { faulty: transaction }
      }
      if (outcome.kind === 'invalid') pool.reject(transaction, outcome.error)
      if (outcome.kind === 'full') {
        postpone(transaction)
        if (++full >= FULL_MAX) return undefined
      }
      if (++applied % APPLIED_PER_TURN === 0) await yieldToLoop()
    }
    return undefined
  }

  const build = async (timeMs: bigint): Promise<BlockOutcome> => {
    const { state, header } = chain.head()
    for (;;) {
      const builder = runtime.buildBlock({ state, parent: header, timeMs, env })
      const failed = await fill(builder)
      if (failed === undefined) return builder.finish()
      pool.banFaulty(failed.faulty)
    }
  }

  const toCandidate = (outcome: BlockOutcome): Candidate => ({ outcome, hash: headerHash(crypto, outcome.header) })

  /** Rebuilds a block from its body: what an engine that orders transactions elsewhere hands over. */
  const rebuild = (block: BlockInput): Candidate => {
    const { state, header } = chain.head()
    const builder = runtime.buildBlock({ state, parent: header, timeMs: block.timeMs, env })
    const own = builder.finish()
    const inherents = own.extrinsics.length
    const again = runtime.buildBlock({ state, parent: header, timeMs: block.timeMs, env })
    for (const extrinsic of block.extrinsics.slice(inherents)) again.apply(extrinsic)
    return toCandidate(again.finish())
  }

  return {
    last() {
      const { number, hash, header } = chain.head()
      return { number, hash, timeMs: readPhlx(header).timeMs }
    },
    isAuthority: () => authorityKey !== undefined && chain.authorities().list.some(([id]) => bytesEqual(id, authorityKey)),
    async propose({ timeMs }) {
      const started = nowMs()
      candidate = toCandidate(await build(timeMs))
      onExecuted(nowMs() - started)
      const { outcome } = candidate
      return { number: outcome.header.number, timeMs: outcome.timeMs, extrinsics: outcome.extrinsics }
    },
    accept(block) {
      if (candidate !== undefined && isSameBlock(candidate.outcome, block)) return Promise.resolve(true)
      try {
        candidate = rebuild(block)
        return Promise.resolve(isSameBlock(candidate.outcome, block))
      } catch (error) {
        if (!isAppError(error)) throw error
        return Promise.resolve(false)
      }
    },
    execute(block): Promise<BlockResult> {
      executed = candidate !== undefined && isSameBlock(candidate.outcome, block) ? candidate : rebuild(block)
      candidate = undefined
      const { header, results } = executed.outcome
      return Promise.resolve({ number: header.number, hash: executed.hash, stateRoot: header.stateRoot, results: results.map(({ ok }) => ({ ok })) })
    },
    async commit() {
      assert(executed !== undefined, 'a block was executed before it is committed')
      const { outcome, hash } = executed
      finalising = chain.authorities()
      await chain.commit({
        header: outcome.header, hash, body: outcome.extrinsics, messages: { messages: outcome.messages, acks: outcome.acks },
        changes: outcome.changes, state: outcome.state as Trie,
      })
    },
    attest(number) {
      const { authoritySeed } = options
      const hash = chain.store.hashOf(number)
      if (authoritySeed === undefined || hash === undefined) return Promise.resolve(undefined)
      return Promise.resolve(createAttestation(crypto, { seed: authoritySeed, authorities: finalising ?? chain.authorities(), target: { hash, number } }))
    },
    checkAttestation({ number, attestation }) {
      const hash = chain.store.hashOf(number)
      if (hash === undefined) return false
      try {
        const { precommit, signature, id } = SignedPrecommit.decode(attestation)
        const authorities = finalising ?? chain.authorities()
        return (
          bytesEqual(precommit.targetHash, hash) &&
          authorities.list.some(([authority]) => bytesEqual(authority, id)) &&
          crypto.ed25519.verify(signature, precommitPayload({ precommit, round: BigInt(number), setId: authorities.id }), id)
        )
      } catch (error) {
        if (!isAppError(error)) throw error
        return false
      }
    },
    finalise(number, attestations) {
      assert(executed !== undefined && executed.outcome.header.number === number, 'the block finalised is the one executed last')
      const { outcome, hash } = executed
      const justification = attestations.length === 0 ? undefined : joinAttestations({ hash, number }, attestations)
      if (justification !== undefined) chain.store.justify(number, justification)
      executed = undefined
      chain.publish({ number, hash, header: outcome.header, body: outcome.extrinsics, changes: outcome.changes, justification })
      return Promise.resolve()
    },
  }
}
