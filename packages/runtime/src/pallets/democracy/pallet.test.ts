/** Democracy: public and council proposals from deposit to enactment, votes and their locks, and every refusal. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import type { RuntimeCall } from '../../frame/context.ts'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { balanceOf } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { balances } from '../balances/pallet.ts'
import { collectiveOrigin } from '../collective/origin.ts'
import { preimage } from '../preimage/pallet.ts'
import { boundCall, boundHash } from '../preimage/preimages.ts'
import { scheduler } from '../scheduler/pallet.ts'
import { agenda } from '../scheduler/storage.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { TREASURY_ACCOUNT } from '../treasury/storage.ts'
import { treasury } from '../treasury/pallet.ts'
import { COOLOFF_PERIOD_BLOCKS, FAST_TRACK_VOTING_PERIOD_BLOCKS, LAUNCH_PERIOD_BLOCKS, MINIMUM_DEPOSIT, VOTE_LOCKING_PERIOD_BLOCKS } from './declaration.ts'
import { democracy } from './pallet.ts'
import * as storage from './storage.ts'
import { VOTES_MAX, type AccountVote } from './storage.ts'

const crypto = await loadCrypto()
const PHA = 10n ** 12n
const [alice, bob, eve] = ['Alice', 'Bob', 'Eve'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array, Uint8Array]
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const id = (value: Uint8Array) => ({ kind: 'Id', value }) as const
const council = (ayes: number, members = 4) => collectiveOrigin('Council', { kind: 'Members', value: [ayes, members] })
const committee = (ayes: number, members = 3) => collectiveOrigin('TechnicalCommittee', { kind: 'Members', value: [ayes, members] })
const member = (who: Uint8Array) => collectiveOrigin('TechnicalCommittee', { kind: 'Member', value: who })

const start = () => createTestChain({
  pallets: [
    { index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 15, pallet: democracy },
    { index: 21, pallet: treasury }, { index: 32, pallet: scheduler }, { index: 33, pallet: preimage },
  ],
  genesis: { Balances: { balances: [alice, bob].map((who) => [hex(who), (1000n * PHA).toString()]) } },
}, { crypto })
type Chain = ReturnType<typeof start>
const of = (chain: Chain, who: Uint8Array) => balanceOf(balancesParts.in(chain.ctx), who)
const call = (n: number): RuntimeCall => balances.call('forceSetBalance', { who: id(new Uint8Array(32).fill(n)), newFree: PHA })
const bound = (chain: Chain, n = 1) => boundCall(chain.ctx, call(n))
const hashOf = (chain: Chain, n = 1) => boundHash(chain.ctx, bound(chain, n))

/** Runs the hook as if the chain had come to a block. */
const jumpTo = (chain: Chain, number: number) => {
  const ctx = chain.ctx.scope('Democracy')
  const before = chain.events().length
  democracy.hooks?.onInitialize?.(Object.create(ctx, { block: { value: { ...ctx.block, number } } }) as typeof ctx)
  return chain.events().slice(before)
}
const names = (events: readonly { readonly name: string }[]): readonly string[] => events.map(({ name }) => name)

const aye = (balance: bigint, conviction = 1): AccountVote => ({ kind: 'Standard', value: { vote: 0x80 | conviction, balance } })
const nay = (balance: bigint): AccountVote => ({ kind: 'Standard', value: { vote: 0x01, balance } })
const vote = (refIndex: number, how: AccountVote) => democracy.call('vote', { refIndex, vote: how })

/** A chain whose referendum 0 is under way. */
const withReferendum = (votingPeriod = FAST_TRACK_VOTING_PERIOD_BLOCKS) => {
  const chain = start()
  chain.assertOk(democracy.call('externalProposeMajority', { proposal: bound(chain) }), council(3))
  chain.assertOk(democracy.call('fastTrack', { proposalHash: hashOf(chain), votingPeriod, delay: 5 }), committee(3))
  return { chain, end: chain.ctx.block.number + votingPeriod }
}

describe('propose, second: the public', () => {
  const propose = (chain: Chain, n: number, value = MINIMUM_DEPOSIT) => democracy.call('propose', { proposal: bound(chain, n), value })

  test('has the proposal with most tokens behind it tabled first, and gets its deposits back then', () => {
    const chain = start()
    chain.assertOk(propose(chain, 1, 2n * MINIMUM_DEPOSIT), signed(alice))
    chain.assertOk(propose(chain, 2), signed(alice))
    for (let i = 0; i < 2; i++) chain.assertOk(democracy.call('second', { proposal: 1 }), signed(bob))
    expect(of(chain, bob).reserved).toBe(2n * MINIMUM_DEPOSIT)
    const events = jumpTo(chain, LAUNCH_PERIOD_BLOCKS)
    expect(events.filter(({ pallet }) => pallet === 'Democracy').map(({ name, value }) => [name, (value as { proposalIndex?: number }).proposalIndex])).toEqual([['Tabled', 1], ['Started', undefined]])
    expect([of(chain, bob).reserved, of(chain, alice).reserved]).toEqual([0n, 2n * MINIMUM_DEPOSIT])
    expect(names(jumpTo(chain, 2 * LAUNCH_PERIOD_BLOCKS))).toContain('Tabled')
    expect(storage.publicProps.get(chain.ctx)).toEqual([])
  })

  test('is refused small deposits, missing means, unknown proposals and more than there is room for', () => {
    const chain = start()
    chain.assertNoop(propose(chain, 1, MINIMUM_DEPOSIT - 1n), signed(alice), 'Democracy.ValueLow')
    chain.assertNoop(propose(chain, 1), signed(eve), 'Balances.InsufficientBalance')
    chain.assertNoop(propose(chain, 1), ROOT, 'BadOrigin')
    chain.assertNoop(democracy.call('second', { proposal: 0 }), signed(bob), 'Democracy.ProposalMissing')
    storage.depositOf.set(chain.ctx, 7, [Array.from({ length: storage.DEPOSITS_MAX }, () => alice), 1n])
    chain.assertNoop(democracy.call('second', { proposal: 7 }), signed(bob), 'Democracy.TooMany')
    storage.publicProps.set(chain.ctx, Array.from({ length: storage.PROPOSALS_MAX }, (_, i) => [i, bound(chain), alice] as const))
    chain.assertNoop(propose(chain, 1), signed(alice), 'Democracy.TooMany')
  })

  test('cancelProposal, clearPublicProposals: a cancelled proposal loses its deposits to the treasury, cleared ones give them back', () => {
    const chain = start()
    chain.assertOk(propose(chain, 1), signed(alice))
    chain.assertNoop(democracy.call('cancelProposal', { propIndex: 0 }), committee(2), 'BadOrigin')
    chain.assertOk(democracy.call('cancelProposal', { propIndex: 0 }), committee(3))
    expect([of(chain, alice).reserved, of(chain, TREASURY_ACCOUNT).free]).toEqual([0n, MINIMUM_DEPOSIT])
    chain.assertNoop(democracy.call('cancelProposal', { propIndex: 0 }), ROOT, 'Democracy.ProposalMissing')
    chain.assertOk(propose(chain, 2), signed(alice))
    chain.assertNoop(democracy.call('clearPublicProposals'), signed(alice), 'BadOrigin')
    chain.assertOk(democracy.call('clearPublicProposals'), ROOT)
    expect([of(chain, alice).reserved, storage.publicProps.get(chain.ctx)]).toEqual([0n, []])
  })
})

describe('externalPropose, externalProposeMajority, externalProposeDefault: the council', () => {
  test('proposes with the threshold that its agreement earns, one at a time, in turn with the public', () => {
    for (const [name, ayes, threshold] of [['externalPropose', 2, 'SuperMajorityApprove'], ['externalProposeMajority', 3, 'SimpleMajority'], ['externalProposeDefault', 4, 'SuperMajorityAgainst']] as const) {
      const chain = start()
      const proposal = democracy.call(name, { proposal: bound(chain) })
      chain.assertNoop(proposal, council(ayes - 1), 'BadOrigin')
      chain.assertOk(proposal, council(ayes))
      chain.assertNoop(proposal, council(ayes), 'Democracy.DuplicateProposal')
      expect(jumpTo(chain, LAUNCH_PERIOD_BLOCKS).at(-1)?.value).toEqual({ refIndex: 0, threshold: { kind: threshold } })
      expect(storage.lastTabledWasExternal.get(chain.ctx)).toBe(true)
    }
  })

  test('vetoExternal: a member of the committee puts a proposal off, once', () => {
    const chain = start()
    const proposal = democracy.call('externalPropose', { proposal: bound(chain) })
    const veto = democracy.call('vetoExternal', { proposalHash: hashOf(chain) })
    chain.assertNoop(veto, member(alice), 'Democracy.NoProposal')
    chain.assertOk(proposal, council(2))
    chain.assertNoop(veto, committee(3), 'BadOrigin')
    chain.assertNoop(democracy.call('vetoExternal', { proposalHash: new Uint8Array(32) }), member(alice), 'Democracy.ProposalMissing')
    chain.assertOk(veto, member(alice))
    chain.assertNoop(proposal, council(2), 'Democracy.ProposalBlacklisted')
    chain.assertNoop(democracy.call('propose', { proposal: bound(chain), value: MINIMUM_DEPOSIT }), signed(bob), 'Democracy.ProposalBlacklisted')
    storage.blacklist.mutate(chain.ctx, hashOf(chain), (entry) => (entry === undefined ? undefined : [entry[0] - COOLOFF_PERIOD_BLOCKS, entry[1]]))
    chain.assertOk(proposal, council(2))
    chain.assertNoop(veto, member(alice), 'Democracy.AlreadyVetoed')
    chain.assertOk(veto, member(bob))
  })

  test('fastTrack: the committee hastens a majority proposal, very short votes only unanimously', () => {
    const chain = start()
    const fast = (votingPeriod: number, proposalHash = hashOf(chain)) => democracy.call('fastTrack', { proposalHash, votingPeriod, delay: 1 })
    chain.assertNoop(fast(900), committee(2), 'Democracy.ProposalMissing')
    chain.assertOk(democracy.call('externalPropose', { proposal: bound(chain) }), council(2))
    chain.assertNoop(fast(900), committee(2), 'Democracy.NotSimpleMajority')
    storage.nextExternal.remove(chain.ctx)
    chain.assertOk(democracy.call('externalProposeMajority', { proposal: bound(chain) }), council(3))
    chain.assertNoop(fast(900), committee(1), 'BadOrigin')
    chain.assertNoop(fast(899), committee(2), 'Democracy.InstantNotAllowed')
    chain.assertNoop(fast(0), committee(3), 'Democracy.VotingPeriodLow')
    chain.assertNoop(fast(900, new Uint8Array(32)), committee(2), 'Democracy.InvalidHash')
    chain.assertOk(fast(10), committee(3))
  })
})

describe('a referendum', () => {
  test('that passes is enacted as root after its delay', () => {
    const { chain, end } = withReferendum(3)
    chain.assertOk(vote(0, aye(10n * PHA)), signed(alice))
    chain.nextBlock(3)
    expect(names(chain.events())).toContain('Passed')
    expect([...agenda.keys(chain.ctx)]).toEqual([[end + 5]])
    chain.nextBlock(5)
    expect(of(chain, new Uint8Array(32).fill(1)).free).toBe(PHA)
  })

  test('without a majority ends so, and later ones do not wait for it', () => {
    const { chain } = withReferendum(3)
    chain.assertOk(vote(0, nay(PHA)), signed(alice))
    chain.nextBlock(3)
    expect(names(chain.events())).toContain('NotPassed')
    expect(storage.lowestUnbaked.get(chain.ctx)).toBe(1)
    chain.assertNoop(vote(0, aye(PHA)), signed(bob), 'Democracy.ReferendumInvalid')
  })

  test('cancelReferendum, emergencyCancel: is cancelled by root, or by two thirds of the council, once per proposal', () => {
    const { chain } = withReferendum()
    const cancel = democracy.call('cancelReferendum', { refIndex: 0 })
    chain.assertNoop(cancel, council(4), 'BadOrigin')
    chain.assertOk(cancel, ROOT)
    chain.assertNoop(cancel, ROOT, 'Democracy.ReferendumInvalid')
    const emergency = (refIndex: number) => democracy.call('emergencyCancel', { refIndex })
    chain.assertNoop(emergency(0), council(3), 'Democracy.ReferendumInvalid')
    for (let i = 0; i < 2; i++) {
      chain.assertOk(democracy.call('externalProposeMajority', { proposal: bound(chain) }), council(3))
      chain.assertOk(democracy.call('fastTrack', { proposalHash: hashOf(chain), votingPeriod: 900, delay: 5 }), committee(3))
    }
    chain.assertNoop(emergency(1), council(2), 'BadOrigin')
    chain.assertOk(emergency(1), council(3))
    chain.assertNoop(emergency(2), council(3), 'Democracy.AlreadyCanceled')
  })
})

describe('vote, removeVote, unlock: a holder', () => {
  test('changes a vote, counts once, and has the tokens locked', () => {
    const { chain } = withReferendum()
    chain.assertOk(vote(0, aye(10n * PHA, 2)), signed(alice))
    chain.assertOk(vote(0, { kind: 'Split', value: { aye: 5n * PHA, nay: 20n * PHA } }), signed(alice))
    expect(storage.referendumInfoOf.get(chain.ctx, 0)).toMatchObject({ value: { tally: { ayes: PHA / 2n, nays: 2n * PHA, turnout: 25n * PHA } } })
    expect(of(chain, alice).frozen).toBe(25n * PHA)
    chain.assertNoop(balances.call('transferAllowDeath', { dest: id(bob), value: 990n * PHA }), signed(alice), 'Token.Frozen')
  })

  test('is refused votes on nothing, with more than there is, with an unknown conviction, and too many', () => {
    const { chain } = withReferendum()
    chain.assertNoop(vote(1, aye(PHA)), signed(alice), 'Democracy.ReferendumInvalid')
    chain.assertNoop(vote(0, aye(1001n * PHA)), signed(alice), 'Democracy.InsufficientFunds')
    chain.assertNoop(vote(0, aye(PHA, 7)), signed(alice), 'Democracy.Nonsense')
    storage.votingOf.set(chain.ctx, bob, { kind: 'Direct', value: { votes: Array.from({ length: VOTES_MAX }, (_, i) => [100 + i, aye(1n)] as const), delegations: { votes: 0n, capital: 0n }, prior: [0, 0n] } })
    chain.assertNoop(vote(0, aye(PHA)), signed(bob), 'Democracy.MaxVotesReached')
    storage.votingOf.set(chain.ctx, bob, { kind: 'Delegating', value: { balance: 1n, target: alice, conviction: { kind: 'None' }, delegations: { votes: 0n, capital: 0n }, prior: [0, 0n] } })
    chain.assertNoop(vote(0, aye(PHA)), signed(bob), 'Democracy.AlreadyDelegating')
  })

  test('takes a vote back while the referendum runs, and the tokens with unlock', () => {
    const { chain } = withReferendum()
    chain.assertOk(vote(0, aye(10n * PHA)), signed(alice))
    chain.assertNoop(democracy.call('removeOtherVote', { target: id(alice), index: 0 }), signed(bob), 'Democracy.NoPermission')
    chain.assertOk(democracy.call('removeVote', { index: 0 }), signed(alice))
    chain.assertNoop(democracy.call('removeVote', { index: 0 }), signed(alice), 'Democracy.NotVoter')
    expect(storage.referendumInfoOf.get(chain.ctx, 0)).toMatchObject({ value: { tally: { ayes: 0n, turnout: 0n } } })
    chain.assertOk(democracy.call('unlock', { target: id(alice) }), signed(bob))
    expect([of(chain, alice).frozen, storage.votingOf.has(chain.ctx, alice)]).toEqual([0n, false])
  })

  test('removeOtherVote: on the winning side stays bound for the lock periods of the conviction, and then anybody may clear the vote', () => {
    const { chain, end } = withReferendum(2)
    chain.assertOk(vote(0, aye(10n * PHA, 2)), signed(alice))
    chain.assertOk(vote(0, nay(PHA)), signed(bob))
    chain.nextBlock(2)
    const clear = (who: Uint8Array) => democracy.call('removeOtherVote', { target: id(who), index: 0 })
    chain.assertNoop(clear(alice), signed(eve), 'Democracy.NoPermission')
    chain.assertOk(clear(bob), signed(eve))
    chain.assertOk(clear(alice), signed(alice))
    chain.assertOk(democracy.call('unlock', { target: id(alice) }), signed(eve))
    expect(of(chain, alice).frozen).toBe(10n * PHA)
    expect(storage.votingOf.get(chain.ctx, alice).value.prior).toEqual([end + 2 * VOTE_LOCKING_PERIOD_BLOCKS, 10n * PHA])
  })
})
