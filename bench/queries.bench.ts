/**
 * Figures of confidential queries over loopback at 100 a second: sealing, HTTP, thread, answer, opening; of the example auction, beside the reference's form on the
 * same worker, and of a small contract in WebAssembly. Each load is run in rounds, in turns; a form's figures are those of its best round. Before
 * that, queries are asked one after another until the code is compiled for good, as that of a worker that has run for a minute is.
 */
import { resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, EMPTY, parseHex, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { startThread } from '@phalanx/node'
import { startQueryThread } from '@phalanx/worker'
import type { Clock } from '@phalanx/primitives/ports'
import { buildContract, findContract } from '../apps/cli/src/contract/build-contract.ts'
import { loadMachines } from '../packages/worker/src/load-machines.ts'
import { QueryWorld } from '../packages/worker/src/testing/query-world.ts'
import { wasmModule } from '../packages/worker/src/testing/wasm-module.ts'
import { loadBundles } from '../tools/ink-bundles.ts'
import type { Figure } from './goals.ts'
import { note } from './note.ts'
import type { QueryLoad } from './queries-client.thread.ts'

const PER_SECOND = 100
const SECONDS = process.env['PHALANX_LONG'] === '1' ? 60 : 5
const ROUNDS = 3
const WARM_UP_QUERIES = 2_500
const MICROS_PER_MS = 1000
const AUCTION = resolve(import.meta.dirname, '../examples/sealed-bid-auction')

const clock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** A thread that asks, as it is used here. */
interface Client {
  /** Runs a load; milliseconds of each query that was answered, ascending. */
  run(load: QueryLoad): Promise<readonly number[]>
  end(): Promise<unknown>
}

const startClient = (): Client => {
  const thread = startThread(new URL('./queries-client.thread.ts', import.meta.url), {})
  return {
    run: (load) =>
      new Promise((resolve, reject) => {
        thread.once('error', reject)
        thread.once('message', (tookMs: number[]) => {
          thread.off('error', reject)
          resolve(tookMs.toSorted((a, b) => a - b))
        })
        thread.postMessage(load)
      }),
    end: () => thread.terminate(),
  }
}

const at = (sorted: readonly number[], share: number): number => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] as number

/** Code of a contract, how it is made, and a message. */
interface Asked {
  readonly name: string
  readonly code: Uint8Array
  readonly data: Uint8Array
  readonly input: Uint8Array
}

/** The example auction, and the question what is sold and whether bids are taken. */
const auctionToAsk = async (crypto: Crypto): Promise<Asked> => {
  const { code, metadata: { spec } } = await buildContract(findContract(AUCTION), { crypto })
  const selector = (label: string): Uint8Array => parseHex([...spec.constructors, ...spec.messages].find((each) => each.label === label)?.selector ?? '')
  const title = utf8('a painting')
  return { name: 'the example auction', code, data: concatBytes(selector('new'), Uint8Array.of(title.length << 2), title, new Uint8Array(4)), input: selector('isOpen') }
}

/** A contract in WebAssembly: flipper's `get` where the bundles are at hand. */
const wasmToAsk = (): Asked => {
  const flipper = loadBundles()?.get('flipper')
  const entry = (entries: readonly { readonly label: string; readonly selector: string }[] | undefined, label: string): Uint8Array | undefined => {
    const found = entries?.find((each) => each.label === label)
    return found === undefined ? undefined : parseHex(found.selector)
  }
  const constructor = entry(flipper?.constructors, 'new')
  const get = entry(flipper?.messages, 'get')
  if (flipper !== undefined && constructor !== undefined && get !== undefined)
    return { name: 'flipper', code: flipper.code, data: new Uint8Array([...constructor, 1]), input: get }
  return { name: 'an empty contract', code: wasmModule({ functions: [{ body: [] }], exports: { deploy: 0, call: 0 } }), data: EMPTY, input: EMPTY }
}

/** Percentiles of a round, in milliseconds. */
interface Round {
  readonly p50: number
  readonly p99: number
}

/** A form of asking, with its best round so far. */
interface Course {
  readonly name: string
  readonly load: Omit<QueryLoad, 'perSecond' | 'count'>
  best: Round
  refused: number
  /** Processor time of a query, client and worker together, in its best round: tells more than the clock on a machine that does other things. */
  cpuMs: number
}

/** Runs every load for a round, in turns. */
const runCourses = async (client: Client, courses: readonly Course[]): Promise<void> => {
  for (const { load } of courses) await client.run({ ...load, perSecond: undefined, count: WARM_UP_QUERIES })
  for (let round = 0; round < ROUNDS; round++) {
    for (const course of courses) {
      const before = process.cpuUsage()
      const tookMs = await client.run({ ...course.load, perSecond: PER_SECOND, count: PER_SECOND * SECONDS })
      const { user, system } = process.cpuUsage(before)
      course.cpuMs = Math.min(course.cpuMs, (user + system) / MICROS_PER_MS / (PER_SECOND * SECONDS))
      assert(tookMs.length > 0, 'queries were answered')
      course.refused += PER_SECOND * SECONDS - tookMs.length
      const now: Round = { p50: at(tookMs, 0.5), p99: at(tookMs, 0.99) }
      course.best = { p50: Math.min(course.best.p50, now.p50), p99: Math.min(course.best.p99, now.p99) }
    }
  }
  for (const { name, best, refused, cpuMs } of courses) note(`${name}: ${best.p50.toFixed(2)} / ${best.p99.toFixed(2)} ms (p50 / p99 of ${ROUNDS} rounds), ${cpuMs.toFixed(2)} ms of processor time each; ${refused} refused for want of room`)
}

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const world = await QueryWorld.create(crypto, { clock, vms: await loadMachines(crypto), parts: { startQueryThread, highResolutionMs: () => performance.now() } })
  await world.deploy()
  const contracts: { readonly asked: Asked; readonly contract: Uint8Array }[] = []
  for (const asked of [await auctionToAsk(crypto), wasmToAsk()]) contracts.push({ asked, contract: await world.instantiate({ code: asked.code, data: asked.data }) })
  const { port, close } = await world.worker.listen({ port: 0 })
  const target = await world.target()
  const courseOf = ({ asked, contract }: (typeof contracts)[number], form: QueryLoad['form']): Course => {
    const { input } = asked
    const content = world.content({ kind: 'Call', value: { contract, input, transfer: 0n, deposit: 0n } })
    return {
      name: `${asked.name}, ${form}`, best: { p50: Infinity, p99: Infinity }, refused: 0, cpuMs: Infinity,
      load: { port, form, target, content, contract, input },
    }
  }
  const [auction, wasm] = contracts as [(typeof contracts)[number], (typeof contracts)[number]]
  const courses = [courseOf(auction, 'signed'), courseOf(auction, 'anonymous'), courseOf(auction, 'reference'), courseOf(wasm, 'signed'), courseOf(wasm, 'reference')] as const
  const client = startClient()
  await runCourses(client, courses)
  await client.end()
  await close()
  await world.worker.stop()
  const [signed, anonymous, reference, wasmSigned, wasmReference] = courses
  const against = 'the reference\'s form on the same worker'
  const figure = (name: string, figure: number, other: number): Figure => ({ name: `query: ${PER_SECOND}/s over loopback, ${name}`, figure, unit: 'ms', against, ratio: other / figure })
  return [
    figure('sealed and signed, p50', signed.best.p50, reference.best.p50),
    figure('sealed and signed, p99', signed.best.p99, reference.best.p99),
    figure('sealed, anonymous, p50', anonymous.best.p50, reference.best.p50),
    figure(`${wasm.asked.name} in WebAssembly, sealed and signed, p50`, wasmSigned.best.p50, wasmReference.best.p50),
  ]
}
