/** Owns storage deposits: what a frame added and removed, what that costs, and settling it with the payer at the end of an execution. */
import type { Overlay } from '@phalanx/runtime/frame'
import { bytesEqual, bytesToKey, keyToBytes } from '@phalanx/primitives/bytes'
import { atMostBalance, hold, release } from './balances.ts'
import type { ClusterConfig, ClusterStore, ContractInfo } from './schema.ts'

/** A deposit to take for a contract (above zero) or to give back (below). `isPaid`: already moved, only to be counted. */
interface Charge {
  readonly contract: Uint8Array
  readonly amount: bigint
  readonly isPaid: boolean
}

const CHARGES = {}

/** What one frame did to its contract's storage. */
export class StorageDiff {
  bytes = 0
  items = 0

  change(before: number | undefined, after: number | undefined): void {
    this.bytes += (after ?? 0) - (before ?? 0)
    this.items += Number(after !== undefined) - Number(before !== undefined)
  }
}

/** Deposit for a change of `delta` units, of which there are `units` now, for which `held` was taken. */
const priceOf = (delta: number, parts: { readonly units: number; readonly held: bigint; readonly price: bigint }): bigint => {
  if (delta >= 0) return BigInt(delta) * parts.price
  return parts.units === 0 ? 0n : -(parts.held * BigInt(Math.min(-delta, parts.units))) / BigInt(parts.units)
}

/** Notes a charge. */
export const recordCharge = (overlay: Overlay, charge: Charge): void => overlay.appendTransient(CHARGES, charge)

/** The contract's record after a frame; the deposit of the change is noted. */
export const applyDiff = (store: ClusterStore, parts: { readonly address: Uint8Array; readonly info: ContractInfo; readonly diff: StorageDiff; readonly config: ClusterConfig }): ContractInfo => {
  const { address, info, diff, config } = parts
  if (diff.bytes === 0 && diff.items === 0) return info
  const forBytes = priceOf(diff.bytes, { units: info.storageBytes, held: info.byteDeposit, price: config.depositPerByte })
  const forItems = priceOf(diff.items, { units: info.storageItems, held: info.itemDeposit, price: config.depositPerItem })
  recordCharge(store.overlay, { contract: address, amount: forBytes + forItems, isPaid: false })
  return {
    ...info,
    storageBytes: info.storageBytes + diff.bytes,
    storageItems: info.storageItems + diff.items,
    byteDeposit: atMostBalance(info.byteDeposit + forBytes),
    itemDeposit: atMostBalance(info.itemDeposit + forItems),
  }
}

const chargesOf = (overlay: Overlay): readonly Charge[] => overlay.transient<Charge[]>(CHARGES) ?? []

/** How many charges are noted so far. */
export const chargeCount = (overlay: Overlay): number => chargesOf(overlay).length

/** Sum of the charges noted since a count. */
export const chargedSince = (overlay: Overlay, from: number): bigint =>
  chargesOf(overlay).slice(from).reduce((sum, { amount }) => sum + amount, 0n)

/** What is noted for a contract and not moved yet. */
export const openCharges = (overlay: Overlay, contract: Uint8Array): bigint =>
  chargesOf(overlay).reduce((sum, charge) => (charge.isPaid || !bytesEqual(charge.contract, contract) ? sum : sum + charge.amount), 0n)

/** Moves what was noted between the payer and the contracts, what is given back first. @returns false where the payer has not enough */
export const settleCharges = (store: ClusterStore, payer: Uint8Array): boolean => {
  const sums = new Map<string, bigint>()
  for (const { contract, amount, isPaid } of chargesOf(store.overlay)) {
    if (!isPaid) sums.set(bytesToKey(contract), (sums.get(bytesToKey(contract)) ?? 0n) + amount)
  }
  for (const [contract, amount] of sums) if (amount < 0n) release(store, { contract: keyToBytes(contract), receiver: payer, value: -amount })
  return [...sums].every(([contract, amount]) => amount <= 0n || hold(store, { payer, contract: keyToBytes(contract), value: amount }))
}
