import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { balanceToFixed, computingShare, fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import { beforeEach, describe, expect, test } from 'vitest'
import { computationApi } from './explain.ts'
import { stopComputing } from './sessions.ts'
import { createComputationTestbed, STAKE, type ComputationTestbed, type TestSession } from './testing.ts'

const crypto = await loadCrypto()
let bed: ComputationTestbed
beforeEach(() => {
  bed = createComputationTestbed(crypto)
})

/** The API's answer as a client would decode it. */
const explain = (pubkey: Uint8Array) => {
  const method = computationApi.methods['explainWorker'] ?? expect.unreachable('the method exists')
  const answer: unknown = method.call(bed.chain.ctx, { pubkey }, undefined as never)
  return method.result.decode(method.result.encode(answer)) as ReturnType<typeof shape>
}
const shape = (): undefined | { readonly starting: Readonly<Record<string, bigint>> | undefined; readonly payout: Readonly<Record<string, bigint>> | undefined; readonly run: Readonly<Record<string, unknown>> | undefined; readonly stake: bigint; readonly stakeAtRisk: boolean; readonly session: Uint8Array | undefined; readonly coolDownEnds: bigint | undefined } => undefined
const of = (one: TestSession) => explain(one.worker) ?? expect.unreachable('the worker is registered')

describe('the explanation of a worker', () => {
  test('is none for an unregistered one, and short for one without session', () => {
    expect(explain(new Uint8Array(32))).toBeUndefined()
    expect(of(bed.prepare('a'))).toMatchObject({ session: undefined, starting: undefined, payout: undefined, stake: 0n, stakeAtRisk: false })
  })

  test('says what V is made of: the parts give ve', () => {
    const { starting } = of(bed.started('a'))
    const { stake = 0n, rigCost = 0n, re = 0n, confidenceScore = 0n, ve } = starting ?? {}
    expect(stake).toBe(balanceToFixed(STAKE))
    expect(fixed.mul(fixed.mul(re - FIXED_ONE, confidenceScore) + FIXED_ONE, stake + rigCost)).toBe(ve)
  })

  test('gives the inputs of the next payout: equal workers share the budget equally', () => {
    const one = bed.started('a')
    bed.started('b')
    const { payout } = of(one)
    expect(payout).toMatchObject({ payingWorkers: 2, p: fixedOf('1000'), budgetPerBlock: fixedOf('100'), lastPayoutAt: bed.run(one).startedAt })
    expect(payout?.['share']).toBe(computingShare(bed.info(one).v, fixedOf('1000'), FIXED_ONE))
    expect(payout?.['sumShare']).toBe(2n * (payout?.['share'] ?? 0n))
    expect(fixed.toText((payout?.['payoutPerBlock'] ?? 0n) + 100n, 6)).toBe('40.000000')
    bed.chain.nextBlock(2)
    bed.heartbeat(one, { iterations: 100n, challengeTime: 0n })
    expect(of(one).payout).toMatchObject({ p: 0n, lastPayoutAt: bed.chain.ctx.block.number })
  })

  test('says since when and for which challenge a worker is silent, and that its stake is at risk', () => {
    const one = bed.started('a')
    bed.chain.nextBlock()
    bed.heartbeat(one, { nClusters: 1 })
    bed.update({ blockNumber: 30, offline: [one.worker] })
    expect(of(one)).toMatchObject({ stakeAtRisk: true, run: { unresponsiveSince: 30, missedChallenge: 19, hostsContracts: true }, payout: { share: 0n, payoutPerBlock: 0n } })
  })

  test('says when a stopped session may have its stake back', () => {
    const one = bed.started('a')
    stopComputing(bed.chain.ctx, one.session)
    expect(of(one)).toMatchObject({ coolDownEnds: bed.info(one).coolDownStart + 604_800n, stake: STAKE, payout: undefined })
  })
})
