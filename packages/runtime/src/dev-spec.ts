/** Owns the development chain spec: well-known accounts with money, sudo and finality with //Alice, simulated roots allowed. No security. */
import { toHex } from '@phalanx/primitives/bytes'
import { encodeSs58, suriToEd25519Seed, suriToSr25519, type Crypto } from '@phalanx/primitives/crypto'
import { SS58_PREFIX } from './pallets/system/pallet.ts'

const NAMES = ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie'] as const

/** Secret URIs of the accounts that a development chain endows. */
const DEV_ACCOUNTS: readonly string[] = NAMES.flatMap((name) => [`//${name}`, `//${name}//stash`])

/** 10^7 PHA of 12 decimals. */
const ENDOWMENT = 10n ** 19n

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
    blockTimeMs: options.blockTimeMs ?? 1000,
    bootstrap: [],
    genesis: {
      Balances: { balances: DEV_ACCOUNTS.map((suri) => [address(suri), ENDOWMENT.toString()]) },
      Sudo: { key: address('//Alice') },
      Grandpa: { authorities: [[toHex(crypto.ed25519.publicKey(suriToEd25519Seed(crypto, '//Alice'))), '1']] },
      ...options.genesis,
    },
  }
}
