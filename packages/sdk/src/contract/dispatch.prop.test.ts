import fc from 'fast-check'
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { encodeInput, selectorsOf } from './abi.ts'
import { dispatch } from './dispatch.ts'
import type { ContractHost, EntryResult } from './host.ts'
import { AccountId, bool, bytes, command, constructor, defineContract, option, query, sortedMap, struct, text, u128, u32, u8, variant, vec } from './index.ts'

const { blake2b256 } = await loadCrypto()
const Shape = variant('Shape', { Dot: { index: 0 }, Box: { index: 3, fields: { wide: u32, high: u32 } } })
const ARGS = { who: AccountId, amount: u128, notes: vec(text), shape: Shape, maybe: option(struct({ flag: bool, raw: bytes })), pairs: sortedMap(u32, u8) }

const received: unknown[] = []
const Echo = defineContract({
  name: 'echo',
  constructors: { new: constructor({ args: { first: u32 }, run: (_, { first }) => void received.push({ first }) }) },
  messages: { plain: query({ run: () => void received.push({}) }), rich: command({ args: ARGS, run: (_, args) => void received.push(args) }) },
})
const program = { definition: Echo, selectors: selectorsOf((message) => blake2b256(message), Echo) }

const logs: string[] = []
const host = { value: 0n, mode: 'Transaction', log: (_: number, message: string) => void logs.push(message) } as unknown as ContractHost
const run = (entry: 'deploy' | 'call', input: Uint8Array): EntryResult => {
  received.length = 0
  logs.length = 0
  return dispatch(program, host, entry, input)
}

const UNREADABLE = { revert: Uint8Array.of(1, 1) }
const DONE = Uint8Array.of(0)
const RUNS = { numRuns: 500, seed: 20_240_501 }
const account = fc.uint8Array({ minLength: 32, maxLength: 32 })
const args = fc.record({
  who: account, amount: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), notes: fc.array(fc.string({ unit: 'grapheme', maxLength: 8 }), { maxLength: 4 }),
  shape: fc.oneof(fc.constant({ kind: 'Dot' }), fc.record({ kind: fc.constant('Box'), value: fc.record({ wide: fc.nat(), high: fc.nat() }) })),
  maybe: fc.option(fc.record({ flag: fc.boolean(), raw: fc.uint8Array({ maxLength: 8 }) }), { nil: undefined }),
  pairs: fc.uniqueArray(fc.tuple(fc.nat(1000), fc.nat(255)), { selector: ([key]) => key, maxLength: 4 }).map((pairs) => [...pairs].sort(([a], [b]) => a - b)),
})
const encode = (value: unknown): Uint8Array => encodeInput((message) => blake2b256(message), { name: 'rich', entry: Echo.messages.rich, args: value })

describe('input of a call', () => {
  test('reaches the message as it was encoded', () => {
    fc.assert(fc.property(args, (value) => {
      expect(run('call', encode(value))).toEqual(DONE)
      expect(received).toEqual([value])
    }), RUNS)
  })

  test('that is anything is refused readably, unless it is exactly one value', () => {
    fc.assert(fc.property(fc.constantFrom('deploy' as const, 'call' as const), fc.uint8Array({ maxLength: 60 }), fc.boolean(), (entry, noise, isAimed) => {
      const input = isAimed ? concatBytes(encode({ who: new Uint8Array(32), amount: 0n, notes: [], shape: { kind: 'Dot' }, maybe: undefined, pairs: [] }).subarray(0, 4), noise) : noise
      const end = run(entry, input)
      if (received.length > 0) return
      expect(end).toEqual(UNREADABLE)
      expect(logs).toEqual([expect.stringMatching(/^(echo has no (message|constructor) with the selector|the arguments of echo\.\w+ cannot be read: CODEC_)/)])
    }), RUNS)
  })

  test('is read strictly: one byte more, less or other is another value or none', () => {
    fc.assert(fc.property(args, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, change) => {
      const input = encode(value)
      expect(run('call', concatBytes(input, Uint8Array.of(change)))).toEqual(UNREADABLE)
      expect(run('call', input.subarray(0, place % input.length))).toEqual(UNREADABLE)
      const other = input.slice()
      other[4 + (place % (input.length - 4))] = (input[4 + (place % (input.length - 4))] as number) ^ change
      run('call', other)
      if (received.length > 0) expect(toHex(encode(received[0]))).toBe(toHex(other))
    }), RUNS)
  })

  test('of a constructor is none of a message', () => {
    const input = encodeInput((message) => blake2b256(message), { name: 'new', entry: Echo.constructors.new, args: { first: 7 } })
    expect([run('deploy', input), received.length, run('call', input)]).toEqual([DONE, 1, UNREADABLE])
  })
})
