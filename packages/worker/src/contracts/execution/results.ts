/** Owns the SCALE form of results of calls and instantiations, their errors, and the coarse figures of queries and estimates. */
import { bytes, compactU64, fixedBytes, option, result, struct, tuple, u128, u32, variant, vec, type TypeOf } from '@phalanx/primitives/codec'
import { DispatchError, moduleError } from '@phalanx/runtime/frame'
import type { ContractErrorName } from '../vm.ts'

/** Index of the contracts pallet in the reference's contract runtime. */
const CONTRACTS_PALLET = 4

const ERROR_NAMES: readonly ContractErrorName[] = [
  'InvalidSchedule', 'InvalidCallFlags', 'OutOfGas', 'OutputBufferTooSmall', 'TransferFailed', 'MaxCallDepthReached', 'ContractNotFound', 'CodeTooLarge',
  'CodeNotFound', 'CodeInfoNotFound', 'OutOfBounds', 'DecodingFailed', 'ContractTrapped', 'ValueTooLarge', 'TerminatedWhileReentrant', 'InputForwarded',
  'RandomSubjectTooLong', 'TooManyTopics', 'NoChainExtension', 'DuplicateContract', 'TerminatedInConstructor', 'ReentranceDenied',
  'StorageDepositNotEnoughFunds', 'StorageDepositLimitExhausted', 'CodeInUse', 'ContractReverted', 'CodeRejected', 'Indeterministic', 'MigrationInProgress',
  'NoMigrationPerformed',
]

/** The dispatch error of a contract error. */
export const contractError = (name: ContractErrorName): DispatchError => moduleError(CONTRACTS_PALLET, ERROR_NAMES.indexOf(name))

/** Name of a contract error inside a dispatch error; undefined for errors of other kinds. */
export const contractErrorName = (error: DispatchError): ContractErrorName | undefined =>
  error.kind === 'Module' && error.value.index === CONTRACTS_PALLET ? ERROR_NAMES[error.value.error[0] as number] : undefined

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

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length)

/** Fills the low bits of a figure, so that it tells little about what a contract did: all below the 9 highest, at least `bits`. */
export const coarse = (value: bigint, options: { readonly bits: number; readonly width: number }): bigint => {
  const filled = Math.max(Math.min(Math.max(Math.max(bitLength(value), 9) - 9, options.bits), options.width - 1), 0)
  return value | ((1n << BigInt(filled)) - 1n)
}

const GAS_BITS = 28
const PAGE = 256n

/** Gas of a query or an estimate as it is told. */
export const coarseGas = (gas: bigint): bigint => coarse(gas, { bits: GAS_BITS, width: 64 })

/** Storage deposit of a query or an estimate as it is told. */
export const coarseDeposit = (deposit: bigint, depositPerByte: bigint): bigint => {
  const span = PAGE * depositPerByte
  return coarse(deposit, { bits: bitLength(span > 0n ? span - 1n : 0n), width: 128 })
}
