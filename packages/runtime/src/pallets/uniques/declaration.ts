/** Owns the first stage of Uniques: its events, numbered as real chains number them. */
import { AccountId } from '@phalanx/primitives/chain'
import { u128, u32 } from '@phalanx/primitives/codec'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import * as storage from './storage.ts'

const itemFields = { collection: u32, item: u32 } as const

/** First stage; pallet.ts adds the invariants. */
export const uniquesParts = declarePallet({
  name: 'Uniques',
  crate: 'pallet_uniques',
  doc: 'Collections of unique items. Here they are the delegations to pools, which only the pools make, move and burn: there are no calls.',
  storage,
  events: {
    Created: { index: 0, doc: 'A collection was created.', fields: { collection: u32, creator: AccountId, owner: AccountId } },
    Issued: { index: 3, doc: 'An item was issued.', fields: { ...itemFields, owner: AccountId } },
    Transferred: { index: 4, doc: 'An item has another owner.', fields: { ...itemFields, from: AccountId, to: AccountId } },
    Burned: { index: 5, doc: 'An item was destroyed.', fields: { ...itemFields, owner: AccountId } },
  },
  constants: {
    CollectionDeposit: constant(u128, 0n, 'Deposit for a collection.'),
    ItemDeposit: constant(u128, 0n, 'Deposit for an item.'),
    StringLimit: constant(u32, storage.STRING_LIMIT, 'Longest data.'),
  },
})

/** Context in which the functions of this folder run: `uniquesParts.in(ctx)`. */
export type UniquesContext = ContextOf<typeof uniquesParts>
