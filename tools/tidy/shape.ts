/** Owns rules about the shape of a file: header comment, documented exports, file and function length, TODOs with an issue. */
import ts from 'typescript'
import { exportedNames } from './modules.ts'
import { isAllowed, lineOf, walk, type Finding, type Rule, type Source } from './project.ts'

const LINES_WARN = 400
const LINES_MAX = 600
const FUNCTION_LINES_MAX = 70

const isGenerated = (source: Source): boolean => /\/generated\/|\.generated\.ts$/.test(source.path) || source.text.slice(0, 400).includes('@generated')
const isCrypto = (source: Source): boolean => /\/crypto\//.test(source.path)

/** Every source says at its top what it owns. Tests are named by what they test and need none. */
export const headerRule: Rule = {
  name: 'header',
  check: (project) =>
    project.sources
      .filter((source) => !/\.test\.tsx?$/.test(source.path) && !/^(#!.*\n)?\/\*\*[\s\S]{16,}?\*\//.test(source.text))
      .map((source) => ({
        path: source.path, line: 1, rule: 'header', message: 'no header comment',
        fix: 'Begin the file with /** Owns …. Does not own …. */ in 1 to 6 lines.',
      })),
}

/** Storage, calls and RPC methods carry their sentence as a `doc:` value, which survives to run time. */
const hasDocValue = (node: ts.Node): boolean => ts.isVariableStatement(node) && /\bdoc: ['"`]/.test(node.getText().slice(0, 2000))

/** A doc comment of its own: the file's header, which the parser hands to the first statement, is not one. */
const hasDoc = (node: ts.Node): boolean =>
  ts.getJSDocCommentsAndTags(ts.isExportSpecifier(node) ? node.parent.parent : node).some((comment) => comment.getStart() > 0) || hasDocValue(node)

/** Every export says in a sentence what it is. A type beside a value of its name shares the value's sentence. */
export const docsRule: Rule = {
  name: 'docs',
  check(project) {
    const findings: Finding[] = []
    for (const source of project.sources) {
      if (source.isTest || isGenerated(source) || !/^(packages|apps|simulation)\//.test(source.path)) continue
      const documented = new Set(exportedNames(source).filter(({ node }) => hasDoc(node)).map(({ name }) => name))
      for (const { name, node } of exportedNames(source)) {
        const line = lineOf(source, node)
        if (!documented.has(name)) findings.push({ path: source.path, line, rule: 'docs', message: `${name} is exported without a doc comment`, fix: 'Say in one sentence what it is: shape, units, errors.' })
      }
    }
    return findings
  },
}

const sizeFinding = (source: Source, lines: number): Finding => ({
  path: source.path, line: 1, rule: 'file-size', isWarning: lines <= LINES_MAX,
  message: `${lines} lines; ${LINES_WARN} are wanted, ${LINES_MAX} the limit`,
  fix: 'Split it by subject.',
})

/** Files stay short enough to read at a sitting. */
export const fileSizeRule: Rule = {
  name: 'file-size',
  check: (project) =>
    project.sources
      .filter((source) => !isGenerated(source))
      .map((source) => ({ source, lines: source.text.split('\n').length - 1 }))
      .filter(({ source, lines }) => lines > (isCrypto(source) || source.isTest ? LINES_MAX : LINES_WARN))
      .map(({ source, lines }) => (isCrypto(source) || source.isTest ? { ...sizeFinding(source, lines), isWarning: true } : sizeFinding(source, lines))),
}

const functionName = (node: ts.Node): string => {
  const named = node as { name?: ts.Node }
  if (named.name !== undefined) return named.name.getText()
  const { parent } = node
  return parent !== undefined && (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) ? parent.name.getText() : 'a function'
}

/** Lines of a function that are its own: what its inner functions take is counted with them. */
const ownLines = (source: Source, fn: ts.Node, whole: number): number => {
  let inner = 0
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) inner += lineOf(source, node.end) - lineOf(source, node)
    else ts.forEachChild(node, visit)
  }
  ts.forEachChild(fn, visit)
  return whole - inner
}

/** Functions fit on a screen. Tests do not count; a factory that is long only by the functions it holds is warned of. */
export const functionSizeRule: Rule = {
  name: 'function-size',
  check(project) {
    const findings: Finding[] = []
    for (const source of project.sources) {
      if (source.isTest || isCrypto(source) || isGenerated(source)) continue
      walk(source.ast, (node) => {
        if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
        const first = lineOf(source, node)
        const lines = lineOf(source, node.end) - first + 1
        if (lines <= FUNCTION_LINES_MAX || isAllowed(source, first, 'function-size')) return
        const own = ownLines(source, node, lines)
        findings.push({
          path: source.path, line: first, rule: 'function-size', isWarning: own <= FUNCTION_LINES_MAX,
          message: `${functionName(node)} has ${lines} lines, ${own} its own; ${FUNCTION_LINES_MAX} is the limit`, fix: 'Give its parts names of their own.',
        })
      })
    }
    return findings
  },
}

/** Work left for later names its issue. */
export const todoRule: Rule = {
  name: 'todo',
  check(project) {
    const findings: Finding[] = []
    for (const source of project.sources) {
      source.text.split('\n').forEach((text, index) => {
        if (/\b(TODO|FIXME|XXX)\b/.test(text) && !/#\d+/.test(text) && !/['"`/\\|(]TODO|TODO\|/.test(text))
          findings.push({ path: source.path, line: index + 1, rule: 'todo', message: 'work left without an issue number', fix: 'Do it, or write the number of the issue: TODO #12.' })
      })
    }
    return findings
  },
}
