/** What keeps an account's tokens, as the runtime API tells it. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { utf8 } from '@phalanx/primitives/bytes'
import { beforeEach, describe, expect, test } from 'vitest'
import { signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { VOTE_LOCKING_PERIOD_BLOCKS } from '../democracy/declaration.ts'
import { democracy } from '../democracy/pallet.ts'
import { referendumInfoOf, type AccountVote, type ReferendumInfo } from '../democracy/storage.ts'
import { preimage } from '../preimage/pallet.ts'
import { scheduler } from '../scheduler/pallet.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { treasury } from '../treasury/pallet.ts'
import { balancesParts } from './declaration.ts'
import { balanceApi, type BalanceExplanation } from './explain.ts'
import { hold, setFreeze } from './holds.ts'
import { balances } from './pallet.ts'

const crypto = await loadCrypto()
const PHA = 10n ** 12n
const alice = devAccount(crypto, 'Alice').publicKey
const bob = devAccount(crypto, 'Bob').publicKey
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`

const start = () => createTestChain({
  pallets: [
    { index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 15, pallet: democracy }, { index: 21, pallet: treasury },
    { index: 32, pallet: scheduler }, { index: 33, pallet: preimage },
  ],
  genesis: { Balances: { balances: [alice, bob].map((who) => [hex(who), (1000n * PHA).toString()]) } },
}, { crypto })
let chain: ReturnType<typeof start>
beforeEach(() => void (chain = start()))

/** The API's answer as a client decodes it. */
const explain = (who = alice): BalanceExplanation => {
  const method = balanceApi.methods['explainBalance'] ?? expect.unreachable('the method exists')
  const answer: unknown = method.call(chain.ctx, { account: who }, undefined as never)
  return method.result.decode(method.result.encode(answer)) as BalanceExplanation
}
const aye = (balance: bigint, conviction: number): AccountVote => ({ kind: 'Standard', value: { vote: 0x80 | conviction, balance } })
const ongoing = (end: number): ReferendumInfo => ({
  kind: 'Ongoing', value: { end, proposal: { kind: 'Inline', value: utf8('x') }, threshold: { kind: 'SimpleMajority' }, delay: 1, tally: { ayes: 0n, nays: 0n, turnout: 0n } },
})
const vote = (refIndex: number, how: AccountVote) => chain.assertOk(democracy.call('vote', { refIndex, vote: how }), signed(alice))
const finish = (referendum: number, approved: boolean, end: number): void => referendumInfoOf.set(chain.ctx, referendum, { kind: 'Finished', value: { approved, end } })
const votes = () => explain().keepers.filter(({ kind }) => kind === 'Vote' || kind === 'PastVote').map(({ kind, value }) => ({ kind, ...value }))

describe('the explanation of a balance', () => {
  test('of an account with nothing kept has no keepers', () => {
    expect(explain()).toMatchObject({ free: 1000n * PHA, reserved: 0n, frozen: 0n, keepers: [], unexplained: 0n })
    expect(explain(new Uint8Array(32))).toMatchObject({ free: 0n, spendable: 0n, keepers: [] })
  })

  test('names an open vote with the end of its referendum, and the lock that it makes', () => {
    referendumInfoOf.set(chain.ctx, 3, ongoing(5000))
    vote(3, aye(400n * PHA, 2))
    expect(explain()).toMatchObject({ frozen: 400n * PHA, spendable: 600n * PHA })
    expect(votes()).toEqual([{ kind: 'Vote', referendum: 3, amount: 400n * PHA, isOngoing: true, until: 5000 }])
    expect(explain().keepers[0]).toEqual({ kind: 'Lock', value: { id: utf8('democrac'), amount: 400n * PHA } })
  })

  test('says until when a vote that won binds, and that others bind no more', () => {
    for (const referendum of [0, 1, 2]) referendumInfoOf.set(chain.ctx, referendum, ongoing(100))
    vote(0, aye(10n * PHA, 3))
    vote(1, aye(20n * PHA, 3))
    vote(2, aye(30n * PHA, 0))
    finish(0, true, 100)
    finish(1, false, 100)
    finish(2, true, 100)
    expect(votes().map((one) => ('until' in one ? one.until : undefined))).toEqual([100 + 4 * VOTE_LOCKING_PERIOD_BLOCKS, undefined, 100])
  })

  test('remembers what removed votes left bound', () => {
    referendumInfoOf.set(chain.ctx, 0, ongoing(100))
    vote(0, aye(10n * PHA, 1))
    finish(0, true, 100)
    chain.assertOk(democracy.call('removeVote', { index: 0 }), signed(alice))
    expect(votes()).toEqual([{ kind: 'PastVote', amount: 10n * PHA, until: 100 + VOTE_LOCKING_PERIOD_BLOCKS }])
  })

  test('adds deposits, holds and what nobody names up to what is reserved', () => {
    chain.assertOk(preimage.call('notePreimage', { bytes: Uint8Array.of(1) }), signed(alice))
    chain.assertOk(democracy.call('propose', { proposal: { kind: 'Inline', value: Uint8Array.of(1) }, value: 100n * PHA }), signed(alice))
    const ctx = balancesParts.in(chain.ctx)
    hold(ctx, { who: alice, reason: utf8('phala/sp') }, 5n * PHA)
    const told = explain()
    expect(told.keepers.map(({ kind }) => kind)).toEqual(['Hold', 'Preimage', 'PublicProposal'])
    expect(told.keepers.reduce((sum, { value }) => sum + value.amount, 0n)).toBe(told.reserved)
    expect(told.unexplained).toBe(0n)
    expect(explain(bob).keepers).toEqual([])
    setFreeze(ctx, { who: alice, reason: utf8('phala/fr') }, 7n * PHA)
    expect(explain().keepers.map(({ kind }) => kind)).toContain('Freeze')
  })
})
