/** Owns Uniques as a pallet: no calls, and the invariants of its storage. */
import { assert } from '@phalanx/primitives/assert'
import { uniquesParts } from './declaration.ts'
import { account, collections, items } from './storage.ts'

/** Uniques, index 104. */
export const uniques = uniquesParts.withCalls({}, {
  tryState(ctx) {
    for (const [[collection], details] of collections.entries(ctx)) {
      let count = 0
      for (const [[, item], { owner }] of items.entries(ctx, collection)) {
        count++
        assert(account.has(ctx, owner, collection, item), `the owner of item ${item} of collection ${collection} is known for it`)
      }
      assert(count === details.items, `collection ${collection} counts its items`)
    }
  },
})
