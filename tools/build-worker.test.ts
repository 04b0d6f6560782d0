import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { platformTable } from '@phalanx/worker/platform/table'
import { buildWorker } from '../apps/cli/bin/build-worker.mjs'

const root = resolve(import.meta.dirname, '..')
const run = promisify(execFile)

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'phalanx-build-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const PLATFORMS = 'packages/worker/src/platform'
const sourceOf = (name: string): string => readFileSync(join(root, PLATFORMS, `${name}.ts`), 'utf8')

/** What only the code of one platform says: its longer literals (and what stands between two) that no other source of the build has. */
const marksOf = (name: string, sources: readonly string[]): readonly string[] => {
  const others = sources.filter((path) => path !== `${PLATFORMS}/${name}.ts` && path.startsWith('packages/')).map((path) => readFileSync(join(root, path), 'utf8'))
  const literals = [...sourceOf(name).replace(/^import[^\n]*$/gm, '').matchAll(/'([^'\\\n]{12,})'/g)].map((match) => match[1] as string)
  return literals.filter((literal) => !others.some((text) => text.includes(literal)))
}
const names = platformTable.map(({ name }) => name)
const real = names.filter((name) => name !== 'software')

describe.each(real)('a build for %s', (platform) => {
  let built: Awaited<ReturnType<typeof buildWorker>>
  beforeAll(async () => void (built = await buildWorker({ root, platform, out: join(folder, platform) })))

  test('holds that platform alone, no simulated vendor, and is the same when built again', async () => {
    const { file, sha256, sources } = built
    const text = readFileSync(file, 'utf8')
    for (const name of names) {
      const found = marksOf(name, sources).filter((mark) => text.includes(mark))
      if (name === platform) expect(found.length).toBeGreaterThan(4)
      else expect(found).toEqual([])
    }
    expect(sources).toContain(`packages/worker/src/platform/${platform}.ts`)
    expect(sources.filter((path) => /simulated|testing|relay\/|packages\/node\/|runtime\/src\/pallets\/.*pallet\.ts/.test(path))).toEqual([])
    expect(text).not.toContain(root)
    expect(text).not.toMatch(/public by design/)
    expect((await buildWorker({ root, platform, out: join(folder, `${platform}-again`) })).sha256).toBe(sha256)
  })

  test('takes folder and port and nothing else, and says what is missing on this machine', async () => {
    const { file } = built
    const start = async (...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> =>
      run(process.execPath, [file, ...args]).then(({ stdout }) => ({ code: 0, stdout }), (error: { code: number; stdout: string }) => error)
    const told = (stdout: string): unknown => JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
    const refused = await start('--base-path', join(folder, `base-${platform}`), '--port', '0')
    expect(refused.code).toBe(1)
    expect(told(refused.stdout)).toMatchObject({ event: 'error', code: 'PLATFORM_DEVICE_FAILED', cause: expect.stringContaining('ENOENT') })
    for (const args of [[], ['--platform', 'software', '--base-path', folder], ['--base-path', folder, '--port', '70000'], ['dev']]) {
      const wrong = await start(...args)
      expect(wrong.code).toBe(2)
      expect(told(wrong.stdout)).toMatchObject({ code: expect.stringMatching(/^CLI_(USAGE|OPTION_INVALID)$/) })
    }
  })
})

test('refuses a platform that there is not', async () => {
  await expect(buildWorker({ root, platform: 'abacus', out: folder })).rejects.toThrow(/gramine/)
})
