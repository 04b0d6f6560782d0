/** Owns the grammar of the commands that speak to contracts: `phalanx contract deploy`, `call`, `query`, `logs`, and `phalanx observe`. */
import type { Command } from 'commander'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import { examples, type Run } from '../grammar.ts'
import { oneOf, url, wholeNumber } from '../options.ts'
import { hexBytes } from '../verify/hex.ts'

/** The node that is meant where none is named. */
export const NODE_DEFAULT = 'ws://127.0.0.1:9944'
const KEY_TYPE_NAMES = ['sr25519', 'ed25519', 'ecdsa'] as const
const COUNT = { min: 1, max: 1_000_000 }
const ID = { min: 32, max: 32 }
const SALT = { min: 1, max: 1024 }
const AUCTION = '0x2df0…'

const ARGUMENT_NOTES = `
Arguments are one JSON object with the names of the metadata: amounts as numbers or text, accounts as addresses or hex, bytes as hex.
Everything is sealed to keys that the chain anchors. A worker is used only if its evidence proves what --trust asks for.
`

/** An amount in the smallest unit, of any size. */
const amount = (option: string) => (value: string): bigint => {
  if (!/^[0-9]{1,39}$/.test(value)) throw new AppError('CLI_OPTION_INVALID', { option, value, expected: 'a whole number, at most 39 digits' })
  return BigInt(value)
}

const withNode = (command: Command): Command =>
  command
    .option('--node <url>', 'node of the chain', url('--node', ['ws', 'wss']), NODE_DEFAULT)
    .option('--trust <whom>', 'whose word counts about workers: vendors (the hardware\'s), or chain (its own policy; simulated chains have no other)', oneOf('--trust', ['vendors', 'chain'] as const))

const SIGNER = '--signer <suri|file>'
const signerText = (what: string): string => `${what}: a file with a secret URI, - for standard input, or //Alice for development`

/** Where only some signer will do, the command line says so itself. */
const withSigner = (command: Command, what: string, isNeeded: boolean): Command =>
  (isNeeded ? command.requiredOption(SIGNER, signerText(what)) : command.option(SIGNER, signerText(what)))
    .option('--signer-type <type>', `scheme of the account: ${KEY_TYPE_NAMES.join(', ')}`, oneOf('--signer-type', KEY_TYPE_NAMES), 'sr25519')

const withJson = (command: Command): Command => command.option('--json', 'print JSON, one object per line', false)

/** Adds `deploy`, `call`, `query` and `logs` to `phalanx contract`. */
export const addContractClients = (contract: Command, run: Run): void => {
  addDeploy(contract, run)
  addCall(contract, run)
  addQuery(contract, run)
  addLogs(contract, run)
}

const addDeploy = (contract: Command, run: Run): void => {
  const deploy = contract.command('deploy')
    .description('Deploy a contract: its code into a cluster, an instance of it, and wait until it can be spoken to.')
    .argument('<bundle>', '.contract file of the build')
    .argument('[arguments]', 'arguments of the constructor, as JSON')
    .option('--constructor <name>', 'which constructor (default: the default one, or the first)')
    .option('--cluster <id>', 'cluster to deploy to (default: the only one)', hexBytes('--cluster', ID))
    .option('--value <amount>', 'balance that it begins with, in the smallest unit', amount('--value'))
    .option('--salt <hex>', 'tells instances of one code and deployer apart (default: random)', hexBytes('--salt', SALT))
  withJson(withSigner(withNode(deploy), 'account that deploys and pays', true))
    .addHelpText('after', ARGUMENT_NOTES + examples(
      'contract deploy build/my_contract.contract --signer ./deployer.key', `contract deploy build/sealed_bid_auction.contract '{"lot": "a painting", "closesAfter": 2}' --signer //Alice`))
    .action(run(async () => (await import('../commands/contract-deploy.ts')).runDeploy))
}

const addCall = (contract: Command, run: Run): void => {
  const call = contract.command('call')
    .description('Send a sealed command and wait for its receipt, which is proven against the chain.')
    .argument('<contract>', 'id, 0x hex')
    .argument('<message>', 'which message')
    .argument('[arguments]', 'its arguments, as JSON')
    .requiredOption('--metadata <file>', 'description of the contract: .json or .contract of the build')
    .option('--value <amount>', 'balance sent along, in the smallest unit', amount('--value'))
    .option('--payer <suri|file>', 'account that pays for the transaction instead: then nobody can tell who sends, if the sender has balance in the cluster')
    .option('--deposit <amount>', 'move so much to the sender\'s account in the cluster first, which names it (default: what is missing there)', amount('--deposit'))
    .option('--gas <picoseconds>', 'most gas (default: by an estimate, which also finds out what would fail)', amount('--gas'))
    .option('--keep <folder>', 'keep the command\'s key there, readable by you alone, for phalanx observe (default: nowhere; on simulated chains beside the metadata)')
  withJson(withSigner(withNode(call), 'account that sends, and pays where --payer is not given', true))
    .addHelpText('after', ARGUMENT_NOTES + examples(
      `contract call ${AUCTION} bid '{"amount": "150000000000000"}' --signer //Dave --metadata build/sealed_bid_auction.json`,
      `contract call ${AUCTION} close --signer ./seller.key --metadata build/sealed_bid_auction.json --json | jq .gas`))
    .action(run(async () => (await import('../commands/contract-call.ts')).runCall))
}

const addQuery = (contract: Command, run: Run): void => {
  const query = contract.command('query')
    .description('Ask a contract, under seal, a worker that proved itself; nothing is paid and nothing changes.')
    .argument('<contract>', 'id, 0x hex')
    .argument('<message>', 'which message')
    .argument('[arguments]', 'its arguments, as JSON')
    .requiredOption('--metadata <file>', 'description of the contract: .json or .contract of the build')
  withJson(withSigner(withNode(query), 'account in whose name it is asked (default: nobody\'s)', false))
    .addHelpText('after', ARGUMENT_NOTES + examples(
      `contract query ${AUCTION} result --metadata build/sealed_bid_auction.json`, `contract query ${AUCTION} myBid --signer //Dave --metadata build/sealed_bid_auction.json --json | jq -r .value`))
    .action(run(async () => (await import('../commands/contract-query.ts')).runQuery))
}

const addLogs = (contract: Command, run: Run): void => {
  const logs = contract.command('logs')
    .description('Print what a contract logged: for who deployed it, the owner of its cluster, and of their own commands for others.')
    .argument('<contract>', 'id, 0x hex')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C', false)
    .option('--last <count>', 'so many of the newest (default: all that the worker keeps)', wholeNumber('--last', COUNT))
    .option('--metadata <file>', 'description of the contract, by which events are read')
  withJson(withSigner(withNode(logs), 'account that may read them', true))
    .addHelpText('after', examples(`contract logs ${AUCTION} --signer //Alice`, `contract logs ${AUCTION} -f --last 10 --signer ./seller.key --metadata build/sealed_bid_auction.json`))
    .action(run(async () => (await import('../commands/contract-logs.ts')).runLogs))
}

const OBSERVE_NOTES = `
The columns are filled with what each of them is really given: the chain's block, the feed that a relay takes from the node, what a worker hands its host, and, with
the key that phalanx contract call kept for this command, what its sender reads. The bytes of the sender's call are looked for in all that the others have.
`

/** Adds `phalanx observe`. */
export const addObserve = (program: Command, run: Run): void => {
  const observe = program.command('observe')
    .description('Show side by side what chain, relay and the worker\'s host can see of a command, and what its sender sees.')
    .argument('<command|contract>', 'hash of a command, or id of a contract: then its newest command')
    .option('--metadata <file>', 'description of the contract, by which the sender\'s side is read')
    .option('--keep <folder>', 'where the command\'s key was kept (default: beside the metadata)')
    .option('--blocks <count>', 'how far to look back', wholeNumber('--blocks', COUNT), 2000)
  withJson(withNode(observe))
    .addHelpText('after', OBSERVE_NOTES + examples('observe 0x5b1c… --metadata build/sealed_bid_auction.json', `observe ${AUCTION}`, 'observe 0x5b1c… --json | jq .chain'))
    .action(run(async () => (await import('../commands/observe.ts')).runObserve))
}
