/** Figures of confidential queries over loopback at 100 a second: sealing, HTTP, thread, answer, opening; beside the reference's form on the same worker. */
import { performance } from 'node:perf_hooks'
import { assert } from '@phalanx/primitives/assert'
import { EMPTY, parseHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { startThread } from '@phalanx/node'
import { startQueryThread } from '@phalanx/worker'
import type { Clock } from '@phalanx/primitives/ports'
import { loadMachines } from '../packages/worker/src/load-machines.ts'
import { QueryWorld } from '../packages/worker/src/testing/query-world.ts'
import { wasmModule } from '../packages/worker/src/testing/wasm-module.ts'
import { loadBundles } from '../tools/ink-bundles.ts'
import type { Figure } from './goals.ts'
import { note } from './note.ts'
import type { QueryLoad } from './queries-client.thread.ts'

const PER_SECOND = 100
const SECONDS = process.env['PHALANX_LONG'] === '1' ? 60 : 10
const WARM_UP_SECONDS = 3

const clock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Runs a load in a thread; milliseconds of each query, ascending. */
const run = (load: QueryLoad): Promise<readonly number[]> =>
  new Promise((resolve, reject) => {
    const thread = startThread(new URL('./queries-client.thread.ts', import.meta.url), { data: load })
    thread.on('message', (tookMs: number[]) => {
      resolve(tookMs.toSorted((a, b) => a - b))
      void thread.terminate()
    })
    thread.on('error', reject)
  })

const at = (sorted: readonly number[], share: number): number => sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] as number

/** Code of a contract with a small message, and the message; flipper's `get` where the bundles are at hand. */
const contractToAsk = (): { readonly code: Uint8Array; readonly data: Uint8Array; readonly input: Uint8Array; readonly name: string } => {
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

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const world = await QueryWorld.create(crypto, { clock, vms: await loadMachines(crypto), parts: { startQueryThread, highResolutionMs: () => performance.now() } })
  await world.deploy()
  const { code, data, input, name } = contractToAsk()
  const contract = await world.instantiate({ code, data })
  const { port, close } = await world.worker.listen({ port: 0 })
  const content = world.content({ kind: 'Call', value: { contract, input, transfer: 0n, deposit: 0n } })
  const loadOf = (form: QueryLoad['form'], seconds: number): QueryLoad => ({ port, perSecond: PER_SECOND, count: PER_SECOND * seconds, form, target, content, contract, input })
  const target = await world.target()
  await run(loadOf('signed', WARM_UP_SECONDS))
  await run(loadOf('reference', WARM_UP_SECONDS))
  const [signed, anonymous, reference] = [await run(loadOf('signed', SECONDS)), await run(loadOf('anonymous', SECONDS)), await run(loadOf('reference', SECONDS))]
  assert([signed, anonymous, reference].every(({ length }) => length > 0), 'queries were answered')
  const refused = PER_SECOND * SECONDS * 3 - signed.length - anonymous.length - reference.length
  note(`${name}: signed ${at(signed, 0.5).toFixed(2)} / ${at(signed, 0.99).toFixed(2)} ms, anonymous ${at(anonymous, 0.5).toFixed(2)} / ${at(anonymous, 0.99).toFixed(2)} ms, `
    + `reference ${at(reference, 0.5).toFixed(2)} / ${at(reference, 0.99).toFixed(2)} ms (p50 / p99); ${refused} refused for want of room`)
  await close()
  await world.worker.stop()
  const against = 'the reference\'s form on the same worker'
  return [
    { name: `query: ${PER_SECOND}/s over loopback, sealed and signed, p50`, figure: at(signed, 0.5), unit: 'ms', against, ratio: at(reference, 0.5) / at(signed, 0.5) },
    { name: `query: ${PER_SECOND}/s over loopback, sealed and signed, p99`, figure: at(signed, 0.99), unit: 'ms', against, ratio: at(reference, 0.99) / at(signed, 0.99) },
    { name: `query: ${PER_SECOND}/s over loopback, sealed, anonymous, p50`, figure: at(anonymous, 0.5), unit: 'ms', against, ratio: at(reference, 0.5) / at(anonymous, 0.5) },
  ]
}
