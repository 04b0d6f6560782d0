/**
 * Owns the ink! bundles that tests and benchmarks run: `.contract` files of others, packed from the registry when first needed and
 * kept in node_modules/.cache, never committed. As a dependency the package would bring 240 others, one of them by a broken path.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const PACKAGE = '@abaxfinance/contract-helpers@0.0.124'
const INTEGRITY = 'uozJ+lgHEaCzXqulBClg/mKjjTikcYU7M8YipduHz/bbVNJIkHluMPgQHklE35F2815qA0dikbObrsFs/lz87g=='
const cache = resolve(import.meta.dirname, '../node_modules/.cache/ink-bundles')
const FETCH_LIMIT_MS = 30_000
const INSIDE = 'package/dist/src/typechain/artifacts'

/** A message or constructor as the metadata tells. */
export interface BundleEntry {
  readonly label: string
  readonly selector: string
  readonly args: readonly { readonly label: string; readonly type: { readonly type: number; readonly displayName?: readonly string[] } }[]
}

/** A bundle: its code and what its metadata says of entry points. */
export interface Bundle {
  readonly name: string
  readonly code: Uint8Array
  readonly hash: string
  readonly constructors: readonly BundleEntry[]
  readonly messages: readonly BundleEntry[]
  /** The whole file without the code, for clients that read it. */
  readonly metadata: Record<string, unknown>
}

/** Packs the package once, checks it against the hash pinned here and unpacks the bundles. */
const fetchBundles = (): void => {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'pack-'))
  try {
    execFileSync('npm', ['pack', PACKAGE, '--silent', '--fetch-retries=0', '--pack-destination', folder], { stdio: 'ignore', timeout: FETCH_LIMIT_MS })
    const archive = join(folder, readdirSync(folder)[0] ?? '')
    if (createHash('sha512').update(readFileSync(archive)).digest('base64') !== INTEGRITY) return
    execFileSync('tar', ['-xzf', archive, '-C', folder, INSIDE], { stdio: 'ignore' })
    // Another process may have been faster.
    if (!existsSync(join(cache, 'files'))) renameSync(join(folder, INSIDE), join(cache, 'files'))
  } catch {
    // Offline, or outrun: whether the files are there is all that counts.
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const readBundle = (name: string): Bundle => {
  const file = JSON.parse(readFileSync(join(cache, 'files', `${name}.contract`), 'utf8')) as {
    source: { wasm: string; hash: string }
    spec: { constructors: BundleEntry[]; messages: BundleEntry[] }
  }
  const { wasm, ...source } = file.source
  return {
    name, code: new Uint8Array(Buffer.from(wasm.slice(2), 'hex')), hash: source.hash, constructors: file.spec.constructors, messages: file.spec.messages,
    metadata: { ...file, source },
  }
}

/** The bundles by name; undefined where they are not here and cannot be, or are not to be, fetched. */
export const loadBundles = (options: { readonly mayFetch: boolean } = { mayFetch: true }): ReadonlyMap<string, Bundle> | undefined => {
  try {
    if (options.mayFetch && !existsSync(join(cache, 'files'))) fetchBundles()
    const names = readdirSync(join(cache, 'files')).filter((file) => file.endsWith('.contract')).map((file) => file.slice(0, -'.contract'.length))
    return new Map(names.sort((a, b) => (a < b ? -1 : 1)).map((name) => [name, readBundle(name)]))
  } catch {
    return undefined
  }
}
