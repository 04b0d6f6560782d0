/** Query threads: real ones hold the state and are stopped when late; what goes wrong with threads is told and mended, with threads made up. */
import { EMPTY, bigintToLe, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { bytes, tuple, u32 } from '@phalanx/primitives/codec'
import { ContractExecResult } from '@phalanx/primitives/contracts'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger, type Clock } from '@phalanx/primitives/ports'
import { codeOfRejection } from '@phalanx/primitives/testing'
import { afterAll, describe, expect, test } from 'vitest'
import '../errors.ts'
import type { QueryJob, QuerySnapshot, RoundOutcome } from '../contracts/query/run-query.ts'
import { addressOf, ALICE, ContractBench } from '../testing/contracts.ts'
import { extensionCaller } from '../testing/extension-caller.ts'
import { wasmModule } from '../testing/wasm-module.ts'
import type { QueryExecutor, Round } from './executor.ts'
import { startQueryThread } from './start-thread.ts'
import { createThreadExecutor, type QueryThread } from './thread-executor.ts'
import type { FromThread, ToThread } from './thread-messages.ts'

const crypto = await loadCrypto()
const clock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}
const LIMIT_MS = 60_000

/** A contract that loops for ever where its input says so, and one that returns. */
const LOOP = wasmModule({ functions: [{ body: [] }, { body: [0x03, 0x40, 0x0c, 0, 0x0b] }], exports: { deploy: 0, call: 1 } })
const QUIET = wasmModule({ functions: [{ body: [] }, { body: [] }], exports: { deploy: 0, call: 1 } })

const bench = new ContractBench({ crypto })
const loop = addressOf(bench.deploy(LOOP, EMPTY))
const quiet = addressOf(bench.deploy(QUIET, EMPTY))
const keeper = addressOf(bench.deploy(extensionCaller, EMPTY))
/** Functions of the chain extension. */
const CACHE_SET = 6
const CACHE_GET = 8

const snapshotAt = (blockNumber: number): QuerySnapshot => ({
  contracts: bench.state,
  point: { blockNumber, nowMs: BigInt(blockNumber), clusterSecret: bench.env.clusterSecret, eventChainHead: { number: 0n, hash: new Uint8Array(32) } },
})
const jobFor = (contract: Uint8Array, input = EMPTY): QueryJob =>
  ({ kind: 'call', value: { mode: 'Query', origin: ALICE, contract, input, transfer: 0n, deposit: 0n } })
const roundFor = (contract: Uint8Array, change: Partial<Round> = {}): Round => ({
  snapshot: snapshotAt(1), job: jobFor(contract), limitMs: LIMIT_MS, signal: undefined,
  env: { randomSeed: new Uint8Array(32), workerPublicKey: ALICE, untrustedNowMs: 0n, answers: [] }, ...change,
})
const isOk = (outcome: RoundOutcome): boolean => outcome.kind === 'Done' && ContractExecResult.decode(outcome.value.output).result.ok

describe('real threads', () => {
  const executor = createThreadExecutor({ threads: 2 }, { startThread: startQueryThread, clock, logger: silentLogger })
  afterAll(() => executor.close())

  test('run queries on the state they were told of, and on what changed since', { timeout: LIMIT_MS }, async () => {
    executor.prepare(snapshotAt(1))
    expect(isOk(await executor.run(roundFor(quiet)))).toBe(true)
    const earlier = snapshotAt(2)
    const letGo = executor.hold(earlier)
    const later = addressOf(bench.deploy(QUIET, EMPTY, { salt: bigintToLe(2n, 4) }))
    expect(await codeOfRejection(executor.run(roundFor(later, { snapshot: earlier })))).toBe('QUERY_CONTRACT_UNKNOWN')
    expect(isOk(await executor.run(roundFor(later, { snapshot: snapshotAt(3) })))).toBe(true)
    expect(await codeOfRejection(executor.run(roundFor(later, { snapshot: earlier })))).toBe('QUERY_CONTRACT_UNKNOWN')
    letGo()
  })
  test('share what contracts keep: one that another query stored is there in every thread, as far as its quota goes', { timeout: LIMIT_MS }, async () => {
    executor.setWeights([{ contract: keeper, weight: 1 }])
    const ask = async (functionId: number, args: Uint8Array): Promise<Uint8Array> => {
      const outcome = await executor.run(roundFor(keeper, { job: jobFor(keeper, concatBytes(u32.encode(functionId), args)) }))
      if (outcome.kind !== 'Done') throw new TypeError('nothing outside is asked for')
      executor.applyCache(outcome.value.cacheChanges, 0n)
      const { result } = ContractExecResult.decode(outcome.value.output)
      return result.ok ? result.value.data : EMPTY
    }
    await ask(CACHE_SET, tuple(bytes, bytes).encode([utf8('key'), utf8('kept')]))
    const seen = await Promise.all([1, 2, 3, 4].map(() => ask(CACHE_GET, bytes.encode(utf8('key')))))
    for (const each of seen) expect(Buffer.from(each).toString('latin1')).toContain('kept')
    executor.setWeights([])
    expect(Buffer.from(await ask(CACHE_GET, bytes.encode(utf8('key')))).toString('latin1')).not.toContain('kept')
    expect(u32.decode((await ask(CACHE_SET, tuple(bytes, bytes).encode([utf8('key'), utf8('kept')]))).slice(0, 4))).toBe(1)
  })
  test('are ended when late, and neighbours do not notice', { timeout: LIMIT_MS }, async () => {
    const late = codeOfRejection(executor.run(roundFor(loop, { limitMs: 300 })))
    const neighbours = await Promise.all([1, 2, 3].map(() => executor.run(roundFor(quiet))))
    expect(neighbours.map(isOk)).toEqual([true, true, true])
    expect(await late).toBe('QUERY_TIMED_OUT')
    expect(isOk(await executor.run(roundFor(quiet)))).toBe(true)
  })
  test('are ended when nobody waits any more', { timeout: LIMIT_MS }, async () => {
    const controller = new AbortController()
    const left = codeOfRejection(executor.run(roundFor(loop, { signal: controller.signal })))
    controller.abort()
    expect(['QUERY_CANCELLED', 'none']).toContain(await left)
    expect(await codeOfRejection(executor.run(roundFor(quiet, { signal: controller.signal })))).toBe('QUERY_CANCELLED')
  })
})

/** A thread of a test's making: notes what it is told, says what the test says. */
class MadeUpThread implements QueryThread {
  readonly told: ToThread[] = []
  isTerminated = false
  private readonly listeners = new Map<string, (value: never) => void>()
  postMessage(message: unknown): void {
    this.told.push(message as ToThread)
  }
  on(event: string, listener: (value: never) => void): void {
    this.listeners.set(event, listener)
  }
  terminate(): Promise<unknown> {
    this.isTerminated = true
    return Promise.resolve()
  }
  say(message: FromThread): void {
    this.listeners.get('message')?.(message as never)
  }
  die(error: Error): void {
    this.listeners.get('error')?.(error as never)
    this.listeners.get('exit')?.(1 as never)
  }
  get run(): Extract<ToThread, { kind: 'run' }> {
    return this.told.findLast((message) => message.kind === 'run') as Extract<ToThread, { kind: 'run' }>
  }
}

const DONE: RoundOutcome = { kind: 'Done', value: { output: EMPTY, failure: undefined, logs: [], cacheChanges: [] } }
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('threads that fail', () => {
  const create = (threads = 2): { executor: QueryExecutor; made: MadeUpThread[]; timers: (() => void)[] } => {
    const made: MadeUpThread[] = []
    const timers: (() => void)[] = []
    const still: Clock = { nowMs: () => 0, after: (_delayMs, callback) => { timers.push(callback); return () => timers.splice(timers.indexOf(callback), 1) } }
    const startThread = (): QueryThread => {
      const thread = new MadeUpThread()
      made.push(thread)
      return thread
    }
    return { executor: createThreadExecutor({ threads }, { startThread, clock: still, logger: silentLogger }), made, timers }
  }

  test('one that dies takes its query with it, and another takes its place with all states', async () => {
    const { executor, made } = create(1)
    const first = codeOfRejection(executor.run(roundFor(quiet)))
    made[0]?.say({ kind: 'ready' })
    await settle()
    const second = executor.run(roundFor(quiet))
    made[0]?.die(new RangeError('heap'))
    expect(await first).toBe('QUERY_ENGINE_FAILED')
    expect(made.length).toBe(2)
    expect(made[1]?.told.map(({ kind }) => kind)).toEqual(['cacheEntries', 'weights', 'snapshot'])
    made[1]?.say({ kind: 'ready' })
    await settle()
    made[1]?.say({ kind: 'done', id: made[1].run.id, outcome: DONE })
    expect(await second).toEqual(DONE)
  })
  test('ones that die before they are ready are not started for ever', async () => {
    const { executor, made } = create(1)
    const asked = codeOfRejection(executor.run(roundFor(quiet)))
    for (let i = 0; i < 20; i++) made.at(-1)?.die(new Error('no'))
    expect(await asked).toBe('QUERY_ENGINE_FAILED')
    const tried = made.length
    expect(tried).toBeLessThan(10)
    const again = executor.run(roundFor(quiet))
    expect(made.length).toBe(tried + 1)
    made.at(-1)?.say({ kind: 'ready' })
    await settle()
    made.at(-1)?.say({ kind: 'done', id: made.at(-1)?.run.id ?? 0, outcome: DONE })
    expect(await again).toEqual(DONE)
  })
  test('a late answer of a query that was given up is nobody\'s', async () => {
    const { executor, made, timers } = create(1)
    const asked = codeOfRejection(executor.run(roundFor(quiet)))
    made[0]?.say({ kind: 'ready' })
    await settle()
    const { id } = made[0]?.run as { id: number }
    for (const timer of [...timers]) timer()
    expect(await asked).toBe('QUERY_TIMED_OUT')
    expect(made[0]?.isTerminated).toBe(true)
    made[0]?.say({ kind: 'done', id, outcome: DONE })
    expect(made.length).toBe(2)
  })
  test('a fault of ours is told as one, without its text', async () => {
    const { executor, made } = create(1)
    const asked = codeOfRejection(executor.run(roundFor(quiet)))
    made[0]?.say({ kind: 'ready' })
    await settle()
    made[0]?.say({ kind: 'failed', id: made[0].run.id, text: 'TypeError' })
    expect(await asked).toBe('WORKER_INTERNAL')
  })
  test('closing ends what runs', async () => {
    const { executor, made } = create(1)
    const asked = codeOfRejection(executor.run(roundFor(quiet)))
    made[0]?.say({ kind: 'ready' })
    await settle()
    await executor.close()
    expect(await asked).toBe('QUERY_CANCELLED')
    expect(made[0]?.isTerminated).toBe(true)
  })
  test('leaving a cluster ends its threads and forgets its states', async () => {
    const { executor, made } = create(1)
    const asked = codeOfRejection(executor.run(roundFor(quiet)))
    made[0]?.say({ kind: 'ready' })
    await settle()
    executor.reset()
    expect(await asked).toBe('QUERY_CANCELLED')
    expect(made[0]?.isTerminated).toBe(true)
    executor.prepare(snapshotAt(20))
    expect(made[1]?.told.flatMap((message) => (message.kind === 'snapshot' ? [message.base] : []))).toEqual([undefined])
    await executor.close()
  })
  test('a thread lets go of states that nobody uses, never of the newest', async () => {
    const { executor, made } = create(1)
    executor.prepare(snapshotAt(10))
    executor.prepare(snapshotAt(11))
    const letGo = executor.hold(snapshotAt(11))
    executor.prepare(snapshotAt(12))
    const kinds = (): string[] => made[0]?.told.filter(({ kind }) => kind === 'snapshot' || kind === 'forget').map(({ kind }) => kind) ?? []
    expect(kinds()).toEqual(['snapshot', 'snapshot', 'forget', 'snapshot'])
    letGo()
    expect(kinds().at(-1)).toBe('forget')
    const bases = made[0]?.told.flatMap((message) => (message.kind === 'snapshot' ? [message.base] : []))
    expect(bases?.[0]).toBeUndefined()
    expect(bases?.slice(1).every((base) => base !== undefined)).toBe(true)
    await executor.close()
  })
})
