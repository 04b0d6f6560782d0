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

/** Whether a name stands for a caught error: bound by a catch clause or a promise's catch, or set from one. */
const isCaught = (source: Source, use: ts.Identifier): boolean => {
  for (let up: ts.Node | undefined = use; up !== undefined; up = up.parent) {
    if (ts.isCatchClause(up) && up.variableDeclaration?.name.getText() === use.text) return true
    const isFunction = ts.isArrowFunction(up) || ts.isFunctionExpression(up)
    const isHandler = isFunction && ts.isCallExpression(up.parent) && /\.(catch|then)$/.test(up.parent.expression.getText())
    if (isHandler && (up as ts.ArrowFunction).parameters.some(({ name }) => name.getText() === use.text)) return true
  }
  return holdsError(source, use.text)
}

/** Whether a variable is given a caught error, an allowed error or the reason of a settled promise somewhere in its file. */
const holdsError = (source: Source, name: string): boolean => {
  let found = false
  walk(source.ast, (node) => {
    const isAssignment = ts.isBinaryExpression(node) && /^(=|\?\?=)$/.test(node.operatorToken.getText()) && node.left.getText() === name
    const value = isAssignment ? node.right : ts.isVariableDeclaration(node) && node.name.getText() === name ? node.initializer : undefined
    if (value === undefined) return
    if (ts.isIdentifier(value) && value.text !== name && /^(error|cause|reason|failure)$/.test(value.text)) found = true
    if (ts.isNewExpression(value) && ERROR_CLASS.test(value.expression.getText())) found = true
    if (ts.isCallExpression(value) && /Error$/.test(value.expression.getText())) found = true
  })
  return found
}

const ERROR_CLASS = /^(AppError|DispatchFailure)\b/

/** Whether an expression is an allowed error, given the names known to make one. One branch of a choice may pass another error on. */
const isErrorExpression = (node: ts.Node, makers: ReadonlySet<string>): boolean => {
  if (ts.isParenthesizedExpression(node)) return isErrorExpression(node.expression, makers)
  if (ts.isConditionalExpression(node)) {
    const branches = [node.whenTrue, node.whenFalse]
    return branches.some((branch) => isErrorExpression(branch, makers)) && branches.every((branch) => ts.isIdentifier(branch) || isErrorExpression(branch, makers))
  }
  if (ts.isNewExpression(node)) return ERROR_CLASS.test(node.expression.getText())
  return ts.isCallExpression(node) && makers.has(node.expression.getText())
}

/** What a function returns, without its inner functions. */
const returnsOf = (body: ts.Node): readonly ts.Expression[] => {
  const found: ts.Expression[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return
    if (ts.isReturnStatement(node) && node.expression !== undefined) found.push(node.expression)
    ts.forEachChild(node, visit)
  }
  ts.forEachChild(body, visit)
  return found
}

/** Whether a function, by its declared result or by all it returns, makes an allowed error. */
const makesError = (node: ts.Node | undefined, makers: ReadonlySet<string>): boolean => {
  if (node === undefined) return false
  if (ts.isCallExpression(node)) return makers.has(`${node.expression.getText()}()`)
  if (!ts.isFunctionLike(node)) return false
  if (node.type !== undefined && ERROR_CLASS.test(node.type.getText())) return true
  if (!ts.isArrowFunction(node)) return false
  if (!ts.isBlock(node.body)) return isErrorExpression(node.body, makers)
  const returned = returnsOf(node.body)
  return returned.some((each) => isErrorExpression(each, makers)) && returned.every((each) => ts.isIdentifier(each) || isErrorExpression(each, makers))
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
  if (ts.isBinaryExpression(expression) && expression.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) return isTyped(source, makers, expression.right)
  if (ts.isNewExpression(expression) && ts.isIdentifier(expression.expression)) return CLASSES[expression.expression.text]?.test(source.path) === true
  if (ts.isIdentifier(expression)) return isCaught(source, expression)
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text === 'reason'
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
