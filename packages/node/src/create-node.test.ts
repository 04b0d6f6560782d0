import { utf8 } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Kv } from '@phalanx/primitives/ports'
import { beforeAll, describe, expect, test } from 'vitest'
import { createMemoryDisk, createMemoryKv } from './storage/memory.ts'
import { createTestChain, createTestClock, createTestNode, rpcCall, signCall, signTransfers, type TestChain } from './testing.ts'

let chain: TestChain
beforeAll(async () => {
  chain = createTestChain(await loadCrypto())
})

describe('node', () => {
  test('runs the same twice under virtual time', async () => {
    const run = async (): Promise<string> => {
      const clock = createTestClock()
      const node = await createTestNode(chain, { sealing: { kind: 'dev', blockTimeMs: 1000 } }, { clock })
      await clock.advance(500)
      for (const extrinsic of signTransfers(chain, 6)) await node.submit(extrinsic)
      await clock.advance(3_000)
      const { result } = await rpcCall(node, 'chain_getBlock')
      await node.stop()
      return JSON.stringify(result)
    }
    const first = await run()
    expect(first).toContain('"number":"0x')
    expect(await run()).toBe(first)
  })

  test('in dev mode hurries for everything but messages of patient topics, which go along', async () => {
    const clock = createTestClock()
    const node = await createTestNode(chain, { sealing: { kind: 'dev', blockTimeMs: 10_000 } }, { clock })
    await clock.advance(60)
    const [patient, urgent] = [utf8('phala/mining/report'), utf8('phala/cluster/event')]
    const from = chain.accounts[0] as (typeof chain.accounts)[number]
    const { RuntimeCall } = chain.runtime.parts.services
    const batchOf = (...topics: readonly Uint8Array[]): Uint8Array => RuntimeCall.encode({
      pallet: 'Utility', name: 'forceBatch',
      args: {
        calls: topics.map((destination) => ({
          pallet: 'PhalaMq', name: 'syncOffchainMessage',
          args: { signedMessage: { message: { sender: { kind: 'Worker', value: from.publicKey }, destination, payload: new Uint8Array(1) }, sequence: 0n, signature: new Uint8Array(64) } },
        })),
      },
    })
    node.setPatient([patient])
    await node.submit(signCall(chain, batchOf(patient, patient), { from, nonce: 0 }))
    await clock.advance(1_000)
    expect([node.head().number, node.pool.size.ready]).toEqual([1, 1])
    await node.submit(signCall(chain, batchOf(patient, urgent), { from, nonce: 1 }))
    await clock.advance(100)
    expect([node.head().number, node.pool.size.ready]).toEqual([2, 0])
    await node.stop()
  })

  test('keeps an account\'s later transactions while an earlier one finds no room in a block', async () => {
    const node = await createTestNode(chain)
    const from = chain.accounts[0] as (typeof chain.accounts)[number]
    const remark = chain.runtime.parts.services.RuntimeCall.encode({ pallet: 'System', name: 'remark', args: { remark: new Uint8Array(1_500_000) } })
    for (let nonce = 0; nonce < 6; nonce++) await node.submit(signCall(chain, remark, { from, nonce }))
    const included: number[] = []
    node.chain.onBlock(({ body }) => included.push(body.length - 1))
    while (node.pool.size.ready > 0) await node.seal()
    expect([included.length > 1, included.reduce((sum, count) => sum + count, 0), node.pool.size.future]).toEqual([true, 6, 0])
    await node.stop()
  })

  test('goes on from where it stopped', async () => {
    const disk = createMemoryDisk()
    const node = await createTestNode(chain, {}, { kv: disk.open() })
    await node.seal()
    await node.seal()
    await node.stop()
    const again = await createTestNode(chain, {}, { kv: disk.open() })
    expect(again.head().number).toBe(2)
    await again.seal()
    expect(again.chain.store.justification(3)).toBeDefined()
  })

  test('stops authoring when the disk fails, says so, and still answers', async () => {
    const kv = createMemoryKv()
    let isFull = false
    const failing: Kv = { ...kv, write: (changes) => (isFull ? Promise.reject(new AppError('STORAGE_WRITE_FAILED', { reason: 'no space left' })) : kv.write(changes)) }
    const fatal: unknown[] = []
    const node = await createTestNode(chain, {}, { kv: failing, onFatal: (error) => fatal.push(error) })
    await node.seal()
    isFull = true
    await expect(node.seal()).rejects.toMatchObject({ code: 'STORAGE_WRITE_FAILED' })
    expect(fatal).toMatchObject([{ code: 'STORAGE_WRITE_FAILED' }])
    expect(node.head().number).toBe(1)
    expect((await rpcCall(node, 'chain_getHeader')).result.number).toBe('0x1')
    await expect(node.seal()).rejects.toMatchObject({ code: 'ENGINE_STOPPED' })
    await node.stop()
  })

  test('authors nothing without the authority key', async () => {
    const node = await createTestNode(chain, { authoritySeed: new Uint8Array(32).fill(9) })
    await expect(node.seal()).rejects.toMatchObject({ code: 'ENGINE_NOT_AUTHOR' })
    await node.stop()
  })

  const wrong: readonly (readonly [string, object])[] = [
    ['keepStates', { keepStates: 3 }], ['threads', { threads: -1 }], ['authoritySeed', { authoritySeed: new Uint8Array(5) }], ['blockTimeMs', { sealing: { kind: 'interval', blockTimeMs: 1 } }],
  ]
  test.each(wrong)('refuses a wrong %s', async (field, options) => {
    await expect(createTestNode(chain, options)).rejects.toMatchObject({ code: 'OPTIONS_INVALID', context: { field } })
  })

  test('stopping twice does no harm', async () => {
    const node = await createTestNode(chain)
    await Promise.all([node.stop(), node.stop()])
    await expect(node.seal()).rejects.toMatchObject({ code: 'ENGINE_STOPPED' })
  })
})
