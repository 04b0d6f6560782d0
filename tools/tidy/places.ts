/** Owns the rule that nothing in the project names the machine it was written on: absolute folders, registry hosts. */
import type { Finding, Rule } from './project.ts'

const RULE = 'places'
const HOME_FOLDERS = new RegExp(['/ro', 'ot/|/wo', 'rk/|/ho', 'me/[a-z]+/|/Us', 'ers/[A-Za-z]+/'].join(''))

const linesOf = (path: string, text: string, pattern: RegExp, message: string, fix: string): readonly Finding[] =>
  text.split('\n').flatMap((line, index) => (pattern.test(line) ? [{ path, line: index + 1, rule: RULE, message, fix }] : []))

/** No machine paths anywhere, no hosts in the lock file. */
export const placesRule: Rule = {
  name: RULE,
  check(project) {
    const findings: Finding[] = []
    const texts = [...project.sources.map(({ path, text }) => [path, text] as const), ...project.texts]
    for (const [path, text] of texts) {
      if (path.endsWith('package-lock.json'))
        findings.push(...linesOf(path, text, /"resolved": "(https?|git)/, 'the lock file names a registry host', 'Run npm install with --omit-lockfile-registry-resolved.'))
      else findings.push(...linesOf(path, text, HOME_FOLDERS, 'names a folder of one machine', 'Use a path relative to the project, or a temporary folder.'))
    }
    return findings
  },
}
