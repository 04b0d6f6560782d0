/** Owns one call of a contract: a query or an estimate by a worker, a command by the chain with its receipt. Every call is sealed; there is no other way through here. */
import type { BlockRef } from '../chain-client.ts'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { ContractExecResult, sealCommand, type PreparedCommand } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { InkCommand, invocationSigningPayload, type Invocation } from '@phalanx/primitives/messages'
import type { Account, AnySigner } from '../account.ts'
import { pushContractMessage } from '../cluster/calls.ts'
import type { AbortSignalLike, Limits } from '../cluster/patience.ts'
import '../errors.ts'
import { askCluster, codeOf, type ClusterAnswer } from './ask.ts'
import type { ContractEvent, EntryInterface } from './interface.ts'
import { valueOf } from './outcome.ts'
import { awaitReceipt, type ProvenOutcome } from './receipts.ts'
import { calledOf, ESTIMATE_LOAN, findTarget, fundingCalls, type ContractTarget, type Cost, type Spoken } from './target.ts'

/** What may be said about a query besides its arguments. */
export interface QueryOptions {
  /** Balance sent along, as far as queries can. */
  readonly value?: bigint
}

/** How far a command has come, for who shows it. `command` holds the key that was made for it: who keeps that can read command and receipt later. */
export type CommandStage =
  | { readonly kind: 'sealed'; readonly value: { readonly commandHash: Uint8Array; readonly bytes: Uint8Array; readonly epoch: bigint; readonly command: PreparedCommand } }
  | { readonly kind: 'included'; readonly value: { readonly blockHash: Uint8Array; readonly fee: bigint } }

/** What may be said about a command besides its arguments. Amounts in the smallest unit, gas in picoseconds. */
export interface SendOptions {
  /** Balance sent along; the message must take payment. */
  readonly value?: bigint
  /** Most gas; by an estimate where left out, which also finds out what would fail before anything is paid. */
  readonly gasLimit?: bigint
  readonly storageDepositLimit?: bigint
  /** Who pays for the extrinsic, where it is not the sender: nobody can tell the sender then. The sender needs balance in the cluster before. */
  readonly payer?: AnySigner
  /** Moved to the sender's account in the cluster first, which names it; what is missing there where left out and the sender pays. */
  readonly deposit?: bigint
  /** Longest wait for the block with the command, and then for its receipt. */
  readonly timeoutMs?: number
  /** Ends waiting at once. What was handed to the node by then is not taken back. */
  readonly signal?: AbortSignalLike
  readonly onStage?: (stage: CommandStage) => void
}

/** A line that a contract logged; level 1 is an error, 5 a trace. */
export interface ReceiptLog {
  readonly contract: Uint8Array
  readonly level: number
  readonly message: string
}

/** What became of a command that succeeded. Gas in picoseconds. */
export interface CommandReceipt<R> {
  readonly value: R
  readonly commandHash: Uint8Array
  readonly block: BlockRef
  readonly gas: bigint
  readonly logs: readonly ReceiptLog[]
  readonly events: readonly (ContractEvent & { readonly contract: Uint8Array })[]
  /** Fee of the extrinsic that carried it. */
  readonly fee: bigint
  /** Everything that proves it. */
  readonly proven: ProvenOutcome
}

/** What a call would cost. Gas in picoseconds. */
export interface Estimate<R> {
  readonly value: R
  readonly gasRequired: bigint
  readonly gasConsumed: bigint
  /** Below zero: given back. */
  readonly storageDeposit: bigint
}

/** A call of a message. */
export interface MessageCall {
  readonly target: Spoken
  readonly message: EntryInterface
  readonly args: unknown
}

const TIMEOUT_MS = 90_000
const NONCE_BYTES = 32
const SEED_BYTES = 32
const IV_BYTES = 12
const RESULT_GAS_TENTHS = 13n
const TENTHS = 10n
/** What gas is rounded up to, beyond what the estimate says. */
const GAS_EXTRA = 10n ** 9n
/** The epoch was over when the command came. */
const EPOCH_OVER = 'COMMAND_EPOCH_UNKNOWN'

const nameOf = ({ target, message }: MessageCall): string => `${target.interface.name}.${message.name}`

/** A value with where it is from. `logs`: what the contract logged on the way, as far as the asker may read it. */
export interface Answered<R> {
  readonly value: R
  readonly logs: readonly ReceiptLog[]
  readonly from: ClusterAnswer
}

/** Asks a query and tells where the answer is from. @throws SDK_MESSAGE_ codes and those of `askCluster` */
export const queryMessage = async (call: MessageCall, { value = 0n }: QueryOptions = {}): Promise<Answered<unknown>> => {
  const { target: { id, session }, message, args } = call
  const entry = nameOf(call)
  const input = message.encode(args)
  const { cluster } = await session.contract(id)
  const from = await askCluster(session, { cluster, entry, query: { kind: 'Call', value: { contract: id, input, transfer: value, deposit: value } } })
  const { result, failure, logs } = calledOf(from, entry)
  return { value: valueOf(result, { entry, interface: message, failure }), logs, from }
}

/** Tries a message without keeping what it does. @throws SDK_MESSAGE_ codes and those of `askCluster` */
export const estimateMessage = async (call: MessageCall, { value = 0n }: Pick<SendOptions, 'value'> = {}): Promise<Estimate<unknown>> => {
  const { target: { id, session }, message, args } = call
  const entry = nameOf(call)
  const { cluster } = await session.contract(id)
  const query = { kind: 'Estimate', value: { contract: id, input: message.encode(args), transfer: value, deposit: ESTIMATE_LOAN } } as const
  const { result, failure } = calledOf(await askCluster(session, { cluster, entry, query }), entry)
  const { gasRequired, gasConsumed, storageDeposit } = result
  return {
    value: valueOf(result, { entry, interface: message, failure }), gasRequired: gasRequired.refTime, gasConsumed: gasConsumed.refTime,
    storageDeposit: storageDeposit.kind === 'Charge' ? storageDeposit.value : -storageDeposit.value,
  }
}

/** Gas that surely does: estimates are rounded, and the state may be another when the command runs. */
export const gasLimitOf = (required: bigint): bigint => (required * RESULT_GAS_TENTHS) / TENTHS + GAS_EXTRA

const costOf = async (call: MessageCall, options: SendOptions): Promise<Cost> => {
  const { value = 0n, gasLimit } = options
  if (gasLimit !== undefined) return { gasLimit, storageDeposit: options.storageDepositLimit ?? 0n, value }
  const estimate = await estimateMessage(call, options)
  const deposit = estimate.storageDeposit > 0n ? estimate.storageDeposit : 0n
  return { gasLimit: gasLimitOf(estimate.gasRequired), storageDeposit: deposit * 2n, value }
}

const limitsOf = ({ timeoutMs = TIMEOUT_MS, signal }: SendOptions): Limits => ({ timeoutMs, signal })

/** Asks what a command needs before anything is handed in, again where the node goes away meanwhile. */
const patiently = <T>(call: MessageCall, options: SendOptions, ask: () => Promise<T>): Promise<T> =>
  call.target.session.network.holdOut({ what: `answer to what ${nameOf(call)} needs`, from: 'outage', ...limitsOf(options) }, ask)

/** Signs and seals a command. @throws SDK_SIGNING_REFUSED */
const sealFor = async (call: MessageCall, to: ContractTarget, account: Account, { cost, options }: { readonly cost: Cost; readonly options: SendOptions }): Promise<PreparedCommand> => {
  const { target: { session }, message, args } = call
  const { genesisHash: genesis, surroundings: { crypto, random } } = session.network
  const nonce = random.bytes(NONCE_BYTES)
  const { number: block } = await patiently(call, options, () => session.network.chain.finalizedHead())
  const input = InkCommand.encode({
    kind: 'InkMessage',
    value: { nonce, message: message.encode(args), transfer: cost.value, gasLimit: cost.gasLimit, storageDepositLimit: options.storageDepositLimit },
  })
  const unsigned: Omit<Invocation, 'sig'> = { from: account.accountId, payload: { to: to.publicKey, input }, nonce, block }
  const sig = await account.signMessage(invocationSigningPayload(unsigned, genesis))
  return sealCommand(crypto, { target: { ...to.channel, genesis }, invocation: { ...unsigned, sig }, random: { seed: random.bytes(SEED_BYTES), iv: random.bytes(IV_BYTES) } })
}

const sendOnce = async (call: MessageCall, cost: Cost, options: SendOptions): Promise<CommandReceipt<unknown>> => {
  const { target: { id, session, interface: contract }, message } = call
  const { network } = session
  const account = session.assertAccount()
  const to = await findTarget(session, id, options.signal === undefined ? {} : { signal: options.signal })
  const command = await sealFor(call, to, account, { cost, options })
  const { payload, commandHash } = command
  options.onStage?.({ kind: 'sealed', value: { commandHash, bytes: payload.bytes, epoch: to.channel.epoch, command } })
  const payer = options.payer === undefined ? account : network.account(options.payer)
  const isVisible = bytesEqual(payer.accountId, account.accountId)
  const funding = await patiently(call, options, () => fundingCalls(session, to.entry.cluster, account, { cost, amount: options.deposit, isVisible }))
  const limits = options.timeoutMs === undefined ? { signal: options.signal } : limitsOf(options)
  const { blockHash, fee } = await network.submit(payer, [...funding, pushContractMessage({ contract: id, payload, deposit: 0n })], limits)
  options.onStage?.({ kind: 'included', value: { blockHash, fee } })
  const proven = await awaitReceipt(session, to.entry, command, limitsOf(options))
  const { receipt } = proven
  const entry = nameOf(call)
  const events = receipt.events.map((event) => ({ contract: event.contract, ...contract.readEvent(event) }))
  const rest = { commandHash, block: { number: receipt.block, hash: proven.blockHash }, gas: receipt.gas, logs: receipt.logs, events, fee, proven }
  if (receipt.outcome.kind === 'Refused') throw new AppError('SDK_MESSAGE_REFUSED', { entry, ...receipt.outcome.value, receipt: rest })
  const value = valueOf(ContractExecResult.decode(receipt.outcome.value), { entry, interface: message, failure: receipt.failure, receipt: rest })
  return { value, ...rest }
}

/**
 * Sends a sealed command and waits for its proven receipt. One that came when its epoch was over is sealed again for the new one, once.
 * @throws SDK_MESSAGE_REVERTED, SDK_MESSAGE_FAILED, SDK_MESSAGE_REFUSED, each with the receipt where there is one; SDK_EXTRINSIC_ codes, SDK_WAIT_TIMEOUT,
 * SDK_WAIT_ABORTED, SDK_CLIENT_CLOSED, SDK_CHAIN_DIFFERS, SDK_CLUSTER_BALANCE_LOW, SDK_SIGNING_REFUSED, SDK_ARGUMENTS_MALFORMED and those of `awaitReceipt`
 */
export const sendMessage = async (call: MessageCall, options: SendOptions = {}): Promise<CommandReceipt<unknown>> => {
  const { message, target } = call
  if ((options.value ?? 0n) > 0n && !message.isPayable) throw new AppError('SDK_ARGUMENTS_MALFORMED', { entry: nameOf(call), reason: 'it takes no payment' })
  target.session.assertAccount()
  const cost = await patiently(call, options, () => costOf(call, options))
  try {
    return await sendOnce(call, cost, options)
  } catch (error) {
    if (!isAppError(error, 'SDK_MESSAGE_REFUSED') || codeOf(error) !== EPOCH_OVER) throw error
    target.session.network.surroundings.logger.info('sealing a command again: its epoch was over', { contract: toHex(target.id) })
    return sendOnce(call, cost, options)
  }
}
