/** Owns the payment of fees: taken before the call, corrected after it, given to the treasury. Amounts are in fees.ts. */
import { AccountId, decodeExtrinsic } from '@phalanx/primitives/chain'
import { bytes, compactU128, named, struct, u128, u32, u8 } from '@phalanx/primitives/codec'
import { apiMethod, runtimeApi } from '../../frame/api.ts'
import type { Context } from '../../frame/context.ts'
import type { TransactionExtension } from '../../frame/extension.ts'
import { jsonObject } from '../../frame/json.ts'
import { OpaqueExtrinsic } from '../../frame/marks.ts'
import { constant, declarePallet } from '../../frame/pallet.ts'
import { transientValue } from '../../frame/transient.ts'
import { invalid } from '../../frame/validity.ts'
import { DispatchClass, minWeight, Weight, type CallInfo } from '../../frame/weight.ts'
import { balanceOf, credit, reducibleBalance, setBalances } from '../balances/account.ts'
import { mint } from '../balances/currency.ts'
import { balancesParts, EXISTENTIAL_DEPOSIT } from '../balances/declaration.ts'
import { totalIssuance } from '../balances/storage.ts'
import { account } from '../system/storage.ts'
import { TREASURY_ACCOUNT } from '../treasury/storage.ts'
import { FeeDetails, feeDetails, lengthToFee, OPERATIONAL_FEE_MULTIPLIER, priorityOf, totalFee, weightToFee } from './fees.ts'
import * as storage from './storage.ts'

const parts = declarePallet({
  name: 'TransactionPayment',
  crate: 'pallet_transaction_payment',
  doc: 'Fees.',
  storage,
  events: {
    TransactionFeePaid: { index: 0, doc: 'The fee that a transaction really paid, its tip included.', fields: { who: AccountId, actualFee: u128, tip: u128 } },
  },
  constants: {
    OperationalFeeMultiplier: constant(u8, OPERATIONAL_FEE_MULTIPLIER, 'Virtual tip of operational calls in multiples of their fee.'),
  },
})

/** Fee taken from the transaction being run. */
const taken = transientValue<bigint>('fee taken', 0n)

const takeFee = (ctx: Context, who: AccountId, fee: bigint): boolean => {
  if (fee > 0n) {
    if (reducibleBalance(balancesParts.in(ctx), who, 'Preserve') < fee) return false
    const balances = balancesParts.in(ctx)
    setBalances(balances, who, (data) => ({ ...data, free: data.free - fee }))
    balances.emit('Withdraw', { who, amount: fee })
  }
  taken.set(ctx, fee)
  return true
}

const giveToTreasury = (ctx: Context, amount: bigint): void => {
  if (amount === 0n) return
  const balances = balancesParts.in(ctx)
  if (balanceOf(balances, TREASURY_ACCOUNT).free + amount < EXISTENTIAL_DEPOSIT) {
    totalIssuance.mutate(ctx, (issuance) => issuance - amount)
    return
  }
  credit(balances, TREASURY_ACCOUNT, amount)
  balances.emit('Deposit', { who: TREASURY_ACCOUNT, amount })
}

/** Gives back what was taken too much. An account that its own call removed gets nothing back. */
const refund = (ctx: Context, who: AccountId, amount: bigint): bigint => {
  const balances = balancesParts.in(ctx)
  if (amount === 0n || balanceOf(balances, who).free < EXISTENTIAL_DEPOSIT) return 0n
  credit(balances, who, amount)
  balances.emit('Deposit', { who, amount })
  return amount
}

const chargeTransactionPayment: TransactionExtension = {
  name: 'ChargeTransactionPayment',
  extra: named('pallet_transaction_payment::ChargeTransactionPayment', compactU128),
  last: true,
  validate(ctx, { signer, info, length, extra: { tip } }) {
    const fee = totalFee(feeDetails(ctx, info, { length, tip }))
    if (fee > 0n && reducibleBalance(balancesParts.in(ctx), signer, 'Preserve') < fee) return { ok: false, error: invalid('Payment') }
    return { ok: true, value: { priority: priorityOf(info, { length, tip, fee }) } }
  },
  prepare(ctx, { signer, info, length, extra: { tip } }) {
    return takeFee(ctx, signer, totalFee(feeDetails(ctx, info, { length, tip }))) ? undefined : invalid('Payment')
  },
  settle(ctx, { signer, info, length, extra: { tip } }, { post }) {
    const spent: CallInfo = {
      ...info,
      weight: post.weight === undefined ? info.weight : minWeight(post.weight, info.weight),
      paysFee: info.paysFee && post.paysFee !== false,
    }
    const fee = taken.get(ctx)
    const due = totalFee(feeDetails(ctx, spent, { length, tip }))
    const paid = fee - (due < fee ? refund(ctx, signer, fee - due) : 0n)
    giveToTreasury(ctx, paid)
    parts.in(ctx).emit('TransactionFeePaid', { who: signer, actualFee: paid, tip })
  },
}

const RuntimeDispatchInfo = named('pallet_transaction_payment::types::RuntimeDispatchInfo', struct({ weight: Weight, class: DispatchClass, partialFee: u128 }))

/** Cost of an extrinsic handed in without its length prefix. @throws CODEC_ codes */
const infoOf = (ctx: Context, body: Uint8Array): CallInfo & { readonly isSigned: boolean } => {
  const extrinsic = decodeExtrinsic(bytes.encode(body))
  return { ...ctx.runtime.callInfo(ctx.runtime.RuntimeCall.decode(extrinsic.call)), isSigned: extrinsic.signed !== undefined }
}

const queryParams = { uxt: OpaqueExtrinsic, len: u32 } as const

/** TransactionPayment, index 8. */
export const transactionPayment = parts.withCalls({}, {
  extension: chargeTransactionPayment,
  genesis: {
    // The treasury exists from the start, so that the first small fees do not fall below the existential deposit and get lost.
    shape: jsonObject({}),
    empty: {},
    build(ctx) {
      if (!account.has(ctx, TREASURY_ACCOUNT)) mint(balancesParts.in(ctx), TREASURY_ACCOUNT, EXISTENTIAL_DEPOSIT)
    },
  },
  apis: ({ RuntimeCall }) => [
    runtimeApi({
      name: 'TransactionPaymentApi', version: 4, doc: 'What extrinsics cost.',
      methods: {
        queryInfo: apiMethod({
          doc: 'Weight, class and fee of an extrinsic without its tip.', params: queryParams, result: RuntimeDispatchInfo,
          call(ctx, { uxt, len }) {
            const info = infoOf(ctx, uxt)
            const partialFee = info.isSigned ? totalFee(feeDetails(ctx, info, { length: len, tip: 0n })) : 0n
            return { weight: info.weight, class: { kind: info.class }, partialFee }
          },
        }),
        queryFeeDetails: apiMethod({
          doc: 'Fee of an extrinsic by parts.', params: queryParams, result: FeeDetails,
          call(ctx, { uxt, len }) {
            const info = infoOf(ctx, uxt)
            return info.isSigned ? feeDetails(ctx, info, { length: len, tip: 0n }) : { inclusionFee: undefined, tip: 0n }
          },
        }),
        queryWeightToFee: apiMethod({ doc: 'Fee of a weight.', params: { weight: Weight }, result: u128, call: (_ctx, { weight }) => weightToFee(weight) }),
        queryLengthToFee: apiMethod({ doc: 'Fee of a length in bytes.', params: { length: u32 }, result: u128, call: (_ctx, { length }) => lengthToFee(length) }),
      },
    }),
    runtimeApi({
      name: 'TransactionPaymentCallApi', version: 3, doc: 'What calls cost.',
      methods: {
        queryCallInfo: apiMethod({
          doc: 'Weight, class and fee of a call in a signed extrinsic of this length.', params: { call: RuntimeCall, len: u32 }, result: RuntimeDispatchInfo,
          call(ctx, { call, len }) {
            const info = ctx.runtime.callInfo(call)
            return { weight: info.weight, class: { kind: info.class }, partialFee: totalFee(feeDetails(ctx, info, { length: len, tip: 0n })) }
          },
        }),
        queryCallFeeDetails: apiMethod({
          doc: 'Fee of a call by parts.', params: { call: RuntimeCall, len: u32 }, result: FeeDetails,
          call: (ctx, { call, len }) => feeDetails(ctx, ctx.runtime.callInfo(call), { length: len, tip: 0n }),
        }),
        queryWeightToFee: apiMethod({ doc: 'Fee of a weight.', params: { weight: Weight }, result: u128, call: (_ctx, { weight }) => weightToFee(weight) }),
        queryLengthToFee: apiMethod({ doc: 'Fee of a length in bytes.', params: { length: u32 }, result: u128, call: (_ctx, { length }) => lengthToFee(length) }),
      },
    }),
  ],
})
