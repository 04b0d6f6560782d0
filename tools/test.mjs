/**
 * `npm test`: installs what is missing, then runs every check of the project in order and sums them up. Same here and in CI.
 * `-- --long` (also `npm run test:long`) runs the full figures and writes docs/reports/test-long.md; `-- --only NAME` runs one step (and
 * renews its row of that report).
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled, nodeProblem } from './preflight.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
const isLong = args.includes('--long')
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined
const cache = join(root, 'node_modules/.cache/phalanx-test')

/** Seed of what is drawn at random in this run: the commit, so that CI tries new ones with every change and anyone can repeat them. */
const commitHash = () => {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return '0000000000000000000000000000000000000000'
  }
}

const commit = commitHash()
const bin = (name) => join(root, 'node_modules/.bin', process.platform === 'win32' ? `${name}.cmd` : name)
const vitest = (name, ...rest) => [bin('vitest'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${join(cache, `${name}.json`)}`, ...rest]

/**
 * The ordinary run repeats the same seeds, so that a red one means that a change broke something; the long run draws new ones from the commit.
 * The steps in order; one whose `needs` is absent does not exist yet and is not listed.
 */
const STEPS = [
  { name: 'tidy', about: 'layers, style, dead code', commands: [[bin('tsx'), 'tools/tidy.ts']], needs: 'tools/tidy.ts' },
  { name: 'lint', about: 'eslint', commands: [[bin('eslint'), '.', '--max-warnings=0']], needs: 'eslint.config.js' },
  { name: 'types', about: 'tsc', commands: [[bin('tsc'), '-p', 'tsconfig.json']], needs: 'tsconfig.json' },
  { name: 'tests', about: 'unit, property, vectors, conformance', commands: [vitest('tests', '--exclude', 'test/e2e/**', '--exclude', 'test/kill/**')], needs: 'vitest.config.ts', isVitest: true },
  {
    name: 'simulator',
    about: isLong ? '1,000 new seeds of 500 blocks or more' : '100 seeds of 100 blocks or more, always the same',
    commands: [[bin('tsx'), 'simulation/src/run.ts', ...(isLong ? ['--seeds', '1000', '--from', commit] : ['--seeds', '100', '--from', 'phalanx', '--blocks', '100'])]],
    needs: 'simulation/src/run.ts',
  },
  { name: 'e2e', about: 'real processes, unmodified clients', commands: [vitest('e2e', '--no-file-parallelism', 'test/e2e')], needs: 'test/e2e', isVitest: true },
  { name: 'kill', about: isLong ? '200 kills' : '20 kills', commands: [vitest('kill', '--no-file-parallelism', 'test/kill')], needs: 'test/kill', isVitest: true },
]

const environment = {
  ...process.env,
  PHALANX_KILLS: isLong ? '200' : '20',
  PHALANX_SEED: commit,
  ...(isLong ? { PHALANX_LONG: '1', PHALANX_PROPERTY_SEED: String(Number.parseInt(commit.slice(0, 8), 16) || 1) } : {}),
}

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`

const running = new Set()

/** Runs one command and keeps what it prints. */
const executeOne = ([file, ...rest]) =>
  new Promise((done) => {
    const child = spawn(file, rest, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' })
    running.add(child)
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    const finish = (code) => {
      running.delete(child)
      done({ code, output })
    }
    child.on('error', (error) => finish(error.code ?? 1))
    child.on('close', (code, signal) => finish(code ?? signal))
  })

/** Runs the commands of a step side by side; on a terminal a counting line shows that it lives. */
const execute = async (step) => {
  const started = Date.now()
  const tty = process.stdout.isTTY
  const timer = tty ? setInterval(() => process.stdout.write(`\r  … ${step.name.padEnd(10)} ${seconds(Date.now() - started)} `), 200) : undefined
  if (!tty) process.stdout.write(`  … ${step.name} (${step.about})\n`)
  const runs = await Promise.all(step.commands.map(executeOne))
  clearInterval(timer)
  if (tty) process.stdout.write('\r\u001b[2K')
  return { step, code: runs.find(({ code }) => code !== 0)?.code ?? 0, output: runs.map(({ output }) => output).join('\n'), elapsedMs: Date.now() - started }
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of running) child.kill(signal)
    process.exit(signal === 'SIGINT' ? 130 : 143)
  })
}

/** Counts of a finished step: vitest's own numbers, otherwise one check, or the `N passed, N failed` line it printed. */
const count = ({ step, code, output }) => {
  if (step.isVitest) {
    const path = join(cache, `${step.name}.json`)
    if (existsSync(path)) {
      const report = JSON.parse(readFileSync(path, 'utf8'))
      const tests = report.testResults.flatMap((file) => file.assertionResults)
      const crashed = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed')).length
      return {
        passed: tests.filter((test) => test.status === 'passed').length,
        failed: Math.max(tests.filter((test) => test.status === 'failed').length + crashed, code === 0 ? 0 : 1),
        notRun: tests
          .filter((test) => test.status !== 'passed' && test.status !== 'failed')
          .map((test) => (test.title.startsWith('not run:') ? `${test.ancestorTitles.join(' > ')}: ${test.title.slice(9)}` : test.fullName)),
      }
    }
  }
  const lines = [...output.matchAll(/^(\d+) passed, (\d+) failed\s*$/gm)]
  const sum = (group) => lines.reduce((total, line) => total + Number(line[group]), 0)
  if (lines.length > 0) return { passed: sum(1), failed: Math.max(sum(2), code === 0 ? 0 : 1), notRun: [] }
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, notRun: [] }
}

const REPORT = join(root, 'docs/reports/test-long.md')

/** Rows of an earlier report by step, so that `--long --only STEP` renews one and keeps the others. */
const earlierRows = () =>
  new Map(
    (existsSync(REPORT) ? readFileSync(REPORT, 'utf8') : '')
      .split('\n')
      .filter((line) => /^\| [a-z0-9]+ \|/.test(line) && !line.startsWith('| step '))
      .map((line) => [line.split('|')[1].trim(), line]),
  )

const writeReport = (results) => {
  mkdirSync(dirname(REPORT), { recursive: true })
  const rows = only === undefined ? new Map() : earlierRows()
  const today = new Date().toISOString().slice(0, 10)
  for (const { step, counts, elapsedMs } of results)
    rows.set(step.name, `| ${step.name} | ${step.about} | ${counts.passed} | ${counts.failed} | ${counts.notRun.length} | ${seconds(elapsedMs)} | ${commit.slice(0, 12)} | ${today} |`)
  const notRun = results.flatMap(({ counts }) => counts.notRun)
  writeFileSync(
    REPORT,
    [
      '# Long test run',
      '',
      `Written by \`npm run test:long\` (all steps, or one with \`-- --only STEP\`) on Node ${process.versions.node}, ${cpus().length} cores. Each row names the commit it ran on.`,
      '',
      '| step | what | passed | failed | not run | time | commit | date |',
      '| --- | --- | --- | --- | --- | --- | --- | --- |',
      ...STEPS.map(({ name }) => rows.get(name)).filter((row) => row !== undefined),
      '',
      ...(notRun.length === 0 ? [] : ['Not run in the last of these:', '', ...notRun.map((name) => `- ${name}`), '']),
    ].join('\n'),
  )
}

const problem = nodeProblem(process.versions.node) ?? (await ensureInstalled(root, process.stdout))
if (problem !== undefined) {
  process.stderr.write(`npm test: ${problem.cause}\n  ${problem.fix}\n`)
  process.exit(1)
}

rmSync(cache, { recursive: true, force: true })
mkdirSync(cache, { recursive: true })
/** Whether what a step runs is there: a file, or a folder with a test in it. */
const isThere = (path) => existsSync(path) && (!statSync(path).isDirectory() || readdirSync(path).some((name) => name.endsWith('.test.ts')))

const steps = STEPS.filter((step) => isThere(join(root, step.needs)) && (only === undefined || step.name === only))
if (steps.length === 0) {
  process.stderr.write(`npm test: there is no step named ${only}.\n  Name one of: ${STEPS.map((step) => step.name).join(', ')}\n`)
  process.exit(1)
}

const results = []
for (const step of steps) {
  const result = await execute(step)
  const counts = count(result)
  results.push({ ...result, counts })
  const mark = counts.failed === 0 ? '✓' : '✗'
  const detail = `${counts.passed} passed${counts.failed > 0 ? `, ${counts.failed} failed` : ''}${counts.notRun.length > 0 ? `, ${counts.notRun.length} not run` : ''}`
  process.stdout.write(`  ${mark} ${step.name.padEnd(10)} ${seconds(result.elapsedMs).padStart(8)}  ${detail}\n`)
  if (counts.failed > 0) process.stdout.write(`\n${result.output.trimEnd()}\n\n`)
}

const totals = results.reduce((sum, { counts }) => ({ passed: sum.passed + counts.passed, failed: sum.failed + counts.failed }), { passed: 0, failed: 0 })
const notRun = results.flatMap(({ counts }) => counts.notRun)
if (notRun.length > 0) process.stdout.write(`\nnot run:\n${notRun.map((name) => `  ${name}`).join('\n')}\n`)
if (isLong) writeReport(results)
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed\n`)
process.exitCode = totals.failed === 0 ? 0 : 1
