import { describe, expect, test } from 'vitest'
import { createProject, type Rule } from './project.ts'
import { importsRule } from './imports.ts'
import { placesRule } from './places.ts'
import { purityRule } from './purity.ts'
import { docsRule, fileSizeRule, functionSizeRule, headerRule, todoRule } from './shape.ts'
import { callCoverageRule, testHygieneRule } from './tests.ts'
import { throwsRule } from './throws.ts'
import { unusedCodesRule, unusedRule } from './unused.ts'
import { vendorsRule } from './vendors.ts'

const HEADER = '/** Owns an example for a test. */\n'
const manifest = (name: string, entries: Record<string, string>, dependencies: Record<string, string> = {}): string =>
  JSON.stringify({ name: `@phalanx/${name}`, exports: entries, dependencies })

const MANIFESTS = {
  'packages/primitives/package.json': manifest('primitives', { './errors': './src/errors.ts', './codec': './src/codec/index.ts' }, { '@noble/hashes': '2' }),
  'packages/runtime/package.json': manifest('runtime', { '.': './src/index.ts', './storage': './src/storage/index.ts', './frame': './src/frame/index.ts' }),
  'packages/node/package.json': manifest('node', { '.': './src/index.ts' }, { ws: '8' }),
  'packages/worker/package.json': manifest('worker', { './api': './src/api/index.ts' }),
  'packages/sdk/package.json': manifest('sdk', { '.': './src/index.ts' }),
}

/** Findings of one rule as `path:line message`. */
const findings = (rule: Rule, files: Record<string, string>): readonly string[] =>
  rule.check(createProject({ ...MANIFESTS, ...files })).map(({ path, line, message }) => `${path}:${line} ${message}`)

const problemsOf = (rule: Rule, path: string, text: string): readonly string[] => findings(rule, { [path]: HEADER + text })

describe('tidy imports', () => {
  const bad: readonly [string, string, string][] = [
    ['packages/primitives/src/a.ts', 'import { readFileSync } from \'node:fs\'', 'may not use node:fs'],
    ['packages/primitives/src/a.ts', 'import { createRuntime } from \'@phalanx/runtime\'', 'may not import @phalanx/runtime'],
    ['packages/primitives/src/a.ts', 'import { blake2b } from \'@noble/hashes/blake2.js\'', 'may not enter primitives'],
    ['packages/primitives/src/a.ts', 'import { u8 } from \'@phalanx/primitives/codec\'', 'is its own package'],
    ['packages/runtime/src/a.ts', 'import { startNode } from \'@phalanx/node\'', 'may not import @phalanx/node'],
    ['packages/runtime/src/a.ts', 'const load = () => import(\'@phalanx/node\')', 'may not import @phalanx/node'],
    ['packages/runtime/src/a.ts', 'type N = import(\'@phalanx/node\').Node', 'may not import @phalanx/node'],
    ['packages/node/src/txpool/a.ts', 'import { WebSocketServer } from \'ws\'', 'ws may not enter node'],
    ['packages/node/src/rpc/a.ts', 'import { thing } from \'../../../runtime/src/a.ts\'', 'leaves the workspace'],
    ['packages/node/src/a.ts', 'import { main } from \'../../../apps/cli/src/main.ts\'', 'leaves the workspace'],
    ['packages/node/src/a.ts', 'import { b } from \'./absent.ts\'', 'does not exist'],
    ['packages/worker/src/core/a.ts', 'import { executeBlock } from \'@phalanx/runtime\'', 'may not import @phalanx/runtime'],
    ['packages/sdk/src/a.ts', 'import { Runtime } from \'@phalanx/runtime\'', 'may not import @phalanx/runtime'],
    ['packages/node/src/storage/a.ts', 'import { ClassicLevel } from \'classic-level\'', 'not a dependency of this workspace'],
  ]
  test.each(bad)('refuses in %s: %s', (path, text, message) => {
    expect(problemsOf(importsRule, path, text)).toEqual([expect.stringContaining(message)])
  })

  const good: readonly [string, string][] = [
    ['packages/node/src/rpc/a.ts', 'import { WebSocketServer } from \'ws\''],
    ['packages/worker/src/core/a.ts', 'import { workers } from \'@phalanx/runtime/storage\''],
    ['packages/sdk/src/a.ts', 'import type { Runtime } from \'@phalanx/runtime\''],
    ['packages/sdk/src/a.ts', 'import { type Runtime } from \'@phalanx/runtime\''],
    ['packages/primitives/src/crypto/shared/a.ts', 'import { blake2b } from \'@noble/hashes/blake2.js\''],
    ['packages/primitives/src/a.test.ts', 'import { readFileSync } from \'node:fs\'\nimport { test } from \'vitest\''],
  ]
  test.each(good)('accepts in %s: %s', (path, text) => {
    expect(problemsOf(importsRule, path, text)).toEqual([])
  })

  test('refuses a barrel inside its own folder and accepts it as the face of a sibling folder', () => {
    const files = {
      'packages/primitives/src/codec/index.ts': `${HEADER}export * from './u8.ts'`,
      'packages/primitives/src/codec/u8.ts': `${HEADER}export const u8 = 1`,
      'packages/primitives/src/codec/vec.ts': `${HEADER}import { u8 } from './index.ts'`,
      'packages/primitives/src/chain/header.ts': `${HEADER}import { u8 } from '../codec/index.ts'`,
    }
    expect(findings(importsRule, files)).toEqual(['packages/primitives/src/codec/vec.ts:2 ./index.ts is a barrel'])
  })
})

describe('tidy purity', () => {
  const bad: readonly [string, string][] = [
    ['const now = Date.now()', 'Date'],
    ['const t = performance.now()', 'performance'],
    ['const x = Math.random()', 'Math.random'],
    ['const x = crypto.getRandomValues(new Uint8Array(1))', 'crypto.getRandomValues'],
    ['const x = Math.sqrt(2)', 'Math.sqrt'],
    ['setTimeout(() => {}, 1)', 'setTimeout'],
    ['const x = process.env', 'process'],
    ['console.log(1)', 'console'],
    ['const f = async () => 1', 'async'],
    ['const p = Promise.resolve(1)', 'Promise'],
    ['for (const k in { a: 1 }) f(k)', 'for…in'],
    ['const s = [3, 1].sort()', 'sort() without'],
    ['const s = \'a\'.localeCompare(\'b\')', 'localeCompare'],
    ['const s = JSON.stringify({})', 'JSON.stringify'],
    ['const fee = 0.5', 'fraction'],
    ['let count = 0', 'mutable state'],
    ['const cache = new Map<string, number>()', 'mutable state'],
  ]
  test.each(bad)('refuses %s', (text, what) => {
    expect(problemsOf(purityRule, 'packages/runtime/src/a.ts', text)).toEqual([expect.stringContaining(what)])
  })

  test('leaves shells, tests, types, property names and sorted comparisons alone', () => {
    expect(problemsOf(purityRule, 'packages/node/src/a.ts', 'const now = Date.now()')).toEqual([])
    expect(problemsOf(purityRule, 'packages/runtime/src/a.test.ts', 'const now = Date.now()')).toEqual([])
    expect(problemsOf(purityRule, 'packages/runtime/src/a.ts', 'const x = { process: 1 }.process\ntype P = Promise<Date>\nconst s = [1].sort((a, b) => a - b)')).toEqual([])
  })

  test('accepts an exception only with its reason', () => {
    expect(problemsOf(purityRule, 'packages/runtime/src/a.ts', '// tidy-allow purity: filled once while modules load\nconst table = new Map<string, number>()')).toEqual([])
    expect(problemsOf(purityRule, 'packages/runtime/src/a.ts', '// tidy-allow purity:\nconst table = new Map<string, number>()')).toHaveLength(1)
  })
})

describe('tidy throws', () => {
  const path = 'packages/node/src/a.ts'
  test.each([
    'throw new Error(\'x\')', 'throw \'x\'', 'throw make()', 'const e = new TypeError(\'x\')', 'throw new AssertionError(\'x\')',
    'const e = other()\nthrow e', 'const explain = (error: unknown): unknown => {\n return error\n}\nthrow explain(1)', 'const f = () => new Error(\'x\')',
  ])('refuses %s', (text) => {
    expect(problemsOf(throwsRule, path, text)).toHaveLength(1)
  })
  test.each([
    'throw new AppError(\'A_B\', {})', 'try { f() } catch (error) { throw error }', 'try { f() } catch (error) { throw atPath(error, 1) }',
    'const bad = (): AppError => g()\nthrow bad()', 'const bad = () => new AppError(\'A_B\', {})\nthrow bad()',
    'f().catch((error: unknown) => { throw error })',
    'let failure: unknown\ntry { f() } catch (error) { failure = error }\nif (failure !== undefined) throw failure',
    'const explain = (error: unknown): unknown => {\n if (f()) return new AppError(\'A_B\', {})\n return error\n}\ntry { f() } catch (error) { throw explain(error) }',
    'class C { private bad(): AppError { return g() }\n f() { throw this.bad() } }',
    'const make = (): AppError => g()\nconst bad = () => make()\nthrow bad()', 'const at = () => () => new AppError(\'A_B\', {})\nconst bad = at()\nthrow bad()',
  ])('accepts %s', (text) => {
    expect(problemsOf(throwsRule, path, text)).toEqual([])
  })
})

describe('tidy vendors', () => {
  test('refuses a vendor outside its home, in names and in strings', () => {
    expect(problemsOf(vendorsRule, 'packages/relay/src/a.ts', 'const sgxQuote = 1')).toHaveLength(1)
    expect(problemsOf(vendorsRule, 'packages/relay/src/a.ts', 'if (kind === \'IntelTdx\') f()')).toHaveLength(1)
  })
  test('accepts it at home, in comments and as a wire name of a wire file', () => {
    expect(problemsOf(vendorsRule, 'packages/attestation/src/kinds/sgx.ts', 'const sgxQuote = 1')).toEqual([])
    expect(problemsOf(vendorsRule, 'packages/relay/src/a.ts', '// Intel manual, section 4\nconst quote = 1')).toEqual([])
    expect(problemsOf(vendorsRule, 'packages/runtime/src/pallets/phala-registry/types.ts', 'const x = { SgxV30: 1 }')).toEqual([])
    expect(problemsOf(vendorsRule, 'packages/relay/src/a.ts', 'const several = severity')).toEqual([])
  })
})

describe('tidy shape', () => {
  test('asks for a header comment', () => {
    expect(findings(headerRule, { 'packages/node/src/a.ts': 'export const a = 1' })).toHaveLength(1)
    expect(findings(headerRule, { 'packages/node/src/a.ts': HEADER })).toEqual([])
  })
  test('asks for a sentence on every export', () => {
    expect(problemsOf(docsRule, 'packages/node/src/a.ts', 'export const a = 1')).toHaveLength(1)
    expect(problemsOf(docsRule, 'packages/node/src/a.ts', '/** The answer. */\nexport const a = 1\nexport type a = number')).toEqual([])
  })
  test('warns of long files and refuses very long ones', () => {
    const lines = (count: number): string => HEADER + 'f()\n'.repeat(count)
    const check = (count: number): readonly (boolean | undefined)[] => fileSizeRule.check(createProject({ 'packages/node/src/a.ts': lines(count) })).map(({ isWarning }) => isWarning)
    expect(check(399)).toEqual([])
    expect(check(400)).toEqual([true])
    expect(check(600)).toEqual([false])
  })
  test('refuses functions over 70 lines', () => {
    const body = (lines: number): string => `const f = () => {\n${'  g()\n'.repeat(lines - 2)}}\n`
    expect(problemsOf(functionSizeRule, 'packages/node/src/a.ts', body(70))).toEqual([])
    expect(problemsOf(functionSizeRule, 'packages/node/src/a.ts', body(71))).toEqual([expect.stringContaining('f has 71 lines')])
    const factory = `const createF = () => {\n${body(40).repeat(2)}return f\n}\n`
    expect(functionSizeRule.check(createProject({ 'packages/node/src/a.ts': factory })).map(({ isWarning }) => isWarning)).toEqual([true])
    expect(problemsOf(functionSizeRule, 'packages/primitives/src/crypto/a.ts', body(71))).toEqual([])
  })
  test('asks work left over for the number of its issue', () => {
    const mark = 'TO' + 'DO'
    expect(problemsOf(todoRule, 'packages/node/src/a.ts', `// ${mark} later`)).toHaveLength(1)
    expect(problemsOf(todoRule, 'packages/node/src/a.ts', `// ${mark} #12 later`)).toEqual([])
  })
})

describe('tidy tests', () => {
  const path = 'packages/node/src/a.test.ts'
  test.each([
    'test.only(\'x\', () => {})', 'test.skip(\'x\', () => {})', 'describe.skipIf(true)(\'x\', () => {})', 'test.todo(\'x\')',
    'await new Promise((done) => setTimeout(done, 10))', 'vi.mock(\'./b.ts\')', 'expect(1).toMatchSnapshot()',
    'import { setTimeout as wait } from \'node:timers/promises\'',
  ])('refuses %s', (text) => {
    expect(problemsOf(testHygieneRule, path, text)).toHaveLength(1)
  })
  test.each(['test.skip(\'not run: no browser\', () => {})', 'test.skipIf(true)(\'not run: no browser\', () => {})', 'test(\'x\', () => {})',
    'const clock = { after: (ms: number, done: () => void) => setTimeout(done, ms) }'])('accepts %s', (text) => {
    expect(problemsOf(testHygieneRule, path, text)).toEqual([])
  })

  const pallet = `${HEADER}export const p = pallet({ calls: { removeWorker: { index: 7, dispatch() {} }, forceRemove: { index: 8, dispatch() {} } } })`
  test('asks for a test named after every pallet call', () => {
    const folder = 'packages/runtime/src/pallets/registry'
    const named = 'describe(\'registry.removeWorker\', () => {})\ntest(\'force_remove needs root\', () => {})'
    expect(findings(callCoverageRule, { [`${folder}/pallet.ts`]: pallet })).toHaveLength(2)
    expect(findings(callCoverageRule, { [`${folder}/pallet.ts`]: pallet, [`${folder}/pallet.test.ts`]: named })).toEqual([])
    expect(findings(callCoverageRule, { [`${folder}/pallet.ts`]: pallet, [`${folder}/pallet.test.ts`]: 'removeWorker()\nforceRemove()' })).toHaveLength(2)
  })
})

describe('tidy unused', () => {
  test('finds exports nobody imports and files nothing reaches', () => {
    const files = {
      'packages/node/src/index.ts': `${HEADER}export * from './a.ts'`,
      'packages/node/src/a.ts': `${HEADER}export const used = 1\nexport const unused = 2\nexport const own = 3\nconst x = own`,
      'packages/node/src/dead.ts': `${HEADER}const x = 1`,
      'apps/cli/src/main.ts': `${HEADER}import { used } from '@phalanx/node'`,
    }
    expect(unusedRule.check(createProject({ ...MANIFESTS, ...files })).map(({ path, line, fix }) => `${path}:${line} ${fix}`)).toEqual([
      'packages/node/src/a.ts:3 Delete it, or use it.',
      'packages/node/src/a.ts:4 Drop the export keyword.',
      'packages/node/src/dead.ts:1 Delete it, or import it where it is needed.',
    ])
  })
  test('counts what a published package offers as used', () => {
    const files = { 'packages/sdk/src/index.ts': `${HEADER}export * from './a.ts'`, 'packages/sdk/src/a.ts': `${HEADER}export const offered = 1` }
    expect(findings(unusedRule, files)).toEqual([])
  })
  test('counts a thread named by its URL as reached', () => {
    const files = {
      'packages/node/src/index.ts': `${HEADER}const worker = start(new URL('./verify.ts', import.meta.url))`,
      'packages/node/src/verify.ts': `${HEADER}f()`,
    }
    expect(findings(unusedRule, files)).toEqual([])
  })
})

describe('tidy unused-code', () => {
  test('finds error codes that only tests name', () => {
    const files = {
      'packages/node/src/errors.ts': `${HEADER}export const nodeErrors = defineErrors({\n  NODE_USED: describe('a', 'b'),\n  NODE_IDLE: describe('a', 'b'),\n})`,
      'packages/node/src/a.ts': `${HEADER}throw new AppError('NODE_USED', {})`,
      'packages/node/src/a.test.ts': 'expect(code).toBe(\'NODE_IDLE\')',
    }
    expect(findings(unusedCodesRule, files)).toEqual(['packages/node/src/errors.ts:4 nothing gives the error NODE_IDLE'])
  })
})

describe('tidy places', () => {
  test('refuses folders of one machine and hosts in the lock file', () => {
    const folder = ['', 'root', 'phalanx'].join('/')
    expect(problemsOf(placesRule, 'packages/node/src/a.ts', `const path = '${folder}'`)).toHaveLength(1)
    expect(findings(placesRule, { 'README.md': `cd ${folder}` })).toHaveLength(1)
    expect(findings(placesRule, { 'package-lock.json': '{\n"resolved": "https://registry.example/a.tgz"\n}' })).toHaveLength(1)
    expect(findings(placesRule, { 'package-lock.json': '{\n"resolved": "packages/node"\n}' })).toEqual([])
  })
})
