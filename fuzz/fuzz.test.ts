import { describe, expect, test } from 'vitest'
import { AppError } from '@phalanx/primitives/errors'
import { toHexPlain } from '@phalanx/primitives/bytes'
import { fuzzTarget, judge, loadTargets, type FuzzTarget } from './fuzzer.ts'
import { createRng, mutate } from './mutate.ts'

const INPUTS = 250
const SEED = 1

describe('every decoder of outside bytes', async () => {
  const targets = await loadTargets()
  test('has a name of its own', () => {
    expect(targets.length).toBeGreaterThan(0)
    expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length)
  })
  test.each(targets.map((target) => [target.name, target] as const))('%s answers with a value or an AppError', (_name, target) => {
    const { failure, accepted } = fuzzTarget(target, { seed: SEED, isDone: (inputs) => inputs >= INPUTS })
    expect(failure === undefined ? '' : `${toHexPlain(failure.input)}: ${failure.reason}`).toBe('')
    if ((target.seeds?.length ?? 0) > 0) expect(accepted).toBeGreaterThan(0)
  })
})

describe('the fuzzer', () => {
  const inputsOf = (seed: number): readonly string[] => {
    const seen: string[] = []
    const target: FuzzTarget = { name: 'any', seeds: [Uint8Array.of(1, 2, 3, 4)], run: (bytes) => { seen.push(toHexPlain(bytes)) } }
    fuzzTarget(target, { seed, isDone: (inputs) => inputs >= 100 })
    return seen
  }

  test('draws the same inputs from the same seed, and others from another', () => {
    expect(inputsOf(3)).toEqual(inputsOf(3))
    expect(inputsOf(3)).not.toEqual(inputsOf(4))
    expect(new Set(inputsOf(3)).size).toBeGreaterThan(50)
  })

  test('finds a decoder that crashes, and hands back the input that does it', () => {
    const broken: FuzzTarget = { name: 'broken', seeds: [Uint8Array.of(9, 0, 0)], run: (bytes) => { if (bytes[0] === 9 && bytes.length > 3) (undefined as unknown as { x: number }).x = 1 } }
    const { failure } = fuzzTarget(broken, { seed: 1, isDone: (inputs) => inputs >= 5_000 })
    expect(failure?.reason).toContain('TypeError')
    expect(judge(broken, failure?.input ?? new Uint8Array()).reason).toContain('TypeError')
  })

  test('takes an AppError as an answer and anything else as a failure', () => {
    expect(judge({ name: 'a', run: () => { throw new AppError('CODEC_INVALID_UTF8', {}) } }, new Uint8Array())).toEqual({ accepted: false })
    expect(judge({ name: 'b', run: () => { throw new RangeError('offset') } }, new Uint8Array()).reason).toContain('RangeError')
    expect(judge({ name: 'c', run: () => {} }, new Uint8Array())).toEqual({ accepted: true })
  })

  test('mutations never change their input', () => {
    const input = Uint8Array.from({ length: 50 }, (_, i) => i)
    const rng = createRng(5)
    for (let i = 0; i < 500; i++) mutate(rng, input, input)
    expect(toHexPlain(input)).toBe(toHexPlain(Uint8Array.from({ length: 50 }, (_, i) => i)))
  })
})
