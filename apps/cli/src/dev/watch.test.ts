import { expect, test } from 'vitest'
import { economyEvents, type EconomyPicture, type WorkerPicture } from './watch.ts'

const worker = (change: Partial<WorkerPicture> = {}): WorkerPicture => ({
  worker: '0x01', state: 'WorkerIdle', v: '3000.5', p: 100, lastHeartbeat: 5, missedChallenge: undefined, totalReward: 7n, ...change,
})
const picture = (block: number, ...workers: readonly WorkerPicture[]): EconomyPicture => ({ block, pool: 0, stake: 1n, workers })
const silent = (v: string): WorkerPicture => worker({ state: 'WorkerUnresponsive', v, missedChallenge: 4 })
const between = (before: WorkerPicture, now: WorkerPicture) => economyEvents(picture(8, before), picture(9, now))

test('a reward is told with what it adds', () => {
  expect(between(worker(), worker({ totalReward: 10n }))).toEqual([{ event: 'earned', worker: '0x01', block: 9, amount: 3n, totalReward: 10n, v: '3000.5' }])
})

test('a worker falls silent once, loses V in every block that shows a loss, and recovers once', () => {
  expect(between(worker(), silent('3000.4'))).toEqual([{ event: 'unresponsive', worker: '0x01', block: 9, missedChallenge: 4, v: '3000.4' }])
  expect(between(silent('3000.4'), silent('3000.3'))).toEqual([{ event: 'penalty', worker: '0x01', block: 9, v: '3000.3' }])
  expect(between(silent('3000.3'), silent('3000.3'))).toEqual([])
  expect(between(silent('3000.3'), worker({ v: '3000.3' }))).toEqual([{ event: 'recovered', worker: '0x01', block: 9, v: '3000.3' }])
})

test('V that grows is no news, nor is what a first picture shows of the past', () => {
  expect(between(worker(), worker({ v: '3000.6', lastHeartbeat: 8 }))).toEqual([])
  expect(economyEvents(undefined, picture(9, worker()))).toEqual([])
})

test('a network that is started while a worker is silent says so', () => {
  expect(economyEvents(undefined, picture(9, silent('2.0'))).map(({ event }) => event)).toEqual(['unresponsive'])
})
