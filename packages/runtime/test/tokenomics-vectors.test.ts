/** Holds the chain's formulas of the economy to the published numbers and to the parameters of real networks. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import { isSaneParameters, TokenomicParameters } from '@phalanx/primitives/messages'
import { describe, expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { challengeTarget, initialV, minimalStake, rigCost } from '../src/pallets/phala-computation/formulas.ts'
import { defaultParameters } from '../src/pallets/phala-computation/parameters.ts'
import { dayBudgetOf, periodAt } from '../src/pallets/phala-computation/budget.ts'
import { computationGenesisShape } from '../src/pallets/phala-computation/genesis.ts'

const PARAMS = defaultParameters(12)
const toNumber = (value: unknown): number => Number(value)

interface Case {
  readonly fn: string
  readonly args: readonly unknown[]
  readonly expect: string | { readonly decimal: string; readonly bits: string }
}

const FUNCTIONS: Readonly<Record<string, (...args: readonly unknown[]) => bigint>> = {
  'powTarget(numTx,numWorkers,secsPerBlock)': (heartbeats, workers, blockSeconds) =>
    challengeTarget({ heartbeats: toNumber(heartbeats), workers: toNumber(workers), blockSeconds: toNumber(blockSeconds), perWorkerHour: 2 }),
  vMax: () => PARAMS.vMax,
  'minimalStake(p) in 1e-12 PHA': (p) => minimalStake(PARAMS, toNumber(p)),
  've(stake,p,confidence)': (stake, p, level) => initialV(PARAMS, { stake: BigInt(stake as string), p: toNumber(p), confidenceLevel: toNumber(level) }),
  'rigCost(p)': (p) => rigCost(PARAMS, toNumber(p)),
  'pow(1-slashRate,300): slash factor per hour': () => fixed.pow(FIXED_ONE - PARAMS.slashRate, 300),
  'budgetPerBlock*3600*24/12': () => fixed.divInteger(fixed.mulInteger(fixed.mulInteger(PARAMS.budgetPerBlock, 3600), 24), 12),
}

describeVectors('published numbers of the pallet', () => {
  const { cases } = readVectorJson<{ readonly cases: readonly Case[] }>('6-tokenomics/pallet-numerics.json')
  test.each(cases.map((one) => [`${one.fn} of ${JSON.stringify(one.args)}`, one] as const))('%s', (_name, { fn, args, expect: expected }) => {
    const compute = FUNCTIONS[fn] ?? expect.unreachable(`${fn} is known`)
    expect(compute(...args)).toBe(BigInt(typeof expected === 'string' ? expected : expected.bits))
  })
})

describe('the default parameters', () => {
  test('are those of the reference, bit for bit', () => {
    expect(PARAMS).toEqual({
      phaRate: 18446744073709551616n, rho: 18446756370313412349n, budgetPerBlock: 1844674407370955161600n, vMax: 553402322211286548480000n, costK: 291740030655n,
      costB: 621866907450610n, slashRate: 61489146912365n, treasuryRatio: 3689348814741910323n, heartbeatWindow: 10, rigK: 5534023222112865485n, rigB: 0n,
      re: 23980767295822417101n, k: 1844674407370955161600n, kappa: 18446744073709551616n,
    })
  })
})

describeVectors('parameters of Khala\'s launch', () => {
  interface Launch {
    readonly tokenomic: Readonly<Record<string, string>>
    readonly bits: Readonly<Record<string, string>>
    readonly 'structOrder (SCALE: u128 LE bits, heartbeatWindow u32)': readonly string[]
  }
  test('parse to the published bits, are accepted, and encode in the published order', () => {
    const launch = readVectorJson<Launch>('6-tokenomics/khala-launch-parameters.json')
    for (const [name, bits] of Object.entries(launch.bits)) expect([name, fixed.parse(launch.tokenomic[name] ?? '')]).toEqual([name, BigInt(bits)])
    const order = launch['structOrder (SCALE: u128 LE bits, heartbeatWindow u32)']
    const params = TokenomicParameters.decode(TokenomicParameters.encode(
      Object.fromEntries(order.map((name) => [name, name === 'heartbeatWindow' ? toNumber(launch.tokenomic[name]) : BigInt(launch.bits[name] ?? 0)])) as unknown as TokenomicParameters))
    expect(Object.keys(params)).toEqual(order)
    expect(isSaneParameters(params)).toBe(true)
  })
})

describeVectors('the published budget', () => {
  test('500 PHA a minute times 0.75^(n-1), and Gemini\'s first month', async () => {
    const crypto = await loadCrypto()
    const { firstMonth, perDayFirstPeriod, halvingDays } = readVectorJson<{ readonly budget: { readonly firstMonth: string; readonly perDayFirstPeriod: number; readonly halvingDays: number } }>(
      '6-tokenomics/docs-gemini-parameters.json').budget
    const { budgetSchedule: schedule } = computationGenesisShape.parse({}, '', { parseAddress: () => crypto.blake2b256(new Uint8Array(0)) })
    if (schedule === undefined) throw new TypeError('a schedule is the default')
    expect(schedule.budgetPerDay).toBe(fixedOf(String(perDayFirstPeriod)))
    expect(schedule.periodSeconds).toBe(BigInt(halvingDays) * 86_400n)
    expect(fixed.toText(fixed.mulInteger(dayBudgetOf(schedule, 1), 30), 0)).toBe(String(Number(firstMonth.split(' ')[0]) * 1_000_000))
    const { unitBudget, n } = readVectorJson<{ readonly unitBudget: string; readonly n: string }>('6-tokenomics/docs-budget-balancer.json')
    expect([unitBudget.includes('0.75^(n-1)'), n]).toEqual([true, '3 + ceil((date - 2023-06-12)/180 days)'])
    const published = { ...schedule, anchor: 1_686_528_000n, periodAtAnchor: 3 }
    expect([periodAt(published, published.anchor), periodAt(published, published.anchor + 90n * 86_400n)]).toEqual([3, 4])
  })
})
