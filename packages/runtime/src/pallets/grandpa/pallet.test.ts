/** Grandpa: the hand-over of finality. */
import { concatBytes } from '@phalanx/primitives/bytes'
import { AuthorityList, grandpaLogs } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { toKey } from '../../frame/overlay.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { grandpa, WELL_KNOWN_AUTHORITIES_KEY } from './pallet.ts'
import { authorities, currentSetId, setIdSession } from './storage.ts'

const crypto = await loadCrypto()
const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const pallets = [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 20, pallet: grandpa }]
const start = (list: unknown = [[`0x${'01'.repeat(32)}`, '1']]) => createTestChain({ pallets, genesis: { Grandpa: { authorities: list } } }, { crypto })

describe('grandpa.scheduleChange', () => {
  const next = [[keyOf(2), 1n], [keyOf(3), 2n]] as const

  test('takes effect when the block ends, which the block\'s own digest says', () => {
    const chain = start()
    chain.assertOk(grandpa.call('scheduleChange', { nextAuthorities: next }), ROOT)
    expect(authorities.get(chain.ctx)).toEqual([[keyOf(1), 1n]])
    chain.nextBlock()
    expect(grandpaLogs(chain.head.header)).toEqual([
      { kind: 'ScheduledChange', value: { nextAuthorities: next, delay: 0 } }])
    expect([authorities.get(chain.ctx), currentSetId.get(chain.ctx), setIdSession.get(chain.ctx, 1n)]).toEqual([next, 1n, 1])
    expect(chain.ctx.storage.get(toKey(WELL_KNOWN_AUTHORITIES_KEY))).toEqual(concatBytes(Uint8Array.of(1), AuthorityList.encode(next)))
  })

  test('refuses strangers, a second change in a block and sets that cannot finalise', () => {
    const chain = start()
    chain.assertNoop(grandpa.call('scheduleChange', { nextAuthorities: next }), signed(devAccount(crypto, 'Alice').publicKey), 'BadOrigin')
    for (const bad of [[], [[keyOf(2), 0n]], [[keyOf(2), 1n], [keyOf(2), 1n]]] as const) {
      chain.assertNoop(grandpa.call('scheduleChange', { nextAuthorities: bad }), ROOT, 'Grandpa.InvalidAuthorities')
    }
    chain.assertOk(grandpa.call('scheduleChange', { nextAuthorities: next }), ROOT)
    chain.assertNoop(grandpa.call('scheduleChange', { nextAuthorities: next }), ROOT, 'Grandpa.ChangePending')
  })
})

describe('grandpa genesis', () => {
  test('refuses a set that cannot finalise', () => {
    expect(() => start([])).toThrow(expect.objectContaining({ code: 'CHAIN_SPEC_INCONSISTENT' }))
  })
})
