import fc from 'fast-check'
import { codeOf } from '@phalanx/primitives/testing'
import { describe, expect, test } from 'vitest'
import { parseArguments, replayCommand, runWords } from './arguments.ts'
import { BROKEN } from './broken.ts'

const PREFIX = 'npm run sim -- '
/** What the words of a printed command say. */
const read = (command: string) => {
  expect(command.startsWith(PREFIX)).toBe(true)
  return parseArguments(command.slice(PREFIX.length).split(' '))
}

describe('the command that runs a seed again', () => {
  test('names the options that decide the run, and no others', () => {
    const { seeds, run } = parseArguments(['--seeds', '3', '--from', 'a text', '--jobs', '2', '--blocks', '100', '--json'])
    expect(seeds).toHaveLength(3)
    expect(replayCommand(seeds[1] as number, run)).toBe(`${PREFIX}${seeds[1]} --blocks 100 --verbose`)
    expect(replayCommand(42, parseArguments(['42']).run)).toBe(`${PREFIX}42 --verbose`)
  })

  test('is read as the run it came from', () => {
    const count = fc.option(fc.nat(5000), { nil: undefined })
    fc.assert(fc.property(fc.nat(), count, count, fc.constantFrom(...BROKEN), (seed, blocks, faults, broken) => {
      const run = { broken, ...(blocks === undefined ? {} : { blocks }), ...(faults === undefined ? {} : { faults }) }
      expect(read(replayCommand(seed, run))).toEqual({ seeds: [seed], run, verbose: true, json: false, jobs: 1 })
      expect(parseArguments([String(seed), ...runWords(run)]).run).toEqual(run)
    }), { numRuns: 50 })
  })
})

describe('words', () => {
  test('draw the same seeds from the same text', () => {
    const draw = (text: string): readonly number[] => parseArguments(['--seeds', '5', '--from', text]).seeds
    expect(draw('a')).toEqual(draw('a'))
    expect(new Set([...draw('a'), ...draw('b')]).size).toBe(10)
  })

  test.each([[[]], [['--blocks', '5']], [['four']], [['1', '--blocks', '-3']], [['1', '--broken', 'nothing']], [['1', '--loud']]])('that say nothing are refused: %j', (words) => {
    expect(codeOf(() => parseArguments(words))).toBe('SIM_USAGE')
  })
})
