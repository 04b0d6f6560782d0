import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { platformTable, simulatedPlatform } from '@phalanx/worker/platform/table'
import { runCli } from './testing.ts'

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'phalanx-platforms-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('phalanx worker --platform', () => {
  test('names every platform in its help', async () => {
    const { stdout } = await runCli(['worker', '--help'])
    for (const { name, summary } of platformTable) expect(stdout).toMatch(new RegExp(`${name} +${summary.slice(0, 20)}`))
  })

  test('takes a family for simulated machines only, and only one that there is', async () => {
    const code = async (...args: readonly string[]): Promise<unknown> => (JSON.parse((await runCli([...args, '--json'])).stdout) as { code?: unknown }).code
    const real = platformTable.find(({ families }) => families === undefined)?.name ?? ''
    expect(await code('worker', '--base-path', join(folder, 'family'), '--platform', real, '--family', simulatedPlatform.families[1])).toBe('CLI_USAGE')
    expect(await code('worker', '--base-path', join(folder, 'family'), '--family', 'moon')).toBe('CLI_OPTION_INVALID')
    expect(await code('dev', '--families', `${simulatedPlatform.families[0]},moon`)).toBe('CLI_OPTION_INVALID')
  })

  // No machine that runs these tests is an enclave, a confidential guest or a dstack guest.
  test.each(platformTable.slice(1).map(({ name }) => name))('%s on a machine without it says what is missing, and frees its folder', async (name) => {
    const basePath = join(folder, name)
    for (let attempt = 0; attempt < 2; attempt++) {
      const { exitCode, stdout } = await runCli(['worker', '--base-path', basePath, '--platform', name, '--port', '0', '--json', '--log-level', 'silent'])
      expect(exitCode).toBe(1)
      expect(JSON.parse(stdout)).toMatchObject({ event: 'error', code: 'PLATFORM_DEVICE_FAILED', cause: expect.stringContaining('ENOENT'), fix: expect.stringContaining(`phalanx doctor --platform ${name}`) })
    }
  })
})
