/** `npm run tidy`: checks layers and style over the whole checkout and prints `file:line rule message fix`. Arguments filter by path. */
import { resolve } from 'node:path'
import { loadProject, type Finding } from './tidy/project.ts'
import { RULES } from './tidy/rules.ts'

const root = resolve(import.meta.dirname, '..')
const filters = process.argv.slice(2)

const print = ({ path, line, rule, message, fix, isWarning }: Finding): void => {
  console.log(`${path}:${line} ${isWarning === true ? 'warning ' : ''}${rule} ${message}. ${fix}`)
}

const project = loadProject(root)
const findings = RULES.flatMap((rule) => rule.check(project)).filter(({ path }) => filters.length === 0 || filters.some((filter) => path.startsWith(filter)))
for (const finding of findings) print(finding)
const failed = findings.filter(({ isWarning }) => isWarning !== true).length
console.log(`tidy: ${project.sources.length} sources, ${RULES.length} rules, ${failed} errors, ${findings.length - failed} warnings`)
process.exitCode = failed === 0 ? 0 : 1
