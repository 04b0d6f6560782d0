/** Owns what other pallets do with collections and items: create, issue, move, burn. */
import { assert } from '@phalanx/primitives/assert'
import type { UniquesContext } from './declaration.ts'
import { account, collectionAccount, collections, items } from './storage.ts'

/** An item of a collection. */
export interface ItemId {
  readonly collection: number
  readonly item: number
}

/** Creates a collection whose team is its owner. */
export const createCollection = (ctx: UniquesContext, collection: number, owner: Uint8Array): void => {
  assert(!collections.has(ctx, collection), `collection ${collection} is new`)
  collections.set(ctx, collection, {
    owner, issuer: owner, admin: owner, freezer: owner, totalDeposit: 0n, freeHolding: false, items: 0, itemMetadatas: 0, attributes: 0, isFrozen: false,
  })
  collectionAccount.set(ctx, owner, collection, [])
  ctx.emit('Created', { collection, creator: owner, owner })
}

const countItems = (ctx: UniquesContext, collection: number, by: number): void => {
  const details = collections.get(ctx, collection)
  assert(details !== undefined, `collection ${collection} exists`)
  collections.set(ctx, collection, { ...details, items: details.items + by })
}

/** Issues an item. */
export const issueItem = (ctx: UniquesContext, { collection, item }: ItemId, owner: Uint8Array): void => {
  assert(!items.has(ctx, collection, item), `item ${item} of collection ${collection} is new`)
  countItems(ctx, collection, 1)
  items.set(ctx, collection, item, { owner, approved: undefined, isFrozen: false, deposit: 0n })
  account.set(ctx, owner, collection, item, [])
  ctx.emit('Issued', { collection, item, owner })
}

/** Gives an item to another owner. */
export const moveItem = (ctx: UniquesContext, { collection, item }: ItemId, to: Uint8Array): void => {
  const details = items.get(ctx, collection, item)
  assert(details !== undefined, `item ${item} of collection ${collection} exists`)
  const from = details.owner
  account.remove(ctx, from, collection, item)
  account.set(ctx, to, collection, item, [])
  items.set(ctx, collection, item, { ...details, owner: to, approved: undefined })
  ctx.emit('Transferred', { collection, item, from, to })
}

/** Destroys an item and returns who owned it. */
export const burnItem = (ctx: UniquesContext, { collection, item }: ItemId): Uint8Array => {
  const details = items.take(ctx, collection, item)
  assert(details !== undefined, `item ${item} of collection ${collection} exists`)
  countItems(ctx, collection, -1)
  account.remove(ctx, details.owner, collection, item)
  ctx.emit('Burned', { collection, item, owner: details.owner })
  return details.owner
}
