/** Owns the check of the import table (layers.ts): arrows go one way, one external dependency enters by one door. */
import { posix } from 'node:path'
import { isAllowed, lineOf, type Finding, type Project, type Rule, type Source } from './project.ts'
import { layerOf, workspaceOf, type Layer } from './layers.ts'
import { isBarrel, moduleUses, resolveModule, type ModuleUse } from './modules.ts'

const RULE = 'imports'
const ALWAYS_FOR_TESTS = ['vitest', 'fast-check']

const matches = (allowed: string, name: string): boolean => allowed === '*' || allowed === name || (allowed.endsWith('*') && name.startsWith(allowed.slice(0, -1)))

/** Package of a bare specifier: `@scope/name/deep` → `@scope/name`. */
const packageOf = (specifier: string): string => specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')

const workspaceProblem = (layer: Layer, source: Source, use: ModuleUse): { message: string; fix: string } | undefined => {
  const target = use.specifier.slice('@phalanx/'.length)
  const [name = '', ...rest] = target.split('/')
  const own = workspaceOf(source.path)?.split('/').at(-1)
  if (name === own && !source.path.includes('/test/')) return { message: `${use.specifier} is its own package`, fix: 'Import the defining file relatively.' }
  if (name === own) return undefined
  if (source.isTest && rest[0] === 'testing') return undefined
  const isAllowedHere = layer.packages.some((allowed) => {
    const path = allowed.replace(/^type:/, '')
    const isCovered = path === name || path === target || target.startsWith(`${path}/`)
    return isCovered && (!allowed.startsWith('type:') || use.isTypeOnly || source.isTest)
  })
  if (isAllowedHere) return undefined
  const allowed = layer.packages.length === 0 ? 'no package of ours' : layer.packages.map((text) => text.replace('type:', 'types of ')).join(', ')
  return { message: `${layer.name} may not import ${use.specifier}`, fix: `It may import ${allowed}. Hand the thing in as an argument, or move the code to a layer above.` }
}

const outsideProblem = (project: Project, layer: Layer, source: Source, use: ModuleUse): { message: string; fix: string } | undefined => {
  const { specifier } = use
  if (specifier.startsWith('node:')) {
    return layer.node || source.isTest ? undefined : { message: `${layer.name} may not use ${specifier}`, fix: 'Take what is needed through an interface (primitives/ports) that the shell implements.' }
  }
  const name = packageOf(specifier)
  if (!source.isTest && !layer.thirdParty.some((allowed) => matches(allowed, name)))
    return { message: `${name} may not enter ${layer.name}`, fix: 'Use it behind its one door (tools/tidy/layers.ts), or do without.' }
  if (source.isTest && ALWAYS_FOR_TESTS.includes(name)) return undefined
  const folder = workspaceOf(source.path)
  const manifests = project.manifests.filter((manifest) => manifest.folder === folder || manifest.folder === '')
  if (!manifests.some(({ dependencies }) => dependencies.includes(name)))
    return { message: `${name} is not a dependency of this workspace`, fix: `Add it to ${folder ?? 'the root'}'s package.json.` }
  return undefined
}

/** A folder's barrel that is an entry of the manifest may be imported from the package's other folders, never from its own. */
const isPublicFaceOfSibling = (project: Project, from: string, target: string): boolean => {
  const isEntry = project.manifests.some(({ entries }) => Object.values(entries).some((files) => files.includes(target)))
  return isEntry && !from.startsWith(`${posix.dirname(target)}/`)
}

const relativeProblem = (project: Project, sourcesByPath: ReadonlyMap<string, Source>, source: Source, use: ModuleUse): { message: string; fix: string } | undefined => {
  const target = resolveModule(project, source.path, use.specifier)[0] ?? ''
  const from = workspaceOf(source.path)
  const to = workspaceOf(target)
  const isTestHelper = (source.isTest && (target.startsWith('tools/') || target.startsWith('test/'))) || /^(bench|fuzz|tools)\//.test(source.path)
  if (from !== to && !isTestHelper && (to !== undefined || from !== undefined))
    return { message: `${use.specifier} leaves the workspace`, fix: 'Import packages by name (@phalanx/...); nobody imports apps, simulation or tools.' }
  const found = sourcesByPath.get(target)
  // Examples are no sources of ours to be tidied, but are there.
  if (found === undefined && /\.tsx?$/.test(target) && !project.texts.has(target)) return { message: `${use.specifier} does not exist`, fix: 'Name the file as it is, with its .ts ending.' }
  if (found !== undefined && isBarrel(found) && !source.isTest && from !== undefined && !isPublicFaceOfSibling(project, source.path, target))
    return { message: `${use.specifier} is a barrel`, fix: 'Import the file that defines the name.' }
  return undefined
}

/** The import table. */
export const importsRule: Rule = {
  name: RULE,
  check(project) {
    const findings: Finding[] = []
    const byPath = new Map(project.sources.map((source) => [source.path, source]))
    for (const source of project.sources) {
      const layer = layerOf(source.path)
      if (layer === undefined) continue
      for (const use of moduleUses(source)) {
        const { specifier } = use
        const problem = specifier.startsWith('.')
          ? relativeProblem(project, byPath, source, use)
          : specifier.startsWith('@phalanx/')
            ? workspaceProblem(layer, source, use)
            : outsideProblem(project, layer, source, use)
        const line = lineOf(source, use.node)
        if (problem !== undefined && !isAllowed(source, line, RULE)) findings.push({ path: source.path, line, rule: RULE, ...problem })
      }
    }
    return findings
  },
}
