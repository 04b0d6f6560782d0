/** The course of a query: rounds with requests between them, turns, limits of time and number, and what is counted. */
import { bytesToKey, concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import { bytes, tuple, u32, u8, vec, u64 } from '@phalanx/primitives/codec'
import { ContractExecResult } from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock } from '@phalanx/primitives/ports'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { describe, expect, test } from 'vitest'
import '../errors.ts'
import { HttpRequest, type HttpAnswer } from '../contracts/execution/http.ts'
import type { QueryResult, QuerySnapshot, RoundOutcome } from '../contracts/query/run-query.ts'
import type { CodeVm, VmHost } from '../contracts/vm.ts'
import { addressOf, ALICE, ContractBench } from '../testing/contracts.ts'
import { createTestRandom } from '../testing/outside.ts'
import type { QueryExecutor, Round } from './executor.ts'
import type { HttpFetch } from './http-fetch.ts'
import { createInlineExecutor } from './inline-executor.ts'
import { QueryService, type QueryAsk } from './query-service.ts'

const crypto = await loadCrypto()
const id = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
const DONE: RoundOutcome = { kind: 'Done', value: { output: EMPTY, failure: undefined, logs: [], cacheChanges: [] } }
const NEEDS: RoundOutcome = { kind: 'NeedsEffect', value: { requests: [{ url: 'http://a/', method: 'GET', headers: [], body: EMPTY }], timeoutMs: undefined } }
const OK: HttpAnswer = { ok: true, value: { statusCode: 200, reasonPhrase: 'OK', headers: [], body: utf8('answer') } }

/** A clock that a test moves. */
class HandClock implements Clock {
  now = 0
  private timers: { at: number; callback: () => void }[] = []
  nowMs(): number {
    return this.now
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.now + delayMs, callback }
    this.timers.push(timer)
    return () => void (this.timers = this.timers.filter((each) => each !== timer))
  }
  move(ms: number): void {
    this.now += ms
    for (const timer of this.timers.filter(({ at }) => at <= this.now)) {
      this.timers = this.timers.filter((each) => each !== timer)
      timer.callback()
    }
  }
}

interface Pending {
  readonly round: Round
  readonly end: (outcome: RoundOutcome) => void
  readonly fail: (error: unknown) => void
}

const create = (options: { depth?: number; perContract?: number; fetch?: HttpFetch } = {}) => {
  const clock = new HandClock()
  const running: Pending[] = []
  const held = { count: 0 }
  const executor: QueryExecutor = {
    run: (round) => new Promise((end, fail) => running.push({ round, end, fail })),
    prepare() {},
    hold() {
      held.count++
      return () => void held.count--
    },
    applyCache() {},
    setWeights() {},
    reset() {},
    close: () => Promise.resolve(),
  }
  const service = new QueryService(
    { depth: options.depth ?? 2, perContract: options.perContract ?? 2 },
    { executor, fetch: options.fetch ?? (() => Promise.resolve(OK)), clock, random: createTestRandom(crypto, 'service'), elapsedMs: () => clock.nowMs() },
  )
  return { clock, running, held, service }
}

const snapshot = { contracts: undefined, point: undefined } as unknown as QuerySnapshot
const ask = (contract: Uint8Array, change: Partial<QueryAsk> = {}): QueryAsk =>
  ({ snapshot, job: undefined as unknown as QueryAsk['job'], contract, weight: 1, workerPublicKey: id(9), ...change })
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a query that asks the outside', () => {
  test('runs again with what was answered, and the same randomness', async () => {
    const { running, service } = create()
    const answered = service.answer(ask(id(1)))
    await settle()
    running[0]?.end(NEEDS)
    await settle()
    expect(running[1]?.round.env).toEqual({ ...running[0]?.round.env, answers: [[OK]] })
    running[1]?.end(DONE)
    expect(await answered).toEqual((DONE as { value: QueryResult }).value)
    expect(service.counters.http.global).toMatchObject({ requests: 1, failures: 0 })
    expect(service.counters.http.byContract.get(bytesToKey(id(1)))?.byStatus).toEqual(new Map([[200, 1]]))
  })
  test('may do so five times', async () => {
    const { running, service } = create()
    const refused = codeOfRejection(service.answer(ask(id(1))))
    for (let i = 0; i < 6; i++) {
      await settle()
      running[i]?.end(NEEDS)
    }
    expect(await refused).toBe('QUERY_ROUNDS_EXCEEDED')
    expect(running.length).toBe(6)
  })
  test('leaves its place to others while it waits', async () => {
    let arrive: (answer: HttpAnswer) => void = () => {}
    const { running, service } = create({ depth: 1, perContract: 1, fetch: () => new Promise((resolve) => (arrive = resolve)) })
    const slow = service.answer(ask(id(1)))
    await settle()
    running[0]?.end(NEEDS)
    await settle()
    const other = service.answer(ask(id(2)))
    await settle()
    running[1]?.end(DONE)
    await other
    arrive(OK)
    await settle()
    running[2]?.end(DONE)
    await slow
  })
  test('has ten seconds in all, requests included, and asks for no more than is left', async () => {
    const limits: number[] = []
    const { clock, running, service } = create({
      fetch: (_request, { timeoutMs }) => {
        limits.push(timeoutMs)
        return Promise.resolve(OK)
      },
    })
    const refused = codeOfRejection(service.answer(ask(id(1))))
    await settle()
    clock.move(4000)
    running[0]?.end(NEEDS)
    await settle()
    clock.move(6000)
    running[1]?.end({ kind: 'NeedsEffect', value: { requests: [], timeoutMs: 100n } })
    expect(await refused).toBe('QUERY_TIMED_OUT')
    expect(limits).toEqual([6000])
  })
  test('of one contract does not take every place outside', async () => {
    const { running, service } = create({ depth: 64, perContract: 64, fetch: () => new Promise(() => {}) })
    const outcomes = Array.from({ length: 17 }, () => codeOfRejection(service.answer(ask(id(1)))))
    await settle()
    for (const each of running) each.end(NEEDS)
    expect(await outcomes[16]).toBe('QUERY_OVERLOADED')
  })
  test('of one contract does not take the room for everybody\'s answers', async () => {
    const arrived: (() => void)[] = []
    const { running, service } = create({ depth: 64, perContract: 64, fetch: () => new Promise((resolve) => void arrived.push(() => resolve(OK))) })
    const batch: RoundOutcome = { kind: 'NeedsEffect', value: { requests: Array.from({ length: 5 }, () => ({ url: 'http://a/', method: 'GET', headers: [], body: EMPTY })), timeoutMs: undefined } }
    const outcomes = Array.from({ length: 10 }, () => codeOfRejection(service.answer(ask(id(1)))))
    const other = service.answer(ask(id(2)))
    await settle()
    for (const each of [...running]) each.end(batch)
    await settle()
    // Five answers of two MiB each may come for one query, and 64 MiB for all of one contract.
    for (const arrive of arrived) arrive()
    await settle()
    for (const each of running.slice(11)) each.end(DONE)
    const codes = await Promise.all(outcomes)
    expect([codes.filter((code) => code === 'none').length, codes.filter((code) => code === 'QUERY_OVERLOADED').length]).toEqual([6, 4])
    await other
    // What was held is given back: as many fit again.
    const again = Array.from({ length: 6 }, () => codeOfRejection(service.answer(ask(id(1)))))
    await settle()
    const [before, calls] = [running.length, arrived.length]
    for (const each of running.slice(before - 6)) each.end(batch)
    await settle()
    for (const arrive of arrived.slice(calls)) arrive()
    await settle()
    for (const each of running.slice(before)) each.end(DONE)
    expect(await Promise.all(again)).toEqual(Array.from({ length: 6 }, () => 'none'))
  })
})

describe('turns', () => {
  test('come in order of the queue; what finds no room is refused and counted', async () => {
    const { running, service, held } = create({ depth: 1, perContract: 1 })
    const outcomes = Array.from({ length: 40 }, () => codeOfRejection(service.answer(ask(id(1)))))
    await settle()
    expect(running.length).toBe(1)
    for (let i = 0; i < 33; i++) {
      running[i]?.end(DONE)
      await settle()
    }
    const codes = await Promise.all(outcomes)
    expect([codes.filter((code) => code === 'none').length, codes.filter((code) => code === 'QUERY_OVERLOADED').length]).toEqual([33, 7])
    expect(service.counters.query.global).toMatchObject({ total: 40, dropped: 7 })
    expect(held.count).toBe(0)
  })
  test('are given up when they do not come in time, or nobody waits', async () => {
    const { clock, service, running } = create({ depth: 1, perContract: 1 })
    void service.answer(ask(id(1))).catch(() => undefined)
    const late = codeOfRejection(service.answer(ask(id(2))))
    const controller = new AbortController()
    const left = codeOfRejection(service.answer(ask(id(3), { signal: controller.signal })))
    await settle()
    controller.abort()
    expect(await left).toBe('QUERY_CANCELLED')
    clock.move(10_000)
    expect(await late).toBe('QUERY_TIMED_OUT')
    expect(running.length).toBe(1)
  })
  test('of one contract do not take every place', async () => {
    const { service, running } = create({ depth: 4, perContract: 2 })
    for (let i = 0; i < 4; i++) void service.answer(ask(id(1))).catch(() => undefined)
    await settle()
    expect(running.length).toBe(2)
    const other = service.answer(ask(id(2)))
    await settle()
    running[2]?.end(DONE)
    await other
  })
  test('a failed round frees its place', async () => {
    const { service, running } = create({ depth: 1, perContract: 1 })
    const failed = codeOfRejection(service.answer(ask(id(1))))
    await settle()
    running[0]?.fail(new AppError('QUERY_ENGINE_FAILED', { reason: 'told to' }))
    expect(await failed).toBe('QUERY_ENGINE_FAILED')
    const next = service.answer(ask(id(1)))
    await settle()
    running[1]?.end(DONE)
    await next
  })
})

/** Code whose call draws a random number, asks two places one after the other, keeps a value, and returns all that it learned. */
const ASKING = utf8('test-asking/1')
const callExtension = (host: VmHost, functionId: number, input: Uint8Array): Uint8Array => host.chainExtension(functionId, input).output
const request = (url: string): Uint8Array => HttpRequest.encode({ url, method: 'GET', headers: [], body: EMPTY })
const drawn: Uint8Array[] = []
const askingVm: CodeVm = {
  kind: 'js',
  recognises: (code) => bytesToKey(code) === bytesToKey(ASKING),
  validate: () => ({ kind: 'js', isDeterministic: true }),
  run(_code, host) {
    if (host.entry === 'deploy') return { kind: 'Returned', value: { flags: 0, data: EMPTY } }
    const random = callExtension(host, 11, u8.encode(16))
    drawn.push(random)
    const first = callExtension(host, 1, request('http://first/'))
    const stored = host.chainExtension(6, tuple(bytes, bytes).encode([utf8('seen'), random])).status
    const both = callExtension(host, 22, tuple(vec(HttpRequest), u64).encode([[HttpRequest.decode(request('http://second/')), HttpRequest.decode(request('http://third/'))], 50n]))
    return { kind: 'Returned', value: { flags: 0, data: concatBytes(u32.encode(stored), random, first, both) } }
  },
}

describe('a contract that asks the outside', () => {
  test('sees every answer, draws the same number in every round, keeps what it stores once', async () => {
    const bench = new ContractBench({ crypto, env: { vms: [askingVm] } })
    const contract = addressOf(bench.deploy(ASKING, EMPTY))
    const asked: string[] = []
    const fetch: HttpFetch = ({ url }, { timeoutMs }) => {
      asked.push(`${url} ${timeoutMs}`)
      return Promise.resolve(url === 'http://third/' ? { ok: false, error: { kind: 'NotAllowed' } } : OK)
    }
    const executor = createInlineExecutor({ crypto, vms: [askingVm] })
    executor.setWeights([{ contract, weight: 1 }])
    const clock = new HandClock()
    const service = new QueryService({ depth: 1, perContract: 1 }, { executor, fetch, clock, random: createTestRandom(crypto, 'asking'), elapsedMs: () => 0 })
    const point = { blockNumber: 1, nowMs: 1n, clusterSecret: bench.env.clusterSecret, eventChainHead: { number: 0n, hash: id(0) } }
    const { output } = await service.answer({
      snapshot: { contracts: bench.state, point }, contract, weight: 1, workerPublicKey: id(9),
      job: { kind: 'call', value: { mode: 'Query', origin: ALICE, contract, input: EMPTY, transfer: 0n, deposit: 0n } },
    })
    const { result } = ContractExecResult.decode(output)
    expect(drawn.map((each) => bytesToKey(each))).toEqual(new Array(3).fill(bytesToKey(drawn[0] as Uint8Array)))
    expect(asked).toEqual(['http://first/ 10000', 'http://second/ 250', 'http://third/ 250'])
    expect(result.ok && Buffer.from(result.value.data).toString('latin1').split('answer').length - 1).toBe(2)
    expect(result.ok && u32.decode(result.value.data.slice(0, 4))).toBe(0)
  })
})
