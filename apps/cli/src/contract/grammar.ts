/** Owns the grammar of `phalanx contract`: its commands with options, help and examples. */
import type { Command } from 'commander'
import { addContractClients } from '../contract-client/grammar.ts'
import { examples, type Run } from '../grammar.ts'

const BUILD_NOTES = `
Writes <name>.contract (code and description, what goes on chain) and <name>.json (the description alone, in the layout of ink! 5). The same
sources give the same bytes. A contract is TypeScript or JavaScript whose default export is a defineContract({ … }) of @phalanx/sdk/contract.
`

/** Adds the commands. */
export const addContract = (program: Command, run: Run): void => {
  const contract = program.command('contract').description('Write, test, build, deploy and use confidential contracts.')
    .addHelpText('after', examples('contract new my-contract', 'contract test my-contract', 'contract build my-contract', 'contract call --help'))
  contract.command('new')
    .description('Write a project with a contract and its tests, which work at once.')
    .argument('<name>', 'folder to make; its last part is the contract\'s name')
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('contract new my-contract', 'contract new ./contracts/auction'))
    .action(run(async () => (await import('../commands/contract-new.ts')).runNewContract))
  contract.command('build')
    .description('Build a contract: one file for the chain, one for clients.')
    .argument('[folder|file]', 'project or source of the contract (default: this folder)')
    .option('--out <folder>', 'where to write (default: the folder "build" of the project)')
    .option('--json', 'print JSON', false)
    .addHelpText('after', BUILD_NOTES + examples('contract build', 'contract build examples/sealed-bid-auction --out ./build', 'contract build my-contract/contract.ts --json | jq -r .codeHash'))
    .action(run(async () => (await import('../commands/contract-build.ts')).runBuildContract))
  contract.command('test')
    .description('Run a contract\'s unit tests, files that end in .test.ts, with Node\'s test runner. Exit code 1: some failed.')
    .argument('[folder|file]', 'project or test file (default: this folder)')
    .option('--json', 'print JSON', false)
    .addHelpText('after', examples('contract test', 'contract test my-contract --json | jq .failures'))
    .action(run(async () => (await import('../commands/contract-test.ts')).runContractTests))
  addContractClients(contract, run)
}
