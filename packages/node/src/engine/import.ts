/**
 * Owns the way of a foreign block into the chain: signatures ahead in threads, execution, comparison of every root, finality proof,
 * commit. While one block executes, the next one's signatures are already being checked.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { headerHash, type Header } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Trie } from '@phalanx/primitives/trie'
import type { Runtime, RuntimeEnv, SignatureCheck } from '@phalanx/runtime/frame'
import type { Chain } from '../chain.ts'
import '../errors.ts'
import type { SignatureChecker } from '../verify/checker.ts'
import { createVerifiedCache, type VerifiedCache } from '../verify/verified-cache.ts'
import { checkJustification } from './finality.ts'

/** A block from elsewhere with its encoded justification. */
export interface ForeignBlock {
  readonly header: Header
  readonly extrinsics: readonly Uint8Array[]
  readonly justification: Uint8Array | undefined
}

/** Imports blocks. */
export interface BlockImporter {
  /** Verifies and commits the next block. @throws BLOCK_ codes, JUSTIFICATION_INVALID; nothing is written then */
  importBlock(block: ForeignBlock): Promise<void>
  /** Imports consecutive blocks with the signature checks of one ahead of the execution of another. */
  importBlocks(blocks: Iterable<ForeignBlock>): Promise<void>
}

/** What the importer works with. */
export interface ImporterDependencies {
  readonly runtime: Runtime
  readonly chain: Chain
  readonly crypto: Crypto
  readonly checker: SignatureChecker
  readonly nowMs: () => number
  readonly onExecuted: (durationMs: number) => void
}

interface Prepared {
  readonly block: ForeignBlock
  readonly verified: VerifiedCache
}

/** Blocks whose signatures are checked ahead. */
const AHEAD = 2

/** Creates an importer. */
export const createBlockImporter = (dependencies: ImporterDependencies): BlockImporter => {
  const { runtime, chain, crypto, checker, nowMs, onExecuted } = dependencies
  /** Hashes of blocks that are being imported and not committed yet: eras may point at them. */
  const coming = new Map<number, Uint8Array>()

  const prepare = async (block: ForeignBlock): Promise<Prepared> => {
    const { number } = block.header
    coming.set(number, headerHash(crypto, block.header))
    const context = {
      crypto, genesisHash: chain.genesisHash, number,
      blockHash: (wanted: number) => (wanted < number ? (chain.store.hashOf(wanted) ?? coming.get(wanted)) : undefined),
    }
    const checks: SignatureCheck[] = []
    for (const extrinsic of block.extrinsics) checks.push(...runtime.signatureChecksOf(extrinsic, context))
    const verdicts = await checker.check(checks)
    const verified = createVerifiedCache({ max: Infinity })
    verified.add(checks, verdicts)
    return { block, verified }
  }

  const assertNext = ({ header }: ForeignBlock): void => {
    const head = chain.head()
    if (header.number !== head.number + 1 || !bytesEqual(header.parentHash, head.hash))
      throw new AppError('BLOCK_NOT_NEXT', { number: header.number, head: head.number })
  }

  const finish = async ({ block, verified }: Prepared): Promise<void> => {
    assertNext(block)
    const { header, extrinsics, justification } = block
    const { number } = header
    if (justification === undefined) throw new AppError('BLOCK_JUSTIFICATION_MISSING', { number })
    const hash = headerHash(crypto, header)
    checkJustification(crypto, { encoded: justification, authorities: chain.authorities(), target: { hash, number } })
    const head = chain.head()
    const started = nowMs()
    const env: RuntimeEnv = { crypto, verified: (check) => verified.lookup(check) }
    const outcome = runtime.executeBlock({ state: head.state, parent: head.header, block: { header, extrinsics }, env })
    onExecuted(nowMs() - started)
    await chain.commit({
      header, hash, body: extrinsics, messages: { messages: outcome.messages, acks: outcome.acks }, changes: outcome.changes,
      state: outcome.state as Trie, justification,
    })
    chain.publish({ number, hash, header, body: extrinsics, changes: outcome.changes, justification })
  }

  return {
    async importBlock(block) {
      assertNext(block)
      try {
        await finish(await prepare(block))
      } finally {
        coming.delete(block.header.number)
      }
    },
    async importBlocks(blocks) {
      const queue: Promise<Prepared>[] = []
      const source = blocks[Symbol.iterator]()
      const refill = (): void => {
        while (queue.length <= AHEAD) {
          const next = source.next()
          if (next.done === true) return
          const prepared = prepare(next.value)
          prepared.catch(() => undefined)
          queue.push(prepared)
        }
      }
      try {
        for (refill(); queue.length > 0; refill()) {
          const prepared = await (queue.shift() as Promise<Prepared>)
          refill()
          await finish(prepared)
          coming.delete(prepared.block.header.number)
        }
      } finally {
        coming.clear()
      }
    },
  }
}
