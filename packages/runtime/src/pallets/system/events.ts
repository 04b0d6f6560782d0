/** Owns the block's event records and digest while it runs. Does not own their types (types.ts). */
import { concatBytes } from '@phalanx/primitives/bytes'
import type { DigestItem } from '@phalanx/primitives/chain'
import { ByteWriter, writeCompact } from '@phalanx/primitives/codec'
import type { EventEntry } from '../../frame/calls.ts'
import type { BlockInfo, Phase, RuntimeEvent } from '../../frame/context.ts'
import type { StorageHost } from '../../frame/overlay.ts'
import { transientList } from '../../frame/transient.ts'
import { digest, eventCount, events } from './storage.ts'
import { Phase as PhaseCodec } from './types.ts'

/** One deposited event: what it says and its record's bytes. */
export interface DepositedEvent extends RuntimeEvent {
  readonly phase: Phase
  readonly record: Uint8Array
}

const deposited = transientList<DepositedEvent>('events of the block')
const NO_TOPICS = 0

/** Deposits an event in the current phase. */
export const depositEvent = (host: StorageHost & { readonly block: BlockInfo }, entry: EventEntry, value: unknown): void => {
  const out = new ByteWriter(128)
  const { phase } = host.block
  PhaseCodec.write(out, phase)
  out.u8(entry.palletIndex)
  out.u8(entry.eventIndex)
  if (entry.hasContent) entry.content.write(out, value)
  out.u8(NO_TOPICS)
  deposited.append(host, { pallet: entry.pallet, name: entry.name, value, phase, record: out.finish() })
}

/** Events of the block so far, in order. */
export const eventsSoFar = (host: StorageHost): readonly DepositedEvent[] => deposited.all(host)

/** Writes the block's events to state and returns the value of `System.Events`. */
export const storeEvents = (host: StorageHost): Uint8Array => {
  const all = deposited.all(host)
  const count = new ByteWriter(8)
  writeCompact(count, BigInt(all.length))
  const bytes = concatBytes(count.finish(), ...all.map(({ record }) => record))
  events.set(host, bytes)
  eventCount.set(host, all.length)
  return bytes
}

/** Adds an item to the digest of the block being run. */
export const depositLog = (host: StorageHost, item: DigestItem): void => digest.mutate(host, ({ logs }) => ({ logs: [...logs, item] }))
