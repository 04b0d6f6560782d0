/** What scripts reckon equals what this process reckons with the same expressions; text is encoded and decoded as it does. */
import { runInThisContext } from 'node:vm'
import { bytesToKey, EMPTY, keyToBytes } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressOf } from '../../testing/contracts.ts'
import { jsBench, jsContract, jsEndOf } from '../../testing/js-contracts.ts'
import { loadQuickJs } from './index.ts'

const RUNS = process.env['PHALANX_LONG'] === '1' ? 3_000 : 150
const crypto = await loadCrypto()
const machine = await loadQuickJs()
const scripted = (body: string): ((input: Uint8Array) => string) => {
  const bench = jsBench({ crypto, machine })
  const address = addressOf(bench.deploy(jsContract(body), EMPTY))
  return (input) => {
    const { answer, failure } = jsEndOf(bench.call(address, input))
    return failure ?? answer
  }
}
const evaluate = scripted('try { return text((0, eval)(new TextDecoder().decode(input))) } catch (error) { return text(error.name) }')
const expectSame = (expression: string): void => {
  let expected: string
  try {
    expected = String(runInThisContext(expression))
  } catch (error) {
    expected = (error as Error).name
  }
  expect([expression, evaluate(new TextEncoder().encode(expression))]).toEqual([expression, bytesToKey(new TextEncoder().encode(expected))])
}

const big = fc.oneof(fc.bigInt({ min: -(1n << 8n), max: 1n << 8n }), fc.bigInt({ min: -(1n << 66n), max: 1n << 66n }), fc.bigInt({ min: -(1n << 300n), max: 1n << 300n }))
const number = fc.oneof(fc.double(), fc.integer(), fc.double({ min: -1e3, max: 1e3 }))
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value))

describe('arithmetic', () => {
  test('bigints', () => {
    fc.assert(fc.property(big, big, fc.constantFrom('+', '-', '*', '/', '%', '&', '|', '^', '<', '===', '>='), (a, b, op) => expectSame(`(${a}n) ${op} (${b}n)`)), { numRuns: RUNS, seed: 1 })
  })
  test('widths, shifts, texts and powers of bigints', () => {
    fc.assert(fc.property(big, fc.integer({ min: 0, max: 130 }), fc.constantFrom('asIntN', 'asUintN', '<<', '>>', '**', 'text', 'number', 'of64', 'ofU64'), (a, bits, kind) => {
      if (kind === '<<' || kind === '>>') expectSame(`(${a}n) ${kind} ${bits}n`)
      else if (kind === '**') expectSame(`(${a}n) ** ${bits % 9}n`)
      else if (kind === 'text') expectSame(`BigInt((${a}n).toString()).toString(${2 + (bits % 35)})`)
      else if (kind === 'number') expectSame(`Number(${a}n)`)
      else if (kind === 'of64') expectSame(`new BigInt64Array([${a}n])[0]`)
      else if (kind === 'ofU64') expectSame(`new BigUint64Array([${a}n])[0]`)
      else expectSame(`BigInt.${kind}(${bits}, ${a}n)`)
    }), { numRuns: RUNS, seed: 2 })
  })
  test('numbers', () => {
    const op = fc.constantFrom('+', '-', '*', '/', '%', '<', '|', '>>>', '<<', '===')
    fc.assert(fc.property(number, number, op, (a, b, each) => expectSame(`(${numberText(a)}) ${each} (${numberText(b)})`)), { numRuns: RUNS, seed: 3 })
  })
  test('numbers as texts and in views', () => {
    const how = fc.constantFrom(
      (x: string) => `(${x}).toFixed(3)`, (x: string) => `(${x}).toPrecision(7)`, (x: string) => `Math.round(${x}) + Math.fround(${x})`, (x: string) => `Math.floor(${x}) + Math.trunc(${x})`,
      (x: string) => `new Uint8Array(new Float64Array([${x}]).buffer).join()`, (x: string) => `new Int32Array([${x}]).join()`, (x: string) => `parseFloat("${x}")`, (x: string) => `Math.sqrt(${x})`,
      (x: string) => `JSON.stringify({ a: [${x}] })`, (x: string) => `(${x}) | 0`, (x: string) => `Math.hypot(Math.imul(${x}, 3), 0)`,
    )
    fc.assert(fc.property(number, how, (a, each) => expectSame(each(numberText(a)))), { numRuns: RUNS, seed: 4 })
  })
})

describe('text', () => {
  test('any text is encoded as the web does', () => {
    const encode = scripted('return new TextEncoder().encode(String.fromCharCode(...new Uint16Array(input.buffer)))')
    fc.assert(fc.property(fc.array(fc.oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd700, max: 0xe0ff })), { maxLength: 40 }), (units) => {
      const text = String.fromCharCode(...units)
      expect(encode(new Uint8Array(Uint16Array.from(units).buffer))).toBe(bytesToKey(new TextEncoder().encode(text)))
    }), { numRuns: RUNS, seed: 5 })
  })
  test.each([{ fatal: false, ignoreBOM: false }, { fatal: false, ignoreBOM: true }, { fatal: true, ignoreBOM: false }])('any bytes are decoded as the web does (%o)', (options) => {
    const decode = scripted(`
      try {
        const decoded = new TextDecoder('utf-8', ${JSON.stringify(options)}).decode(input)
        return new Uint8Array(Uint16Array.from(decoded, (unit) => unit.charCodeAt(0)).buffer)
      } catch (error) { return text(error.name) }`.replace('Uint16Array.from(decoded, (unit) => unit.charCodeAt(0))', 'new Uint16Array(decoded.split("").map((unit) => unit.charCodeAt(0)))'))
    const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xa0, 0xed, 0xef, 0xbb, 0xf0, 0x90, 0xf4, 0x8f, 0xff, 0x41))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 12 }), fc.array(byte, { maxLength: 12 }), (front, back) => {
      const bytes = Uint8Array.of(...front, ...back)
      let expected: string
      try {
        const text = new TextDecoder('utf-8', options).decode(bytes)
        expected = bytesToKey(new Uint8Array(Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)).buffer))
      } catch (error) {
        expected = (error as Error).name
      }
      expect(decode(bytes)).toBe(expected)
    }), { numRuns: RUNS, seed: 6 })
  })
  test('long texts come back as they were', () => {
    const back = scripted('return new TextEncoder().encode(new TextDecoder().decode(input))')
    const text = 'wörter 🦊 und mehr '.repeat(200)
    expect(new TextDecoder().decode(keyToBytes(back(new TextEncoder().encode(text))))).toBe(text)
  })
})
