import { describe, expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import { answerCacheQuestion, createCacheClient, type BlockServer } from './cache-client.ts'

const server: BlockServer = { genesis: () => '0x01', getBlocks: (from, limit) => Promise.resolve(Uint8Array.of(from, limit & 255)) }
const ask = async (question: unknown, of: BlockServer = server): Promise<Record<string, unknown>> =>
  JSON.parse(await answerCacheQuestion(of, typeof question === 'string' ? question : JSON.stringify(question))) as Record<string, unknown>

describe('a question to a cache', () => {
  test('for genesis or blocks is answered', async () => {
    expect(await ask({ id: 7, method: 'chain_getBlockHash', params: [0] })).toMatchObject({ id: 7, result: '0x01' })
    expect(await ask({ id: 'a', method: 'phalanx_getBlocks', params: [5, 2] })).toMatchObject({ id: 'a', result: '0x0502' })
  })

  test('is told when no node has answered yet', async () => {
    expect(await ask({ id: 1, method: 'chain_getBlockHash', params: [0] }, { ...server, genesis: () => undefined })).toMatchObject({ error: { code: -32_000 } })
    expect(await ask({ id: 1, method: 'phalanx_getBlocks', params: [1, 1] }, { ...server, getBlocks: () => Promise.reject(new Error('no')) })).toMatchObject({ error: { code: -32_000 } })
  })

  test.each([
    ['', -32_600], ['[]', -32_600], ['null', -32_600], ['{', -32_600], [{}, -32_601], [{ method: 'author_submitExtrinsic', params: ['0x'] }, -32_601], [{ method: 'chain_getBlockHash', params: [1] }, -32_601],
    [{ method: 'phalanx_getBlocks' }, -32_602], [{ method: 'phalanx_getBlocks', params: [0, 1] }, -32_602], [{ method: 'phalanx_getBlocks', params: [1, 0] }, -32_602],
    [{ method: 'phalanx_getBlocks', params: [1.5, 1] }, -32_602], [{ method: 'phalanx_getBlocks', params: ['1', 1] }, -32_602], [{ method: 'phalanx_getBlocks', params: [2 ** 32, 1] }, -32_602],
    [{ method: 'phalanx_getBlocks', params: [1, 1, 1] }, -32_602],
  ])('%j is refused with %i', async (question, code) => {
    expect(await ask(question)).toMatchObject({ error: { code } })
  })
})

describe('a client of a cache', () => {
  const clientOf = (body: string) => createCacheClient({ url: 'http://c' }, { http: () => Promise.resolve({ status: 200, headers: {}, body: utf8(body) }) })

  test('hands on what it got', async () => {
    expect(await clientOf('{"result":"0x0102"}').getBlocks(1, 1)).toEqual(Uint8Array.of(1, 2))
  })

  test.each(['', 'x', 'null', '[]', '{}', '{"result":5}', '{"result":"0xzz"}', '{"result":"hello"}', '{"error":{"message":"no"}}'])('refuses %s', async (body) => {
    await expect(clientOf(body).genesisHash()).rejects.toMatchObject({ code: 'RELAY_CACHE_REFUSED' })
  })
})
