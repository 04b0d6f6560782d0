import { describe, expect, test } from 'vitest'
import { createVirtualClock } from './clock.ts'

describe('createVirtualClock', () => {
  test('timers fire by time, then by creation, and see their own time', async () => {
    const clock = createVirtualClock(1000)
    const seen: string[] = []
    clock.after(20, () => seen.push(`b${clock.nowMs()}`))
    clock.after(10, () => seen.push(`a${clock.nowMs()}`))
    clock.after(20, () => seen.push(`c${clock.nowMs()}`))
    await clock.run(1020)
    expect(seen).toEqual(['a1010', 'b1020', 'c1020'])
    expect(clock.nowMs()).toBe(1020)
  })

  test('a cancelled timer does not fire, promises settle before the next one', async () => {
    const clock = createVirtualClock(0)
    const seen: string[] = []
    const cancel = clock.after(5, () => seen.push('cancelled'))
    clock.after(1, () => {
      cancel()
      void Promise.resolve().then(() => Promise.resolve()).then(() => seen.push('settled'))
    })
    clock.after(2, () => seen.push('next'))
    await clock.run(10)
    expect(seen).toEqual(['settled', 'next'])
  })

  test('hundreds of timers come out in order', async () => {
    const clock = createVirtualClock(0)
    const seen: number[] = []
    for (let i = 0; i < 500; i++) clock.after((i * 7919) % 499, () => seen.push(clock.nowMs()))
    await clock.run(500)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen).toHaveLength(500)
  })

  test('runUntil stops at the condition or gives up at its limit', async () => {
    const clock = createVirtualClock(0)
    let count = 0
    const tick = (): void => { count++; clock.after(10, tick) }
    clock.after(10, tick)
    expect(await clock.runUntil(() => count === 3, 1000)).toBe(true)
    expect(clock.nowMs()).toBe(30)
    expect(await clock.runUntil(() => count === 1_000_000, 100)).toBe(false)
  })
})
