/** Owns collectives: members who propose calls, vote on them and so make the chain act under the collective's origin. Council and TechnicalCommittee. */
import { bytesEqual, bytesToKey, compareBytes } from '@phalanx/primitives/bytes'
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { bool, compactU32, option, u32, vecUpTo } from '@phalanx/primitives/codec'
import type { Context, RuntimeCall } from '../../frame/context.ts'
import { DISPATCH_OK, DispatchResult } from '../../frame/dispatch-error.ts'
import { jsonAccount, jsonList, jsonObject } from '../../frame/json.ts'
import { ensureRoot, ensureSigned, type Origin } from '../../frame/origin.ts'
import { constant, declarePallet, lateArgs, type ContextOf, type WeightTools } from '../../frame/pallet.ts'
import { addWeights, exceedsWeight, weigh, Weight } from '../../frame/weight.ts'
import { collectiveOrigin, type CollectiveName } from './origin.ts'
import { collectiveStorage, MEMBERS_MAX, PROPOSALS_MAX, type CollectiveStorage, type Votes } from './storage.ts'

/** Blocks for which a motion is open to votes. */
export const MOTION_DURATION_BLOCKS = 21_600
/** Most weight that a motion may carry. */
const PROPOSAL_WEIGHT_MAX: Weight = { refTime: 1_000_000_000_000n, proofSize: 5n * 1024n * 1024n }

const declare = (name: CollectiveName, storage: CollectiveStorage) => declarePallet({
  name,
  crate: 'pallet_collective',
  doc: 'A body whose majority acts for the chain.',
  storage,
  events: {
    Proposed: { index: 0, doc: 'A motion was proposed.', fields: { account: AccountId, proposalIndex: u32, proposalHash: Hash, threshold: u32 } },
    Voted: { index: 1, doc: 'A member voted.', fields: { account: AccountId, proposalHash: Hash, voted: bool, yes: u32, no: u32 } },
    Approved: { index: 2, doc: 'A motion was approved.', fields: { proposalHash: Hash } },
    Disapproved: { index: 3, doc: 'A motion was not approved.', fields: { proposalHash: Hash } },
    Executed: { index: 4, doc: 'A motion was executed.', fields: { proposalHash: Hash, result: DispatchResult } },
    MemberExecuted: { index: 5, doc: 'A single member made a call.', fields: { proposalHash: Hash, result: DispatchResult } },
    Closed: { index: 6, doc: 'Voting on a motion ended.', fields: { proposalHash: Hash, yes: u32, no: u32 } },
  },
  errors: {
    NotMember: { index: 0, doc: 'The account is not a member.' },
    DuplicateProposal: { index: 1, doc: 'The same motion is open already.' },
    ProposalMissing: { index: 2, doc: 'There is no such motion.' },
    WrongIndex: { index: 3, doc: 'The index is not the motion\'s.' },
    DuplicateVote: { index: 4, doc: 'The member voted so already.' },
    AlreadyInitialized: { index: 5, doc: 'The members are set already.' },
    TooEarly: { index: 6, doc: 'Voting on the motion is not over.' },
    TooManyProposals: { index: 7, doc: 'Too many motions are open.' },
    WrongProposalWeight: { index: 8, doc: 'The motion weighs more than the stated bound, or than a motion may.' },
    WrongProposalLength: { index: 9, doc: 'The motion is longer than the stated bound.' },
    PrimeAccountNotMember: { index: 10, doc: 'The prime must be a member.' },
    TooManyMembers: { index: 40, doc: 'A collective has no room for so many members.' },
  },
  constants: {
    MaxProposalWeight: constant(Weight, PROPOSAL_WEIGHT_MAX, 'Most weight that a motion may carry.'),
    MotionDuration: constant(u32, MOTION_DURATION_BLOCKS, 'Blocks for which a motion is open to votes.'),
    MaxProposals: constant(u32, PROPOSALS_MAX, 'Most motions that are open at a time.'),
    MaxMembers: constant(u32, MEMBERS_MAX, 'Most members.'),
  },
})

type CollectiveContext = ContextOf<ReturnType<typeof declare>>

const includes = (list: readonly Uint8Array[], who: Uint8Array): boolean => list.some((one) => bytesEqual(one, who))
const without = (list: readonly Uint8Array[], who: Uint8Array): readonly Uint8Array[] => list.filter((one) => !bytesEqual(one, who))
const sortedUnique = (list: readonly Uint8Array[]): readonly Uint8Array[] =>
  [...new Map(list.map((one) => [bytesToKey(one), one])).values()].sort(compareBytes)

interface Collective {
  readonly name: CollectiveName
  readonly storage: CollectiveStorage
}

const ensureMember = (ctx: CollectiveContext, { storage }: Collective, origin: Origin): AccountId => {
  const who = ensureSigned(origin)
  if (!includes(storage.members.get(ctx), who)) ctx.fail('NotMember')
  return who
}

const forget = (ctx: Context, { storage }: Collective, hash: Uint8Array): void => {
  storage.proposalOf.remove(ctx, hash)
  storage.voting.remove(ctx, hash)
  storage.proposals.set(ctx, without(storage.proposals.get(ctx), hash))
}

const runAs = (ctx: Context, call: RuntimeCall, origin: Origin): DispatchResult => {
  const outcome = ctx.runtime.dispatch(ctx, call, origin)
  return outcome.ok ? DISPATCH_OK : { ok: false, error: outcome.error }
}

interface Bounds {
  readonly proposalHash: Uint8Array
  readonly weight: Weight
  readonly length: number
}

/** The motion's call, if it keeps within the bounds that the closer pays for. */
const boundedProposal = (ctx: CollectiveContext, { storage }: Collective, { proposalHash, weight, length }: Bounds): RuntimeCall => {
  const encoded = storage.proposalOf.get(ctx, proposalHash) ?? ctx.fail('ProposalMissing')
  if (encoded.length > length) ctx.fail('WrongProposalLength')
  const call = ctx.runtime.RuntimeCall.decode(encoded)
  if (exceedsWeight(ctx.runtime.callInfo(call).weight, weight)) ctx.fail('WrongProposalWeight')
  return call
}

const approve = (ctx: CollectiveContext, collective: Collective, bounds: Bounds, [yes, no, seats]: readonly [number, number, number]): void => {
  const call = boundedProposal(ctx, collective, bounds)
  const { proposalHash } = bounds
  ctx.emit('Closed', { proposalHash, yes, no })
  ctx.emit('Approved', { proposalHash })
  forget(ctx, collective, proposalHash)
  ctx.emit('Executed', { proposalHash, result: runAs(ctx, call, collectiveOrigin(collective.name, { kind: 'Members', value: [yes, seats] })) })
}

const disapprove = (ctx: CollectiveContext, collective: Collective, proposalHash: Uint8Array, tally?: { readonly yes: number; readonly no: number }): void => {
  if (tally !== undefined) ctx.emit('Closed', { proposalHash, ...tally })
  ctx.emit('Disapproved', { proposalHash })
  forget(ctx, collective, proposalHash)
}

/** Ends a motion: at once when its outcome is certain, else when its time is over; silent members then vote as the prime did, or no. */
const close = (ctx: CollectiveContext, collective: Collective, bounds: Bounds, index: number): void => {
  const { storage } = collective
  const { proposalHash } = bounds
  const votes = storage.voting.get(ctx, proposalHash) ?? ctx.fail('ProposalMissing')
  if (votes.index !== index) ctx.fail('WrongIndex')
  const seats = storage.members.get(ctx).length
  const [ayes, nays] = [votes.ayes.length, votes.nays.length]
  if (ayes >= votes.threshold) return approve(ctx, collective, bounds, [ayes, nays, seats])
  if (seats - nays < votes.threshold) return disapprove(ctx, collective, proposalHash, { yes: ayes, no: nays })
  if (ctx.block.number < votes.end) ctx.fail('TooEarly')
  const prime = storage.prime.get(ctx)
  const silent = seats - ayes - nays
  const isFavoured = prime !== undefined && includes(votes.ayes, prime)
  const [yes, no] = isFavoured ? [ayes + silent, nays] : [ayes, nays + silent]
  if (yes >= votes.threshold) approve(ctx, collective, bounds, [yes, no, seats])
  else disapprove(ctx, collective, proposalHash, { yes, no })
}

const open = (ctx: CollectiveContext, { storage }: Collective, who: AccountId, motion: { readonly encoded: Uint8Array; readonly threshold: number }): void => {
  const proposalHash = ctx.crypto.blake2b256(motion.encoded)
  if (storage.proposalOf.has(ctx, proposalHash)) ctx.fail('DuplicateProposal')
  const proposals = storage.proposals.get(ctx)
  if (proposals.length >= PROPOSALS_MAX) ctx.fail('TooManyProposals')
  const index = storage.proposalCount.get(ctx)
  storage.proposals.set(ctx, [...proposals, proposalHash])
  storage.proposalCount.set(ctx, index + 1)
  storage.proposalOf.set(ctx, proposalHash, motion.encoded)
  storage.voting.set(ctx, proposalHash, { index, threshold: motion.threshold, ayes: [], nays: [], end: ctx.block.number + MOTION_DURATION_BLOCKS })
  ctx.emit('Proposed', { account: who, proposalIndex: index, proposalHash, threshold: motion.threshold })
}

/** Takes the votes of those who left out of every open motion. */
const dropVotesOfOthers = (ctx: Context, { storage }: Collective, members: readonly Uint8Array[]): void => {
  const stays = (who: Uint8Array): boolean => includes(members, who)
  for (const hash of storage.proposals.get(ctx)) {
    const votes = storage.voting.get(ctx, hash)
    if (votes !== undefined) storage.voting.set(ctx, hash, { ...votes, ayes: votes.ayes.filter(stays), nays: votes.nays.filter(stays) })
  }
}

const setMembers = (ctx: CollectiveContext, collective: Collective, members: readonly Uint8Array[], prime: Uint8Array | undefined): void => {
  const { storage } = collective
  const next = sortedUnique(members)
  if (next.length > MEMBERS_MAX) ctx.fail('TooManyMembers')
  if (prime !== undefined && !includes(next, prime)) ctx.fail('PrimeAccountNotMember')
  dropVotesOfOthers(ctx, collective, next)
  storage.members.set(ctx, next)
  if (prime === undefined) storage.prime.remove(ctx)
  else storage.prime.set(ctx, prime)
}

const castVote = (ctx: CollectiveContext, { storage }: Collective, who: AccountId, ballot: { readonly proposal: Uint8Array; readonly index: number; readonly approve: boolean }): boolean => {
  const votes: Votes = storage.voting.get(ctx, ballot.proposal) ?? ctx.fail('ProposalMissing')
  if (votes.index !== ballot.index) ctx.fail('WrongIndex')
  const [same, other] = ballot.approve ? [votes.ayes, votes.nays] : [votes.nays, votes.ayes]
  if (includes(same, who)) ctx.fail('DuplicateVote')
  const [chosen, rest] = [[...same, who], without(other, who)]
  const [ayes, nays] = ballot.approve ? [chosen, rest] : [rest, chosen]
  storage.voting.set(ctx, ballot.proposal, { ...votes, ayes, nays })
  ctx.emit('Voted', { account: who, proposalHash: ballot.proposal, voted: ballot.approve, yes: ayes.length, no: nays.length })
  return rest.length === other.length
}

const OWN = weigh({ reads: 4, writes: 4 })
const carriedWeight = ({ proposal }: { readonly proposal: RuntimeCall }, tools: WeightTools): Weight => addWeights(OWN, tools.callInfo(proposal).weight)

/** A collective; the place in the runtime's list gives its index. */
const createCollective = (name: CollectiveName) => {
  const storage = collectiveStorage(name)
  const collective: Collective = { name, storage }
  const encode = (ctx: Context, call: RuntimeCall, lengthBound: number): Uint8Array | undefined => {
    const encoded = ctx.runtime.RuntimeCall.encode(call)
    return encoded.length > lengthBound ? undefined : encoded
  }
  return declare(name, storage).withCalls({
    setMembers: {
      index: 0, doc: 'Set the members and the prime. Root only.', args: { newMembers: vecUpTo(AccountId, 4 * MEMBERS_MAX), prime: option(AccountId), oldCount: u32 },
      weight: weigh({ reads: PROPOSALS_MAX, writes: PROPOSALS_MAX }), class: 'Operational',
      dispatch(ctx, origin, { newMembers, prime }) {
        ensureRoot(origin)
        setMembers(ctx, collective, newMembers, prime)
      },
    },
    execute: {
      index: 1, doc: 'Make a call as a single member.', args: lateArgs(({ RuntimeCall }) => ({ proposal: RuntimeCall, lengthBound: compactU32 })), weight: carriedWeight,
      dispatch(ctx, origin, { proposal, lengthBound }) {
        const who = ensureMember(ctx, collective, origin)
        const encoded = encode(ctx, proposal, lengthBound) ?? ctx.fail('WrongProposalLength')
        ctx.emit('MemberExecuted', { proposalHash: ctx.crypto.blake2b256(encoded), result: runAs(ctx, proposal, collectiveOrigin(name, { kind: 'Member', value: who })) })
      },
    },
    propose: {
      index: 2, doc: 'Propose a motion; one that needs a single vote is carried out at once.', weight: carriedWeight,
      args: lateArgs(({ RuntimeCall }) => ({ threshold: compactU32, proposal: RuntimeCall, lengthBound: compactU32 })),
      dispatch(ctx, origin, { threshold, proposal, lengthBound }) {
        const who = ensureMember(ctx, collective, origin)
        const encoded = encode(ctx, proposal, lengthBound) ?? ctx.fail('WrongProposalLength')
        if (exceedsWeight(ctx.runtime.callInfo(proposal).weight, PROPOSAL_WEIGHT_MAX)) ctx.fail('WrongProposalWeight')
        if (threshold >= 2) return open(ctx, collective, who, { encoded, threshold })
        const proposalHash = ctx.crypto.blake2b256(encoded)
        if (storage.proposalOf.has(ctx, proposalHash)) ctx.fail('DuplicateProposal')
        const seats = storage.members.get(ctx).length
        ctx.emit('Executed', { proposalHash, result: runAs(ctx, proposal, collectiveOrigin(name, { kind: 'Members', value: [1, seats] })) })
      },
    },
    vote: {
      index: 3, doc: 'Vote on a motion. A member\'s first vote on it is free.', args: { proposal: Hash, index: compactU32, approve: bool }, weight: OWN,
      dispatch(ctx, origin, ballot) {
        const isFirst = castVote(ctx, collective, ensureMember(ctx, collective, origin), ballot)
        return isFirst ? { paysFee: false } : {}
      },
    },
    disapproveProposal: {
      index: 5, doc: 'Drop a motion. Root only.', args: { proposalHash: Hash }, weight: OWN,
      dispatch(ctx, origin, { proposalHash }) {
        ensureRoot(origin)
        if (!storage.proposalOf.has(ctx, proposalHash)) ctx.fail('ProposalMissing')
        disapprove(ctx, collective, proposalHash)
      },
    },
    close: {
      index: 6, doc: 'End a motion whose outcome is certain or whose time is over; if approved it is carried out.',
      args: { proposalHash: Hash, index: compactU32, proposalWeightBound: Weight, lengthBound: compactU32 },
      weight: ({ proposalWeightBound }) => addWeights(OWN, proposalWeightBound),
      dispatch(ctx, origin, { proposalHash, index, proposalWeightBound, lengthBound }) {
        ensureSigned(origin)
        close(ctx, collective, { proposalHash, weight: proposalWeightBound, length: lengthBound }, index)
      },
    },
  }, {
    genesis: {
      shape: jsonObject({ members: jsonList(jsonAccount) }),
      empty: { members: [] },
      build: (ctx, { members }) => setMembers(ctx, collective, members, undefined),
    },
    tryState(ctx) {
      for (const hash of storage.proposals.get(ctx)) {
        if (!storage.proposalOf.has(ctx, hash) || !storage.voting.has(ctx, hash)) ctx.fail('ProposalMissing')
      }
    },
  })
}

/** Council, index 16. */
export const council = createCollective('Council')
/** TechnicalCommittee, index 17. */
export const technicalCommittee = createCollective('TechnicalCommittee')
