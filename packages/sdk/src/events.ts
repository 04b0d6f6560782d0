/** Owns reading the events of blocks by the chain's metadata. Finality of what the node says is not verified here. */
import { AppError } from '@phalanx/primitives/errors'
import type { ChainClient } from './chain-client.ts'
import { decodeDynamic, type DynamicValue } from './dynamic.ts'
import './errors.ts'

/** One event: its pallet, its name, its fields by their names in the metadata (snake case). `extrinsic`: which one caused it; undefined for the block itself. */
export interface ChainEvent {
  readonly pallet: string
  readonly name: string
  readonly fields: Readonly<Record<string, DynamicValue>>
  readonly extrinsic: number | undefined
}

const isRecord = (value: DynamicValue): value is Readonly<Record<string, DynamicValue>> => typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array)

const record = (value: DynamicValue): Readonly<Record<string, DynamicValue>> => {
  if (!isRecord(value)) throw new AppError('SDK_METADATA_MALFORMED', { what: 'an event is not a record' })
  return value
}

const toEvent = (entry: DynamicValue): ChainEvent => {
  const { phase, event } = record(entry)
  const { kind: pallet, value: inner } = record(event)
  const { kind: name, value } = record(inner)
  const { kind: phaseKind, value: extrinsic } = record(phase)
  return {
    pallet: String(pallet), name: String(name), fields: isRecord(value) ? value : {},
    extrinsic: phaseKind === 'ApplyExtrinsic' && typeof extrinsic === 'number' ? extrinsic : undefined,
  }
}

/** Events of a block, in order. @throws SDK_METADATA_MALFORMED, CODEC_ and connection codes */
export const fetchEvents = async (chain: ChainClient, blockHash: Uint8Array): Promise<readonly ChainEvent[]> => {
  const metadata = await chain.metadata()
  const raw = await chain.storage(metadata.storagePrefix('System', 'Events'), blockHash)
  if (raw === undefined) return []
  const entries = decodeDynamic(metadata.types, metadata.storage('System', 'Events').type, raw)
  return Array.isArray(entries) ? entries.map(toEvent) : []
}
