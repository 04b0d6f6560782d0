import { toHex, utf8 } from '@phalanx/primitives/bytes'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('chain', () => {
  test('finds blocks by hash and number', async () => {
    await rig.seal(2)
    const hash = toHex(rig.node.head().hash)
    expect(await rig.ask('chain_getBlockHash')).toBe(hash)
    expect(await rig.ask('chain_getBlockHash', ['0x1'])).toBe(hash)
    expect(await rig.ask('chain_getBlockHash', [[0, 1, 2]])).toEqual([toHex(rig.chain.genesisHash), hash, null])
    expect(await rig.ask('chain_getFinalizedHead')).toBe(hash)
    expect((await rig.ask('chain_getHeader', [hash])).number).toBe('0x1')
    const { block, justifications } = await rig.ask('chain_getBlock')
    expect(block.extrinsics.length).toBe(3)
    expect(justifications[0][0]).toEqual([...utf8('FRNK')])
    expect(await rig.ask('chain_getBlock', [`0x${'00'.repeat(32)}`])).toBeNull()
  })
  test('tells every head to every kind of subscription', async () => {
    const { call, news, sent } = rig.open()
    for (const kind of ['NewHeads', 'NewHead', 'AllHeads', 'FinalizedHeads']) expect(typeof (await call(`chain_subscribe${kind}`))).toBe('string')
    await rig.seal()
    expect(news().map(({ number }) => number)).toEqual(['0x0', '0x0', '0x0', '0x0', '0x1', '0x1', '0x1', '0x1'])
    expect(new Set(sent.map(({ method }) => method))).toEqual(new Set([undefined, 'chain_newHead', 'chain_allHead', 'chain_finalizedHead']))
  })
})
