/** Owns moving balances between accounts of a cluster. The existential deposit is 1: an account is gone when nothing is left. */
import type { ClusterStore } from './schema.ts'

/** Least balance of an account that exists. */
export const MINIMUM_BALANCE = 1n

const BALANCE_MAX = (1n << 128n) - 1n

/** A sum as a balance: no more than one can hold. */
export const atMostBalance = (value: bigint): bigint => (value < BALANCE_MAX ? value : BALANCE_MAX)

interface Transfer {
  readonly from: Uint8Array
  readonly to: Uint8Array
  readonly value: bigint
  /** Whether the sender must stay above the minimum balance. */
  readonly keepAlive: boolean
}

/** Moves free balance. @returns false, and nothing moved, where there is not enough */
export const transfer = (store: ClusterStore, { from, to, value, keepAlive }: Transfer): boolean => {
  if (value === 0n) return true
  const sender = store.account(from)
  const rest = sender.free - value
  if (rest < 0n || (keepAlive && rest + sender.held < MINIMUM_BALANCE)) return false
  const before = store.account(to)
  if (before.free + before.held + value > BALANCE_MAX) return false
  store.setAccount(from, { ...sender, free: rest })
  const receiver = store.account(to)
  store.setAccount(to, { ...receiver, free: receiver.free + value })
  return true
}

/** Makes balance out of nothing; an account cannot have more than a balance holds. */
export const mint = (store: ClusterStore, who: Uint8Array, value: bigint): void => {
  const account = store.account(who)
  store.setAccount(who, { ...account, free: atMostBalance(account.free + value) })
}

/** Moves free balance of a payer into what a contract's account holds. @returns false where there is not enough */
export const hold = (store: ClusterStore, parts: { readonly payer: Uint8Array; readonly contract: Uint8Array; readonly value: bigint }): boolean => {
  const { payer, contract, value } = parts
  if (!transfer(store, { from: payer, to: contract, value, keepAlive: true })) return false
  const account = store.account(contract)
  store.setAccount(contract, { free: account.free - value, held: account.held + value })
  return true
}

/** Moves what a contract's account holds to the free balance of a receiver; at most what it holds. */
export const release = (store: ClusterStore, parts: { readonly contract: Uint8Array; readonly receiver: Uint8Array; readonly value: bigint }): bigint => {
  const account = store.account(parts.contract)
  const value = parts.value < account.held ? parts.value : account.held
  store.setAccount(parts.contract, { ...account, held: account.held - value })
  mint(store, parts.receiver, value)
  return value
}
