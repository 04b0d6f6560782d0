/** Owns RmrkCore's call. Collections and items are made by the pools alone; making them by calls is not offered. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import { ensureSigned } from '../../frame/origin.ts'
import { weigh } from '../../frame/weight.ts'
import { poolCollections } from '../phala-base-pool/storage.ts'
import { uniquesParts } from '../uniques/declaration.ts'
import { moveItem } from '../uniques/items.ts'
import { rmrkParts } from './declaration.ts'
import { collections, lock, NftOwner, nfts } from './storage.ts'

/** RmrkCore, index 105. */
export const rmrkCore = rmrkParts.withCalls({
  send: {
    index: 5, doc: 'Give an item to another account. Refused for delegations to pools.', weight: weigh({ reads: 5, writes: 4 }),
    args: { collectionId: u32, nftId: u32, newOwner: NftOwner },
    dispatch(ctx, origin, { collectionId, nftId, newOwner }) {
      const sender = ensureSigned(origin)
      const info = nfts.get(ctx, collectionId, nftId) ?? ctx.fail('NoAvailableNftId')
      if (info.owner.kind !== 'AccountId' || !bytesEqual(info.owner.value, sender)) ctx.fail('NoPermission')
      if (poolCollections.has(ctx, collectionId)) ctx.fail('FailedTransferHooksPreCheck')
      if (lock.get(ctx, [collectionId, nftId])) ctx.fail('NftIsLocked')
      if (!info.transferable) ctx.fail('NonTransferable')
      if (newOwner.kind !== 'AccountId') return ctx.fail('CannotSendToDescendentOrSelf')
      nfts.set(ctx, collectionId, nftId, { ...info, owner: newOwner })
      moveItem(uniquesParts.in(ctx), { collection: collectionId, item: nftId }, newOwner.value)
      ctx.emit('NFTSent', { sender, recipient: newOwner, collectionId, nftId, approvalRequired: false })
    },
  },
}, {
  tryState(ctx) {
    for (const [[cid], info] of collections.entries(ctx)) {
      let count = 0
      for (const _ of nfts.keys(ctx, cid)) count++
      assert(count === info.nftsCount, `collection ${cid} counts its items`)
    }
  },
})
