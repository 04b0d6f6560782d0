/** What contract execution has in common with published data: addresses, results in SCALE, numbers of extension functions. */
import { concatBytes, leToBigint, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { bytes } from '@phalanx/primitives/codec'
import { isAppError } from '@phalanx/primitives/errors'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { contractAddress, ContractExecResult, type CodeVm, type LocalCache, type QueryEnv } from '@phalanx/worker/contracts'
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { addressOf, ContractBench, endOf } from '../src/testing/contracts.ts'

const crypto = await loadCrypto()

/** A machine for a contract that hands its input (number u16, arguments) to the chain extension: returns status u32 and output. */
const prober: CodeVm = {
  kind: 'js',
  recognises: () => true,
  validate: () => ({ kind: 'js', isDeterministic: true }),
  run(_, host) {
    if (host.entry === 'deploy') return { kind: 'Returned', value: { flags: 0, data: new Uint8Array(0) } }
    try {
      const { status, output } = host.chainExtension(Number(leToBigint(host.input.subarray(0, 2))), host.input.subarray(2))
      return { kind: 'Returned', value: { flags: 0, data: concatBytes(Uint8Array.of(status), output) } }
    } catch (error) {
      const reason = isAppError(error, 'CONTRACT_TRAPPED') ? error.context : undefined
      if (reason === undefined) throw error
      return { kind: 'Trapped', value: { error: reason.error as 'ContractTrapped', reason: reason.reason } }
    }
  },
}

const noCache: LocalCache = { get: () => undefined, set: () => false, setExpiration: () => undefined, remove: () => undefined }
const query: QueryEnv = { randomSeed: new Uint8Array(32).fill(1), workerPublicKey: new Uint8Array(32).fill(2), untrustedNowMs: 1n, cache: noCache, answers: [] }

const started = () => {
  const bench = new ContractBench({ crypto, env: { vms: [prober] } })
  const at = addressOf(bench.deploy(Uint8Array.of(1), new Uint8Array(0)))
  return (id: number, args: Uint8Array, isQuery = false) => {
    const done = bench.call(at, concatBytes(Uint8Array.of(id & 0xff, id >> 8), args), isQuery ? { env: { mode: 'Query', query } } : {})
    const { result } = done.result
    return { end: endOf(done), status: result.ok ? result.value.data[0] : undefined, output: result.ok ? result.value.data.slice(1) : new Uint8Array(0) }
  }
}

describeVectors('contracts', () => {
  test('addresses', () => {
    const { cases } = readVectorJson<{ cases: Record<'deployer' | 'codeHash' | 'clusterId' | 'salt' | 'address', string>[] }>('7-contracts/pink-addresses.json')
    const made = cases.map(({ deployer, codeHash, clusterId, salt }) =>
      toHex(contractAddress(crypto, { deployer: parseHex(deployer), codeHash: parseHex(codeHash), clusterId: parseHex(clusterId), salt: parseHex(salt) })))
    expect(made).toEqual(cases.map(({ address }) => address))
    expect(made.length).toBeGreaterThan(0)
  })
  test('a published result of a call, but for the events that it was made without', () => {
    const [published] = readVectorJson<{ readResults: [Record<string, string>] }>('7-contracts/codec.json').readResults
    const bytes = concatBytes(parseHex(Object.values(published).find((value) => value.startsWith?.('0x')) ?? ''), Uint8Array.of(0))
    const result = ContractExecResult.decode(bytes)
    expect(result.result).toEqual({ ok: true, value: { flags: 0, data: Uint8Array.of(0) } })
    expect(toHex(ContractExecResult.encode(result))).toBe(toHex(bytes))
  })
  test('every function of the chain extension is there under its number, and no other', () => {
    const { functions } = readVectorJson<{ functions: { id: number; name: string; handleStatus: boolean }[] }>('7-contracts/pink-chain-extension-ids.json')
    const ask = started()
    const known = new Set(functions.map(({ id }) => id))
    expect(known.size).toBe(25)
    for (let id = 0; id < 64; id++) {
      const ends = [false, true].map((isQuery) => ask(id, new Uint8Array(0), isQuery).end === 'NoChainExtension')
      expect([id, ...ends]).toEqual([id, !known.has(id), !known.has(id)])
    }
  })
  test('only functions that hand over their status ever have another than 0', () => {
    const { functions } = readVectorJson<{ functions: { id: number; name: string; handleStatus: boolean }[] }>('7-contracts/pink-chain-extension-ids.json')
    const ask = started()
    const pair = parseHex('0x0c666f6f0c626172')
    const request = concatBytes(bytes.encode(utf8('https://example.com/')), bytes.encode(utf8('GET')), Uint8Array.of(0, 0))
    const refused: Readonly<Record<number, Uint8Array>> = { 6: pair, 22: concatBytes(Uint8Array.of(6 << 2), ...new Array<Uint8Array>(6).fill(request), new Uint8Array(8)) }
    for (const { id, name, handleStatus } of functions) {
      const args = refused[id]
      if (args !== undefined) expect([name, handleStatus, (ask(id, args, true).status ?? 0) > 0]).toEqual([name, true, true])
      else expect([name, handleStatus, ask(id, new Uint8Array(0), true).status ?? 0]).toEqual([name, false, 0])
    }
  })
  test('published behaviour: what differs between queries and transactions', () => {
    const ask = started()
    const published = readVectorJson<{ test: string; expect: Record<string, unknown> }[]>('7-contracts/pink-behaviour.json')
    const named = (name: string) => published.find((each) => each.test === name)?.expect
    const isInTransaction = (isQuery: boolean) => ask(12, new Uint8Array(0), isQuery).output[0] === 1
    expect({ query: isInTransaction(true), transaction: isInTransaction(false) }).toEqual(named('test_is_in_transaction'))
    const random = (isQuery: boolean) => bytes.decode(ask(11, Uint8Array.of(32), isQuery).output)
    expect(named('test_getrandom')).toEqual({ 'query 32': '32 bytes, not all zero', 'transaction 32': 'empty' })
    expect([random(true).length, random(true).some((byte) => byte !== 0), random(false).length]).toEqual([32, true, 0])
    expect(named('test_http_req')).toMatchObject({ 'transaction https://example.com/': 523 })
    const request = concatBytes(bytes.encode(utf8('https://example.com/')), bytes.encode(utf8('GET')), Uint8Array.of(0, 0))
    expect(leToBigint(ask(1, request).output.subarray(0, 2))).toBe(523n)
  })
})
