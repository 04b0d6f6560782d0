import { EMPTY, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { isAppError } from '@phalanx/primitives/errors'
import { describe, expect, test } from 'vitest'
import { addressOf } from '../../testing/contracts.ts'
import { callOnce, jsBench, jsCode, jsContract, jsEndOf } from '../../testing/js-contracts.ts'
import { JS_CODE_MAX, JS_CODE_PREFIX } from '../../contracts/js/create-js-vm.ts'
import { loadQuickJs } from './index.ts'

const crypto = await loadCrypto()
const machine = await loadQuickJs()
const newBench = () => jsBench({ crypto, machine })
const GAS = 50_000_000_000n

/** Ends of a call on little gas; the state must be as it was, and another contract on the same machine as well off as before. */
const endOf = (body: string): { end: string; failure: string | undefined; gas: bigint } => {
  const bench = newBench()
  const address = addressOf(bench.deploy(jsContract(body), EMPTY))
  const before = toHex(bench.state.root)
  const { end, failure, gas } = jsEndOf(bench.call(address, EMPTY, { gasLimit: GAS }))
  expect(toHex(bench.state.root)).toBe(before)
  return { end, failure, gas }
}
const OUT_OF_GAS = { end: 'OutOfGas', failure: 'the gas is used up', gas: GAS }

describe('scripts that do not end', () => {
  test.each([
    ['a loop', 'for (;;) {}'],
    ['a loop that catches everything', 'for (;;) { try { for (;;) {} } catch {} finally { continue } }'],
    ['a regular expression that goes back and forth', ';/^(a+)+$/.test("a".repeat(60) + "b")'],
    ['a regular expression with many ways', 'new RegExp("(x+x+)+y".repeat(3)).exec("x".repeat(80))'],
    ['a getter', 'const o = { get x() { for (;;) {} } }; return o.x'],
    ['a generator', 'function* g() { for (;;) yield 1 } for (const _ of g()) {}'],
    ['promise jobs that make more of them', 'const again = () => Promise.resolve().then(again); again(); return new Uint8Array(0)'],
    ['an async loop', 'return (async () => { for (;;) await 1 })()'],
    ['a thenable that goes on', 'const then = { then(done) { done(then) } }; return then'],
    ['a toString while it is explained', 'throw { toString() { for (;;) {} } }'],
    ['a message getter while it is explained', 'throw Object.defineProperty(new Error("x"), "message", { get() { for (;;) {} } })'],
    ['sorting with a comparator that lies, again and again', 'for (;;) [3, 1, 2].sort(() => Math.sin(1) - 0.5)'],
    ['a proxy that is its own prototype chain', 'const p = new Proxy({}, { has: () => { for (;;) {} } }); return "x" in p'],
    ['a large power', 'return new Uint8Array(Number((3n ** 3000000n) & 1n))'],
    ['an array of many holes', 'return new Uint8Array(new Array(4294967295).join("").length)'],
    ['eval in eval', 'for (;;) eval("1 + 1")'],
    ['host calls', 'for (;;) host.gasLeft()'],
    ['storage writes', 'for (let i = 0; ; i++) host.setStorage(text("k" + i), text("v"))'],
    ['logs', 'for (;;) host.log(1, "again")'],
    ['a parser kept busy', 'for (;;) new Function("a".repeat(1000) + "+1;".repeat(1000))'],
    ['an array that is pushed to', 'const all = []; for (;;) all.push(all, all, all, all)'],
    ['texts that double', 'let s = "ab"; for (;;) { s += s; s.charCodeAt(1) }'],
  ])('%s ends with the gas, or where a limit is', (_, body) => {
    const { end, failure } = endOf(body)
    expect([end, failure]).toSatisfy(([name, why]: [string, string]) => (name === 'OutOfGas' && why === OUT_OF_GAS.failure) || (name === 'ContractTrapped' && /memory is used up|string too long|invalid array|InternalError|RangeError/.test(why)))
  })
  test('a loop takes exactly the gas there is', () => {
    expect(endOf('for (;;) {}')).toEqual(OUT_OF_GAS)
  })
})

describe('scripts that go deep', () => {
  test.each([
    ['functions', 'const f = () => f() + 1; f()'],
    ['functions that catch', 'const f = () => { try { f() } catch { f() } finally { f() } }; f()'],
    ['getters', 'const o = { get x() { return this.x } }; o.x'],
    ['proxies', 'const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x'],
    ['constructors', 'class A { constructor() { new A() } } new A()'],
    ['callbacks of the library', 'const f = () => [1].map(f); f()'],
    ['replacements', 'const f = () => "a".replace(/a/, f); f()'],
    ['conversions', 'const o = { toString: () => "" + o }; "" + o'],
    ['JSON', 'JSON.parse("[".repeat(20000) + "]".repeat(20000))'],
    ['JSON with toJSON', 'const o = { toJSON: () => JSON.stringify(o) }; JSON.stringify(o)'],
    ['eval', 'globalThis.f = () => (0, eval)("f()"); f()'],
    ['source text', 'eval("(".repeat(20000) + ")".repeat(20000))'],
    ['bound functions', 'let f = () => 1; for (let i = 0; i < 1500; i++) f = f.bind(null); f()'],
    ['async functions', 'const f = async () => { await f() }; return f()'],
    ['generators', 'function* g() { yield* g() } [...g()]'],
    ['regular expressions', 'new RegExp("(".repeat(20000) + ")".repeat(20000))'],
    ['spread arguments', 'const f = (...a) => f(...a, 1); f()'],
  ])('%s end at the stack limit, not at the host\'s', (_, body) => {
    const { end, failure, gas } = endOf(body)
    expect(end).toBe('ContractTrapped')
    expect(failure).toMatch(/^the stack is used up$|stack overflow|^SyntaxError/)
    expect(gas).toBeLessThan(GAS)
  })
  test('the end at the stack limit cannot be caught', () => {
    expect(endOf('const f = () => f() + 1; try { f() } catch { return text("caught") }').failure).toBe('the stack is used up')
  })
  test('other contracts can be called from sixty calls deep, but not from two hundred', () => {
    const from = (depth: number) => callOnce(newBench(), `
      const f = (left) => left > 0 ? f(left - 1) : host.call({ callee: new Uint8Array(32), value: 0n, input }).error
      return text(f(${depth}))`)
    expect(from(60).answer).toBe('NotCallable')
    expect(from(200).failure).toBe('it calls another contract from too deep a recursion')
  })
})

describe('scripts that want much memory', () => {
  test.each([
    ['arrays', 'const all = []; for (;;) all.push(new Uint8Array(1000000))', 'the memory is used up'],
    ['one array buffer', 'new ArrayBuffer(2 ** 31 - 1)', 'the memory is used up'],
    ['a buffer beyond all measure', 'new ArrayBuffer(2 ** 40)', /RangeError/],
    ['a long text', 'return text("a".repeat(2 ** 29).charCodeAt(5))', 'the memory is used up'],
    ['a number of many digits', 'return text(1n << 2n ** 30n)', /RangeError|memory/],
    ['an answer too long', 'return new Uint8Array(1048577)', /^RangeError: what phalanxContract returned/],
  ])('%s: stopped', (_, body, failure) => {
    const done = endOf(body)
    expect(done.end).toBe('ContractTrapped')
    expect(done.failure).toMatch(failure)
  })
  test('fresh pages are paid', () => {
    const used = (bytes: number) => callOnce(newBench(), `const room = new Uint8Array(${bytes}); return input`).gas
    expect(used(8_000_000) - used(4_000_000)).toBeGreaterThan(60n * 16_000_000n)
  })
})

describe('scripts that try to get out', () => {
  test('what stops a contract in the host cannot be caught', () => {
    const body = (call: string) => `try { ${call} } catch (error) { return text('caught') } finally { host.log(1, 'finally') }`
    expect(endOf(body('host.chainExtension(9999, input)'))).toMatchObject({ end: 'NoChainExtension' })
    expect(endOf(body('host.chainExtension(16, input)'))).toMatchObject({ end: 'DecodingFailed' })
  })
  test('the host object cannot be changed or replaced', () => {
    expect(callOnce(newBench(), `
      const seen = []
      const attempt = (change) => { 'use strict'; try { change(); seen.push('done') } catch (error) { seen.push(error.name) } }
      attempt(() => { 'use strict'; host.getStorage = () => 1 })
      attempt(() => { 'use strict'; globalThis.host = {} })
      attempt(() => { 'use strict'; delete globalThis.host })
      attempt(() => { 'use strict'; host.getStorage.x = 1 })
      attempt(() => Object.defineProperty(host, 'caller', { value: input }))
      return text(seen)`).answer).toBe('TypeError,TypeError,TypeError,TypeError,TypeError')
  })
  test('changed built-in objects change neither what the host does nor the next call', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsContract(`
      if (input[0] === 1) {
        const wrong = () => { throw new Error('taken over') }
        for (const name of ['set', 'slice', 'subarray', 'fill', 'map']) Object.getPrototypeOf(Uint8Array.prototype)[name] = wrong
        Object.defineProperty(Object.getPrototypeOf(Uint8Array.prototype), 'length', { get: wrong })
        Object.defineProperty(Array.prototype, '0', { get: wrong, set: wrong })
        Array.prototype[Symbol.iterator] = Function.prototype.call = Function.prototype.apply = Reflect.apply = Promise.prototype.then = String.prototype.charCodeAt = wrong
        globalThis.Uint8Array = globalThis.ArrayBuffer = globalThis.TypeError = globalThis.String = wrong
        Object.defineProperty(Object.prototype, 'value', { get: wrong, set: wrong })
      }
      host.setStorage(host.hash('sha256', input), input)
      host.log(3, 'ok')
      return host.getStorage(host.hash('sha256', input))`), EMPTY))
    expect([1, 2].map((byte) => jsEndOf(bench.call(address, Uint8Array.of(byte))))).toMatchObject([{ end: 'ok', answer: '\x01' }, { end: 'ok', answer: '\x02' }])
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('value')
  })
  test('nothing stays in a context for the next call', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsCode('let calls = 0; globalThis.phalanxContract = () => { calls++; globalThis.left = (globalThis.left ?? 0) + calls; return Uint8Array.of(calls, left) }'), EMPTY))
    expect([0, 0, 0].map(() => jsEndOf(bench.call(address, EMPTY)).answer)).toEqual(['\x01\x01', '\x01\x01', '\x01\x01'])
  })
  test('the secret of one call is nowhere in the memory that the next one may read', () => {
    const bench = newBench()
    const keeper = addressOf(bench.deploy(jsContract('const s = "canary" + "-".repeat(3); const kept = []; for (let i = 0; i < 2000; i++) kept.push(text(s + i)); return input'), EMPTY))
    jsEndOf(bench.call(keeper, EMPTY))
    const reader = addressOf(bench.deploy(jsContract('const room = new Uint8Array(600000); for (let i = 0; i < 2000; i += 1) if (room[i * 300] !== 0) return text("found"); return text("zeros")'), EMPTY))
    expect(jsEndOf(bench.call(reader, EMPTY)).answer).toBe('zeros')
  })
  test('a callee cannot be made to answer for its caller', () => {
    const bench = newBench()
    const callee = addressOf(bench.deploy(jsContract('globalThis.phalanxContract = () => text("hijacked"); Object.prototype.ok = false; return text("callee")'), EMPTY))
    const caller = addressOf(bench.deploy(jsContract('const first = host.call({ callee: input, value: 0n, input }); return text([new TextDecoder().decode(first.data), ({}).ok, host.call({ callee: input, value: 0n, input }).ok])'), EMPTY))
    expect(jsEndOf(bench.call(caller, callee)).answer).toBe('callee,,true')
  })
})

describe('code that is refused at upload', () => {
  const refusalOf = (code: Uint8Array): string => {
    try {
      newBench().upload(code)
      return 'taken'
    } catch (error) {
      if (isAppError(error, 'CONTRACT_CODE_REFUSED')) return error.context.reason
      throw error
    }
  }
  test.each<[string, Uint8Array, string | RegExp]>([
    ['another version', utf8('//phalanx-contract:2\nlet a'), /neither/],
    ['a prefix cut short', utf8('//phalanx-contract:1'), /neither/],
    ['bytes that are not UTF-8', Uint8Array.of(...utf8(JS_CODE_PREFIX), 0xff), 'it is not UTF-8'],
    ['a zero byte', Uint8Array.of(...utf8(JS_CODE_PREFIX), 0x31, 0), 'it holds a zero byte'],
    ['too much', jsCode(' '.repeat(JS_CODE_MAX)), /^it has 2097173 bytes/],
    ['no JavaScript', jsCode('this is no script'), /^it does not compile: SyntaxError: .* \(contract\.js:2:\d+\)$/],
    ['a module', jsCode('export default 1'), /^it does not compile: SyntaxError/],
    ['an import', jsCode('import fs from "fs"'), /^it does not compile: SyntaxError/],
    ['await outside of functions', jsCode('await 1'), /^it does not compile: SyntaxError/],
    ['nesting without end', jsCode('['.repeat(100_000)), 'compiling it is stopped: the stack is used up'],
    ['a wrong regular expression', jsCode('/(/'), /^it does not compile: SyntaxError/],
  ])('%s', (_, code, reason) => {
    expect(refusalOf(code)).toMatch(reason)
  })
  test('code that compiles is not run by that', () => {
    expect(refusalOf(jsCode('throw new Error("run")'))).toBe('taken')
    expect(refusalOf(jsCode('for (;;) {}'))).toBe('taken')
  })
  test('two mebibytes of code are taken in bounded time', () => {
    const line = 'function name(a, b) { return a + b * 2 }\n'
    expect(refusalOf(jsCode(line.repeat(Math.floor((JS_CODE_MAX - 100) / line.length))))).toMatch(/taken|(gas|memory) is used up/)
  })
})
