/** An unmodified `@polkadot/api` watches a development network earn, fall silent, lose V by the formula and recover; then the network goes on after a restart. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiPromise, WsProvider } from '@polkadot/api'
import { createClient } from 'polkadot-api'
import { getWsProvider } from 'polkadot-api/ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startNetwork, WebSocketClass, type Line, type Network } from './network.ts'

const PATIENCE_MS = 120_000
/** Shorter blocks than people watch: the same economy, told in blocks. */
const ARGS = ['--block-time', '500']
const FRACTION_BITS = 64n
const DECIMALS = 10n ** 20n

let network: Network
let api: ApiPromise
let basePath: string
let computing: Line
/** Every event of the economy since the connection, in order. */
const events: { readonly name: string; readonly data: Record<string, string> }[] = []
const listeners = new Set<() => void>()

const connect = async (): Promise<ApiPromise> => ApiPromise.create({ provider: new WsProvider(network.rpc) as never, noInitWarn: true })

const query = async (pallet: string, item: string, ...args: unknown[]): Promise<any> => (await api.query[pallet]![item]!(...args)).toJSON()

/** The first event after `from` that fits, now or later. */
const eventAfter = (from: number, name: string, fits: (data: Record<string, string>) => boolean = () => true): Promise<Record<string, string>> =>
  new Promise((done) => {
    const look = (): void => {
      const found = events.slice(from).find((one) => one.name === name && fits(one.data))
      if (found === undefined) return
      listeners.delete(look)
      done(found.data)
    }
    listeners.add(look)
    look()
  })

const sessionOf = (worker: string): Promise<string> => query('phalaComputation', 'workerBindings', worker)

beforeAll(async () => {
  basePath = await mkdtemp(join(tmpdir(), 'phalanx-e2e-economy-'))
  network = await startNetwork({ basePath, args: ARGS })
  computing = await network.next('computing')
  api = await connect()
  await api.query['system']!['events']!((records: any) => {
    for (const { event } of records) {
      const data = Object.fromEntries(event.data.names?.map((name: string, i: number) => [name, event.data[i].toString()]) ?? [])
      events.push({ name: `${event.section}.${event.method}`, data })
    }
    for (const look of [...listeners]) look()
  })
}, PATIENCE_MS)

afterAll(async () => {
  await api?.disconnect()
  await network?.stop()
  if (basePath !== undefined) await rm(basePath, { recursive: true, force: true, maxRetries: 5 })
})

test('a gatekeeper, none of the workers, holds the master key, and every worker computes in the pool', async () => {
  const identities = network.workers.map(({ identity }) => identity)
  const gatekeepers = computing['gatekeepers'] as string[]
  expect(computing['elapsedMs']).toBeGreaterThan(network.elapsedMs)
  expect(gatekeepers).toHaveLength(1)
  expect(identities).not.toContain(gatekeepers[0])
  expect(await query('phalaRegistry', 'gatekeeper')).toEqual(gatekeepers)
  expect(await query('phalaRegistry', 'gatekeeperMasterPubkey')).toMatch(/^0x[0-9a-f]{64}$/)
  const pool = await query('phalaBasePool', 'pools', computing['pool'])
  expect([...pool.stakePool.workers].sort()).toEqual([...identities].sort())
  for (const identity of identities) expect((await query('phalaComputation', 'sessions', await sessionOf(identity))).state).toBe('WorkerIdle')
  expect(await query('phalaComputation', 'onlineWorkers')).toBe(identities.length)
})

test('workers answer challenges, are paid, and their pool is worth more', { timeout: PATIENCE_MS }, async () => {
  const valueOf = async (): Promise<bigint> => BigInt((await query('phalaBasePool', 'pools', computing['pool'])).stakePool.basepool.totalValue)
  const before = await valueOf()
  const from = events.length
  const settled = await eventAfter(from, 'phalaComputation.SessionSettled', ({ payoutBits }) => BigInt(payoutBits ?? 0) > 0n)
  const received = await eventAfter(from, 'phalaStakePoolv2.RewardReceived')
  expect(received['pid']).toBe(String(computing['pool']))
  const session = await query('phalaComputation', 'sessions', settled['session'])
  expect(BigInt(session.stats.totalReward)).toBeGreaterThan(0n)
  expect(await valueOf()).toBeGreaterThanOrEqual(before + BigInt(received['toStakers'] ?? 0))
  // The first heartbeat of a session only begins the measuring of P.
  await eventAfter(0, 'phalaComputation.BenchmarkUpdated', ({ pInstant }) => Number(pInstant) > 0)
})

test('PAPI reads the same sessions', async () => {
  const client = createClient(getWsProvider(network.rpc, { websocketClass: WebSocketClass }))
  const entries = (await client.getUnsafeApi().query['PhalaComputation']!['Sessions']!.getEntries()) as unknown as { value: { state: { type: string } } }[]
  expect(entries.map(({ value }) => value.state.type)).toEqual(network.workers.map(() => 'WorkerIdle'))
  client.destroy()
})

/** Contracts that run in the cluster of a worker, as the chain has them. */
const hostedBy = async (worker: string): Promise<readonly string[]> => query('phalaPhatContracts', 'clusterContracts', await query('phalaPhatContracts', 'clusterByWorkers', worker))

/** Seconds after which the published share of a stake is exactly this amount; undefined when no number of them is. */
const slashedSeconds = (stake: bigint, amount: bigint): bigint | undefined => {
  const [shareOfHour, hour] = [1_000n, 3_600n * 1_000_000n]
  for (let seconds = 1n; seconds < 600n; seconds++) if ((stake * shareOfHour * seconds) / hour === amount) return seconds
  return undefined
}

/** Bits of a 64.64 number from all its digits. */
const toBits = (text: string): bigint => {
  const [whole = '0', fraction = '0'] = text.split('.')
  const scaled = BigInt(whole) * DECIMALS + BigInt(fraction.padEnd(20, '0'))
  return ((scaled << FRACTION_BITS) + DECIMALS - 1n) / DECIMALS
}

test('a worker taken off becomes unresponsive within the window, loses V at the published rate to the last bit and, hosting a contract, stake, and recovers when it answers', { timeout: PATIENCE_MS }, async () => {
  const { slashRate, heartbeatWindow } = await query('phalaComputation', 'tokenomicParameters')
  const rate = BigInt(slashRate)
  // 0.1 % per hour, in blocks that count as a second.
  expect(rate).toBe(((1n << FRACTION_BITS) / 1000n) / 3600n)
  const { contract } = await network.next('deployed')
  expect(await hostedBy(network.workers.at(-1)?.identity ?? '')).toContain(contract)
  const start = events.length
  network.signal('SIGUSR2')
  const worker = (await network.next('offline'))['worker'] as string
  expect(worker).toBe(network.workers.at(-1)?.identity)
  const session = await sessionOf(worker)
  const isOurs = (data: Record<string, string>): boolean => data['session'] === api.registry.createType('AccountId32', session).toString()

  let stake = BigInt(await query('phalaComputation', 'stakes', session))
  await eventAfter(start, 'phalaComputation.WorkerEnterUnresponsive', isOurs)
  const first = await network.next('unresponsive')
  const { missedChallenge, unresponsiveSince } = await query('phalaComputation', 'sessionRuns', session)
  expect((await query('phalaComputation', 'sessions', session)).state).toBe('WorkerUnresponsive')
  expect(unresponsiveSince - missedChallenge).toBe(heartbeatWindow + 1)
  expect(first).toMatchObject({ worker, missedChallenge })

  const slash = (v: bigint): bigint => v - ((v * rate) >> FRACTION_BITS)
  let v = toBits(first['v'] as string)
  let steps = 0
  const fallTo = (next: bigint): void => {
    const limit = steps + 1_000
    for (; v > next && steps < limit; steps++) v = slash(v)
    expect(v).toBe(next)
  }
  for (let i = 0; i < 3; i++) fallTo(toBits((await network.next('penalty'))['v'] as string))
  expect(steps).toBeGreaterThanOrEqual(3)

  const back = events.length
  network.signal('SIGUSR2')
  await network.next('online')
  await eventAfter(back, 'phalaComputation.WorkerExitUnresponsive', isOurs)
  await network.next('recovered')
  // What it is paid next gives up the growth since: V is what the silence left.
  const settled = await eventAfter(events.findLastIndex(({ name }) => name === 'phalaComputation.WorkerExitUnresponsive'), 'phalaComputation.SessionSettled', isOurs)
  fallTo(BigInt(settled['vBits'] as string))
  expect((await query('phalaComputation', 'sessions', session)).state).toBe('WorkerIdle')
  // Every slash is the published share of what was left, taken from the pool.
  const slashes = events.slice(start).filter(({ name, data }) => name === 'phalaComputation.SessionSlashed' && isOurs(data)).map(({ data }) => BigInt(data['amount'] ?? 0))
  expect(slashes.length).toBeGreaterThan(0)
  for (const amount of slashes) {
    expect(slashedSeconds(stake, amount)).toBeDefined()
    stake -= amount
  }
  expect(BigInt(await query('phalaComputation', 'stakes', session))).toBe(stake)
  const ofPool = events.slice(start).filter(({ name }) => name === 'phalaStakePoolv2.PoolSlashed').map(({ data }) => BigInt(data['amount'] ?? 0))
  expect(ofPool).toEqual(slashes)
  const head = (await api.rpc.chain.getHeader()).number.toNumber()
  expect(steps).toBeLessThan(head - unresponsiveSince)
})

test('a network that is started again goes on earning with the same gatekeeper and pool', { timeout: PATIENCE_MS }, async () => {
  await api.disconnect()
  expect((await network.stop()).code).toBe(0)
  network = await startNetwork({ basePath, args: ARGS })
  const again = await network.next('computing')
  expect([again['gatekeepers'], again['pool']]).toEqual([computing['gatekeepers'], computing['pool']])
  const { worker, totalReward, amount } = (await network.next('earned')) as unknown as { worker: string; totalReward: string; amount: string }
  expect(network.workers.map(({ identity }) => identity)).toContain(worker)
  expect(BigInt(totalReward)).toBeGreaterThan(BigInt(amount))
})
