/** Owns the import table of ARCHITECTURE.md as text, written from the data that tidy checks. */
import { LAYERS } from '../tidy/layers.ts'

const PLACES: Readonly<Record<string, string>> = {
  'package tests': '`packages/*/test/`', outside: '`test/` `bench/` `fuzz/` `tools/`',
}

/** Folder of a layer, read from its pattern. */
const placeOf = (name: string, match: RegExp): string =>
  PLACES[name] ?? `\`${match.source.replace(/^\^/, '').replaceAll('\\/', '/').replace(/\(\\\.ts\$\|\/\)/, '').replaceAll('(', '{').replaceAll(')', '}').replaceAll('|', ',')}\``

const list = (names: readonly string[], none: string): string => (names.length === 0 ? none : names.map((name) => (name === '*' ? 'any' : name.replace('type:', 'types of '))).join(', '))

/** The table, one row per layer, in the order in which tidy looks. */
export const renderLayerTable = (): string =>
  [
    '| part | folder | packages of ours | `node:` | third party | pure |',
    '| --- | --- | --- | --- | --- | --- |',
    ...LAYERS.map(({ name, match, packages, node, thirdParty, isPure }) =>
      `| ${name} | ${placeOf(name, match)} | ${list(packages, 'none')} | ${node ? 'yes' : 'no'} | ${list(thirdParty, 'none')} | ${isPure ? 'yes' : ''} |`),
  ].join('\n')
