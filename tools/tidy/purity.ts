/** Owns the ban list of pure folders: whatever would make two runs over the same inputs differ, or need the outside world. Types are free. */
import ts from 'typescript'
import { layerOf } from './layers.ts'
import { isAllowed, lineOf, walk, type Finding, type Rule, type Source } from './project.ts'

const RULE = 'purity'

/** One forbidden name and what to write instead. */
interface Ban {
  readonly banned: RegExp
  readonly useInstead: string
}

const GLOBALS: readonly Ban[] = [
  { banned: /^(Date|performance)$/, useInstead: 'the time handed in with the input' },
  { banned: /^(setTimeout|setInterval|setImmediate|queueMicrotask|clearTimeout|clearInterval)$/, useInstead: 'a tick input; the shell owns timers' },
  { banned: /^(process|console|fetch|require|Buffer|localStorage|WebSocket)$/, useInstead: 'an interface from primitives/ports, implemented by a shell' },
  { banned: /^Promise$/, useInstead: 'a synchronous function; the shell awaits before it calls' },
  { banned: /^(Intl|parseFloat)$/, useInstead: 'integers and plain string operations' },
]

const MEMBERS: readonly Ban[] = [
  { banned: /^Math\.random$/, useInstead: 'randomness handed in with the input' },
  { banned: /\.getRandomValues$/, useInstead: 'randomness handed in with the input' },
  { banned: /^Math\.(sqrt|cbrt|pow|exp|expm1|log\w*|sin|cos|tan|hypot)$/, useInstead: 'integer or 64.64 fixed-point arithmetic' },
  { banned: /\.(toLocale\w+|localeCompare)$/, useInstead: 'compareBytes or an explicit comparison' },
  { banned: /^JSON\.stringify$/, useInstead: 'a codec; the order of JSON keys is nobody\'s promise' },
]

const MUTABLE_CONTAINERS = /^(Map|Set|WeakMap|WeakSet|Array)$/

const isDeclaredName = (node: ts.Identifier): boolean => {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  if (ts.isQualifiedName(parent)) return parent.right === node
  return (
    ((ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent) || ts.isPropertySignature(parent) || ts.isMethodDeclaration(parent) || ts.isMethodSignature(parent)) && parent.name === node) ||
    ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent) || ts.isLiteralTypeNode(parent)
  )
}

const banned = (bans: readonly Ban[], text: string): string | undefined => bans.find((ban) => ban.banned.test(text))?.useInstead

const syntaxProblem = (node: ts.Node): readonly [string, string] | undefined => {
  if (node.kind === ts.SyntaxKind.AsyncKeyword || ts.isAwaitExpression(node)) return ['async code', 'a synchronous function; the shell awaits']
  if (ts.isForInStatement(node)) return ['for…in', 'for…of over Object.entries or a Map, in an order you chose']
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && /^(sort|toSorted)$/.test(node.expression.name.text) && node.arguments.length === 0)
    return ['sort() without a comparator', 'an explicit comparator; the default compares UTF-16 text']
  if (ts.isNumericLiteral(node) && /^\d[\d_]*\.\d*[1-9]/.test(node.getText())) return [`the fraction ${node.getText()}`, 'integer or 64.64 fixed-point arithmetic']
  return undefined
}

const nameProblem = (node: ts.Node): readonly [string, string] | undefined => {
  if (ts.isIdentifier(node) && !isDeclaredName(node) && !ts.isTypeReferenceNode(node.parent)) {
    const instead = banned(GLOBALS, node.text)
    if (instead !== undefined) return [node.text, instead]
  }
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText()
    const instead = text.length < 80 ? banned(MEMBERS, text) : undefined
    if (instead !== undefined) return [text, instead]
  }
  return undefined
}

const isMutableContainer = (node: ts.Expression | undefined): boolean => {
  if (node === undefined) return false
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) return MUTABLE_CONTAINERS.test(node.expression.text) && (node.arguments?.length ?? 0) === 0
  return ts.isArrayLiteralExpression(node) && node.elements.length === 0
}

/** Declared as read-only, or as a named type that says so itself. */
const isReadonlyTyped = (node: ts.VariableDeclaration): boolean => /^(readonly |Readonly|[A-Z][\w ]*(<.*>)?$)/.test(node.type?.getText() ?? '')

const stateProblems = (source: Source): readonly (readonly [ts.Node, string, string])[] => {
  const found: (readonly [ts.Node, string, string])[] = []
  for (const statement of source.ast.statements) {
    if (!ts.isVariableStatement(statement)) continue
    const isConst = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0
    for (const declaration of statement.declarationList.declarations) {
      if (!isConst || (isMutableContainer(declaration.initializer) && !isReadonlyTyped(declaration)))
        found.push([declaration, `module-level mutable state (${declaration.name.getText()})`, 'state passed in and returned; or say why with // tidy-allow purity: …'])
    }
  }
  return found
}

/** The ban list of pure folders. */
export const purityRule: Rule = {
  name: RULE,
  check(project) {
    const findings: Finding[] = []
    for (const source of project.sources) {
      if (source.isTest || layerOf(source.path)?.isPure !== true) continue
      const report = (node: ts.Node, what: string, instead: string): void => {
        const line = lineOf(source, node)
        if (!isAllowed(source, line, RULE)) findings.push({ path: source.path, line, rule: RULE, message: `${what} in a pure folder`, fix: `Use ${instead}.` })
      }
      walk(source.ast, (node) => {
        const problem = syntaxProblem(node) ?? nameProblem(node)
        if (problem !== undefined) report(node, problem[0], problem[1])
      })
      for (const [node, what, instead] of stateProblems(source)) report(node, what, instead)
    }
    return findings
  },
}
