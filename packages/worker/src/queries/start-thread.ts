/**
 * Owns how the entry file of a query thread becomes a running thread: a bundled file as it is, a TypeScript source through tsx. The same file is run
 * once to prepare machines, away from the thread that answers.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { adoptQuickJs, preparedQuickJs, type PreparedQuickJs } from '../engines/quickjs/index.ts'
import type { QueryThread } from './thread-executor.ts'

/** By this a file that is both the worker and its threads knows which it is to be. */
export const QUERY_THREAD_ROLE = 'phalanx-query'
/** The role of the thread that prepares machines and ends. */
export const PREPARE_ROLE = 'phalanx-prepare'
/** Heap of a thread: one that needs more is ended, and its query refused. */
const HEAP_MIB = 1024

/** A thread of Node 20 does not run the loader that `--import` registers for its own entry file: a small script imports the entry after the loader. */
const sourceLoader = (entry: URL): URL => {
  const api = new URL('./dist/esm/api/index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))).href
  const script = `import { register } from ${JSON.stringify(api)}; register(); await import(${JSON.stringify(entry.href)})`
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`)
}

/** What a thread is told at its start. */
export interface ThreadData {
  readonly role: typeof QUERY_THREAD_ROLE | typeof PREPARE_ROLE
  /** Machines that are ready, so that it need not make them again. */
  readonly quickJs?: PreparedQuickJs | undefined
}

const start = (data: ThreadData): Worker => {
  const entry = new URL('./query.thread.ts', import.meta.url)
  return new Worker(entry.pathname.endsWith('.ts') ? sourceLoader(entry) : entry, {
    execArgv: [], env: {}, workerData: data, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  })
}

/** Starts a thread for queries. */
export const startQueryThread = (): QueryThread => {
  const thread: unknown = start({ role: QUERY_THREAD_ROLE, quickJs: preparedQuickJs() })
  return thread as QueryThread
}

let preparing: Promise<void> | undefined

/**
 * Prepares the machines that take long to make, in a thread that runs nothing else, for this thread and all query threads that are started later. Whoever needs one
 * before, or where this fails, makes it for itself. Never rejects.
 */
export const prepareMachines = (): Promise<void> =>
  (preparing ??= new Promise((resolve) => {
    if (preparedQuickJs() !== undefined) return resolve()
    const thread = start({ role: PREPARE_ROLE })
    thread.unref()
    thread.once('message', (made: PreparedQuickJs) => adoptQuickJs(made))
    thread.once('error', () => resolve())
    thread.once('exit', () => resolve())
  }))
