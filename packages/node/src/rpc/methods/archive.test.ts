import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { Header } from '@phalanx/primitives/chain'
import { beforeEach, describe, expect, test } from 'vitest'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('archive_v1', () => {
  test('finds blocks by height and hash', async () => {
    await rig.seal(1)
    const hash = toHex(rig.node.head().hash)
    expect(await rig.ask('archive_v1_genesisHash')).toBe(toHex(rig.chain.genesisHash))
    expect(await rig.ask('archive_v1_finalizedHeight')).toBe(1)
    expect(await rig.ask('archive_v1_hashByHeight', [1])).toEqual([hash])
    expect(await rig.ask('archive_v1_hashByHeight', [2])).toEqual([])
    expect(Header.decode(parseHex(await rig.ask('archive_v1_header', [hash]))).number).toBe(1)
    expect((await rig.ask('archive_v1_body', [hash])).length).toBe(2)
    expect(await rig.ask('archive_v1_body', [`0x${'00'.repeat(32)}`])).toBeNull()
    expect(await rig.ask('archive_v1_call', [hash, 'AccountNonceApi_account_nonce', toHex(rig.account(0))])).toEqual({ success: true, value: '0x01000000' })
    expect(await rig.ask('archive_v1_call', [hash, 'Nope_nope', '0x'])).toMatchObject({ success: false })
  })
  test('streams storage and differences', async () => {
    await rig.seal()
    await rig.seal()
    const { call, news } = rig.open()
    const number = rig.systemKey('Number')
    const hash = toHex(rig.node.head().hash)
    await call('archive_v1_storage', [hash, [{ key: number, type: 'value' }, { key: rig.systemKey('Account'), type: 'descendantsValues' }], null])
    await rig.clock.advance(10)
    expect(news()[0]).toEqual({ event: 'storage', key: number, value: '0x02000000' })
    expect(news().at(-1)).toEqual({ event: 'storageDone' })
    const before = news().length
    await call('archive_v1_storageDiff', [hash, [{ key: number, returnType: 'value' }], toHex(rig.chain.genesisHash)])
    await rig.clock.advance(10)
    expect(news().slice(before)).toEqual([{ event: 'storageDiff', key: number, value: '0x02000000', type: 'added' }, { event: 'storageDiffDone' }])
    await call('archive_v1_storage', [`0x${'00'.repeat(32)}`, [{ key: number, type: 'value' }], null])
    await rig.clock.advance(10)
    expect(news().at(-1).event).toBe('storageError')
  })
})
