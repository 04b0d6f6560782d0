/** Owns Treasury: a common purse, proposals to be paid from it, their approval by the council, and payment every spend period. */
import { AccountId, MultiAddress } from '@phalanx/primitives/chain'
import { compactU128, compactU32, fixedBytes, option, u128, u32 } from '@phalanx/primitives/codec'
import type { Context } from '../../frame/context.ts'
import { lookup } from '../../frame/lookup.ts'
import { ensureRoot, ensureSigned, type Origin } from '../../frame/origin.ts'
import { constant, declarePallet, type ContextOf } from '../../frame/pallet.ts'
import { weigh, type Weight } from '../../frame/weight.ts'
import { balanceOf } from '../balances/account.ts'
import { reserve, transfer, unreserve } from '../balances/currency.ts'
import { balancesParts, EXISTENTIAL_DEPOSIT } from '../balances/declaration.ts'
import { ensureRootOr } from '../collective/origin.ts'
import * as storage from './storage.ts'
import { APPROVALS_MAX, approvals, PALLET_ID, proposalCount, proposals, TREASURY_ACCOUNT, type Proposal } from './storage.ts'

const PHA = 1_000_000_000_000n
const MILLION = 1_000_000n
/** Share of the value that a proposer puts up, in millionths, and its least. */
const PROPOSAL_BOND = { permill: 50_000, minimum: PHA } as const
/** Blocks between payments. */
export const SPEND_PERIOD_BLOCKS = 7200

const proposalIndex = { proposalIndex: u32 } as const

const treasuryParts = declarePallet({
  name: 'Treasury',
  crate: 'pallet_treasury',
  doc: 'A common purse.',
  storage,
  events: {
    Proposed: { index: 0, doc: 'Someone asks to be paid.', fields: proposalIndex },
    Spending: { index: 1, doc: 'A spend period ended; this much can be spent.', fields: { budgetRemaining: u128 } },
    Awarded: { index: 2, doc: 'A proposal was paid.', fields: { ...proposalIndex, award: u128, account: AccountId } },
    Rejected: { index: 3, doc: 'A proposal was rejected; its bond went to the treasury.', fields: { ...proposalIndex, slashed: u128 } },
    Burnt: { index: 4, doc: 'Unspent funds were destroyed.', fields: { burntFunds: u128 } },
    Rollover: { index: 5, doc: 'This much is left for the next period.', fields: { rolloverBalance: u128 } },
    Deposit: { index: 6, doc: 'Funds came in.', fields: { value: u128 } },
    SpendApproved: { index: 7, doc: 'A payment was approved without a bond.', fields: { ...proposalIndex, amount: u128, beneficiary: AccountId } },
    UpdatedInactive: { index: 8, doc: 'The issuance told apart as inactive changed.', fields: { reactivated: u128, deactivated: u128 } },
  },
  errors: {
    InsufficientProposersBalance: { index: 0, doc: 'The proposer cannot put up the bond.' },
    InvalidIndex: { index: 1, doc: 'There is no such proposal, or it waits to be paid already.' },
    TooManyApprovals: { index: 2, doc: 'Too many approved proposals wait.' },
    InsufficientPermission: { index: 3, doc: 'The origin may not spend that much.' },
    ProposalNotApproved: { index: 4, doc: 'The proposal is not approved.' },
  },
  constants: {
    ProposalBond: constant(u32, PROPOSAL_BOND.permill, 'Share of the value that a proposer puts up, in millionths.'),
    ProposalBondMinimum: constant(u128, PROPOSAL_BOND.minimum, 'Least bond.'),
    ProposalBondMaximum: constant(option(u128), undefined, 'Most bond; none.'),
    SpendPeriod: constant(u32, SPEND_PERIOD_BLOCKS, 'Blocks between payments.'),
    Burn: constant(u32, 0, 'Share of unspent funds that is destroyed, in millionths: none.'),
    PalletId: constant(fixedBytes(8), PALLET_ID, 'Id of the pallet, from which its account follows.'),
    MaxApprovals: constant(u32, APPROVALS_MAX, 'Most approved proposals that wait.'),
  },
})
type TreasuryContext = ContextOf<typeof treasuryParts>

/** What can be spent: all but the existential deposit. */
const pot = (ctx: Context): bigint => {
  const { free } = balanceOf(balancesParts.in(ctx), TREASURY_ACCOUNT)
  return free > EXISTENTIAL_DEPOSIT ? free - EXISTENTIAL_DEPOSIT : 0n
}

/** Moves free tokens of an account into the treasury. Fails as a transfer does. */
export const depositToTreasury = (host: Context, from: Uint8Array, value: bigint): void => {
  const ctx = treasuryParts.in(host)
  transfer(balancesParts.in(ctx), { from, to: TREASURY_ACCOUNT, amount: value }, 'Expendable')
  ctx.emit('Deposit', { value })
}

const bondOf = (value: bigint): bigint => {
  const share = (value * BigInt(PROPOSAL_BOND.permill)) / MILLION
  return share > PROPOSAL_BOND.minimum ? share : PROPOSAL_BOND.minimum
}

const add = (ctx: Context, proposal: Proposal): number => {
  const index = proposalCount.get(ctx)
  proposals.set(ctx, index, proposal)
  proposalCount.set(ctx, index + 1)
  return index
}

const approve = (ctx: TreasuryContext, index: number): void => {
  const waiting = approvals.get(ctx)
  if (!proposals.has(ctx, index) || waiting.includes(index)) ctx.fail('InvalidIndex')
  if (waiting.length >= APPROVALS_MAX) ctx.fail('TooManyApprovals')
  approvals.set(ctx, [...waiting, index])
}

const reject = (ctx: TreasuryContext, index: number): void => {
  const proposal = proposals.get(ctx, index) ?? ctx.fail('InvalidIndex')
  if (approvals.get(ctx).includes(index)) ctx.fail('InvalidIndex')
  proposals.remove(ctx, index)
  const { proposer, bond } = proposal
  if (bond > 0n) {
    unreserve(balancesParts.in(ctx), proposer, bond)
    depositToTreasury(ctx, proposer, bond)
  }
  ctx.emit('Rejected', { proposalIndex: index, slashed: bond })
}

/** Pays approved proposals in their order as far as the purse allows; those it cannot pay wait for the next period. */
const payOut = (ctx: TreasuryContext): Weight => {
  const balances = balancesParts.in(ctx)
  const waiting = approvals.get(ctx)
  let budget = pot(ctx)
  ctx.emit('Spending', { budgetRemaining: budget })
  const unpaid: number[] = []
  for (const index of waiting) {
    const proposal = proposals.get(ctx, index)
    if (proposal === undefined) continue
    const { value, beneficiary, proposer, bond } = proposal
    // Too little to make a new account of cannot be paid yet either; the proposal waits until the account is there.
    const isDust = balanceOf(balances, beneficiary).free + value < EXISTENTIAL_DEPOSIT
    if (value > budget || isDust) {
      unpaid.push(index)
      continue
    }
    budget -= value
    proposals.remove(ctx, index)
    unreserve(balances, proposer, bond)
    transfer(balances, { from: TREASURY_ACCOUNT, to: beneficiary, amount: value }, 'Preserve')
    ctx.emit('Awarded', { proposalIndex: index, award: value, account: beneficiary })
  }
  if (unpaid.length !== waiting.length) approvals.set(ctx, unpaid)
  ctx.emit('Rollover', { rolloverBalance: budget })
  return weigh({ reads: 2 + 4 * waiting.length, writes: 1 + 4 * waiting.length })
}

const APPROVE = { pallet: 'Council', numerator: 3, denominator: 5 } as const
const REJECT = { pallet: 'Council', numerator: 1, denominator: 2, more: true } as const
const ensureMayApprove = (origin: Origin): void => ensureRootOr(origin, APPROVE)
const ensureMayReject = (origin: Origin): void => ensureRootOr(origin, REJECT)
const WEIGHT = weigh({ reads: 4, writes: 4 })

/** Treasury, index 21. */
export const treasury = treasuryParts.withCalls({
  proposeSpend: {
    index: 0, doc: 'Ask to be paid, or for someone else, putting up a bond that is lost if the proposal is rejected.', args: { value: compactU128, beneficiary: MultiAddress }, weight: WEIGHT,
    dispatch(ctx, origin, { value, beneficiary }) {
      const proposer = ensureSigned(origin)
      const bond = bondOf(value)
      const balances = balancesParts.in(ctx)
      if (balanceOf(balances, proposer).free < bond + EXISTENTIAL_DEPOSIT) ctx.fail('InsufficientProposersBalance')
      reserve(balances, proposer, bond)
      ctx.emit('Proposed', { proposalIndex: add(ctx, { proposer, value, beneficiary: lookup(beneficiary), bond }) })
    },
  },
  rejectProposal: {
    index: 1, doc: 'Reject a proposal; its bond goes to the treasury. Root or more than half of the council.', args: { proposalId: compactU32 }, weight: WEIGHT,
    dispatch(ctx, origin, { proposalId }) {
      ensureMayReject(origin)
      reject(ctx, proposalId)
    },
  },
  approveProposal: {
    index: 2, doc: 'Approve a proposal; it is paid when the spend period ends. Root or three fifths of the council.', args: { proposalId: compactU32 }, weight: WEIGHT,
    dispatch(ctx, origin, { proposalId }) {
      ensureMayApprove(origin)
      approve(ctx, proposalId)
    },
  },
  spend: {
    index: 3, doc: 'Approve a payment without a bond. Root only.', args: { amount: compactU128, beneficiary: MultiAddress }, weight: WEIGHT,
    dispatch(ctx, origin, args) {
      ensureRoot(origin)
      const beneficiary = lookup(args.beneficiary)
      const index = add(ctx, { proposer: beneficiary, value: args.amount, beneficiary, bond: 0n })
      approve(ctx, index)
      ctx.emit('SpendApproved', { proposalIndex: index, amount: args.amount, beneficiary })
    },
  },
  removeApproval: {
    index: 4, doc: 'Take an approval back. Root or more than half of the council.', args: { proposalId: compactU32 }, weight: WEIGHT,
    dispatch(ctx, origin, { proposalId }) {
      ensureMayReject(origin)
      const waiting = approvals.get(ctx)
      if (!waiting.includes(proposalId)) ctx.fail('ProposalNotApproved')
      approvals.set(ctx, waiting.filter((index) => index !== proposalId))
    },
  },
}, {
  hooks: { onInitialize: (ctx) => (ctx.block.number % SPEND_PERIOD_BLOCKS === 0 ? payOut(ctx) : undefined) },
})
