import { toHex } from '@phalanx/primitives/bytes'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('transactions of the new interface', () => {
  test('transaction_v1 offers until included, transactionWatch_v1 tells', async () => {
    const { call, news } = rig.open()
    expect(await call('transaction_v1_broadcast', [toHex(rig.transfer({ nonce: 1 }))])).toMatch(/^\d+$/)
    await call('transactionWatch_v1_submitAndWatch', [toHex(rig.transfer())])
    await call('transactionWatch_v1_submitAndWatch', ['0x00'])
    await rig.seal()
    const block = { hash: toHex(rig.node.head().hash), index: 1 }
    expect(news().map(({ event }) => event)).toEqual(['validated', 'invalid', 'bestChainBlockIncluded', 'finalized'])
    expect(news().at(-1).block).toEqual(block)
    expect(rig.node.chain.store.body(1)?.length).toBe(3)
  })

  test('a broadcast that is stopped is not offered again', async () => {
    const { call } = rig.open()
    const id = await call('transaction_v1_broadcast', [toHex(rig.transfer({ nonce: 1, tip: 0n }))])
    expect(await call('transaction_v1_stop', [id])).toBeNull()
    rig.node.pool.remove([rig.chain.crypto.blake2b256(rig.transfer({ nonce: 1, tip: 0n }))])
    await rig.seal()
    expect(rig.node.pool.size).toEqual({ ready: 0, future: 0, bytes: 0 })
  })
})
