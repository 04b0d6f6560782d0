/**
 * Owns looking at one command from every side: each part is filled with what that side is really given, from the chain's block, the feed that relays take, a worker's
 * answer to anybody, and, with the key that was kept for the command, the sender's own reading.
 */
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import { FollowedBlocks } from '@phalanx/primitives/chain'
import { struct } from '@phalanx/primitives/codec'
import { ContractExecResult, openOwnCommand, SealedReceipt, type Receipt } from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { CommandPayload, contractCommandTopic, type InkCommand, type Invocation } from '@phalanx/primitives/messages'
import { awaitReceipt, interfaceOfMetadata, parseInkMetadata, Session, valueOf, type ContractEntry, type ContractEvent, type EntryInterface, type Network, type PickedWorker } from '@phalanx/sdk/client'
import type { CommandKey } from '../contract-client/kept-commands.ts'
import { findCommand, type FoundCommand, type Wanted } from './find-command.ts'

/** What a command's bytes say to everybody. */
export interface Wrapping {
  readonly form: 'Plain' | 'Encrypted' | 'Sealed' | 'unreadable'
  readonly bytes: number
  /** Key that was made for this command alone, and the epoch of the contract's key. */
  readonly from: Uint8Array | undefined
  readonly epoch: bigint | undefined
}

/** What a worker hands to whoever asks, its host included. */
export interface HandedReceipt {
  readonly worker: PickedWorker
  readonly block: number
  readonly index: number
  readonly sealed: Uint8Array
  readonly isSealed: boolean
}

/** What the sender reads. */
export interface SenderView {
  readonly invocation: Invocation
  readonly command: InkCommand['value']
  /** By the metadata; undefined without it. */
  readonly call: { readonly contract: string; readonly message: string; readonly args: unknown } | undefined
  /** Undefined as long as there is none. */
  readonly receipt: Receipt | undefined
  readonly result: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string } | undefined
  readonly events: readonly ContractEvent[]
}

/** One command from every side. */
export interface Observation {
  readonly found: FoundCommand
  readonly wrapping: Wrapping
  readonly cluster: Uint8Array
  /** Root over the receipts of its block, once the cluster agreed. */
  readonly agreedRoot: Uint8Array | undefined
  readonly relay: { readonly feedBytes: number; readonly topic: Uint8Array; readonly messageBytes: number; readonly messages: number }
  readonly host: HandedReceipt | undefined
  readonly sender: SenderView | undefined
  /** In what of the others the bytes of the sender's call occur; undefined where the call is not known here. */
  readonly occurs: { readonly callBytes: number; readonly chain: boolean; readonly relay: boolean; readonly host: boolean } | undefined
}

/** What may be known besides. */
export interface Known {
  readonly metadata: string | undefined
  keyOf(commandHash: Uint8Array): CommandKey | undefined
}

const RECEIPT_WAIT_MS = 5_000
const SELECTOR_BYTES = 4

const unwrap = (payload: Uint8Array): Wrapping => {
  const bytes = payload.length
  try {
    const { kind, value } = CommandPayload.decode(payload)
    if (kind === 'Sealed') return { form: kind, bytes, from: value.from, epoch: value.epoch }
    return { form: kind, bytes, from: kind === 'Encrypted' ? value.pubkey : undefined, epoch: undefined }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { form: 'unreadable', bytes, from: undefined, epoch: undefined }
  }
}

/** What relays take from the node for this block, and hand to workers. */
const relayView = async ({ chain }: Network, { block, contract, payload }: FoundCommand): Promise<{ readonly view: Observation['relay']; readonly feed: Uint8Array }> => {
  const feed = await chain.getBlocks(block.number, 1)
  const topic = contractCommandTopic(contract)
  const messages = FollowedBlocks.decode(feed)[0]?.messages.messages ?? []
  const message = messages.find((one) => bytesEqual(one.destination, topic) && bytesEqual(one.payload, payload))
  if (message === undefined) throw new AppError('SDK_RESPONSE_MALFORMED', { url: chain.url, what: 'phalanx_getBlocks (the command is not in it)' })
  return { view: { feedBytes: feed.length, topic, messageBytes: message.payload.length, messages: messages.length }, feed }
}

/** The receipt as a worker hands it out; undefined where none has it, or no longer. */
const hostView = async (network: Network, cluster: Uint8Array, { contract, commandHash }: FoundCommand): Promise<HandedReceipt | undefined> => {
  try {
    const worker = await network.pickWorker(cluster)
    const { block, index, sealed } = await worker.api.PhalanxAPI.GetReceipt({ contract, commandHash, waitMs: RECEIPT_WAIT_MS })
    return { worker, block, index, sealed, isSealed: SealedReceipt.decode(sealed).kind === 'Sealed' }
  } catch (error) {
    if (isAppError(error, 'WIRE_CALL_FAILED') || isAppError(error, 'SDK_WORKER_UNREACHABLE')) return undefined
    throw error
  }
}

interface Described {
  readonly title: string
  readonly message: EntryInterface
  readonly args: unknown
  readEvent(event: Receipt['events'][number]): ContractEvent
}

/** The call by the metadata; undefined without, or where it is that of another contract. */
const describeCall = (metadata: string | undefined, input: Uint8Array): Described | undefined => {
  if (metadata === undefined) return undefined
  const ink = parseInkMetadata(metadata)
  const contract = interfaceOfMetadata(ink)
  const label = ink.messages.find(({ selector }) => bytesEqual(selector, input.subarray(0, SELECTOR_BYTES)))?.label
  const message = contract.messages.find((one) => one.label === label)
  if (message === undefined) return undefined
  try {
    return { title: contract.name, message, args: struct(message.shape).decode(input.subarray(SELECTOR_BYTES)), readEvent: (event) => contract.readEvent(event) }
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

const resultOf = ({ outcome, failure }: Receipt, described: Described | undefined): SenderView['result'] => {
  if (outcome.kind === 'Refused') return { ok: false, reason: `refused before it ran, ${outcome.value.code}: ${outcome.value.reason}` }
  if (described === undefined) return undefined
  try {
    return { ok: true, value: valueOf(ContractExecResult.decode(outcome.value), { entry: `${described.title}.${described.message.name}`, interface: described.message, failure }) }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { ok: false, reason: error.message }
  }
}

const senderView = async (network: Network, entry: ContractEntry, { payload }: FoundCommand, key: CommandKey, metadata: string | undefined): Promise<SenderView> => {
  const { invocation, command: { value: command } } = openOwnCommand(network.surroundings.crypto, payload, key)
  const described = describeCall(metadata, command.message)
  const proven = await awaitReceipt(new Session(network, undefined), entry, key, RECEIPT_WAIT_MS).catch((error: unknown) => {
    if (isAppError(error, 'SDK_WAIT_TIMEOUT')) return undefined
    throw error
  })
  const receipt = proven?.receipt
  return {
    invocation, command, receipt, result: receipt === undefined ? undefined : resultOf(receipt, described),
    call: described === undefined ? undefined : { contract: described.title, message: described.message.name, args: described.args },
    events: (receipt?.events ?? []).map((event) => described?.readEvent(event) ?? { kind: 'Unknown', value: event.data }),
  }
}

/** Whether bytes occur in others. */
const contains = (where: Uint8Array, what: Uint8Array): boolean => Buffer.from(where.buffer, where.byteOffset, where.length).includes(Buffer.from(what))

/**
 * Looks at a command from every side.
 * @throws CLI_COMMAND_NOT_FOUND, SDK_CONTRACT_NOT_FOUND, SDK_WORKER_NONE, SEALED_NOT_OPENED and RECEIPT_ codes where a kept key does not belong to the command
 */
export const observeCommand = async (wanted: Wanted, { network, known }: { readonly network: Network; readonly known: Known }): Promise<Observation> => {
  const found = await findCommand(wanted, { chain: network.chain, crypto: network.surroundings.crypto })
  const state = await network.state()
  const entry = await state.contract(found.contract)
  const key = known.keyOf(found.commandHash)
  const [{ view: relay, feed }, host, sender] = await Promise.all([
    relayView(network, found), hostView(network, entry.cluster, found), key === undefined ? undefined : senderView(network, entry, found, key, known.metadata),
  ])
  const agreedRoot = await (await network.state()).agreedReceipts(entry.cluster, found.block.number)
  const call = sender?.command.message
  return {
    found, wrapping: unwrap(found.payload), cluster: entry.cluster, agreedRoot, relay, host, sender,
    occurs: call === undefined ? undefined : {
      callBytes: call.length, chain: contains(found.extrinsic, call), relay: contains(feed, call), host: contains(concatBytes(feed, host?.sealed ?? new Uint8Array(0)), call),
    },
  }
}

/** Topic as text. */
export const topicText = (topic: Uint8Array): string => Buffer.from(topic).toString('latin1').replace(/[^ -~]/g, '·')
