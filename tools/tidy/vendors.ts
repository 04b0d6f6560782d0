/** Owns the rule that a vendor's name appears only where a vendor is dealt with, so that a new one costs few files. Comments are free. */
import ts from 'typescript'
import { isAllowed, lineOf, walk, type Finding, type Rule } from './project.ts'

const RULE = 'vendors'
const VENDORS = new Set(['sgx', 'tdx', 'snp', 'sev', 'nitro', 'intel', 'amd', 'nvidia', 'gramine', 'dstack', 'epid'])
/** Where vendors are dealt with. */
const HOMES = [/^packages\/attestation\/src\/kinds\//, /^packages\/worker\/src\/platform\//, /\/doctor(\/|\.ts$)/]
/** Files whose strings and property names are wire names that others chose. */
const WIRE_FILES = [
  /^packages\/primitives\/src\/messages\//,
  /^packages\/runtime\/src\/pallets\/[^/]+\/(types|storage|evidence|wire)\.ts$/,
  /^packages\/worker\/src\/(wire|api)\//,
]

const words = (name: string): readonly string[] =>
  name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2').toLowerCase().split(/[^a-z]+/)

const vendorIn = (text: string): string | undefined => words(text).find((word) => VENDORS.has(word))

/** Names that a module hands on from a vendor's home say where they come from; using them under that name does not pass. */
const isInModuleLine = (node: ts.Node): boolean => {
  for (let up: ts.Node | undefined = node; up !== undefined; up = up.parent) if (ts.isImportDeclaration(up) || ts.isExportDeclaration(up)) return true
  return false
}

const isWireName = (node: ts.Node): boolean =>
  ts.isStringLiteralLike(node) || (ts.isIdentifier(node) && (ts.isPropertyAssignment(node.parent) || ts.isPropertySignature(node.parent) || ts.isPropertyAccessExpression(node.parent)) && node.parent.name === node)

/** Vendor names stay in their homes. */
export const vendorsRule: Rule = {
  name: RULE,
  check(project) {
    const findings: Finding[] = []
    for (const source of project.sources) {
      if (source.isTest || !/^(packages|apps)\//.test(source.path) || HOMES.some((home) => home.test(source.path))) continue
      const isWireFile = WIRE_FILES.some((pattern) => pattern.test(source.path))
      walk(source.ast, (node) => {
        if (!ts.isIdentifier(node) && !ts.isStringLiteralLike(node) && !ts.isTemplateHead(node) && !ts.isTemplateMiddle(node) && !ts.isTemplateTail(node)) return
        const vendor = vendorIn(node.text)
        if (vendor === undefined || isInModuleLine(node) || (isWireFile && isWireName(node))) return
        const line = lineOf(source, node)
        if (!isAllowed(source, line, RULE))
          findings.push({ path: source.path, line, rule: RULE, message: `names a vendor: ${node.text.slice(0, 60)}`, fix: 'Ask the table in attestation/src/kinds or worker/src/platform; only they know vendors.' })
      })
    }
    return findings
  },
}
