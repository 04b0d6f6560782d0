/** What an account has in pools, as the runtime API tells it. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { FIXED_ONE } from '@phalanx/primitives/fixed'
import { beforeEach, describe, expect, test } from 'vitest'
import { phalaVault } from '../phala-vault/pallet.ts'
import { stakeApi, type StakeExplanation } from './explain.ts'
import { phalaStakePoolV2 } from './pallet.ts'
import { createStakeTestbed, people, UNIT } from './testing.ts'

const crypto = await loadCrypto()
const [alice, bob, worker] = people(crypto, 'Alice', 'Bob', 'Charlie') as [Uint8Array, Uint8Array, Uint8Array]
const START_SEC = 1_700_000_000n
let bed: ReturnType<typeof createStakeTestbed>

beforeEach(() => {
  bed = createStakeTestbed(crypto, {
    people: [alice, bob].map((who) => [who, 1000n * UNIT] as const), timeMs: START_SEC * 1000n,
    referenda: { isOngoing: () => true, vote: () => {}, release: () => {} },
  })
  for (const who of [alice, bob]) bed.wrap(who, 500n * UNIT)
  bed.register(worker, alice)
  bed.ok(phalaStakePoolV2.call('create'), alice)
  bed.ok(phalaStakePoolV2.call('addWorker', { pid: 0n, pubkey: worker }), alice)
  bed.ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: 100n * UNIT, asVault: undefined }), alice)
  bed.ok(phalaStakePoolV2.call('contribute', { pid: 0n, amount: 200n * UNIT, asVault: undefined }), bob)
})

/** The API's answer as a client decodes it. */
const explain = (who: Uint8Array): StakeExplanation => {
  const method = stakeApi.methods['explainStake'] ?? expect.unreachable('the method exists')
  const answer: unknown = method.call(bed.chain.ctx, { account: who }, undefined as never)
  return method.result.decode(method.result.encode(answer)) as StakeExplanation
}

describe('the explanation of stake', () => {
  test('of a stranger is empty', () => {
    expect(explain(new Uint8Array(32))).toMatchObject({ wrapped: 0n, netValue: 0n, keptByVotes: 0n, positions: [], requests: [], owned: [] })
  })

  test('values shares by the pool\'s price, rewards included', () => {
    bed.reward(worker, 30n * FIXED_ONE)
    const { positions, wrapped, netValue } = explain(bob)
    expect(positions).toEqual([{ pid: 0n, isVault: false, shares: 200n * UNIT, price: expect.any(BigInt), value: expect.any(BigInt), poolFree: 330n * UNIT, poolReleasing: 0n }])
    const value = positions[0]?.value ?? 0n
    expect(220n * UNIT - value).toBeLessThan(1000n)
    expect([wrapped, netValue]).toEqual([300n * UNIT, 300n * UNIT + value])
  })

  test('places requests in the queue with what is before them, and says what is free and cooling down', () => {
    bed.ok(phalaStakePoolV2.call('startComputing', { pid: 0n, worker, stake: 300n * UNIT }), alice)
    bed.ok(phalaStakePoolV2.call('withdraw', { pid: 0n, shares: 40n * UNIT, asVault: undefined }), alice)
    bed.pass(60n)
    bed.ok(phalaStakePoolV2.call('withdraw', { pid: 0n, shares: 50n * UNIT, asVault: undefined }), bob)
    expect(explain(alice).requests).toMatchObject([{ place: 0, ahead: 0n, value: 40n * UNIT, poolFree: 0n, poolReleasing: 0n }])
    const [request] = explain(bob).requests
    expect(request).toMatchObject({ place: 1, ahead: 40n * UNIT, shares: 50n * UNIT, value: 50n * UNIT })
    expect((request?.forcedAt ?? 0n) - (request?.startTime ?? 0n)).toBe(604_800n)
    expect(explain(bob).positions).toMatchObject([{ shares: 150n * UNIT }])
    bed.ok(phalaStakePoolV2.call('stopComputing', { pid: 0n, worker }), alice)
    expect(explain(bob).requests).toMatchObject([{ poolReleasing: 300n * UNIT }])
  })

  test('tells owners what their pools owe them, and depositors of vaults their shares', () => {
    bed.ok(phalaStakePoolV2.call('setPayoutPref', { pid: 0n, payoutCommission: 500_000 }), alice)
    bed.reward(worker, 20n * FIXED_ONE)
    bed.ok(phalaVault.call('create'), bob)
    bed.ok(phalaVault.call('contribute', { pid: 1n, amount: 10n * UNIT }), alice)
    expect(explain(alice).owned).toEqual([{ pid: 0n, isVault: false, claimable: 10n * UNIT }])
    expect(explain(alice).positions.map(({ pid, isVault }) => [pid, isVault])).toContainEqual([1n, true])
    expect(explain(bob).owned).toEqual([{ pid: 1n, isVault: true, claimable: 0n }])
  })

  test('says what votes keep and in which referenda', () => {
    bed.ok(bed.wrapped.call('vote', { voteId: 4, ayeAmount: 60n * UNIT, nayAmount: 0n }), bob)
    expect(explain(bob)).toMatchObject({ keptByVotes: 60n * UNIT, votes: [4] })
  })
})
