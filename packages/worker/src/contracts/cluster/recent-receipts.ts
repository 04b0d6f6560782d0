/** Owns the receipts that a worker keeps for those who ask: by block, newest last, bounded in number and bytes. Does not own what they say (receipts.ts). */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { bytesUpTo, struct, u32, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash } from '@phalanx/primitives/chain'

const RECEIPT_BYTES_MAX = 4 * 1024 * 1024
const BLOCKS_MAX = 1024
const RECEIPTS_PER_BLOCK_MAX = 65_536
const KEPT_BYTES_MAX = 8 * 1024 * 1024
const KEPT_BLOCKS_MAX = 600

/** A receipt as it is handed out: bytes of the receipt in its envelope, and what it is about. */
export const StoredReceipt = struct({ contract: Hash, commandHash: Hash, envelope: bytesUpTo(RECEIPT_BYTES_MAX) })
export type StoredReceipt = TypeOf<typeof StoredReceipt>

/** Receipts of a block in the order of its commands, and the root over them that the worker reports. */
export const BlockReceipts = struct({ block: u32, root: Hash, receipts: vecUpTo(StoredReceipt, RECEIPTS_PER_BLOCK_MAX) })
export type BlockReceipts = TypeOf<typeof BlockReceipts>

/** Receipts of the last blocks that had any. */
export const RecentReceipts = vecUpTo(BlockReceipts, BLOCKS_MAX)
export type RecentReceipts = TypeOf<typeof RecentReceipts>

const sizeOf = ({ receipts }: BlockReceipts): number => receipts.reduce((sum, { envelope }) => sum + envelope.length + 128, 0)

/** Adds a block's receipts; the oldest go where there is no room. */
export const withReceipts = (recent: RecentReceipts, added: BlockReceipts): RecentReceipts => {
  const all = [...recent, added].slice(-KEPT_BLOCKS_MAX)
  let bytes = 0
  let first = all.length
  while (first > 0 && (bytes += sizeOf(all[first - 1] as BlockReceipts)) <= KEPT_BYTES_MAX) first--
  return all.slice(Math.min(first, all.length - 1))
}

/** A receipt with its place. */
export interface FoundReceipt {
  readonly block: BlockReceipts
  readonly index: number
  readonly receipt: StoredReceipt
}

/** The first receipt of a command: where the same bytes were sent twice, the later one only tells that they came again. */
export const findReceipt = (recent: RecentReceipts, command: { readonly contract: Uint8Array; readonly commandHash: Uint8Array }): FoundReceipt | undefined => {
  for (const block of recent) {
    const index = block.receipts.findIndex(({ contract, commandHash }) => bytesEqual(commandHash, command.commandHash) && bytesEqual(contract, command.contract))
    const receipt = block.receipts[index]
    if (receipt !== undefined) return { block, index, receipt }
  }
  return undefined
}
