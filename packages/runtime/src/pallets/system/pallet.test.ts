/** System: remarks and root's doors to raw storage. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { NONE, ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { system } from './pallet.ts'

const crypto = await loadCrypto()
const alice = devAccount(crypto, 'Alice').publicKey
const start = () => createTestChain({ pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }] }, { crypto })

describe('system.remark', () => {
  test('does nothing, for accounts and root', () => {
    const chain = start()
    expect(chain.assertOk(system.call('remark', { remark: utf8('x') }), signed(alice))).toEqual([])
    chain.assertOk(system.call('remark', { remark: utf8('x') }), ROOT)
    chain.assertNoop(system.call('remark', { remark: utf8('x') }), NONE, 'BadOrigin')
  })
})

describe('system.remarkWithEvent', () => {
  test('emits the hash', () => {
    const chain = start()
    chain.assertOk(system.call('remarkWithEvent', { remark: utf8('x') }), signed(alice))
    chain.assertEvents([{ pallet: 'System', name: 'Remarked', value: { sender: alice, hash: crypto.blake2b256(utf8('x')) } }])
    chain.assertNoop(system.call('remarkWithEvent', { remark: utf8('x') }), ROOT, 'BadOrigin')
  })
})

describe('system.setCode', () => {
  test('is refused even to root: the rules come with the node', () => {
    start().assertNoop(system.call('setCode', { code: utf8('x') }), ROOT, 'System.FailedToExtractRuntimeVersion')
    start().assertNoop(system.call('setCode', { code: utf8('x') }), signed(alice), 'BadOrigin')
  })
})

describe('raw storage', () => {
  test('system.setStorage, system.killStorage and system.killPrefix are root\'s', () => {
    const chain = start()
    const items = ['ka', 'kb', 'kc', 'l'].map((key) => [utf8(key), utf8('v')] as const)
    for (const call of [system.call('setStorage', { items }), system.call('killStorage', { keys: [utf8('l')] }), system.call('killPrefix', { prefix: utf8('k'), subkeys: 1 })]) {
      chain.assertNoop(call, signed(alice), 'BadOrigin')
      chain.assertOk(call, ROOT)
    }
    expect([...chain.ctx.storage.keys('k')]).toEqual(['kc'])
    expect(chain.ctx.storage.get('l')).toBeUndefined()
  })
})
