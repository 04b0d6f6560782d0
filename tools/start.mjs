/**
 * `npm start`: installs what is missing and runs `phalanx dev` in this process; arguments after `--` pass through.
 * Plain JavaScript without dependencies, because it must work on a fresh clone.
 */
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled, nodeProblem } from './preflight.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')

const problem = nodeProblem(process.versions.node) ?? (await ensureInstalled(root))
if (problem !== undefined) {
  process.stderr.write(`npm start: ${problem.cause}\n  ${problem.fix}\n`)
  process.exit(1)
}

const { run } = await import('../apps/cli/bin/phalanx.mjs')
process.exitCode = await run(['dev', ...process.argv.slice(2)])
