/** Owns running a contract's unit tests: each test file becomes one module in a temporary folder, and Node's own test runner runs them. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import { bundleTest } from './bundler.ts'

const TEST_FILE = /\.test\.[cm]?[jt]s$/
const SKIPPED = ['node_modules', 'build']

const testsIn = (folder: string): readonly string[] =>
  readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !name.startsWith('.') && !SKIPPED.includes(name)).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? testsIn(path) : TEST_FILE.test(entry.name) ? [path] : []
  }).sort()

/** Test files of a project or the one that is named. @throws CLI_CONTRACT_TESTS_MISSING */
export const findTests = (target: string): { readonly folder: string; readonly files: readonly string[] } => {
  const path = resolve(target)
  if (existsSync(path) && statSync(path).isFile()) return { folder: dirname(path), files: [path] }
  const files = existsSync(path) ? testsIn(path) : []
  if (files.length === 0) throw new AppError('CLI_CONTRACT_TESTS_MISSING', { path: target })
  return { folder: path, files }
}

/** How tests ended. */
export interface TestRun {
  readonly exitCode: number
  /** What the runner printed: for people, or TAP where counts are wanted. */
  readonly output: string
}

const runNode = (args: readonly string[], cwd: string): Promise<TestRun> =>
  new Promise((done, fail) => {
    // A runner inside of another one would report to that instead of printing.
    const { NODE_TEST_CONTEXT: _ignored, ...env } = process.env
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', fail)
    child.on('close', (exitCode) => done({ exitCode: exitCode === 0 ? 0 : 1, output: Buffer.concat(chunks).toString() }))
  })

/** Bundles and runs tests. @throws CLI_CONTRACT_BUILD_FAILED */
export const runTests = async ({ folder, files }: { readonly folder: string; readonly files: readonly string[] }, reporter: 'spec' | 'tap'): Promise<TestRun> => {
  const temporary = mkdtempSync(join(tmpdir(), 'phalanx-contract-'))
  try {
    const modules: string[] = []
    for (const [at, file] of files.entries()) {
      const path = join(temporary, `${at}-${basename(file).replace(/\.[cm]?[jt]s$/, '')}.mjs`)
      writeFileSync(path, await bundleTest(relative(folder, file), folder))
      modules.push(path)
    }
    return await runNode(['--enable-source-maps', '--test', `--test-reporter=${reporter}`, ...modules], folder)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}
