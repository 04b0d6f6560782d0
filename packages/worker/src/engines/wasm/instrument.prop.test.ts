/** Generated functions give the same with counters in them as without; what they are charged does not change from run to run. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { wasmModule } from '../../testing/wasm-module.ts'
import { engine, type WasmGlobal } from './api.ts'
import { ENGINE_RULES, GAS_EXPORT, instrument, readModule, STACK_EXPORT } from './index.ts'

const RUNS = 300
const GAS = 10n ** 12n
type Code = readonly number[]

/** Expressions that leave one i32; locals 0 and 1 are the parameters, 2 is a counter. */
const expression = fc.letrec<{ value: Code }>((tie) => {
  const value = tie('value')
  return {
    value: fc.oneof(
      { maxDepth: 6, withCrossShrink: true },
      fc.integer({ min: 0, max: 63 }).map((number): Code => [0x41, number]),
      fc.constantFrom<Code>([0x20, 0], [0x20, 1], [0x41, 0x7f]),
      fc.tuple(value, value, fc.integer({ min: 0x6a, max: 0x78 })).map(([a, b, op]): Code => [...a, ...b, op]),
      fc.tuple(value, value, fc.integer({ min: 0x46, max: 0x4f })).map(([a, b, op]): Code => [...a, ...b, op]),
      fc.tuple(value, value, value).map(([test, a, b]): Code => [...test, 0x04, 0x7f, ...a, 0x05, ...b, 0x0b]),
      // A block left early with a value, or by return.
      fc.tuple(value, value, value).map(([a, test, b]): Code => [0x02, 0x7f, ...a, ...test, 0x0d, 0, 0x1a, ...b, 0x0b]),
      fc.tuple(value, value, value).map(([test, a, b]): Code => [...test, 0x04, 0x40, ...a, 0x0f, 0x0b, ...b]),
      fc.tuple(value, value).map(([a, b]): Code => [0x02, 0x7f, ...a, 0x0c, 0, ...b, 0x6a, 0x02, 0x40, 0x0b, 0x0b]),
      // A loop of three rounds around a value, and a branch table.
      value.map((a): Code => [0x41, 3, 0x21, 2, 0x03, 0x7f, ...a, 0x20, 2, 0x41, 1, 0x6b, 0x22, 2, 0x04, 0x40, 0x20, 2, 0x41, 2, 0x4a, 0x0d, 1, 0x0b, 0x0b]),
      fc.tuple(value, value).map(([a, b]): Code => [0x02, 0x7f, 0x02, 0x7f, ...a, ...b, 0x0e, 1, 0, 1, 0x0b, 0x41, 1, 0x6a, 0x0b]),
      // Calls: direct, through the table, and growing memory.
      fc.tuple(value, value).map(([a, b]): Code => [...a, ...b, 0x10, 1]),
      fc.tuple(value, value).map(([a, b]): Code => [...a, ...b, 0x41, 0, 0x11, 2, 0]),
      value.map((a): Code => [...a, 0x41, 1, 0x71, 0x40, 0, 0x3f, 0, 0x6a]),
      // Storing, then loading.
      fc.tuple(value, value).map(([a, b]): Code => [...a, 0x41, 60, 0x71, ...b, 0x36, 2, 0, ...a, 0x41, 60, 0x71, 0x28, 2, 0]),
    ),
  }
}).value

const moduleOf = (body: Code): Uint8Array => wasmModule({
  functions: [
    { type: 2, locals: [[1, 0x7f]], body },
    { type: 2, body: [0x20, 0, 0x20, 1, 0x73] },
  ],
  table: [0, 1], elements: [[0, 0x41, 0, 0x0b, 1, 1]], exports: { f: 0 },
})

interface Ran {
  readonly value: number | string
  readonly pages: number
  readonly gas: bigint
  readonly stack: number
}

const run = (bytes: Uint8Array, args: readonly [number, number]): Ran => {
  const memory = new engine.Memory({ initial: 1, maximum: 16 })
  const { exports } = new engine.Instance(new engine.Module(bytes), { env: { memory } })
  const gas = exports[GAS_EXPORT] as WasmGlobal<bigint> | undefined
  const stack = exports[STACK_EXPORT] as WasmGlobal<number> | undefined
  if (gas !== undefined) gas.value = GAS
  let value: number | string
  try {
    value = (exports['f'] as (a: number, b: number) => number)(...args)
  } catch (error) {
    value = error instanceof engine.RuntimeError ? error.message : 'another error'
  }
  return { value, pages: memory.buffer.byteLength / 65_536, gas: gas?.value ?? 0n, stack: stack?.value ?? 0 }
}

describe('instrumented functions', () => {
  test('give what the plain ones give, give all their stack back, and cost the same twice', () => {
    fc.assert(fc.property(expression, fc.integer(), fc.integer(), (body, a, b) => {
      const plain = moduleOf(body)
      const counted = instrument(readModule(plain, ENGINE_RULES), ENGINE_RULES)
      const [expected, got, again] = [run(plain, [a, b]), run(counted, [a, b]), run(counted, [a, b])]
      expect([got.value, got.pages]).toEqual([expected.value, expected.pages])
      expect(again).toEqual(got)
      expect(got.gas).toBeLessThan(GAS)
      if (typeof got.value === 'number') expect(got.stack).toBe(ENGINE_RULES.stackSlots)
    }), { numRuns: RUNS, seed: 5 })
  })

  test('with any gas below the need they stop with none left, and with the need they end', () => {
    fc.assert(fc.property(expression, fc.integer(), fc.integer(), (body, a, b) => {
      const counted = new engine.Module(instrument(readModule(moduleOf(body), ENGINE_RULES), ENGINE_RULES))
      const ends = (limit: bigint): { readonly ok: boolean; readonly left: bigint } => {
        const { exports } = new engine.Instance(counted, { env: { memory: new engine.Memory({ initial: 1, maximum: 16 }) } })
        const gas = exports[GAS_EXPORT] as WasmGlobal<bigint>
        gas.value = limit
        try {
          ;(exports['f'] as (a: number, b: number) => number)(a, b)
          return { ok: true, left: gas.value }
        } catch {
          return { ok: false, left: gas.value }
        }
      }
      const full = ends(GAS)
      if (!full.ok) return
      const need = GAS - full.left
      expect(ends(need)).toEqual({ ok: true, left: 0n })
      for (const less of [need - 1n, need / 2n, 0n]) {
        const short = ends(less)
        expect([short.ok, short.left < 0n]).toEqual([false, true])
      }
    }), { numRuns: 100, seed: 6 })
  })
})

describe('floats', () => {
  const bits = (body: readonly number[]): bigint => {
    const code = wasmModule({ types: [[0x60, 0, 1, 0x7e]], functions: [{ type: 4, body }], exports: { f: 0 } })
    const counted = instrument(readModule(code, ENGINE_RULES), ENGINE_RULES)
    const { exports } = new engine.Instance(new engine.Module(counted), { env: { memory: new engine.Memory({ initial: 1, maximum: 16 }) } })
    ;(exports[GAS_EXPORT] as WasmGlobal<bigint>).value = GAS
    return BigInt.asUintN(64, (exports['f'] as () => bigint)())
  }
  const f64 = (high: readonly number[]): number[] => [0x44, 0, 0, 0, 0, 0, 0, ...high]
  /** A NaN with a sign and a payload of its own. */
  const strangeNan = [0x44, 1, 2, 3, 0, 0, 0, 0xfc, 0xff]

  test('a NaN that arithmetic makes or passes on is the canonical one', () => {
    const zero = f64([0, 0])
    expect(bits([...zero, ...zero, 0xa3, 0xbd])).toBe(0x7ff8_0000_0000_0000n)
    expect(bits([...strangeNan, ...zero, 0xa0, 0xbd])).toBe(0x7ff8_0000_0000_0000n)
    expect(bits([...strangeNan, 0x9f, 0xbd])).toBe(0x7ff8_0000_0000_0000n)
    expect(bits([...strangeNan, 0xb6, 0xbb, 0xbd])).toBe(0x7ff8_0000_0000_0000n)
  })
  test('other results keep their bits', () => {
    expect(bits([...f64([0xf0, 0x3f]), ...f64([0xf0, 0x3f]), 0xa0, 0xbd])).toBe(0x4000_0000_0000_0000n)
    expect(bits([...f64([0, 0x80]), ...f64([0, 0x80]), 0xa0, 0xbd])).toBe(0x8000_0000_0000_0000n)
  })
  test('charged copies and fills do what they do, and are paid by length', () => {
    const used = (length: number): bigint => {
      const code = wasmModule({ functions: [{ body: [0x41, 0, 0x41, 7, 0x41, length, 0xfc, 11, 0, 0x41, 32, 0x41, 0, 0x41, length, 0xfc, 10, 0, 0] }], exports: { f: 0 } })
      const memory = new engine.Memory({ initial: 1, maximum: 16 })
      const { exports } = new engine.Instance(new engine.Module(instrument(readModule(code, ENGINE_RULES), ENGINE_RULES)), { env: { memory } })
      const gas = exports[GAS_EXPORT] as WasmGlobal<bigint>
      gas.value = GAS
      ;(exports['f'] as () => void)()
      expect([...new Uint8Array(memory.buffer, 32, 16)].filter((byte) => byte === 7)).toHaveLength(length)
      return GAS - gas.value
    }
    expect(used(16) - used(8)).toBe(2n * 8n * 500n)
  })
})
