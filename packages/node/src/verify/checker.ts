/**
 * Owns the making of signature checks ahead of execution: in threads, or on the spot with none. A thread that dies is replaced and
 * its work done again; a thread that keeps dying is given up and the main thread takes over. Does not cache (verified-cache.ts).
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Logger } from '@phalanx/primitives/ports'
import type { SignatureCheck } from '@phalanx/runtime/frame'
import { packChecks } from './batch.ts'
import { checkSignature } from './check.ts'

/** The part of a worker thread that the checker uses. */
export interface CheckerThread {
  postMessage(message: unknown, transfer?: readonly ArrayBuffer[]): void
  on(event: 'message' | 'error' | 'exit', listener: (value: never) => void): unknown
  terminate(): Promise<unknown>
  unref?(): void
}

/** Makes checks in batches. */
export interface SignatureChecker {
  /** One verdict per check, in order. Never rejects. */
  check(checks: readonly SignatureCheck[]): Promise<readonly boolean[]>
  readonly threads: number
  /** Threads that died and were replaced, for metrics. */
  readonly replaced: number
  close(): Promise<void>
}

interface Job {
  readonly checks: readonly SignatureCheck[]
  readonly done: (verdicts: readonly boolean[]) => void
}

/** Jobs that travel together. */
type Batch = readonly Job[]

interface Slot {
  thread: CheckerThread
  readonly running: Map<number, Batch>
  isReady: boolean
}

/** Checks per message to a thread: enough to hide its cost, few enough to spread a block over all threads. */
const BATCH_CHECKS = 32
const RUNNING_PER_THREAD = 3
const FEW_CHECKS = 8
const DEATHS_MAX = 8

const createInline = (crypto: Crypto): SignatureChecker => ({
  check: (checks) => Promise.resolve(checks.map((check) => checkSignature(crypto, check))),
  threads: 0,
  replaced: 0,
  close: () => Promise.resolve(),
})

/** A checker with `threads` threads; 0 checks on the calling thread. */
export const createSignatureChecker = (
  options: { readonly threads: number },
  dependencies: { readonly crypto: Crypto; readonly startThread: () => CheckerThread; readonly logger: Logger },
): SignatureChecker => {
  const { crypto, startThread, logger } = dependencies
  if (options.threads === 0) return createInline(crypto)
  const queue: Job[] = []
  const slots: Slot[] = []
  let nextId = 0
  let replaced = 0
  let isClosed = false

  const runInline = (job: Job): void => job.done(job.checks.map((check) => checkSignature(crypto, check)))

  /** Jobs from the front of the queue that fill one message. */
  const takeBatch = (): Batch => {
    const batch: Job[] = []
    for (let count = 0; queue.length > 0 && count < BATCH_CHECKS; ) {
      const job = queue.shift() as Job
      count += job.checks.length
      batch.push(job)
    }
    return batch
  }

  const send = (slot: Slot): void => {
    const jobs = takeBatch()
    const id = nextId++
    slot.running.set(id, jobs)
    const batch = packChecks(jobs.flatMap(({ checks }) => checks))
    slot.thread.postMessage({ id, batch }, [batch.buffer as ArrayBuffer])
  }

  const pump = (): void => {
    if (slots.length === 0) {
      for (const job of queue.splice(0)) runInline(job)
      return
    }
    for (let found = true; found && queue.length > 0; ) {
      found = false
      for (const slot of slots) {
        if (queue.length === 0 || !slot.isReady || slot.running.size >= RUNNING_PER_THREAD) continue
        found = true
        send(slot)
      }
    }
  }

  let isPumpDue = false
  /** Pumps at the end of this turn, so that the requests of one turn share messages. */
  const pumpSoon = (): void => {
    if (isPumpDue) return
    isPumpDue = true
    queueMicrotask(() => {
      isPumpDue = false
      pump()
    })
  }

  const finish = (slot: Slot, id: number, verdicts: Uint8Array): void => {
    let at = 0
    for (const { checks, done } of slot.running.get(id) ?? []) {
      done(Array.from(verdicts.subarray(at, at + checks.length), (verdict) => verdict === 1))
      at += checks.length
    }
    slot.running.delete(id)
  }

  const onDeath = (slot: Slot, reason: string): void => {
    const at = slots.indexOf(slot)
    if (at < 0) return
    slots.splice(at, 1)
    queue.unshift(...[...slot.running.values()].flat())
    slot.running.clear()
    if (isClosed) return
    replaced++
    logger.warn('signature checker replaced', { reason, replaced })
    if (replaced <= DEATHS_MAX) start()
    pump()
  }

  const start = (): void => {
    const slot: Slot = { thread: startThread(), running: new Map(), isReady: false }
    slots.push(slot)
    slot.thread.unref?.()
    slot.thread.on('message', (message: { ready?: true; id?: number; verdicts?: Uint8Array }) => {
      if (message.ready === true) slot.isReady = true
      if (message.id !== undefined && message.verdicts !== undefined) finish(slot, message.id, message.verdicts)
      pump()
    })
    slot.thread.on('error', (error: unknown) => onDeath(slot, error instanceof Error ? error.message : String(error)))
    slot.thread.on('exit', (code: number) => onDeath(slot, `exit ${code}`))
  }

  let isStarted = false
  let seen = 0
  // Threads cost memory and start-up time, so they wait until there is work worth it.
  const startOnDemand = (count: number): void => {
    seen += count
    if (isStarted || (count <= FEW_CHECKS && seen <= BATCH_CHECKS)) return
    isStarted = true
    for (let i = 0; i < options.threads; i++) start()
  }

  const checkPart = (checks: readonly SignatureCheck[]): Promise<readonly boolean[]> =>
    new Promise((done) => {
      const job: Job = { checks, done }
      // Until the first thread is up a few checks are quicker made here than waited for.
      if (isClosed || (checks.length <= FEW_CHECKS && !slots.some((slot) => slot.isReady))) return runInline(job)
      queue.push(job)
      pumpSoon()
    })

  return {
    async check(checks) {
      startOnDemand(checks.length)
      const parts: Promise<readonly boolean[]>[] = []
      for (let at = 0; at < checks.length; at += BATCH_CHECKS) parts.push(checkPart(checks.slice(at, at + BATCH_CHECKS)))
      return (await Promise.all(parts)).flat()
    },
    threads: options.threads,
    get replaced() {
      return replaced
    },
    async close() {
      isClosed = true
      const closing = slots.splice(0)
      for (const job of [...closing.flatMap((slot) => [...slot.running.values()].flat()), ...queue.splice(0)]) job.done(job.checks.map(() => false))
      await Promise.all(closing.map((slot) => slot.thread.terminate()))
    },
  }
}
