/**
 * Owns turning a contract's sources into one script: which files belong to it, what it must not import, and bytes that depend on the
 * sources alone. Does not know what the script is for.
 */
import { readFileSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { join } from 'node:path'
import { build, type BuildFailure, type Message, type Plugin } from 'esbuild'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'

/** Packages that this command brings along, so that contracts need nothing installed to be built. */
const OWN_PACKAGES = /^@phalanx\//
const OWN_SOURCES = /[/\\]packages[/\\]primitives[/\\]src[/\\]/
const ERROR_TABLES = /[/\\]packages[/\\]primitives[/\\]src[/\\]errors\.ts$/
const REFUSED = 'not in contracts: '

const requireHere = createRequire(import.meta.url)

/** Sees to it that a package of ours is found from everywhere; the project's own copy goes before. */
const ownPackages: Plugin = {
  name: 'own-packages',
  setup({ onResolve, resolve }) {
    onResolve({ filter: OWN_PACKAGES }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === ownPackages) return undefined
      const found = await resolve(path, { importer, resolveDir, kind, pluginData: ownPackages })
      if (found.errors.length === 0) return { path: found.path, sideEffects: !OWN_SOURCES.test(found.path) }
      try {
        const own = requireHere.resolve(path)
        return { path: own, sideEffects: !OWN_SOURCES.test(own) }
      } catch {
        return undefined
      }
    })
  },
}

/** Marks the entries of an error table as free of effects, so that the bundler leaves out a table that nothing names. */
const withoutSentences = (source: string): string =>
  source.replace(/^(export const \w+ = )(?=defineErrors\()/m, '$1/* @__PURE__ */ ').replace(/^( {2}[A-Z0-9_]+: )(?=describe\b)/gm, '$1/* @__PURE__ */ ')

/** Keeps out what a contract does not have, and what it does not need: unused parts of our packages, and the sentences of errors whose codes it shows. */
const contractRules: Plugin = {
  name: 'contract-rules',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /.*/ }, ({ path }) => (isBuiltin(path) ? { errors: [{ text: `${REFUSED}${path}` }] } : undefined))
    onResolve({ filter: /^\.\.?\// }, ({ path, importer, resolveDir }) => (OWN_SOURCES.test(importer) ? { path: join(resolveDir, path), sideEffects: false } : undefined))
    onLoad({ filter: ERROR_TABLES }, ({ path }) => ({ contents: withoutSentences(readFileSync(path, 'utf8')), loader: 'ts' }))
  },
}

const placeOf = ({ location, text }: Message): string => (location === null ? text : `${location.file}:${location.line}: ${text}`)

const isBuildFailure = (error: unknown): error is BuildFailure => error instanceof Error && Array.isArray((error as Partial<BuildFailure>).errors)

/** Why a build failed, in our words. */
const explain = (path: string, error: unknown): unknown => {
  if (!isBuildFailure(error)) return error
  const refused = error.errors.find(({ text }) => text.includes(REFUSED))
  if (refused !== undefined) {
    const name = refused.text.slice(refused.text.indexOf(REFUSED) + REFUSED.length)
    return new AppError('CLI_CONTRACT_IMPORT_REFUSED', { path: refused.location?.file ?? path, name }, { cause: error })
  }
  const lines = error.errors.slice(0, 3).map(placeOf)
  return new AppError('CLI_CONTRACT_BUILD_FAILED', { path, reason: lines.join('; ') }, { cause: error })
}

const bundle = async (path: string, run: () => ReturnType<typeof build>): Promise<string> => {
  try {
    const { outputFiles } = await run()
    return outputFiles?.[0]?.text ?? ''
  } catch (error) {
    throw explain(path, error)
  }
}

/** One script of an entry text that may import from `folder`; no imports are left. @throws CLI_CONTRACT_IMPORT_REFUSED, CLI_CONTRACT_BUILD_FAILED */
export const bundleScript = ({ entry, folder, path }: { readonly entry: string; readonly folder: string; readonly path: string }): Promise<string> =>
  bundle(path, () => build({
    stdin: { contents: entry, resolveDir: folder, sourcefile: 'entry.ts', loader: 'ts' }, absWorkingDir: folder, bundle: true, write: false,
    format: 'iife', platform: 'neutral', mainFields: ['module', 'main'], conditions: ['import', 'default'], target: 'es2023', minify: true, charset: 'utf8', legalComments: 'none',
    tsconfigRaw: {}, plugins: [contractRules, ownPackages], logLevel: 'silent',
  }))

const NODE_BANNER = 'import { createRequire as createRequireForBundle } from "node:module"; const require = createRequireForBundle(import.meta.url);'

/** One module for Node of a test file. @throws CLI_CONTRACT_BUILD_FAILED */
export const bundleTest = (file: string, folder: string): Promise<string> =>
  bundle(file, () => build({
    entryPoints: [file], absWorkingDir: folder, bundle: true, write: false, format: 'esm', platform: 'node', target: 'node20', conditions: ['node', 'import', 'default'],
    banner: { js: NODE_BANNER }, sourcemap: 'inline', plugins: [ownPackages], logLevel: 'silent',
  }))
