import { toHex } from '@phalanx/primitives/bytes'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('system', () => {
  test('tells who it is', async () => {
    expect(await rig.ask('system_chain')).toBe('Phalanx Development')
    expect(await rig.ask('system_properties')).toEqual({ ss58Format: 30, tokenDecimals: 12, tokenSymbol: 'PHA' })
    expect(await rig.ask('system_health')).toEqual({ peers: 0, isSyncing: false, shouldHavePeers: false })
    expect((await rig.ask('rpc_methods')).methods).toContain('chain_subscribeNewHead')
    expect(await rig.ask('system_syncState')).toEqual({ startingBlock: 0, currentBlock: 0, highestBlock: 0 })
  })
  test('counts nonces through the pool', async () => {
    expect(await rig.ask('system_accountNextIndex', [rig.address(0)])).toBe(0)
    await rig.node.submit(rig.transfer())
    expect(await rig.ask('account_nextIndex', [rig.address(0)])).toBe(1)
    expect(await rig.ask('system_accountNextIndex', [toHex(rig.account(0))])).toBe(1)
    expect((await rig.fails('system_accountNextIndex', ['5Grwva'])).code).toBe(-32602)
  })
  test('dry runs without keeping anything', async () => {
    const good = rig.transfer()
    const poor = rig.transfer({ amount: 10n ** 30n })
    expect(await rig.ask('system_dryRun', [toHex(good)])).toBe('0x0000')
    expect(await rig.ask('system_dryRun', [toHex(poor)])).toMatch(/^0x0001/)
    expect(await rig.ask('system_dryRun', ['0x00'])).toMatch(/^0x01/)
    expect(rig.node.head().number).toBe(0)
  })
})
