/** Owns saying in plain words what a worker's V is made of, what its next payout depends on, and why it does not answer. */
import { toHex } from '@phalanx/primitives/bytes'
import { fixed, fixedToBalance } from '@phalanx/primitives/fixed'
import type { WorkerExplanation } from '@phalanx/runtime/economy'
import { planckToPha } from '../amounts.ts'
import { unixToText } from './texts.ts'

const DIGITS = 6
const PHA_DIGITS = 4
const RATE_DIGITS = 12

/** Half of the last digit shown, so that 0.2 reads as 0.2. */
const HALF_DIGIT = (1n << 63n) / 10n ** BigInt(DIGITS)

const pha = (bits: bigint): string => fixed.toText(bits + HALF_DIGIT, DIGITS)

const v = (one: WorkerExplanation): readonly string[] => {
  const { info, starting } = one
  if (info === undefined || starting === undefined) return []
  const { stake, rigCost, re, confidenceScore, ve } = starting
  return [
    `V is ${pha(info.v)} PHA, as of ${unixToText(info.vUpdatedAt)}.`,
    `  It began as ve = ${pha(ve)} PHA: (stake + rig) × ((re − 1) × confidence + 1), with re ${pha(re)}, confidence ${pha(confidenceScore)}.`,
    `  At stake now: ${pha(stake)} PHA; a rig with a score of ${info.benchmark.pInit} counts ${pha(rigCost)} PHA.`,
    '  Since then it grew with every answered block and fell with every payout.',
  ]
}

const payout = (one: WorkerExplanation, block: number): readonly string[] => {
  const { payout: inputs, info, session } = one
  if (inputs === undefined || info === undefined || session === undefined) return []
  if (info.state.kind === 'WorkerUnresponsive') return ['Next payout: none while it does not answer; after it came back, for the blocks since then.']
  const blocks = inputs.lastPayoutAt === undefined ? 0 : Math.max(0, block - inputs.lastPayoutAt)
  return [
    `Next payout, with its next answered challenge: ${pha(inputs.payoutPerBlock)} PHA per block since block ${inputs.lastPayoutAt ?? 'of its start'}; now about ${planckToPha(fixedToBalance(fixed.mulInteger(inputs.payoutPerBlock, blocks)), PHA_DIGITS)} PHA for ${blocks} blocks.`,
    '  per block = share / all shares × budget × (1 − treasury)',
    `  share ${pha(inputs.share)} = √(V² + (2 × p × confidence)²), with V ${pha(inputs.v)}, p ${pha(inputs.p)}, confidence ${pha(inputs.confidenceScore)}`,
    `  all shares ${pha(inputs.sumShare)} of ${inputs.payingWorkers} answering workers; budget ${pha(inputs.budgetPerBlock)} PHA per block; treasury ${pha(inputs.treasuryRatio)}`,
    `  Paid in all so far, before the pool's commission: ${planckToPha(info.stats.totalReward)} PHA.`,
  ]
}

const silence = (one: WorkerExplanation): readonly string[] => {
  const { run, info, heartbeatWindow, slashRatePerBlock, stakeAtRisk, stake } = one
  if (run === undefined || info?.state.kind !== 'WorkerUnresponsive') return []
  return [
    `It has been unresponsive since block ${run.unresponsiveSince ?? 'unknown'}: the challenge of block ${run.missedChallenge ?? 'unknown'} was not answered within ${heartbeatWindow} blocks.`,
    `  Every block takes ${fixed.toText(slashRatePerBlock, RATE_DIGITS)} of its V${stakeAtRisk ? `, and its stake of ${planckToPha(stake)} PHA is slashed too, because it hosts contracts` : '; its stake is safe, because it hosts no contracts'}.`,
    '  It comes back when it answers that challenge: start the worker and the relay that feeds it, and see what the relay reports.',
    ...(run.slashed > 0n ? [`  Stake slashed in this run: ${planckToPha(run.slashed)} PHA.`] : []),
  ]
}

const standing = (one: WorkerExplanation): string => {
  const { session, info, coolDownEnds, initialScore } = one
  if (initialScore === undefined) return 'It has no benchmark score yet: it cannot compute before its first report.'
  if (session === undefined || info === undefined) return 'It is in no pool: a pool owner who is its operator adds it with PhalaStakePoolv2.add_worker.'
  switch (info.state.kind) {
    case 'WorkerIdle': return `It computes since ${unixToText(info.benchmark.workingStartTime)} and answers.`
    case 'WorkerUnresponsive': return 'It computes but does not answer.'
    case 'WorkerCoolingDown': return `It has stopped and cools down: ${planckToPha(one.stake)} PHA may be reclaimed from ${coolDownEnds === undefined ? 'an unknown time' : unixToText(coolDownEnds)} on (PhalaStakePoolv2.reclaim_pool_worker).`
    case 'Ready':
    case '_Unused': return 'It is in a pool and does not compute: PhalaStakePoolv2.start_computing starts it.'
  }
}

/** A worker in words; `block` is the one that was asked. */
export const describeWorker = (one: WorkerExplanation, block: number, toAddress: (account: Uint8Array) => string): readonly string[] => [
  `Worker ${toHex(one.pubkey)} at block ${block}: confidence level ${one.confidenceLevel}, score ${one.initialScore ?? 'none'}, operator ${one.operator === undefined ? 'none' : toAddress(one.operator)}.`,
  standing(one),
  ...(one.session === undefined ? [] : [`Session ${toAddress(one.session)}${one.run === undefined ? '' : `, run ${one.run.sessionId}, started at block ${one.run.startedAt}`}.`]),
  ...silence(one), ...v(one), ...payout(one, block),
]
