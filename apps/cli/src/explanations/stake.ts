/** Owns saying in plain words what an account has in pools, what waits to be withdrawn and what would bring it sooner. */
import { fixed } from '@phalanx/primitives/fixed'
import type { StakeExplanation } from '@phalanx/runtime/economy'
import { planckToPha } from '../amounts.ts'
import { durationToText, unixToText } from './texts.ts'

const PRICE_DIGITS = 9

type Position = StakeExplanation['positions'][number]
type Request = StakeExplanation['requests'][number]

const poolOf = ({ pid, isVault }: { readonly pid: bigint; readonly isVault: boolean }): string => `${isVault ? 'vault' : 'pool'} ${pid}`
const palletOf = ({ isVault }: { readonly isVault: boolean }): string => (isVault ? 'PhalaVault' : 'PhalaStakePoolv2')

const position = (one: Position): readonly string[] => {
  const atOnce = one.poolFree < one.value ? one.poolFree : one.value
  return [
    `In ${poolOf(one)}: ${planckToPha(one.shares)} shares at ${fixed.toText(one.price, PRICE_DIGITS)} PHA, worth ${planckToPha(one.value)} PHA.`,
    `  ${palletOf(one)}.withdraw would bring up to ${planckToPha(atOnce)} PHA at once, unless others wait; the rest comes as stake becomes free.`,
  ]
}

const request = (one: Request, time: bigint): readonly string[] => {
  const needed = one.ahead + one.value
  const missing = needed > one.poolFree ? needed - one.poolFree : 0n
  return [
    `Waiting in ${poolOf(one)} since ${unixToText(one.startTime)}: ${planckToPha(one.shares)} shares, worth ${planckToPha(one.value)} PHA now, place ${one.place + 1} in the queue, ${planckToPha(one.ahead)} PHA before it.`,
    missing === 0n
      ? `  The pool has ${planckToPha(one.poolFree)} PHA free, which is enough: anyone may have it paid with ${palletOf(one)}.check_and_maybe_force_withdraw.`
      : `  The pool has ${planckToPha(one.poolFree)} PHA free and ${planckToPha(one.poolReleasing)} PHA cooling down; ${planckToPha(missing)} PHA are missing now.`,
    ...(missing === 0n ? [] : [
      time >= one.forcedAt
        ? `  The grace period is over since ${unixToText(one.forcedAt)}: anyone may call ${palletOf(one)}.check_and_maybe_force_withdraw, which ${one.isVault ? 'makes the vault withdraw everything' : 'stops the pool\'s workers; their stake is free after the cool-down'}.`
        : `  Its grace period ends at ${unixToText(one.forcedAt)}, in ${durationToText(one.forcedAt - time)}. Sooner: other delegations, rewards, or a worker that its owner stops and reclaims.`,
    ]),
  ]
}

/** An account's stake in words. `pool`: this one only. */
export const describeStake = (whole: StakeExplanation, who: string, pool: bigint | undefined): readonly string[] => {
  const isMeant = ({ pid }: { readonly pid: bigint }): boolean => pool === undefined || pid === pool
  const positions = whole.positions.filter(isMeant)
  const requests = whole.requests.filter(isMeant)
  const owned = whole.owned.filter(isMeant)
  return [
    `${who} has ${planckToPha(whole.wrapped)} W-PHA; with its shares it is worth ${planckToPha(whole.netValue)} PHA (requests that wait do not count).`,
    ...positions.flatMap(position),
    ...requests.flatMap((one) => request(one, whole.time)),
    ...owned.map((one) => `It owns ${poolOf(one)}, which owes it ${one.isVault ? `${planckToPha(one.claimable)} shares (PhalaVault.claim_owner_shares)` : `${planckToPha(one.claimable)} PHA of commission (PhalaStakePoolv2.claim_owner_rewards)`}.`),
    ...(positions.length + requests.length === 0 ? [`It has nothing in ${pool === undefined ? 'any pool or vault' : `pool ${pool}`}.`] : []),
    ...(whole.keptByVotes > 0n ? [
      `Votes with wrapped PHA in ${whole.votes.length === 1 ? 'referendum' : 'referenda'} ${whole.votes.join(', ')} keep ${planckToPha(whole.keptByVotes)} PHA of its wealth: that much cannot be unwrapped or sent. It is free when they are over and anyone called PhalaWrappedBalances.unlock.`,
    ] : []),
  ]
}
