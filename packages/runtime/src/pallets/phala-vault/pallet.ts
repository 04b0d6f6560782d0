/** Owns the calls of PhalaVault (stakepool.md section 7). */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId } from '@phalanx/primitives/chain'
import { option, u128, u64 } from '@phalanx/primitives/codec'
import { ensureSigned } from '../../frame/origin.ts'
import { weigh, writes } from '../../frame/weight.ts'
import { contributeTo } from '../phala-base-pool/contribution.ts'
import { mergeShares, mintShares, queuedSharesOf } from '../phala-base-pool/nfts.ts'
import { createBasePool, updateVault, vaultOf } from '../phala-base-pool/pools.ts'
import { isDust } from '../phala-base-pool/shares.ts'
import { pools } from '../phala-base-pool/storage.ts'
import type { Vault } from '../phala-base-pool/types.ts'
import { processQueue, withdrawShares } from '../phala-base-pool/withdrawal.ts'
import { MIN_CONTRIBUTION } from '../phala-stake-pool-v2/declaration.ts'
import { MILLION } from '../phala-stake-pool-v2/pallet.ts'
import { noteDelegation } from '../phala-wrapped-balances/net-value.ts'
import { wphaBalance } from '../phala-wrapped-balances/wpha.ts'
import { Permill } from '../rmrk-core/storage.ts'
import { INITIAL_PRICE_CHECKPOINT, vaultParts, type VaultContext } from './declaration.ts'
import { gainOwnerShares } from './owner-shares.ts'
import { checkVault } from './shutdown.ts'

const STAKE_WEIGHT = weigh({ reads: 40, writes: 20, micros: 200 })
const FORCE_WEIGHT = weigh({ reads: 2000, writes: 400, micros: 5000 })
const vaultArgs = { pid: u64 } as const

const ensureOwner = (ctx: VaultContext, pid: bigint, who: Uint8Array): Vault => {
  const vault = vaultOf(ctx, pid)
  return bytesEqual(vault.basepool.owner, who) ? vault : ctx.fail('UnauthorizedPoolOwner')
}

/** PhalaVault, index 45. */
export const phalaVault = vaultParts.withCalls({
  create: {
    index: 0, doc: 'Create a vault.', weight: writes(8), args: {},
    dispatch(ctx, origin) {
      const owner = ensureSigned(origin)
      const basepool = createBasePool(ctx, owner, 'VAULT')
      const { pid, cid, poolAccountId } = basepool
      pools.set(ctx, pid, { kind: 'Vault', value: { basepool, lastSharePriceCheckpoint: INITIAL_PRICE_CHECKPOINT, commission: undefined, ownerShares: 0n, investPools: [] } })
      ctx.emit('PoolCreated', { owner, pid, cid, poolAccountId })
    },
  },
  setPayoutPref: {
    index: 1, doc: 'Set the owner\'s part of profits in parts per million; earlier profits are settled at the old one.', weight: writes(2),
    args: { ...vaultArgs, payoutCommission: option(Permill) },
    dispatch(ctx, origin, { pid, payoutCommission }) {
      const { commission } = ensureOwner(ctx, pid, ensureSigned(origin))
      if (commission === payoutCommission) ctx.fail('CommissionNotChanged')
      if ((payoutCommission ?? 0) > MILLION) ctx.fail('InvalidCommission')
      gainOwnerShares(ctx, pid)
      updateVault(ctx, pid, () => ({ commission: payoutCommission }))
      ctx.emit('VaultCommissionSet', { pid, commission: payoutCommission ?? 0 })
    },
  },
  claimOwnerShares: {
    index: 2, doc: 'Give shares that the owner gained to an account.', weight: STAKE_WEIGHT, args: { vaultPid: u64, target: AccountId, shares: u128 },
    dispatch(ctx, origin, { vaultPid: pid, target, shares }) {
      const user = ensureSigned(origin)
      const { basepool, ownerShares } = ensureOwner(ctx, pid, user)
      if (shares > ownerShares) ctx.fail('NoEnoughShareToClaim')
      if (shares === 0n) ctx.fail('NoRewardToClaim')
      mintShares(ctx, basepool, target, shares)
      mergeShares(ctx, basepool, target)
      updateVault(ctx, pid, () => ({ ownerShares: ownerShares - shares }))
      noteDelegation(ctx, target, { pid, cid: basepool.cid })
      ctx.emit('OwnerSharesClaimed', { pid, user, shares })
    },
  },
  maybeGainOwnerShares: {
    index: 3, doc: 'Settle the owner\'s part of profits now.', weight: writes(2), args: { vaultPid: u64 },
    dispatch(ctx, origin, { vaultPid }) {
      ensureOwner(ctx, vaultPid, ensureSigned(origin))
      gainOwnerShares(ctx, vaultPid)
    },
  },
  checkAndMaybeForceWithdraw: {
    index: 4, doc: 'Pay waiting withdrawals, and make the vault withdraw everything where one has waited too long. Anyone may.', weight: FORCE_WEIGHT,
    args: { vaultPid: u64 },
    dispatch(ctx, origin, { vaultPid }) {
      ensureSigned(origin)
      checkVault(ctx, vaultPid)
    },
  },
  contribute: {
    index: 5, doc: 'Delegate wrapped PHA to the vault.', weight: STAKE_WEIGHT, args: { ...vaultArgs, amount: u128 },
    dispatch(ctx, origin, { pid, amount }) {
      const user = ensureSigned(origin)
      vaultOf(ctx, pid)
      if (amount < MIN_CONTRIBUTION) ctx.fail('InsufficientContribution')
      const balance = wphaBalance(ctx, user)
      if (balance === 0n) ctx.fail('AssetAccountNotExist')
      if (balance < amount) ctx.fail('InsufficientBalance')
      gainOwnerShares(ctx, pid)
      const shares = contributeTo(ctx, pid, { account: user, amount })
      processQueue(ctx, pid)
      const { basepool } = vaultOf(ctx, pid)
      mergeShares(ctx, basepool, user)
      noteDelegation(ctx, user, basepool)
      ctx.emit('Contribution', { pid, user, amount, shares })
    },
  },
  withdraw: {
    index: 6, doc: 'Request shares back. What cannot be paid at once waits; a new request replaces the one that waits.', weight: STAKE_WEIGHT,
    args: { ...vaultArgs, shares: u128 },
    dispatch(ctx, origin, { pid, shares }) {
      const user = ensureSigned(origin)
      vaultOf(ctx, pid)
      gainOwnerShares(ctx, pid)
      const { basepool } = vaultOf(ctx, pid)
      const item = mergeShares(ctx, basepool, user) ?? ctx.fail('NoNftToWithdraw')
      if (isDust(shares) || shares > item.shares + queuedSharesOf(ctx, basepool, user)) ctx.fail('NoEnoughShareToClaim')
      withdrawShares(ctx, pid, { user, item, shares, asVault: undefined })
    },
  },
}, {
  tryState(ctx) {
    for (const [[pid], pool] of pools.entries(ctx)) {
      if (pool.kind === 'Vault') assert(pool.value.ownerShares <= pool.value.basepool.totalShares, `the owner's shares of vault ${pid} are among its shares`)
    }
  },
})
