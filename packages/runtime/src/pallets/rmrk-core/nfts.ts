/** Owns what other pallets do with items and their properties. Ownership stands in Uniques, as on the reference chain. */
import { assert } from '@phalanx/primitives/assert'
import { uniquesParts } from '../uniques/declaration.ts'
import { burnItem, createCollection, issueItem } from '../uniques/items.ts'
import type { RmrkContext } from './declaration.ts'
import { collections, lock, nfts, properties } from './storage.ts'

/** An item: collection and number. */
export interface NftId {
  readonly cid: number
  readonly nft: number
}

const NO_BYTES = new Uint8Array(0)

/** Creates a collection without limit. */
export const createNftCollection = (ctx: RmrkContext, cid: number, options: { readonly issuer: Uint8Array; readonly symbol: Uint8Array }): void => {
  const { issuer, symbol } = options
  collections.set(ctx, cid, { issuer, metadata: NO_BYTES, max: undefined, symbol, nftsCount: 0 })
  createCollection(uniquesParts.in(ctx), cid, issuer)
  ctx.emit('CollectionCreated', { issuer, collectionId: cid })
}

const countNfts = (ctx: RmrkContext, cid: number, by: number): void => {
  const info = collections.get(ctx, cid)
  assert(info !== undefined, `collection ${cid} exists`)
  collections.set(ctx, cid, { ...info, nftsCount: info.nftsCount + by })
}

/** Makes an item. */
export const mintNft = (ctx: RmrkContext, { cid, nft }: NftId, options: { readonly owner: Uint8Array; readonly transferable: boolean }): void => {
  const owner = { kind: 'AccountId', value: options.owner } as const
  countNfts(ctx, cid, 1)
  nfts.set(ctx, cid, nft, { owner, royalty: undefined, metadata: NO_BYTES, equipped: undefined, pending: false, transferable: options.transferable })
  issueItem(uniquesParts.in(ctx), { collection: cid, item: nft }, options.owner)
  ctx.emit('NftMinted', { owner, collectionId: cid, nftId: nft })
}

/** Locks or unlocks an item. */
export const setNftLock = (ctx: RmrkContext, { cid, nft }: NftId, isLocked: boolean): void => {
  if (isLocked) lock.set(ctx, [cid, nft], true)
  else lock.remove(ctx, [cid, nft])
}

/** Sets a property of an item. */
export const setProperty = (ctx: RmrkContext, { cid, nft }: NftId, property: { readonly key: Uint8Array; readonly value: Uint8Array }): void => {
  properties.set(ctx, cid, nft, property.key, property.value)
  ctx.emit('PropertySet', { collectionId: cid, maybeNftId: nft, ...property })
}

/** Removes a property of an item and says so, whether it was there or not. */
export const removeProperty = (ctx: RmrkContext, { cid, nft }: NftId, key: Uint8Array): void => {
  properties.remove(ctx, cid, nft, key)
  ctx.emit('PropertyRemoved', { collectionId: cid, maybeNftId: nft, key })
}

/** Destroys an item with the properties that it is known to have. */
export const burnNft = (ctx: RmrkContext, { cid, nft }: NftId, knownKeys: readonly Uint8Array[]): void => {
  for (const key of knownKeys) properties.remove(ctx, cid, nft, key)
  ctx.emit('PropertiesRemoved', { collectionId: cid, maybeNftId: nft })
  nfts.remove(ctx, cid, nft)
  setNftLock(ctx, { cid, nft }, false)
  countNfts(ctx, cid, -1)
  const owner = burnItem(uniquesParts.in(ctx), { collection: cid, item: nft })
  ctx.emit('NFTBurned', { owner, collectionId: cid, nftId: nft })
}
