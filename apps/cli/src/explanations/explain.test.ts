import { toHex } from '@phalanx/primitives/bytes'
import { encodeSs58 } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bits, createEconomyRig, type EconomyRig } from '../economy-rig.ts'
import { runCli } from '../testing.ts'

const crypto = await loadCrypto()
const UNIT = 10n ** 12n
let rig: EconomyRig
let started = 0
beforeAll(async () => {
  rig = await createEconomyRig(crypto)
  started = rig.node.head().number
})
afterAll(() => rig.stop())

const words = async (...args: readonly string[]): Promise<string> => {
  const { exitCode, stdout, stderr } = await runCli([...args, '--node', rig.url])
  expect([exitCode, stderr]).toEqual([0, ''])
  return stdout
}
const json = async (...args: readonly string[]): Promise<any> => JSON.parse((await runCli([...args, '--node', rig.url, '--json'])).stdout)
const codeOf = async (...args: readonly string[]): Promise<unknown> => ((await json(...args)) as { code?: unknown }).code
const address = (): string => encodeSs58(crypto, { prefix: 30, payload: rig.owner })
const rewards = (...args: readonly string[]) => ['rewards', '--from', String(started + 1), ...args] as const

describe('phalanx rewards and explain, over a run with payouts, silence and a slash', () => {
  const blocks: number[] = []
  beforeAll(async () => {
    const paid = { pubkey: rig.worker, v: bits(2660n), payout: bits(80n, 1n), treasury: bits(20n) }
    blocks.push(await rig.settle({ settle: [paid] }))
    await rig.block()
    blocks.push(await rig.settle({ settle: [{ ...paid, payout: bits(7n), v: bits(2655n) }] }))
    await rig.block()
    blocks.push(await rig.settle({ settle: [{ ...paid, payout: bits(2n) }], timestampMs: 1n }))
    blocks.push(await rig.settle({ settle: [{ ...paid, payout: bits(3n), treasury: bits(1_000_000n) }] }))
    blocks.push(await rig.settle({ offline: [rig.worker] }))
    blocks.push(await rig.block({ pallet: 'PhalaStakePoolv2', name: 'claimOwnerRewards', args: { pid: 0n, target: rig.owner } }))
    const session = (await json('explain', 'worker', toHex(rig.worker))).explanation.session as string
    blocks.push(await rig.block(rig.asRoot({ pallet: 'PhalaComputation', name: 'slashSession', args: { session: Uint8Array.from(Buffer.from(session.slice(2), 'hex')), level: 2 } })))
  })

  test('a worker\'s statement has every payout and slash, and the chain counted the same', async () => {
    const told = await json(...rewards('--worker', toHex(rig.worker)))
    expect(told.rows.map((row: any) => [row.block, row.event.split('.')[1]])).toEqual([
      [blocks[0], 'SessionSettled'], [blocks[1], 'SessionSettled'], [blocks[2], 'SessionSettlementDropped'], [blocks[3], 'InternalErrorWorkerSettleFailed'],
      [blocks[4], 'WorkerEnterUnresponsive'], [blocks[6], 'SessionSlashed'],
    ])
    // 80.001 PHA in fixed point is a planck less.
    expect(told.rows.map((row: any) => row.payout)).toEqual(['80000999999999', (7n * UNIT).toString(), (2n * UNIT).toString(), (3n * UNIT).toString(), undefined, undefined])
    expect(BigInt(told.totals.payout)).toBe(BigInt(told.countedByChain) + BigInt(told.paidUncounted))
    expect(told.paidUncounted).toBe((2n * UNIT).toString())
    expect(told.totals.slashed).toBe((20n * UNIT).toString())
    expect(told.rows[0]).toMatchObject({ v: '2660.000000000000' })
  })

  test('a pool\'s statement divides the same payouts between owner and delegators, to the planck', async () => {
    const [worker, pool] = [await json(...rewards('--worker', toHex(rig.worker))), await json(...rewards('--pool', '0'))]
    expect(pool.rows.map((row: any) => row.event)).toEqual([
      ...Array<string>(4).fill('PhalaStakePoolv2.RewardReceived'), 'PhalaStakePoolv2.OwnerRewardsWithdrawn', 'PhalaStakePoolv2.PoolSlashed',
    ])
    expect(BigInt(pool.totals.toOwner) + BigInt(pool.totals.toStakers)).toBe(BigInt(worker.totals.payout))
    expect(pool.totals).toMatchObject({ withdrawn: pool.totals.toOwner, slashed: (20n * UNIT).toString() })
  })

  test('ranges add up: two halves have what the whole has', async () => {
    const whole = await json(...rewards('--pool', '0', '--to', String(blocks[6])))
    const halves = [await json('rewards', '--pool', '0', '--from', '0', '--to', String(blocks[0])), await json('rewards', '--pool', '0', '--from', String((blocks[0] ?? 0) + 1), '--to', String(blocks[6]))]
    for (const name of ['toOwner', 'toStakers', 'slashed']) expect(halves.reduce((sum, half) => sum + BigInt(half.totals[name]), 0n)).toBe(BigInt(whole.totals[name]))
  })

  test('prints a table, and CSV with one line per event and a total', async () => {
    expect(await words(...rewards('--worker', toHex(rig.worker)))).toContain('The chain counted the same for its session. 2.000000000000 PHA were paid')
    const lines = (await words(...rewards('--pool', '0', '--csv'))).trim().split('\n')
    expect(lines[0]).toBe('block,time,event,payout_planck,toOwner_planck,toStakers_planck,withdrawn_planck,slashed_planck,dismissed_planck,owed_planck,v_pha,note')
    expect(lines).toHaveLength(8)
    expect(lines.at(-1)).toMatch(/,total,0,9\d+,/)
    expect(await words('rewards', '--pool', '0', '--from', '0', '--to', '1')).toContain('Nothing was paid or taken.')
  })

  test('shows progress on a terminal only', async () => {
    const { stderr } = await runCli([...rewards('--pool', '0'), '--node', rig.url], { isTerminal: true })
    expect(stderr).toContain('\r')
  })

  test.each([
    [['--pool', '0', '--from', '9', '--to', '3'], 'CLI_RANGE_INVALID'], [['--pool', '0', '--from', '1', '--to', '99999'], 'CLI_RANGE_INVALID'],
    [['--pool', '7', '--from', '1'], 'CLI_NOT_ON_CHAIN'], [['--worker', `0x${'11'.repeat(32)}`, '--from', '1'], 'CLI_NOT_ON_CHAIN'],
    [['--from', '1'], 'CLI_USAGE'], [['--pool', '0', '--worker', `0x${'11'.repeat(32)}`, '--from', '1'], 'CLI_USAGE'], [['--pool', '0'], 'CLI_USAGE'], [['--pool', '-1', '--from', '1'], 'CLI_OPTION_INVALID'],
  ])('rewards %j is refused with %s', async (args, code) => {
    expect(await codeOf('rewards', ...args)).toBe(code)
  })

  test('explains a silent worker: since when, for which challenge, what V is made of', async () => {
    const text = await words('explain', 'worker', toHex(rig.worker))
    expect(text).toMatch(new RegExp(`unresponsive since block \\d+: the challenge of block \\d+ was not answered within 10 blocks`))
    expect(text).toContain('its stake is safe, because it hosts no contracts')
    expect(text).toContain('V is 2660.000000 PHA')
    expect(text).toContain('At stake now: 1980.000000 PHA')
    expect(text).toContain('Stake slashed in this run: 20.000000000000 PHA')
  })

  test('explains the next payout by its inputs once the worker is back', async () => {
    await rig.settle({ recoveredToOnline: [rig.worker] })
    const { explanation, text } = await json('explain', 'worker', toHex(rig.worker))
    expect(explanation).toMatchObject({ pubkey: toHex(rig.worker), payout: { payingWorkers: 1 }, info: { state: { kind: 'WorkerIdle' } } })
    expect(text.join('\n')).toMatch(/Next payout, with its next answered challenge: 80\.\d+ PHA per block|Next payout, with its next answered challenge: 79\.9/)
    expect(await codeOf('explain', 'worker', `0x${'22'.repeat(32)}`)).toBe('CLI_NOT_ON_CHAIN')
    expect(await codeOf('explain', 'worker', '0x22')).toBe('CLI_OPTION_INVALID')
  })

  test('explains stake: what it is worth, what waits, since when and until when', async () => {
    const before = await json('explain', 'stake', address())
    expect(before.explanation.positions).toHaveLength(1)
    const worth = BigInt(before.explanation.positions[0].value)
    expect(worth).toBeGreaterThan(10_058n * UNIT)
    await rig.block({ pallet: 'PhalaStakePoolv2', name: 'withdraw', args: { pid: 0n, shares: 9_500n * UNIT, asVault: undefined } })
    const { explanation } = await json('explain', 'stake', address(), '--pool', '0')
    expect(explanation.requests).toHaveLength(1)
    const [waiting] = explanation.requests
    expect(BigInt(waiting.forcedAt) - BigInt(waiting.startTime)).toBe(604_800n)
    const text = await words('explain', 'stake', address())
    expect(text).toMatch(/Waiting in pool 0 since 2023-11-\d\dT[\d:]+Z/)
    expect(text).toMatch(/PHA are missing now/)
    expect(text).toMatch(/Its grace period ends at [\dT:-]+Z, in 7 d 0 h/)
    expect(text).toContain('It owns pool 0, which owes it')
    expect(await words('explain', 'stake', address(), '--pool', '5')).toContain('It has nothing in pool 5.')
    expect(await codeOf('explain', 'stake', '5Grw')).toBe('CRYPTO_INVALID_ADDRESS')
  })

  test('explains a balance: deposits, what they are for, and how to have them back; the list adds up', async () => {
    expect(await words('explain', 'balance', `0x${'33'.repeat(32)}`)).toContain('Nothing is locked.\nNothing is reserved.')
    await rig.block(
      { pallet: 'Proxy', name: 'addProxy', args: { delegate: { kind: 'Id', value: rig.worker }, proxyType: { kind: 'Any' }, delay: 0 } },
      { pallet: 'Preimage', name: 'notePreimage', args: { bytes: Uint8Array.of(1, 2, 3) } },
    )
    const { explanation } = await json('explain', 'balance', address())
    expect(explanation.keepers.map((one: any) => one.kind).sort()).toEqual(['Preimage', 'Proxies'])
    expect(explanation.keepers.reduce((sum: bigint, one: any) => sum + BigInt(one.value.amount), 0n)).toBe(BigInt(explanation.reserved))
    expect(explanation.unexplained).toBe('0')
    const text = await words('explain', 'balance', address())
    expect(text).toContain('for 1 proxies. Proxy.remove_proxy')
    expect(text).toContain('Preimage.unnote_preimage frees it now')
    expect(text).toContain('Wrapped and delegated:')
  })
})
