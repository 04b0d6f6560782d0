import { expect, expectTypeOf, test } from 'vitest'
import { bytes, text } from './bytes.ts'
import type { TypeOf } from './codec.ts'
import { option, result, tuple, vec, type ResultValue } from './collections.ts'
import { bool, type compactU128, type compactU32, u32, u64, u8 } from './numbers.ts'
import { struct, variant } from './structs.ts'

const Worker = struct({ id: u32, stake: u64, name: text, key: bytes, tags: vec(text), operator: option(bytes) })
const Event = variant('Event', { Nothing: { index: 0 }, Added: { index: 1, value: u8 }, Moved: { index: 2, fields: { from: u32, to: u32 } }, Pair: { index: 3, tuple: tuple(u8, bool) } })

test('one declaration gives the static type', () => {
  expectTypeOf<TypeOf<typeof Worker>>().toEqualTypeOf<{
    readonly id: number; readonly stake: bigint; readonly name: string; readonly key: Uint8Array; readonly tags: readonly string[]; readonly operator: Uint8Array | undefined
  }>()
  expectTypeOf<TypeOf<typeof compactU32>>().toEqualTypeOf<number>()
  expectTypeOf<TypeOf<typeof compactU128>>().toEqualTypeOf<bigint>()
  const pair = tuple(u8, text)
  expectTypeOf<TypeOf<typeof pair>>().toEqualTypeOf<readonly [number, string]>()
  const outcome = result(u8, text)
  expectTypeOf<TypeOf<typeof outcome>>().toEqualTypeOf<ResultValue<number, string>>()
  expect(Worker.minSize).toBe(4 + 8 + 1 + 1 + 1 + 1)
})

test('a variant is a union that a switch can exhaust', () => {
  const describeEvent = (event: TypeOf<typeof Event>): string => {
    switch (event.kind) {
      case 'Nothing': return 'nothing'
      case 'Added': return `added ${event.value}`
      case 'Moved': return `moved ${event.value.from} to ${event.value.to}`
      case 'Pair': return `${event.value[0]} ${event.value[1]}`
    }
  }
  expect(describeEvent({ kind: 'Moved', value: { from: 1, to: 2 } })).toBe('moved 1 to 2')
})

test('wrong values do not compile', () => {
  // @ts-expect-error a u64 is a bigint
  expect(() => u64.encode(1)).toThrow()
  // @ts-expect-error a missing field
  expect(() => struct({ a: u8 }).encode({})).toThrow()
  // @ts-expect-error an unknown case
  expect(() => Event.encode({ kind: 'Unknown' })).toThrow()
  // @ts-expect-error a case without its value
  expect(() => Event.encode({ kind: 'Added' })).toThrow()
})
