/** Owns the error codes of the commands that speak to contracts. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of `phalanx contract deploy`, `call`, `query`, `logs` and `phalanx observe`. */
export const contractClientErrors = defineErrors({
  CLI_CHAIN_SIMULATED: describe<{ url: string }>(
    'The chain at {url} says that it is simulated: its workers prove nothing, and nothing is secret there.',
    'Give --trust chain to use it nevertheless. On this machine (127.0.0.1) that goes without saying.'),
  CLI_ARGUMENTS_MALFORMED: describe<{ entry: string; path: string; expected: string; got: string; example: string }>(
    'The arguments of {entry} do not fit: {path} needs {expected}, not {got}.', 'Give them as one JSON object between single quotes: {example}'),
  CLI_CLUSTER_UNCLEAR: describe<{ url: string; count: number; clusters: string }>(
    'The chain at {url} has {count} clusters{clusters}.', 'Name the one to deploy to with --cluster; where there is none yet, phalanx dev makes one.'),
  CLI_COMMAND_NOT_FOUND: describe<{ id: string; from: number; to: number }>(
    'Blocks {from} to {to} hold no command {id}, and no command to a contract of that id.', 'Check the value (phalanx contract call prints it), or look further back with --blocks.'),
  CLI_COMMAND_KEY_MALFORMED: describe<{ path: string; reason: string }>(
    'The key of a command in {path} cannot be used: {reason}.', 'Name the folder given to --keep when the command was sent, its files unchanged.'),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof contractClientErrors> {}
}
