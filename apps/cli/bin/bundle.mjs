/**
 * Owns the cached bundle of the command line: one esbuild run over `apps/cli/src/main.ts` and every `*.thread.ts`, kept in
 * `node_modules/.cache/phalanx/<hash of the sources>/`. Loading a few hundred TypeScript files one by one costs over a second;
 * the bundle loads in a quarter of that and is rebuilt only when a source changed.
 *
 * Worker threads: write `startThread(new URL('./name.thread.ts', import.meta.url))`. Here the URL is rewritten to the
 * thread's own bundle; under tsx and vitest it stays the source file, which `startThread` (packages/node/src/start-thread.ts) can run.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'

const MAIN = 'apps/cli/src/main.ts'
/** Third-party code that must stay in node_modules: native add-ons, and packages that start threads from files of their own. */
const KEPT_OUTSIDE = ['classic-level', 'pino', 'esbuild', 'tsx']
const BUNDLES_KEPT = 4
const STALE_MS = 24 * 60 * 60 * 1000
const CHUNK_BANNER = 'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);'

const isSource = (name) => /\.(ts|mts|json)$/.test(name) && !/\.test\.ts$/.test(name)

const walk = (folder, found) => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist' || entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) walk(path, found)
    else if (isSource(entry.name)) found.push(path)
  }
  return found
}

const subfolders = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(folder, entry.name))
    : []

/** Every file that can end up in the bundle, sorted: sources of the packages and the command line, manifests, the lock file. */
const listSources = (root) => {
  const workspaces = [...subfolders(join(root, 'packages')), join(root, 'apps/cli')]
  const found = workspaces.flatMap((folder) => (existsSync(join(folder, 'src')) ? walk(join(folder, 'src'), []) : []))
  const manifests = [...workspaces, root].map((folder) => join(folder, 'package.json'))
  return [...found, ...manifests, join(root, 'package-lock.json'), join(root, 'apps/cli/bin/bundle.mjs')].filter((path) => existsSync(path)).sort()
}

const fingerprint = (root, sources) => {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0])
  for (const path of sources) {
    const { mtimeMs, size } = statSync(path)
    hash.update(`${relative(root, path)}\0${mtimeMs}\0${size}\n`)
  }
  return hash.digest('hex').slice(0, 24)
}

/** Bundled name of a thread entry, unique by its path: `packages/node/src/verify/check.thread.ts` → `thread-node-verify-check`. */
const threadName = (root, path) =>
  `thread-${relative(root, path)
    .replace(/\.thread\.ts$/, '')
    .split(/[/\\]/)
    .filter((part) => part !== 'packages' && part !== 'src' && part !== 'apps')
    .join('-')}`

const OWN_URL = 'import_meta_url_of_the_bundle'

/** Gives each source its own `import.meta` back, and thread URLs the thread's bundle, which stands beside the one that names it. */
const importMetaPlugin = (root, sources) => {
  const touching = new Set(sources.filter((path) => path.endsWith('.ts') && readFileSync(path, 'utf8').includes('import.meta.')))
  return {
    name: 'import-meta',
    setup(build) {
      if (touching.size === 0) return
      const names = [...new Set([...touching].map((path) => basename(path)))].map((name) => name.replace(/[.+*?^$()[\]{}|\\]/g, '\\$&'))
      build.onLoad({ filter: new RegExp(`[/\\\\](${names.join('|')})$`) }, ({ path }) => {
        if (!touching.has(path)) return undefined
        const contents = readFileSync(path, 'utf8')
          .replace(/new URL\(\s*'\.\/([^']+)\.thread\.ts'\s*,\s*import\.meta\.url\s*\)/g, (_whole, name) => {
            const target = `./${threadName(root, join(path, '..', `${name}.thread.ts`))}.mjs`
            return `new URL(${JSON.stringify(target)}, ${OWN_URL})`
          })
          .replace(/import\.meta\.url/g, JSON.stringify(pathToFileURL(path).href))
          .replace(/import\.meta\.dirname/g, JSON.stringify(join(path, '..')))
          .replace(/import\.meta\.filename/g, JSON.stringify(path))
          .replaceAll(OWN_URL, 'import.meta.url')
        return { contents, loader: 'ts' }
      })
    },
  }
}

const buildInto = async (root, sources, folder) => {
  const { build } = await import('esbuild')
  const threads = sources.filter((path) => path.endsWith('.thread.ts'))
  const entryPoints = Object.fromEntries([['main', join(root, MAIN)], ...threads.map((path) => [threadName(root, path), path])])
  await build({
    entryPoints,
    absWorkingDir: root,
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    conditions: ['node', 'import', 'default'],
    sourcemap: true,
    sourcesContent: false,
    keepNames: true,
    external: KEPT_OUTSIDE,
    banner: { js: CHUNK_BANNER },
    plugins: [importMetaPlugin(root, sources)],
    logLevel: 'silent',
  })
}

const forgetOldBundles = (cache, current) => {
  const bundles = subfolders(cache)
    .filter((folder) => folder !== current)
    .map((folder) => ({ folder, mtimeMs: statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
  for (const { folder, mtimeMs } of bundles.slice(BUNDLES_KEPT)) {
    if (Date.now() - mtimeMs > STALE_MS) rmSync(folder, { recursive: true, force: true })
  }
}

const explain = (error) => {
  const lines = (error.errors ?? []).slice(0, 5).map(({ location, text }) => (location ? `${location.file}:${location.line} ${text}` : text))
  return lines.length > 0 ? `the sources do not compile.\n  ${lines.join('\n  ')}` : `the bundle cannot be built: ${error.message}`
}

/** Path of the bundle of the present sources; builds it when a source changed. Safe when several processes start at once. */
export const ensureBundle = async (root) => {
  const prebuilt = process.env.PHALANX_BUNDLE
  if (prebuilt !== undefined && prebuilt !== '') return join(prebuilt, 'main.mjs')
  const sources = listSources(root)
  const cache = join(root, 'node_modules/.cache/phalanx')
  const folder = join(cache, fingerprint(root, sources))
  const entry = join(folder, 'main.mjs')
  if (existsSync(entry)) return entry
  const staging = `${folder}.${process.pid}.tmp`
  try {
    mkdirSync(staging, { recursive: true })
    await buildInto(root, sources, staging)
    writeFileSync(join(staging, 'package.json'), '{"type":"module"}\n')
    try {
      renameSync(staging, folder)
    } catch (error) {
      if (!existsSync(entry)) throw error
    }
    forgetOldBundles(cache, folder)
    return entry
  } catch (error) {
    throw new Error(explain(error), { cause: error })
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}
