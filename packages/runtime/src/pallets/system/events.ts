/** Owns the block's event records and digest while it runs. Does not own their types (types.ts). */
import { concatBytes } from '@phalanx/primitives/bytes'
import type { DigestItem } from '@phalanx/primitives/chain'
import { ByteWriter, writeCompact } from '@phalanx/primitives/codec'
import type { EventEntry } from '../../frame/calls.ts'
import type { BlockInfo, Phase, RuntimeEvent } from '../../frame/context.ts'
import type { StorageHost } from '../../frame/overlay.ts'
import { transientList, transientValue } from '../../frame/transient.ts'
import { digest, eventCount, events } from './storage.ts'
import { Phase as PhaseCodec } from './types.ts'

/** One deposited event and the part of the block it belongs to. */
export interface DepositedEvent extends RuntimeEvent {
  readonly phase: Phase
}

const deposited = transientList<DepositedEvent>('events of the block')
/** Encoded records one after another; a failed call's records are cut off again. */
const records = transientValue<ByteWriter | undefined>('event records of the block', undefined)
const NO_TOPICS = 0
const RECORDS_CAPACITY = 4096

const recordsOf = (host: StorageHost): ByteWriter => {
  const found = records.get(host)
  if (found !== undefined) return found
  const created = new ByteWriter(RECORDS_CAPACITY)
  records.set(host, created)
  return created
}

/** Deposits an event in the current phase. */
export const depositEvent = (host: StorageHost & { readonly block: BlockInfo }, entry: EventEntry, value: unknown): void => {
  const out = recordsOf(host)
  const { size } = out
  host.storage.onRollback(() => out.truncate(size))
  const { phase } = host.block
  PhaseCodec.write(out, phase)
  out.u8(entry.palletIndex)
  out.u8(entry.eventIndex)
  if (entry.hasContent) entry.content.write(out, value)
  out.u8(NO_TOPICS)
  deposited.append(host, { pallet: entry.pallet, name: entry.name, value, phase })
}

/** Events of the block so far, in order. */
export const eventsSoFar = (host: StorageHost): readonly DepositedEvent[] => deposited.all(host)

/** Writes the block's events to state and returns the value of `System.Events`. */
export const storeEvents = (host: StorageHost): Uint8Array => {
  const count = deposited.all(host).length
  const head = new ByteWriter(8)
  writeCompact(head, BigInt(count))
  const bytes = concatBytes(head.finish(), recordsOf(host).finish())
  events.set(host, bytes)
  eventCount.set(host, count)
  return bytes
}

/** Adds an item to the digest of the block being run. */
export const depositLog = (host: StorageHost, item: DigestItem): void => digest.mutate(host, ({ logs }) => ({ logs: [...logs, item] }))
