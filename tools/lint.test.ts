import { resolve } from 'node:path'
import { ESLint } from 'eslint'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
// Under CI typescript-eslint would otherwise lint the file on disk instead of the text handed to it.
process.env['TSESTREE_SINGLE_RUN'] = 'false'
const eslint = new ESLint({ cwd: root })
const rulesBroken = async (text: string): Promise<readonly (string | null)[]> => {
  const [result] = await eslint.lintText(text, { filePath: resolve(root, 'packages/primitives/src/assert.ts') })
  return [...new Set(result?.messages.map(({ ruleId }) => ruleId))]
}

const cases: readonly [string, string, string][] = [
  ['an untyped throw', 'export const f = (): never => { throw new Error(\'x\') }', 'no-restricted-syntax'],
  ['a text thrown', 'export const f = (): never => { throw \'x\' }', 'no-restricted-syntax'],
  ['a default export', 'export default 1', 'no-restricted-syntax'],
  ['a forgotten promise', 'const later = async (): Promise<void> => {}\nexport const f = (): void => { later() }', '@typescript-eslint/no-floating-promises'],
  ['a switch that misses a case', 'export const f = (x: \'a\' | \'b\'): void => { switch (x) { case \'a\': } }', '@typescript-eslint/switch-exhaustiveness-check'],
  ['loose equality', 'export const f = (x: unknown): boolean => x == 1', 'eqeqeq'],
]
test.each(cases)('lint refuses %s', async (_name, text, rule) => {
  expect(await rulesBroken(text)).toContain(rule)
})

test('lint accepts our own errors and what was caught', async () => {
  const text = 'import { AppError } from \'./errors.ts\'\nexport const f = (run: () => void): void => {\n  try { run() } catch (error) { throw error }\n  throw new AppError(\'HEX_MALFORMED\', { length: 1 })\n}'
  expect(await rulesBroken(text)).toEqual([])
})
