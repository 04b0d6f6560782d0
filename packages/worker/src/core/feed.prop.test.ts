import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { palletOrigin } from '@phalanx/primitives/messages'
import { createTestChain, createTestCore } from '../testing.ts'
import type { Input } from './inputs.ts'
import { encodeCheckpoint, type WorkerState } from './state.ts'
import { EMPTY_STATE, assertLive, step, type Core } from './step.ts'

/** Every bit of every byte, or one bit of every byte. */
const BITS = process.env['PHALANX_LONG'] === '1' ? [0, 1, 2, 3, 4, 5, 6, 7] : undefined
let crypto: Crypto
let core: Core
let start: WorkerState
let bytes: Uint8Array
let honest: Uint8Array

const feed = (blocks: Uint8Array): Input => ({ kind: 'feed', value: { blocks, genesisHash: undefined, iterations: 0n, entropy: new Uint8Array(32) } })

beforeAll(async () => {
  crypto = await loadCrypto()
  core = createTestCore(crypto)
  const chain = createTestChain(crypto)
  const message = { sender: palletOrigin('Test'), destination: utf8('topic'), payload: utf8('payload') }
  chain.add({ messages: [message] })
  chain.add({ justify: false, acks: [{ sender: palletOrigin('Test'), next: 3n }] })
  chain.add({ nextAuthorities: [crypto.sha256(utf8('next'))] })
  chain.add({ messages: [message, message] })
  bytes = chain.feed(1)
  start = step(core, EMPTY_STATE, { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy: new Uint8Array(32) } }).state
  honest = encodeCheckpoint(assertLive(step(core, start, feed(bytes)).state))
})

/** The state after the feed, or undefined where it was refused with a code. Anything else thrown fails the test. */
const after = (blocks: Uint8Array): WorkerState | undefined => {
  try {
    return step(core, start, feed(blocks)).state
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** Unproven blocks at the end may wait; nothing but the honest blocks is ever executed. */
const isHonest = (state: WorkerState | undefined): boolean => {
  if (state === undefined) return true
  const live = assertLive(state)
  return bytesEqual(encodeCheckpoint(live), honest) && live.follow.pending.length === 0
}

describe('a feed in which anything was changed', () => {
  test('is refused, or comes to exactly the honest state, whichever byte it was', () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of BITS ?? [at % 8]) {
        const altered = bytes.slice()
        altered[at] = (altered[at] as number) ^ (1 << bit)
        expect(isHonest(after(altered)), `byte ${at}, bit ${bit}`).toBe(true)
      }
    }
  })

  test('is refused, or comes to the honest state, with bytes cut out, doubled or replaced', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(64), fc.uint8Array({ maxLength: 64 }), (at, length, insert) => {
        const altered = new Uint8Array([...bytes.slice(0, at), ...insert, ...bytes.slice(at + length)])
        expect(isHonest(after(altered))).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('leaves the old state as it was', () => {
    const before = encodeCheckpoint(assertLive(start))
    after(bytes)
    after(bytes.slice(0, -1))
    expect(bytesEqual(encodeCheckpoint(assertLive(start)), before)).toBe(true)
  })
})
