import { beforeEach, describe, expect, test } from 'vitest'
import type { DevWorker } from './dev-worker.ts'
import { createOutage, type OutagePlan } from './outage.ts'
import type { EconomyPicture } from './watch.ts'

const IDENTITY = new Uint8Array(32).fill(1)
const KEY = `0x${'01'.repeat(32)}`
let told: string[]
let failure: Error | undefined

/** A worker that goes and comes at once. */
const createWorker = (): DevWorker => {
  let isOnline = true
  const set = async (value: boolean): Promise<void> => {
    if (failure !== undefined) throw failure
    isOnline = value
  }
  return { url: 'http://127.0.0.1:1', get isOnline() { return isOnline }, identity: () => IDENTITY, stop: () => set(false), start: () => set(true) }
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

const start = (plan: Partial<OutagePlan>) => {
  const outage = createOutage({ offlineAfter: undefined, backAfter: undefined, ...plan }, {
    worker: createWorker(), from: 100,
    listener: { offline: ({ worker, block }) => told.push(`offline ${worker === KEY} ${block}`), online: ({ block }) => told.push(`online ${block}`), failed: () => told.push('failed') },
  })
  return {
    outage,
    async blocks(from: number, to: number, state: string) {
      for (let block = from; block <= to; block++) {
        const picture: EconomyPicture = { block, pool: 0, stake: 0n, workers: [{ worker: KEY, state, v: '1', p: 1, lastHeartbeat: 1, missedChallenge: undefined, totalReward: 0n }] }
        outage.onBlock(picture)
        await settle()
      }
    },
  }
}

beforeEach(() => {
  told = []
  failure = undefined
})

describe('an outage', () => {
  test('begins after the blocks asked for and ends as long after the chain noticed', async () => {
    const run = start({ offlineAfter: 3, backAfter: 2 })
    await run.blocks(101, 110, 'WorkerIdle')
    expect(told).toEqual(['offline true 103'])
    await run.blocks(111, 120, 'WorkerUnresponsive')
    expect(told).toEqual(['offline true 103', 'online 113'])
  })

  test('lasts until the worker is asked back, and does not begin again by itself', async () => {
    const run = start({ offlineAfter: 0 })
    await run.blocks(101, 130, 'WorkerUnresponsive')
    run.outage.toggle()
    await settle()
    await run.blocks(131, 140, 'WorkerIdle')
    expect(told).toEqual(['offline true 101', 'online 130'])
  })

  test('can be asked for at any time, and twice at once is once', async () => {
    const run = start({})
    run.outage.toggle()
    run.outage.toggle()
    await settle()
    expect(told).toEqual(['offline true 100'])
  })

  test('that fails is told and can be tried again', async () => {
    const run = start({})
    failure = new Error('the port is taken')
    run.outage.toggle()
    await settle()
    failure = undefined
    run.outage.toggle()
    await settle()
    expect(told).toEqual(['failed', 'offline true 100'])
  })
})
