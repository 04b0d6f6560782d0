/** Owns `phalanx contract test`. */
import { relative } from 'node:path'
import { findTests, runTests } from '../contract/run-tests.ts'
import { printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'

const countOf = (tap: string, what: string): number => Number(new RegExp(`^# ${what} (\\d+)`, 'm').exec(tap)?.[1] ?? 0)

/** Runs a project's unit tests; the exit code is 1 where one fails. */
export const runContractTests: Runner = async (io, [target = '.'], options) => {
  const tests = findTests(target)
  if (options['json'] !== true) {
    const { exitCode, output } = await runTests(tests, 'spec')
    io.stdout.write(output)
    return exitCode
  }
  const { exitCode, output } = await runTests(tests, 'tap')
  const failures = [...output.matchAll(/^\s*not ok \d+ - (.+)$/gm)].map(([, name]) => name)
  printLine(io.stdout, toJson({ files: tests.files.map((file) => relative(tests.folder, file)), tests: countOf(output, 'tests'), passed: countOf(output, 'pass'), failed: countOf(output, 'fail'), failures }))
  return exitCode
}
