/**
 * Owns starting a worker thread from `new URL('./name.thread.ts', import.meta.url)`. In the bundled command line that URL is
 * rewritten to the thread's own bundle (apps/cli/bin/bundle.mjs); in tests it stays TypeScript and needs a loader first.
 */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/** A thread running the file at `url`. Write the URL literally at the call, or the bundler does not see it. */
export const startThread = (url: URL, options: WorkerOptions = {}): Worker => {
  if (!url.pathname.endsWith('.ts')) return new Worker(url, options)
  const loader = new URL('./dist/esm/api/index.mjs', pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json')))
  const code = `import(${JSON.stringify(loader.href)}).then(({ register }) => { register(); return import(${JSON.stringify(url.href)}) })`
  return new Worker(code, { ...options, eval: true })
}
