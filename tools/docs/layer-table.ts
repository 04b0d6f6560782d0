/** Owns the import table of ARCHITECTURE.md as text, written from the data that tidy checks. Parts that do not exist yet are left out. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LAYERS } from '../tidy/layers.ts'

const root = resolve(import.meta.dirname, '../..')

/** Folders (or the one file) of a layer, read from its pattern: `a\/(b|c)\/` gives a/b/ and a/c/. */
const placesOf = (match: RegExp): readonly string[] => {
  const path = match.source.replace(/^\^/, '').replaceAll('\\/', '/').replace('(\\.ts$|/)', '.ts').replace('[^/]+', '*')
  const choice = /^(.*?)\(([^)]+)\)(.*)$/.exec(path)
  return choice === null ? [path] : (choice[2] as string).split('|').map((name) => `${choice[1]}${name}${choice[3]}`)
}

const exists = (place: string): boolean => place.includes('*') || existsSync(join(root, place))
const list = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.map((name) => (name === '*' ? 'any' : name.replace('type:', 'types of '))).join(', '))

/** The table, one row per layer, in the order in which tidy looks. */
export const renderLayerTable = (): string =>
  [
    '| part | where | packages of ours | `node:` | third party | pure |',
    '| --- | --- | --- | --- | --- | --- |',
    ...LAYERS.flatMap(({ name, match, packages, node, thirdParty, isPure }) => {
      const places = placesOf(match).filter(exists).map((place) => `\`${place}\``)
      return places.length === 0 ? [] : [`| ${name} | ${places.join(' ')} | ${list(packages)} | ${node ? 'yes' : 'no'} | ${list(thirdParty)} | ${isPure ? 'yes' : ''} |`]
    }),
  ].join('\n')
