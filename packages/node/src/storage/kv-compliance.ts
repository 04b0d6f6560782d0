/** Owns what every `Kv` must do; each implementation's test runs it. */
import { bytesEqual, compareBytes } from '@phalanx/primitives/bytes'
import type { Kv } from '@phalanx/primitives/ports'
import { describe, expect, test } from 'vitest'

const key = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes)

const entries = async (kv: Kv, options: Parameters<Kv['range']>[0]): Promise<readonly (readonly [Uint8Array, Uint8Array])[]> => {
  const out: (readonly [Uint8Array, Uint8Array])[] = []
  for await (const entry of kv.range(options)) out.push(entry)
  return out
}

/** Runs the suite on stores made by `open`; `reopen` closes one and opens the same data again. */
export const describeKv = (name: string, open: () => Promise<{ readonly kv: Kv; readonly reopen: () => Promise<Kv> }>): void => {
  describe(`${name} as Kv`, () => {
    test('reads what a batch wrote and nothing else', async () => {
      const { kv } = await open()
      await kv.write([{ key: key(1), value: key(9, 9) }, { key: key(1, 0), value: key() }])
      expect([...(kv.get(key(1)) as Uint8Array)]).toEqual([9, 9])
      expect(kv.get(key(1, 0))?.length).toBe(0)
      expect(kv.get(key(2))).toBeUndefined()
      await kv.close()
    })
    test('later changes of one batch win and undefined deletes', async () => {
      const { kv } = await open()
      await kv.write([{ key: key(1), value: key(1) }, { key: key(2), value: key(2) }])
      await kv.write([{ key: key(1), value: key(3) }, { key: key(1), value: undefined }, { key: key(2), value: undefined }, { key: key(2), value: key(4) }])
      expect(kv.get(key(1))).toBeUndefined()
      expect([...(kv.get(key(2)) as Uint8Array)]).toEqual([4])
      await kv.close()
    })
    test('ranges are half open, ordered by bytes, reversible and limited', async () => {
      const { kv } = await open()
      const keys = [key(0), key(1), key(1, 0), key(1, 255), key(2), key(255)]
      await kv.write([...keys].reverse().map((one) => ({ key: one, value: one })))
      const found = await entries(kv, { from: key(1), to: key(2) })
      expect(found.map(([one]) => [...one])).toEqual([[1], [1, 0], [1, 255]])
      expect(found.every(([one, value]) => bytesEqual(one, value))).toBe(true)
      const backwards = await entries(kv, { from: key(0), to: key(255), reverse: true, limit: 2 })
      expect(backwards.map(([one]) => [...one])).toEqual([[2], [1, 255]])
      const all = await entries(kv, { from: key(), to: key(255, 255) })
      expect(all.every(([one], i) => i === 0 || compareBytes(all[i - 1]?.[0] ?? one, one) < 0)).toBe(true)
      await kv.close()
    })
    test('does not see later changes of the arrays it was given', async () => {
      const { kv } = await open()
      const value = key(5)
      await kv.write([{ key: key(1), value }])
      value[0] = 6
      expect([...(kv.get(key(1)) as Uint8Array)]).toEqual([5])
      await kv.close()
    })
    test('keeps everything across closing and opening', async () => {
      const { kv, reopen } = await open()
      await kv.write([{ key: key(7), value: new Uint8Array(100_000).fill(3) }])
      const again = await reopen()
      expect(again.get(key(7))?.every((byte) => byte === 3)).toBe(true)
      await again.close()
    })
    test('refuses work after closing', async () => {
      const { kv } = await open()
      await kv.close()
      expect(() => kv.get(key(1))).toThrow(expect.objectContaining({ code: 'STORAGE_CLOSED' }))
      await expect(kv.write([{ key: key(1), value: key(1) }])).rejects.toMatchObject({ code: 'STORAGE_CLOSED' })
    })
  })
}
