/** Owns the search for dead code: exports that nobody imports and files that nothing reaches. */
import ts from 'typescript'
import { exportedNames, moduleUses, resolveModule } from './modules.ts'
import { isAllowed, lineOf, walk, type Finding, type Project, type Rule, type Source } from './project.ts'

/** Packages others may install: what their manifest exports is used by definition. */
const PUBLISHED = ['packages/primitives', 'packages/attestation', 'packages/sdk']
/** Files that are run or loaded by name. */
const RUN_BY_NAME = [/^tools\/[^/]+\.ts$/, /^bench\//, /^fuzz\//, /\.thread\.ts$/, /\.config\.ts$/, /^apps\/[^/]+\/src\/(main|enclave-worker)\.tsx?$/, /^simulation\/src\/run\.ts$/, /^simulation\/seeds\//]

const isEntry = (path: string): boolean => RUN_BY_NAME.some((pattern) => pattern.test(path)) || /\.test\.tsx?$/.test(path)

/** Marks, transitively through re-exports, where each imported name is declared. */
const markUses = (project: Project): { used: ReadonlySet<string>; reached: ReadonlySet<string> } => {
  const byPath = new Map(project.sources.map((source) => [source.path, source]))
  const own = new Map(project.sources.map((source) => [source.path, new Set(exportedNames(source).map(({ name }) => name))]))
  const used = new Set<string>()
  const reached = new Set<string>()
  const use = (path: string, name: string): void => {
    const key = `${path}#${name}`
    const source = byPath.get(path)
    if (source === undefined || used.has(key)) return
    used.add(key)
    if (name !== '*' && own.get(path)?.has(name) === true) return
    for (const { specifier, forwards } of moduleUses(source)) {
      const target = name === '*' ? [...forwards.values()] : [forwards.get(name) ?? (forwards.has('*') ? name : undefined)]
      for (const wanted of target) if (wanted !== undefined) for (const file of resolveModule(project, path, specifier)) use(file, wanted)
    }
    if (name === '*') for (const each of own.get(path) ?? []) used.add(`${path}#${each}`)
  }
  for (const source of project.sources) {
    for (const { specifier, names } of moduleUses(source)) {
      for (const file of resolveModule(project, source.path, specifier)) {
        if (file !== source.path) reached.add(file)
        for (const name of names) use(file, name)
      }
    }
  }
  for (const manifest of project.manifests) {
    for (const file of Object.values(manifest.entries).flat()) {
      reached.add(file)
      if (PUBLISHED.includes(manifest.folder)) use(file, '*')
    }
  }
  return { used, reached }
}

const countMentions = (source: Source): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  walk(source.ast, (node) => {
    if (ts.isIdentifier(node)) counts.set(node.text, (counts.get(node.text) ?? 0) + 1)
  })
  return counts
}

/** Tables of error codes are loaded whole by tools/write-docs.ts and merged by type. */
const isErrorTable = (path: string, name: string): boolean => /\/errors\.ts$/.test(path) && name.endsWith('Errors')

const unusedIn = (source: Source, used: ReadonlySet<string>): readonly Finding[] => {
  const isUsed = (name: string): boolean => used.has(`${source.path}#${name}`)
  const candidates = exportedNames(source).filter(({ name }) => !isUsed(name))
  if (candidates.length === 0) return []
  const mentions = countMentions(source)
  return candidates.flatMap(({ name, node, isType }) => {
    const line = lineOf(source, node)
    const mentionedHere = (mentions.get(name) ?? 0) > 1
    if ((isType && mentionedHere) || isErrorTable(source.path, name) || isAllowed(source, line, 'unused')) return []
    return [{ path: source.path, line, rule: 'unused', message: `${name} is exported and nobody imports it`, fix: mentionedHere ? 'Drop the export keyword.' : 'Delete it, or use it.' }]
  })
}

/** Dead exports and dead files. */
export const unusedRule: Rule = {
  name: 'unused',
  check(project) {
    const { used, reached } = markUses(project)
    const findings: Finding[] = []
    for (const source of project.sources) {
      if (isEntry(source.path)) continue
      if (!reached.has(source.path)) findings.push({ path: source.path, line: 1, rule: 'unused', message: 'nothing imports this file', fix: 'Delete it, or import it where it is needed.' })
      else findings.push(...unusedIn(source, used))
    }
    return findings
  },
}

/** Codes of the tables that `defineErrors` makes in a source. */
const declaredCodes = (source: Source): readonly { readonly code: string; readonly node: ts.Node }[] => {
  const found: { code: string; node: ts.Node }[] = []
  walk(source.ast, (node) => {
    const table = ts.isCallExpression(node) && node.expression.getText() === 'defineErrors' ? node.arguments[0] : undefined
    if (table === undefined || !ts.isObjectLiteralExpression(table)) return
    for (const property of table.properties) if (property.name !== undefined) found.push({ code: property.name.getText(), node: property })
  })
  return found
}

/** Error codes that nothing outside tests ever gives: documented for nobody. */
export const unusedCodesRule: Rule = {
  name: 'unused-code',
  check(project) {
    const mentioned = new Set<string>()
    for (const source of project.sources) {
      if (!source.isTest) walk(source.ast, (node) => void (ts.isStringLiteralLike(node) && mentioned.add(node.text)))
    }
    return project.sources
      .filter(({ path, isTest }) => !isTest && path.endsWith('/errors.ts'))
      .flatMap((source) => declaredCodes(source).map((declared) => ({ source, ...declared })))
      .filter(({ code }) => !mentioned.has(code))
      .map(({ source, code, node }) => ({
        path: source.path, line: lineOf(source, node), rule: 'unused-code', message: `nothing gives the error ${code}`, fix: 'Delete its line, or give it where it belongs.',
      }))
  },
}
