/**
 * Owns the runtime API that says what keeps an account's tokens: which votes, locks and deposits, how much each, and until which block as far as
 * the state tells. It reads other pallets' storage and none of their rules.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { bool, named, option, struct, u128, u32, variant, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { apiMethod, runtimeApi } from '../../frame/api.ts'
import type { Context } from '../../frame/context.ts'
import { approvals, asset, metadata as assetMetadata } from '../assets/storage.ts'
import { VOTE_LOCKING_PERIOD_BLOCKS } from '../democracy/declaration.ts'
import { depositOf, publicProps, referendumInfoOf, votingOf, type AccountVote } from '../democracy/storage.ts'
import { balanceOfVote, boundAfter } from '../democracy/tally.ts'
import { statusFor } from '../preimage/storage.ts'
import { announcements, proxies } from '../proxy/storage.ts'
import { proposals } from '../treasury/storage.ts'
import { balanceOf, reducibleBalance } from './account.ts'
import { balancesParts, EXISTENTIAL_DEPOSIT } from './declaration.ts'
import { freezes, holds, locks, ReasonId, reserves } from './storage.ts'

const KEEPERS_MAX = 10_000
const ours = (name: string): string => `phalanx_pallets::balances::${name}`
const byName = { id: ReasonId, amount: u128 } as const

/**
 * What keeps tokens. Locks, freezes and votes overlap (the largest counts); deposits, holds and reserves add up to the reserved balance. `until`: first
 * block at which they can be had, if it is known.
 */
const Keeper = named(ours('Keeper'), variant('Keeper', {
  Lock: { index: 0, fields: byName },
  Freeze: { index: 1, fields: byName },
  /** A vote in a referendum. `isOngoing`: it is not decided yet, and `until` is its end; the conviction may bind longer. */
  Vote: { index: 2, fields: { referendum: u32, amount: u128, isOngoing: bool, until: option(u32) } },
  /** What removed votes left bound. */
  PastVote: { index: 3, fields: { amount: u128, until: u32 } },
  Hold: { index: 4, fields: byName },
  Reserve: { index: 5, fields: byName },
  Proxies: { index: 6, fields: { amount: u128, count: u32 } },
  Announcements: { index: 7, fields: { amount: u128, count: u32 } },
  /** `isRequested`: the chain needs it, so that its owner cannot take it back yet. */
  Preimage: { index: 8, fields: { hash: Hash, amount: u128, isRequested: bool } },
  TreasuryProposal: { index: 9, fields: { proposal: u32, amount: u128 } },
  /** A deposit on a public proposal that waits for its referendum. */
  PublicProposal: { index: 10, fields: { proposal: u32, amount: u128 } },
  AssetDeposit: { index: 11, fields: { asset: u32, amount: u128 } },
  AssetApproval: { index: 12, fields: { asset: u32, delegate: AccountId, amount: u128 } },
}))
type Keeper = TypeOf<typeof Keeper>

/** An account's tokens. `unexplained` is reserved for what is not in the list. */
export const BalanceExplanation = named(ours('BalanceExplanation'), struct({
  account: AccountId, block: u32, free: u128, reserved: u128, frozen: u128, spendable: u128, existentialDeposit: u128, keepers: vecUpTo(Keeper, KEEPERS_MAX),
  unexplained: u128,
}))
export type BalanceExplanation = TypeOf<typeof BalanceExplanation>

const voteKeeper = (ctx: Context, referendum: number, vote: AccountVote): Keeper => {
  const info = referendumInfoOf.get(ctx, referendum)
  const amount = balanceOfVote(vote)
  if (info?.kind === 'Ongoing') return { kind: 'Vote', value: { referendum, amount, isOngoing: true, until: info.value.end } }
  const bound = info === undefined ? undefined : boundAfter(vote, info.value.approved)
  const until = info === undefined || bound === undefined ? undefined : info.value.end + VOTE_LOCKING_PERIOD_BLOCKS * bound.periods
  return { kind: 'Vote', value: { referendum, amount, isOngoing: false, until: until !== undefined && until > ctx.block.number ? until : undefined } }
}

const voteKeepers = (ctx: Context, who: Uint8Array): readonly Keeper[] => {
  const voting = votingOf.get(ctx, who)
  const [until, amount] = voting.value.prior
  const votes = voting.kind === 'Direct' ? voting.value.votes : []
  return [...votes.map(([referendum, vote]) => voteKeeper(ctx, referendum, vote)), ...(amount > 0n ? [{ kind: 'PastVote', value: { amount, until } } as const] : [])]
}

const proxyKeepers = (ctx: Context, who: Uint8Array): readonly Keeper[] => {
  const [given, forProxies] = proxies.get(ctx, who)
  const [announced, forAnnouncements] = announcements.get(ctx, who)
  return [
    ...(forProxies > 0n ? [{ kind: 'Proxies', value: { amount: forProxies, count: given.length } } as const] : []),
    ...(forAnnouncements > 0n ? [{ kind: 'Announcements', value: { amount: forAnnouncements, count: announced.length } } as const] : []),
  ]
}

const proposalKeepers = (ctx: Context, who: Uint8Array): readonly Keeper[] => {
  const out: Keeper[] = []
  for (const [[hash], status] of statusFor.entries(ctx)) {
    const deposit = status.value.deposit
    if (deposit !== undefined && bytesEqual(deposit[0], who)) out.push({ kind: 'Preimage', value: { hash, amount: deposit[1], isRequested: status.kind === 'Requested' } })
  }
  for (const [[proposal], { proposer, bond }] of proposals.entries(ctx)) if (bytesEqual(proposer, who)) out.push({ kind: 'TreasuryProposal', value: { proposal, amount: bond } })
  for (const [proposal] of publicProps.get(ctx)) {
    const [backers, each] = depositOf.get(ctx, proposal) ?? [[], 0n]
    const times = backers.filter((one) => bytesEqual(one, who)).length
    if (times > 0) out.push({ kind: 'PublicProposal', value: { proposal, amount: each * BigInt(times) } })
  }
  return out
}

const assetKeepers = (ctx: Context, who: Uint8Array): readonly Keeper[] => {
  const out: Keeper[] = []
  for (const [[id], details] of asset.entries(ctx)) {
    const amount = bytesEqual(details.owner, who) ? details.deposit + assetMetadata.get(ctx, id).deposit : 0n
    if (amount > 0n) out.push({ kind: 'AssetDeposit', value: { asset: id, amount } })
    for (const [[, , delegate], { deposit }] of approvals.entries(ctx, id, who)) out.push({ kind: 'AssetApproval', value: { asset: id, delegate, amount: deposit } })
  }
  return out
}

const isOverlapping = ({ kind }: Keeper): boolean => kind === 'Lock' || kind === 'Freeze' || kind === 'Vote' || kind === 'PastVote'

const explainBalance = (ctx: Context, who: Uint8Array): BalanceExplanation => {
  const { free, reserved, frozen } = balanceOf(balancesParts.in(ctx), who)
  const keepers: readonly Keeper[] = [
    ...locks.get(ctx, who).map(({ id, amount }) => ({ kind: 'Lock', value: { id, amount } }) as const),
    ...freezes.get(ctx, who).map((value) => ({ kind: 'Freeze', value }) as const),
    ...voteKeepers(ctx, who),
    ...holds.get(ctx, who).map((value) => ({ kind: 'Hold', value }) as const),
    ...reserves.get(ctx, who).map((value) => ({ kind: 'Reserve', value }) as const),
    ...proxyKeepers(ctx, who), ...proposalKeepers(ctx, who), ...assetKeepers(ctx, who),
  ]
  const explained = keepers.reduce((sum, keeper) => (isOverlapping(keeper) ? sum : sum + keeper.value.amount), 0n)
  return {
    account: who, block: ctx.block.number, free, reserved, frozen, spendable: reducibleBalance(balancesParts.in(ctx), who, 'Preserve'),
    existentialDeposit: EXISTENTIAL_DEPOSIT, keepers: keepers.slice(0, KEEPERS_MAX), unexplained: reserved > explained ? reserved - explained : 0n,
  }
}

/** BalanceApi. */
export const balanceApi = runtimeApi({
  name: 'BalanceApi',
  version: 1,
  doc: 'Explanations of what accounts may spend.',
  methods: {
    explainBalance: apiMethod({
      doc: 'What keeps an account\'s tokens: locks, votes, holds, deposits, each with its amount and, where known, the block from which it is free.',
      params: { account: AccountId },
      result: BalanceExplanation,
      call: (ctx, { account }) => explainBalance(ctx, account),
    }),
  },
})
