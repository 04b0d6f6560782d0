import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Sr25519Pair } from '@phalanx/primitives/crypto'
import { createMortalEra } from '@phalanx/primitives/chain'
import { u32 } from '@phalanx/primitives/codec'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Node } from '../create-node.ts'
import { createTestChain, createTestClock, createTestNode, signTransfer, type SignOptions, type TestChain, type TestClock } from '../testing.ts'

let chain: TestChain
let node: Node
let clock: TestClock
beforeAll(async () => {
  chain = createTestChain(await loadCrypto(), 8)
})
beforeEach(async () => {
  clock = createTestClock()
  node = await createTestNode(chain, { poolLimits: { count: 12, perAccount: 6 } }, { clock })
})

const at = (index: number): Sr25519Pair => chain.accounts[index] as Sr25519Pair
const transfer = (options: Partial<SignOptions> & { account?: number; amount?: bigint } = {}): Uint8Array =>
  signTransfer(chain, { from: at(options.account ?? 0), nonce: 0, to: at(7).publicKey, amount: 10n ** 12n, ...options })

const statuses = (extrinsic: Uint8Array): string[] => {
  const seen: string[] = []
  node.pool.watch(chain.crypto.blake2b256(extrinsic), ({ kind }) => seen.push(kind))
  return seen
}

describe('submit', () => {
  test('takes a valid transaction through ready, inBlock and finalized, in this order', async () => {
    const extrinsic = transfer()
    const seen = statuses(extrinsic)
    expect(toHex(await node.submit(extrinsic))).toBe(toHex(chain.crypto.blake2b256(extrinsic)))
    expect(node.pool.size.ready).toBe(1)
    await node.seal()
    expect(seen).toEqual(['ready', 'inBlock', 'finalized'])
    expect(node.pool.size).toEqual({ ready: 0, future: 0, bytes: 0 })
  })
  test('queues by nonce and includes a whole queue in one block, in order', async () => {
    const queue = [2, 1, 0].map((nonce) => transfer({ nonce }))
    const seen = queue.map(statuses)
    for (const extrinsic of queue) await node.submit(extrinsic)
    expect(seen[0]).toEqual(['future', 'ready'])
    await node.seal()
    const body = node.chain.store.body(1)?.slice(1).map((one) => toHex(one))
    expect(body).toEqual([...queue].reverse().map(toHex))
  })
  test('counts its ready queue into the next nonce', async () => {
    for (const nonce of [0, 1, 3]) await node.submit(transfer({ nonce }))
    const tag = (nonce: number): Uint8Array => concatBytes(at(0).publicKey, u32.encode(nonce))
    expect([0, 1, 2, 3].map((nonce) => node.pool.providesReady(tag(nonce)))).toEqual([true, true, false, false])
  })

  const refusals: readonly (readonly [string, () => Uint8Array, string])[] = [
    ['bytes that are no extrinsic', () => Uint8Array.of(1, 2, 3), 'TXPOOL_MALFORMED'],
    ['an extrinsic cut short', () => transfer().slice(0, -1), 'TXPOOL_MALFORMED'],
    ['a wrong signature', () => { const bytes = transfer(); bytes[60] = (bytes[60] as number) ^ 1; return bytes }, 'TXPOOL_INVALID'],
    ['a signature for another chain', () => signTransfer({ ...chain, genesisHash: new Uint8Array(32) }, { from: at(0), nonce: 0, to: at(1).publicKey, amount: 1n }), 'TXPOOL_INVALID'],
    ['an account without money', () => signTransfer(chain, { from: chain.crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(3)), nonce: 0, to: at(1).publicKey, amount: 1n }), 'TXPOOL_INVALID'],
    ['an inherent', () => Uint8Array.of(0x28, 4, 4, 0, 0x0b, 0, 0, 0, 0, 0, 1), 'TXPOOL_UNKNOWN_VALIDITY'],
  ]
  test.each(refusals)('refuses %s and keeps nothing', async (_name, make, code) => {
    await expect(node.submit(make())).rejects.toMatchObject({ code })
    expect(node.pool.size).toEqual({ ready: 0, future: 0, bytes: 0 })
  })

  test('refuses a nonce that was used', async () => {
    await node.submit(transfer())
    await node.seal()
    await expect(node.submit(transfer({ amount: 5n * 10n ** 12n }))).rejects.toMatchObject({ code: 'TXPOOL_INVALID', context: { reason: 'Transaction is outdated' } })
  })
  test('refuses the same transaction twice, also while the first is being checked', async () => {
    const extrinsic = transfer()
    const [first, second] = await Promise.allSettled([node.submit(extrinsic), node.submit(extrinsic)])
    expect(first.status).toBe('fulfilled')
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'TXPOOL_ALREADY_IMPORTED' } })
    await expect(node.submit(extrinsic)).rejects.toMatchObject({ code: 'TXPOOL_ALREADY_IMPORTED' })
  })
})

describe('replacement', () => {
  test('at the same nonce needs a higher tip', async () => {
    const cheap = transfer({ tip: 10n ** 9n })
    const seen = statuses(cheap)
    await node.submit(cheap)
    await expect(node.submit(transfer({ tip: 10n ** 9n, amount: 2n * 10n ** 12n }))).rejects.toMatchObject({ code: 'TXPOOL_PRIORITY_TOO_LOW' })
    const better = transfer({ tip: 10n ** 12n })
    await node.submit(better)
    expect(seen).toEqual(['ready', 'usurped'])
    expect([...node.pool.all()].map(({ bytes }) => toHex(bytes))).toEqual([toHex(better)])
  })
  test('keeps what was queued behind the replaced one ready', async () => {
    await node.submit(transfer())
    await node.submit(transfer({ nonce: 1 }))
    await node.submit(transfer({ tip: 10n ** 12n }))
    expect(node.pool.size).toMatchObject({ ready: 2, future: 0 })
    await node.seal()
    expect(node.chain.store.body(1)?.length).toBe(3)
  })
})

describe('limits', () => {
  test('hold per account', async () => {
    for (let nonce = 0; nonce < 6; nonce++) await node.submit(transfer({ nonce }))
    await expect(node.submit(transfer({ nonce: 6 }))).rejects.toMatchObject({ code: 'TXPOOL_LIMIT_EXCEEDED', context: { max: 6 } })
    await node.submit(transfer({ account: 1 }))
  })
  test('drop the worst for a better one and refuse a worse one', async () => {
    for (let account = 0; account < 6; account++) for (const nonce of [0, 1]) await node.submit(transfer({ account, nonce, tip: 10n ** 9n }))
    await expect(node.submit(transfer({ account: 6 }))).rejects.toMatchObject({ code: 'TXPOOL_LIMIT_EXCEEDED', context: { max: 12 } })
    const last = [...node.pool.all()].at(-1)
    const seen: string[] = []
    node.pool.watch(last?.hash as Uint8Array, ({ kind }) => seen.push(kind))
    await node.submit(transfer({ account: 6, tip: 10n ** 12n }))
    expect(seen).toEqual(['dropped'])
    expect(node.pool.size.ready + node.pool.size.future).toBe(12)
  })
})

describe('bans', () => {
  test('keep a removed transaction out for half an hour', async () => {
    const extrinsic = transfer()
    const hash = await node.submit(extrinsic)
    expect(node.pool.remove([hash, new Uint8Array(32)])).toEqual([hash])
    await expect(node.submit(extrinsic)).rejects.toMatchObject({ code: 'TXPOOL_BANNED' })
    await clock.advance(30 * 60 * 1000 + 1)
    await node.submit(extrinsic)
  })
})

describe('time', () => {
  test('drops a mortal transaction at its death', async () => {
    const extrinsic = transfer({ nonce: 1, era: createMortalEra({ period: 4, current: 0 }) })
    const seen = statuses(extrinsic)
    await node.submit(extrinsic)
    for (let i = 0; i < 5; i++) await node.seal()
    expect(seen).toEqual(['future', 'invalid'])
    expect(node.pool.size.future).toBe(0)
  })
  test('learns from foreign blocks which nonces are used', async () => {
    const other = await createTestNode(chain, {}, { clock })
    const queued = transfer({ nonce: 1 })
    await node.submit(queued)
    expect(node.pool.size).toMatchObject({ ready: 0, future: 1 })
    await other.submit(transfer())
    await other.seal()
    const { header } = other.chain.head()
    await node.importer.importBlock({ header, extrinsics: other.chain.store.body(1) as readonly Uint8Array[], justification: other.chain.store.justification(1) })
    expect(node.pool.size).toMatchObject({ ready: 1, future: 0 })
    await node.seal()
    expect(node.chain.store.body(2)?.map((one) => toHex(one))).toContain(toHex(queued))
  })
})
