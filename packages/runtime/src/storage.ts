/**
 * Entry point of `@phalanx/runtime/storage`: the pallets' storage items (keys, value types, no logic) by pallet, so that relay
 * and worker read chain state and proofs with the chain's own definitions.
 */
export {
  admissionKeys, checkpointKeys, readAdmission, readCheckpointView, type AdmissionView, type CheckpointView, type ClustersView, type OwnClusterView, type OwnView,
} from './checkpoint-view.ts'
export * as assetsStorage from './pallets/assets/storage.ts'
export * as balancesStorage from './pallets/balances/storage.ts'
export * as grandpaStorage from './pallets/grandpa/storage.ts'
export * as phalaBasePoolStorage from './pallets/phala-base-pool/storage.ts'
export * as phalaComputationStorage from './pallets/phala-computation/storage.ts'
export * as phalaMqStorage from './pallets/phala-mq/storage.ts'
export * as phalaPhatContractsStorage from './pallets/phala-phat-contracts/storage.ts'
export * as phalaPhatTokenomicStorage from './pallets/phala-phat-tokenomic/storage.ts'
export * as phalaRegistryStorage from './pallets/phala-registry/storage.ts'
export * as phalaStakePoolV2Storage from './pallets/phala-stake-pool-v2/storage.ts'
export * as phalaVaultStorage from './pallets/phala-vault/storage.ts'
export * as phalaWrappedBalancesStorage from './pallets/phala-wrapped-balances/storage.ts'
export * as proxyStorage from './pallets/proxy/storage.ts'
export * as randomnessCollectiveFlipStorage from './pallets/randomness-collective-flip/storage.ts'
export * as rmrkCoreStorage from './pallets/rmrk-core/storage.ts'
export * as sudoStorage from './pallets/sudo/storage.ts'
export * as systemStorage from './pallets/system/storage.ts'
export * as timestampStorage from './pallets/timestamp/storage.ts'
export * as transactionPaymentStorage from './pallets/transaction-payment/storage.ts'
export * as uniquesStorage from './pallets/uniques/storage.ts'
