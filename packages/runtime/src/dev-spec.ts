/** Owns the development chain spec: well-known accounts with money, sudo and finality with //Alice, simulated roots allowed. No security. */
import { toHex } from '@phalanx/primitives/bytes'
import { encodeSs58, suriToEd25519Seed, suriToSr25519, type Crypto } from '@phalanx/primitives/crypto'
import { SUBSIDY_ACCOUNT } from './pallets/phala-computation/accounts.ts'
import { SS58_PREFIX } from './pallets/system/pallet.ts'

const NAMES = ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie'] as const

/** Secret URIs of the accounts that a development chain endows. */
const DEV_ACCOUNTS: readonly string[] = NAMES.flatMap((name) => [`//${name}`, `//${name}//stash`])

/** Members of the council and of the technical committee. */
const GOVERNORS: readonly string[] = ['//Alice', '//Bob', '//Charlie']

/** 10^7 PHA of 12 decimals. */
const ENDOWMENT = 10n ** 19n

/** What the published economy sets aside for computing: 7 · 10^8 PHA. */
const SUBSIDY = 7n * 10n ** 20n
const DEFAULT_BLOCK_MS = 1000

/**
 * The published economy, with a cool-down that one can wait for and challenges that one can watch: about one block in five asks a worker, where
 * a block takes a second, but of many workers together no more than one heartbeat per block.
 */
const DEV_ECONOMY = { coolDownPeriodSec: 60, expectedHeartbeatCount: 1, heartbeatsPerWorkerHour: 720 } as const

/** A development chain spec as JSON, ready to be written to a file or parsed. `genesis` adds or replaces pallets' parts. */
export const createDevChainSpec = (
  options: { readonly blockTimeMs?: number; readonly genesis?: Readonly<Record<string, unknown>> },
  dependencies: { readonly crypto: Crypto },
): Record<string, unknown> => {
  const { crypto } = dependencies
  const address = (suri: string): string => encodeSs58(crypto, { prefix: SS58_PREFIX, payload: suriToSr25519(crypto, suri).publicKey })
  return {
    name: 'Phalanx Development',
    id: 'phalanx-dev',
    chainType: 'Development',
    properties: { ss58Format: SS58_PREFIX, tokenDecimals: 12, tokenSymbol: 'PHA' },
    simulated: true,
    stateVersion: 1,
    blockTimeMs: options.blockTimeMs ?? DEFAULT_BLOCK_MS,
    bootstrap: [],
    genesis: {
      Balances: { balances: [...DEV_ACCOUNTS.map((suri) => [address(suri), ENDOWMENT.toString()]), [toHex(SUBSIDY_ACCOUNT), SUBSIDY.toString()]] },
      PhalaComputation: { ...DEV_ECONOMY, blockTimeSec: Math.max(1, Math.floor((options.blockTimeMs ?? DEFAULT_BLOCK_MS) / 1000)) },
      Sudo: { key: address('//Alice') },
      Council: { members: GOVERNORS.map(address) },
      TechnicalCommittee: { members: GOVERNORS.map(address) },
      Grandpa: { authorities: [[toHex(crypto.ed25519.publicKey(suriToEd25519Seed(crypto, '//Alice'))), '1']] },
      ...options.genesis,
    },
  }
}
