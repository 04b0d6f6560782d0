import { beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { silentLogger } from '@phalanx/primitives/ports'
import type { SignedMessage } from '@phalanx/primitives/messages'
import { createSigner, type Signer } from '@phalanx/sdk'
import { constantRandom, createFakeClock } from '@phalanx/sdk/testing'
import { createRelay, type RelayOptions } from './create-relay.ts'
import { createFakeCache, createFakeChain, createFakeNode, createFakeWorker, type FakeWorker } from './testing.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

const random = constantRandom()
const signerOf = (suri: string): Signer => createSigner({ suri: new Secret(suri) }, { crypto, random })
const CACHE_URL = 'http://cache'

/** A fleet of workers that are registered already. */
const setUp = (options: Partial<RelayOptions> & { readonly count: number; readonly caches?: readonly string[] }) => {
  const { count, caches = [], ...rest } = options
  const clock = createFakeClock(1_000_000)
  const chain = createFakeChain()
  const node = createFakeNode(chain, 'ws://node')
  const cache = createFakeCache(chain, CACHE_URL)
  const workers = Array.from({ length: count }, (_, i) => {
    const worker = createFakeWorker(`http://worker${i}`, 1)
    worker.identity.set([i >> 8, i & 255])
    return Object.assign(worker, { registered: true, anchored: true, state: 'registered' })
  })
  const spec = (i: number) => ({ url: `http://worker${i}`, name: `w${i}` })
  const relay = createRelay(
    { nodes: [...caches, 'ws://node'], workers: workers.map((_, i) => spec(i)), signer: signerOf('//Alice'), ...rest },
    {
      crypto, clock, random, logger: silentLogger, connectNode: () => node.client, connectCache: () => cache.client,
      connectWorker: (url) => workers.find(({ client }) => client.url === url)?.client ?? createFakeWorker(url, 255).client,
    },
  )
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) await Promise.resolve()
  }
  const worker = (i: number): FakeWorker => workers[i] ?? workers[0]!
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 100) {
      clock.advance(100)
      await turns()
    }
  }
  const grow = async (blocks: number): Promise<void> => {
    chain.head += blocks
    node.announce()
    await turns()
  }
  const messages = (i: number, sequences: readonly bigint[], payload = 2): readonly SignedMessage[] => sequences.map((sequence) => ({
    message: { sender: { kind: 'Worker', value: worker(i).identity }, destination: new Uint8Array([1]), payload: Uint8Array.of(payload) }, sequence, signature: new Uint8Array(64),
  }))
  const phases = (): readonly string[] => relay.snapshot().workers.map(({ phase }) => phase)
  return { clock, chain, node, cache, workers, worker, relay, spec, pass, grow, messages, phases }
}

describe('a fleet', () => {
  test('of 300 is fed from one fetch per block, past the dead, the silent and the slow', async () => {
    const net = setUp({ count: 300 })
    for (let i = 0; i < 300; i += 10) net.worker(i).isOffline = true
    for (let i = 5; i < 300; i += 10) net.worker(i).isSilent = true
    await net.grow(700)
    await net.pass(2_000)
    const before = net.node.counts.asked
    for (let i = 0; i < 5; i++) {
      await net.grow(1)
      await net.pass(100)
    }
    const blocks = net.relay.snapshot().workers.map(({ block }) => block)
    blocks.forEach((block, i) => expect(block).toBe(i % 5 === 0 ? 0 : 705))
    expect(net.node.counts.asked - before).toBeLessThanOrEqual(5)
    expect(before).toBeLessThanOrEqual(4)
    net.relay.close()
  })

  test('keeps no more blocks in memory than it may', async () => {
    const net = setUp({ count: 3, cacheBytes: 1024 * 1024 })
    await net.grow(4_000)
    await net.pass(5_000)
    const { cache, workers } = net.relay.snapshot()
    expect(workers.map(({ block }) => block)).toEqual([4_000, 4_000, 4_000])
    expect(cache.bytes).toBeLessThanOrEqual(1024 * 1024)
    expect(cache.blocks).toBeGreaterThan(0)
    net.relay.close()
  })

  test('does not blame an honest node for a worker that refuses what others take', async () => {
    const net = setUp({ count: 4 })
    await net.grow(10)
    await net.pass(500)
    net.worker(0).isPicky = true
    for (let i = 0; i < 10; i++) {
      await net.grow(1)
      await net.pass(500)
    }
    expect(net.phases()).toEqual(['degraded', 'running', 'running', 'running'])
    expect(net.relay.snapshot().workers[1]?.block).toBe(20)
    // The picky one may have been the first to be fed a block, once; after that the others vouch for the node.
    expect(net.node.counts.asked).toBeLessThan(60)
    net.relay.close()
  })
})

describe('membership', () => {
  test('adds, removes and restarts one worker without touching the others', async () => {
    const net = setUp({ count: 3 })
    await net.grow(3)
    await net.pass(500)
    const fed = net.worker(1).fed.length
    net.relay.remove('w0')
    net.relay.restart('w2')
    expect(net.relay.row('w2')?.phase).toBe('connecting')
    expect(net.relay.row('w1')?.phase).toBe('running')
    await net.pass(500)
    expect(net.relay.snapshot().workers.map(({ name, phase }) => `${name} ${phase}`)).toEqual(['w1 running', 'w2 running'])
    await net.grow(2)
    await net.pass(500)
    expect([net.worker(0).nextBlock, net.worker(1).nextBlock, net.worker(2).nextBlock]).toEqual([4, 6, 6])
    expect(net.worker(1).fed.length).toBe(fed + 1)
    net.relay.add(net.spec(0))
    await net.pass(500)
    expect(net.relay.row('w0')).toMatchObject({ phase: 'running', block: 5 })
    expect(() => net.relay.add(net.spec(0))).toThrowError(expect.objectContaining({ code: 'RELAY_OPTIONS_INVALID' }) as Error)
    expect(() => net.relay.remove('nobody')).toThrowError(expect.objectContaining({ code: 'RELAY_WORKER_UNKNOWN' }) as Error)
    net.relay.close()
  })

  test('takes a new list by its differences', async () => {
    const net = setUp({ count: 3 })
    await net.grow(1)
    await net.pass(500)
    const change = net.relay.use({
      nodes: ['ws://node'], signer: signerOf('//Alice'),
      workers: [net.spec(0), { ...net.spec(1), endpoints: ['https://one.example'] }, { url: 'http://worker9', name: 'w9' }],
    })
    expect(change).toEqual({ added: ['w9'], removed: ['w2'], restarted: ['w1'], kept: 1 })
    expect(net.relay.row('w0')?.phase).toBe('running')
    net.relay.close()
  })

  test.each([
    ['a worker twice', { workers: [{ url: 'http://a' }, { url: 'http://a' }] }], ['no worker', { workers: [] }], ['caches only', { nodes: [CACHE_URL] }],
    ['a name twice', { workers: [{ url: 'http://a', name: 'x' }, { url: 'http://b', name: 'x' }] }], ['nobody who pays', { signer: undefined }],
  ])('refuses a list with %s and changes nothing', async (_name, wrong) => {
    const net = setUp({ count: 2 })
    await net.grow(1)
    await net.pass(500)
    const { signer, ...fleet } = { nodes: ['ws://node'], signer: signerOf('//Alice'), workers: [net.spec(0)], ...wrong }
    expect(() => net.relay.use(signer === undefined ? fleet : { ...fleet, signer })).toThrowError(expect.objectContaining({ code: 'RELAY_OPTIONS_INVALID' }) as Error)
    expect(net.phases()).toEqual(['running', 'running'])
    net.relay.close()
  })
})

describe('messages of a fleet', () => {
  test('travel together, paid by the account of each pool', async () => {
    const north = signerOf('//North')
    const south = signerOf('//South')
    const net = setUp({
      count: 40, workers: Array.from({ length: 40 }, (_, i) => ({ url: `http://worker${i}`, pool: i < 30 ? 'north' : 'south', signer: i < 30 ? north : south })),
    })
    for (let i = 0; i < 40; i++) net.worker(i).messages = [...net.messages(i, [0n, 1n, 2n])]
    await net.grow(1)
    await net.pass(1_000)
    expect(net.chain.delivered).toHaveLength(120)
    expect(net.chain.batches.length).toBeLessThanOrEqual(4)
    const { accounts } = net.relay.snapshot()
    expect(accounts.map(({ account, delivered }) => [account, delivered])).toEqual([[toHex(north.accountId), 90], [toHex(south.accountId), 30]])
    expect(accounts.reduce((sum, { fees }) => sum + BigInt(fees), 0n)).toBe(net.chain.fee * BigInt(net.chain.batches.length))
    net.relay.close()
  })

  test('go on past one that the chain refuses, which is tried again alone', async () => {
    const net = setUp({ count: 10 })
    for (let i = 0; i < 10; i++) net.worker(i).messages = [...net.messages(i, [0n, 1n], i === 3 ? 66 : 2)]
    let refused = 0
    net.chain.refuses = ({ message }) => (message.payload[0] === 66 && refused < 3 ? (refused++, 'PhalaRegistry.InvalidSignature') : undefined)
    await net.grow(1)
    await net.pass(300)
    expect(net.chain.delivered).toHaveLength(18)
    expect(net.relay.row('w3')).toMatchObject({ phase: 'degraded', code: 'RELAY_EGRESS_REFUSED' })
    const before = net.chain.calls.length
    await net.pass(20_000)
    expect(net.chain.delivered).toHaveLength(20)
    // Two refusals more of the first, its delivery, the second: nothing of the others, and the second never before its turn.
    expect(net.chain.calls.length - before).toBe(4)
    net.worker(3).messages = []
    await net.pass(6_000)
    expect(net.relay.row('w3')?.phase).toBe('running')
    net.relay.close()
  })

  test('are split when a chain finds a batch too much, and grow again', async () => {
    const net = setUp({ count: 8 })
    for (let i = 0; i < 8; i++) net.worker(i).messages = [...net.messages(i, [0n, 1n])]
    const tooMuch = () => new AppError('SDK_RPC_REFUSED', { method: 'submit', rpcCode: 1010, reason: 'Invalid Transaction: Transaction would exhaust the block limits' })
    net.chain.refusals.push(tooMuch(), tooMuch())
    await net.grow(1)
    await net.pass(1_000)
    expect(net.chain.delivered).toHaveLength(16)
    expect(Math.max(...net.chain.batches)).toBeLessThanOrEqual(8)
    // It was a moment's: what comes later goes together again.
    const before = net.chain.batches.length
    for (let i = 0; i < 8; i++) net.worker(i).messages = [...net.messages(i, [2n, 3n])]
    await net.grow(1)
    await net.pass(1_000)
    expect(net.chain.batches.slice(before)).toEqual([16])
    net.relay.close()
  })

  test('that nobody can pay for are tried again, and the reason is told', async () => {
    const net = setUp({ count: 1 })
    net.worker(0).messages = [...net.messages(0, [0n, 1n, 2n])]
    net.chain.refusals.push(new AppError('SDK_RPC_REFUSED', { method: 'submit', rpcCode: 1010, reason: 'Invalid Transaction: Inability to pay some fees' }))
    await net.grow(1)
    await net.pass(300)
    expect(net.relay.row('w0')).toMatchObject({ phase: 'degraded', code: 'RELAY_FEES_TOO_LOW' })
    await net.pass(3_000)
    expect(net.chain.delivered).toHaveLength(3)
    net.relay.close()
  })
})

describe('the cache of another relay', () => {
  test('spares the nodes', async () => {
    const net = setUp({ count: 2, caches: [CACHE_URL] })
    await net.grow(100)
    await net.pass(1_000)
    expect(net.phases()).toEqual(['running', 'running'])
    expect(net.cache.asked).toBeGreaterThan(0)
    expect(net.node.counts.asked).toBe(0)
    net.relay.close()
  })

  test.each([
    ['lies', { poisonFrom: 50 }], ['lags', { head: 20 }], ['is away', { isOffline: true }], ['has nothing', { head: 0 }],
  ])('holds nobody up when it %s', async (_name, faults) => {
    const net = setUp({ count: 3, caches: [CACHE_URL] })
    Object.assign(net.cache.faults, faults)
    await net.grow(100)
    await net.pass(3_000)
    expect(net.relay.snapshot().workers.map(({ phase, block }) => [phase, block])).toEqual(Array.from({ length: 3 }, () => ['running', 100]))
    await net.grow(1)
    await net.pass(500)
    expect(net.relay.snapshot().workers[0]?.block).toBe(101)
    net.relay.close()
  })

  test('that lied is left alone for a while and used again when it is honest', async () => {
    const net = setUp({ count: 1, caches: [CACHE_URL] })
    net.cache.faults.poisonFrom = 1
    await net.grow(10)
    await net.pass(3_000)
    expect(net.relay.snapshot().caches[0]?.trouble).toContain('refused what it gave')
    net.cache.faults.poisonFrom = undefined
    await net.pass(6_000)
    const asked = net.cache.asked
    await net.grow(1)
    await net.pass(500)
    expect(net.cache.asked).toBe(asked + 1)
    expect(net.relay.snapshot().caches[0]?.trouble).toBeUndefined()
    net.relay.close()
  })

  test('is served from memory, and from nodes only: two relays may list each other', async () => {
    const net = setUp({ count: 1, caches: [CACHE_URL] })
    await net.grow(10)
    await net.pass(1_000)
    const asked = net.cache.asked
    expect(net.relay.server.genesis()).toBe(toHex(net.chain.genesis))
    expect((await net.relay.server.getBlocks(3, 2))[0]).toBe(2 << 2)
    expect(await net.relay.server.getBlocks(11, 5)).toEqual(Uint8Array.of(0))
    net.chain.head = 11
    net.node.announce()
    expect((await net.relay.server.getBlocks(11, 5))[0]).toBe(1 << 2)
    expect(net.cache.asked - asked).toBeLessThanOrEqual(1)
    net.relay.close()
  })
})
