/** Entry point of the QuickJS door: the machine for JavaScript contracts. */
import type { JsMachine } from '../../contracts/js/machine.ts'
import { createQuickJsMachine } from './machine.ts'
import { readPublished } from './published.ts'

/** The machine of this thread: several workers of one process run their scripts on the same one, which no run can tell. */
let shared: Promise<JsMachine> | undefined

/** Reads the pinned build. It is taken apart, counted and compiled at the first use, which then takes half a second, once for a thread. */
export const loadQuickJs = (): Promise<JsMachine> => (shared ??= readPublished().then((published) => createQuickJsMachine(published)))
