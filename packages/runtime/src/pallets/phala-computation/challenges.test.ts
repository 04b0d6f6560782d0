import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { HeartbeatChallenge } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT } from '../../frame/origin.ts'
import { takeRandomNumber } from '../phala-registry/beacon.ts'
import { challengeTarget } from './formulas.ts'
import { phalaComputation } from './pallet.ts'
import { stopComputing } from './sessions.ts'
import { createComputationTestbed, type ComputationTestbed } from './testing.ts'

const crypto = await loadCrypto()
let bed: ComputationTestbed
beforeEach(() => {
  bed = createComputationTestbed(crypto)
})

/** The challenge with which this block would end. */
const challengeOf = (world: ComputationTestbed): HeartbeatChallenge | undefined => {
  const { ctx } = world.chain
  ctx.storage.begin()
  phalaComputation.hooks?.onFinalize?.(phalaComputation.in(ctx))
  const found = world.systemEvents().find(({ kind }) => kind === 'HeartbeatChallenge')
  ctx.storage.rollback()
  return found?.kind === 'HeartbeatChallenge' ? found.value : undefined
}

describe('challenges', () => {
  test('come with every block while somebody computes, and not while computation.setHeartbeatPaused keeps them off', () => {
    expect(challengeOf(bed)).toBeUndefined()
    const one = bed.started('a')
    expect(challengeOf(bed)?.onlineTarget).toBe(challengeTarget({ heartbeats: 20, workers: 1, blockSeconds: 12, perWorkerHour: 2 }))
    bed.chain.assertOk(phalaComputation.call('setHeartbeatPaused', { paused: true }), ROOT)
    expect(challengeOf(bed)).toBeUndefined()
    bed.chain.assertOk(phalaComputation.call('setHeartbeatPaused', { paused: false }), ROOT)
    stopComputing(bed.chain.ctx, one.session)
    expect(challengeOf(bed)).toBeUndefined()
  })

  test('have a new seed in every block, the same on every node', () => {
    const seeds = new Set<bigint>()
    const twin = createComputationTestbed(crypto)
    for (const world of [bed, twin]) world.started('a')
    for (let i = 0; i < 100; i++) {
      for (const world of [bed, twin]) world.chain.nextBlock()
      seeds.add(challengeOf(bed)?.seed ?? 0n)
      expect(challengeOf(twin)).toEqual(challengeOf(bed))
    }
    expect(seeds.size).toBe(100)
  })

  test('draw on the gatekeepers\' beacon once there is one', () => {
    bed.started('a')
    const without = challengeOf(bed)?.seed
    takeRandomNumber(bed.chain.ctx, { blockNumber: 5, randomNumber: new Uint8Array(32).fill(1), lastRandomNumber: new Uint8Array(32) })
    const first = challengeOf(bed)?.seed
    takeRandomNumber(bed.chain.ctx, { blockNumber: 10, randomNumber: new Uint8Array(32).fill(2), lastRandomNumber: new Uint8Array(32) })
    expect(new Set([without, first, challengeOf(bed)?.seed]).size).toBe(3)
  })
})

describe('the target', () => {
  test.each<[number, number, number, bigint]>([
    [20, 0, 12, 0n],
    [20, 20, 12, 771946525395830978497002573683960742805751636319313395421818009383503547160n],
    [20, 200_000, 12, 11574228623567775471528085581038571683760509746329738253007553123311417715n],
  ])('of %i heartbeats, %i workers, %i s is the published one', (heartbeats, workers, blockSeconds, expected) =>
    expect(challengeTarget({ heartbeats, workers, blockSeconds, perWorkerHour: 2 })).toBe(expected))

  test('asks each worker as often as the chain allows, and no more of all than it aims at', () => {
    const everyone = (1n << 256n) - 1n
    const share = (aim: { readonly workers: number; readonly perWorkerHour: number }): number => Number((challengeTarget({ heartbeats: 1, blockSeconds: 1, ...aim }) * 1000n) / everyone)
    expect([share({ workers: 1, perWorkerHour: 2 }), share({ workers: 1, perWorkerHour: 1800 }), share({ workers: 4, perWorkerHour: 1800 })]).toEqual([0, 499, 249])
  })

  test('exists for every block time and any number of workers', () => {
    for (const blockSeconds of [0, 1, 3600, 0xffff_ffff]) {
      for (const workers of [1, 0xffff_ffff]) {
        const target = challengeTarget({ heartbeats: 0xffff_ffff, workers, blockSeconds, perWorkerHour: 2 })
        expect(target > 0n && target < 1n << 256n).toBe(true)
      }
    }
  })
})
