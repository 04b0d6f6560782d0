/** PhalaWrappedBalances: wrapping one for one, what votes keep, and the reserve behind it all. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT } from '../../frame/origin.ts'
import { assets } from '../assets/pallet.ts'
import { asset } from '../assets/storage.ts'
import { democracyParts } from '../democracy/declaration.ts'
import { democracy } from '../democracy/pallet.ts'
import { startReferendum } from '../democracy/referenda.ts'
import { referendumInfoOf } from '../democracy/storage.ts'
import { phalaStakePoolV2 } from '../phala-stake-pool-v2/pallet.ts'
import { createStakeTestbed, people, UNIT } from '../phala-stake-pool-v2/testing.ts'
import { preimage } from '../preimage/pallet.ts'
import { scheduler } from '../scheduler/pallet.ts'
import { account } from '../system/storage.ts'
import { treasury } from '../treasury/pallet.ts'
import { ensureStaker, netValue, noteDelegation } from './net-value.ts'
import { phalaWrappedBalances as wrapped } from './pallet.ts'
import type { Referenda, SplitVote } from './referenda.ts'
import { accountVotes, INVEST_POOLS_MAX, stakerAccounts, unmintableDust, VOTES_MAX, voteAccounts, voteTotals, WPHA_ACCOUNT, WPHA_ASSET_ID } from './storage.ts'
import { moveWphaOfUser } from './wpha.ts'

const crypto = await loadCrypto()
const [alice, bob] = people(crypto, 'Alice', 'Bob') as [Uint8Array, Uint8Array]
const MIN = 100_000_000n
const D = UNIT

const start = (referenda?: Referenda) =>
  createStakeTestbed(crypto, { people: [[alice, 1000n * D], [bob, 1000n * D]], ...(referenda === undefined ? {} : { referenda }) })
const free = (bed: ReturnType<typeof start>, who: Uint8Array): bigint => account.get(bed.chain.ctx, who).data.free

describe('phalaWrappedBalances.wrap', () => {
  test('wraps one for one', () => {
    const bed = start()
    const events = bed.wrap(alice, 100n * D)
    expect(events.at(-1)).toEqual({ pallet: 'PhalaWrappedBalances', name: 'Wrapped', value: { user: alice, amount: 100n * D } })
    expect([bed.wpha(alice), free(bed, alice), asset.get(bed.chain.ctx, WPHA_ASSET_ID)?.supply]).toEqual([100n * D, 900n * D, 100n * D])
    expect(free(bed, WPHA_ACCOUNT)).toBe(100n * D + 10n ** 10n)
  })

  test('refuses nothing, too little to exist, and more than may leave', () => {
    const { refused, chain } = start()
    refused(wrapped.call('wrap', { amount: 0n }), alice, 'Token.BelowMinimum')
    refused(wrapped.call('wrap', { amount: MIN - 1n }), alice, 'Token.BelowMinimum')
    refused(wrapped.call('wrap', { amount: 1001n * D }), alice, 'Token.FundsUnavailable')
    refused(wrapped.call('wrap', { amount: 1000n * D }), alice, 'Token.NotExpendable')
    refused(wrapped.call('wrap', { amount: (1n << 128n) - 1n }), alice, 'Arithmetic.Overflow')
    chain.assertNoop(wrapped.call('wrap', { amount: D }), ROOT, 'BadOrigin')
  })
})

describe('phalaWrappedBalances.unwrap and phalaWrappedBalances.unwrapAll', () => {
  test('unwrap one for one; what is too little to stay goes along', () => {
    const bed = start()
    bed.wrap(alice, 100n * D)
    bed.ok(wrapped.call('unwrap', { amount: 40n * D }), alice)
    const events = bed.ok(wrapped.call('unwrap', { amount: 60n * D - 5n }), alice)
    expect(events.at(-1)).toEqual({ pallet: 'PhalaWrappedBalances', name: 'Unwrapped', value: { user: alice, amount: 60n * D } })
    expect([bed.wpha(alice), free(bed, alice), unmintableDust.get(bed.chain.ctx)]).toEqual([0n, 1000n * D, 0n])
    bed.wrap(alice, 7n * D)
    bed.ok(wrapped.call('unwrapAll'), alice)
    bed.ok(wrapped.call('unwrapAll'), alice)
    expect(free(bed, alice)).toBe(1000n * D)
  })

  test('refuse more than is free, and accounts that never wrapped', () => {
    const { ok, refused, wrap } = start()
    refused(wrapped.call('unwrap', { amount: 0n }), alice, 'PhalaWrappedBalances.StakerAccountNotFound')
    refused(wrapped.call('unwrapAll'), alice, 'PhalaWrappedBalances.StakerAccountNotFound')
    wrap(alice, 100n * D)
    refused(wrapped.call('unwrap', { amount: 100n * D + 1n }), alice, 'PhalaWrappedBalances.UnwrapAmountExceedsAvaliableStake')
    ok(phalaStakePoolV2.call('create'), alice)
    ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: 60n * D, asVault: undefined }), alice)
    refused(wrapped.call('unwrap', { amount: 41n * D }), alice, 'PhalaWrappedBalances.UnwrapAmountExceedsAvaliableStake')
    ok(wrapped.call('unwrap', { amount: 40n * D }), alice)
  })

  test('what a delegation leaves below the minimum becomes dust that the reserve still holds', () => {
    const { chain, wrap, wpha } = start()
    wrap(alice, 100n * D)
    moveWphaOfUser(chain.ctx, { from: alice, to: bob, amount: 100n * D - 3n })
    chain.assertEvents([{ pallet: 'PhalaWrappedBalances', name: 'DustRemoved', value: { user: alice, amount: 3n } }])
    expect([wpha(alice), unmintableDust.get(chain.ctx), asset.get(chain.ctx, WPHA_ASSET_ID)?.supply]).toEqual([0n, 3n, 100n * D - 3n])
    chain.tryState()
  })
})

describe('phalaWrappedBalances.vote and phalaWrappedBalances.unlock', () => {
  /** Referenda of a test: those in `ongoing`, and what the reserve voted. */
  const createReferenda = () => {
    const ongoing = new Set([1, 2])
    const votes: SplitVote[] = []
    const released: number[] = []
    const referenda: Referenda = {
      isOngoing: (_, id) => ongoing.has(id), vote: (_, cast) => { votes.push(cast) }, release: (_, { referendum }) => { released.push(referendum) },
    }
    return { ongoing, votes, released, referenda }
  }
  const vote = (voteId: number, ayeAmount: bigint, nayAmount: bigint) => wrapped.call('vote', { ayeAmount, nayAmount, voteId })

  test('the reserve votes for all, and the largest vote keeps wealth until it is over', () => {
    const { ongoing, votes, released, referenda } = createReferenda()
    const bed = createStakeTestbed(crypto, { people: [[alice, 1000n * D], [bob, 1000n * D]], referenda })
    const call = bed.wrapped
    bed.wrap(alice, 100n * D)
    bed.wrap(bob, 50n * D)
    bed.ok(phalaStakePoolV2.call('create'), alice)
    bed.ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: 60n * D, asVault: undefined }), alice)
    expect(netValue(bed.chain.ctx, alice)).toBe(100n * D)
    bed.ok(vote(1, 70n * D, 10n * D), alice)
    bed.chain.assertEvents([{ pallet: 'PhalaWrappedBalances', name: 'Voted', value: { user: alice, voteId: 1, ayeAmount: 70n * D, nayAmount: 10n * D } }])
    bed.ok(vote(2, 0n, 30n * D), alice)
    bed.ok(vote(1, 5n * D, 0n), bob)
    bed.ok(vote(1, 20n * D, 0n), alice)
    expect(votes.at(-1)).toEqual({ voter: WPHA_ACCOUNT, referendum: 1, aye: 25n * D, nay: 0n })
    expect(stakerAccounts.get(bed.chain.ctx, alice)?.locked).toBe(30n * D)
    bed.ok(call.call('unwrap', { amount: 40n * D }), alice)
    bed.refused(call.call('unlock', { voteId: 2, maxIterations: 10 }), bob, 'PhalaWrappedBalances.ReferendumOngoing')
    ongoing.clear()
    bed.ok(call.call('unlock', { voteId: 2, maxIterations: 10 }), bob)
    expect(stakerAccounts.get(bed.chain.ctx, alice)?.locked).toBe(20n * D)
    bed.ok(call.call('unlock', { voteId: 1, maxIterations: 1 }), bob)
    bed.ok(call.call('unlock', { voteId: 1, maxIterations: 2 }), bob)
    expect([...voteAccounts.keys(bed.chain.ctx, 1), ...accountVotes.keys(bed.chain.ctx, alice)]).toEqual([])
    expect([stakerAccounts.get(bed.chain.ctx, alice)?.locked, voteTotals.has(bed.chain.ctx, 1), released]).toEqual([0n, false, [2, 1]])
  })

  test('refuse referenda that are not, votes without wealth, and wrong numbers', () => {
    const { referenda } = createReferenda()
    const bed = createStakeTestbed(crypto, { people: [[alice, 1000n * D]], referenda })
    bed.refused(vote(1, 1n, 0n), alice, 'PhalaWrappedBalances.StakerAccountNotFound')
    bed.wrap(alice, 100n * D)
    bed.refused(vote(9, 1n, 0n), alice, 'PhalaWrappedBalances.ReferendumInvalid')
    bed.refused(vote(1, 100n * D, 1n), alice, 'PhalaWrappedBalances.VoteAmountLargerThanTotalStakes')
    for (const maxIterations of [0, 101]) bed.refused(wrapped.call('unlock', { voteId: 9, maxIterations }), alice, 'PhalaWrappedBalances.IterationsIsNotVaild')
    for (let id = 100; id < 100 + VOTES_MAX; id++) accountVotes.set(bed.chain.ctx, alice, id, [])
    bed.refused(vote(1, 1n, 0n), alice, 'PhalaWrappedBalances.TooManyVotes')
  })

  test('in democracy, the reserve\'s split vote counts, and goes with the last voter', () => {
    const bed = createStakeTestbed(crypto, {
      people: [[alice, 1000n * D], [bob, 1000n * D]],
      pallets: [{ index: 15, pallet: democracy }, { index: 21, pallet: treasury }, { index: 32, pallet: scheduler }, { index: 33, pallet: preimage }],
    })
    const { ctx } = bed.chain
    const question = { proposal: { kind: 'Inline', value: new Uint8Array([1, 0, 0]) }, threshold: { kind: 'SimpleMajority' }, votingBlocks: 5, delay: 1 } as const
    const referendum = startReferendum(democracyParts.in(ctx), question)
    bed.wrap(alice, 100n * D)
    bed.wrap(bob, 50n * D)
    bed.ok(vote(referendum, 80n * D, 0n), alice)
    bed.ok(vote(referendum, 0n, 50n * D), bob)
    expect(referendumInfoOf.get(ctx, referendum)).toMatchObject({ kind: 'Ongoing', value: { tally: { turnout: 130n * D } } })
    bed.refused(wrapped.call('unwrap', { amount: 1n * D }), bob, 'PhalaWrappedBalances.UnwrapAmountExceedsAvaliableStake')
    bed.ok(wrapped.call('unwrap', { amount: 20n * D }), alice)
    referendumInfoOf.set(ctx, referendum, { kind: 'Finished', value: { approved: true, end: 1 } })
    bed.ok(wrapped.call('unlock', { voteId: referendum, maxIterations: 10 }), alice)
    bed.ok(wrapped.call('unwrapAll'), alice)
    bed.ok(wrapped.call('unwrapAll'), bob)
    expect([account.get(ctx, WPHA_ACCOUNT).data.frozen, free(bed, bob)]).toEqual([0n, 1000n * D])
  })

  test('a vote keeps wealth from being sent away', () => {
    const { referenda } = createReferenda()
    const bed = createStakeTestbed(crypto, { people: [[alice, 1000n * D]], referenda })
    bed.wrap(alice, 100n * D)
    bed.ok(vote(1, 80n * D, 0n), alice)
    const send = (amount: bigint) => assets.call('transfer', { id: WPHA_ASSET_ID, target: { kind: 'Id', value: bob }, amount })
    bed.refused(send(21n * D), alice, 'Token.Frozen')
    bed.refused(assets.call('transferKeepAlive', { id: WPHA_ASSET_ID, target: { kind: 'Id', value: bob }, amount: 21n * D }), alice, 'Token.Frozen')
    bed.ok(send(20n * D), alice)
    bed.ok(phalaStakePoolV2.call('create'), alice)
    bed.ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: 80n * D, asVault: undefined }), alice)
  })

  test('a vote keeps wealth from being unwrapped', () => {
    const { referenda } = createReferenda()
    const bed = createStakeTestbed(crypto, { people: [[alice, 1000n * D]], referenda })
    bed.wrap(alice, 100n * D)
    bed.ok(vote(1, 80n * D, 0n), alice)
    bed.refused(wrapped.call('unwrap', { amount: 21n * D }), alice, 'PhalaWrappedBalances.UnwrapAmountExceedsAvaliableStake')
    bed.ok(wrapped.call('unwrapAll'), alice)
    expect(bed.wpha(alice)).toBe(80n * D)
  })
})

test('an account delegates to so many pools and no more', () => {
  const { chain } = start()
  ensureStaker(chain.ctx, alice)
  const investPools = Array.from({ length: INVEST_POOLS_MAX }, (_, i) => [BigInt(i), 10_000 + i] as const)
  stakerAccounts.set(chain.ctx, alice, { investPools, locked: 0n })
  noteDelegation(chain.ctx, alice, { pid: 5000n, cid: 15_000 })
  expect(stakerAccounts.get(chain.ctx, alice)?.investPools).toEqual([[5000n, 15_000]])
})
