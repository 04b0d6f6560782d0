/** Owns the entry of the `phalanx` binary: parses the arguments, runs one command, turns whatever goes wrong into code, cause and fix. */
import { CommanderError, type Command } from 'commander'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'
import { explainSystemError } from './explain.ts'
import { exitCodeOf, printError, type CliIo } from './output.ts'
import { createProgram } from './program.ts'
import { armEarlyExit, disarmEarlyExit } from './shutdown.ts'
import { processIo } from './system.ts'

/** Commander's ends that are no errors: help and version were printed. */
const QUIET_ENDS: readonly string[] = ['commander.helpDisplayed', 'commander.help', 'commander.version']

/** Commands that run until a signal ends them. */
const LONG_RUNNING: readonly string[] = ['dev', 'node', 'worker', 'relay']

const eachCommand = (command: Command, visit: (command: Command) => void): void => {
  visit(command)
  for (const child of command.commands) eachCommand(child, visit)
}

/** Name of the command that the arguments name, as far as they do, for the hint at its help. */
const commandOf = (program: Command, argv: readonly string[]): string => {
  const names = ['phalanx']
  let at = program
  for (const word of argv) {
    const child = at.commands.find((candidate) => candidate.name() === word)
    if (child === undefined) break
    names.push(word)
    at = child
  }
  return names.join(' ')
}

const usageError = (program: Command, argv: readonly string[], error: CommanderError): AppError => {
  const text = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ').replace(/\.$/, '')
  const problem = error.code === 'commander.help' || text === '(outputHelp)' ? 'A command is missing' : text.charAt(0).toUpperCase() + text.slice(1)
  return new AppError('CLI_USAGE', { problem, command: commandOf(program, argv) }, { cause: error })
}

/**
 * Runs the command line; the promise is the exit code: 0 done, 1 failed, 2 wrong usage.
 * Never rejects.
 */
export const main = async (argv: readonly string[], io: CliIo = processIo()): Promise<number> => {
  let exitCode = 0
  const isJson = argv.includes('--json')
  const program = createProgram(io, (code) => (exitCode = code))
  eachCommand(program, (command) => {
    command.exitOverride()
    command.configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: () => {}, getOutHasColors: () => false, getErrHasColors: () => false })
  })
  try {
    if (argv.length === 0) {
      io.stdout.write(program.helpInformation() + '\nExamples:\n  $ phalanx dev\n')
      return 2
    }
    if (LONG_RUNNING.includes(argv[0] ?? '')) armEarlyExit()
    await program.parseAsync([...argv], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      if (QUIET_ENDS.includes(error.code) && error.exitCode === 0) return 0
      const wrong = usageError(program, argv, error)
      printError(io, wrong, isJson)
      return exitCodeOf(wrong)
    }
    const known = explainSystemError(error)
    printError(io, known, isJson)
    return exitCodeOf(known)
  } finally {
    disarmEarlyExit()
  }
}
