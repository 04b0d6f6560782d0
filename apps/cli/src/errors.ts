/** Owns the error codes of the command line. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'
import './contract-client/errors.ts'
import './relay-errors.ts'

/** Codes of `@phalanx/cli`. */
export const cliErrors = defineErrors({
  CLI_USAGE: describe<{ problem: string; command: string }>(
    '{problem}.', 'See: {command} --help'),
  CLI_OPTION_INVALID: describe<{ option: string; value: string; expected: string }>(
    '{option} cannot be "{value}".', 'Give {expected}.'),
  CLI_NOT_AN_AUTHORITY: describe<{ option: string }>(
    'The key given with {option} is not an authority of this chain: nothing would be authored with it.', 'Give the secret of a key that the chain names under Grandpa.Authorities, or leave {option} out to follow only.'),
  CLI_PORT_IN_USE: describe<{ port: string; option: string }>(
    'Port {port} is taken by another process.', 'Stop that process, or choose another port with {option}.'),
  CLI_BASE_PATH_UNUSABLE: describe<{ path: string; reason: string }>(
    'The folder {path} cannot be used: {reason}.', 'Give a folder you may write to with --base-path.'),
  CLI_BASE_PATH_IN_USE: describe<{ path: string; pid: number }>(
    'The folder {path} is in use by process {pid}.', 'Stop that process, or give another folder with --base-path.'),
  CLI_BASE_PATH_FOREIGN: describe<{ path: string; found: string }>(
    'The folder {path} holds something else: {found}.', 'Give an empty folder, or one that this command has written, with --base-path.'),
  CLI_BASE_PATH_VERSION: describe<{ path: string; format: number; known: number }>(
    'The folder {path} has format {format}; this version reads up to {known}.', 'Run the newer version that wrote it, or give another folder with --base-path.'),
  CLI_BASE_PATH_MALFORMED: describe<{ path: string; file: string; reason: string }>(
    '{file} in {path} cannot be read: {reason}.', 'Restore the file from a backup, or give another folder with --base-path.'),
  CLI_DISK_FULL: describe<{ path: string }>(
    'The disk is full at {path}.', 'Free space and start again; what was committed is kept.'),
  CLI_FILE_UNREADABLE: describe<{ path: string; reason: string }>(
    'The file {path} cannot be read: {reason}.', 'Check the path and its permissions.'),
  CLI_FILE_UNWRITABLE: describe<{ path: string; reason: string }>(
    'The file {path} cannot be written: {reason}.', 'Check the folder and its permissions.'),
  CLI_FILE_EXISTS: describe<{ path: string }>(
    '{path} exists already and is not overwritten.', 'Move it away, or name another one.'),
  CLI_CONFIG_MALFORMED: describe<{ path: string; reason: string }>(
    'The configuration {path} cannot be used: {reason}.', 'Correct the file; an example is in the help of the command.'),
  CLI_TIME_SERVER_FAILED: describe<{ server: string; reason: string }>(
    'The time server {server} gives no time: {reason}.', 'Give a time server that answers on UDP port 123.'),
  CLI_SECRET_MISSING: describe<{ what: string }>(
    'No {what} was given.', 'Give a file, or - to read it from standard input; arguments are visible to other users of this machine.'),
  CLI_BACKUP_MALFORMED: describe<{ path: string; reason: string }>(
    '{path} is not a usable backup: {reason}.', 'Use the file that phalanx keys backup wrote, unchanged.'),
  CLI_BACKUP_WRONG_PASSPHRASE: describe<{ path: string }>(
    'The passphrase does not open {path}, or the file was altered.', 'Check the passphrase; nothing was written.'),
  CLI_PASSPHRASE_WEAK: describe<{ length: number; min: number }>(
    'A passphrase of {length} characters is too short.', 'Use at least {min} characters.'),
  CLI_RANGE_INVALID: describe<{ from: number; to: number; reason: string }>(
    'Blocks {from} to {to} cannot be read: {reason}.', 'Give a range of finalised blocks whose state the node keeps; a node with --archive keeps all.'),
  CLI_NOT_ON_CHAIN: describe<{ what: string; id: string; url: string }>(
    'The chain at {url} knows no {what} {id}.', 'Check the value, and that --node is a node of the chain you mean.'),
  SIM_SCENARIO_MALFORMED: describe<{ path: string; field: string; expected: string }>(
    'The scenario {path} cannot be used: {field} needs {expected}.', 'Correct the field; apps/cli/examples/economy.json is an example with every strategy.'),
  CLI_DEV_STEP_REFUSED: describe<{ step: string; reason: string }>(
    'To {step} was refused: {reason}', 'It is tried again with the next blocks; if that does not help, start a fresh network: phalanx dev without --base-path.'),
  CLI_DEV_ECONOMY_MISSING: describe<{ path: string }>(
    'The network in {path} was begun before workers could earn: its chain has no economy.', 'Start a fresh one, without --base-path or in an empty folder.'),
  CLI_DEV_GATEKEEPER_LOST: describe<{ gatekeeper: string }>(
    'The chain knows the gatekeeper {gatekeeper}, whose keys are not in the folder: nobody can settle what workers earn.', 'Put the folder "gatekeeper" back, or start a fresh network: phalanx dev without --base-path.'),
  CLI_DEV_WORKER_TOO_SLOW: describe<{ worker: string; score: number; least: number }>(
    'The worker {worker} scored {score} and may not compute: the least is {least}.', 'Start again while the machine is less busy; a fresh network measures anew.'),
  CLI_CONTRACT_SOURCE_MISSING: describe<{ path: string }>(
    'There is no contract at {path}.', 'Name its source file, or a folder with contract.ts or src/contract.ts; phalanx contract new writes one.'),
  CLI_CONTRACT_IMPORT_REFUSED: describe<{ path: string; name: string }>(
    '{path} imports {name}, which contracts do not have.', 'Use what ctx offers, or a package without parts of Node; files, processes and sockets are out of reach of a contract.'),
  CLI_CONTRACT_BUILD_FAILED: describe<{ path: string; reason: string }>(
    '{path} does not compile: {reason}.', 'Mend the place that is named.'),
  CLI_CONTRACT_EXPORT_MISSING: describe<{ path: string }>(
    '{path} exports no contract.', 'Write: export default defineContract({ … }).'),
  CLI_CONTRACT_DECLARATION_FAILED: describe<{ path: string; reason: string }>(
    '{path} cannot be read as a contract: {reason}.', 'Outside of constructors and messages a contract only declares: it has no host, clock, network or timers there.'),
  CLI_CONTRACT_TOO_LARGE: describe<{ path: string; size: number; max: number }>(
    '{path} comes to {size} bytes of code; workers take {max}.', 'Import less: a package that is used a little comes along as a whole.'),
  CLI_CONTRACT_TESTS_MISSING: describe<{ path: string }>(
    'There are no tests in {path}.', 'Name a file, or write tests into files that end in .test.ts.'),
  CLI_INTERRUPTED: describe('Interrupted.', 'Run the command again.'),
  CLI_UNEXPECTED: describe<{ reason: string }>(
    'Something went wrong that should not: {reason}.', 'This is a defect: report it with the command and PHALANX_DEBUG=1 output.'),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof cliErrors> {}
}
