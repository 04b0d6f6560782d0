/**
 * Owns the fuzzing loop: inputs from seeds by blind mutation, and the property that every input is answered with a value or an
 * AppError in bounded time. Does not own the watchdog against endless loops (run.ts) nor the targets.
 */
import { readdirSync } from 'node:fs'
import { isAppError } from '@phalanx/primitives/errors'
import { createRng, mutate } from './mutate.ts'

/** One decoder of outside bytes. `run` throws nothing but AppError; it asserts what must hold of an accepted value. */
export interface FuzzTarget {
  readonly name: string
  run(bytes: Uint8Array): void
  /** Valid inputs to start from; random bytes alone rarely get past a first length. */
  readonly seeds?: readonly Uint8Array[]
}

/** What a run found. */
export interface FuzzOutcome {
  readonly target: string
  readonly inputs: number
  /** Inputs answered with a value, so that a run that never gets past the first check shows. */
  readonly accepted: number
  readonly failure?: { readonly input: Uint8Array; readonly reason: string }
}

/** Longest time one input may take. */
export const INPUT_LIMIT_MS = 1_000
const RANDOM_LENGTH_MAX = 256

/** Why an input broke the property: its error, or its time; undefined when it held. */
export const judge = (target: FuzzTarget, input: Uint8Array): { readonly accepted: boolean; readonly reason?: string } => {
  const started = performance.now()
  let accepted = true
  try {
    target.run(input)
  } catch (error) {
    if (!isAppError(error)) return { accepted: false, reason: error instanceof Error ? (error.stack ?? error.message) : `threw ${String(error)}` }
    accepted = false
  }
  const elapsedMs = performance.now() - started
  return elapsedMs > INPUT_LIMIT_MS ? { accepted, reason: `took ${Math.round(elapsedMs)} ms` } : { accepted }
}

/** Feeds a target inputs drawn from `seed` until `isDone`; `onInput` sees each one before it runs. */
export const fuzzTarget = (
  target: FuzzTarget,
  options: { readonly seed: number; readonly isDone: (inputs: number) => boolean; readonly onInput?: (input: Uint8Array) => void },
): FuzzOutcome => {
  const rng = createRng(options.seed, target.name)
  const seeds = target.seeds !== undefined && target.seeds.length > 0 ? target.seeds : [new Uint8Array()]
  const corpus = [...seeds]
  const pick = (): Uint8Array => corpus[rng.below(corpus.length)] ?? new Uint8Array()
  let accepted = 0
  let inputs = 0
  for (; !options.isDone(inputs); inputs++) {
    const isSeed = inputs < seeds.length
    const isRandom = !isSeed && rng.below(20) === 0
    const input = isSeed ? (seeds[inputs] ?? new Uint8Array()) : isRandom ? Uint8Array.from({ length: rng.below(RANDOM_LENGTH_MAX) }, () => rng.below(256)) : mutate(rng, pick(), pick())
    options.onInput?.(input)
    const { accepted: isAccepted, reason } = judge(target, input)
    if (reason !== undefined) return { target: target.name, inputs: inputs + 1, accepted, failure: { input, reason } }
    if (!isAccepted) continue
    accepted++
    if (!isSeed && corpus.length < seeds.length + 200) corpus.push(input.slice())
  }
  return { target: target.name, inputs, accepted }
}

/** Names of the target files of this folder. */
export const targetFiles = (folder: string = import.meta.dirname): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|^(run|fuzzer|mutate)\.ts$|\.thread\.ts$/.test(name))
    .sort((a, b) => (a < b ? -1 : 1))

/** Every target of every file, in order. */
export const loadTargets = async (): Promise<readonly FuzzTarget[]> => {
  const loaded: FuzzTarget[] = []
  for (const name of targetFiles()) {
    const module = (await import(new URL(name, import.meta.url).href)) as { targets?: readonly FuzzTarget[] }
    loaded.push(...(module.targets ?? []))
  }
  return loaded
}
