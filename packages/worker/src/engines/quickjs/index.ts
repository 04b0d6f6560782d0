/** Entry point of the QuickJS door: the machine for JavaScript contracts, one for a thread, made of what threads of a process share. */
import type { JsMachine } from '../../contracts/js/machine.ts'
import { createPreparedMachine, prepareQuickJs, type PreparedQuickJs } from './machine.ts'
import { readPublished } from './published.ts'

export type { PreparedQuickJs } from './machine.ts'

/** The machine of this thread: several workers of one process run their scripts on the same one, which no run can tell. */
let shared: Promise<JsMachine> | undefined
/** What it is made of, once that is known. */
let prepared: PreparedQuickJs | undefined

/** Reads the pinned build. It is taken apart, counted and compiled at the first use, unless another thread did that. */
export const loadQuickJs = (): Promise<JsMachine> => (shared ??= load())

const load = async (): Promise<JsMachine> => {
  if (prepared !== undefined) return createPreparedMachine(() => prepared as PreparedQuickJs)
  const published = await readPublished()
  return createPreparedMachine(() => (prepared ??= prepareQuickJs(published)))
}

/** Does for this thread and those that it hands the result to what the first use would. */
export const prepareShared = async (): Promise<PreparedQuickJs> => (prepared ??= prepareQuickJs(await readPublished()))

/** What threads that are started now can be given. */
export const preparedQuickJs = (): PreparedQuickJs | undefined => prepared

/** Takes over what another thread of this process prepared, before it ran any contract. */
export const adoptQuickJs = (given: PreparedQuickJs): void => {
  prepared ??= given
}
