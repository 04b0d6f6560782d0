/** Owns what every part of the command line's grammar shares: how an action is bound to its command, how examples are shown. */
import type { CliIo } from './output.ts'

/** Runs one command: positional arguments, then options; the promise is the exit code. */
export type Runner = (io: CliIo, positional: readonly (string | undefined)[], options: Readonly<Record<string, unknown>>) => Promise<number>

/** Binds a command to what runs it, which loads when it runs. */
export type Run = (load: () => Promise<Runner>) => (...args: unknown[]) => Promise<void>

/** Examples at the end of a command's help. */
export const examples = (...lines: readonly string[]): string => `\nExamples:\n${lines.map((line) => `  $ phalanx ${line}`).join('\n')}\n`
