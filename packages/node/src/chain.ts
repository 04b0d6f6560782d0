/**
 * Owns the chain as the rest of the node sees it: the head, lookups by hash, states, authorities, and the news of each block.
 * Best and finalised are one. Does not own how blocks are stored (storage/) or made (engine/).
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { grandpaLogs, type AuthoritySet, type Header } from '@phalanx/primitives/chain'
import { AppError } from '@phalanx/primitives/errors'
import type { StateChanges, Trie } from '@phalanx/primitives/trie'
import type { Runtime, RuntimeEnv } from '@phalanx/runtime/frame'
import { readAuthorities } from './engine/finality.ts'
import './errors.ts'
import type { BlockStore, NewBlock, StoredHead } from './storage/block-store.ts'

/** A block as it is announced. */
export interface ChainBlock {
  readonly number: number
  readonly hash: Uint8Array
  readonly header: Header
  readonly body: readonly Uint8Array[]
  readonly changes: StateChanges
  readonly justification: Uint8Array | undefined
}

/** The chain. */
export interface Chain {
  readonly store: BlockStore
  readonly genesisHash: Uint8Array
  /** The newest published block. While a block is written its parent stays the head for everyone else. */
  head(): StoredHead
  /** Number of a block by hash; the head's where no hash is given. @throws BLOCK_UNKNOWN */
  numberOf(hash: Uint8Array | undefined): number
  /** State after a block. @throws BLOCK_UNKNOWN, BLOCK_STATE_PRUNED */
  stateAt(hash: Uint8Array | undefined): Trie
  /** Header of a block. @throws BLOCK_UNKNOWN */
  headerAt(hash: Uint8Array | undefined): Header
  /** The set that finalises the next block. */
  authorities(): AuthoritySet
  commit(block: NewBlock): Promise<void>
  /** Makes the committed block the head for everyone and announces it. */
  publish(block: ChainBlock): void
  /** Hears of every block, in order; the result stops it. */
  onBlock(listener: (block: ChainBlock) => void): () => void
}

/** The chain over a store that holds at least genesis. */
export const createChain = (
  options: { readonly genesisHash: Uint8Array },
  dependencies: { readonly store: BlockStore; readonly runtime: Runtime; readonly env: RuntimeEnv; readonly onListenerError: (error: unknown) => void },
): Chain => {
  const { store, runtime, env, onListenerError } = dependencies
  const listeners = new Set<(block: ChainBlock) => void>()
  let head = store.head() as StoredHead
  let authorities: AuthoritySet | undefined

  const numberOf = (hash: Uint8Array | undefined): number => {
    if (hash === undefined || bytesEqual(hash, head.hash)) return head.number
    const number = store.numberOf(hash)
    if (number === undefined || number > head.number) throw new AppError('BLOCK_UNKNOWN', { block: toHex(hash) })
    return number
  }

  return {
    store,
    genesisHash: options.genesisHash,
    head: () => head,
    numberOf,
    stateAt(hash) {
      const number = numberOf(hash)
      return number === head.number ? head.state : store.state(number)
    },
    headerAt(hash) {
      const number = numberOf(hash)
      return number === head.number ? head.header : (store.header(number) as Header)
    },
    authorities: () => (authorities ??= readAuthorities(runtime, head, env)),
    async commit(block) {
      await store.commit(block)
    },
    publish(block) {
      head = store.head() as StoredHead
      if (grandpaLogs(head.header).length > 0) authorities = undefined
      for (const listener of [...listeners]) {
        try {
          listener(block)
        } catch (error) {
          onListenerError(error)
        }
      }
    },
    onBlock(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
