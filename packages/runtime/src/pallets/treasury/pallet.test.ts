/** Treasury: proposals from bond to payment, who may approve and reject, what waits, and every refusal. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { balanceOf } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { balances } from '../balances/pallet.ts'
import { collectiveOrigin } from '../collective/origin.ts'
import { number } from '../system/storage.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { depositToTreasury, SPEND_PERIOD_BLOCKS, treasury } from './pallet.ts'
import { approvals, APPROVALS_MAX, proposals, TREASURY_ACCOUNT } from './storage.ts'

const crypto = await loadCrypto()
const PHA = 10n ** 12n
const [alice, bob, eve] = ['Alice', 'Bob', 'Eve'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array, Uint8Array]
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const id = (value: Uint8Array) => ({ kind: 'Id', value }) as const
const council = (ayes: number) => collectiveOrigin('Council', { kind: 'Members', value: [ayes, 5] })

const start = (purse = 1000n) => createTestChain({
  pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 21, pallet: treasury }],
  genesis: { Balances: { balances: [[hex(alice), (1000n * PHA).toString()], [hex(bob), (PHA / 2n).toString()], ...(purse === 0n ? [] : [[hex(TREASURY_ACCOUNT), (purse * PHA).toString()]])] } },
}, { crypto })
type Chain = ReturnType<typeof start>
const of = (chain: Chain, who: Uint8Array) => balanceOf(balancesParts.in(chain.ctx), who)
const propose = (value: bigint) => treasury.call('proposeSpend', { value, beneficiary: id(eve) })
const byId = (name: 'approveProposal' | 'rejectProposal' | 'removeApproval', proposalId = 0) => treasury.call(name, { proposalId })

/** Ends the spend period: the hook runs as at a block whose number is a multiple of it. */
const endPeriod = (chain: Chain) => {
  const ctx = chain.ctx.scope('Treasury')
  const before = chain.events().length
  number.set(chain.ctx, SPEND_PERIOD_BLOCKS)
  const at = { ...ctx.block, number: SPEND_PERIOD_BLOCKS }
  treasury.hooks?.onInitialize?.(Object.create(ctx, { block: { value: at } }) as typeof ctx)
  return chain.events().slice(before).filter(({ pallet }) => pallet === 'Treasury')
}

describe('proposeSpend, approveProposal: a proposal', () => {
  test('puts up a twentieth of its value, at least one PHA, and is paid with the bond back when the period ends', () => {
    const chain = start()
    chain.assertOk(propose(100n * PHA), signed(alice))
    expect(of(chain, alice).reserved).toBe(5n * PHA)
    chain.assertOk(byId('approveProposal'), council(3))
    expect(endPeriod(chain).map(({ name }) => name)).toEqual(['Spending', 'Awarded', 'Rollover'])
    expect([of(chain, eve).free, of(chain, alice).reserved, of(chain, TREASURY_ACCOUNT).free]).toEqual([100n * PHA, 0n, 900n * PHA])
    expect(approvals.get(chain.ctx)).toEqual([])
    chain.assertOk(propose(PHA), signed(alice))
    expect(of(chain, alice).reserved).toBe(PHA)
  })

  test('that the purse cannot pay, or that would not keep an account alive, waits while smaller ones behind it are paid', () => {
    const chain = start(50n)
    for (const value of [100n * PHA, 10n * PHA, 1n]) chain.assertOk(propose(value), signed(alice))
    const stranger = new Uint8Array(32).fill(9)
    chain.assertOk(treasury.call('spend', { amount: 1n, beneficiary: id(stranger) }), ROOT)
    for (const proposalId of [0, 1, 2]) chain.assertOk(byId('approveProposal', proposalId), ROOT)
    expect(endPeriod(chain).filter(({ name }) => name === 'Awarded').map(({ value }) => (value as { proposalIndex: number }).proposalIndex)).toEqual([1, 2])
    expect(approvals.get(chain.ctx)).toEqual([3, 0])
  })

  test('is refused without the bond, and approved only by three fifths of the council, once', () => {
    const chain = start()
    chain.assertNoop(propose(PHA), signed(bob), 'Treasury.InsufficientProposersBalance')
    chain.assertNoop(propose(PHA), ROOT, 'BadOrigin')
    chain.assertNoop(byId('approveProposal'), ROOT, 'Treasury.InvalidIndex')
    chain.assertOk(propose(PHA), signed(alice))
    chain.assertNoop(byId('approveProposal'), council(2), 'BadOrigin')
    chain.assertOk(byId('approveProposal'), council(3))
    chain.assertNoop(byId('approveProposal'), council(3), 'Treasury.InvalidIndex')
  })

  test('finds no room when too many wait', () => {
    const chain = start()
    approvals.set(chain.ctx, Array.from({ length: APPROVALS_MAX }, (_, i) => 1000 + i))
    chain.assertOk(propose(PHA), signed(alice))
    chain.assertNoop(byId('approveProposal'), ROOT, 'Treasury.TooManyApprovals')
  })
})

describe('rejectProposal, removeApproval', () => {
  test('a rejected proposal loses its bond to the treasury', () => {
    const chain = start(0n)
    chain.assertOk(propose(100n * PHA), signed(alice))
    chain.assertNoop(byId('rejectProposal'), council(2), 'BadOrigin')
    chain.assertOk(byId('rejectProposal'), council(3))
    expect([of(chain, alice).reserved, of(chain, TREASURY_ACCOUNT).free, proposals.has(chain.ctx, 0)]).toEqual([0n, 5n * PHA, false])
    chain.assertNoop(byId('rejectProposal'), ROOT, 'Treasury.InvalidIndex')
  })

  test('an approval is taken back before the proposal can be rejected', () => {
    const chain = start()
    chain.assertOk(propose(PHA), signed(alice))
    chain.assertNoop(byId('removeApproval'), ROOT, 'Treasury.ProposalNotApproved')
    chain.assertOk(byId('approveProposal'), ROOT)
    chain.assertNoop(byId('rejectProposal'), ROOT, 'Treasury.InvalidIndex')
    chain.assertNoop(byId('removeApproval'), signed(alice), 'BadOrigin')
    chain.assertOk(byId('removeApproval'), ROOT)
    chain.assertOk(byId('rejectProposal'), ROOT)
  })
})

test('spend is root\'s and needs no bond', () => {
  const chain = start()
  const call = treasury.call('spend', { amount: 7n * PHA, beneficiary: id(eve) })
  chain.assertNoop(call, council(5), 'BadOrigin')
  expect(chain.assertOk(call, ROOT).at(-1)?.name).toBe('SpendApproved')
  endPeriod(chain)
  expect(of(chain, eve).free).toBe(7n * PHA)
})

test('what others pay in is said', () => {
  const chain = start()
  depositToTreasury(chain.ctx, alice, PHA)
  chain.assertEvents([{ pallet: 'Treasury', name: 'Deposit', value: { value: PHA } }])
})
