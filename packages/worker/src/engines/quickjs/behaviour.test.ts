import { EMPTY, toHex, utf8 } from '@phalanx/primitives/bytes'
import { tuple } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { callContract, inspect } from '../../contracts/execution/execute.ts'
import { HttpRequest, HttpResponse } from '../../contracts/execution/http.ts'
import { addressOf, ALICE, BOB, endOf } from '../../testing/contracts.ts'
import { callOnce, jsBench, jsCode, jsContract, jsEndOf } from '../../testing/js-contracts.ts'
import { wasmModule } from '../../testing/wasm-module.ts'
import { loadQuickJs } from './index.ts'

const crypto = await loadCrypto()
const machine = await loadQuickJs()
const newBench = () => jsBench({ crypto, machine })
const answerOf = (body: string): string | undefined => {
  const { answer, failure } = callOnce(newBench(), body)
  return failure ?? answer
}
/** A script that writes bytes of a Uint8Array literal. */
const literal = (bytes: Uint8Array): string => `Uint8Array.of(${bytes.join()})`

const COUNTER = jsCode(`
const KEY = Uint8Array.of(7)
globalThis.phalanxContract = (entry, input) => {
  if (entry === 'deploy') {
    host.setStorage(KEY, input)
    return new Uint8Array(0)
  }
  const next = host.getStorage(KEY)[0] + 1
  host.setStorage(KEY, Uint8Array.of(next))
  if (input[0] === 1) return { revert: Uint8Array.of(next) }
  if (input[0] === 2) throw new Error('no more')
  return Uint8Array.of(next)
}`)

describe('a contract with storage', () => {
  test('counts from what its constructor was given', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(COUNTER, Uint8Array.of(40)))
    expect([1, 2].map(() => jsEndOf(bench.call(address, EMPTY)).answer)).toEqual([')', '*'])
  })
  test('has its changes taken back when it reverts, with its answer, and when it throws, with its message', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(COUNTER, Uint8Array.of(1)))
    const before = toHex(bench.state.root)
    expect(jsEndOf(bench.call(address, Uint8Array.of(1)))).toMatchObject({ end: 'reverted', answer: '\x02' })
    expect(jsEndOf(bench.call(address, Uint8Array.of(2)))).toMatchObject({ end: 'ContractTrapped', failure: 'no more' })
    expect(toHex(bench.state.root)).toBe(before)
  })
  test('removes values, and reads none where there is none', () => {
    expect(answerOf(`
      const key = Uint8Array.of(1, 2)
      const seen = [host.getStorage(key)]
      host.setStorage(key, text('x')); seen.push(host.getStorage(key).length)
      host.setStorage(key, undefined); seen.push(host.getStorage(key))
      return text(seen)`)).toBe(',1,')
  })
  test('stores and reads values larger than the buffer between it and the worker', () => {
    expect(answerOf(`
      const large = new Uint8Array(30000).map((_, i) => i * 7)
      host.setStorage(text('a'), large)
      const back = host.getStorage(text('a'))
      return text(back.length === large.length && back.every((byte, i) => byte === large[i]))`)).toBe('true')
  })
  test('a value of a mebibyte is taken, a longer one is refused by an exception', () => {
    expect(answerOf(`host.setStorage(text('a'), new Uint8Array(1048576)); return text('taken')`)).toBe('taken')
    expect(answerOf(`try { host.setStorage(text('a'), new Uint8Array(1048577)) } catch (error) { return text(error) }`)).toMatch(/^RangeError: value has 1048577 bytes/)
  })
})

describe('the host', () => {
  test('tells what the call is', () => {
    const bench = newBench()
    const made = bench.deploy(jsCode(`globalThis.phalanxContract = (entry) => {
      if (entry !== host.entry) throw new Error('entry')
      const { caller, address, codeHash, mode, value, blockNumber, nowMs, minimumBalance } = host
      return new TextEncoder().encode([entry, mode, caller.join(''), address.length, codeHash.length, value, blockNumber, nowMs, minimumBalance, host.balance(), Date.now()].join(' '))
    }`), EMPTY, { transfer: 5n })
    const returned = made.result.result.ok ? new TextDecoder().decode(made.result.result.value.result.data) : made.failure
    expect(returned).toBe(`deploy Transaction ${'1'.repeat(32)} 32 32 5 7 7000 1 6 7000`)
    expect(jsEndOf(bench.call(addressOf(made), EMPTY, { env: { mode: 'Estimating' } })).answer).toMatch(/^call Estimating 1+ 32 32 0 7 7000 1 6 7000$/)
  })
  test('hashes as the worker does', () => {
    for (const kind of ['blake2b256', 'blake2b128', 'sha256', 'keccak256'] as const)
      expect(answerOf(`return text(hex(host.hash('${kind}', text('abc'))))`)).toBe(toHex(crypto[kind](utf8('abc'))).slice(2))
  })
  test('moves money, in numbers of 128 bits', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsContract(`return text([host.transfer(${literal(BOB)}, 18446744073709551617n), host.transfer(${literal(BOB)}, 3n)])`), EMPTY, { transfer: 9n }))
    expect(jsEndOf(bench.call(address, EMPTY)).answer).toBe('false,true')
    expect(inspect(bench.state, crypto).account(BOB).free).toBe(3n)
    expect(answerOf(`try { host.transfer(${literal(BOB)}, -1n) } catch (error) { return text(error) }`)).toBe('RangeError: value must be from 0 to 2^128 - 1')
  })
  test('counts gas down, and each call costs', () => {
    expect(answerOf('const a = host.gasLeft(), b = host.gasLeft(); return text(a > b && a - b > 300000n)')).toBe('true')
  })
  test('emits events with topics, and logs that stay where the call fails', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsContract(`
      host.log(3, 'größe 🦊')
      host.emitEvent([${literal(BOB)}], text('data'))
      if (input[0] === 1) throw new Error('late')
      return input`), EMPTY))
    const good = bench.call(address, EMPTY)
    expect(good.effects.inkEvents).toEqual([{ contract: address, topics: [BOB], data: utf8('data') }])
    const bad = bench.call(address, Uint8Array.of(1))
    expect([bad.effects.inkEvents, bad.effects.logs]).toEqual([[], [{ contract: address, level: 3, message: 'größe 🦊' }]])
  })
  test('calls the chain extension', () => {
    expect(answerOf('const { status, output } = host.chainExtension(12, new Uint8Array(0)); return text([status, output])')).toBe('0,1')
  })
  test('refuses arguments of other types with exceptions that say which', () => {
    expect(answerOf(`
      const seen = []
      for (const run of [() => host.getStorage('key'), () => host.getStorage(new Uint8Array(0)), () => host.getStorage([1]), () => host.call(), () => host.transfer(${literal(BOB)}, 1),
        () => host.codeHashOf(new Uint8Array(31)), () => host.hash('md5', input), () => host.emitEvent(new Array(5).fill(${literal(BOB)}), input), () => host.log(9, '')]) {
        try { run(); seen.push('taken') } catch (error) { seen.push(error.message) }
      }
      return text(seen.join('|'))`)).toBe([
      'key must be a Uint8Array', 'key must not be empty', 'key must be a Uint8Array', 'request must be an object', 'value must be a bigint', 'account must have 32 bytes',
      'there is no hash of this kind', 'an event may have 4 topics', 'level must be a whole number up to 5',
    ].join('|'))
  })
  test('gives random numbers that are equal in every run and differ by subject', () => {
    const body = 'return text([hex(host.randomSeed(text("a"))) === hex(host.randomSeed(text("b"))), Math.random(), Math.random()])'
    const first = answerOf(body)
    expect(first).toMatch(/^false,0\.\d+,0\.\d+$/)
    expect(answerOf(body)).toBe(first)
  })
})

describe('calls between contracts', () => {
  const CALLER = jsContract(`
    const done = host.call({ callee: input.slice(0, 32), value: BigInt(input[32]), input: input.slice(33), allowReentry: true })
    return text(done.ok ? [done.flags, hex(done.data)] : done.error)`)
  const callerOn = (bench: ReturnType<typeof newBench>) => {
    const caller = addressOf(bench.deploy(CALLER, EMPTY, { transfer: 50n }))
    return (callee: Uint8Array, value: number, input: Uint8Array) => jsEndOf(bench.call(caller, Uint8Array.of(...callee, value, ...input))).answer
  }

  test('bring back what the other contract returned, reverted with, or that it failed', () => {
    const bench = newBench()
    const call = callerOn(bench)
    const counter = addressOf(bench.deploy(COUNTER, Uint8Array.of(1)))
    expect([call(counter, 0, EMPTY), call(counter, 0, Uint8Array.of(1)), call(counter, 0, Uint8Array.of(2)), call(counter, 0, EMPTY)]).toEqual(['0,02', '1,03', 'Trapped', '0,03'])
    expect(call(BOB, 0, EMPTY)).toBe('NotCallable')
    expect(call(counter, 60, EMPTY)).toBe('TransferFailed')
  })
  test('reach contracts of the other language, and come from them', () => {
    const bench = newBench()
    const call = callerOn(bench)
    const ink = addressOf(bench.deploy(wasmModule({
      imports: [{ module: 'seal0', name: 'seal_return', type: 3 }], functions: [{ body: [] }, { body: [0x41, 0, 0x41, 8, 0x41, 2, 0x10, 0] }], exports: { deploy: 0, call: 1 },
      data: [[0, 0x41, 8, 0x0b, 2, 0xab, 0xcd]],
    }), EMPTY))
    expect(call(ink, 0, EMPTY)).toBe('0,abcd')
  })
  test('stop at the sixth frame', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsContract(`
      const done = host.call({ callee: host.address, value: 0n, input: Uint8Array.of(input[0] + 1), allowReentry: true })
      return done.ok ? done.data : text('below ' + input[0] + ' ' + done.error)`), EMPTY))
    expect(jsEndOf(bench.call(address, Uint8Array.of(1))).answer).toBe('below 5 Trapped')
  })
  test('run other code on their own storage', () => {
    const bench = newBench()
    const codeHash = bench.upload(jsContract(`host.setStorage(text('k'), text('by ' + hex(host.address).slice(0, 4))); return text('done')`))
    const address = addressOf(bench.deploy(jsContract(`
      const done = host.delegateCall({ codeHash: ${literal(codeHash)}, input })
      return text([done.ok, new TextDecoder().decode(host.getStorage(text('k')))])`), EMPTY))
    expect(jsEndOf(bench.call(address, EMPTY)).answer).toBe(`true,by ${toHex(address).slice(2, 6)}`)
  })
  test('make new contracts, whose code they know', () => {
    const bench = newBench()
    const codeHash = bench.upload(COUNTER)
    const maker = addressOf(bench.deploy(jsContract(`
      const made = host.instantiate({ codeHash: ${literal(codeHash)}, value: 2n, input: Uint8Array.of(20), salt: text('s') })
      const called = host.call({ callee: made.address, value: 0n, input: new Uint8Array(0) })
      return text([made.ok, called.data[0], hex(host.codeHashOf(made.address)) === hex(${literal(codeHash)}), host.codeHashOf(${literal(BOB)})])`), EMPTY, { transfer: 50n }))
    const done = bench.call(maker, EMPTY)
    expect(jsEndOf(done).answer).toBe('true,21,true,')
    expect(done.effects.instantiated).toHaveLength(1)
  })
  test('change their own code for the next call', () => {
    const bench = newBench()
    const codeHash = bench.upload(COUNTER)
    const address = addressOf(bench.deploy(jsContract(`host.setStorage(Uint8Array.of(7), Uint8Array.of(9)); return text([host.setCodeHash(${literal(codeHash)}), host.setCodeHash(${literal(BOB)})])`), EMPTY))
    expect([jsEndOf(bench.call(address, EMPTY)).answer, jsEndOf(bench.call(address, EMPTY)).answer]).toEqual(['true,false', '\n'])
  })
  test('end themselves: nothing behind it runs, not even what would catch it', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsContract(`try { host.terminate(${literal(BOB)}) } catch {} finally { host.log(1, 'still here') } return input`), EMPTY, { transfer: 5n }))
    const done = bench.call(address, EMPTY)
    expect([endOf(done), done.effects.terminated, done.effects.logs]).toEqual(['ok', [{ contract: address, beneficiary: BOB }], []])
    expect(endOf(bench.call(address, EMPTY))).toBe('ContractNotFound')
  })
})

describe('queries', () => {
  const query = { randomSeed: new Uint8Array(32), workerPublicKey: BOB, untrustedNowMs: 1n, cache: { get: () => undefined, set: () => true, setExpiration: () => undefined, remove: () => undefined } }
  const request = { url: 'https://example.org/', method: 'GET', headers: [], body: EMPTY }

  test('wait for the outside in the middle of a script, and run anew with its answers', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsContract(`
      try {
        const { output } = host.chainExtension(1, ${literal(tuple(HttpRequest).encode([request]))})
        return output
      } catch (error) { return text('caught') }`), EMPTY))
    const call = { origin: ALICE, transfer: 0n, gasLimit: 1_000_000_000_000n, gasFree: true, storageDepositLimit: undefined, deposit: 0n, contract: address, input: EMPTY }
    const ask = (answers: Parameters<typeof callContract>[1]['query']) => callContract(bench.state, { ...bench.env, mode: 'Query', ...(answers === undefined ? {} : { query: answers }) }, call)
    expect(ask({ ...query, answers: [] })).toEqual({ kind: 'NeedsEffect', value: { requests: [request], timeoutMs: undefined } })
    const response = { statusCode: 200, reasonPhrase: 'OK', headers: [], body: utf8('hello') }
    const done = ask({ ...query, answers: [[{ ok: true, value: response }]] })
    expect(done.kind === 'Executed' && done.result.result.ok && HttpResponse.decode(done.result.result.value.data)).toEqual(response)
  })
})

describe('the language', () => {
  test.each([
    ['bigints of any size', 'return text([(2n ** 200n) % 1000007n, BigInt.asUintN(64, -1n), 10n ** 30n / 7n])', `${2n ** 200n % 1000007n},18446744073709551615,${10n ** 30n / 7n}`],
    ['numbers, NaN and infinities', 'return text([0.1 + 0.2, 0 / 0, -1 / 0, Math.sqrt(2), Math.sin(1), (1e21).toString(), (0.000001).toFixed(7), Number.MAX_VALUE])', `0.30000000000000004,NaN,-Infinity,${Math.sqrt(2)},${Math.sin(1)},1e+21,0.0000010,1.7976931348623157e+308`],
    ['a NaN with bits of its own becomes the usual one', 'const f = new Float64Array(1), b = new Uint32Array(f.buffer); b[0] = 1; b[1] = 0xfff80001; f[0] = f[0] + 1; return text([b[0], b[1].toString(16)])', '0,7ff80000'],
    ['classes, generators, spreads, regular expressions', 'class A { #x = 1; get x() { return this.#x } } function* g() { yield* [1, 2] } return text([new A().x, ...g(), "a-b".replace(/(\\w)-(\\w)/, "$2$1"), [..."añ🦊"].length])', '1,1,2,ba,3'],
    ['a clock that stands at the time of the block, in UTC', 'const now = new Date(); return text([now.toISOString(), now.getTimezoneOffset(), now.getHours(), new Date(2020, 6, 1).getTime(), String(now)])', '1970-01-01T00:00:07.000Z,0,0,1593561600000,Thu Jan 01 1970 00:00:07 GMT+0000'],
    ['functions made from text', 'return text([eval("1 + 1"), new Function("a", "return a * 2")(21)])', '2,42'],
    ['JSON, maps, sorting', 'return text([JSON.stringify({ b: [1, null], a: new Map([[1, 2]]).get(1) }), [3, 1, 2].sort()])', '{"b":[1,null],"a":2},1,2,3'],
  ])('%s', (_, body, expected) => {
    expect(answerOf(body)).toBe(expected)
  })
  test('promises are awaited to their end', () => {
    expect(answerOf('return (async () => { let sum = 0; for await (const each of [1, Promise.resolve(2), 3]) sum += each; host.setStorage(text("k"), text(sum)); return host.getStorage(text("k")) })()')).toBe('6')
  })
  test('jobs left behind run before the call ends', () => {
    const bench = newBench()
    const address = addressOf(bench.deploy(jsContract('Promise.resolve().then(() => host.emitEvent([], text("later"))); return input'), EMPTY))
    expect(bench.call(address, EMPTY).effects.inkEvents).toHaveLength(1)
  })
  test.each([
    ['a rejected promise', 'return Promise.reject(new RangeError("late"))', /^RangeError: late/],
    ['a promise that nobody resolves', 'return new Promise(() => {})', 'it waits for something that never comes'],
    ['something that is no answer', 'return 5', /^TypeError: phalanxContract returned neither/],
    ['nothing at all', '', /^TypeError: phalanxContract returned neither/],
    ['a thrown text', 'throw "text"', 'uncaught: text'],
    ['a thrown symbol', 'throw Symbol()', 'uncaught: a symbol'],
    ['an error that cannot be shown', 'throw { get message() { throw 1 }, toString() { throw 1 } }', 'an exception that cannot be shown'],
    ['a mistake, with its place', '\n  undefined.x', /^TypeError: cannot read property 'x' of undefined \(contract\.js:8:\d+\)$/],
    ['modules from elsewhere', 'return import("fs").then(() => input)', /^ReferenceError: could not load module/],
  ])('%s ends in a trap that says so', (_, body, failure) => {
    const done = callOnce(newBench(), body)
    expect(done.end).toBe('ContractTrapped')
    expect(done.failure).toMatch(typeof failure === 'string' ? new RegExp(`^${failure}$`) : failure)
  })
  test('a script that sets no entry point says so', () => {
    expect(newBench().deploy(jsCode('let nothing'), EMPTY).failure).toMatch(/^TypeError: the code does not set globalThis\.phalanxContract to a function/)
  })
  test('nothing is there that could differ between runs or lead outside', () => {
    const names = (answerOf('return text(Object.getOwnPropertyNames(globalThis).sort())') ?? '').split(',')
    expect(names).toEqual([
      'AggregateError', 'Array', 'ArrayBuffer', 'BigInt', 'BigInt64Array', 'BigUint64Array', 'Boolean', 'DataView', 'Date', 'Error', 'EvalError', 'Float16Array', 'Float32Array',
      'Float64Array', 'Function', 'Infinity', 'Int16Array', 'Int32Array', 'Int8Array', 'InternalError', 'Iterator', 'JSON', 'Map', 'Math', 'NaN', 'Number', 'Object', 'Promise', 'Proxy',
      'RangeError', 'ReferenceError', 'Reflect', 'RegExp', 'Set', 'String', 'Symbol', 'SyntaxError', 'TextDecoder', 'TextEncoder', 'TypeError', 'URIError', 'Uint16Array', 'Uint32Array',
      'Uint8Array', 'Uint8ClampedArray', 'WeakMap', 'WeakSet', 'decodeURI', 'decodeURIComponent', 'encodeURI', 'encodeURIComponent', 'escape', 'eval', 'globalThis', 'host', 'isFinite',
      'isNaN', 'parseFloat', 'parseInt', 'phalanxContract', 'undefined', 'unescape',
    ])
  })
})
