/** Votes and thresholds, against worked examples and the laws of a tally. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AccountVote } from './storage.ts'
import { balanceOfVote, boundAfter, isApproved, isVote, tallyWith } from './tally.ts'

const standard = (vote: number, balance: bigint): AccountVote => ({ kind: 'Standard', value: { vote, balance } })
const EMPTY = { ayes: 0n, nays: 0n, turnout: 0n }

describe('a vote counts', () => {
  test.each([[0x80, 10n, 0n], [0x81, 100n, 0n], [0x86, 600n, 0n], [0x00, 0n, 10n], [0x03, 0n, 300n]])('%i with 100 tokens: %i for, %i against', (vote, ayes, nays) => {
    expect(tallyWith(EMPTY, standard(vote, 100n), 1n)).toEqual({ ayes, nays, turnout: 100n })
  })

  test('a tenth both ways when split', () => {
    expect(tallyWith(EMPTY, { kind: 'Split', value: { aye: 30n, nay: 50n } }, 1n)).toEqual({ ayes: 3n, nays: 5n, turnout: 80n })
  })

  test('only with a conviction that exists', () => {
    expect([isVote(0x86), isVote(0x06), isVote(0x87), isVote(0x7f)]).toEqual([true, true, false, false])
  })
})

test('winners are bound for 0, 1, 2, 4, 8, 16, 32 periods, losers and split votes not at all', () => {
  expect([0, 1, 2, 3, 4, 5, 6].map((conviction) => boundAfter(standard(0x80 | conviction, 5n), true)?.periods)).toEqual([0, 1, 2, 4, 8, 16, 32])
  expect(boundAfter(standard(0x86, 5n), false)).toBeUndefined()
  expect(boundAfter({ kind: 'Split', value: { aye: 1n, nay: 1n } }, true)).toBeUndefined()
})

describe('a tally passes', () => {
  const pass = (kind: 'SuperMajorityApprove' | 'SuperMajorityAgainst' | 'SimpleMajority', ayes: bigint, nays: bigint, turnout: bigint) => isApproved({ kind }, { ayes, nays, turnout }, 210n)
  test('as in the published examples of 210 tokens with 60 for and 50 against of 110', () => {
    expect(pass('SuperMajorityApprove', 60n, 50n, 110n)).toBe(false)
    expect(pass('SuperMajorityApprove', 100n, 50n, 150n)).toBe(true)
    expect(pass('SimpleMajority', 60n, 50n, 110n)).toBe(true)
    expect(pass('SuperMajorityAgainst', 50n, 60n, 110n)).toBe(true)
    expect(pass('SuperMajorityAgainst', 50n, 100n, 150n)).toBe(false)
  })

  test('never without voters, and a tie is no simple majority', () => {
    expect(pass('SuperMajorityAgainst', 0n, 0n, 0n)).toBe(false)
    expect(pass('SimpleMajority', 5n, 5n, 10n)).toBe(false)
  })
})

test('taking every vote back leaves an empty tally, and the turnout is the tokens behind the votes', () => {
  const ballot = fc.record({ vote: fc.integer({ min: 0, max: 6 }), aye: fc.boolean(), balance: fc.bigInt({ min: 0n, max: 10n ** 20n }) })
  fc.assert(fc.property(fc.array(ballot, { maxLength: 20 }), (list) => {
    const votes = list.map(({ vote, aye, balance }) => standard(vote | (aye ? 0x80 : 0), balance))
    const full = votes.reduce((tally, vote) => tallyWith(tally, vote, 1n), EMPTY)
    expect(full.turnout).toBe(votes.reduce((sum, vote) => sum + balanceOfVote(vote), 0n))
    expect(votes.reduce((tally, vote) => tallyWith(tally, vote, -1n), full)).toEqual(EMPTY)
  }))
})
