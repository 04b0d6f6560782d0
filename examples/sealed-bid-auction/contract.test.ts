import { createTestCluster, expectRevert } from '@phalanx/sdk/contract/testing'
import { describe, expect, test } from 'vitest'
import auction from './contract.ts'

const open = async (closesAfter = 0) => {
  const cluster = await createTestCluster()
  const [seller, alice, bob] = [cluster.account('seller'), cluster.account('alice'), cluster.account('bob')]
  return { alice, bob, seller, house: cluster.deploy(auction, { from: seller, args: { lot: 'a painting', closesAfter } }) }
}

describe('a sealed-bid auction', () => {
  test('gives the lot to the highest bid at the second highest price', async () => {
    const { house, alice, bob, seller } = await open()
    house.as(alice).bid({ amount: 40n })
    house.as(bob).bid({ amount: 55n })
    house.as(seller).close()
    expect(house.as(alice).result()).toEqual({ lot: 'a painting', winner: bob, price: 40n, bidders: 2 })
    expect(house.events()).toEqual([{ kind: 'AuctionClosed', value: { bidders: 2 } }])
  })

  test('tells nobody anything while it is open, but everybody his own bid', async () => {
    const { house, alice, bob, seller } = await open()
    house.as(alice).bid({ amount: 40n })
    expectRevert(() => house.as(seller).result(), { kind: 'StillOpen' })
    expect([house.as(alice).myBid(), house.as(bob).myBid(), house.as(bob).isOpen()]).toEqual([40n, 0n, true])
  })

  test('closes by itself when all have bid', async () => {
    const { house, alice, bob } = await open(2)
    house.as(alice).bid({ amount: 7n })
    house.as(alice).bid({ amount: 9n })
    expect(house.as(alice).isOpen()).toBe(true)
    house.as(bob).bid({ amount: 9n })
    expect(house.as(bob).result()).toEqual({ lot: 'a painting', winner: alice, price: 9n, bidders: 2 })
    expectRevert(() => house.as(bob).bid({ amount: 99n }), { kind: 'Closed' })
  })

  test('is closed by its seller alone, and bids must be above zero', async () => {
    const { house, alice, seller } = await open()
    expectRevert(() => house.as(alice).close(), { kind: 'NotSeller' })
    expectRevert(() => house.as(alice).bid({ amount: 0n }), { kind: 'NothingBid' })
    house.as(seller).close()
    expectRevert(() => house.as(seller).close(), { kind: 'Closed' })
    expect(house.as(alice).result()).toEqual({ lot: 'a painting', winner: undefined, price: 0n, bidders: 0 })
  })

  test('takes the only bid as the price', async () => {
    const { house, alice } = await open(1)
    house.as(alice).bid({ amount: 3n })
    expect(house.as(alice).result()).toMatchObject({ winner: alice, price: 3n })
  })
})
