import { AppError } from '@phalanx/primitives/errors'
import { silentLogger } from '@phalanx/primitives/ports'
import { describe, expect, test } from 'vitest'
import { createTestClock, type TestClock } from '../testing.ts'
import { createEmbeddedEngine, type Sealing } from './embedded.ts'
import type { Executor } from './engine.ts'

interface Rig {
  readonly clock: TestClock
  readonly engine: ReturnType<typeof createEmbeddedEngine>
  /** Times of the blocks, relative to the start. */
  readonly times: number[]
  readonly order: string[]
  waiting: number
  fail: Error | undefined
  fatal: unknown
}

const START = 1_000_000

const start = async (sealing: Sealing, isAuthority = true): Promise<Rig> => {
  const clock = createTestClock(START)
  const rig: Rig = { clock, engine: undefined as never, times: [], order: [], waiting: 0, fail: undefined, fatal: undefined }
  let last = { number: 0, hash: new Uint8Array(32), timeMs: 0n }
  const executor: Executor = {
    last: () => last,
    isAuthority: () => isAuthority,
    async propose({ timeMs }) {
      if (rig.fail !== undefined) throw rig.fail
      rig.order.push('propose')
      return { number: last.number + 1, timeMs, extrinsics: [] }
    },
    accept: () => Promise.resolve(true),
    async execute(block) {
      rig.order.push('execute')
      last = { number: block.number, hash: new Uint8Array(32), timeMs: block.timeMs }
      return { number: block.number, hash: last.hash, stateRoot: last.hash, results: [] }
    },
    async commit() {
      rig.order.push('commit')
      rig.times.push(clock.nowMs() - START)
      rig.waiting = 0
    },
    async attest() {
      rig.order.push('attest')
      return undefined
    },
    checkAttestation: () => true,
    async finalise() {
      rig.order.push('finalise')
    },
  }
  const engine = createEmbeddedEngine({ sealing }, { clock, logger: silentLogger, hasTransactions: () => rig.waiting > 0, onFatal: (error) => (rig.fatal = error) })
  Object.assign(rig, { engine })
  await engine.start(executor)
  return rig
}

describe('embedded engine', () => {
  test('seals at its interval, attesting only after the commit', async () => {
    const rig = await start({ kind: 'interval', blockTimeMs: 1000 })
    await rig.clock.advance(3500)
    expect(rig.times).toEqual([50, 1050, 2050, 3050])
    expect(rig.order.slice(0, 5)).toEqual(['propose', 'execute', 'commit', 'attest', 'finalise'])
  })
  test('does not make up for time that it missed', async () => {
    const rig = await start({ kind: 'interval', blockTimeMs: 1000 })
    await rig.clock.advance(60)
    // The process sleeps for a minute: the clock jumps, the one timer fires late and once.
    rig.clock.jump(60_000)
    await rig.clock.advance(999)
    expect(rig.times).toEqual([50, 60_060])
  })
  test('in dev mode seals at once for transactions, at least 50 ms apart, and idles otherwise', async () => {
    const rig = await start({ kind: 'dev', blockTimeMs: 1000 })
    await rig.clock.advance(60)
    rig.waiting = 1
    rig.engine.onTransaction()
    await rig.clock.advance(100)
    rig.waiting = 1
    rig.engine.onTransaction()
    rig.engine.onTransaction()
    await rig.clock.advance(5)
    expect(rig.times).toEqual([50, 100, 160])
    await rig.clock.advance(1100)
    expect(rig.times).toEqual([50, 100, 160, 1160])
  })
  test('while eager seals every 50 ms', async () => {
    const rig = await start({ kind: 'dev', blockTimeMs: 1000 })
    rig.engine.setEager(true)
    await rig.clock.advance(200)
    rig.engine.setEager(false)
    await rig.clock.advance(500)
    expect(rig.times).toEqual([0, 50, 100, 150, 200])
  })
  test('in instant mode seals for transactions and sends a heartbeat', async () => {
    const rig = await start({ kind: 'instant' })
    await rig.clock.advance(1000)
    rig.waiting = 1
    rig.engine.onTransaction()
    await rig.clock.advance(30_000)
    expect(rig.times).toEqual([50, 1000, 21_000])
  })
  test('in manual mode seals on request only, several requests one after another', async () => {
    const rig = await start({ kind: 'manual' })
    await rig.clock.advance(100_000)
    expect(rig.times).toEqual([])
    expect(await Promise.all([rig.engine.seal(), rig.engine.seal(), rig.engine.seal()])).toEqual([1, 2, 3])
  })
  test('goes on after a failure that is not the disk', async () => {
    const rig = await start({ kind: 'interval', blockTimeMs: 1000 })
    rig.fail = new RangeError('x')
    await rig.clock.advance(2000)
    expect(rig.engine.health().lastError).toBe('x')
    rig.fail = undefined
    await rig.clock.advance(4000)
    expect(rig.times.length).toBeGreaterThan(0)
    expect(rig.engine.health().lastError).toBeUndefined()
    expect(rig.fatal).toBeUndefined()
  })
  test('stops for good when the disk fails', async () => {
    const rig = await start({ kind: 'interval', blockTimeMs: 1000 })
    rig.fail = new AppError('STORAGE_WRITE_FAILED', { reason: 'full' })
    await rig.clock.advance(5000)
    expect(rig.fatal).toMatchObject({ code: 'STORAGE_WRITE_FAILED' })
    expect(rig.clock.timers).toBe(0)
    await expect(rig.engine.seal()).rejects.toMatchObject({ code: 'ENGINE_STOPPED' })
  })
  test('does not author without the key', async () => {
    const rig = await start({ kind: 'interval', blockTimeMs: 1000 }, false)
    await rig.clock.advance(5000)
    expect(rig.times).toEqual([])
    expect(rig.engine.health().isAuthoring).toBe(false)
    await expect(rig.engine.seal()).rejects.toMatchObject({ code: 'ENGINE_NOT_AUTHOR' })
  })
  test('stops: no timer is left', async () => {
    const rig = await start({ kind: 'dev', blockTimeMs: 1000 })
    await rig.clock.advance(60)
    await rig.engine.stop()
    expect(rig.clock.timers).toBe(0)
    await expect(rig.engine.seal()).rejects.toMatchObject({ code: 'ENGINE_STOPPED' })
  })
})
