/** Owns the bytes of the calls that clients of clusters make, and of several calls as one. Arguments are SCALE as the chain's metadata has them. */
import { concatBytes } from '@phalanx/primitives/bytes'
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { bytesUpTo, option, struct, u128, u64 } from '@phalanx/primitives/codec'
import { isSealedBytes, type SealedBytes } from '@phalanx/primitives/contracts'
import { AppError } from '@phalanx/primitives/errors'
import { CodeIndex, COMMAND_BYTES_MAX, CONTRACT_INPUT_BYTES_MAX, RESOURCE_BYTES_MAX, ResourceType, SALT_BYTES_MAX } from '@phalanx/primitives/messages'
import '../errors.ts'
import type { MetadataIndex } from '../metadata-index.ts'
import { encodeCall } from '../tx.ts'

/** A call by names, with SCALE arguments. */
export interface NamedCall {
  readonly pallet: string
  readonly call: string
  readonly args: Uint8Array
}

const PALLET = 'PhalaPhatContracts'
const COUNT_MAX = 63

/** Bytes of a call, or of a batch of which all count or none. @throws SDK_METADATA_NAME_NOT_FOUND */
export const encodeCalls = (metadata: MetadataIndex, calls: readonly NamedCall[]): Uint8Array => {
  const encoded = calls.map((call) => encodeCall(metadata, call, call.args))
  const [only] = encoded
  if (encoded.length === 1 && only !== undefined) return only
  if (encoded.length > COUNT_MAX) throw new AppError('CODEC_LENGTH_EXCEEDED', { length: encoded.length, max: COUNT_MAX })
  return encodeCall(metadata, { pallet: 'Utility', call: 'batch_all' }, concatBytes(Uint8Array.of(encoded.length << 2), ...encoded))
}

const push = struct({ contractId: Hash, payload: bytesUpTo(COMMAND_BYTES_MAX), deposit: u128 })
const transfer = struct({ amount: u128, clusterId: Hash, destAccount: AccountId })
const upload = struct({ clusterId: Hash, resourceType: ResourceType, resourceData: bytesUpTo(RESOURCE_BYTES_MAX) })
const instantiate = struct({
  codeIndex: CodeIndex, data: bytesUpTo(CONTRACT_INPUT_BYTES_MAX), salt: bytesUpTo(SALT_BYTES_MAX), clusterId: Hash, transfer: u128, gasLimit: u64,
  storageDepositLimit: option(u128), deposit: u128,
})

/** Sends a command; only one that is sealed. @throws SDK_PLAINTEXT_REFUSED where types were got round */
export const pushContractMessage = (command: { readonly contract: Uint8Array; readonly payload: SealedBytes<'command'>; readonly deposit: bigint }): NamedCall => {
  const { contract, payload, deposit } = command
  // Types say so already; plain JavaScript, and casts, must not send plaintext either.
  if (!isSealedBytes(payload, 'command')) throw new AppError('SDK_PLAINTEXT_REFUSED', { what: 'command' })
  return { pallet: PALLET, call: 'push_contract_message', args: push.encode({ contractId: contract, payload: payload.bytes, deposit }) }
}

/** Moves tokens of the payer to an account in a cluster, from which gas and deposits are paid there. */
export const transferToCluster = (payment: { readonly amount: bigint; readonly cluster: Uint8Array; readonly account: Uint8Array }): NamedCall =>
  ({ pallet: PALLET, call: 'transfer_to_cluster', args: transfer.encode({ amount: payment.amount, clusterId: payment.cluster, destAccount: payment.account }) })

/** Sends code into a cluster. */
export const uploadCode = (code: { readonly cluster: Uint8Array; readonly bytes: Uint8Array }): NamedCall =>
  ({ pallet: PALLET, call: 'cluster_upload_resource', args: upload.encode({ clusterId: code.cluster, resourceType: { kind: 'InkCode' }, resourceData: code.bytes }) })

/** A contract that is to be made. Gas in picoseconds, amounts in the smallest unit. */
export interface NewContract {
  readonly codeHash: Uint8Array
  readonly data: Uint8Array
  readonly salt: Uint8Array
  readonly cluster: Uint8Array
  readonly value: bigint
  readonly gasLimit: bigint
  readonly storageDepositLimit?: bigint | undefined
  /** Goes to the deployer's account in the cluster first. */
  readonly deposit: bigint
}

/** Has a cluster make a contract. */
export const instantiateContract = ({ codeHash, data, salt, cluster, value, gasLimit, storageDepositLimit, deposit }: NewContract): NamedCall => ({
  pallet: PALLET, call: 'instantiate_contract',
  args: instantiate.encode({ codeIndex: { kind: 'WasmCode', value: codeHash }, data, salt, clusterId: cluster, transfer: value, gasLimit, storageDepositLimit, deposit }),
})
