import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kv } from '@phalanx/primitives/ports'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { openDisk } from './disk.ts'
import { describeKv } from './kv-compliance.ts'

const folders: string[] = []
const freshFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'phalanx-disk-'))
  folders.push(folder)
  return folder
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

describeKv('disk', async () => {
  const folder = freshFolder()
  const kv = await openDisk({ folder })
  return {
    kv,
    reopen: async () => {
      await kv.close()
      return openDisk({ folder })
    },
  }
})

test('is opened by one at a time', async () => {
  const folder = freshFolder()
  const kv = await openDisk({ folder })
  await expect(openDisk({ folder })).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
  await kv.close()
  await (await openDisk({ folder })).close()
})

test('refuses a folder that cannot be one', async () => {
  const folder = join(freshFolder(), 'file')
  writeFileSync(folder, 'x')
  await expect(openDisk({ folder })).rejects.toMatchObject({ code: 'STORAGE_OPEN_FAILED' })
})

const fill = async (kv: Kv, count: number): Promise<void> => {
  for (let batch = 0; batch < count; batch++) {
    await kv.write(Array.from({ length: 20 }, (_, i) => ({ key: Uint8Array.of(batch, i), value: new Uint8Array(200).fill(batch + i + 1) })))
  }
}

/** Every file with its content, for comparing before and after. */
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(readdirSync(folder).filter((name) => name !== 'LOCK').map((name) => [name, createHash('sha256').update(readFileSync(join(folder, name))).digest('hex')]))

const fileOf = (folder: string, pattern: RegExp): string => {
  const name = readdirSync(folder).filter((one) => pattern.test(one)).sort().at(-1)
  if (name === undefined) throw new RangeError(`no file ${String(pattern)}`)
  return join(folder, name)
}

const flip = (file: string, where: number): void => {
  const bytes = readFileSync(file)
  const at = Math.floor(bytes.length * where)
  bytes[at] = (bytes[at] as number) ^ 0x55
  writeFileSync(file, bytes)
}

describe('a damaged database', () => {
  let folder: string
  beforeEach(async () => {
    folder = freshFolder()
    const kv = await openDisk({ folder })
    await fill(kv, 30)
    await kv.close()
    // Opening again turns the log into a table; then a new log grows.
    const again = await openDisk({ folder })
    await fill(again, 10)
    await again.close()
  })

  const damages: readonly (readonly [string, (folder: string) => string])[] = [
    ['a byte in the middle of the log', (at) => { const file = fileOf(at, /\.log$/); flip(file, 0.5); return file }],
    ['a byte in the last record of the log', (at) => { const file = fileOf(at, /\.log$/); flip(file, 0.99); return file }],
    ['the length of the last record but one', (at) => {
      const file = fileOf(at, /\.log$/)
      const bytes = readFileSync(file)
      const starts: number[] = []
      for (let start = 0; start + 7 < bytes.length && start < 32_768; start += 7 + bytes.readUInt16LE(start + 4)) starts.push(start)
      const start = starts.at(-2) as number
      bytes.writeUInt16LE(bytes.length - start, start + 4)
      writeFileSync(file, bytes)
      return file
    }],
    ['a byte in a table', (at) => { const file = fileOf(at, /\.ldb$/); flip(file, 0.3); return file }],
    ['the footer of a table', (at) => { const file = fileOf(at, /\.ldb$/); flip(file, 0.9999); return file }],
    ['a shortened table', (at) => { const file = fileOf(at, /\.ldb$/); truncateSync(file, 1000); return file }],
    ['a missing table', (at) => { const file = fileOf(at, /\.ldb$/); rmSync(file); return file }],
    ['a byte in the manifest', (at) => { const file = fileOf(at, /^MANIFEST/); flip(file, 0.4); return file }],
    ['a missing manifest', (at) => { const file = fileOf(at, /^MANIFEST/); rmSync(file); return file }],
    ['an overwritten CURRENT', (at) => { const file = join(at, 'CURRENT'); writeFileSync(file, 'garbage\n'); return file }],
    ['a missing CURRENT', (at) => { const file = join(at, 'CURRENT'); rmSync(file); return file }],
  ]
  test.each(damages)('is refused, named and kept: %s', async (_name, damage) => {
    const file = damage(folder)
    const before = contents(folder)
    await expect(openDisk({ folder })).rejects.toMatchObject({ code: 'STORAGE_CORRUPT', context: { file } })
    expect(contents(folder)).toEqual(before)
  })

  test('a log cut short in its last record opens without it', async () => {
    const file = fileOf(folder, /\.log$/)
    truncateSync(file, readFileSync(file).length - 10)
    const kv = await openDisk({ folder })
    expect(kv.get(Uint8Array.of(8, 0))).toBeDefined()
    await kv.close()
  })

  test('an undamaged one passes the same checks', async () => {
    const kv = await openDisk({ folder })
    expect(kv.get(Uint8Array.of(29, 19))).toBeDefined()
    await kv.close()
  })
})
