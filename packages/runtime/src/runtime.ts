/** Owns the only list of pallets, their indices, and the version of the chain's rules. */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { StateVersion } from '@phalanx/primitives/trie'
import { createRuntime, type AssembledRuntime } from './frame/create-runtime.ts'
import type { PlacedPallet } from './frame/calls.ts'
import type { RuntimeVersion } from './frame/runtime-api.ts'
import { assets } from './pallets/assets/pallet.ts'
import { balances } from './pallets/balances/pallet.ts'
import { council, technicalCommittee } from './pallets/collective/pallet.ts'
import { democracy } from './pallets/democracy/pallet.ts'
import { grandpa } from './pallets/grandpa/pallet.ts'
import { phalaBasePool } from './pallets/phala-base-pool/pallet.ts'
import { phalaComputation } from './pallets/phala-computation/pallet.ts'
import { phalaMq } from './pallets/phala-mq/pallet.ts'
import { phalaPhatContracts } from './pallets/phala-phat-contracts/pallet.ts'
import { phalaPhatTokenomic } from './pallets/phala-phat-tokenomic/pallet.ts'
import { phalaRegistry } from './pallets/phala-registry/pallet.ts'
import { phalaStakePoolV2 } from './pallets/phala-stake-pool-v2/pallet.ts'
import { phalaVault } from './pallets/phala-vault/pallet.ts'
import { phalaWrappedBalances } from './pallets/phala-wrapped-balances/pallet.ts'
import { preimage } from './pallets/preimage/pallet.ts'
import { proxy } from './pallets/proxy/pallet.ts'
import { randomnessCollectiveFlip } from './pallets/randomness-collective-flip/pallet.ts'
import { rmrkCore } from './pallets/rmrk-core/pallet.ts'
import { scheduler } from './pallets/scheduler/pallet.ts'
import { sudo } from './pallets/sudo/pallet.ts'
import { system } from './pallets/system/pallet.ts'
import { timestamp } from './pallets/timestamp/pallet.ts'
import { transactionPayment } from './pallets/transaction-payment/pallet.ts'
import { treasury } from './pallets/treasury/pallet.ts'
import { uniques } from './pallets/uniques/pallet.ts'
import { utility } from './pallets/utility/pallet.ts'

/** Pallets of the chain; indices as the reference chain has them. */
const PALLETS: readonly PlacedPallet[] = [
  { index: 0, pallet: assets },
  { index: 1, pallet: system },
  { index: 2, pallet: utility },
  { index: 4, pallet: timestamp },
  { index: 7, pallet: balances },
  { index: 8, pallet: transactionPayment },
  { index: 15, pallet: democracy },
  { index: 16, pallet: council },
  { index: 17, pallet: technicalCommittee },
  { index: 20, pallet: grandpa },
  { index: 21, pallet: treasury },
  { index: 22, pallet: sudo },
  { index: 27, pallet: randomnessCollectiveFlip },
  { index: 32, pallet: scheduler },
  { index: 33, pallet: preimage },
  { index: 34, pallet: proxy },
  { index: 40, pallet: phalaMq },
  { index: 41, pallet: phalaRegistry },
  { index: 42, pallet: phalaComputation },
  { index: 43, pallet: phalaStakePoolV2 },
  { index: 45, pallet: phalaVault },
  { index: 46, pallet: phalaWrappedBalances },
  { index: 47, pallet: phalaBasePool },
  { index: 48, pallet: phalaPhatContracts },
  { index: 49, pallet: phalaPhatTokenomic },
  { index: 104, pallet: uniques },
  { index: 105, pallet: rmrkCore },
]

/** Versions of the rules: raise `specVersion` with every change of execution, `transactionVersion` when call or extension encodings change. */
const VERSION: Omit<RuntimeVersion, 'apis' | 'stateVersion'> = {
  specName: 'phalanx', implName: 'phalanx', authoringVersion: 1, specVersion: 1, implVersion: 1, transactionVersion: 1,
}

/** The chain's runtime. */
export const createPhalanxRuntime = (options: { readonly stateVersion: StateVersion }, dependencies: { readonly crypto: Crypto }): AssembledRuntime =>
  createRuntime({ pallets: PALLETS, version: VERSION, stateVersion: options.stateVersion }, dependencies)
