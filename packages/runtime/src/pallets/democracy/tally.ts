/** Owns the arithmetic of votes: what a vote counts, how long it binds, and whether a tally passes. */
import type { AccountVote, Tally, Vote, VoteThreshold } from './storage.ts'

const AYE_BIT = 0x80
const CONVICTION_MASK = 0x7f
/** Highest conviction. */
const CONVICTION_MAX = 6
/** Without conviction a token counts a tenth. */
const UNCONVINCED_DIVISOR = 10n

/** Whether a vote is for. */
const isAye = (vote: Vote): boolean => (vote & AYE_BIT) !== 0
const convictionOf = (vote: Vote): number => vote & CONVICTION_MASK

/** Whether the byte is a vote. */
export const isVote = (vote: Vote): boolean => convictionOf(vote) <= CONVICTION_MAX

const counted = (balance: bigint, conviction: number): bigint => (conviction === 0 ? balance / UNCONVINCED_DIVISOR : balance * BigInt(conviction))

/** Tokens behind a vote. */
export const balanceOfVote = (vote: AccountVote): bigint => (vote.kind === 'Standard' ? vote.value.balance : vote.value.aye + vote.value.nay)

const partsOf = (vote: AccountVote): Tally => {
  if (vote.kind === 'Split') {
    const { aye, nay } = vote.value
    return { ayes: counted(aye, 0), nays: counted(nay, 0), turnout: aye + nay }
  }
  const { vote: direction, balance } = vote.value
  const votes = counted(balance, convictionOf(direction))
  return isAye(direction) ? { ayes: votes, nays: 0n, turnout: balance } : { ayes: 0n, nays: votes, turnout: balance }
}

/** Tally with a vote more (`sign` 1n) or less (`-1n`). */
export const tallyWith = (tally: Tally, vote: AccountVote, sign: 1n | -1n): Tally => {
  const { ayes, nays, turnout } = partsOf(vote)
  return { ayes: tally.ayes + sign * ayes, nays: tally.nays + sign * nays, turnout: tally.turnout + sign * turnout }
}

/** Lock periods that the winners' tokens stay bound for: 0, 1, 2, 4, 8, 16, 32. */
const lockPeriods = (conviction: number): number => (conviction === 0 ? 0 : 2 ** (conviction - 1))

/** How a vote binds after its referendum: for how many lock periods and how much; undefined for the losers and for split votes. */
export const boundAfter = (vote: AccountVote, approved: boolean): { readonly periods: number; readonly balance: bigint } | undefined => {
  if (vote.kind !== 'Standard' || isAye(vote.value.vote) !== approved) return undefined
  return { periods: lockPeriods(convictionOf(vote.value.vote)), balance: vote.value.balance }
}

const integerSqrt = (value: bigint): bigint => {
  if (value < 2n) return value
  let x = 1n << BigInt((value.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (x + value / x) >> 1n
    if (next >= x) return x
    x = next
  }
}

/** Whether a tally passes among so many tokens. The fewer vote, the more a super majority must agree. */
export const isApproved = (threshold: VoteThreshold, { ayes, nays, turnout }: Tally, electorate: bigint): boolean => {
  const [voters, all] = [integerSqrt(turnout), integerSqrt(electorate)]
  if (voters === 0n) return false
  switch (threshold.kind) {
    case 'SuperMajorityApprove': return nays * all < ayes * voters
    case 'SuperMajorityAgainst': return nays * voters < ayes * all
    case 'SimpleMajority': return ayes > nays
  }
}
