/** Storage items: published keys, defaults, iteration, corrupt values. */
import { parseHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { bool, bytes, option, u32, u64 } from '@phalanx/primitives/codec'
import { AccountId } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createTrie } from '@phalanx/primitives/trie'
import { describe, expect, test } from 'vitest'
import { account, number } from '../pallets/system/storage.ts'
import { authorities } from '../pallets/grandpa/storage.ts'
import { createOverlay, type StorageHost } from './overlay.ts'
import { palletStorage } from './storage.ts'

const crypto = await loadCrypto()
const host = (): StorageHost => ({ storage: createOverlay({ state: createTrie({ crypto, version: 1 }) }, { crypto }) })

const kit = palletStorage('Test')
const count = kit.value('Count', { type: u32, default: 7 })
const lock = kit.value('Lock', { type: option(u64), default: undefined })
const flags = kit.map('Flags', { hasher: 'Twox64Concat', key: bytes, type: bool })
const pairs = kit.doubleMap('Pairs', { hashers: ['Blake2_128Concat', 'Identity'], keys: [u32, u32], type: u64, default: 0n })
const hidden = kit.map('Hidden', { hasher: 'Blake2_256', key: u32, type: u32 })

describe('keys', () => {
  const alice = parseHex('d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d')

  test('are those that other Substrate tools compute', () => {
    expect(toHexPlain(number.key(crypto))).toBe('26aa394eea5630e07c48ae0c9558cef702a5c1b19ab7a04f536c519aca4983ac')
    expect(toHexPlain(authorities.key(crypto))).toBe('5f9cc45b7a00c5899361e1c6099678dc5e0621c4869aa60c02be9adcc98a0d1d')
    expect(toHexPlain(account.key(crypto, alice))).toBe(
      '26aa394eea5630e07c48ae0c9558cef7b99d880ec681799c0cf30e8886371da9de1e86a9a8c739864cf3cc5ec2bea59fd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d')
  })

  test('turn back into their parts', () => {
    expect(account.decodeKey(account.key(crypto, alice))).toEqual([alice])
    expect(pairs.decodeKey(pairs.key(crypto, 3, 4))).toEqual([3, 4])
    expect(() => hidden.decodeKey(hidden.key(crypto, 1))).toThrow('keeps its keys')
  })

  test('refuse key values of the wrong length', () => {
    expect(() => account.get(host(), AccountId.encode(alice).subarray(1))).toThrow(expect.objectContaining({ code: 'CODEC_OUT_OF_RANGE' }))
  })
})

describe('values', () => {
  test('fall back to the default and remember writes', () => {
    const ctx = host()
    expect(count.get(ctx)).toBe(7)
    expect(count.has(ctx)).toBe(false)
    count.set(ctx, 9)
    expect([count.get(ctx), count.has(ctx)]).toEqual([9, true])
    expect(count.take(ctx)).toBe(9)
    expect(count.get(ctx)).toBe(7)
    count.mutate(ctx, (value) => value + 1)
    expect(count.get(ctx)).toBe(8)
    count.mutate(ctx, () => undefined)
    expect(count.has(ctx)).toBe(false)
  })

  test('tell a stored none from nothing stored', () => {
    const ctx = host()
    expect([lock.get(ctx), lock.has(ctx)]).toEqual([undefined, false])
    lock.set(ctx, undefined)
    expect([lock.get(ctx), lock.has(ctx)]).toEqual([undefined, true])
  })

  test('name the item whose bytes do not decode', () => {
    const ctx = host()
    ctx.storage.set(String.fromCharCode(...count.key(crypto)), Uint8Array.of(1, 2))
    expect(() => count.get(ctx)).toThrow(expect.objectContaining({ code: 'STATE_CORRUPT', context: { item: 'Test.Count' } }))
  })
})

describe('maps', () => {
  test('iterate in the order of their keys and clear by prefix', () => {
    const ctx = host()
    for (const [a, b] of [[1, 2], [1, 3], [2, 2]] as const) pairs.set(ctx, a, b, BigInt(10 * a + b))
    expect([...pairs.entries(ctx, 1)].map(([key, value]) => [...key, value])).toEqual([[1, 2, 12n], [1, 3, 13n]])
    expect([...pairs.keys(ctx)].length).toBe(3)
    expect(pairs.clear(ctx, 1)).toBe(2)
    expect([...pairs.entries(ctx)]).toEqual([[[2, 2], 22n]])
    expect(pairs.get(ctx, 1, 2)).toBe(0n)
  })

  test('keep keys apart whose bytes share a beginning', () => {
    const ctx = host()
    flags.set(ctx, utf8('a'), true)
    flags.set(ctx, utf8('ab'), false)
    expect([flags.get(ctx, utf8('a')), flags.get(ctx, utf8('ab')), flags.get(ctx, utf8(''))]).toEqual([true, false, undefined])
  })
})
