/** Owns the parsers of option values: each refuses with the option's name, the value and what would be right. */
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'

const invalid = (option: string, value: string, expected: string): AppError => new AppError('CLI_OPTION_INVALID', { option, value, expected })

/** A whole number within bounds, in decimal. */
export const wholeNumber =
  (option: string, bounds: { readonly min: number; readonly max: number }) =>
  (value: string): number => {
    const number = /^[0-9]{1,10}$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= bounds.min && number <= bounds.max)) throw invalid(option, value, `a whole number from ${bounds.min} to ${bounds.max}`)
    return number
  }

/** A TCP port; 0 lets the system choose. */
export const port = (option: string) => wholeNumber(option, { min: 0, max: 65_535 })

/** One of a few words. */
export const oneOf =
  <const T extends string>(option: string, words: readonly T[]) =>
  (value: string): T => {
    const found = words.find((word) => word === value)
    if (found === undefined) throw invalid(option, value, words.length === 1 ? String(words[0]) : `one of ${words.join(', ')}`)
    return found
  }

/** Some of a few words, separated by commas, in the order given. */
export const someOf = (option: string, words: readonly string[]) => {
  const parse = oneOf(option, words)
  return (value: string): readonly string[] => value.split(',').map(parse)
}

/** A URL with one of the schemes. */
export const url =
  (option: string, schemes: readonly string[]) =>
  (value: string): string => {
    if (!URL.canParse(value) || !schemes.includes(new URL(value).protocol.slice(0, -1)))
      throw invalid(option, value, `an address such as ${schemes[0] ?? ''}://127.0.0.1:${schemes[0]?.startsWith('ws') === true ? 9944 : 8100}`)
    return value.replace(/\/+$/, '')
  }

/** Collects a repeatable option. */
export const repeated =
  <T>(parse: (value: string) => T) =>
  (value: string, previous: readonly T[] | undefined): readonly T[] => [...(previous ?? []), parse(value)]
