/** Owns the owner's part of a vault's profit: new shares whenever the price rose above the last checkpoint (stakepool.md section 7). */
import { balanceToFixed, divBalance, fixedToBalance, permillOf } from '@phalanx/primitives/fixed'
import { updateBase, updateVault, vaultOf } from '../phala-base-pool/pools.ts'
import { isExactEnough, sharePrice } from '../phala-base-pool/shares.ts'
import type { VaultContext } from './declaration.ts'

/** Settles the owner's part of the profit since the last checkpoint. */
export const gainOwnerShares = (ctx: VaultContext, pid: bigint): void => {
  const { basepool: { totalShares, totalValue, ...base }, commission, lastSharePriceCheckpoint: checkpoint } = vaultOf(ctx, pid)
  const bits = sharePrice({ totalShares, totalValue })
  if (bits === undefined) return
  const price = fixedToBalance(bits)
  if (checkpoint === 0n) return updateVault(ctx, base.pid, () => ({ lastSharePriceCheckpoint: price }))
  if (price <= checkpoint) return
  const checkoutPrice = price - permillOf(commission ?? 0, price - checkpoint)
  const target = divBalance(totalValue, balanceToFixed(checkoutPrice))
  const shares = target > totalShares ? target - totalShares : 0n
  // Saturated arithmetic would give shares away: such a profit waits for a price that can be reckoned with.
  if (!isExactEnough(undefined, { amount: 0n, shares, totalShares })) return
  updateBase(ctx, pid, () => ({ totalShares: totalShares + shares }))
  updateVault(ctx, pid, ({ ownerShares }) => ({ ownerShares: ownerShares + shares, lastSharePriceCheckpoint: checkoutPrice }))
  ctx.emit('OwnerSharesGained', { pid, shares, checkoutPrice })
}
