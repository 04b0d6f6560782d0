/** Owns the error codes of `phalanx relay` that concern a fleet: its control socket and its configuration while it runs. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

const relayCommandErrors = defineErrors({
  CLI_RELAY_NOT_RUNNING: describe<{ socket: string }>(
    'No relay answers at {socket}.', 'Start it with phalanx relay --config, or give the --config that it was started with.'),
  CLI_RELAY_RUNNING: describe<{ socket: string }>(
    'A relay already answers at {socket}.', 'Stop it, or give this one another controlSocket in its configuration.'),
  CLI_RELAY_SOCKET_UNUSABLE: describe<{ socket: string; reason: string }>(
    'The control socket {socket} cannot be used: {reason}.', 'Give another controlSocket in the configuration: a path of at most 100 bytes in a folder you may write to.'),
  CLI_RELAY_REFUSED: describe<{ code: string; reason: string; fix: string }>(
    'The relay refused with {code}: {reason}', '{fix}'),
  CLI_RELAY_NEEDS_RESTART: describe<{ path: string; field: string }>(
    '{path} changes {field}, which a running relay keeps.', 'Restart the relay, or undo that change; nothing else of the file was taken either.'),
  CLI_RELAY_WORKER_UNKNOWN: describe<{ path: string; name: string }>(
    '{path} has no worker {name}.', 'Add it to the file first; a worker without a name is named by its url.'),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof relayCommandErrors> {}
}
