import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Abi } from '@polkadot/api-contract'
import { parseHex, parseUtf8, toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import ts from 'typescript'
import { runCli } from '../testing.ts'

const AUCTION = resolve(import.meta.dirname, '../../../../examples/sealed-bid-auction')
const crypto = await loadCrypto()

let root = ''
let folder = ''
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), 'phalanx-contract-'))))
afterAll(() => rmSync(root, { recursive: true, force: true }))
beforeEach(() => void (folder = mkdtempSync(join(root, 'case-'))))

const HEAD = "import { command, constructor, defineContract, query, u32 } from '@phalanx/sdk/contract'\n"
const MINIMAL = `${HEAD}export default defineContract({ name: 'small', constructors: { new: constructor({ run() {} }) }, messages: { one: query({ returns: u32, run: () => 1 }) } })\n`

const build = async (source: string, ...options: readonly string[]) => {
  const file = join(folder, 'contract.ts')
  writeFileSync(file, source)
  return runCli(['contract', 'build', file, ...options])
}

interface Built {
  readonly name: string
  readonly codeHash: string
  readonly codeBytes: number
  readonly bundle: string
  readonly metadata: string
  readonly next: readonly string[]
}

const buildJson = async (target: string, ...options: readonly string[]): Promise<Built> => JSON.parse((await runCli(['contract', 'build', target, '--json', ...options])).stdout) as Built

describe('a build', () => {
  test('writes a bundle for the chain and a description for clients', async () => {
    const built = await buildJson(AUCTION, '--out', folder)
    const bundle = JSON.parse(readFileSync(built.bundle, 'utf8')) as { source: { hash: string; wasm: string }; spec: { messages: { label: string }[] } }
    const code = parseHex(bundle.source.wasm)
    expect(built).toMatchObject({ name: 'sealed_bid_auction', codeBytes: code.length, bundle: join(folder, 'sealed_bid_auction.contract'), metadata: join(folder, 'sealed_bid_auction.json') })
    expect([toHex(crypto.blake2b256(code)), built.codeHash]).toEqual([bundle.source.hash, bundle.source.hash])
    expect(parseUtf8(code).startsWith('//phalanx-contract:1\n')).toBe(true)
    expect(parseUtf8(code)).not.toMatch(/^\s*(import|export)\b/m)
    expect(bundle.spec.messages.map(({ label }) => label)).toEqual(['bid', 'close', 'my_bid', 'is_open', 'result'])
    for (const path of [built.bundle, built.metadata]) expect(new Abi(readFileSync(path, 'utf8')).findMessage('my_bid').isMutating).toBe(false)
    expect(built.next).toEqual([expect.stringMatching(/^phalanx contract deploy .*\.contract$/)])
  })

  test('of the same sources gives the same bytes, wherever they lie', async () => {
    const copy = join(folder, 'deeper/elsewhere')
    mkdirSync(copy, { recursive: true })
    cpSync(join(AUCTION, 'contract.ts'), join(copy, 'contract.ts'))
    const [here, there] = [await buildJson(AUCTION, '--out', join(folder, 'a')), await buildJson(copy)]
    expect(there.bundle).toBe(join(copy, 'build/sealed_bid_auction.contract'))
    expect(readFileSync(there.bundle, 'utf8')).toBe(readFileSync(here.bundle, 'utf8'))
    expect(readFileSync(there.metadata, 'utf8')).toBe(readFileSync(here.metadata, 'utf8'))
  })

  test('keeps the library small', async () => {
    writeFileSync(join(folder, 'contract.ts'), MINIMAL)
    expect((await buildJson(folder)).codeBytes).toBeLessThan(28_000)
  })

  test('tells people what it made and what to do next', async () => {
    const { exitCode, stdout, stderr } = await build(MINIMAL)
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/small 0\.1\.0[\s\S]*queries +one[\s\S]*Next:\n {2}\$ phalanx contract deploy/)
  })

  test('takes a contract from src and writes beside it', async () => {
    mkdirSync(join(folder, 'src'))
    writeFileSync(join(folder, 'src/contract.ts'), MINIMAL)
    expect((await buildJson(folder)).bundle).toBe(join(folder, 'build/small.contract'))
    expect((await buildJson(join(folder, 'src/contract.ts'))).bundle).toBe(join(folder, 'build/small.contract'))
  })
})

describe('sources', () => {
  const install = (name: string, source: string): void => {
    mkdirSync(join(folder, 'node_modules', name), { recursive: true })
    writeFileSync(join(folder, 'node_modules', name, 'package.json'), JSON.stringify({ name, version: '1.0.0', type: 'module', exports: './index.js' }))
    writeFileSync(join(folder, 'node_modules', name, 'index.js'), source)
  }

  test('may be plain JavaScript', async () => {
    writeFileSync(join(folder, 'contract.js'), MINIMAL)
    expect((await buildJson(folder)).name).toBe('small')
  })

  test('may be several files and use packages', async () => {
    install('numbers', 'export const one = () => 1\n')
    writeFileSync(join(folder, 'more.ts'), "import { one } from 'numbers'\nexport const two = (): number => one() + 1\n")
    const { exitCode, stderr } = await build(`import { two } from './more.ts'\n${MINIMAL.replace('run: () => 1', 'run: two')}`)
    expect([exitCode, stderr]).toEqual([0, ''])
  })

  test('are refused where a package needs Node, with the place that does', async () => {
    install('files', "import { readFileSync } from 'fs'\nexport const read = () => readFileSync('x').length\n")
    const { exitCode, stderr } = await build(`import { read } from 'files'\n${MINIMAL.replace('run: () => 1', 'run: read')}`)
    expect(exitCode).toBe(1)
    expect(stderr).toContain('CLI_CONTRACT_IMPORT_REFUSED')
    expect(stderr).toContain('node_modules/files/index.js imports fs')
  })
})

describe('what is no contract is refused', () => {
  const cases: readonly (readonly [what: string, source: string, code: string, hint: string])[] = [
    ['without a default export', "export const answer = 42\n", 'CLI_CONTRACT_EXPORT_MISSING', 'export default defineContract'],
    ['with another default export', 'export default { name: "x" }\n', 'CLI_CONTRACT_EXPORT_MISSING', 'contract.ts'],
    ['that imports a module of Node', `import { readFileSync } from 'node:fs'\n${MINIMAL}export const x = readFileSync\n`, 'CLI_CONTRACT_IMPORT_REFUSED', 'node:fs'],
    ['that imports one by its short name', `import os from 'os'\n${MINIMAL}export const x = os\n`, 'CLI_CONTRACT_IMPORT_REFUSED', 'contract.ts imports os'],
    ['that imports what is not there', `import x from './nothing.ts'\n${MINIMAL}export const y = x\n`, 'CLI_CONTRACT_BUILD_FAILED', 'contract.ts:1'],
    ['with a mistake in it', `${HEAD}export default defineContract({ name: \n`, 'CLI_CONTRACT_BUILD_FAILED', 'contract.ts:3'],
    ['that waits while it is loaded', `${MINIMAL}await Promise.resolve()\n`, 'CLI_CONTRACT_BUILD_FAILED', 'await'],
    ['that reaches outside while it is loaded', `${MINIMAL}fetch('http://127.0.0.1')\n`, 'CLI_CONTRACT_DECLARATION_FAILED', 'fetch is not defined'],
    ['that reads the host while it is loaded', `${MINIMAL}export const at = host.blockNumber\n`, 'CLI_CONTRACT_DECLARATION_FAILED', 'host is not defined'],
    ['that never ends loading', `${MINIMAL}for (;;) {}\n`, 'CLI_CONTRACT_DECLARATION_FAILED', 'timed out'],
    ['that is declared wrongly', MINIMAL.replace("'small'", "'two words'"), 'CLI_CONTRACT_DECLARATION_FAILED', 'two words'],
    ['that is too large', `${MINIMAL};(globalThis as Record<string, unknown>)['large'] = ${JSON.stringify('x'.repeat(2 * 1024 * 1024))}\n`, 'CLI_CONTRACT_TOO_LARGE', '2097152'],
  ]
  test.each(cases)('a file %s', async (_what, source, code, hint) => {
    const { exitCode, stderr } = await build(source)
    expect(exitCode).toBe(1)
    expect(stderr).toContain(code)
    expect(stderr).toContain(hint)
    expect(stderr).toMatch(/fix: +\S/)
    expect(existsSync(join(folder, 'build'))).toBe(false)
  })

  test('a folder without one, and nothing at all', async () => {
    for (const target of [folder, join(folder, 'none.ts')]) expect((await runCli(['contract', 'build', target])).stderr).toContain('CLI_CONTRACT_SOURCE_MISSING')
  })

  test('and told to machines as JSON', async () => {
    const { exitCode, stdout } = await build('export {}\n', '--json')
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ event: 'error', code: 'CLI_CONTRACT_EXPORT_MISSING' })
  })
})

describe('a new project', () => {
  const make = async (): Promise<string> => {
    const project = join(folder, 'my-counter')
    const { exitCode, stdout } = await runCli(['contract', 'new', project, '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ name: 'my-counter', files: ['README.md', 'contract.test.ts', 'contract.ts', '.gitignore', 'package.json', 'tsconfig.json'] })
    return project
  }

  test('builds and tests at once', async () => {
    const project = await make()
    expect((await buildJson(project)).name).toBe('my_counter')
    expect(JSON.parse((await runCli(['contract', 'test', project, '--json'])).stdout)).toEqual({ files: ['contract.test.ts'], tests: 3, passed: 3, failed: 0, failures: [] })
    expect(readFileSync(join(project, 'README.md'), 'utf8')).not.toContain('{{')
  })

  test('has no type that is wrong, and finds the packages', async () => {
    const config = ts.getParsedCommandLineOfConfigFile(join(await make(), 'tsconfig.json'), {}, { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} })
    const program = ts.createProgram(config?.fileNames ?? [], config?.options ?? {})
    const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(folder) || fileName.includes('my-counter'))
    expect(own.length).toBe(2)
    expect(own.flatMap((file) => program.getSemanticDiagnostics(file)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([])
  })

  test('fails its tests where the contract is wrong', async () => {
    const project = await make()
    const file = join(project, 'contract.ts')
    writeFileSync(file, readFileSync(file, 'utf8').replace('kept.count.get(ctx) + by', 'kept.count.get(ctx) + 1'))
    const { exitCode, stdout } = await runCli(['contract', 'test', project, '--json'])
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ tests: 3, failed: 1, failures: ['counts, and tells everybody only his own share'] })
  })

  test('never takes the place of something', async () => {
    const project = await make()
    expect((await runCli(['contract', 'new', project])).stderr).toContain('CLI_FILE_EXISTS')
    writeFileSync(join(folder, 'taken'), '')
    expect((await runCli(['contract', 'new', join(folder, 'taken')])).stderr).toMatch(/CLI_FILE_(EXISTS|UNWRITABLE)/)
  })

  test.each(['Two Words', 'x'.repeat(3) + '.', '-dash'])('is not called "%s"', async (name) => {
    const { exitCode, stderr } = await runCli(['contract', 'new', '--', join(folder, name)])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('CLI_OPTION_INVALID')
  })

  test('without tests says so', async () => {
    expect((await runCli(['contract', 'test', folder])).stderr).toContain('CLI_CONTRACT_TESTS_MISSING')
  })
})
