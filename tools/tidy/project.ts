/** Owns what every tidy rule looks at: the parsed sources, the manifests and the other text files of the checkout. Knows no rule. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import ts from 'typescript'

/** One thing that is wrong; a warning is printed but does not fail the run. */
export interface Finding {
  readonly path: string
  readonly line: number
  readonly rule: string
  readonly message: string
  readonly fix: string
  readonly isWarning?: boolean
}

/** One TypeScript source; `path` is relative to the checkout with forward slashes. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly ast: ts.SourceFile
  readonly isTest: boolean
}

/** A package.json, as far as the rules read it. */
export interface Manifest {
  readonly folder: string
  readonly name: string
  readonly entries: Readonly<Record<string, readonly string[]>>
  readonly dependencies: readonly string[]
}

/** The checkout as the rules see it. */
export interface Project {
  readonly sources: readonly Source[]
  readonly manifests: readonly Manifest[]
  /** Text of every tracked file that is not a TypeScript source, by path. */
  readonly texts: ReadonlyMap<string, string>
}

/** A rule of style or structure. */
export interface Rule {
  readonly name: string
  check(project: Project): readonly Finding[]
}

const SOURCE_ROOTS = ['packages/', 'apps/', 'simulation/', 'test/', 'bench/', 'fuzz/', 'tools/']
const TEXT_FILES = /\.(md|json|mjs|js|yml|yaml|service|css|html|tsx?)$|(^|\/)(Containerfile|run|README|LICENSE|\.gitignore|\.npmrc)$/

/** Whether a path is a test or a helper that only tests import (`testing.ts`, compliance suites, test rigs, everything under `test/`). */
const isTestPath = (path: string): boolean => /\.test\.tsx?$/.test(path) || /(^|\/)(testing|([a-z]+-)?compliance|[a-z]+-rig)(\/|\.ts$)/.test(path) || /(^|\/)test\//.test(path)

const isSourcePath = (path: string): boolean => SOURCE_ROOTS.some((root) => path.startsWith(root)) && /\.tsx?$/.test(path) && !path.endsWith('.d.ts')

const entryTargets = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(entryTargets)
}

const parseManifest = (path: string, text: string): Manifest => {
  const json = JSON.parse(text) as Record<string, unknown>
  const folder = posix.dirname(path)
  const exported = typeof json['exports'] === 'object' && json['exports'] !== null ? json['exports'] : {}
  const entries = Object.fromEntries(
    Object.entries(exported).map(([key, value]) => [key, entryTargets(value).map((target) => posix.join(folder, target))]),
  )
  const names = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'].flatMap((kind) => Object.keys((json[kind] as object | undefined) ?? {}))
  return { folder: folder === '.' ? '' : folder, name: String(json['name'] ?? ''), entries, dependencies: names }
}

/** A project from texts by path: what `loadProject` reads from disk, and what rule tests write by hand. */
export const createProject = (files: Readonly<Record<string, string>>): Project => {
  const sources: Source[] = []
  const manifests: Manifest[] = []
  const texts = new Map<string, string>()
  for (const [path, text] of Object.entries(files)) {
    if (isSourcePath(path)) {
      const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true, path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS)
      sources.push({ path, text, ast, isTest: isTestPath(path) })
    } else texts.set(path, text)
    if (/(^|\/)package\.json$/.test(path)) manifests.push(parseManifest(path, text))
  }
  return { sources, manifests, texts }
}

/** Reads the checkout at `root`: every file git tracks or would track. */
export const loadProject = (root: string): Project => {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  const files: Record<string, string> = {}
  for (const path of listed.split('\n').filter((name) => TEXT_FILES.test(name)).sort((a, b) => (a < b ? -1 : 1))) {
    try {
      files[path] = readFileSync(join(root, path), 'utf8')
    } catch {
      continue // Deleted but not yet committed.
    }
  }
  return createProject(files)
}

/** 1-based line of a node or offset. */
export const lineOf = (source: Source, at: ts.Node | number): number =>
  source.ast.getLineAndCharacterOfPosition(typeof at === 'number' ? at : at.getStart(source.ast)).line + 1

/** Calls `visit` for every node below and including `node`. */
export const walk = (node: ts.Node, visit: (node: ts.Node) => void): void => {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

/** Whether the line, or the one above it, carries `tidy-allow <rule>: <reason>`. */
export const isAllowed = (source: Source, line: number, rule: string): boolean => {
  const lines = source.text.split('\n')
  const pattern = new RegExp(`tidy-allow ${rule}: \\S.{7,}`)
  return [lines[line - 1], lines[line - 2]].some((text) => text !== undefined && pattern.test(text))
}
