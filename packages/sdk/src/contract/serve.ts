/** Owns the entry of a bundled contract: sets the one global that the code format asks for. `phalanx contract build` writes the call of it. */
import { isAppError, type AppError } from '@phalanx/primitives/errors'
import type { Selectors } from './abi.ts'
import type { ContractDefinition } from './define.ts'
import { dispatch } from './dispatch.ts'
import type { ContractHost, EntryResult } from './host.ts'

/** Details of an error of ours for whoever reads a receipt. A contract's code does not hold the sentences of all codes. */
const detailsOf = ({ context, path }: AppError): string => {
  const { reason, ...rest } = context as Readonly<Record<string, unknown>>
  if (typeof reason === 'string') return reason
  const facts = Object.entries(rest).map(([name, fact]) => `${name} ${String(fact)}`).join(', ')
  return `${path === '' ? '' : `at ${path}: `}${facts}`
}

/** Machines show an exception as its name and message: ours become their code and what there is to say. */
const nameForPeople = (error: unknown): void => {
  if (isAppError(error)) Object.defineProperties(error, { name: { value: error.code }, message: { value: detailsOf(error) } })
}

/** Globals of the code format; `host` is read in each run and never before. */
interface ContractGlobals {
  host: ContractHost
  phalanxContract: (entry: 'deploy' | 'call', input: Uint8Array) => EntryResult
}

/** Makes a contract callable by the machine that evaluated it. */
export const serveContract = (definition: ContractDefinition, selectors: Selectors): void => {
  const globals = globalThis as unknown as ContractGlobals
  globals.phalanxContract = (entry, input) => {
    try {
      return dispatch({ definition, selectors }, globals.host, entry, input)
    } catch (error) {
      nameForPeople(error)
      throw error
    }
  }
}
