/** Owns TransactionPayment's storage items. */
import { named, newtype, u128, variant } from '@phalanx/primitives/codec'
import { palletStorage } from '../../frame/storage.ts'

/** One, as a fixed-point number of 18 decimals. */
export const FIXED_ONE = 10n ** 18n

const payment = palletStorage('TransactionPayment')

export const nextFeeMultiplier = payment.value('NextFeeMultiplier', {
  type: newtype('sp_arithmetic::fixed_point::FixedU128', u128), default: FIXED_ONE, doc: 'Factor of the weight fee, 18 decimals. Constant here.' })
export const storageVersion = payment.value('StorageVersion', {
  type: named('pallet_transaction_payment::Releases', variant('Releases', { V1Ancient: { index: 0 }, V2: { index: 1 } })),
  default: { kind: 'V2' }, doc: 'Version of the stored form.' })
