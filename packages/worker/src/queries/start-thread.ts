/** Owns how the entry file of a query thread becomes a running thread: a bundled file as it is, a TypeScript source through tsx. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { QueryThread } from './thread-executor.ts'

/** By this a file that is both the worker and its threads knows which it is to be. */
export const QUERY_THREAD_ROLE = 'phalanx-query'
/** Heap of a thread: one that needs more is ended, and its query refused. */
const HEAP_MIB = 1024

/** A thread of Node 20 does not run the loader that `--import` registers for its own entry file: a small script imports the entry after the loader. */
const sourceLoader = (entry: URL): URL => {
  const api = new URL('./dist/esm/api/index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))).href
  const script = `import { register } from ${JSON.stringify(api)}; register(); await import(${JSON.stringify(entry.href)})`
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`)
}

/** Starts a thread for queries. */
export const startQueryThread = (): QueryThread => {
  const entry = new URL('./query.thread.ts', import.meta.url)
  const thread: unknown = new Worker(entry.pathname.endsWith('.ts') ? sourceLoader(entry) : entry, {
    execArgv: [], env: {}, workerData: { role: QUERY_THREAD_ROLE }, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  })
  return thread as QueryThread
}
