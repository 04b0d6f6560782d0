/** Owns the calls of Assets: the subset by which assets are made, managed, sent and approved. Destroying and depositing for accounts are not offered. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { MultiAddress } from '@phalanx/primitives/chain'
import { bool, bytesUpTo, compactU128, compactU32, u128, u8 } from '@phalanx/primitives/codec'
import { lookup } from '../../frame/lookup.ts'
import { ensureRoot, ensureSigned } from '../../frame/origin.ts'
import { writes } from '../../frame/weight.ts'
import { repatriateReserved, reserve, unreserve } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { ensureUnkept } from '../phala-wrapped-balances/net-value.ts'
import { WPHA_ASSET_ID } from '../phala-wrapped-balances/storage.ts'
import { detailsOf } from './account.ts'
import { assetsParts, DEPOSITS, type AssetsContext } from './declaration.ts'
import { burnUpTo, createAsset, issueAsset, transferAsset, type AssetMovement } from './movement.ts'
import * as storage from './storage.ts'
import type { AssetDetails } from './storage.ts'

const U128_MAX = (1n << 128n) - 1n
/** Longest text that decodes; the limit of names is an error of its own. */
const TEXT_DECODES = 1024
const MOVE = writes(4)
const MANAGE = writes(1)

const assetArg = { id: compactU32 } as const
const whoArgs = { ...assetArg, who: MultiAddress } as const
const sendArgs = { ...assetArg, target: MultiAddress, amount: compactU128 } as const

/** Details, if the account has the role in the asset. */
const ensureRole = (ctx: AssetsContext, id: number, role: 'owner' | 'issuer' | 'admin' | 'freezer', who: Uint8Array): AssetDetails => {
  const details = detailsOf(ctx, id)
  if (!bytesEqual(details[role], who)) ctx.fail('NoPermission')
  return details
}

const ensureLive = (ctx: AssetsContext, id: number): AssetDetails => {
  const details = detailsOf(ctx, id)
  if (details.status.kind !== 'Live') ctx.fail('AssetNotLive')
  return details
}

const setFrozen = (ctx: AssetsContext, id: number, who: Uint8Array, isFrozen: boolean): void => {
  const found = storage.account.get(ctx, id, who) ?? ctx.fail('NoAccount')
  storage.account.set(ctx, id, who, { ...found, isFrozen })
}

/** Sends units of an account by its own will: not what votes with wrapped PHA keep. */
const send = (ctx: AssetsContext, movement: AssetMovement, keepsAlive: boolean): void => {
  if (movement.id === WPHA_ASSET_ID) ensureUnkept(ctx, movement.from, movement.amount)
  transferAsset(ctx, movement, keepsAlive)
}

/** Makes the deposit of an account what it should be. */
const adjustDeposit = (ctx: AssetsContext, who: Uint8Array, change: { readonly from: bigint; readonly to: bigint }): void => {
  const native = balancesParts.in(ctx)
  if (change.to > change.from) reserve(native, who, change.to - change.from)
  else unreserve(native, who, change.from - change.to)
}

const dropApproval = (ctx: AssetsContext, id: number, owner: Uint8Array, delegate: Uint8Array): void => {
  const details = ensureLive(ctx, id)
  const found = storage.approvals.take(ctx, id, owner, delegate) ?? ctx.fail('Unknown')
  unreserve(balancesParts.in(ctx), owner, found.deposit)
  storage.asset.set(ctx, id, { ...details, approvals: details.approvals - 1 })
}

const clearMetadata = (ctx: AssetsContext, id: number, owner: Uint8Array): void => {
  const { deposit } = storage.metadata.take(ctx, id)
  unreserve(balancesParts.in(ctx), owner, deposit)
  ctx.emit('MetadataCleared', { assetId: id })
}

/** Assets, index 0. */
export const assets = assetsParts.withCalls({
  create: {
    index: 0, doc: 'Create an asset that the sender owns.', weight: MOVE, args: { ...assetArg, admin: MultiAddress, minBalance: u128 },
    dispatch(ctx, origin, { id, minBalance, ...args }) {
      const owner = ensureSigned(origin)
      const admin = lookup(args.admin)
      createAsset(ctx, id, { owner, admin, minBalance, isSufficient: false, deposit: DEPOSITS.asset })
      reserve(balancesParts.in(ctx), owner, DEPOSITS.asset)
      ctx.emit('Created', { assetId: id, creator: owner, owner: admin })
    },
  },
  forceCreate: {
    index: 1, doc: 'Create an asset without deposit; a sufficient one keeps accounts alive by itself. Root only.', weight: MOVE,
    args: { ...assetArg, owner: MultiAddress, isSufficient: bool, minBalance: compactU128 },
    dispatch(ctx, origin, { id, isSufficient, minBalance, ...args }) {
      ensureRoot(origin)
      const owner = lookup(args.owner)
      createAsset(ctx, id, { owner, minBalance, isSufficient, deposit: 0n })
      ctx.emit('ForceCreated', { assetId: id, owner })
    },
  },
  mint: {
    index: 6, doc: 'Issue units as the asset\'s issuer.', weight: MOVE, args: { ...assetArg, beneficiary: MultiAddress, amount: compactU128 },
    dispatch(ctx, origin, { id, beneficiary, amount }) {
      ensureRole(ctx, id, 'issuer', ensureSigned(origin))
      ensureLive(ctx, id)
      issueAsset(ctx, { id, who: lookup(beneficiary) }, amount)
    },
  },
  burn: {
    index: 7, doc: 'Destroy up to so many units of an account, as the asset\'s admin.', weight: MOVE, args: { ...whoArgs, amount: compactU128 },
    dispatch(ctx, origin, { id, who, amount }) {
      ensureRole(ctx, id, 'admin', ensureSigned(origin))
      burnUpTo(ctx, { id, who: lookup(who) }, amount)
    },
  },
  transfer: {
    index: 8, doc: 'Send units; the sender\'s account of the asset may cease to exist.', weight: MOVE, args: sendArgs,
    dispatch(ctx, origin, { id, target, amount }) {
      send(ctx, { id, from: ensureSigned(origin), to: lookup(target), amount }, false)
    },
  },
  transferKeepAlive: {
    index: 9, doc: 'Send units; refused if the sender\'s account of the asset would cease to exist.', weight: MOVE, args: sendArgs,
    dispatch(ctx, origin, { id, target, amount }) {
      send(ctx, { id, from: ensureSigned(origin), to: lookup(target), amount }, true)
    },
  },
  forceTransfer: {
    index: 10, doc: 'Move units between accounts, as the asset\'s admin.', weight: MOVE,
    args: { ...assetArg, source: MultiAddress, dest: MultiAddress, amount: compactU128 },
    dispatch(ctx, origin, { id, source, dest, amount }) {
      ensureRole(ctx, id, 'admin', ensureSigned(origin))
      transferAsset(ctx, { id, from: lookup(source), to: lookup(dest), amount }, false)
    },
  },
  freeze: {
    index: 11, doc: 'Keep an account from spending, as the asset\'s freezer.', weight: MANAGE, args: whoArgs,
    dispatch(ctx, origin, { id, ...args }) {
      ensureRole(ctx, id, 'freezer', ensureSigned(origin))
      const who = lookup(args.who)
      setFrozen(ctx, id, who, true)
      ctx.emit('Frozen', { assetId: id, who })
    },
  },
  thaw: {
    index: 12, doc: 'Let an account spend again, as the asset\'s admin.', weight: MANAGE, args: whoArgs,
    dispatch(ctx, origin, { id, ...args }) {
      ensureRole(ctx, id, 'admin', ensureSigned(origin))
      const who = lookup(args.who)
      setFrozen(ctx, id, who, false)
      ctx.emit('Thawed', { assetId: id, who })
    },
  },
  freezeAsset: {
    index: 13, doc: 'Keep everyone from spending, as the asset\'s freezer.', weight: MANAGE, args: assetArg,
    dispatch(ctx, origin, { id }) {
      ensureRole(ctx, id, 'freezer', ensureSigned(origin))
      storage.asset.set(ctx, id, { ...ensureLive(ctx, id), status: { kind: 'Frozen' } })
      ctx.emit('AssetFrozen', { assetId: id })
    },
  },
  thawAsset: {
    index: 14, doc: 'Let everyone spend again, as the asset\'s admin.', weight: MANAGE, args: assetArg,
    dispatch(ctx, origin, { id }) {
      const details = ensureRole(ctx, id, 'admin', ensureSigned(origin))
      if (details.status.kind !== 'Frozen') ctx.fail('NotFrozen')
      storage.asset.set(ctx, id, { ...details, status: { kind: 'Live' } })
      ctx.emit('AssetThawed', { assetId: id })
    },
  },
  transferOwnership: {
    index: 15, doc: 'Give the asset and its deposits to another owner.', weight: MOVE, args: { ...assetArg, owner: MultiAddress },
    dispatch(ctx, origin, { id, ...args }) {
      const from = ensureSigned(origin)
      const details = ensureRole(ctx, id, 'owner', from)
      const owner = lookup(args.owner)
      if (bytesEqual(from, owner)) return
      const amount = details.deposit + storage.metadata.get(ctx, id).deposit
      repatriateReserved(balancesParts.in(ctx), { from, to: owner, amount }, 'Reserved')
      storage.asset.set(ctx, id, { ...details, owner })
      ctx.emit('OwnerChanged', { assetId: id, owner })
    },
  },
  setTeam: {
    index: 16, doc: 'Name the issuer, admin and freezer of an asset.', weight: MANAGE,
    args: { ...assetArg, issuer: MultiAddress, admin: MultiAddress, freezer: MultiAddress },
    dispatch(ctx, origin, { id, ...args }) {
      const details = ensureRole(ctx, id, 'owner', ensureSigned(origin))
      const team = { issuer: lookup(args.issuer), admin: lookup(args.admin), freezer: lookup(args.freezer) }
      storage.asset.set(ctx, id, { ...details, ...team })
      ctx.emit('TeamChanged', { assetId: id, ...team })
    },
  },
  setMetadata: {
    index: 17, doc: 'Name an asset.', weight: MANAGE, args: { ...assetArg, name: bytesUpTo(TEXT_DECODES), symbol: bytesUpTo(TEXT_DECODES), decimals: u8 },
    dispatch(ctx, origin, { id, name, symbol, decimals }) {
      const owner = ensureSigned(origin)
      if (name.length > storage.STRING_LIMIT || symbol.length > storage.STRING_LIMIT) ctx.fail('BadMetadata')
      ensureRole(ctx, id, 'owner', owner)
      const old = storage.metadata.get(ctx, id)
      if (old.isFrozen) ctx.fail('NoPermission')
      const deposit = DEPOSITS.metadataBase + DEPOSITS.metadataByte * BigInt(name.length + symbol.length)
      adjustDeposit(ctx, owner, { from: old.deposit, to: deposit })
      storage.metadata.set(ctx, id, { deposit, name, symbol, decimals, isFrozen: false })
      ctx.emit('MetadataSet', { assetId: id, name, symbol, decimals, isFrozen: false })
    },
  },
  clearMetadata: {
    index: 18, doc: 'Take an asset\'s name away and the deposit back.', weight: MANAGE, args: assetArg,
    dispatch(ctx, origin, { id }) {
      const owner = ensureSigned(origin)
      ensureRole(ctx, id, 'owner', owner)
      if (!storage.metadata.has(ctx, id)) ctx.fail('Unknown')
      if (storage.metadata.get(ctx, id).isFrozen) ctx.fail('NoPermission')
      clearMetadata(ctx, id, owner)
    },
  },
  approveTransfer: {
    index: 22, doc: 'Let a delegate spend so much more.', weight: MOVE, args: { ...assetArg, delegate: MultiAddress, amount: compactU128 },
    dispatch(ctx, origin, { id, amount, ...args }) {
      const source = ensureSigned(origin)
      const delegate = lookup(args.delegate)
      const details = ensureLive(ctx, id)
      const found = storage.approvals.get(ctx, id, source, delegate)
      if (found === undefined) {
        storage.asset.set(ctx, id, { ...details, approvals: details.approvals + 1 })
        reserve(balancesParts.in(ctx), source, DEPOSITS.approval)
      }
      const sum = (found?.amount ?? 0n) + amount
      storage.approvals.set(ctx, id, source, delegate, { amount: sum > U128_MAX ? U128_MAX : sum, deposit: found?.deposit ?? DEPOSITS.approval })
      ctx.emit('ApprovedTransfer', { assetId: id, source, delegate, amount })
    },
  },
  cancelApproval: {
    index: 23, doc: 'Let a delegate spend nothing any more.', weight: MOVE, args: { ...assetArg, delegate: MultiAddress },
    dispatch(ctx, origin, { id, ...args }) {
      const owner = ensureSigned(origin)
      const delegate = lookup(args.delegate)
      dropApproval(ctx, id, owner, delegate)
      ctx.emit('ApprovalCancelled', { assetId: id, owner, delegate })
    },
  },
  transferApproved: {
    index: 25, doc: 'Send units of an owner who approved the sender.', weight: MOVE,
    args: { ...assetArg, owner: MultiAddress, destination: MultiAddress, amount: compactU128 },
    dispatch(ctx, origin, { id, amount, ...args }) {
      const delegate = ensureSigned(origin)
      const [owner, destination] = [lookup(args.owner), lookup(args.destination)]
      const found = storage.approvals.get(ctx, id, owner, delegate) ?? ctx.fail('Unapproved')
      if (found.amount < amount) ctx.fail('Unapproved')
      send(ctx, { id, from: owner, to: destination, amount }, false)
      if (found.amount === amount) dropApproval(ctx, id, owner, delegate)
      else storage.approvals.set(ctx, id, owner, delegate, { ...found, amount: found.amount - amount })
      ctx.emit('TransferredApproved', { assetId: id, owner, delegate, destination, amount })
    },
  },
}, {
  tryState(ctx) {
    for (const [[id], details] of storage.asset.entries(ctx)) {
      let [sum, accounts, sufficients] = [0n, 0, 0]
      for (const [[, who], { balance, reason }] of storage.account.entries(ctx, id)) {
        sum += balance
        accounts++
        if (reason.kind === 'Sufficient') sufficients++
        assert(balance >= details.minBalance, `${toHex(who)} holds at least the minimum of asset ${id}`)
      }
      assert(sum === details.supply, `the supply of asset ${id} is the sum of all balances`)
      assert(accounts === details.accounts && sufficients === details.sufficients, `asset ${id} counts its accounts`)
    }
  },
})
