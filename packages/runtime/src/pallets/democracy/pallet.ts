/**
 * Owns Democracy's calls: the public and the council propose, holders vote with a conviction, the committee hastens or vetoes. Of the
 * reference's pallet it lacks delegation, blacklisting by call and metadata.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { Hash, MultiAddress } from '@phalanx/primitives/chain'
import { compactU128, compactU32, u32 } from '@phalanx/primitives/codec'
import { failWith } from '../../frame/dispatch-error.ts'
import { lookup } from '../../frame/lookup.ts'
import { ensureRoot, ensureSigned, type Origin } from '../../frame/origin.ts'
import { weigh } from '../../frame/weight.ts'
import { reserve, unreserve } from '../balances/currency.ts'
import { balancesParts } from '../balances/declaration.ts'
import { ensureRootOr, hasProportion, memberOf, type Proportion } from '../collective/origin.ts'
import { boundHash } from '../preimage/preimages.ts'
import { BoundedCall } from '../preimage/storage.ts'
import { depositToTreasury } from '../treasury/pallet.ts'
import { COOLOFF_PERIOD_BLOCKS, democracyParts, FAST_TRACK_VOTING_PERIOD_BLOCKS, MINIMUM_DEPOSIT, type DemocracyContext } from './declaration.ts'
import { advanceReferenda, returnDeposits, startReferendum } from './referenda.ts'
import * as storage from './storage.ts'
import { AccountVote, DEPOSITS_MAX, PROPOSALS_MAX, type VoteThreshold } from './storage.ts'
import { castVote, ongoing, removeVote, updateLock } from './votes.ts'

const council = (numerator: number, denominator: number): Proportion => ({ pallet: 'Council', numerator, denominator })
const committee = (numerator: number, denominator: number): Proportion => ({ pallet: 'TechnicalCommittee', numerator, denominator })
const WEIGHT = weigh({ reads: 5, writes: 5 })
const external = { args: { proposal: BoundedCall }, weight: WEIGHT } as const

const ensureNotVetoed = (ctx: DemocracyContext, proposal: BoundedCall): void => {
  const entry = storage.blacklist.get(ctx, boundHash(ctx, proposal))
  if (entry !== undefined && ctx.block.number < entry[0]) ctx.fail('ProposalBlacklisted')
}

const ensurePart = (origin: Origin, proportion: Proportion): void => {
  if (!hasProportion(origin, proportion)) failWith({ kind: 'BadOrigin' })
}

const proposeExternal = (ctx: DemocracyContext, proposal: BoundedCall, kind: VoteThreshold['kind']): void => {
  if (storage.nextExternal.has(ctx)) ctx.fail('DuplicateProposal')
  ensureNotVetoed(ctx, proposal)
  storage.nextExternal.set(ctx, [proposal, { kind }])
}

const propose = (ctx: DemocracyContext, who: Uint8Array, proposal: BoundedCall, value: bigint): void => {
  if (value < MINIMUM_DEPOSIT) ctx.fail('ValueLow')
  ensureNotVetoed(ctx, proposal)
  const waiting = storage.publicProps.get(ctx)
  if (waiting.length >= PROPOSALS_MAX) ctx.fail('TooMany')
  reserve(balancesParts.in(ctx), who, value)
  const index = storage.publicPropCount.get(ctx)
  storage.publicPropCount.set(ctx, index + 1)
  storage.depositOf.set(ctx, index, [[who], value])
  storage.publicProps.set(ctx, [...waiting, [index, proposal, who]])
  ctx.emit('Proposed', { proposalIndex: index, deposit: value })
}

const second = (ctx: DemocracyContext, who: Uint8Array, propIndex: number): void => {
  const [backers, amount] = storage.depositOf.get(ctx, propIndex) ?? ctx.fail('ProposalMissing')
  if (backers.length >= DEPOSITS_MAX) ctx.fail('TooMany')
  reserve(balancesParts.in(ctx), who, amount)
  storage.depositOf.set(ctx, propIndex, [[...backers, who], amount])
  ctx.emit('Seconded', { seconder: who, propIndex })
}

interface FastTrack {
  readonly proposalHash: Uint8Array
  readonly votingPeriod: number
  readonly delay: number
}

const fastTrack = (ctx: DemocracyContext, origin: Origin, { proposalHash, votingPeriod, delay }: FastTrack): void => {
  ensurePart(origin, committee(2, 3))
  if (votingPeriod < FAST_TRACK_VOTING_PERIOD_BLOCKS && !hasProportion(origin, committee(1, 1))) ctx.fail('InstantNotAllowed')
  if (votingPeriod === 0) ctx.fail('VotingPeriodLow')
  const [proposal, threshold] = storage.nextExternal.get(ctx) ?? ctx.fail('ProposalMissing')
  if (threshold.kind === 'SuperMajorityApprove') ctx.fail('NotSimpleMajority')
  if (!bytesEqual(boundHash(ctx, proposal), proposalHash)) ctx.fail('InvalidHash')
  storage.nextExternal.remove(ctx)
  startReferendum(ctx, { proposal, threshold, votingBlocks: votingPeriod, delay })
}

const veto = (ctx: DemocracyContext, who: Uint8Array, proposalHash: Uint8Array): void => {
  const [proposal] = storage.nextExternal.get(ctx) ?? ctx.fail('NoProposal')
  if (!bytesEqual(boundHash(ctx, proposal), proposalHash)) ctx.fail('ProposalMissing')
  const vetoers = storage.blacklist.get(ctx, proposalHash)?.[1] ?? []
  if (vetoers.some((one) => bytesEqual(one, who))) ctx.fail('AlreadyVetoed')
  const until = ctx.block.number + COOLOFF_PERIOD_BLOCKS
  storage.blacklist.set(ctx, proposalHash, [until, [...vetoers, who]])
  storage.nextExternal.remove(ctx)
  ctx.emit('Vetoed', { who, proposalHash, until })
}

const cancelReferendum = (ctx: DemocracyContext, refIndex: number): void => {
  if (ongoing(ctx, refIndex) === undefined) ctx.fail('ReferendumInvalid')
  storage.referendumInfoOf.remove(ctx, refIndex)
  ctx.emit('Cancelled', { refIndex })
}

const emergencyCancel = (ctx: DemocracyContext, refIndex: number): void => {
  const status = ongoing(ctx, refIndex) ?? ctx.fail('ReferendumInvalid')
  const hash = boundHash(ctx, status.proposal)
  if (storage.cancellations.get(ctx, hash)) ctx.fail('AlreadyCanceled')
  storage.cancellations.set(ctx, hash, true)
  cancelReferendum(ctx, refIndex)
}

const cancelProposal = (ctx: DemocracyContext, propIndex: number): void => {
  const waiting = storage.publicProps.get(ctx)
  if (!waiting.some(([index]) => index === propIndex)) ctx.fail('ProposalMissing')
  storage.publicProps.set(ctx, waiting.filter(([index]) => index !== propIndex))
  const [backers, amount] = storage.depositOf.take(ctx, propIndex) ?? ctx.fail('ProposalMissing')
  for (const who of backers) {
    unreserve(balancesParts.in(ctx), who, amount)
    depositToTreasury(ctx, who, amount)
  }
  ctx.emit('ProposalCanceled', { propIndex })
}

/** Democracy, index 15. */
export const democracy = democracyParts.withCalls({
  propose: {
    index: 0, doc: 'Propose a referendum, with a deposit.', args: { proposal: BoundedCall, value: compactU128 }, weight: WEIGHT,
    dispatch: (ctx, origin, { proposal, value }) => propose(ctx, ensureSigned(origin), proposal, value),
  },
  second: {
    index: 1, doc: 'Back a public proposal with the same deposit.', args: { proposal: compactU32 }, weight: WEIGHT,
    dispatch: (ctx, origin, { proposal }) => second(ctx, ensureSigned(origin), proposal),
  },
  vote: {
    index: 2, doc: 'Vote on a referendum, or change the vote.', args: { refIndex: compactU32, vote: AccountVote }, weight: WEIGHT,
    dispatch: (ctx, origin, { refIndex, vote }) => castVote(ctx, ensureSigned(origin), refIndex, vote),
  },
  emergencyCancel: {
    index: 3, doc: 'Cancel a referendum, once per proposal. Two thirds of the council.', args: { refIndex: u32 }, weight: WEIGHT,
    dispatch(ctx, origin, { refIndex }) {
      ensurePart(origin, council(2, 3))
      emergencyCancel(ctx, refIndex)
    },
  },
  externalPropose: {
    index: 4, doc: 'Propose the next referendum; it needs a super majority. Half of the council.', ...external,
    dispatch(ctx, origin, { proposal }) {
      ensurePart(origin, council(1, 2))
      proposeExternal(ctx, proposal, 'SuperMajorityApprove')
    },
  },
  externalProposeMajority: {
    index: 5, doc: 'Propose the next referendum; it needs a simple majority. Three quarters of the council.', ...external,
    dispatch(ctx, origin, { proposal }) {
      ensurePart(origin, council(3, 4))
      proposeExternal(ctx, proposal, 'SimpleMajority')
    },
  },
  externalProposeDefault: {
    index: 6, doc: 'Propose the next referendum; it passes unless a super majority is against. The whole council.', ...external,
    dispatch(ctx, origin, { proposal }) {
      ensurePart(origin, council(1, 1))
      proposeExternal(ctx, proposal, 'SuperMajorityAgainst')
    },
  },
  fastTrack: {
    index: 7, doc: 'Begin the vote on the council\'s majority proposal at once. Two thirds of the technical committee; for very short votes all of it.',
    args: { proposalHash: Hash, votingPeriod: u32, delay: u32 }, weight: WEIGHT,
    dispatch: (ctx, origin, args) => fastTrack(ctx, origin, args),
  },
  vetoExternal: {
    index: 8, doc: 'Veto the council\'s proposal for a while. A member of the technical committee, once per proposal.', args: { proposalHash: Hash }, weight: WEIGHT,
    dispatch: (ctx, origin, { proposalHash }) => veto(ctx, memberOf(origin, 'TechnicalCommittee') ?? failWith({ kind: 'BadOrigin' }), proposalHash),
  },
  cancelReferendum: {
    index: 9, doc: 'Cancel a referendum. Root only.', args: { refIndex: compactU32 }, weight: WEIGHT,
    dispatch(ctx, origin, { refIndex }) {
      ensureRoot(origin)
      cancelReferendum(ctx, refIndex)
    },
  },
  clearPublicProposals: {
    index: 12, doc: 'Drop all public proposals; their deposits go back. Root only.', args: {}, weight: weigh({ reads: PROPOSALS_MAX, writes: PROPOSALS_MAX }),
    dispatch(ctx, origin) {
      ensureRoot(origin)
      for (const [index] of storage.publicProps.get(ctx)) returnDeposits(ctx, index)
      storage.publicProps.remove(ctx)
    },
  },
  unlock: {
    index: 13, doc: 'Free the tokens of an account that no vote binds any more.', args: { target: MultiAddress }, weight: WEIGHT,
    dispatch(ctx, origin, { target }) {
      ensureSigned(origin)
      updateLock(ctx, lookup(target))
    },
  },
  removeVote: {
    index: 14, doc: 'Remove an own vote.', args: { index: u32 }, weight: WEIGHT,
    dispatch: (ctx, origin, { index }) => removeVote(ctx, ensureSigned(origin), index, 'owner'),
  },
  removeOtherVote: {
    index: 15, doc: 'Remove a vote of another account once it binds no tokens.', args: { target: MultiAddress, index: u32 }, weight: WEIGHT,
    dispatch(ctx, origin, { target, index }) {
      const who = ensureSigned(origin)
      const owner = lookup(target)
      removeVote(ctx, owner, index, bytesEqual(who, owner) ? 'owner' : 'other')
    },
  },
  cancelProposal: {
    index: 17, doc: 'Cancel a public proposal; its deposits go to the treasury. Root or the whole technical committee.', args: { propIndex: compactU32 }, weight: WEIGHT,
    dispatch(ctx, origin, { propIndex }) {
      ensureRootOr(origin, committee(1, 1))
      cancelProposal(ctx, propIndex)
    },
  },
}, { hooks: { onInitialize: advanceReferenda } })
