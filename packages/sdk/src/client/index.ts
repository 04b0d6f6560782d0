/** Public face of `@phalanx/sdk/client`: connecting to clusters, making contracts, sending sealed commands, asking sealed queries. For Node and browsers. */
export { accountOf, type Account, type AnySigner, type InjectedSigner, type KeyringPair, type WalletAccount } from '../account.ts'
export * from '../cluster/calls.ts'
export type { AnchoredKey, ChainState, ClusterEntry, ContractEntry } from '../cluster/chain-state.ts'
export { connect, createNetwork, type ChainWait, type Cluster, type ConnectOptions, type Included, type Network, type TrustPolicy } from '../cluster/network.ts'
export type { AbortSignalLike, Limits, SpanOptions } from '../cluster/patience.ts'
export type { PickedWorker, PickOptions } from '../cluster/pick-worker.ts'
export { createSurroundings, type SocketClass, type Surroundings } from '../cluster/surroundings.ts'
export { Secret } from '@phalanx/primitives/crypto'
export { createSigner, type KeyType, type Signer } from '../signer.ts'
export { askCluster, type ClusterAnswer } from './ask.ts'
export {
  contractOf, interfaceOf, type AnyMessages, type Commands, type ContractHandle, type ContractParts, type ContractReference, type Estimates, type HandleOf, type Queries,
  type UntypedHandle,
} from './contract-of.ts'
export { deploy, type DeployOptions, type DeployStage } from './deploy.ts'
export { parseInkMetadata, type InkContract } from './ink-json.ts'
export { findEntry, interfaceOfDefinition, interfaceOfMetadata, type ContractEvent, type ContractInterface, type EntryInterface } from './interface.ts'
export { readLogs, type ContractLog, type LogOptions } from './logs.ts'
export type { Answered, CommandReceipt, CommandStage, Estimate, QueryOptions, ReceiptLog, SendOptions } from './messages.ts'
export { showValue, valueOf } from './outcome.ts'
export { awaitReceipt, type ProvenOutcome } from './receipts.ts'
export { Session } from './session.ts'
export { createTypeCodecs } from './type-codec.ts'
