/** Owns the grammar of the command line: every command with its options, help and examples. What commands do loads when they run. */
import { Command } from 'commander'
import { platformTable, simulatedPlatform } from '@phalanx/worker/platform/table'
import manifest from '../package.json' with { type: 'json' }
import { addContract } from './contract/grammar.ts'
import { addObserve } from './contract-client/grammar.ts'
import { examples, type Run } from './grammar.ts'
import type { CliIo } from './output.ts'
import { oneOf, port, repeated, someOf, url, wholeNumber } from './options.ts'
import { LOG_LEVELS } from './log-levels.ts'
import { hexBytes } from './verify/hex.ts'
import { parseTime } from './verify/times.ts'

export type { Runner } from './grammar.ts'

const BLOCK_TIME_BOUNDS = { min: 50, max: 3_600_000 }
const BLOCKS_BOUNDS = { min: 0, max: 1_000_000 }
const WORKERS_BOUNDS = { min: 0, max: 64 }
const KEY_TYPE_NAMES = ['sr25519', 'ed25519', 'ecdsa'] as const

const PLATFORM_NAMES = platformTable.map(({ name }) => name)
const FAMILIES = simulatedPlatform.families
const PLATFORMS = `\nPlatforms:\n${platformTable.map(({ name, summary }) => `  ${name.padEnd(10)} ${summary}`).join('\n')}\n`

const withLogs = (command: Command): Command =>
  command
    .option('--log-level <level>', `how much to log on stderr: ${LOG_LEVELS.join(', ')}`, oneOf('--log-level', LOG_LEVELS))
    .option('--json', 'print JSON, one object per line', false)

/** Builds the program; `finish` receives the exit code of the command that ran. */
export const createProgram = (io: CliIo, finish: (exitCode: number) => void): Command => {
  const run: Run = (load) => async (...args) => {
    const command = args.pop() as Command
    args.pop()
    const runner = await load()
    finish(await runner(io, args as (string | undefined)[], command.opts()))
  }
  const program = new Command('phalanx')
    .description('A confidential-compute worker network: chain, workers, relay and keys in one binary.')
    .version(manifest.version, '-V, --version')
    .addHelpText('after', examples('dev', 'dev --workers 5 --base-path ./my-network', 'relay --help'))
    .enablePositionalOptions()
    .showSuggestionAfterError()
  addDev(program, run)
  addNode(program, run)
  addWorker(program, run)
  addRelay(program, run)
  addKeys(program, run)
  addChainSpec(program, run)
  addVerify(program, run)
  addDoctor(program, run)
  addPolicy(program, run)
  addSimulate(program, run)
  addExplain(program, run)
  addRewards(program, run)
  addContract(program, run)
  addObserve(program, run)
  return program
}

const addDev = (program: Command, run: Run): void => {
  withLogs(program.command('dev'))
    .description('Run a complete network in this process: a chain, a relay, simulated workers that register, and a gatekeeper for whom they compute and earn.')
    .option('--workers <count>', 'how many workers', wholeNumber('--workers', WORKERS_BOUNDS), 3)
    .option('--block-time <ms>', 'time between blocks while nothing waits', wholeNumber('--block-time', BLOCK_TIME_BOUNDS), 1000)
    .option('--rpc-port <port>', 'port of the node\'s RPC', port('--rpc-port'), 9944)
    .option('--worker-port <port>', 'port of the first worker; the others follow', port('--worker-port'), 8100)
    .option('--families <names>', `platform families of the simulated machines, in turn, with commas between them: ${FAMILIES.join(', ')}`, someOf('--families', FAMILIES))
    .option('--base-path <folder>', 'where chain and keys are kept (default: a fresh temporary folder)')
    .option('--no-contract', 'make no cluster and deploy no example contract')
    .option('--offline-after <blocks>', 'take the last worker off so many blocks after all compute, to see what silence costs', wholeNumber('--offline-after', BLOCKS_BOUNDS))
    .option('--back-after <blocks>', 'bring it back so many blocks after the chain called it unresponsive (otherwise: kill -USR2)', wholeNumber('--back-after', BLOCKS_BOUNDS))
    .addHelpText('after', examples('dev', 'dev --workers 1 --block-time 6000', `dev --workers 6 --families ${FAMILIES.slice(1, 4).join(',')}   # then revoke one: docs/policy.md`, 'dev --offline-after 10 --back-after 10', 'dev --base-path ./my-network   # the same chain and identities next time', 'dev --json | jq \'select(.event == "ready")\''))
    .action(run(async () => (await import('./commands/dev.ts')).runDev))
}

const addNode = (program: Command, run: Run): void => {
  withLogs(program.command('node'))
    .description('Run a node: it authors or imports blocks and serves JSON-RPC over HTTP and WebSocket.')
    .option('--dev', 'the development chain, authored here', false)
    .option('--chain <file>', 'chain specification to follow')
    .option('--authority <suri|file>', 'finality key that authors blocks: a file with a secret URI, - for standard input, or //Alice for development')
    .option('--block-time <ms>', 'time between blocks while nothing waits', wholeNumber('--block-time', BLOCK_TIME_BOUNDS), 1000)
    .option('--base-path <folder>', 'where the chain is kept (default: a fresh temporary folder)')
    .option('--rpc-port <port>', 'port of JSON-RPC, metrics and health', port('--rpc-port'), 9944)
    .option('--rpc-methods <set>', 'safe, or unsafe to offer methods that change the node', oneOf('--rpc-methods', ['safe', 'unsafe'] as const), 'safe')
    .option('--archive', 'keep the state of every block', false)
    .addHelpText('after', examples('node --dev', 'node --dev --base-path ./chain --archive', 'node --chain ./my-chain.json --authority ./authority.key --rpc-port 9955'))
    .action(run(async () => (await import('./commands/node.ts')).runNode))
}

const addWorker = (program: Command, run: Run): void => {
  withLogs(program.command('worker'))
    .description('Run a worker: it makes its keys, proves itself and follows the chain that a relay feeds it.')
    .requiredOption('--base-path <folder>', 'where the sealed keys are kept')
    .option('--port <port>', 'port of the worker\'s API', port('--port'), 8100)
    .option('--platform <name>', 'what the worker runs on and proves itself with', oneOf('--platform', PLATFORM_NAMES), PLATFORM_NAMES[0])
    .option('--family <name>', `platform family that a simulated machine pretends to be of: ${FAMILIES.join(', ')}`, oneOf('--family', FAMILIES))
    .option('--handover-from <url>', 'take over the identity of an older worker, which then stops for good; needs --node')
    .option('--node <url>', 'node that proves the chain\'s rules to both workers of a handover')
    .addHelpText('after', PLATFORMS + examples(
      'worker --base-path ./worker-1', `worker --base-path ./worker-2 --port 8101 --family ${FAMILIES[1]}`,
      'worker --base-path ./upgraded --port 8102 --handover-from http://127.0.0.1:8100 --node ws://127.0.0.1:9944'))
    .action(run(async () => (await import('./commands/worker.ts')).runWorker))
}

const RELAY_CONFIG = `
Configuration file (JSON; options on the command line win):
  { "nodes": ["ws://127.0.0.1:9944"], "signer": "./relay.key", "operator": "5Grw…",
    "workers": [{ "url": "http://127.0.0.1:8100", "endpoints": ["https://worker-1.example.org"] }] }
Fleets: "pools" with an account each, workers with a "name" and a "pool", "cache", "controlSocket", "limits": docs/operators.md

Actions on the running relay of a --config:
  status           workers, nodes and accounts as a table, or with --json
  reload           take the file anew, as a whole or not at all; only what differs is touched (as does SIGHUP)
  add|remove NAME  drive one worker of the file more, or one less until the next reload
  restart NAME     forget what is known of one worker and begin anew
`

const addRelay = (program: Command, run: Run): void => {
  withLogs(program.command('relay'))
    .description('Drive workers: initialise, feed and register them, and carry their messages to the chain.')
    .argument('[action]', 'tell a running relay what to do: status, reload, add, remove or restart')
    .argument('[worker]', 'name of the worker for add, remove and restart')
    .option('--node <url>', 'node to follow; repeat for more, in order of preference', repeated(url('--node', ['ws', 'wss'])))
    .option('--worker <url>', 'worker to drive; repeat for more', repeated(url('--worker', ['http', 'https'])))
    .option('--signer <suri|file>', 'account that pays the fees: a file with a secret URI, - for standard input, or //Alice for development')
    .option('--signer-type <type>', `scheme of the account: ${KEY_TYPE_NAMES.join(', ')}`, oneOf('--signer-type', KEY_TYPE_NAMES), 'sr25519')
    .option('--operator <address>', 'account that may use the workers')
    .option('--pccs-url <url>', 'where collateral for evidence is fetched', url('--pccs-url', ['https', 'http']))
    .option('--config <file>', 'configuration file')
    .option('--status-port <port>', 'serve /status, /health and /metrics on this port', port('--status-port'))
    .addHelpText('after', RELAY_CONFIG + examples('relay --node ws://127.0.0.1:9944 --worker http://127.0.0.1:8100 --signer //Alice', 'relay --config ./relay.json --status-port 9615', 'relay --config ./relay.json restart north-1'))
    .action(run(async () => (await import('./commands/relay.ts')).runRelay))
}

const addKeys = (program: Command, run: Run): void => {
  const keys = program.command('keys').description('Make, inspect, back up and restore keys.').addHelpText('after', examples('keys generate --out ./relay.key', 'keys inspect //Alice'))
  keys.command('generate')
    .description('Make a new key and print its phrase and address.')
    .option('--type <type>', `scheme: ${KEY_TYPE_NAMES.join(', ')}`, oneOf('--type', KEY_TYPE_NAMES), 'sr25519')
    .option('--words <count>', 'words of the phrase: 12, 15, 18, 21 or 24', oneOf('--words', ['12', '15', '18', '21', '24'] as const), '12')
    .option('--prefix <number>', 'network prefix of the address', wholeNumber('--prefix', { min: 0, max: 16_383 }), 30)
    .option('--out <file>', 'write the phrase there, readable by you alone, instead of printing it')
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('keys generate', 'keys generate --words 24 --out ./relay.key'))
    .action(run(async () => (await import('./commands/keys.ts')).runGenerate))
  keys.command('inspect')
    .description('Print address and public key of a secret URI, without the secret.')
    .argument('[suri]', 'secret URI; better a file: arguments are visible to other users')
    .option('--file <file>', 'read the secret URI from this file, or - for standard input')
    .option('--type <type>', `scheme: ${KEY_TYPE_NAMES.join(', ')}`, oneOf('--type', KEY_TYPE_NAMES), 'sr25519')
    .option('--prefix <number>', 'network prefix of the address', wholeNumber('--prefix', { min: 0, max: 16_383 }), 30)
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('keys inspect --file ./relay.key', 'keys inspect //Alice', 'keys inspect --file - < ./relay.key'))
    .action(run(async () => (await import('./commands/keys.ts')).runInspect))
  keys.command('backup')
    .description('Write an encrypted backup of a key file, a worker\'s folder, or both.')
    .requiredOption('--out <file>', 'backup to write')
    .option('--key <file>', 'key file to back up')
    .option('--base-path <folder>', 'worker\'s folder to back up; stop the worker first')
    .option('--passphrase-file <file>', 'read the passphrase from this file, or - for standard input')
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('keys backup --key ./relay.key --out ./relay.backup', 'keys backup --base-path ./worker-1 --out ./worker-1.backup --passphrase-file ./passphrase'))
    .action(run(async () => (await import('./commands/keys-backup.ts')).runBackup))
  keys.command('restore')
    .description('Check a backup and write back what it holds. Nothing is overwritten.')
    .argument('<file>', 'backup to read')
    .option('--key <file>', 'where to write the key file')
    .option('--base-path <folder>', 'where to write the worker\'s folder')
    .option('--passphrase-file <file>', 'read the passphrase from this file, or - for standard input')
    .option('--check', 'only check that the backup can be opened', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('keys restore ./relay.backup --key ./relay.key', 'keys restore ./worker-1.backup --check'))
    .action(run(async () => (await import('./commands/keys-backup.ts')).runRestore))
}

const addChainSpec = (program: Command, run: Run): void => {
  const spec = program.command('chain-spec').description('Make and check chain specifications.').addHelpText('after', examples('chain-spec dev > dev.json', 'chain-spec check ./my-chain.json'))
  spec.command('dev')
    .description('Print the specification of the development chain.')
    .addHelpText('after', examples('chain-spec dev', 'chain-spec dev > dev.json'))
    .action(run(async () => (await import('./commands/chain-spec.ts')).runDevSpec))
  spec.command('build')
    .description('Make a specification from a template: the development chain with the fields of a JSON file put over it.')
    .requiredOption('--from <file>', 'JSON with the fields to change')
    .option('--out <file>', 'where to write it (default: standard output)')
    .addHelpText('after', examples('chain-spec build --from ./changes.json --out ./my-chain.json'))
    .action(run(async () => (await import('./commands/chain-spec.ts')).runBuildSpec))
  spec.command('check')
    .description('Check a specification and print its genesis hash.')
    .argument('<file>', 'specification to check')
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('chain-spec check ./my-chain.json'))
    .action(run(async () => (await import('./commands/chain-spec.ts')).runCheckSpec))
}

const VERIFY_NOTES = `
Without --policy evidence is judged by the reference's rules with the vendors' roots that are built in; simulated evidence fails them.
Exit code: 0 trusted, 1 not trusted, 2 no verdict (unusable input, or the node cannot be reached).
`

const NODE_OPTION = 'node of the chain'
const NODE_DEFAULT = 'ws://127.0.0.1:9944'

const addPolicy = (program: Command, run: Run): void => {
  const policy = program.command('policy').description('The chain\'s attestation policy: show it, try a change on the registered workers, prepare the call that sets it.')
    .addHelpText('after', examples('policy show', 'policy dry-run --policy stricter.json'))
  const onChain = (name: string, description: string): Command =>
    policy.command(name).description(description).option('--node <url>', NODE_OPTION, url('--node', ['ws', 'wss']), NODE_DEFAULT).option('--json', 'print JSON', false)
  const withFile = (command: Command): Command => command.requiredOption('--policy <file>', 'JSON with the fields that differ from the policy in force, or a whole policy in SCALE; - for standard input')
  onChain('show', 'Print the policy in force.')
    .addHelpText('after', examples('policy show', 'policy show --json > policy.json'))
    .action(run(async () => (await import('./commands/policy.ts')).runShowPolicy))
  withFile(onChain('dry-run', 'Say which registered workers a policy would evict now, and why. Changes nothing. Exit code 0: none, 1: some.'))
    .addHelpText('after', examples('policy dry-run --policy stricter.json', 'policy dry-run --policy stricter.json --json | jq .evictions'))
    .action(run(async () => (await import('./commands/policy.ts')).runDryRun))
  withFile(onChain('call', 'Print the call that sets a policy, for governance to submit.'))
    .addHelpText('after', examples('policy call --policy stricter.json'))
    .action(run(async () => (await import('./commands/policy.ts')).runPolicyCall))
}

const addVerify = (program: Command, run: Run): void => {
  program.command('verify')
    .description('Judge attestation evidence of any kind: what it proves, until when, and what to do about each failure.')
    .argument('[file]', 'evidence: a quote, report or document, raw, in hex, base64, JSON or SCALE; - for standard input')
    .option('--collateral <file>', 'collateral, in place of what the evidence carries')
    .option('--at <time>', 'when it is to hold: Unix seconds or 2026-03-05T10:50:03Z (default: now)', parseTime('--at'))
    .option('--policy <file>', 'policy to judge by, JSON or SCALE; with --worker also: chain')
    .option('--report-data <hex>', 'bytes that the report data must begin with', hexBytes('--report-data', { min: 1, max: 64 }))
    .option('--worker <pubkey>', 'judge this registered worker\'s evidence instead of a file', hexBytes('--worker', { min: 32, max: 32 }))
    .option('--node <url>', 'node that serves the worker\'s chain', url('--node', ['ws', 'wss']))
    .option('--show-policy', 'print the policy too', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', VERIFY_NOTES + examples('verify quote.bin --collateral collateral.json', 'verify evidence.json --at 2026-03-05T10:50:03Z --policy policy.json --json', 'verify --worker 0x4a6f…9c --node ws://127.0.0.1:9944 --policy chain'))
    .action(run(async () => (await import('./commands/verify.ts')).runVerify))
}

const DOCTOR_NOTES = `
Examines, in this order: processor, devices, drivers, permissions, ports, clock, node and chain, disk, evidence, collateral, policy. What
no option asks for is not looked at. Exit code: 0 in order, 1 something keeps this machine from running a worker.
`

const addDoctor = (program: Command, run: Run): void => {
  program.command('doctor')
    .description('Examine this machine: what keeps it from running a worker, the cause and the fix first.')
    .option('--platform <name>', 'what the worker will run on', oneOf('--platform', PLATFORM_NAMES), PLATFORM_NAMES[0])
    .option('--base-path <folder>', 'where the worker or node will keep its files')
    .option('--port <port>', 'port that must be free; repeat for more (default: 8100)', repeated(port('--port')))
    .option('--node <url>', 'node that the worker\'s relay will follow', url('--node', ['ws', 'wss']))
    .option('--genesis <hash>', 'genesis hash of your network', hexBytes('--genesis', { min: 32, max: 32 }))
    .option('--time-server <host>', 'time server to compare the clock with')
    .option('--pccs-url <url>', 'where collateral for evidence is fetched', url('--pccs-url', ['https', 'http']))
    .option('--policy <file>', 'policy that must admit this machine (default: the chain\'s)')
    .option('--json', 'print JSON', false)
    .addHelpText('after', DOCTOR_NOTES + PLATFORMS + examples('doctor', `doctor --platform ${PLATFORM_NAMES.at(-1) ?? ''} --node ws://127.0.0.1:9944 --base-path /var/lib/phalanx/worker`, 'doctor --time-server pool.ntp.org --json'))
    .action(run(async () => (await import('./commands/doctor.ts')).runDoctor))
}

const SIMULATE_NOTES = `
A scenario (JSON) names populations (honest, flapping, lazy, sybil, sniper) and sets of parameters, each as the PhalaComputation object of a chain
spec has them; all fields are in docs/economy.md, an example with every strategy is apps/cli/examples/economy.json.
`

const addSimulate = (program: Command, run: Run): void => {
  const simulate = program.command('simulate').description('Reckon ahead with the chain\'s own arithmetic.').addHelpText('after', examples('simulate economy apps/cli/examples/economy.json'))
  simulate.command('economy')
    .description('Let populations of workers and delegators run for months under one or more sets of parameters: who earns, who loses, what sniping gains.')
    .argument('<file...>', 'scenarios; - for standard input')
    .option('--seed <number>', 'seed of all chance', wholeNumber('--seed', { min: 0, max: 0xffff_ffff }), 1)
    .option('--csv <file>', 'write every sample of every run there')
    .option('--chart <file>', 'write a chart of the runs side by side there, one HTML file')
    .option('--json', 'print JSON', false)
    .addHelpText('after', SIMULATE_NOTES + examples('simulate economy apps/cli/examples/economy.json --csv economy.csv --chart economy.html', 'simulate economy now.json proposed.json --json | jq .runs'))
    .action(run(async () => (await import('./commands/simulate.ts')).runSimulateEconomy))
}

const addExplain = (program: Command, run: Run): void => {
  const explain = program.command('explain').description('Say in plain words why the chain holds what it holds.')
    .addHelpText('after', examples('explain worker 0x4a6f…9c', 'explain balance 5Grw…'))
  const about = (name: string, argument: string, meaning: string, description: string): Command =>
    explain.command(name).description(description).argument(argument, meaning)
      .option('--node <url>', NODE_OPTION, url('--node', ['ws', 'wss']), NODE_DEFAULT).option('--json', 'print JSON', false)
  about('worker', '<pubkey>', 'public key of the worker, 0x hex', 'What a worker\'s V is made of, its next payout and its inputs, and why it does not answer.')
    .addHelpText('after', examples('explain worker 0x4a6f…9c --node ws://127.0.0.1:9944'))
    .action(run(async () => (await import('./commands/explain.ts')).runExplainWorker))
  about('stake', '<account>', 'address, or public key in 0x hex', 'What an account has in pools and vaults, what waits to be withdrawn, since when, and when it must be paid.')
    .option('--pool <pid>', 'this pool only', wholeNumber('--pool', { min: 0, max: 0xffff_ffff }))
    .addHelpText('after', examples('explain stake 5Grw…', 'explain stake 5Grw… --pool 3 --json'))
    .action(run(async () => (await import('./commands/explain.ts')).runExplainStake))
  about('balance', '<account>', 'address, or public key in 0x hex', 'What of a balance is locked, by whom, until which block, and what would free it sooner.')
    .addHelpText('after', examples('explain balance 5Grw…', 'explain balance 5Grw… --json'))
    .action(run(async () => (await import('./commands/explain.ts')).runExplainBalance))
}

const BLOCKS = { min: 0, max: 0xffff_ffff }

const addRewards = (program: Command, run: Run): void => {
  program.command('rewards')
    .description('State a worker\'s or a pool\'s rewards and slashes over a range of finalised blocks, to the planck.')
    .option('--worker <pubkey>', 'worker, public key in 0x hex', hexBytes('--worker', { min: 32, max: 32 }))
    .option('--pool <pid>', 'pool', wholeNumber('--pool', BLOCKS))
    .requiredOption('--from <block>', 'first block', wholeNumber('--from', BLOCKS))
    .option('--to <block>', 'last block (default: the last finalised one)', wholeNumber('--to', BLOCKS))
    .option('--node <url>', NODE_OPTION, url('--node', ['ws', 'wss']), NODE_DEFAULT)
    .option('--csv', 'print CSV, one line per event', false)
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('rewards --pool 0 --from 1 --to 5000', 'rewards --worker 0x4a6f…9c --from 1 --csv > rewards.csv'))
    .action(run(async () => (await import('./commands/rewards.ts')).runRewards))
}
