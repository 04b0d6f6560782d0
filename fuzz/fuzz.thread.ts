/** Runs targets in a thread of its own, so that run.ts can stop an input that never returns. The input stands in shared memory first. */
import { parentPort, workerData } from 'node:worker_threads'
import { fuzzTarget, judge, loadTargets } from './fuzzer.ts'

/** What the thread is asked to do; `board` holds [counter, length] and then the input being run. */
export interface ThreadTask {
  readonly names: readonly string[]
  readonly seed: number
  readonly ms: number
  readonly board: SharedArrayBuffer
  readonly replay?: Uint8Array
}

const task = workerData as ThreadTask
const head = new Int32Array(task.board, 0, 2)
const room = new Uint8Array(task.board, 8)

const show = (input: Uint8Array): void => {
  Atomics.store(head, 1, Math.min(input.length, room.length))
  room.set(input.subarray(0, room.length))
  Atomics.add(head, 0, 1)
}

const targets = await loadTargets()
for (const name of task.names) {
  const target = targets.find((each) => each.name === name)
  if (target === undefined) continue
  parentPort?.postMessage({ kind: 'begin', name })
  if (task.replay !== undefined) {
    show(task.replay)
    const { accepted, reason } = judge(target, task.replay)
    parentPort?.postMessage({ kind: 'end', outcome: { target: name, inputs: 1, accepted: accepted ? 1 : 0, ...(reason === undefined ? {} : { failure: { input: task.replay, reason } }) } })
    continue
  }
  const until = performance.now() + task.ms
  const outcome = fuzzTarget(target, { seed: task.seed, isDone: (inputs) => (inputs & 15) === 0 && performance.now() > until, onInput: show })
  parentPort?.postMessage({ kind: 'end', outcome })
}
parentPort?.postMessage({ kind: 'done' })
