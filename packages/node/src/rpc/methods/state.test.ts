import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { readProof } from '@phalanx/primitives/trie'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('state', () => {
  test('reads at any block', async () => {
    await rig.seal()
    await rig.seal()
    const number = rig.systemKey('Number')
    expect(await rig.ask('state_getStorage', [number])).toBe('0x02000000')
    expect(await rig.ask('state_getStorage', [number, await rig.ask('chain_getBlockHash', [1])])).toBe('0x01000000')
    expect(await rig.ask('state_getStorageSize', [number])).toBe(4)
    expect(await rig.ask('state_getStorageHash', [number])).toBe(toHex(rig.chain.crypto.blake2b256(Uint8Array.of(2, 0, 0, 0))))
    expect(await rig.ask('state_getStorage', ['0x1234'])).toBeNull()
    expect((await rig.fails('state_getStorage', [number, `0x${'11'.repeat(32)}`])).data.code).toBe('BLOCK_UNKNOWN')
  })
  test('lists keys page by page', async () => {
    const prefix = rig.systemKey('Account')
    const all = await rig.ask('state_getKeysPaged', [prefix, 1000])
    const first = await rig.ask('state_getKeysPaged', [prefix, 5])
    const rest = await rig.ask('state_getKeysPaged', [prefix, 1000, first.at(-1)])
    expect([...first, ...rest]).toEqual(all)
    expect(all.length).toBe((await rig.ask('state_getPairs', [prefix])).length)
    expect((await rig.fails('state_getKeysPaged', [prefix, 1001])).code).toBe(-32602)
  })
  test('queries several keys at a block and over a range', async () => {
    await rig.seal()
    await rig.seal()
    const keys = [rig.systemKey('Number'), '0x1234']
    expect((await rig.ask('state_queryStorageAt', [keys]))[0].changes).toEqual([[keys[0], '0x02000000'], [keys[1], null]])
    const sets = await rig.ask('state_queryStorage', [keys, toHex(rig.chain.genesisHash)])
    expect(sets.map(({ changes }: any) => changes)).toEqual([[[keys[0], null], [keys[1], null]], [[keys[0], '0x01000000']], [[keys[0], '0x02000000']]])
  })
  test('proves values and absence under the root of the header', async () => {
    await rig.seal(1)
    const keys = [rig.systemKey('Number'), '0x1234']
    const { at, proof } = await rig.ask('state_getReadProof', [keys])
    const reader = readProof({ crypto: rig.chain.crypto, root: rig.node.chain.head().header.stateRoot, proof: proof.map(parseHex) })
    expect(at).toBe(toHex(rig.node.head().hash))
    expect(toHex(reader.get(parseHex(keys[0] as string)) as Uint8Array)).toBe('0x01000000')
    expect(reader.get(parseHex('0x1234'))).toBeUndefined()
  })
  test('follows keys: first all, then changes', async () => {
    const { call, news } = rig.open()
    const keys = [rig.systemKey('Number'), '0x1234']
    await call('state_subscribeStorage', [keys])
    await call('state_subscribeRuntimeVersion')
    await rig.seal()
    expect(news()[0].changes).toEqual([[keys[0], null], [keys[1], null]])
    expect(news()[1].specName).toBe('phalanx')
    expect(news()[2].changes).toEqual([[keys[0], '0x01000000']])
  })
  test('calls the runtime', async () => {
    expect(await rig.ask('state_call', ['AccountNonceApi_account_nonce', toHex(rig.account(0))])).toBe('0x00000000')
    expect(await rig.ask('state_getMetadata')).toMatch(/^0x6d6574610e/)
    expect((await rig.fails('state_call', ['Nope_nope', '0x'])).data.code).toBe('RUNTIME_API_UNKNOWN')
    expect((await rig.fails('state_call', ['AccountNonceApi_account_nonce', '0x00'])).data.code).toBe('RUNTIME_API_PARAMS')
  })
})
