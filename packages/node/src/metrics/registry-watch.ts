/**
 * Owns what a node's metrics know of attested workers and gatekeepers: who counts, whose evidence is to be renewed, and the alarms. Reads the
 * whole registry once and then only what each block changes. Decides nothing.
 */
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { State, StateChanges } from '@phalanx/primitives/trie'
import type { RuntimeEvent } from '@phalanx/runtime/frame'
import { phalaRegistryStorage as registry, systemStorage as system } from '@phalanx/runtime/storage'

/** Events that somebody should look at: gatekeepers disagree with each other, or with the chain. */
export const ALARM_EVENTS = ['OutcomeDiffers', 'VerdictDiffers'] as const
/** Name of one of them. */
export type AlarmEvent = (typeof ALARM_EVENTS)[number]

/** Attested workers at a moment. */
export interface WorkerCounts {
  /** Their evidence counts. */
  readonly standing: number
  /** Of those, how many are in their renewal window: their evidence is about to lapse. */
  readonly renewalDue: number
  /** Their evidence lapsed, or was taken back. */
  readonly fallen: number
}

/** Follows the registry block by block. */
export interface RegistryWatch {
  /** Takes in a block; `state` is the state after it. */
  onBlock(block: { readonly changes: StateChanges; readonly state: Pick<State, 'get'> }): void
  counts(nowSeconds: number): WorkerCounts
}

/** What is kept of a worker: seconds, bounded by what doubles hold exactly. */
interface Standing {
  readonly validUntil: number
  readonly renewFrom: number
  readonly evicted: boolean
}

const startsWith = (key: Uint8Array, prefix: Uint8Array): boolean => {
  if (key.length < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (key[i] !== prefix[i]) return false
  return true
}

/** Follows the registry from a state on. `readEvents` decodes the value of `System.Events`; `onAlarm` hears of each alarm once. */
export const createRegistryWatch = (
  { state }: { readonly state: Pick<State, 'entries'> },
  { crypto, readEvents, onAlarm }: { readonly crypto: Crypto; readonly readEvents: (bytes: Uint8Array) => readonly RuntimeEvent[]; readonly onAlarm: (alarm: AlarmEvent) => void },
): RegistryWatch => {
  const attestations = registry.attestations.prefix(crypto)
  const queue = crypto.twox128(utf8('PhalaMq'))
  const eventsKey = system.events.key(crypto)
  const workers = new Map<string, Standing>()

  const take = (key: Uint8Array, value: Uint8Array | undefined): void => {
    const record = registry.attestations.decode(value)
    const id = toHexPlain(key.subarray(attestations.length))
    if (record === undefined) workers.delete(id)
    else workers.set(id, { validUntil: Number(record.validUntil), renewFrom: Number(record.renewFrom), evicted: record.eviction !== undefined })
  }

  const readAlarms = (bytes: Uint8Array): void => {
    for (const { pallet, name } of readEvents(bytes)) {
      const alarm = pallet === 'PhalaRegistry' ? ALARM_EVENTS.find((one) => one === name) : undefined
      if (alarm !== undefined) onAlarm(alarm)
    }
  }

  for (const [key, value] of state.entries(attestations)) take(key, value)
  return {
    onBlock({ changes, state: after }) {
      let hadMessages = false
      for (const [key, value] of changes) {
        if (startsWith(key, attestations)) take(key, value)
        else if (startsWith(key, queue)) hadMessages = true
      }
      // Alarms come of messages only; blocks full of transfers are not decoded for them.
      const bytes = hadMessages ? after.get(eventsKey) : undefined
      if (bytes !== undefined) readAlarms(bytes)
    },
    counts(nowSeconds) {
      let standing = 0
      let renewalDue = 0
      for (const { validUntil, renewFrom, evicted } of workers.values()) {
        if (evicted || nowSeconds > validUntil) continue
        standing++
        if (nowSeconds >= renewFrom) renewalDue++
      }
      return { standing, renewalDue, fallen: workers.size - standing }
    },
  }
}
