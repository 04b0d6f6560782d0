/** Owns the items that hold shares: one per account and pool, and one per request in a queue (owned by the issuer). */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, compareBytes, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import type { Context } from '../../frame/context.ts'
import { rmrkParts } from '../rmrk-core/declaration.ts'
import { burnNft, mintNft, removeProperty, setNftLock, setProperty, type NftId } from '../rmrk-core/nfts.ts'
import { properties } from '../rmrk-core/storage.ts'
import { ISSUER } from './accounts.ts'
import { basePoolParts } from './declaration.ts'
import { nowSeconds } from './pools.ts'
import { nextNftId, shareNfts } from './storage.ts'
import { NftAttr, type BasePool } from './types.ts'

const STAKE_INFO = utf8('stake-info')
const CREATE_TIME = utf8('createtime')
const KEYS = [STAKE_INFO, CREATE_TIME] as const

/** An account's item and its shares. */
export interface ShareNft {
  readonly nft: number
  readonly shares: bigint
}

/** Shares that an item holds. Fails with NftIdNotFound. */
export const sharesOf = (ctx: Context, { cid, nft }: NftId): bigint => {
  const raw = properties.get(ctx, cid, nft, STAKE_INFO) ?? basePoolParts.in(ctx).fail('NftIdNotFound')
  return NftAttr.decode(raw).shares
}

/** Sets the shares that an item holds. */
export const setShares = (ctx: Context, id: NftId, shares: bigint): void =>
  setProperty(rmrkParts.in(ctx), id, { key: STAKE_INFO, value: NftAttr.encode({ shares }) })

/** Items of an account in a collection. */
export const shareNftsOf = (ctx: Context, cid: number, who: Uint8Array): readonly number[] => shareNfts.get(ctx, cid, who)

const setItems = (ctx: Context, cid: number, who: Uint8Array, items: readonly number[]): void => {
  if (items.length === 0) shareNfts.remove(ctx, cid, who)
  else shareNfts.set(ctx, cid, who, items)
}

/** Makes an item. It is locked: the pools alone move shares. */
export const mintShares = (ctx: Context, { pid, cid }: Pick<BasePool, 'pid' | 'cid'>, owner: Uint8Array, shares: bigint): number => {
  const nft = nextNftId.get(ctx, cid)
  nextNftId.set(ctx, cid, nft + 1)
  const rmrk = rmrkParts.in(ctx)
  mintNft(rmrk, { cid, nft }, { owner, transferable: true })
  setShares(ctx, { cid, nft }, shares)
  setProperty(rmrk, { cid, nft }, { key: CREATE_TIME, value: utf8(nowSeconds(ctx).toString()) })
  setNftLock(rmrk, { cid, nft }, true)
  if (!bytesEqual(owner, ISSUER)) setItems(ctx, cid, owner, [...shareNftsOf(ctx, cid, owner), nft])
  basePoolParts.in(ctx).emit('NftCreated', { pid, cid, nftId: nft, owner, shares })
  return nft
}

/** Destroys an item; its shares are the caller's business. */
export const burnShares = (ctx: Context, { cid, nft }: NftId, owner: Uint8Array): void => {
  const rmrk = rmrkParts.in(ctx)
  burnNft(rmrk, { cid, nft }, KEYS)
  removeProperty(rmrk, { cid, nft }, CREATE_TIME)
  if (!bytesEqual(owner, ISSUER)) setItems(ctx, cid, owner, shareNftsOf(ctx, cid, owner).filter((one) => one !== nft))
}

/** Items in the order in which the reference finds them: by their hashed storage key. */
const inStorageOrder = (ctx: Context, items: readonly number[]): readonly number[] => {
  const keyOf = (nft: number): Uint8Array => concatBytes(ctx.crypto.blake2b128(u32.encode(nft)), u32.encode(nft))
  return [...items].sort((a, b) => compareBytes(keyOf(a), keyOf(b)))
}

/** An account's shares in one item; several become one. */
export const mergeShares = (ctx: Context, pool: Pick<BasePool, 'pid' | 'cid'>, who: Uint8Array): ShareNft | undefined => {
  const { cid } = pool
  const items = shareNftsOf(ctx, cid, who)
  const [only] = items
  if (only === undefined) return undefined
  if (items.length === 1) return { nft: only, shares: sharesOf(ctx, { cid, nft: only }) }
  let shares = 0n
  for (const nft of inStorageOrder(ctx, items)) {
    shares += sharesOf(ctx, { cid, nft })
    burnShares(ctx, { cid, nft }, who)
  }
  assert(shareNftsOf(ctx, cid, who).length === 0, 'all items were burnt')
  return { nft: mintShares(ctx, pool, who, shares), shares }
}

/** Shares of an account that are not in the queue. */
export const freeSharesOf = (ctx: Context, cid: number, who: Uint8Array): bigint =>
  shareNftsOf(ctx, cid, who).reduce((sum, nft) => sum + sharesOf(ctx, { cid, nft }), 0n)

/** Shares of an account in a pool's queue. */
export const queuedSharesOf = (ctx: Context, { cid, withdrawQueue }: Pick<BasePool, 'cid' | 'withdrawQueue'>, who: Uint8Array): bigint =>
  withdrawQueue.reduce((sum, { user, nftId }) => (bytesEqual(user, who) ? sum + sharesOf(ctx, { cid, nft: nftId }) : sum), 0n)
