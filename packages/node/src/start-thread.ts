/** Owns how a worker thread's entry file becomes a running thread: a bundled file as it is, a TypeScript source through tsx. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** Options of a thread. */
export interface ThreadOptions {
  /** Handed to the thread as `workerData`. */
  readonly data?: unknown
}

/**
 * A thread of Node 20 does not run the loader that `--import` registers for its own entry file, so the entry is imported by a small
 * script after the loader is in place.
 */
const sourceLoader = (entry: URL): URL => {
  const api = new URL('./dist/esm/api/index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))).href
  const script = `import { register } from ${JSON.stringify(api)}; register(); await import(${JSON.stringify(entry.href)})`
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`)
}

/** Starts the thread of an entry file; write `startThread(new URL('./name.thread.ts', import.meta.url))` so that bundlers find it. */
export const startThread = (entry: URL, options: ThreadOptions = {}): Worker =>
  new Worker(entry.pathname.endsWith('.ts') ? sourceLoader(entry) : entry, { execArgv: [], workerData: options.data })
