/** Owns the SCALE form of results of contract calls and instantiations, as commands, queries and estimates yield them, and the names of contract errors. */
import { bytes, compactU64, fixedBytes, option, result, struct, tuple, u128, u32, variant, vec, type TypeOf } from '../codec/index.ts'
import { DispatchError } from '../chain/dispatch-error.ts'

/** Index of the contracts pallet in the reference's contract runtime. */
export const CONTRACTS_PALLET = 4

/** Names of the errors a contract call can end with, as the reference's contracts pallet numbers them. */
export const CONTRACT_ERROR_NAMES = [
  'InvalidSchedule', 'InvalidCallFlags', 'OutOfGas', 'OutputBufferTooSmall', 'TransferFailed', 'MaxCallDepthReached', 'ContractNotFound', 'CodeTooLarge',
  'CodeNotFound', 'CodeInfoNotFound', 'OutOfBounds', 'DecodingFailed', 'ContractTrapped', 'ValueTooLarge', 'TerminatedWhileReentrant', 'InputForwarded',
  'RandomSubjectTooLong', 'TooManyTopics', 'NoChainExtension', 'DuplicateContract', 'TerminatedInConstructor', 'ReentranceDenied',
  'StorageDepositNotEnoughFunds', 'StorageDepositLimitExhausted', 'CodeInUse', 'ContractReverted', 'CodeRejected', 'Indeterministic', 'MigrationInProgress',
  'NoMigrationPerformed',
] as const
/** Name of such an error. */
export type ContractErrorName = (typeof CONTRACT_ERROR_NAMES)[number]

/** Name of a contract error inside a dispatch error; undefined for errors of other kinds. */
export const contractErrorName = (error: DispatchError): ContractErrorName | undefined =>
  error.kind === 'Module' && error.value.index === CONTRACTS_PALLET ? CONTRACT_ERROR_NAMES[error.value.error[0] as number] : undefined

const Weight = struct({ refTime: compactU64, proofSize: compactU64 })
const StorageDeposit = variant('StorageDeposit', { Refund: { index: 0, value: u128 }, Charge: { index: 1, value: u128 } })
/** Deposit taken or given back. */
export type StorageDeposit = TypeOf<typeof StorageDeposit>

const ExecReturnValue = struct({ flags: u32, data: bytes })
const InstantiateReturnValue = struct({ result: ExecReturnValue, accountId: fixedBytes(32) })
/** Events are never handed out with a result: always none. */
const NoEvents = option(vec(tuple()))

const resultShape = { gasConsumed: Weight, gasRequired: Weight, storageDeposit: StorageDeposit, debugMessage: bytes }

/** Result of a call. */
export const ContractExecResult = struct({ ...resultShape, result: result(ExecReturnValue, DispatchError), events: NoEvents })
export type ContractExecResult = TypeOf<typeof ContractExecResult>

/** Result of an instantiation. */
export const ContractInstantiateResult = struct({ ...resultShape, result: result(InstantiateReturnValue, DispatchError), events: NoEvents })
export type ContractInstantiateResult = TypeOf<typeof ContractInstantiateResult>
