/**
 * Owns what handing out receipts costs: a block's leaves are hashed and its trie is built once for all who ask about that block, and whoever waits looks only
 * among blocks that it has not seen. Does not own waiting (receipt-waits.ts) nor the form of receipts (primitives/contracts).
 */
import { u32 } from '@phalanx/primitives/codec'
import { receiptLeaf, receiptsTrie, type ReceiptLeaf } from '@phalanx/primitives/contracts'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Trie } from '@phalanx/primitives/trie'
import { findReceipt, type BlockReceipts, type FoundReceipt, type RecentReceipts } from '../contracts/cluster/recent-receipts.ts'

interface Prepared {
  readonly leaves: readonly ReceiptLeaf[]
  readonly trie: Trie
}

/** Proofs of a worker's receipts. What was prepared for a block goes with the block. */
export class ReceiptProofs {
  private readonly prepared = new WeakMap<BlockReceipts, Prepared>()
  private readonly crypto: Pick<Crypto, 'blake2b256'>

  constructor(dependencies: { readonly crypto: Pick<Crypto, 'blake2b256'> }) {
    this.crypto = dependencies.crypto
  }

  /** The leaf of one receipt and the proof of it under its block's root. */
  prove({ block, index }: Pick<FoundReceipt, 'block' | 'index'>): { readonly leaf: ReceiptLeaf; readonly proof: readonly Uint8Array[] } {
    const { leaves, trie } = this.prepare(block)
    return { leaf: leaves[index] as ReceiptLeaf, proof: trie.prove([u32.encode(index)]) }
  }

  private prepare(block: BlockReceipts): Prepared {
    const known = this.prepared.get(block)
    if (known !== undefined) return known
    const leaves = block.receipts.map((receipt) => receiptLeaf(this.crypto, receipt, receipt.envelope))
    const made = { leaves, trie: receiptsTrie(this.crypto, leaves) }
    this.prepared.set(block, made)
    return made
  }
}

/** Looks for one command's receipt again and again, each time only among blocks that came since. */
export const createReceiptFinder = (wanted: Parameters<typeof findReceipt>[1]): ((recent: RecentReceipts) => FoundReceipt | undefined) => {
  let last: BlockReceipts | undefined
  return (recent) => {
    const fresh = recent.slice(last === undefined ? 0 : recent.lastIndexOf(last) + 1)
    last = recent.at(-1)
    return findReceipt(fresh, wanted)
  }
}
