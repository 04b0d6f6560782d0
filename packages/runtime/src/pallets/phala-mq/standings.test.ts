/** The chain's sum of system events. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, createMessage, palletOrigin, type WorkerEvent } from '@phalanx/primitives/messages'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../frame/origin.ts'
import { createRegistryTestbed } from '../phala-registry/testing.ts'
import { phalaMq } from './pallet.ts'
import { noteStandings } from './standings.ts'
import { workerStanding } from './storage.ts'

const crypto = await loadCrypto()
const pubkey = new Uint8Array(32).fill(3)
const say = (event: WorkerEvent, sender = palletOrigin('PhalaComputation')) => createMessage(sender, TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey, event } })

describe('standings', () => {
  test('add up what a worker was told, in order, with the block\'s number and time', () => {
    const { chain } = createRegistryTestbed(crypto)
    const registered = say({ kind: 'Registered', value: { confidenceLevel: 2 } })
    noteStandings(chain.ctx, [registered, say({ kind: 'BenchStart', value: { duration: 5 } })], { number: 4, timeMs: 4_000n })
    expect(workerStanding.get(chain.ctx, pubkey)).toEqual({
      registration: { confidenceLevel: 2, block: 4 }, score: undefined, bench: { startBlock: 4, startTimeMs: 4_000n, duration: 5 }, session: undefined,
    })
    const started = say({ kind: 'Started', value: { sessionId: 9, initV: 1n, initP: 1 } })
    noteStandings(chain.ctx, [say({ kind: 'BenchScore', value: 70 }), started, say({ kind: 'EnterUnresponsive' })], { number: 5, timeMs: 5_000n })
    expect(workerStanding.get(chain.ctx, pubkey)).toEqual({
      registration: { confidenceLevel: 2, block: 4 }, score: 70, bench: undefined, session: { sessionId: 9, paused: true, startTimeMs: 5_000n },
    })
  })

  test('end with an eviction until the worker registers again', () => {
    const { chain } = createRegistryTestbed(crypto)
    const evicted = createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, { kind: 'WorkerEvicted', value: { pubkey, reason: { kind: 'Lapsed' } } })
    const registered = say({ kind: 'Registered', value: { confidenceLevel: 2 } })
    noteStandings(chain.ctx, [evicted], { number: 3, timeMs: 3_000n })
    expect(workerStanding.has(chain.ctx, pubkey)).toBe(false)
    noteStandings(chain.ctx, [registered, evicted], { number: 4, timeMs: 4_000n })
    expect(workerStanding.get(chain.ctx, pubkey)?.registration).toBeUndefined()
    noteStandings(chain.ctx, [registered], { number: 5, timeMs: 5_000n })
    expect(workerStanding.get(chain.ctx, pubkey)?.registration).toEqual({ confidenceLevel: 2, block: 5 })
  })

  test('heed nobody but pallets, and nothing that does not decode', () => {
    const { chain } = createRegistryTestbed(crypto)
    const forged = say({ kind: 'BenchScore', value: 1 }, { kind: 'AccountId', value: pubkey })
    const broken = { sender: palletOrigin('X'), destination: TOPICS.systemEvent.topic, payload: Uint8Array.of(9) }
    noteStandings(chain.ctx, [forged, broken], { number: 1, timeMs: 0n })
    expect(workerStanding.has(chain.ctx, pubkey)).toBe(false)
  })

  test('are kept when a block ends', () => {
    const { chain } = createRegistryTestbed(crypto)
    const { destination, payload } = say({ kind: 'BenchScore', value: 12 })
    chain.assertOk(phalaMq.call('forcePushPalletMessage', { destination, payload }), ROOT)
    chain.nextBlock()
    expect(workerStanding.get(chain.ctx, pubkey)?.score).toBe(12)
  })
})
