/** Owns which transactions a development chain need not hurry for: those that carry nothing but messages of certain topics. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { decodeExtrinsic } from '@phalanx/primitives/chain'
import { isAppError } from '@phalanx/primitives/errors'
import type { SignedMessage } from '@phalanx/primitives/messages'
import type { RuntimeCall, RuntimeTypes } from '@phalanx/runtime/frame'
import type { PoolTransaction } from './txpool/transaction.ts'

const BATCHES: readonly string[] = ['batch', 'batchAll', 'forceBatch']

/** Tells for a transaction whether it may wait for the next block that comes anyway. */
export type Patience = (transaction: PoolTransaction) => boolean

const isMessageOf = (call: RuntimeCall, topics: readonly Uint8Array[]): boolean => {
  if (call.pallet === 'Utility' && BATCHES.includes(call.name)) return (call.args as { readonly calls: readonly RuntimeCall[] }).calls.every((each) => isMessageOf(each, topics))
  if (call.pallet !== 'PhalaMq' || call.name !== 'syncOffchainMessage') return false
  const { destination } = (call.args as { readonly signedMessage: SignedMessage }).signedMessage.message
  return topics.some((topic) => bytesEqual(topic, destination))
}

/** Patience with messages of these topics, alone or in batches. Each transaction is taken apart once. */
export const createPatience = (topics: readonly Uint8Array[], { RuntimeCall: Call }: RuntimeTypes): Patience => {
  const known = new WeakMap<PoolTransaction, boolean>()
  const look = ({ bytes }: PoolTransaction): boolean => {
    try {
      return isMessageOf(Call.decode(decodeExtrinsic(bytes).call), topics)
    } catch (error) {
      if (!isAppError(error)) throw error
      return false
    }
  }
  return (transaction) => {
    const found = known.get(transaction) ?? look(transaction)
    known.set(transaction, found)
    return found
  }
}
