import { AppError } from '@phalanx/primitives/errors'
import { expect, test } from 'vitest'
import { silentLogger } from '@phalanx/primitives/ports'
import { constantRandom, createFakeClock } from '../testing.ts'
import type { Subscription } from '../transport.ts'
import { waitForState } from './wait.ts'

/** A chain whose blocks the test makes; counts who follows. */
const fakeChain = () => {
  const listeners = new Set<(number: number) => void>()
  const followFinalized = (next: (number: number) => void): Promise<Subscription> => {
    listeners.add(next)
    return Promise.resolve({ unsubscribe: () => listeners.delete(next) })
  }
  const rpc = { url: 'ws://node', onConnection: () => () => true, onClose: () => () => true }
  return { rpc, followFinalized, listeners, block: (number: number) => listeners.forEach((next) => next(number)) }
}
const set = () => {
  const clock = createFakeClock()
  return { chain: fakeChain(), clock, surroundings: { clock, random: constantRandom(), logger: silentLogger } }
}
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

test('looks at once, then after each block, and follows no longer than it must', async () => {
  const { chain, surroundings } = set()
  let looks = 0
  const waiting = waitForState({ chain, surroundings, what: 'it', timeoutMs: 1000, find: () => Promise.resolve(++looks === 3 ? 'found' : undefined) })
  await settled()
  expect(looks).toBe(1)
  chain.block(1)
  await settled()
  chain.block(2)
  expect(await waiting).toBe('found')
  await settled()
  expect(chain.listeners.size).toBe(0)
  chain.block(3)
  expect(looks).toBe(3)
})

test('looks again, but one look at a time, where blocks come while it looks', async () => {
  const { chain, surroundings } = set()
  const open: ((value: string | undefined) => void)[] = []
  const waiting = waitForState({ chain, surroundings, what: 'it', timeoutMs: 1000, find: () => new Promise<string | undefined>((resolve) => open.push(resolve)) })
  await settled()
  chain.block(1)
  chain.block(2)
  await settled()
  expect(open).toHaveLength(1)
  open[0]?.(undefined)
  await settled()
  expect(open).toHaveLength(2)
  open[1]?.('found')
  expect(await waiting).toBe('found')
})

test('gives up in time, and passes on what goes wrong', async () => {
  const { chain, clock, surroundings } = set()
  const codeOf = (promise: Promise<unknown>) => promise.then(() => 'none', (error: unknown) => (error instanceof AppError ? error.code : 'another'))
  const late = codeOf(waitForState({ chain, surroundings, what: 'it', timeoutMs: 50, find: () => Promise.resolve(undefined) }))
  const failing = codeOf(waitForState({ chain, surroundings, what: 'it', timeoutMs: 50, find: () => Promise.reject(new AppError('SDK_CLIENT_CLOSED', { url: '' })) }))
  await settled()
  clock.advance(50)
  expect([await late, await failing]).toEqual(['SDK_WAIT_TIMEOUT', 'SDK_CLIENT_CLOSED'])
  expect(chain.listeners.size).toBe(0)
})
