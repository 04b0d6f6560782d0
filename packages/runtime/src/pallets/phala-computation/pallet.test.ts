import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { fixed, fixedOf, FIXED_MAX, FIXED_ONE } from '@phalanx/primitives/fixed'
import type { TokenomicParameters } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import type { RuntimeCall } from '../../frame/context.ts'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { collectiveOrigin } from '../collective/origin.ts'
import { phalaComputation } from './pallet.ts'
import * as storage from './storage.ts'
import { createComputationTestbed, STAKE, type ComputationTestbed } from './testing.ts'
import type { BudgetSchedule, SlashParameters } from './types.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Eve').publicKey)
const SESSION = new Uint8Array(32).fill(5)
const SLASH: SlashParameters = { enabled: true, level1PerHour: 1, level2: 2, level3: 3, level4: 4, intervalBlocks: 1 }
const SCHEDULE: BudgetSchedule = { anchor: 1n, periodAtAnchor: 1, periodSeconds: 86_400n, budgetPerDay: FIXED_ONE, share: FIXED_ONE, factor: FIXED_ONE }
let bed: ComputationTestbed
beforeEach(() => {
  bed = createComputationTestbed(crypto)
})

const parameters = (): TokenomicParameters => storage.tokenomicParameters.get(bed.chain.ctx) ?? expect.unreachable('there are parameters')

describe('calls of root and of governance', () => {
  const params = createComputationTestbed(crypto)
  const newParams = storage.tokenomicParameters.get(params.chain.ctx) ?? expect.unreachable('there are parameters')
  const ofRoot: readonly [string, RuntimeCall][] = [
    ['setCoolDownExpiration', phalaComputation.call('setCoolDownExpiration', { period: 1n })],
    ['forceHeartbeat', phalaComputation.call('forceHeartbeat')],
    ['forceStartComputing', phalaComputation.call('forceStartComputing', { session: SESSION, stake: 1n })],
    ['forceStopComputing', phalaComputation.call('forceStopComputing', { session: SESSION })],
  ]
  const ofGovernance: readonly [string, RuntimeCall][] = [
    ['updateTokenomic', phalaComputation.call('updateTokenomic', { newParams })],
    ['setHeartbeatPaused', phalaComputation.call('setHeartbeatPaused', { paused: true })],
    ['updateContractRoot', phalaComputation.call('updateContractRoot', { accountId: SESSION })],
    ['setSlashParameters', phalaComputation.call('setSlashParameters', { params: SLASH })],
    ['setBudgetSchedule', phalaComputation.call('setBudgetSchedule', { schedule: SCHEDULE })],
    ['slashSession', phalaComputation.call('slashSession', { session: SESSION, level: 2 })],
    ['setExpectedHeartbeatCount', phalaComputation.call('setExpectedHeartbeatCount', { count: 5 })],
  ]
  test.each([...ofRoot, ...ofGovernance])('%s refuses an account', (_name, call) => bed.chain.assertNoop(call, anyone, 'BadOrigin'))
  test.each(ofRoot)('%s refuses the council', (_name, call) =>
    bed.chain.assertNoop(call, collectiveOrigin('Council', { kind: 'Members', value: [2, 2] }), 'BadOrigin'))

  test('half of the council may what governance may', () => {
    bed.chain.assertOk(phalaComputation.call('setHeartbeatPaused', { paused: true }), collectiveOrigin('Council', { kind: 'Members', value: [1, 2] }))
    expect(storage.heartbeatPaused.get(bed.chain.ctx)).toBe(true)
  })
})

describe('computation.setCoolDownExpiration', () => {
  test('sets the period, up to a year', () => {
    expect(bed.chain.assertOk(phalaComputation.call('setCoolDownExpiration', { period: 5n }), ROOT)).toEqual([{ pallet: 'PhalaComputation', name: 'CoolDownExpirationChanged', value: { period: 5n } }])
    bed.chain.assertNoop(phalaComputation.call('setCoolDownExpiration', { period: 31_536_001n }), ROOT, 'PhalaComputation.InvalidCoolDownPeriod')
    bed.chain.assertNoop(phalaComputation.call('setCoolDownExpiration', { period: (1n << 64n) - 1n }), ROOT, 'PhalaComputation.InvalidCoolDownPeriod')
  })
})

describe('computation.forceHeartbeat', () => {
  test('challenges everyone', () => {
    bed.chain.assertOk(phalaComputation.call('forceHeartbeat'), ROOT)
    expect(bed.systemEvents().at(-1)).toEqual({ kind: 'HeartbeatChallenge', value: { seed: 0n, onlineTarget: (1n << 256n) - 1n } })
  })
})

describe('computation.forceStartComputing and computation.forceStopComputing', () => {
  test('start and stop a bound session', () => {
    const one = bed.bound('a')
    bed.chain.assertOk(phalaComputation.call('forceStartComputing', { session: one.session, stake: STAKE }), ROOT)
    expect(bed.info(one).state.kind).toBe('WorkerIdle')
    bed.chain.assertOk(phalaComputation.call('forceStopComputing', { session: one.session }), ROOT)
    expect(bed.info(one).state.kind).toBe('WorkerCoolingDown')
  })

  test('fail as the session does', () => {
    const one = bed.bound('a')
    const start = (stake: bigint, session = one.session) => phalaComputation.call('forceStartComputing', { session, stake })
    bed.chain.assertNoop(start(STAKE, SESSION), ROOT, 'PhalaComputation.SessionNotFound')
    bed.chain.assertNoop(start(0n), ROOT, 'PhalaComputation.InsufficientStake')
    bed.chain.assertNoop(start((1n << 128n) - 1n), ROOT, 'PhalaComputation.TooMuchStake')
    bed.chain.assertNoop(phalaComputation.call('forceStopComputing', { session: one.session }), ROOT, 'PhalaComputation.WorkerNotComputing')
    bed.chain.assertNoop(phalaComputation.call('forceStopComputing', { session: SESSION }), ROOT, 'PhalaComputation.SessionNotBound')
  })
})

describe('computation.updateTokenomic', () => {
  const update = (change: Partial<TokenomicParameters>) => phalaComputation.call('updateTokenomic', { newParams: { ...parameters(), ...change } })

  test('takes effect when the block ends, and the gatekeepers hear of it', () => {
    bed.chain.assertOk(update({ treasuryRatio: fixedOf('0.5') }), ROOT)
    expect(parameters().treasuryRatio).toBe(fixedOf('0.2'))
    bed.chain.nextBlock()
    expect(parameters().treasuryRatio).toBe(fixedOf('0.5'))
    expect(storage.scheduledTokenomicUpdate.get(bed.chain.ctx)).toBeUndefined()
  })

  test.each<[string, Partial<TokenomicParameters>]>([
    ['no growth', { rho: FIXED_ONE - 1n }], ['double growth', { rho: 3n * FIXED_ONE }], ['a slash above the whole', { slashRate: FIXED_ONE + 1n }],
    ['a treasury above the whole', { treasuryRatio: FIXED_ONE + 1n }], ['no window', { heartbeatWindow: 0 }], ['an endless window', { heartbeatWindow: 0xffff_ffff }],
    ['no V', { vMax: 0n }], ['endless V', { vMax: FIXED_MAX }], ['an endless budget', { budgetPerBlock: FIXED_MAX }], ['a return below one', { re: 0n }], ['an endless return', { re: FIXED_MAX }],
    ['endless cost', { costK: FIXED_MAX }], ['endless base cost', { costB: FIXED_MAX }], ['endless rigs', { rigK: FIXED_MAX }], ['endless base rigs', { rigB: FIXED_MAX }],
    ['endless least stake', { k: FIXED_MAX }], ['an endless kappa', { kappa: FIXED_MAX }], ['no rate', { phaRate: 0n }],
  ])('refuses %s', (_name, change) => bed.chain.assertNoop(update(change), ROOT, 'PhalaComputation.InvalidTokenomicParameters'))
})

describe('computation.setBudgetPerBlock and computation.updateContractRoot', () => {
  const contract = signed(devAccount(crypto, 'contract').publicKey)
  const set = (change: { readonly nonce?: bigint; readonly blockNumber?: number; readonly budget?: bigint } = {}) =>
    phalaComputation.call('setBudgetPerBlock', { nonce: 1n, blockNumber: 1, budget: fixedOf('90'), ...change })
  beforeEach(() => void bed.chain.assertOk(phalaComputation.call('updateContractRoot', { accountId: devAccount(crypto, 'contract').publicKey }), ROOT))

  test('set the budget at once', () => {
    bed.chain.assertOk(set(), contract)
    expect(bed.names()).toEqual(['TokenomicParametersChanged', 'BudgetUpdated'])
    expect(parameters().budgetPerBlock).toBe(fixedOf('90'))
    expect(bed.gatekeeperEvents().at(-1)).toEqual({ kind: 'TokenomicParametersChanged', value: parameters() })
  })

  test('refuse strangers, old nonces, old blocks and too much', () => {
    bed.chain.assertNoop(set(), anyone, 'BadOrigin')
    bed.chain.assertNoop(set(), ROOT, 'BadOrigin')
    bed.chain.assertNoop(set({ nonce: 0n }), contract, 'PhalaComputation.NonceIndexInvalid')
    bed.chain.assertNoop(set({ blockNumber: 0 }), contract, 'PhalaComputation.BudgetUpdateBlockInvalid')
    bed.chain.assertNoop(set({ budget: fixedOf('187.5') + 1n }), contract, 'PhalaComputation.BudgetExceedMaxLimit')
    bed.chain.assertOk(set({ budget: fixedOf('187.5') }), contract)
    bed.chain.assertNoop(set({ blockNumber: 2 }), contract, 'PhalaComputation.NonceIndexInvalid')
    bed.chain.assertNoop(set({ nonce: 2n }), contract, 'PhalaComputation.BudgetUpdateBlockInvalid')
    storage.tokenomicParameters.remove(bed.chain.ctx)
    bed.chain.assertNoop(set({ nonce: 2n, blockNumber: 2 }), contract, 'PhalaComputation.InternalErrorBadTokenomicParameters')
  })
})

describe('computation.setSlashParameters', () => {
  test('sets them, and refuses shares above the whole and slashes without distance', () => {
    bed.chain.assertOk(phalaComputation.call('setSlashParameters', { params: SLASH }), ROOT)
    expect(storage.slashParameters.get(bed.chain.ctx)).toEqual(SLASH)
    for (const change of [{ level1PerHour: 1_000_001 }, { level2: 1_000_001 }, { level3: 1_000_001 }, { level4: 1_000_001 }, { intervalBlocks: 0 }])
      bed.chain.assertNoop(phalaComputation.call('setSlashParameters', { params: { ...SLASH, ...change } }), ROOT, 'PhalaComputation.InvalidSlashParameters')
  })
})

describe('computation.setBudgetSchedule', () => {
  test('sets or ends it, and refuses schedules that rise or have no length', () => {
    bed.chain.assertOk(phalaComputation.call('setBudgetSchedule', { schedule: SCHEDULE }), ROOT)
    expect(storage.budgetSchedule.get(bed.chain.ctx)).toEqual(SCHEDULE)
    for (const change of [{ periodSeconds: 86_399n }, { factor: FIXED_ONE + 1n }, { share: FIXED_ONE + 1n }, { budgetPerDay: FIXED_MAX }])
      bed.chain.assertNoop(phalaComputation.call('setBudgetSchedule', { schedule: { ...SCHEDULE, ...change } }), ROOT, 'PhalaComputation.InvalidBudgetSchedule')
    bed.chain.assertOk(phalaComputation.call('setBudgetSchedule', { schedule: undefined }), ROOT)
    expect(storage.budgetSchedule.has(bed.chain.ctx)).toBe(false)
    expect(bed.names()).toEqual(['BudgetScheduleChanged', 'BudgetScheduleChanged'])
  })
})

describe('computation.setExpectedHeartbeatCount', () => {
  test('sets the aim within reason', () => {
    bed.chain.assertOk(phalaComputation.call('setExpectedHeartbeatCount', { count: 5 }), ROOT)
    expect(storage.expectedHeartbeatCount.get(bed.chain.ctx)).toBe(5)
    for (const count of [0, 10_001]) bed.chain.assertNoop(phalaComputation.call('setExpectedHeartbeatCount', { count }), ROOT, 'PhalaComputation.InvalidHeartbeatTarget')
  })
})

describe('genesis', () => {
  test('tells the gatekeepers the parameters in block 1', () => {
    const queued = storage.tokenomicParameters.get(bed.chain.ctx)
    expect(fixed.toInteger(queued?.budgetPerBlock ?? 0n)).toBe(100n)
    expect(storage.heartbeatPaused.get(bed.chain.ctx)).toBe(false)
  })

  test.each<[string, object]>([
    ['tokenomic', { tokenomic: { slashRate: '2' } }], ['tokenomic', { tokenomic: { rho: '0.5' } }], ['budgetSchedule', { budgetSchedule: { factor: '2' } }],
  ])('refuses absurd %s', (_field, genesis) => expect(() => createComputationTestbed(crypto, { genesis })).toThrowError(expect.objectContaining({ code: 'CHAIN_SPEC_INCONSISTENT' })))

  test.each([[{ tokenomic: { rho: 'x' } }], [{ tokenomic: { rho: 1 } }], [{ blockTimeSec: 0 }], [{ slash: { intervalBlocks: 0 } }]])('refuses %j', (genesis) =>
    expect(() => createComputationTestbed(crypto, { genesis })).toThrowError(expect.objectContaining({ code: 'CHAIN_SPEC_MALFORMED' })))
})
