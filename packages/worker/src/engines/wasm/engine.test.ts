import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { toHex } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { describe, expect, test } from 'vitest'
import { addressOf, ContractBench, endOf } from '../../testing/contracts.ts'
import { wasmModule, type TestModule } from '../../testing/wasm-module.ts'

const crypto = await loadCrypto()
const EMPTY_INPUT = new Uint8Array(0)
/** Functions: 0 does nothing (deploy), 1 is `call`. */
const withCall = (body: readonly number[], rest: Partial<TestModule> = {}): Uint8Array =>
  wasmModule({ functions: [{ body: [] }, { body }], exports: { deploy: 0, call: 1 }, ...rest })

const refusalOf = (code: Uint8Array, deterministic = true): string => {
  try {
    new ContractBench({ crypto }).upload(code, deterministic)
    return 'taken'
  } catch (error) {
    if (isAppError(error, 'CONTRACT_CODE_REFUSED')) return error.context.reason
    if (isAppError(error, 'CONTRACT_IMPORT_UNKNOWN')) return error.context.name
    throw error
  }
}

/** Deploys a module, calls it, and tells how that ended; the state must be as it was. */
const callOnce = (code: Uint8Array, gasLimit = 20_000_000_000n): { readonly end: string; readonly failure: string | undefined; readonly gas: bigint } => {
  const bench = new ContractBench({ crypto })
  const address = addressOf(bench.deploy(code, EMPTY_INPUT))
  const before = toHex(bench.state.root)
  const done = bench.call(address, EMPTY_INPUT, { gasLimit })
  if (endOf(done) !== 'ok') expect(toHex(bench.state.root)).toBe(before)
  return { end: endOf(done), failure: done.failure, gas: done.result.gasConsumed.refTime }
}

const LOOP = [0x03, 0x40, 0x0c, 0, 0x0b]
const RECURSE = [0x10, 1]

describe('hostile modules at run time', () => {
  test('an endless loop ends when the gas does', () => {
    expect(callOnce(withCall(LOOP))).toEqual({ end: 'OutOfGas', failure: 'the gas is used up', gas: 20_000_000_000n })
  })
  test('endless recursion ends at the stack limit, with gas left', () => {
    const { end, failure, gas } = callOnce(withCall(RECURSE))
    expect({ end, failure }).toEqual({ end: 'ContractTrapped', failure: 'the stack is used up' })
    expect(gas).toBeLessThan(1_000_000_000n)
  })
  test('recursion with many locals ends at the same limit of bytes, sooner', () => {
    const deep = callOnce(withCall(RECURSE)).gas
    const wide = callOnce(wasmModule({ functions: [{ body: [] }, { body: RECURSE, locals: [[1000, 0x7e]] }], exports: { deploy: 0, call: 1 } })).gas
    expect(wide).toBeLessThan(deep)
  })
  test('recursion through the table is counted too', () => {
    const body = [0x41, 0, 0x11, 0, 0]
    const code = withCall(body, { table: [0, 1], elements: [[0, 0x41, 0, 0x0b, 1, 1]] })
    expect(callOnce(code).failure).toBe('the stack is used up')
  })
  test('growing memory is paid by page and stops at the maximum', () => {
    const grow = (pages: number) => callOnce(withCall([0x41, pages, 0x40, 0, 0x1a]))
    expect(grow(15).gas - grow(1).gas).toBe(14n * 16_000_000n)
    expect(grow(16).end).toBe('ok')
    expect(callOnce(withCall([0x41, 0x7f, 0x40, 0, 0x1a])).end).toBe('OutOfGas')
  })
  test.each([
    ['division by zero', [0x41, 1, 0x41, 0, 0x6d, 0x1a], 'it divided by zero'],
    ['unreachable', [0x00], 'it reached code that must not be reached'],
    ['a load outside of the memory', [0x41, 0x7f, 0x28, 2, 0, 0x1a], 'it left its memory'],
  ])('%s stops the contract and nothing else, for a reason that no engine words', (_, body, reason) => {
    expect(callOnce(withCall(body))).toMatchObject({ end: 'ContractTrapped', failure: reason })
  })
  test('a pointer outside of the memory given to a host function stops the contract', () => {
    const code = withCall([0x41, 0x7f, 0x41, 0x7f, 0x10, 0], { imports: [{ module: 'seal0', name: 'caller', type: 4 }], types: [[0x60, 2, 0x7f, 0x7f, 0]] })
    expect(callOnce(code).end).toBe('OutOfBounds')
  })
  test('the same module uses the same gas every time', () => {
    const gas = () => callOnce(withCall([0x41, 3, 0x41, 4, 0x6a, 0x1a])).gas
    expect(gas()).toBe(gas())
  })
})

describe('modules that are refused at upload', () => {
  const one = (body: readonly number[], rest: Partial<TestModule> = {}): Uint8Array => wasmModule({ functions: [{ body }], ...rest })
  test.each<[string, Uint8Array, string | RegExp]>([
    ['an unknown import', one([], { imports: [{ module: 'seal9', name: 'steal', type: 0 }] }), 'seal9.steal'],
    ['a known import of another type', one([], { imports: [{ module: 'seal0', name: 'input', type: 0 }] }), 'seal0.input as >'],
    ['floats in code', one([0x43, 0, 0, 0, 0, 0x1a]), 'it uses floating point'],
    ['floats in locals', wasmModule({ functions: [{ locals: [[1, 0x7d]], body: [] }] }), 'it uses floating point'],
    ['floats in types', one([], { types: [[0x60, 1, 0x7c, 0]] }), 'it uses floating point'],
    ['vector instructions', one([0xfd, 0x0c]), /0xfd is not allowed/],
    ['atomic instructions', one([0xfe, 0x00]), /0xfe is not allowed/],
    ['bulk memory', one([0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 10, 0, 0]), /0xfc 10 is not allowed/],
    ['reference types', one([0xd0, 0x70, 0x1a]), /0xd0 is not allowed/],
    ['a huge memory', one([], { memory: [1, 1, 65] }), /65 pages, 64 are allowed/],
    ['a memory without maximum', one([], { memory: [0, 1] }), 'its memory has no maximum'],
    ['a shared memory', one([], { memory: [3, 1, 2] }), 'its memory is shared or of 64 bits'],
    ['a huge table', one([], { table: [0, 0x81, 0x20] }), /4097 elements, 4096 are allowed/],
    ['too many locals', wasmModule({ functions: [{ locals: [[1025, 0x7f]], body: [] }] }), /1025 locals, 1024 are allowed/],
    ['several results', one([], { types: [[0x60, 0, 2, 0x7f, 0x7f]] }), /2 results, 1 are allowed/],
    ['a missing entry point', one([], { exports: { call: 0 } }), /does not export the function deploy/],
    ['another exported function', one([], { exports: { call: 0, deploy: 0, extra: 0 } }), /exports the function extra/],
    ['code that is not well typed', one([0x41, 0]), 'it is not valid WebAssembly'],
    ['operands that are not there', one([0x6a, 0x1a]), 'an instruction takes more operands than there are'],
    ['a branch to nowhere', one([0x0c, 9]), 'a branch leads nowhere'],
    ['an else without if', one([0x05]), 'an else stands outside of an if'],
    ['something else', Uint8Array.of(1, 2, 3), 'it is neither a WebAssembly module nor a contract bundle'],
    ['a component', Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), 'it is neither a WebAssembly module nor a contract bundle'],
  ])('%s', (_, code, reason) => {
    expect(refusalOf(code)).toMatch(typeof reason === 'string' ? new RegExp(`^${reason.replaceAll('.', '\\.')}$`) : reason)
  })
  test('every prefix of a module', () => {
    const whole = one([0x41, 1, 0x1a])
    expect(refusalOf(whole)).toBe('taken')
    for (let length = 8; length < whole.length; length++) expect(refusalOf(whole.subarray(0, length)), `the first ${length} bytes`).not.toBe('taken')
  })
  test('floats are allowed where only queries run the code, and such code runs in no transaction', () => {
    const code = one([0x43, 0, 0, 0, 0, 0x1a])
    expect(refusalOf(code, false)).toBe('taken')
    expect(endOf(new ContractBench({ crypto }).deploy(code, EMPTY_INPUT, { deterministic: false }))).toBe('Indeterministic')
  })
})
