/** Owns the errors of contracts as results carry them, and the coarse figures of queries and estimates. The results' wire form is `@phalanx/primitives/contracts`. */
import { CONTRACT_ERROR_NAMES, CONTRACTS_PALLET } from '@phalanx/primitives/contracts'
import { moduleError, type DispatchError } from '@phalanx/runtime/frame'
import type { ContractErrorName } from '../vm.ts'

/** The dispatch error of a contract error. */
export const contractError = (name: ContractErrorName): DispatchError => moduleError(CONTRACTS_PALLET, CONTRACT_ERROR_NAMES.indexOf(name))

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
