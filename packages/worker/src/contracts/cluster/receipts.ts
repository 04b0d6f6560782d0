/**
 * Owns the making of receipts: cut to what a receipt may hold, sealed to whoever sent the command. Equal input gives equal bytes, so that every worker reports the
 * same root. Does not own their form (primitives/contracts).
 */
import {
  ContractExecResult, plainReceipt, RECEIPT_ENTRIES_MAX, RECEIPT_PART_BYTES_MAX, receiptLeaf, receiptsRoot, sealReceipt, type OpenedCommand, type Receipt, type ReceiptLeaf,
} from '@phalanx/primitives/contracts'
import { CommandPayload } from '@phalanx/primitives/messages'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import type { ContractEvent, LogLine } from '../execution/effects.ts'
import type { StoredReceipt } from './recent-receipts.ts'

const TEXT_CHARACTERS_MAX = 1000
/** Room for all logs, and for all events, of one receipt. */
const ENTRIES_BYTES_MAX = 512 * 1024
const TOPICS_MAX = 16
/** Under this number, which no epoch of channel keys has, a receipt comes from the contract's own key: the answer to commands in the reference's form. */
const OWN_KEY_EPOCH = 0n

/** Keys that a receipt can come from. */
export interface ReceiptKeys {
  readonly genesis: Uint8Array
  readonly own: Sr25519Pair
  channelOf(epoch: bigint): { readonly pair: Sr25519Pair; readonly anchor: Uint8Array } | undefined
}

type Result = Pick<Receipt, 'outcome' | 'failure' | 'logs' | 'events' | 'gas'>

const cutText = (text: string): string => (text.length > TEXT_CHARACTERS_MAX ? `${text.slice(0, TEXT_CHARACTERS_MAX - 1)}…` : text)

/** As many entries from the start as there is room for. */
const firstFitting = <T>(entries: readonly T[], sizeOf: (entry: T) => number): readonly T[] => {
  let bytes = 0
  const end = entries.slice(0, RECEIPT_ENTRIES_MAX).findIndex((entry) => (bytes += sizeOf(entry)) > ENTRIES_BYTES_MAX)
  return entries.slice(0, end < 0 ? RECEIPT_ENTRIES_MAX : end)
}

/** A result that is too long for a receipt, without what the contract returned and noted for debugging. */
const cutResult = (encoded: Uint8Array): Uint8Array => {
  if (encoded.length <= RECEIPT_PART_BYTES_MAX) return encoded
  const { result, ...rest } = ContractExecResult.decode(encoded)
  const empty = new Uint8Array(0)
  return ContractExecResult.encode({ ...rest, debugMessage: empty, result: result.ok ? { ok: true, value: { ...result.value, data: empty } } : result })
}

/** What a receipt has room for of a result. */
export const withinLimits = (result: Omit<Result, 'logs' | 'events'> & { readonly logs: readonly LogLine[]; readonly events: readonly ContractEvent[] }): Result => ({
  gas: result.gas,
  outcome: result.outcome.kind === 'Executed'
    ? { kind: 'Executed', value: cutResult(result.outcome.value) }
    : { kind: 'Refused', value: { code: result.outcome.value.code, reason: cutText(result.outcome.value.reason) } },
  failure: result.failure === undefined ? undefined : cutText(result.failure),
  logs: firstFitting(result.logs, ({ message }) => message.length * 3 + 64),
  events: firstFitting(result.events, ({ data, topics }) => data.length + topics.length * 32 + 64)
    .map(({ contract, topics, data }) => ({ contract, data, topics: topics.filter((topic) => topic.length === 32).slice(0, TOPICS_MAX) })),
})

/** Who a command that could not be read is from, as far as its envelope tells. */
const senderOf = (payload: Uint8Array): { readonly to: Uint8Array; readonly epoch: bigint } | undefined => {
  try {
    const command = CommandPayload.decode(payload)
    if (command.kind === 'Sealed') return { to: command.value.from, epoch: command.value.epoch }
    return command.kind === 'Encrypted' ? { to: command.value.pubkey, epoch: OWN_KEY_EPOCH } : undefined
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

/** Of a refusal that cannot be sealed only the code is told: the reason may name what was inside. */
const codeOnly = (receipt: Receipt): Receipt =>
  receipt.outcome.kind === 'Refused' ? { ...receipt, outcome: { kind: 'Refused', value: { code: receipt.outcome.value.code, reason: '' } } } : receipt

/** Bytes of a receipt as they are handed out. */
export const sealOutcome = (
  crypto: Crypto, receipt: Receipt, about: { readonly payload: Uint8Array; readonly opened: OpenedCommand | undefined; readonly keys: ReceiptKeys },
): Uint8Array => {
  const { payload, opened, keys } = about
  const { genesis, own } = keys
  if (opened?.kind === 'Plain') return plainReceipt(receipt)
  const sender = senderOf(payload)
  const from = sender === undefined ? undefined : sender.epoch === OWN_KEY_EPOCH ? { pair: own, anchor: genesis } : keys.channelOf(sender.epoch)
  if (sender === undefined || from === undefined) return plainReceipt(codeOnly(receipt))
  try {
    return sealReceipt(crypto, { receipt, to: sender.to, holder: { ...from, genesis, epoch: sender.epoch } })
  } catch (error) {
    // The sender's key is none: whoever gave it can read nothing.
    if (!isAppError(error)) throw error
    return plainReceipt(codeOnly(receipt))
  }
}

/** The leaves of a block's receipts. */
const leavesOf = (crypto: Pick<Crypto, 'blake2b256'>, receipts: readonly StoredReceipt[]): readonly ReceiptLeaf[] =>
  receipts.map((one) => receiptLeaf(crypto, one, one.envelope))

/** The root over a block's receipts. */
export const rootOfReceipts = (crypto: Pick<Crypto, 'blake2b256'>, receipts: readonly StoredReceipt[]): Uint8Array => receiptsRoot(crypto, leavesOf(crypto, receipts))
