/** Owns the calls of Balances: transfers, and root's corrections. What other pallets do with tokens is in currency.ts and holds.ts. */
import { assert } from '@phalanx/primitives/assert'
import { toHex } from '@phalanx/primitives/bytes'
import { AccountId, MultiAddress } from '@phalanx/primitives/chain'
import { bool, compactU128, named, u128, variant, vecUpTo } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { failArithmetic } from '../../frame/dispatch-error.ts'
import { jsonAccount, jsonBigint, jsonList, jsonObject, jsonTuple } from '../../frame/json.ts'
import { lookup } from '../../frame/lookup.ts'
import { ensureRoot, ensureSigned } from '../../frame/origin.ts'
import { weigh, writes } from '../../frame/weight.ts'
import { account } from '../system/storage.ts'
import { NEW_LOGIC_FLAG } from '../system/types.ts'
import { balanceOf, checkedAdd, reducibleBalance, setBalances } from './account.ts'
import { burn, transfer, unreserve } from './currency.ts'
import { balancesParts, EXISTENTIAL_DEPOSIT } from './declaration.ts'
import { balanceApi } from './explain.ts'
import { freezes, holds, inactiveIssuance, locks, totalIssuance } from './storage.ts'

/** Direction of a correction. */
const AdjustmentDirection = named('pallet_balances::types::AdjustmentDirection', variant('AdjustmentDirection', { Increase: { index: 0 }, Decrease: { index: 1 } }))

const UPGRADE_MAX = 1024

const TRANSFER = writes(2)

/** Balances, index 7. */
export const balances = balancesParts.withCalls({
  transferAllowDeath: {
    index: 0, doc: 'Send tokens; the sender\'s account may cease to exist.', weight: TRANSFER, args: { dest: MultiAddress, value: compactU128 },
    dispatch(ctx, origin, { dest, value }) {
      transfer(ctx, { from: ensureSigned(origin), to: lookup(dest), amount: value }, 'Expendable')
    },
  },
  forceTransfer: {
    index: 2, doc: 'Move tokens between any accounts. Root only.', weight: writes(3), args: { source: MultiAddress, dest: MultiAddress, value: compactU128 },
    dispatch(ctx, origin, { source, dest, value }) {
      ensureRoot(origin)
      transfer(ctx, { from: lookup(source), to: lookup(dest), amount: value }, 'Expendable')
    },
  },
  transferKeepAlive: {
    index: 3, doc: 'Send tokens; refused if the sender\'s account would cease to exist.', weight: TRANSFER, args: { dest: MultiAddress, value: compactU128 },
    dispatch(ctx, origin, { dest, value }) {
      transfer(ctx, { from: ensureSigned(origin), to: lookup(dest), amount: value }, 'Preserve')
    },
  },
  transferAll: {
    index: 4, doc: 'Send everything that can be sent.', weight: TRANSFER, args: { dest: MultiAddress, keepAlive: bool },
    dispatch(ctx, origin, { dest, keepAlive }) {
      const from = ensureSigned(origin)
      const preservation = keepAlive ? 'Preserve' : 'Expendable'
      transfer(ctx, { from, to: lookup(dest), amount: reducibleBalance(ctx, from, preservation) }, preservation)
    },
  },
  forceUnreserve: {
    index: 5, doc: 'Make reserved balance free. Root only.', weight: writes(1), args: { who: MultiAddress, amount: u128 },
    dispatch(ctx, origin, { who, amount }) {
      ensureRoot(origin)
      unreserve(ctx, lookup(who), amount)
    },
  },
  upgradeAccounts: {
    index: 6, doc: 'Bring accounts under the rules of holds and freezes. Free if at least nine in ten needed it.',
    weight: ({ who }) => weigh({ reads: who.length, writes: who.length }), args: { who: vecUpTo(AccountId, UPGRADE_MAX) },
    dispatch(ctx, origin, { who }) {
      ensureSigned(origin)
      let upgraded = 0
      for (const one of who) {
        const info = account.get(ctx, one)
        if (!account.has(ctx, one) || (info.data.flags & NEW_LOGIC_FLAG) !== 0n) continue
        account.set(ctx, one, { ...info, data: { ...info.data, flags: info.data.flags | NEW_LOGIC_FLAG } })
        ctx.emit('Upgraded', { who: one })
        upgraded++
      }
      return { paysFee: who.length === 0 || upgraded * 10 < who.length * 9 }
    },
  },
  forceSetBalance: {
    index: 8, doc: 'Set an account\'s free balance. Root only.', weight: writes(2), args: { who: MultiAddress, newFree: compactU128 },
    dispatch(ctx, origin, { who, newFree }) {
      ensureRoot(origin)
      const target = lookup(who)
      const free = newFree < EXISTENTIAL_DEPOSIT ? 0n : newFree
      const before = balanceOf(ctx, target).free
      totalIssuance.mutate(ctx, (issuance) => checkedAdd(issuance - before, free))
      setBalances(ctx, target, (data) => ({ ...data, free }))
      ctx.emit('BalanceSet', { who: target, free })
    },
  },
  forceAdjustTotalIssuance: {
    index: 9, doc: 'Correct the total issuance. Root only.', weight: writes(1), args: { direction: AdjustmentDirection, delta: compactU128 },
    dispatch(ctx, origin, { direction, delta }) {
      ensureRoot(origin)
      if (delta === 0n) ctx.fail('DeltaZero')
      const old = totalIssuance.get(ctx)
      if (direction.kind === 'Decrease' && delta > old) failArithmetic('Underflow')
      const next = direction.kind === 'Increase' ? checkedAdd(old, delta) : old - delta
      if (inactiveIssuance.get(ctx) > next) ctx.fail('IssuanceDeactivated')
      totalIssuance.set(ctx, next)
      ctx.emit('TotalIssuanceForced', { old, new: next })
    },
  },
  burn: {
    index: 10, doc: 'Destroy own tokens.', weight: writes(2), args: { value: compactU128, keepAlive: bool },
    dispatch(ctx, origin, { value, keepAlive }) {
      burn(ctx, ensureSigned(origin), value, keepAlive ? 'Preserve' : 'Expendable')
    },
  },
}, {
  apis: [balanceApi],
  genesis: {
    shape: jsonObject({ balances: jsonList(jsonTuple(jsonAccount, jsonBigint(128))) }),
    build(ctx, config) {
      for (const [i, [who, free]] of config.balances.entries()) {
        const field = `genesis.Balances.balances[${i}]`
        if (free < EXISTENTIAL_DEPOSIT) throw new AppError('CHAIN_SPEC_INCONSISTENT', { field, reason: `the balance is below the existential deposit of ${EXISTENTIAL_DEPOSIT}` })
        if (account.has(ctx, who)) throw new AppError('CHAIN_SPEC_INCONSISTENT', { field, reason: 'the account is listed twice' })
        totalIssuance.mutate(ctx, (issuance) => issuance + free)
        account.set(ctx, who, { nonce: 0, consumers: 0, providers: 1, sufficients: 0, data: { free, reserved: 0n, frozen: 0n, flags: NEW_LOGIC_FLAG } })
      }
    },
  },
  tryState(ctx) {
    let sum = 0n
    for (const [[who], { data, providers }] of account.entries(ctx)) {
      sum += data.free + data.reserved
      assert(data.free >= EXISTENTIAL_DEPOSIT || data.free === 0n || data.reserved > 0n || providers > 1, `${toHex(who)} holds no dust`)
      const held = holds.get(ctx, who).reduce((total, { amount }) => total + amount, 0n)
      assert(held <= data.reserved, `holds of ${toHex(who)} are reserved`)
      const largest = [...locks.get(ctx, who), ...freezes.get(ctx, who)].reduce((most, { amount }) => (amount > most ? amount : most), 0n)
      assert(data.frozen === largest, `frozen of ${toHex(who)} is its largest lock or freeze`)
    }
    assert(sum === totalIssuance.get(ctx), 'the total issuance is the sum of all balances')
  },
})
