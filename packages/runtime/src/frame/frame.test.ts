/** The frame as a whole: a chain of empty blocks, and calls that succeed, fail and roll back. */
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { system } from '../pallets/system/pallet.ts'
import { timestamp } from '../pallets/timestamp/pallet.ts'
import { signed } from './origin.ts'
import { createTestChain, devAccount } from './testing.ts'

const crypto = await loadCrypto()
const pallets = [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }]

describe('frame', () => {
  test('seals blocks that execute to the same root elsewhere', () => {
    const chain = createTestChain({ pallets }, { crypto })
    const first = chain.seal([])
    const second = chain.seal([])
    expect(second.header.number).toBe(2)
    expect(bytesEqual(first.header.stateRoot, second.header.stateRoot)).toBe(false)
  })

  test('runs calls in their own layer', () => {
    const chain = createTestChain({ pallets }, { crypto })
    const alice = devAccount(crypto, 'Alice')
    chain.assertOk(system.call('remarkWithEvent', { remark: utf8('hello') }), signed(alice.publicKey))
    chain.assertEvents([{ pallet: 'System', name: 'Remarked', value: { sender: alice.publicKey, hash: crypto.blake2b256(utf8('hello')) } }])
    chain.assertNoop(system.call('setCode', { code: utf8('x') }), signed(alice.publicKey), 'BadOrigin')
    chain.assertNoop(system.call('setCode', { code: utf8('x') }), { kind: 'Root' }, 'System.FailedToExtractRuntimeVersion')
    chain.nextBlock(3)
    expect(chain.ctx.block.number).toBe(4)
  })
})
