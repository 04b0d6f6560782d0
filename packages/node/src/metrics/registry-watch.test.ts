import { createTrie, type State, type StateChanges } from '@phalanx/primitives/trie'
import { concatBytes } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createEventReader, createPhalanxRuntime } from '@phalanx/runtime'
import type { RuntimeEvent } from '@phalanx/runtime/frame'
import { phalaMqStorage, phalaRegistryStorage as registry, systemStorage } from '@phalanx/runtime/storage'
import { describe, expect, test } from 'vitest'
import { createRegistryWatch, type AlarmEvent } from './registry-watch.ts'

const crypto = await loadCrypto()
const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
const key = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)
const EMPTY = createTrie({ crypto, version: 1 })

/** A worker's record: counts until 200, is to be renewed from 100. */
const record = (fill: number, changes: object = {}): StateChanges[number] => {
  const value = { kind: 'SgxDcap', measurement: key(9), family: undefined, confidenceLevel: 1, policyVersion: 1, collateral: undefined, verifiedAt: 1n, validUntil: 200n, renewFrom: 100n, eviction: undefined, ...changes }
  return [registry.attestations.key(crypto, key(fill)), registry.attestations.encode(value)]
}

const eventsChange = (...events: readonly RuntimeEvent[]): StateChanges[number] => {
  const records = events.map((event) => concatBytes(Uint8Array.of(1), runtime.parts.services.RuntimeEvent.encode(event), Uint8Array.of(0)))
  return [systemStorage.events.key(crypto), concatBytes(Uint8Array.of(events.length << 2), ...records)]
}
const message: StateChanges[number] = [phalaMqStorage.offchainIngress.key(crypto, { kind: 'Worker', value: key(1) }), u32.encode(1)]

const watch = (initial: StateChanges = []) => {
  const alarms: AlarmEvent[] = []
  let state: State = EMPTY.apply(initial)
  const one = createRegistryWatch({ state }, { crypto, readEvents: createEventReader(runtime), onAlarm: (alarm) => alarms.push(alarm) })
  const block = (...changes: StateChanges): void => {
    state = state.apply(changes)
    one.onBlock({ changes, state })
  }
  return { alarms, block, counts: one.counts }
}

describe('workers', () => {
  test('are counted from the state at the start and from what blocks change', () => {
    const { block, counts } = watch([record(1), record(2)])
    expect(counts(50)).toEqual({ standing: 2, renewalDue: 0, fallen: 0 })
    block(record(3))
    expect(counts(50)).toEqual({ standing: 3, renewalDue: 0, fallen: 0 })
    block(record(1, { eviction: { kind: 'FamilyRevoked' } }))
    expect(counts(50)).toEqual({ standing: 2, renewalDue: 0, fallen: 1 })
    block(record(1, { renewFrom: 400n, validUntil: 500n }), [registry.attestations.key(crypto, key(2)), undefined])
    expect(counts(50)).toEqual({ standing: 2, renewalDue: 0, fallen: 0 })
  })

  test('show as due in their renewal window and as fallen once it passed, also before the chain takes them off', () => {
    const { counts } = watch([record(1), record(2, { validUntil: 2n ** 64n - 1n, renewFrom: 2n ** 64n - 1n })])
    expect([99, 100, 200, 201].map(counts)).toEqual([
      { standing: 2, renewalDue: 0, fallen: 0 }, { standing: 2, renewalDue: 1, fallen: 0 }, { standing: 2, renewalDue: 1, fallen: 0 }, { standing: 1, renewalDue: 0, fallen: 1 },
    ])
  })
})

describe('alarms', () => {
  const differs: RuntimeEvent = { pallet: 'PhalaRegistry', name: 'OutcomeDiffers', value: { block: 1, index: 0, gatekeeper: key(1) } }
  const verdict: RuntimeEvent = { pallet: 'PhalaRegistry', name: 'VerdictDiffers', value: { pubkey: key(1), accepted: false, confidenceLevel: 0 } }
  const other: RuntimeEvent = { pallet: 'PhalaRegistry', name: 'GatekeeperLaunched', value: undefined }

  test('are told once each, among other events', () => {
    const { alarms, block } = watch()
    block(message, eventsChange(other, differs, other, verdict, differs))
    expect(alarms).toEqual(['OutcomeDiffers', 'VerdictDiffers', 'OutcomeDiffers'])
    block(message, eventsChange(other))
    expect(alarms).toHaveLength(3)
  })

  test('are not looked for where no message came', () => {
    const { alarms, block } = watch()
    block([systemStorage.events.key(crypto), Uint8Array.of(0xff)], record(1))
    expect(alarms).toEqual([])
  })
})
