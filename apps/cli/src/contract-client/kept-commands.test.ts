import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { codeOf } from '@phalanx/primitives/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findCommandKey, folderBeside, keepCommandKey } from './kept-commands.ts'

const fill = (byte: number, length = 32): Uint8Array => new Uint8Array(length).fill(byte)
const key = { commandHash: fill(1), own: { secret: fill(2, 64), publicKey: fill(3) }, target: { epoch: 7n, genesis: fill(4), anchor: fill(5), publicKey: fill(6) } }

let folder = ''
beforeEach(() => void (folder = join(mkdtempSync(join(tmpdir(), 'phalanx-kept-')), 'commands')))
afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }))

describe('the key of a command', () => {
  test('is kept for its owner alone and found by the command\'s hash', () => {
    const path = keepCommandKey(folder, key)
    expect([statSync(path).mode & 0o777, statSync(folder).mode & 0o777]).toEqual([0o600, 0o700])
    expect(findCommandKey(folder, key.commandHash)).toEqual(key)
    expect(findCommandKey(folder, fill(9))).toBeUndefined()
    expect(codeOf(() => keepCommandKey(folder, key))).toBe('CLI_FILE_EXISTS')
  })

  test('is refused where its file was altered', () => {
    const path = keepCommandKey(folder, key)
    const whole = readFileSync(path, 'utf8')
    const changed = [
      '', '{', '[]', whole.replace('"format": 1', '"format": 2'), whole.replace('"epoch": "7"', '"epoch": 7'), whole.replace('"secret": "0x', '"secret": "0xz'),
      whole.replace(/"anchor": "0x/, '"other": "0x'), whole.replace(/"commandHash": "0x01/, '"commandHash": "0x02'),
    ]
    for (const text of changed) {
      writeFileSync(path, text)
      expect([text, codeOf(() => findCommandKey(folder, key.commandHash))]).toEqual([text, 'CLI_COMMAND_KEY_MALFORMED'])
    }
  })

  test('stands beside the metadata where nothing else is said, and says so when it cannot', () => {
    expect(folderBeside(join('a', 'auction.json'))).toBe(join('a', 'commands'))
    keepCommandKey(folder, key)
    const [file = ''] = readdirSync(folder)
    expect(codeOf(() => keepCommandKey(join(folder, file), key))).toBe('CLI_FILE_UNWRITABLE')
  })
})
