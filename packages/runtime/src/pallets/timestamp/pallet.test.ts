/** Timestamp: once per block, never back. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { NONE, ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { system } from '../system/pallet.ts'
import { MINIMUM_PERIOD_MS, timestamp } from './pallet.ts'
import { didUpdate, now } from './storage.ts'

const crypto = await loadCrypto()
const start = () => createTestChain({ pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }], timeMs: 5000n }, { crypto })

describe('timestamp.set', () => {
  test('sets the time once per block', () => {
    const chain = start()
    expect(now.get(chain.ctx)).toBe(5000n)
    chain.assertNoop(timestamp.call('set', { now: 9000n }), NONE, 'Timestamp.AlreadySet')
  })

  test('is an inherent only', () => {
    const chain = start()
    chain.assertNoop(timestamp.call('set', { now: 9000n }), ROOT, 'BadOrigin')
    chain.assertNoop(timestamp.call('set', { now: 9000n }), signed(devAccount(crypto, 'Alice').publicKey), 'BadOrigin')
  })

  test('refuses a time too close to the parent\'s', () => {
    const chain = start()
    chain.nextBlock()
    didUpdate.remove(chain.ctx)
    const previous = now.get(chain.ctx)
    chain.assertNoop(timestamp.call('set', { now: previous + MINIMUM_PERIOD_MS - 1n }), NONE, 'Timestamp.TooEarly')
    chain.assertOk(timestamp.call('set', { now: previous + MINIMUM_PERIOD_MS }), NONE)
  })

  test('the author moves a clock that went back to the earliest time', () => {
    const chain = start()
    const first = chain.seal([], 9000n)
    expect([first.timeMs, chain.seal([], 8000n).timeMs]).toEqual([9000n, 9000n + MINIMUM_PERIOD_MS])
  })
})
