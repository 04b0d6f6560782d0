/** Owns the rule that only three kinds of error exist: AppError, dispatch errors of the runtime frame, and assertions. */
import ts from 'typescript'
import { isAllowed, lineOf, walk, type Finding, type Rule, type Source } from './project.ts'

const RULE = 'throws'
/** Error classes and the only files that may construct them. */
const CLASSES: Readonly<Record<string, RegExp>> = {
  AppError: /./,
  AssertionError: /^packages\/primitives\/src\/assert\.ts$/,
  DispatchFailure: /^packages\/runtime\/src\/frame\//,
}
/** Functions that return an AppError passing through. */
const PASSES_ON = new Set(['atPath'])
const UNTYPED = /^(Error|TypeError|RangeError|SyntaxError|AggregateError|EvalError|URIError)$/

const caughtNames = (node: ts.Node): ReadonlySet<string> => {
  const names = new Set<string>()
  for (let up: ts.Node | undefined = node; up !== undefined; up = up.parent) {
    if (ts.isCatchClause(up) && up.variableDeclaration !== undefined && ts.isIdentifier(up.variableDeclaration.name)) names.add(up.variableDeclaration.name.text)
  }
  return names
}

const ERROR_CLASS = /^(AppError|DispatchFailure)\b/

/** Whether an expression is an allowed error, given the names known to make one. Parameters passing through count. */
const isErrorExpression = (node: ts.Node, makers: ReadonlySet<string>): boolean => {
  if (ts.isParenthesizedExpression(node)) return isErrorExpression(node.expression, makers)
  if (ts.isConditionalExpression(node)) return isErrorExpression(node.whenTrue, makers) && (ts.isIdentifier(node.whenFalse) || isErrorExpression(node.whenFalse, makers))
  if (ts.isNewExpression(node)) return ERROR_CLASS.test(node.expression.getText())
  return ts.isCallExpression(node) && makers.has(node.expression.getText())
}

/** Whether a function, by its declared result or the expression it consists of, makes an allowed error. */
const makesError = (node: ts.Node | undefined, makers: ReadonlySet<string>): boolean => {
  if (node === undefined) return false
  if (ts.isCallExpression(node)) return makers.has(`${node.expression.getText()}()`)
  if (!ts.isFunctionLike(node)) return false
  if (node.type !== undefined && ERROR_CLASS.test(node.type.getText())) return true
  return ts.isArrowFunction(node) && isErrorExpression(node.body, makers)
}

/** Names in these sources that make an allowed error; `name()` is one whose result does. */
const errorMakers = (sources: readonly Source[]): ReadonlySet<string> => {
  const functions: { readonly name: string; readonly node: ts.Node | undefined }[] = []
  for (const source of sources) {
    walk(source.ast, (node) => {
      if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.name !== undefined) functions.push({ name: node.name.getText(), node })
      if (ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node)) functions.push({ name: node.name.getText(), node: node.initializer })
    })
  }
  const makers = new Set(PASSES_ON)
  for (let before = -1; before !== makers.size; ) {
    before = makers.size
    for (const { name, node } of functions) {
      if (makesError(node, makers)) makers.add(name)
      if (node !== undefined && ts.isArrowFunction(node) && makesError(node.body, makers)) makers.add(`${name}()`)
    }
  }
  return makers
}

const isTyped = (source: Source, makers: ReadonlySet<string>, expression: ts.Expression): boolean => {
  if (ts.isParenthesizedExpression(expression)) return isTyped(source, makers, expression.expression)
  if (ts.isConditionalExpression(expression)) return [expression.whenTrue, expression.whenFalse].every((branch) => isTyped(source, makers, branch))
  if (ts.isNewExpression(expression) && ts.isIdentifier(expression.expression)) return CLASSES[expression.expression.text]?.test(source.path) === true
  if (ts.isIdentifier(expression)) return caughtNames(expression).has(expression.text)
  if (!ts.isCallExpression(expression)) return false
  const callee = expression.expression
  return makers.has(ts.isPropertyAccessExpression(callee) && callee.expression.kind === ts.SyntaxKind.ThisKeyword ? callee.name.text : callee.getText())
}

/** No untyped throw, no untyped error made to be thrown elsewhere. */
export const throwsRule: Rule = {
  name: RULE,
  check(project) {
    const findings: Finding[] = []
    const judged = project.sources.filter((source) => !source.isTest && /^(packages|apps|simulation)\//.test(source.path))
    const makers = errorMakers(judged)
    for (const source of judged) {
      const report = (node: ts.Node, message: string): void => {
        const line = lineOf(source, node)
        if (!isAllowed(source, line, RULE))
          findings.push({ path: source.path, line, rule: RULE, message, fix: 'throw new AppError(\'AREA_WHAT\', {…}, { cause }) with the code in the package\'s errors.ts; ctx.fail in pallets; assert for our own mistakes.' })
      }
      walk(source.ast, (node) => {
        if (ts.isThrowStatement(node) && !isTyped(source, makers, node.expression)) report(node, `untyped throw: ${node.expression.getText().slice(0, 50)}`)
        if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && UNTYPED.test(node.expression.text) && !ts.isThrowStatement(node.parent)) report(node, `untyped error: new ${node.expression.text}`)
      })
    }
    return findings
  },
}
