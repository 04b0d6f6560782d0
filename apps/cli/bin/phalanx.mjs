#!/usr/bin/env node
/**
 * Starts the `phalanx` command: checks Node, finds or builds the cached bundle (bundle.mjs) and runs its `main(argv)`.
 * Plain JavaScript in one process, so that signals, exit codes and the terminal are the command's own.
 */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { nodeProblem } from '../../../tools/preflight.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')

/** Prints a cause and a fix, and ends the process. */
const refuse = (cause, fix) => {
  process.stderr.write(`phalanx: ${cause}\n  ${fix}\n`)
  process.exit(1)
}

/** Runs the command line with these arguments; the promise is its exit code. */
export const run = async (argv) => {
  const problem = nodeProblem(process.versions.node)
  if (problem !== undefined) refuse(problem.cause, problem.fix)
  if (!existsSync(join(root, 'node_modules'))) refuse('the dependencies are not installed.', `Run: npm ci --prefix ${root}`)
  const { ensureBundle } = await import('./bundle.mjs')
  const bundle = await ensureBundle(root).catch((error) => refuse(error.message, 'Mend the file named above and start again.'))
  if (process.env.PHALANX_SOURCE_MAPS === '1') process.setSourceMapsEnabled(true)
  const { main } = await import(pathToFileURL(bundle).href)
  return main(argv)
}

const isEntry = process.argv[1] !== undefined && /[/\\]phalanx(\.mjs)?$/.test(process.argv[1])
if (isEntry) process.exitCode = await run(process.argv.slice(2))
