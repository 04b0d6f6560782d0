/** Owns how a simulated economy is told: a table for people, CSV and JSON for programs. */
import { fixed } from '@phalanx/primitives/fixed'
import { renderTable, type Style } from '../output.ts'
import type { PopulationOutcome, RunOutcome, Sample } from './outcome.ts'
import { planckToPha } from '../amounts.ts'

const DIGITS = 12

const percent = (fraction: number): string => `${(fraction * 100).toFixed(2)}%`
const decimal = (bits: bigint | undefined): string => (bits === undefined ? '' : fixed.toText(bits, DIGITS))

/** Part of the workers' time in which they did not answer. */
const silence = ({ unresponsiveSeconds, workerSeconds }: PopulationOutcome): number => (workerSeconds === 0 ? 0 : unresponsiveSeconds / workerSeconds)

const refusals = ({ refused }: PopulationOutcome): string => [...refused].map(([reason, count]) => `${count} ${reason}`).join(', ')

const CSV_HEADER = 'run,hour,population,computing,unresponsive,silent_share,mean_v_pha,rewards_planck,treasury_planck,slashed_v_pha,slashed_stake_planck,sniped_planck,share_price'

const csvLine = (run: string, one: Sample): string => [
  run, one.hour, one.population, one.computing, one.unresponsive, one.silentShare.toFixed(6), decimal(one.meanV), one.rewards, one.treasury, decimal(one.slashedV), one.slashedStake, one.sniped, decimal(one.sharePrice),
].join(',')

/** Every sample of every run. Amounts are running sums. */
export const economyToCsv = (runs: readonly RunOutcome[]): string =>
  `${[CSV_HEADER, ...runs.flatMap(({ run, samples }) => samples.map((one) => csvLine(run, one)))].join('\n')}\n`

const populationToJson = (one: PopulationOutcome): object => ({
  name: one.name, strategy: one.strategy, workers: one.workers, computing: one.computing, refused: Object.fromEntries(one.refused), staked: one.staked, rewards: one.rewards,
  treasury: one.treasury, ownerRewards: one.ownerRewards, delegatorRewards: one.toStakers, heartbeats: one.heartbeats, offlines: one.offlines, unresponsiveShare: silence(one),
  meanV: { first: decimal(one.firstMeanV), last: decimal(one.lastMeanV) }, slashedV: decimal(one.slashedV), slashedStake: one.slashedStake, sniped: one.sniped, fees: one.fees,
  moves: one.moves, sharePrice: one.sharePrice === undefined ? null : decimal(one.sharePrice), yearlyReturn: one.yearlyReturn,
})

/** The end of every run; amounts in plancks as text, V in PHA. */
export const economyToJson = (runs: readonly RunOutcome[]): object => ({
  runs: runs.map(({ run, days, blocks, stepBlocks, scale, populations }) => ({ run, days, blocks, stepBlocks, scale, populations: populations.map(populationToJson) })),
})

const HEADERS = ['population', 'strategy', 'computing', 'rewards PHA', 'owner PHA', 'silent', 'V first', 'V last', 'V lost', 'stake lost', 'sniped PHA', 'share price', 'return/year'] as const

const row = (one: PopulationOutcome): readonly string[] => [
  one.name, one.strategy, one.strategy === 'sniper' ? '' : `${one.computing}/${one.workers}`, planckToPha(one.rewards, 2), planckToPha(one.ownerRewards, 2), percent(silence(one)),
  fixed.toText(one.firstMeanV, 2), fixed.toText(one.lastMeanV, 2), fixed.toText(one.slashedV, 2), planckToPha(one.slashedStake, 2), planckToPha(one.sniped, 2),
  one.sharePrice === undefined ? '' : fixed.toText(one.sharePrice, 6), percent(one.yearlyReturn),
]

const sniping = (run: RunOutcome): readonly string[] => run.populations.flatMap((one) => {
  if (one.strategy === 'sniper') {
    const left = one.sniped - one.fees
    return [`${one.name} ${left > 0n ? 'wins' : 'does not win'}: ${planckToPha(one.sniped, 2)} PHA in ${one.moves} moves, less ${planckToPha(one.fees, 2)} PHA of fees.`]
  }
  if (one.sniped === 0n || one.toStakers === 0n) return []
  return [`${one.name} lost ${percent(Number(one.sniped) / Number(one.toStakers))} of its delegators' rewards to snipers.`]
})

const coarseness = ({ stepBlocks, scale }: RunOutcome): string => [
  stepBlocks === 1 ? 'Every block was reckoned.' : `One challenge per ${stepBlocks} blocks; the blocks between were compounded.`,
  scale === 1 ? '' : `One simulated worker stands for ${scale}.`,
].filter((part) => part !== '').join(' ')

/** One run for people. */
export const formatRun = (run: RunOutcome, style: Style): string => [
  style.bold(`${run.run}: ${run.days} days, ${run.blocks} blocks`), style.dim(coarseness(run)), '', ...renderTable(HEADERS, run.populations.map(row), style), '', ...sniping(run),
  ...run.populations.filter(({ refused }) => refused.size > 0).map((one) => style.warn(`${one.name}: the chain refused ${refusals(one)}.`)),
].join('\n')
