import { toHex } from '@phalanx/primitives/bytes'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestNode, rpcCall } from '../../testing.ts'
import { createMethodRig, type MethodRig } from '../testing.ts'

let rig: MethodRig
beforeEach(async () => {
  rig = await createMethodRig()
})

describe('author', () => {
  test('reports ready, inBlock and finalized after the response, finalized when the client had time', async () => {
    const { call, news, sent } = rig.open()
    const id = await call('author_submitAndWatchExtrinsic', [toHex(rig.transfer())])
    expect(sent[0].result).toBe(id)
    await rig.seal()
    expect(news()).toEqual(['ready', { inBlock: toHex(rig.node.head().hash) }])
    await rig.clock.advance(10)
    await call('chain_getHeader', [toHex(rig.node.head().hash)])
    expect(news().at(-1)).toEqual({ inBlock: toHex(rig.node.head().hash) })
    await rig.clock.advance(200)
    expect(news().at(-1)).toEqual({ finalized: toHex(rig.node.head().hash) })
  })
  test('waits a while for a client that is slow to fetch the block of inBlock, but not for ever', async () => {
    const { call, news } = rig.open()
    await call('author_submitAndWatchExtrinsic', [toHex(rig.transfer())])
    await rig.seal()
    await rig.clock.advance(200)
    expect(news().at(-1)).toEqual({ inBlock: toHex(rig.node.head().hash) })
    await rig.clock.advance(500)
    expect(news().at(-1)).toEqual({ finalized: toHex(rig.node.head().hash) })
  })
  test('ends the subscription with its final status', async () => {
    const { call } = rig.open()
    for (let round = 0; round < 3; round++) {
      const id = await call('author_submitAndWatchExtrinsic', [toHex(rig.transfer({ nonce: round }))])
      await rig.seal()
      await rig.clock.advance(1_000)
      expect(await call('author_unwatchExtrinsic', [id])).toBe(false)
    }
  })
  test('gives Substrate\'s error numbers with texts', async () => {
    const bad = rig.transfer()
    bad[70] = (bad[70] as number) ^ 1
    expect(await rig.fails('author_submitExtrinsic', ['0x00'])).toMatchObject({ code: 1001 })
    expect(await rig.fails('author_submitExtrinsic', [toHex(bad)])).toMatchObject({ code: 1010, message: 'Invalid Transaction', data: expect.stringContaining('bad signature') })
    await rig.ask('author_submitExtrinsic', [toHex(rig.transfer())])
    expect(await rig.fails('author_submitExtrinsic', [toHex(rig.transfer())])).toMatchObject({ code: 1013 })
    expect(await rig.fails('author_submitExtrinsic', [toHex(rig.transfer({ amount: 2n * 10n ** 12n }))])).toMatchObject({ code: 1014, message: expect.stringContaining('Priority is too low') })
    expect(await rig.ask('author_pendingExtrinsics')).toEqual([toHex(rig.transfer())])
    expect(await rig.ask('author_removeExtrinsic', [[{ extrinsic: toHex(rig.transfer()) }]])).toEqual([toHex(rig.chain.crypto.blake2b256(rig.transfer()))])
    expect(await rig.fails('author_submitExtrinsic', [toHex(rig.transfer())])).toMatchObject({ code: 1012 })
  })
  test('refuses everything about keys', async () => {
    expect((await rig.fails('author_rotateKeys')).data.code).toBe('RPC_KEYSTORE_NONE')
    const safe = await createTestNode(rig.chain)
    expect((await rpcCall(safe, 'author_insertKey', ['gran', '//Alice', '0x00'])).error?.data.code).toBe('RPC_UNSAFE')
    expect((await rpcCall(safe, 'phalanx_sealBlock')).error?.data.code).toBe('RPC_UNSAFE')
  })
})
