import { bigintToLe, concatBytes, EMPTY, toHex, utf8 } from '@phalanx/primitives/bytes'
import { tuple, bytes, text, u8, vec, u64 } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { deriveKeyPair } from '@phalanx/primitives/crypto'
import { describe, expect, test } from 'vitest'
import { addressOf, ALICE, BOB, ContractBench, endOf } from '../../testing/contracts.ts'
import { extensionCaller } from '../../testing/extension-caller.ts'
import { leb, wasmModule } from '../../testing/wasm-module.ts'
import type { LocalCache, QueryEnv } from './env.ts'
import { callContract, inspect, readConfig, writeConfig } from './execute.ts'
import { HttpRequest, HttpResponse } from './http.ts'
import { coarse, coarseDeposit } from './results.ts'

const crypto = await loadCrypto()
const I32 = 0x7f
const I64 = 0x7e
/** `i32.const` of a number that is not negative. */
const i32 = (value: number): number[] => [0x41, ...(leb(value).at(-1) as number >= 0x40 ? [...leb(value).slice(0, -1), (leb(value).at(-1) as number) | 0x80, 0] : leb(value))]
const store = (at: number, value: readonly number[]): number[] => [...i32(at), ...value, 0x36, 2, 0]
const CALL_TYPE = [0x60, 8, I32, I32, I64, I32, I32, I32, I32, I32, 1, I32]
const PAIR_TYPE = [0x60, 2, I32, I32, 0]
const EXTENSION_TYPE = [0x60, 5, I32, I32, I32, I32, I32, 1, I32]
const [PAIR, CALL] = [4, 5]
const types = [PAIR_TYPE, CALL_TYPE, EXTENSION_TYPE]

/** A contract whose function of `width` parameters besides its counter recurses `depth` times and then calls the contract itself. */
const selfCaller = (depth: number, flags: number, width = 0): Uint8Array => wasmModule({
  types: [...types, [0x60, width + 1, ...new Array<number>(width + 1).fill(I32), 0]],
  imports: [{ module: 'seal0', name: 'address', type: PAIR }, { module: 'seal1', name: 'call', type: CALL }],
  functions: [
    { body: [] },
    { body: [...store(1020, i32(32)), ...i32(1024), ...i32(1020), 0x10, 0, ...i32(depth), ...new Array<number[]>(width).fill(i32(1)).flat(), 0x10, 4] },
    {
      type: 7,
      body: [
        0x20, 0, 0x45, 0x04, 0x40, ...i32(flags), ...i32(1024), 0x42, 0, ...i32(0), ...i32(0), ...i32(0), 0x41, 0x7f, ...i32(0), 0x10, 1, 0x1a,
        0x05, 0x20, 0, ...i32(1), 0x6b, ...Array.from({ length: width }, (_, i) => [0x20, i + 1]).flat(), 0x10, 4, 0x0b,
      ],
    },
  ],
  exports: { deploy: 0, call: 1 },
})

describe('calls between contracts', () => {
  test.each([[0, 530], [60, 60]])('six frames, each near its stack limit, fit the native stack (%i parameters); a deeper one is stopped', (width, depth) => {
    const bench = new ContractBench({ crypto })
    const near = addressOf(bench.deploy(selfCaller(depth, 8, width), EMPTY))
    const done = bench.call(near, EMPTY)
    expect([endOf(done), done.failure]).toEqual(['ok', undefined])
    const single = addressOf(bench.deploy(selfCaller(depth * 2, 8, width), EMPTY))
    expect(bench.call(single, EMPTY).failure).toBe('the stack is used up')
  })
  test('a contract that did not allow it is not entered again', () => {
    const bench = new ContractBench({ crypto })
    expect(endOf(bench.call(addressOf(bench.deploy(selfCaller(1, 0), EMPTY)), EMPTY))).toBe('ReentranceDenied')
  })
  test('unknown flags stop the caller', () => {
    const bench = new ContractBench({ crypto })
    expect(endOf(bench.call(addressOf(bench.deploy(selfCaller(1, 64), EMPTY)), EMPTY))).toBe('InvalidCallFlags')
  })
  test('a contract that is not there', () => {
    expect(endOf(new ContractBench({ crypto }).call(BOB, EMPTY))).toBe('ContractNotFound')
  })
  test('money sent along arrives, and cannot be sent by who has none', () => {
    const bench = new ContractBench({ crypto })
    const address = addressOf(bench.deploy(extensionCaller, EMPTY, { transfer: 50n }))
    expect(endOf(bench.call(address, concatBytes(bigintToLe(12n, 4)), { transfer: 7n }))).toBe('ok')
    expect(endOf(bench.call(address, concatBytes(bigintToLe(12n, 4)), { transfer: 7n, origin: BOB }))).toBe('TransferFailed')
    const answer = bench.call(address, concatBytes(bigintToLe(16n, 4), address))
    expect(answer.result.result.ok && toHex(answer.result.result.value.data.subarray(24))).toBe(toHex(bigintToLe(58n, 16)))
  })
  test('a contract that ends gives its deposit to the caller and the rest to the beneficiary', () => {
    const code = wasmModule({
      imports: [{ module: 'seal1', name: 'terminate', type: 1 }],
      functions: [{ body: [] }, { body: [...i32(64), 0x10, 0] }], exports: { deploy: 0, call: 1 }, data: [[0, ...i32(64), 0x0b, 32, ...BOB]],
    })
    const bench = new ContractBench({ crypto })
    const before = bench.state
    const address = addressOf(bench.deploy(code, EMPTY, { transfer: 40n }))
    const done = bench.call(address, EMPTY)
    expect([endOf(done), done.result.storageDeposit, done.effects.terminated]).toEqual(['ok', { kind: 'Refund', value: 123n }, [{ contract: address, beneficiary: BOB }]])
    expect(endOf(bench.call(address, EMPTY))).toBe('ContractNotFound')
    const free = (state: typeof before, who: Uint8Array) => state.get(concatBytes(utf8('acct'), who))?.[0] ?? 0
    expect(free(bench.state, BOB) - free(before, BOB)).toBe(41)
  })
})

const memoryCache = (): LocalCache => {
  const kept = new Map<string, Uint8Array>()
  return {
    get: (_, key) => kept.get(toHex(key)),
    set: (_, key, value) => value.length < 100 && kept.set(toHex(key), value).size > 0,
    setExpiration: (_, key, seconds) => void (seconds === 0n && kept.delete(toHex(key))),
    remove(_, key) {
      const before = kept.get(toHex(key))
      kept.delete(toHex(key))
      return before
    },
  }
}

const queryEnv = (answers: QueryEnv['answers'] = []): QueryEnv => ({ randomSeed: new Uint8Array(32).fill(3), workerPublicKey: BOB, untrustedNowMs: 99n, cache: memoryCache(), answers })

describe('the chain extension', () => {
  const bench = new ContractBench({ crypto })
  const address = addressOf(bench.deploy(extensionCaller, EMPTY))
  const ask = (id: number, args: Uint8Array, query?: QueryEnv) => {
    const done = bench.call(address, concatBytes(bigintToLe(BigInt(id), 4), args), query === undefined ? {} : { env: { mode: 'Query', query } })
    const { result } = done.result
    if (!result.ok) return { end: endOf(done), status: -1, output: EMPTY, done }
    return { end: 'ok', status: result.value.data[0] as number, output: result.value.data.slice(8), done }
  }
  const hex = (id: number, args: Uint8Array, query?: QueryEnv): string => toHex(ask(id, args, query).output)

  test('tells queries from transactions', () => {
    expect([hex(12, EMPTY), hex(12, EMPTY, queryEnv())]).toEqual(['0x01', '0x00'])
    expect([hex(11, Uint8Array.of(8)), hex(11, Uint8Array.of(8), queryEnv()).length]).toEqual(['0x00', 2 + 2 * 9])
    expect([hex(17, EMPTY), hex(17, EMPTY, queryEnv())]).toEqual([toHex(new Uint8Array(32)), toHex(BOB)])
    expect([hex(18, EMPTY), hex(18, EMPTY, queryEnv())]).toEqual([toHex(bigintToLe(0n, 8)), toHex(bigintToLe(99n, 8))])
  })
  test('derives keys below the cluster key, equal everywhere', () => {
    const salt = utf8('foo')
    const expected = deriveKeyPair(crypto, bench.env.clusterSecret, [address, salt, utf8('keygen')])
    expect(hex(4, bytes.encode(salt))).toBe(toHex(bytes.encode(expected.secret)))
    expect(hex(4, bytes.encode(salt), queryEnv())).toBe(toHex(bytes.encode(expected.secret)))
    expect(hex(5, concatBytes(Uint8Array.of(1), bytes.encode(expected.secret)))).toBe(toHex(bytes.encode(expected.publicKey)))
  })
  test.each([[0, 'ed25519'], [1, 'sr25519'], [2, 'ecdsa']])('signs and verifies with type %i (%s)', (type) => {
    const key = bytes.encode(new Uint8Array(32).fill(5))
    const message = bytes.encode(utf8('message'))
    const kind = Uint8Array.of(type)
    const signature = ask(2, concatBytes(kind, key, message), queryEnv()).output
    const publicKey = ask(5, concatBytes(kind, key)).output
    expect(hex(3, concatBytes(kind, publicKey, message, signature))).toBe('0x01')
    expect(hex(3, concatBytes(kind, publicKey, bytes.encode(utf8('massage')), signature))).toBe('0x00')
    expect(hex(2, concatBytes(kind, key, message)) === '0x00').toBe(type === 1)
    expect(ask(2, concatBytes(kind, bytes.encode(Uint8Array.of(1)), message), queryEnv()).end).toBe('ContractTrapped')
  })
  test('logs stay with the execution', () => {
    expect(ask(10, tuple(u8, text).encode([2, 'hello'])).done.effects.logs).toEqual([{ contract: address, level: 2, message: 'hello' }])
    expect(ask(10, tuple(u8, text).encode([9, 'odd'])).done.effects.logs[0]?.level).toBe(1)
  })
  test('the cache is direct in queries, and a pink event in transactions', () => {
    const query = queryEnv()
    const pair = concatBytes(bytes.encode(utf8('foo')), bytes.encode(utf8('bar')))
    expect(ask(6, pair, query).status).toBe(0)
    expect(hex(8, bytes.encode(utf8('foo')), query)).toBe(toHex(concatBytes(Uint8Array.of(1), bytes.encode(utf8('bar')))))
    expect(ask(6, concatBytes(bytes.encode(utf8('foo')), bytes.encode(new Uint8Array(200))), query).status).toBe(1)
    expect(hex(8, bytes.encode(utf8('foo')))).toBe('0x00')
    expect(ask(6, pair).done.effects.pinkEvents).toEqual([{ contract: address, payload: concatBytes(Uint8Array.of(5, 0), pair) }])
  })
  test('HTTP is refused in transactions; a query waits for the answer and runs again with it', () => {
    const request: HttpRequest = { url: 'https://example.com/', method: 'GET', headers: [], body: EMPTY }
    const input = concatBytes(bigintToLe(1n, 4), HttpRequest.encode(request))
    expect(HttpResponse.decode(ask(1, HttpRequest.encode(request)).output).statusCode).toBe(523)
    const response: HttpResponse = { statusCode: 200, reasonPhrase: 'OK', headers: [], body: utf8('hi') }
    const run = (answers: QueryEnv['answers']) => callContract(bench.state, { ...bench.env, mode: 'Query', query: queryEnv(answers) }, {
      origin: ALICE, transfer: 0n, gasLimit: 10n ** 12n, gasFree: true, storageDepositLimit: undefined, deposit: 0n, contract: address, input,
    })
    expect(run([])).toEqual({ kind: 'NeedsEffect', value: { requests: [request], timeoutMs: undefined } })
    const done = run([[{ ok: true, value: response }]])
    expect(done.kind === 'Executed' && done.result.result.ok && HttpResponse.decode(done.result.result.value.data.slice(8))).toEqual(response)
    expect(ask(22, concatBytes(vec(HttpRequest).encode([request]), u64.encode(5n))).status).toBe(7)
    expect(ask(1, HttpRequest.encode(request), queryEnv([[{ ok: false, error: { kind: 'Timeout' } }]])).end).toBe('ContractTrapped')
    expect(HttpResponse.decode(ask(1, HttpRequest.encode(request), queryEnv([[{ ok: false, error: { kind: 'NotAllowed' } }]])).output).statusCode).toBe(524)
  })
  test('malformed arguments and unknown functions stop the contract', () => {
    expect([ask(4, Uint8Array.of(200)).end, ask(4, concatBytes(bytes.encode(EMPTY), Uint8Array.of(1))).end, ask(77, EMPTY).end, ask(0x1_0001, EMPTY).end])
      .toEqual(['DecodingFailed', 'DecodingFailed', 'NoChainExtension', 'NoChainExtension'])
  })
})

test('coarse figures as the reference publishes them', () => {
  const gas = (value: bigint) => coarse(value, { bits: 24, width: 64 })
  expect([0n, 0x10000000n, 0x1000000000n, 0x10000000000000n, 0xffffffff00000000n].map(gas))
    .toEqual([0xffffffn, 0x10ffffffn, 0x100fffffffn, 0x100fffffffffffn, 0xffffffffffffffffn])
  expect([coarseDeposit(0n, 0n), coarseDeposit(0n, 1n), coarseDeposit(0n, 10n), coarseDeposit(0x10n, 10n), coarseDeposit(0x100000n, 10n)])
    .toEqual([0n, 255n, 4095n, 4095n, 0x100fffn])
})

describe('settings and sums', () => {
  test('the system contract is the one that the settings name', () => {
    const bench = new ContractBench({ crypto })
    const address = addressOf(bench.deploy(extensionCaller, EMPTY))
    const ask = () => bench.call(address, bigintToLe(15n, 4)).result.result
    expect(ask().ok).toBe(false)
    bench.state = writeConfig(bench.state, crypto, { ...readConfig(bench.state, crypto), systemContract: BOB })
    const answer = ask()
    expect(answer.ok && toHex(answer.value.data.slice(8))).toBe(toHex(BOB))
  })
  test('a deposit as large as a balance can be breaks nothing', () => {
    const bench = new ContractBench({ crypto })
    const address = addressOf(bench.deploy(extensionCaller, EMPTY))
    const most = (1n << 128n) - 1n
    const query = { env: { mode: 'Query', query: queryEnv() }, deposit: most } as const
    expect(endOf(bench.call(address, bigintToLe(12n, 4), query))).toBe('ok')
    expect(endOf(bench.call(address, bigintToLe(12n, 4), { ...query, transfer: most }))).toBe('TransferFailed')
    const dear = new ContractBench({ crypto, config: { depositPerByte: most, depositPerItem: most, gasPrice: most } })
    expect(endOf(dear.deploy(extensionCaller, EMPTY))).toBe('StorageDepositNotEnoughFunds')
  })
  test('the same code uploaded again changes nothing, and is counted by its users', () => {
    const bench = new ContractBench({ crypto })
    const hash = bench.upload(extensionCaller)
    const { root } = bench.state
    bench.upload(extensionCaller)
    expect(toHex(bench.state.root)).toBe(toHex(root))
    const address = addressOf(bench.deploy(extensionCaller, EMPTY))
    const seen = inspect(bench.state, crypto)
    expect([seen.codeInfo(hash)?.users, seen.contract(address)?.codeHash, seen.account(address)]).toEqual([1n, hash, { free: 1n, held: 123n }])
  })
  test('two workers with the same commands have the same state', () => {
    const run = () => {
      const bench = new ContractBench({ crypto })
      const address = addressOf(bench.deploy(selfCaller(20, 8), EMPTY))
      const gas = bench.call(address, EMPTY).result.gasConsumed.refTime
      return [toHex(bench.state.root), gas]
    }
    expect(run()).toEqual(run())
  })
})
