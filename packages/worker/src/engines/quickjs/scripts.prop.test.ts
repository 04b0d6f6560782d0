/** Scripts put together by chance, valid or not, end as a contract can end, with equal gas when they run again and on a machine that keeps nothing. */
import { EMPTY } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOf } from '../../testing/contracts.ts'
import { jsBench, jsCode, jsContract, jsEndOf, type JsCallEnd } from '../../testing/js-contracts.ts'
import { createQuickJsMachine } from './machine.ts'
import { readPublished } from './published.ts'

const RUNS = process.env['PHALANX_LONG'] === '1' ? 5_000 : 80
const GAS = 5_000_000_000n
const crypto = await loadCrypto()
const published = await readPublished()
const benches = [createQuickJsMachine(published), createQuickJsMachine(published, { keepsLoaded: false })].map((machine) => jsBench({ crypto, machine }))
const starts = benches.map(({ state }) => state)

/** Uploads, deploys and calls; the code's refusal counts as an end. */
const endOn = (which: number, code: Uint8Array): JsCallEnd | string => {
  const bench = benches[which] as (typeof benches)[number]
  bench.state = starts[which] as (typeof starts)[number]
  try {
    return jsEndOf(bench.call(addressOf(bench.deploy(code, EMPTY)), EMPTY, { gasLimit: GAS }))
  } catch (error) {
    if (isAppError(error, 'CONTRACT_CODE_REFUSED')) return error.context.reason
    throw error
  }
}

const expectEqualEnds = (code: Uint8Array): void => {
  const first = endOn(0, code)
  expect(endOn(0, code)).toEqual(first)
  expect(endOn(1, code)).toEqual(first)
}

const leaf = fc.constantFrom(
  '1', '-0', '2n ** 70n', 'NaN', '"text"', 'input', 'null', 'undefined', '[]', '({})', 'host', 'host.caller', 'Symbol.iterator', '/a(b*)+/g', 'globalThis', 'Math.random()', 'new Uint8Array(9)',
  'new Map([[1, 2]])', 'Date', 'Proxy', 'Promise.resolve(3)', 'function* () { yield 1 }', '(a) => a', 'class { static #x = 1; get y() { return this } }', 'host.getStorage', 'Object.prototype', 'eval', 'this',
)
const expression = fc.letrec<{ value: string }>((tie) => {
  const value = tie('value')
  const pair = fc.tuple(value, value)
  return {
    value: fc.oneof(
      { maxDepth: 5 }, leaf,
      pair.map(([a, b]) => `(${a})[${b}]`), pair.map(([a, b]) => `(${a})(${b})`), pair.map(([a, b]) => `new (${a})(${b})`), pair.map(([a, b]) => `[...(${a}), ${b}]`), pair.map(([a, b]) => `{ ...${a}, [${b}]: 1 }`),
      fc.tuple(value, fc.constantFrom('+', '*', '<<', 'in', 'instanceof', '??', '=', '**', '%', ','), value).map(([a, op, b]) => `(${a} ${op} ${b})`),
      fc.tuple(value, fc.constantFrom('map', 'then', 'toString', 'replace', 'sort', 'next', 'set', 'call', 'constructor', 'getStorage', 'hash', 'log', 'call', 'emitEvent', 'terminate', 'chainExtension'), value, value)
        .map(([a, name, b, c]) => `(${a}).${name}(${b}, ${c})`),
      pair.map(([a, b]) => `(() => { try { return ${a} } catch (error) { return ${b} } })()`), pair.map(([a, b]) => `(() => { for (const x of ${a}) ${b} })()`), value.map((a) => `\`\${${a}}\``),
      value.map((a) => `(async () => await ${a})()`), value.map((a) => `JSON.stringify(${a})`), value.map((a) => `Reflect.ownKeys(${a})`), value.map((a) => `delete (${a}).length`),
    ),
  }
}).value

test('expressions put together by chance', { timeout: 600_000 }, () => {
  fc.assert(fc.property(fc.array(expression, { minLength: 1, maxLength: 3 }), (values) => {
    expectEqualEnds(jsContract(`${values.map((value) => `try { ${value} } catch {}`).join('\n')}\nreturn text(typeof (${values[0]}))`))
  }), { numRuns: RUNS, seed: 1 })
})

test('scripts with parts cut out, doubled or exchanged', { timeout: 600_000 }, () => {
  const source = `const state = new Map(); class Shop { #sold = 0n; sell(n) { this.#sold += BigInt(n); return \`\${this.#sold}\` } }
for (let i = 0; i < 3; i++) state.set(i, { i, half: i / 2, [\`k\${i}\`]: /^(a|b)+$/u.test('ab') });
globalThis.phalanxContract = (entry, input) => { const [first = 1, ...rest] = input; const shop = new Shop(); host.setStorage(Uint8Array.of(1), new TextEncoder().encode(shop.sell(first)));
label: for (const [key, value] of state) { if (key === 1) continue label; switch (value.i) { case 0: break; default: rest.push(key ?? 5) } } return Uint8Array.from(rest) }`
  const place = fc.integer({ min: 0, max: source.length })
  fc.assert(fc.property(place, place, place, fc.constantFrom('cut', 'double', 'move'), (a, b, c, how) => {
    const [from, to] = a < b ? [a, b] : [b, a]
    const part = source.slice(from, to)
    const rest = source.slice(0, from) + source.slice(to)
    expectEqualEnds(jsCode(how === 'cut' ? rest : how === 'double' ? source.slice(0, to) + part + source.slice(to) : rest.slice(0, c) + part + rest.slice(c)))
  }), { numRuns: RUNS, seed: 2 })
})
