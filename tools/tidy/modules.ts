/** Owns reading the imports and exports of a source and resolving them to files of the project. Judges nothing. */
import { posix } from 'node:path'
import ts from 'typescript'
import { walk, type Project, type Source } from './project.ts'

/** One import, re-export or dynamic import. */
export interface ModuleUse {
  readonly specifier: string
  readonly node: ts.Node
  readonly isTypeOnly: boolean
  readonly isReexport: boolean
  /** Imported names as the target calls them; `*` is all of them. */
  readonly names: readonly string[]
  /** Re-exported names: own name → target's name; `*` is all. */
  readonly forwards: ReadonlyMap<string, string>
}

const NO_FORWARDS: ReadonlyMap<string, string> = new Map()
const textOf = (node: ts.Node | undefined): string | undefined => (node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined)

const fromImport = (node: ts.ImportDeclaration, specifier: string): ModuleUse => {
  const clause = node.importClause
  const bindings = clause?.namedBindings
  const names: string[] = []
  if (clause?.name !== undefined) names.push('default')
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) names.push('*')
  const elements = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements : []
  for (const element of elements) names.push((element.propertyName ?? element.name).text)
  const isTypeOnly = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || (clause !== undefined && clause.name === undefined && elements.length > 0 && elements.every((element) => element.isTypeOnly))
  return { specifier, node, isTypeOnly, isReexport: false, names, forwards: NO_FORWARDS }
}

const fromExport = (node: ts.ExportDeclaration, specifier: string): ModuleUse => {
  const clause = node.exportClause
  const forwards = new Map<string, string>()
  if (clause === undefined) forwards.set('*', '*')
  else if (ts.isNamedExports(clause)) for (const element of clause.elements) forwards.set(element.name.text, (element.propertyName ?? element.name).text)
  const isNamespace = clause !== undefined && ts.isNamespaceExport(clause)
  return { specifier, node, isTypeOnly: node.isTypeOnly, isReexport: true, names: isNamespace ? ['*'] : [], forwards }
}

const fromOther = (node: ts.Node): ModuleUse | undefined => {
  const base = { node, isReexport: false, forwards: NO_FORWARDS }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const specifier = textOf(node.arguments[0])
    return specifier === undefined ? undefined : { ...base, specifier, isTypeOnly: false, names: ['*'] }
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    const specifier = textOf(node.argument.literal)
    if (specifier === undefined) return undefined
    const name = node.qualifier === undefined ? '*' : ts.isIdentifier(node.qualifier) ? node.qualifier.text : '*'
    return { ...base, specifier, isTypeOnly: true, names: [name] }
  }
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'URL') {
    const specifier = textOf(node.arguments?.[0])
    if (specifier !== undefined && /^\.{1,2}\/.*\.ts$/.test(specifier)) return { ...base, specifier, isTypeOnly: false, names: ['*'] }
  }
  return undefined
}

const cache = new WeakMap<Source, readonly ModuleUse[]>()

/** Every module a source names. */
export const moduleUses = (source: Source): readonly ModuleUse[] => {
  const known = cache.get(source)
  if (known !== undefined) return known
  const uses: ModuleUse[] = []
  walk(source.ast, (node) => {
    const specifier = ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? textOf(node.moduleSpecifier) : undefined
    const use =
      specifier === undefined ? fromOther(node) : ts.isImportDeclaration(node) ? fromImport(node, specifier) : fromExport(node as ts.ExportDeclaration, specifier)
    if (use !== undefined) uses.push(use)
  })
  cache.set(source, uses)
  return uses
}

/** Files an import leads to: several where the manifest has conditions; none for third-party and `node:` modules. */
export const resolveModule = (project: Project, from: string, specifier: string): readonly string[] => {
  if (specifier.startsWith('.')) return [posix.join(posix.dirname(from), specifier)]
  const parts = /^(@phalanx\/[^/]+)(?:\/(.+))?$/.exec(specifier)
  if (parts === null) return []
  const manifest = project.manifests.find(({ name }) => name === parts[1])
  if (manifest === undefined) return []
  const exact = manifest.entries[parts[2] === undefined ? '.' : `./${parts[2]}`]
  if (exact !== undefined) return exact
  for (const [key, targets] of Object.entries(manifest.entries)) {
    const [head, tail] = key.split('*')
    const wanted = `./${parts[2] ?? ''}`
    if (tail !== undefined && head !== undefined && wanted.startsWith(head) && wanted.endsWith(tail)) {
      const middle = wanted.slice(head.length, wanted.length - tail.length)
      return targets.map((target) => target.replace('*', middle))
    }
  }
  return []
}

/** An exported declaration. */
export interface ExportedName {
  readonly name: string
  readonly node: ts.Node
  readonly isType: boolean
}

const hasExport = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)

const bindingNames = (name: ts.BindingName): readonly ts.Identifier[] =>
  ts.isIdentifier(name) ? [name] : name.elements.flatMap((element) => (ts.isBindingElement(element) ? bindingNames(element.name) : []))

/** Names a source declares and exports itself. */
export const exportedNames = (source: Source): readonly ExportedName[] => {
  const found: ExportedName[] = []
  for (const node of source.ast.statements) {
    if (ts.isExportDeclaration(node) && node.moduleSpecifier === undefined && node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
      for (const element of node.exportClause.elements) found.push({ name: element.name.text, node: element, isType: node.isTypeOnly })
    }
    if (!hasExport(node)) continue
    if (ts.isVariableStatement(node)) {
      for (const declaration of node.declarationList.declarations) for (const name of bindingNames(declaration.name)) found.push({ name: name.text, node, isType: false })
    } else if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) found.push({ name: node.name.text, node, isType: true })
    else if ((ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node)) && node.name !== undefined) found.push({ name: node.name.text, node, isType: false })
  }
  return found
}

/** Whether a source only passes names on. */
export const isBarrel = (source: Source): boolean =>
  source.ast.statements.length > 0 && source.ast.statements.every((node) => ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined)
