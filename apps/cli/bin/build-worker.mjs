#!/usr/bin/env node
/**
 * Builds a worker for one platform into one file: `npm run build:worker -- --platform gramine --out ./enclave`. No other platform, no
 * simulated vendor, no other command gets in, which is checked against the list of files that went in. The same sources give the same
 * bytes, wherever they lie.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'

const PLATFORMS = 'packages/worker/src/platform'
const BANNER = 'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);'

/** Names in the table of platforms. */
const platformNames = (root) => [...readFileSync(join(root, PLATFORMS, 'table.ts'), 'utf8').matchAll(/\{ name: '([a-z0-9-]+)'/g)].map(([, name]) => name)

/** Files that no build for `platform` may hold. */
const isForeign = (path, platform, names) =>
  /(^|\/)(testing|table)(\.ts$|\/)/.test(path) || /simulated/.test(path) || names.some((name) => name !== platform && path === `${PLATFORMS}/${name}.ts`)

/** Puts the bytes of the QuickJS module into the place of what reads them from its package: one file is all there is, and all of it is measured. */
const embeddedQuickJs = {
  name: 'embedded-quickjs',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]engines[/\\]quickjs[/\\]published\.ts$/ }, ({ path }) => {
      const bytes = readFileSync(createRequire(path).resolve('@jitl/quickjs-wasmfile-release-sync/wasm'))
      return { contents: `export const readPublished = async () => new Uint8Array(Buffer.from('${bytes.toString('base64')}', 'base64'))`, loader: 'js' }
    })
  },
}

/** Starts threads for queries from the one file: it knows by their role which it is to be. */
const ownThreads = {
  name: 'own-threads',
  setup(build) {
    build.onLoad({ filter: /queries[/\\]start-thread\.ts$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace("new URL('./query.thread.ts', import.meta.url)", 'new URL(import.meta.url)'), loader: 'ts',
    }))
  },
}

/** Builds into the folder `out`; gives the file, its SHA-256 and the sources in it. */
export const buildWorker = async ({ root, platform, out }) => {
  const names = platformNames(root)
  if (!names.includes(platform)) throw new Error(`there is no platform "${platform}"; there are ${names.join(', ')}`)
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: [
        "import { isMainThread } from 'node:worker_threads'",
        "import './packages/worker/src/queries/query.thread.ts'",
        `import { ${platform} } from './${PLATFORMS}/${platform}.ts'`,
        "import { runEnclaveWorker } from './apps/cli/src/enclave-worker.ts'",
        `if (isMainThread) process.exitCode = await runEnclaveWorker(${platform}, process.argv.slice(2))`,
      ].join('\n'),
      resolveDir: root, sourcefile: 'worker.ts', loader: 'ts',
    },
    absWorkingDir: root, bundle: true, write: false, metafile: true, format: 'esm', platform: 'node', target: 'node20', conditions: ['node', 'import', 'default'],
    legalComments: 'none', minifyWhitespace: true, keepNames: true, banner: { js: BANNER }, external: ['pino'], logLevel: 'silent',
    plugins: [embeddedQuickJs, ownThreads],
  })
  const [main] = Object.values(metafile.outputs)
  const sources = Object.entries(main.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path).sort()
  const foreign = platform === 'software' ? [] : sources.filter((path) => isForeign(path, platform, names))
  if (foreign.length > 0) throw new Error(`the build would hold ${foreign.join(', ')}`)
  const content = outputFiles[0].contents
  const file = join(out, 'worker.mjs')
  mkdirSync(out, { recursive: true })
  writeFileSync(file, content)
  return { file, sha256: createHash('sha256').update(content).digest('hex'), sources }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')
  try {
    const { values } = parseArgs({ options: { platform: { type: 'string' }, out: { type: 'string', short: 'o' } } })
    if (values.platform === undefined || values.out === undefined) throw new Error('give --platform <name> and --out <folder>')
    const { file, sha256 } = await buildWorker({ root, platform: values.platform, out: resolve(values.out) })
    process.stdout.write(`${sha256}  ${file}\n`)
  } catch (error) {
    process.stderr.write(`build-worker: ${error.message}\n`)
    process.exitCode = 2
  }
}
