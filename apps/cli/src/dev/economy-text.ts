/** Owns the words and numbers in which people read the economy of a development network. */
import { UNIT } from '@phalanx/primitives/fixed'
import { renderTable, type Style } from '../output.ts'
import type { DevOutage } from './view.ts'
import type { EconomyEvent, EconomyPicture, WorkerPicture } from './watch.ts'

const V_DIGITS = 6
const PHA_DIGITS = 4
const GROUPS = /\B(?=(\d{3})+$)/g

/** Plancks as PHA with four digits, cut off. */
export const pha = (amount: bigint): string => {
  const fraction = ((amount % UNIT) * 10n ** BigInt(PHA_DIGITS)) / UNIT
  return `${(amount / UNIT).toString().replace(GROUPS, ',')}.${fraction.toString().padStart(PHA_DIGITS, '0')} PHA`
}

/** V with six digits, cut off. */
const shortV = (v: string): string => {
  const [whole = '0', fraction = ''] = v.split('.')
  return `${whole}.${fraction.slice(0, V_DIGITS)}`
}

/** Words for the chain's states of a session. */
const STATES: Readonly<Record<string, (style: Style) => string>> = {
  WorkerIdle: (style) => style.good('computing'),
  WorkerUnresponsive: (style) => style.bad('unresponsive'),
  WorkerCoolingDown: (style) => style.warn('cooling down'),
  Ready: (style) => style.warn('stopped'),
}

const stateText = (style: Style, { state }: WorkerPicture): string => STATES[state]?.(style) ?? state

const short = (worker: string): string => `${worker.slice(0, 10)}…`

/** The workers as a table under one line on the pool. */
export const economyLines = (picture: EconomyPicture, style: Style): readonly string[] => [
  `${style.dim('pool')} ${picture.pool}   worth ${pha(picture.stake)}`,
  ...renderTable(
    ['worker', 'work', 'V', 'P', 'last heartbeat', 'earned'],
    picture.workers.map((one) => [
      short(one.worker), stateText(style, one), shortV(one.v), String(one.p), one.lastHeartbeat === undefined ? 'none yet' : `block ${one.lastHeartbeat}`, pha(one.totalReward),
    ]),
    style,
  ),
]

/** One line on what happened. */
export const eventText = (event: EconomyEvent, style: Style): string => {
  const head = `block ${event.block}: worker ${short(event.worker)}`
  switch (event.event) {
    case 'earned': return `${head} earned ${pha(event.amount)}, ${pha(event.totalReward)} in all`
    case 'unresponsive':
      return `${head} is ${style.bad('unresponsive')}: it did not answer ${event.missedChallenge === undefined ? 'a challenge' : `the challenge of block ${event.missedChallenge}`}; from now on it earns nothing and V falls with every block`
    case 'penalty': return `${head} is still silent, V fell to ${shortV(event.v)}`
    case 'recovered': return `${head} ${style.good('answers again')}; V is ${shortV(event.v)} and grows from here`
  }
}

/** One line on a worker that was taken off or started again. */
export const outageText = ({ event, worker, block }: DevOutage, style: Style): string =>
  event === 'offline'
    ? `block ${block}: worker ${short(worker)} was taken ${style.warn('offline')}`
    : `block ${block}: worker ${short(worker)} was started again and catches up`
