/** Owns finding a command on the chain: blocks are read backwards, calls inside of other calls included. All that is read here is public. */
import { bytesEqual, parseHex, toHex } from '@phalanx/primitives/bytes'
import { decodeExtrinsic } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { decodeDynamic, dispatchOutcomes, type BlockRef, type ChainClient, type DispatchOutcome, type DynamicValue, type MetadataIndex } from '@phalanx/sdk'

/** A command as the chain has it. */
export interface FoundCommand {
  readonly contract: Uint8Array
  readonly payload: Uint8Array
  /** blake2b-256 of the payload. */
  readonly commandHash: Uint8Array
  readonly block: BlockRef
  /** Place of its extrinsic in the block, and that extrinsic. */
  readonly index: number
  readonly extrinsic: Uint8Array
  /** Who signed and paid; undefined where nobody did. */
  readonly payer: Uint8Array | undefined
  /** Other calls of the extrinsic. */
  readonly beside: readonly SeenCall[]
  readonly outcome: DispatchOutcome | undefined
}

/** A call that anybody can read. */
export interface SeenCall {
  readonly name: string
  readonly args: DynamicValue
}

/** What is looked for: a command by its hash, or the newest one to a contract. */
export interface Wanted {
  readonly id: Uint8Array
  /** How many blocks are looked at, from the finalised head backwards. */
  readonly blocks: number
}

const PALLET = 'PhalaPhatContracts'
const CALL = 'push_contract_message'
/** Blocks asked for at a time. */
const PAGE = 24
const HASH = /^0x[0-9a-f]{64}$/

type Fields = Readonly<Record<string, DynamicValue>>

const isRecord = (value: DynamicValue): value is Fields => typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)

/** Every call inside a decoded call, itself included where it is no wrapper of others. */
const callsIn = (value: DynamicValue): readonly SeenCall[] => {
  if (Array.isArray(value)) return (value as readonly DynamicValue[]).flatMap(callsIn)
  if (!isRecord(value)) return []
  const { kind, value: inner } = value
  if (typeof kind === 'string' && isRecord(inner) && typeof inner['kind'] === 'string' && 'value' in inner) {
    const nested = isRecord(inner['value']) ? Object.values(inner['value']).flatMap(callsIn) : []
    return nested.length > 0 ? nested : [{ name: `${kind}.${inner['kind']}`, args: inner['value'] }]
  }
  return Object.values(value).flatMap(callsIn)
}

/** Number of the type of all calls of the chain: what a batch is a list of. */
const callType = (metadata: MetadataIndex): number => {
  const list = metadata.types[metadata.call('Utility', 'batch_all').fields[0]?.type ?? -1]
  if (list?.kind !== 'sequence') throw new AppError('SDK_METADATA_MALFORMED', { what: 'a batch is no list of calls' })
  return list.element
}

interface Reader {
  readonly chain: ChainClient
  readonly crypto: Pick<Crypto, 'blake2b256'>
  readonly metadata: MetadataIndex
  readonly callType: number
  /** Two bytes with which the call begins, as hex without 0x: extrinsics without them need not be taken apart. */
  readonly mark: string
}

const malformed = ({ chain }: Reader, what: string): AppError => new AppError('SDK_RESPONSE_MALFORMED', { url: chain.url, what })

const commandsOf = (reader: Reader, extrinsic: Uint8Array): readonly Pick<FoundCommand, 'contract' | 'payload' | 'commandHash' | 'payer' | 'beside'>[] => {
  try {
    const { signed, call } = decodeExtrinsic(extrinsic)
    const calls = callsIn(decodeDynamic(reader.metadata.types, reader.callType, call))
    const payer = signed?.address.kind === 'Id' ? signed.address.value : undefined
    return calls.flatMap((one) => {
      if (one.name !== `${PALLET}.${CALL}` || !isRecord(one.args)) return []
      const { contract_id: contract, payload } = one.args
      if (!(contract instanceof Uint8Array) || !(payload instanceof Uint8Array)) return []
      return [{ contract, payload, commandHash: reader.crypto.blake2b256(payload), payer, beside: calls.filter((other) => other !== one) }]
    })
  } catch (error) {
    // Of a form that this client does not know: no command of ours.
    if (isAppError(error)) return []
    throw error
  }
}

const outcomeOf = async ({ chain, metadata }: Reader, block: BlockRef, index: number): Promise<DispatchOutcome | undefined> => {
  const events = await chain.storage(metadata.storagePrefix('System', 'Events'), block.hash)
  return events === undefined ? undefined : dispatchOutcomes(metadata, events).get(index)
}

/** The last command of a block that fits. */
const searchBlock = async (reader: Reader, number: number, id: Uint8Array): Promise<FoundCommand | undefined> => {
  const hash = await reader.chain.rpc.request('chain_getBlockHash', [number])
  if (typeof hash !== 'string' || !HASH.test(hash)) throw malformed(reader, 'chain_getBlockHash')
  const answer = (await reader.chain.rpc.request('chain_getBlock', [hash])) as { readonly block?: { readonly extrinsics?: unknown } } | null
  const extrinsics = answer?.block?.extrinsics
  if (!Array.isArray(extrinsics)) throw malformed(reader, 'chain_getBlock')
  for (let index = extrinsics.length - 1; index >= 0; index--) {
    const hex: unknown = extrinsics[index]
    if (typeof hex !== 'string') throw malformed(reader, 'chain_getBlock')
    if (!hex.includes(reader.mark)) continue
    const extrinsic = parseHex(hex)
    const found = commandsOf(reader, extrinsic).findLast(({ contract, commandHash }) => bytesEqual(commandHash, id) || bytesEqual(contract, id))
    const block = { number, hash: parseHex(hash) }
    if (found !== undefined) return { ...found, block, index, extrinsic, outcome: await outcomeOf(reader, block, index) }
  }
  return undefined
}

/** The command that is looked for. @throws CLI_COMMAND_NOT_FOUND, SDK_RESPONSE_MALFORMED and connection codes */
export const findCommand = async ({ id, blocks }: Wanted, { chain, crypto }: Pick<Reader, 'chain' | 'crypto'>): Promise<FoundCommand> => {
  const [head, metadata] = await Promise.all([chain.finalizedHead(), chain.metadata()])
  const { pallet, call } = metadata.call(PALLET, CALL)
  const reader: Reader = { chain, crypto, metadata, callType: callType(metadata), mark: toHex(Uint8Array.of(pallet, call)).slice(2) }
  const last = Math.max(head.number - blocks + 1, 0)
  for (let from = head.number; from >= last; from -= PAGE) {
    const numbers = Array.from({ length: Math.min(PAGE, from - last + 1) }, (_, i) => from - i)
    const found = (await Promise.all(numbers.map((number) => searchBlock(reader, number, id)))).find((one) => one !== undefined)
    if (found !== undefined) return found
  }
  throw new AppError('CLI_COMMAND_NOT_FOUND', { id: toHex(id), from: last, to: head.number })
}
