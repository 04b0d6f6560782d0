/**
 * `npm run fuzz`: feeds every decoder of outside bytes with mutated inputs for a while, and writes an input that breaks one to
 * fuzz/failures/. Owns the command line and the watchdog; the loop is fuzzer.ts.
 *
 *   npm run fuzz -- --seconds 60 --seed 7 --target codec    one minute over the targets whose name has "codec"
 *   npm run fuzz -- --target codec.header --replay fuzz/failures/codec.header.hex
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { INPUT_LIMIT_MS, loadTargets, type FuzzOutcome } from './fuzzer.ts'
import type { ThreadTask } from './fuzz.thread.ts'

const BOARD_BYTES = 1024 * 1024
const MEMORY_LIMIT_MB = 1024
const STUCK_MS = 10 * INPUT_LIMIT_MS

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, seed: { type: 'string' }, target: { type: 'string', default: '' }, replay: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const names = (await loadTargets()).map(({ name }) => name).filter((name) => name.includes(values.target))

const startThread = (task: ThreadTask): Worker => {
  const loader = import.meta.resolve('tsx/esm/api')
  const thread = new URL('./fuzz.thread.ts', import.meta.url).href
  const code = `import(${JSON.stringify(loader)}).then(({ register }) => { register(); return import(${JSON.stringify(thread)}) })`
  return new Worker(code, { eval: true, workerData: task, resourceLimits: { maxOldGenerationSizeMb: MEMORY_LIMIT_MB } })
}

/** Runs targets in a thread; when one sticks or dies, that target has failed and the rest goes on in a new thread. */
const runTargets = (task: Omit<ThreadTask, 'board'>): Promise<readonly FuzzOutcome[]> =>
  new Promise((resolve) => {
    const board = new SharedArrayBuffer(BOARD_BYTES)
    const head = new Int32Array(board, 0, 2)
    const outcomes: FuzzOutcome[] = []
    let current: string | undefined
    let isOver = false
    const worker = startThread({ ...task, board })
    const conclude = (): void => {
      if (isOver) return
      isOver = true
      clearInterval(watchdog)
      void worker.terminate().then(() => resolve(outcomes))
    }
    const fail = (reason: string): void => {
      const input = new Uint8Array(board, 8, head[1] ?? 0).slice()
      outcomes.push({ target: current ?? 'loading the targets', inputs: head[0] ?? 0, accepted: 0, failure: { input, reason } })
      conclude()
    }
    let seen = -1
    let seenAt = Date.now()
    const watchdog = setInterval(() => {
      const count = Atomics.load(head, 0)
      if (count !== seen) [seen, seenAt] = [count, Date.now()]
      else if (current !== undefined && Date.now() - seenAt > STUCK_MS) fail(`did not return within ${STUCK_MS} ms`)
    }, 500)
    worker.on('message', (message: { kind: 'begin'; name: string } | { kind: 'end'; outcome: FuzzOutcome } | { kind: 'done' }) => {
      if (message.kind === 'begin') current = message.name
      else if (message.kind === 'end') outcomes.push(message.outcome)
      else conclude()
    })
    worker.on('error', (error) => fail(`the thread died: ${String(error)}`))
  })

const report = ({ target, inputs, accepted, failure }: FuzzOutcome): void => {
  console.log(`  ${failure === undefined ? '✓' : '✗'} ${target.padEnd(36)} ${String(inputs).padStart(9)} inputs  ${String(accepted).padStart(8)} accepted`)
  if (failure === undefined) return
  const folder = join(import.meta.dirname, 'failures')
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${target.replaceAll(/[^\w.-]/g, '_')}.hex`)
  writeFileSync(path, `${Buffer.from(failure.input).toString('hex')}\n`)
  const shown = relative(process.cwd(), path)
  console.log(`    ${failure.reason.split('\n').slice(0, 6).join('\n    ')}\n    input written to ${shown}; repeat: npm run fuzz -- --target ${target} --replay ${shown}`)
}

const replay = values.replay === undefined ? undefined : Uint8Array.from(Buffer.from(readFileSync(values.replay, 'utf8').trim(), 'hex'))
console.log(`fuzz: ${names.length} targets, seed ${seed}${replay === undefined ? `, ${values.seconds} s` : ', replay'}`)
const left = [...names]
const all: FuzzOutcome[] = []
while (left.length > 0) {
  const outcomes = await runTargets({ names: left, seed, ms: (Number(values.seconds) * 1000) / names.length, ...(replay === undefined ? {} : { replay }) })
  for (const outcome of outcomes) report(outcome)
  all.push(...outcomes)
  const done = new Set(outcomes.map(({ target }) => target))
  const before = left.length
  left.splice(0, left.length, ...left.filter((name) => !done.has(name)))
  if (left.length === before) break
}
const failed = all.filter(({ failure }) => failure !== undefined).length
console.log(`${all.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 && all.length > 0 ? 0 : 1
