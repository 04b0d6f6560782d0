import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureBundle } from '../apps/cli/bin/bundle.mjs'

let root = ''
const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
const load = async (): Promise<{ main(argv: readonly string[]): Promise<number>; where(): string; answer(): Promise<unknown> }> => import(pathToFileURL(await ensureBundle(root)).href)
const bundles = (): readonly string[] => readdirSync(join(root, 'node_modules/.cache/phalanx'))

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'phalanx-bundle-'))
  mkdirSync(join(root, 'node_modules'))
  write('package.json', '{}')
  write('packages/a/package.json', '{}')
  write('packages/a/src/echo.thread.ts', 'import { parentPort } from \'node:worker_threads\'\nconst answer: number = 42\nparentPort?.postMessage(answer)\n')
  write('packages/a/src/pool.ts', [
    'import { Worker } from \'node:worker_threads\'',
    'export const answer = (): Promise<unknown> => {',
    '  const thread = new Worker(new URL(\'./echo.thread.ts\', import.meta.url))',
    '  return new Promise((done) => thread.once(\'message\', done))',
    '}',
    'export const where = (): string => import.meta.url',
  ].join('\n'))
  write('apps/cli/src/main.ts', 'export { answer, where } from \'../../../packages/a/src/pool.ts\'\nexport const main = async (argv: readonly string[]): Promise<number> => argv.length\n')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe('the bundle of the command line', () => {
  test('runs the sources, knows where they are and starts their threads', async () => {
    const { main, where, answer } = await load()
    expect(await main(['a', 'b'])).toBe(2)
    expect(where()).toBe(pathToFileURL(join(root, 'packages/a/src/pool.ts')).href)
    expect(await answer()).toBe(42)
  })

  test('is made once, also when several processes start together', async () => {
    const paths = await Promise.all([ensureBundle(root), ensureBundle(root), ensureBundle(root)])
    expect(new Set(paths).size).toBe(1)
    expect(bundles()).toHaveLength(1)
  })

  test('is made again when a source changed', async () => {
    const before = await ensureBundle(root)
    utimesSync(join(root, 'packages/a/src/pool.ts'), 1, 1)
    expect(await ensureBundle(root)).not.toBe(before)
  })

  test('a source that does not compile is named, and nothing half-made stays', async () => {
    write('packages/a/src/pool.ts', 'export const answer = (')
    await expect(ensureBundle(root)).rejects.toThrow(/pool\.ts:1/)
    expect(bundles().filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})
