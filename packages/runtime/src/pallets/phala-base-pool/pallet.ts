/** Owns the calls of PhalaBasePool (stakepool.md section 5) and what always holds of pools. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId } from '@phalanx/primitives/chain'
import { bool, bytesUpTo, tuple, u128, u64, vecUpTo } from '@phalanx/primitives/codec'
import { ensureSigned } from '../../frame/origin.ts'
import { weigh, writes } from '../../frame/weight.ts'
import { SUBSIDY_ACCOUNT } from '../phala-computation/accounts.ts'
import { canPay, wrapFor } from '../phala-wrapped-balances/wpha.ts'
import { basePoolParts, type BasePoolContext } from './declaration.ts'
import { sharesOf } from './nfts.ts'
import { basePoolOf } from './pools.ts'
import * as storage from './storage.ts'

/** Account that may set reimbursements. */
export const MIGRATION_ACCOUNT: Uint8Array = Uint8Array.from([
  0x54, 0x92, 0xcf, 0x1c, 0x4c, 0x44, 0x62, 0x23, 0xe1, 0xe2, 0x6b, 0x29, 0xc5, 0x01, 0x7a, 0x8c,
  0xd4, 0xda, 0x21, 0x79, 0x9c, 0xd7, 0xf4, 0x97, 0xfa, 0xb0, 0x75, 0xb5, 0x56, 0x7e, 0xfd, 0x6f,
])
/** Longest description that decodes; the limit is an error of its own. */
const DESCRIPTION_DECODES = 16_384
const REIMBURSEMENTS_MAX = 1000
const U128_MAX = (1n << 128n) - 1n

const ensureOwner = (ctx: BasePoolContext, pid: bigint, who: Uint8Array): void => {
  if (!bytesEqual(basePoolOf(ctx, pid).owner, who)) ctx.fail('UnauthorizedPoolOwner')
}

const stakerArgs = { pid: u64, staker: AccountId } as const

/** PhalaBasePool, index 47. */
export const phalaBasePool = basePoolParts.withCalls({
  addStakerToWhitelist: {
    index: 0, doc: 'Let an account delegate to the pool; from the first on, only listed ones may.', weight: writes(2), args: stakerArgs,
    dispatch(ctx, origin, { pid, staker }) {
      ensureOwner(ctx, pid, ensureSigned(origin))
      const list = storage.contributionWhitelists.get(ctx, pid)
      if (list === undefined) ctx.emit('PoolWhitelistCreated', { pid })
      else if (list.some((one) => bytesEqual(one, staker))) ctx.fail('AlreadyInContributeWhitelist')
      else if (list.length >= storage.WHITELIST_MAX) ctx.fail('ExceedWhitelistMaxLen')
      storage.contributionWhitelists.set(ctx, pid, [...(list ?? []), staker])
      ctx.emit('PoolWhitelistStakerAdded', { pid, staker })
    },
  },
  setPoolDescription: {
    index: 1, doc: 'Describe the pool.', weight: writes(1), args: { pid: u64, description: bytesUpTo(DESCRIPTION_DECODES) },
    dispatch(ctx, origin, { pid, description }) {
      ensureOwner(ctx, pid, ensureSigned(origin))
      if (description.length > storage.DESCRIPTION_MAX) ctx.fail('ExceedMaxDescriptionLen')
      storage.poolDescriptions.set(ctx, pid, description)
    },
  },
  removeStakerFromWhitelist: {
    index: 4, doc: 'Do not let an account delegate any more; with the last one gone anyone may.', weight: writes(2), args: stakerArgs,
    dispatch(ctx, origin, { pid, staker }) {
      ensureOwner(ctx, pid, ensureSigned(origin))
      const list = storage.contributionWhitelists.get(ctx, pid) ?? ctx.fail('NoWhitelistCreated')
      const kept = list.filter((one) => !bytesEqual(one, staker))
      if (kept.length === list.length) ctx.fail('NotInContributeWhitelist')
      ctx.emit('PoolWhitelistStakerRemoved', { pid, staker })
      if (kept.length > 0) return storage.contributionWhitelists.set(ctx, pid, kept)
      storage.contributionWhitelists.remove(ctx, pid)
      ctx.emit('PoolWhitelistDeleted', { pid })
    },
  },
  claimReimbursement: {
    index: 5, doc: 'Claim what the sender is reimbursed because of a pool, from the subsidy wallet, as wrapped PHA.', weight: writes(3), args: { pid: u64, target: AccountId },
    dispatch(ctx, origin, { pid, target }) {
      const amount = storage.reimbursements.take(ctx, [ensureSigned(origin), pid]) ?? ctx.fail('NoReimbursementToClaim')
      if (!canPay(ctx, SUBSIDY_ACCOUNT, amount)) ctx.fail('InternalSubsidyPoolCannotWithdraw')
      wrapFor(ctx, { from: SUBSIDY_ACCOUNT, to: target, amount })
    },
  },
  setReimbursements: {
    index: 6, doc: 'Set or add to what accounts are reimbursed. By the migration account.', weight: ({ input }) => weigh({ reads: input.length, writes: input.length }),
    args: { input: vecUpTo(tuple(AccountId, u64, u128), REIMBURSEMENTS_MAX), add: bool },
    dispatch(ctx, origin, { input, add }) {
      if (!bytesEqual(ensureSigned(origin), MIGRATION_ACCOUNT)) ctx.fail('NotMigrationRoot')
      for (const [who, pid, amount] of input) {
        const sum = amount + (add ? (storage.reimbursements.get(ctx, [who, pid]) ?? 0n) : 0n)
        storage.reimbursements.set(ctx, [who, pid], sum > U128_MAX ? U128_MAX : sum)
      }
    },
  },
}, {
  tryState(ctx) {
    for (const [, pool] of storage.pools.entries(ctx)) {
      const { pid, cid, totalShares, withdrawQueue } = pool.value.basepool
      let sum = pool.kind === 'Vault' ? pool.value.ownerShares : 0n
      for (const [, items] of storage.shareNfts.entries(ctx, cid)) for (const nft of items) sum += sharesOf(ctx, { cid, nft })
      for (const { nftId } of withdrawQueue) sum += sharesOf(ctx, { cid, nft: nftId })
      assert(sum === totalShares, `the shares of pool ${pid} are held by someone`)
    }
  },
})
