/** Owns what the doctor finds: one line per check, with cause and fix where something is wrong, and how people and machines read them. */
import { isAppError } from '@phalanx/primitives/errors'
import type { Style } from '../output.ts'

/** `warn` works but will hurt; `skip` was not looked at, and says why. */
export type FindingState = 'ok' | 'warn' | 'fail' | 'skip'

/** Outcome of one check. */
export interface Finding {
  readonly check: string
  readonly state: FindingState
  /** What was seen: a value, the cause of a failure, or why nothing was looked at. */
  readonly seen: string
  readonly fix?: string
  /** Code of ours, where the failure has one. */
  readonly code?: string
}

/** A check that passed. */
export const ok = (check: string, seen: string): Finding => ({ check, state: 'ok', seen })

/** A check that found something wrong. */
export const fail = (check: string, cause: string, fix: string): Finding => ({ check, state: 'fail', seen: cause, fix })

/** A check that found something that will hurt. */
export const warn = (check: string, cause: string, fix: string): Finding => ({ check, state: 'warn', seen: cause, fix })

/** A check that was not made. */
export const skip = (check: string, why: string): Finding => ({ check, state: 'skip', seen: why })

/** The system's own word for an error. */
const reasonOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : error instanceof Error ? error.message : String(error)
}

/** A failure out of whatever was thrown; errors of ours bring their own fix. */
export const failWith = (check: string, error: unknown, fix: string): Finding => {
  if (!isAppError(error)) return fail(check, reasonOf(error), fix)
  const sentence = error.message.replace(/^[A-Z0-9_]+(?= at |: )/, '').replace(/^: /, '').trim()
  const cause = error.fix !== '' && sentence.endsWith(error.fix) ? sentence.slice(0, -error.fix.length).trim() : sentence
  return { check, state: 'fail', seen: cause, fix: error.fix === '' ? fix : error.fix, code: error.code }
}

const MARKS: Readonly<Record<FindingState, string>> = { ok: '✔', warn: '!', fail: '✘', skip: '–' }

const paint = (state: FindingState, style: Style): string => {
  const mark = MARKS[state]
  return state === 'ok' ? style.good(mark) : state === 'fail' ? style.bad(mark) : state === 'warn' ? style.warn(mark) : style.dim(mark)
}

/** The first failure with cause and fix, and everything else below it. */
export const formatFindings = (findings: readonly Finding[], style: Style): string => {
  const first = findings.find(({ state }) => state === 'fail')
  const width = Math.max(...findings.map(({ check }) => check.length))
  const rows = findings.flatMap((finding) => {
    const { check, state, seen, fix } = finding
    const line = `${paint(state, style)} ${check.padEnd(width)}  ${state === 'skip' ? style.dim(`not looked at: ${seen}`) : seen}`
    return fix === undefined || finding === first ? [line] : [line, `${' '.repeat(width + 4)}${style.dim(`→ ${fix}`)}`]
  })
  const head = first === undefined
    ? [style.good('Everything that was looked at is in order.')]
    : [`${style.bad('cause')}  ${style.bold(first.check)}: ${first.seen}`, `${style.bad('→ fix')}  ${first.fix ?? ''}`]
  return [...head, '', ...rows].join('\n')
}
