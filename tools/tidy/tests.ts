/** Owns rules about tests: every pallet call has one of its name, none is skipped in silence, none sleeps, mocks modules or takes snapshots. */
import ts from 'typescript'
import { lineOf, walk, type Finding, type Rule, type Source } from './project.ts'

const HYGIENE = 'test-hygiene'
const COVERAGE = 'call-without-test'
const isTestFile = (source: Source): boolean => /\.test\.tsx?$/.test(source.path)
const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** First argument of a call if it is text, also the fixed head of a template. */
const titleOf = (node: ts.CallExpression): string | undefined => {
  const first = node.arguments[0]
  if (first === undefined) return undefined
  if (ts.isStringLiteralLike(first)) return first.text
  return ts.isTemplateExpression(first) ? first.head.text : undefined
}

const isSayingNotRun = (node: ts.CallExpression): boolean => {
  const outer = node.parent
  const title = titleOf(node) ?? (outer !== undefined && ts.isCallExpression(outer) ? titleOf(outer) : undefined)
  return title?.startsWith('not run:') === true
}

/** Whether a timer settles a promise, which makes the test wait for it; a clock that hands its timers on does not. */
const isInPromise = (node: ts.Node): boolean => {
  for (let up: ts.Node | undefined = node; up !== undefined; up = up.parent) if (ts.isNewExpression(up) && up.expression.getText() === 'Promise') return true
  return false
}

const hygieneProblem = (node: ts.Node): readonly [string, string] | undefined => {
  if (!ts.isCallExpression(node)) return undefined
  const callee = node.expression.getText().slice(0, 80)
  if (/^(test|it|describe)\.only\b/.test(callee)) return ['.only hides every other test', 'Remove it.']
  if (/^(test|it|describe)\.(skip|skipIf|runIf|todo)$/.test(callee) && !isSayingNotRun(node))
    return [`${callee} skips in silence`, 'Run it, or name it \'not run: <why>\' (describeVectors in tools/vectors.ts).']
  if (/^(sleep|delay)$/.test(callee) || (/^(setTimeout|setInterval)$/.test(callee) && isInPromise(node))) return ['a test that waits for time', 'Wait for the event, or use the virtual clock.']
  if (/^vi\.(mock|doMock|spyOn)$/.test(callee)) return ['module mocking', 'Pass a fake that implements the interface.']
  if (/\.(toMatchSnapshot|toMatchInlineSnapshot)$/.test(callee)) return ['a snapshot of logic', 'State what must hold.']
  return undefined
}

/** Tests that judge. */
export const testHygieneRule: Rule = {
  name: HYGIENE,
  check(project) {
    const findings: Finding[] = []
    for (const source of project.sources) {
      if (!isTestFile(source) || source.path.startsWith('tools/tidy/')) continue
      walk(source.ast, (node) => {
        const problem = hygieneProblem(node)
        if (problem !== undefined) findings.push({ path: source.path, line: lineOf(source, node), rule: HYGIENE, message: problem[0], fix: problem[1] })
        if (ts.isImportDeclaration(node) && node.moduleSpecifier.getText().includes('node:timers'))
          findings.push({ path: source.path, line: lineOf(source, node), rule: HYGIENE, message: 'a test that waits for time', fix: 'Wait for the event, or use the virtual clock.' })
      })
    }
    return findings
  },
}

const isNamed = (property: ts.ObjectLiteralElementLike, name: string): boolean => property.name !== undefined && property.name.getText() === name

/** Calls a source declares: properties whose value is an object with an index and a `dispatch` of its own. */
const callsOf = (source: Source): readonly { name: string; node: ts.Node }[] => {
  const found: { name: string; node: ts.Node }[] = []
  walk(source.ast, (node) => {
    if (!ts.isPropertyAssignment(node) || !ts.isObjectLiteralExpression(node.initializer)) return
    const { properties } = node.initializer
    if (!properties.some((each) => isNamed(each, 'dispatch')) || !properties.some((each) => isNamed(each, 'index'))) return
    found.push({ name: ts.isStringLiteralLike(node.name) ? node.name.text : node.name.getText(), node })
  })
  return found
}

/** A pallet call nobody tests by name is a call nobody tests. */
export const callCoverageRule: Rule = {
  name: COVERAGE,
  check(project) {
    const findings: Finding[] = []
    for (const source of project.sources) {
      const folder = /^packages\/runtime\/src\/pallets\/[^/]+\//.exec(source.path)?.[0]
      if (folder === undefined || source.isTest) continue
      const titles: string[] = []
      for (const test of project.sources.filter(({ path }) => path.startsWith(folder) && /\.test\.ts$/.test(path))) {
        walk(test.ast, (node) => {
          if (ts.isCallExpression(node) && /^(test|it|describe)\b/.test(node.expression.getText().slice(0, 20))) titles.push(titleOf(node) ?? '')
        })
      }
      for (const { name, node } of callsOf(source)) {
        const pattern = new RegExp(`\\b(${name}|${snakeCase(name)})\\b`)
        if (!titles.some((title) => pattern.test(title)))
          findings.push({ path: source.path, line: lineOf(source, node), rule: COVERAGE, message: `no test is named after the call ${name}`, fix: `Write test('${name} …') beside it: success, each error with assertNoop, its events.` })
      }
    }
    return findings
  },
}
