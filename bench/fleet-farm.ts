/** Owns the worker cores of the fleet benchmark as the main thread sees them: shared out among threads, as many as cores of the machine. */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { startThread } from '@phalanx/node'
import type { CoresOptions, Outgoing } from './fleet-cores.ts'

/** What a thread is asked. */
export type FarmRequest =
  | { readonly kind: 'join'; readonly checkpoints: readonly Uint8Array[] }
  | { readonly kind: 'feed'; readonly blocks: Uint8Array; readonly alone: boolean }
  | { readonly kind: 'memory' }

/** All worker cores. */
export interface FleetFarm {
  readonly threads: number
  /** Steps every core with a feed; what they want to send. `alone`: every core computes every hash and checks every signature by itself. */
  feed(blocks: Uint8Array, how: { readonly alone: boolean }): Promise<readonly Outgoing[]>
  /** Heap bytes in use, all threads together. */
  heapUsed(): Promise<number>
  stop(): Promise<void>
}

const CHECKPOINTS_AT_ONCE = 64

const ask = async (thread: Worker, request: FarmRequest): Promise<unknown> => {
  thread.postMessage(request)
  const [answer] = (await once(thread, 'message')) as [unknown]
  return answer
}

/** Starts the threads; every worker joins at a checkpoint of its own. */
export const startFleetFarm = async (options: CoresOptions, checkpointOf: (publicKey: Uint8Array) => Promise<Uint8Array>): Promise<FleetFarm> => {
  const { workers } = options
  const share = Math.ceil(workers.length / availableParallelism())
  const firsts = Array.from({ length: Math.ceil(workers.length / share) }, (_, i) => i * share)
  const threads = await Promise.all(firsts.map(async (first) => {
    const thread = startThread(new URL('./fleet-cores.thread.ts', import.meta.url), { data: { ...options, workers: workers.slice(first, first + share) } })
    await once(thread, 'message')
    return { thread, first }
  }))
  await Promise.all(threads.map(async ({ thread, first }) => {
    for (let at = first; at < Math.min(first + share, workers.length); at += CHECKPOINTS_AT_ONCE) {
      const checkpoints: Uint8Array[] = []
      for (const { publicKey } of workers.slice(at, Math.min(at + CHECKPOINTS_AT_ONCE, first + share))) checkpoints.push(await checkpointOf(publicKey))
      await ask(thread, { kind: 'join', checkpoints })
    }
  }))
  return {
    threads: threads.length,
    async feed(blocks, { alone }) {
      const answers = await Promise.all(threads.map(async ({ thread, first }) => {
        const outgoing = (await ask(thread, { kind: 'feed', blocks, alone })) as readonly Outgoing[]
        return outgoing.map(({ worker, messages }) => ({ worker: first + worker, messages }))
      }))
      return answers.flat()
    },
    async heapUsed() {
      const used = await Promise.all(threads.map(({ thread }) => ask(thread, { kind: 'memory' }) as Promise<number>))
      return used.reduce((sum, one) => sum + one, 0)
    },
    async stop() {
      await Promise.all(threads.map(({ thread }) => thread.terminate()))
    },
  }
}
