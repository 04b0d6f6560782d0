/** Entry point of the QuickJS door: the machine for JavaScript contracts. */
import type { JsMachine } from '../../contracts/js/machine.ts'
import { createQuickJsMachine, type QuickJsOptions } from './machine.ts'
import { readPublished } from './published.ts'

/** Reads the pinned build and makes a machine of it. The build is taken apart at the first use, which then takes a third of a second. */
export const loadQuickJs = async (options: QuickJsOptions = {}): Promise<JsMachine> => createQuickJsMachine(await readPublished(), options)

export type { QuickJsOptions } from './machine.ts'
