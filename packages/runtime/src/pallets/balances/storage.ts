/** Owns the storage items of Balances. Free, reserved and frozen amounts stand in `System.Account`. */
import { AccountId } from '@phalanx/primitives/chain'
import { fixedBytes, named, struct, u128, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'
import { AccountData, NO_ACCOUNT } from '../system/types.ts'

/** Most locks, reserves, holds and freezes of one account, each. */
export const PER_ACCOUNT_MAX = 50

/** Eight bytes that name a lock, reserve, hold or freeze, for example `phala/sp`. */
export const ReasonId = fixedBytes(8)

/** What a lock keeps from leaving. Only `All` is given out. */
export const LockReasons = named('pallet_balances::types::Reasons', variant('Reasons', { Fee: { index: 0 }, Misc: { index: 1 }, All: { index: 2 } }))

/** A lock: the largest of an account's locks and freezes cannot be spent. */
export const BalanceLock = named('pallet_balances::types::BalanceLock', struct({ id: ReasonId, amount: u128, reasons: LockReasons }))
export type BalanceLock = TypeOf<typeof BalanceLock>

/** A named part of the reserved balance. */
export const ReserveData = named('pallet_balances::types::ReserveData', struct({ id: ReasonId, amount: u128 }))
export type ReserveData = TypeOf<typeof ReserveData>

/** A named amount on hold or frozen. */
export const IdAmount = named('frame_support::traits::tokens::misc::IdAmount', struct({ id: ReasonId, amount: u128 }))
export type IdAmount = TypeOf<typeof IdAmount>

const balances = palletStorage('Balances')
const perAccount = { hasher: 'Blake2_128Concat', key: AccountId } as const

export const totalIssuance = balances.value('TotalIssuance', { type: u128, default: 0n, doc: 'All tokens there are.' })
export const inactiveIssuance = balances.value('InactiveIssuance', { type: u128, default: 0n, doc: 'Tokens that take no part in governance.' })
export const account = balances.map('Account', { ...perAccount, type: AccountData, default: NO_ACCOUNT.data, doc: 'Unused: balances stand in System.Account.' })
export const locks = balances.map('Locks', { ...perAccount, type: vecUpTo(BalanceLock, PER_ACCOUNT_MAX), default: [], doc: 'Locks of an account.' })
export const reserves = balances.map('Reserves', { ...perAccount, type: vecUpTo(ReserveData, PER_ACCOUNT_MAX), default: [], doc: 'Named reserves of an account.' })
export const holds = balances.map('Holds', { ...perAccount, type: vecUpTo(IdAmount, PER_ACCOUNT_MAX), default: [], doc: 'Amounts on hold of an account; part of its reserved balance.' })
export const freezes = balances.map('Freezes', { ...perAccount, type: vecUpTo(IdAmount, PER_ACCOUNT_MAX), default: [], doc: 'Freezes of an account.' })
