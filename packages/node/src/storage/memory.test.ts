import { expect, test } from 'vitest'
import { describeKv } from './kv-compliance.ts'
import { createMemoryDisk } from './memory.ts'

describeKv('memory', async () => {
  const disk = createMemoryDisk()
  const kv = disk.open()
  return {
    kv,
    reopen: async () => {
      await kv.close()
      return disk.open()
    },
  }
})

const change = (byte: number) => [{ key: Uint8Array.of(byte), value: Uint8Array.of(byte) }]

test('a crash loses what was not synced, or keeps it whole, in order', async () => {
  const syncs: (() => void)[] = []
  const disk = createMemoryDisk({ sync: (complete) => void syncs.push(complete) })
  const kv = disk.open()
  const first = kv.write(change(1))
  syncs.shift()?.()
  await first
  const second = kv.write(change(2))
  const third = kv.write(change(3))
  expect(kv.get(Uint8Array.of(3))).toBeDefined()
  expect(disk.unsynced).toBe(2)
  const outcomes = Promise.allSettled([second, third])
  disk.crash(1)
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  const after = disk.open()
  expect([1, 2, 3].map((byte) => after.get(Uint8Array.of(byte)) !== undefined)).toEqual([true, true, false])
})

test('a disk that drops syncs loses what it said was written', async () => {
  const disk = createMemoryDisk({ sync: () => undefined, dropsSync: true })
  await disk.open().write(change(1))
  disk.crash()
  expect(disk.open().get(Uint8Array.of(1))).toBeUndefined()
})

test('is opened by one at a time', () => {
  const disk = createMemoryDisk()
  disk.open()
  expect(() => disk.open()).toThrow(expect.objectContaining({ code: 'STORAGE_LOCKED' }))
})
