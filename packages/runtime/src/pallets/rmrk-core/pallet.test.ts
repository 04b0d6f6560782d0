/** RmrkCore and Uniques: items move only where nothing else rules them; delegations to pools never do. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { phalaStakePoolV2 } from '../phala-stake-pool-v2/pallet.ts'
import { createStakeTestbed, people, UNIT } from '../phala-stake-pool-v2/testing.ts'
import { account, items } from '../uniques/storage.ts'
import { rmrkParts } from './declaration.ts'
import { burnNft, createNftCollection, mintNft, setNftLock, setProperty } from './nfts.ts'
import { rmrkCore } from './pallet.ts'
import { collections, nfts, properties } from './storage.ts'

const crypto = await loadCrypto()
const [alice, bob] = people(crypto, 'Alice', 'Bob') as [Uint8Array, Uint8Array]
const to = (value: Uint8Array) => ({ kind: 'AccountId', value }) as const
const send = (collectionId: number, nftId: number, newOwner: Uint8Array) => rmrkCore.call('send', { collectionId, nftId, newOwner: to(newOwner) })

const start = () => {
  const bed = createStakeTestbed(crypto, { people: [[alice, 1000n * UNIT]] })
  const rmrk = rmrkParts.in(bed.chain.ctx)
  createNftCollection(rmrk, 1, { issuer: alice, symbol: utf8('ART') })
  mintNft(rmrk, { cid: 1, nft: 0 }, { owner: alice, transferable: true })
  return { ...bed, rmrk }
}

describe('rmrkCore.send', () => {
  test('gives an item to another account', () => {
    const { chain, ok } = start()
    ok(send(1, 0, bob), alice)
    chain.assertEvents([
      { pallet: 'Uniques', name: 'Transferred', value: { collection: 1, item: 0, from: alice, to: bob } },
      { pallet: 'RmrkCore', name: 'NFTSent', value: { sender: alice, recipient: to(bob), collectionId: 1, nftId: 0, approvalRequired: false } },
    ])
    expect([account.has(chain.ctx, alice, 1, 0), account.has(chain.ctx, bob, 1, 0)]).toEqual([false, true])
  })

  test('refuses what is not there, not the sender\'s, locked, not transferable, and items as owners', () => {
    const { chain, rmrk, refused } = start()
    refused(send(1, 9, bob), alice, 'RmrkCore.NoAvailableNftId')
    refused(send(1, 0, bob), bob, 'RmrkCore.NoPermission')
    refused(rmrkCore.call('send', { collectionId: 1, nftId: 0, newOwner: { kind: 'CollectionAndNftTuple', value: [1, 0] } }), alice, 'RmrkCore.CannotSendToDescendentOrSelf')
    setNftLock(rmrk, { cid: 1, nft: 0 }, true)
    refused(send(1, 0, bob), alice, 'RmrkCore.NftIsLocked')
    mintNft(rmrk, { cid: 1, nft: 1 }, { owner: alice, transferable: false })
    refused(send(1, 1, bob), alice, 'RmrkCore.NonTransferable')
    chain.assertNoop(send(1, 0, bob), ROOT, 'BadOrigin')
  })

  test('refuses delegations to pools', () => {
    const { chain, ok, refused, wrap, base } = start()
    wrap(alice, 100n * UNIT)
    ok(phalaStakePoolV2.call('create'), alice)
    ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: UNIT, asVault: undefined }), alice)
    refused(send(base(0n).cid, 0, bob), alice, 'RmrkCore.FailedTransferHooksPreCheck')
    chain.assertNoop(send(base(0n).cid, 0, bob), signed(bob), 'RmrkCore.NoPermission')
  })
})

test('an item and its properties stand in both pallets and go from both', () => {
  const { chain, rmrk } = start()
  const { ctx } = chain
  const key = utf8('colour')
  setProperty(rmrk, { cid: 1, nft: 0 }, { key, value: utf8('red') })
  expect([nfts.has(ctx, 1, 0), items.has(ctx, 1, 0), properties.get(ctx, 1, 0, key), collections.get(ctx, 1)?.nftsCount]).toEqual([true, true, utf8('red'), 1])
  burnNft(rmrk, { cid: 1, nft: 0 }, [key])
  expect([nfts.has(ctx, 1, 0), items.has(ctx, 1, 0), properties.has(ctx, 1, 0, key), collections.get(ctx, 1)?.nftsCount]).toEqual([false, false, false, 0])
  chain.tryState()
})
