/** Owns the entry of a bundled contract: sets the one global that the code format asks for. `phalanx contract build` writes the call of it. */
import type { Selectors } from './abi.ts'
import type { ContractDefinition } from './define.ts'
import { dispatch } from './dispatch.ts'
import type { ContractHost, EntryResult } from './host.ts'

/** Globals of the code format; `host` is read in each run and never before. */
interface ContractGlobals {
  host: ContractHost
  phalanxContract: (entry: 'deploy' | 'call', input: Uint8Array) => EntryResult
}

/** Makes a contract callable by the machine that evaluated it. */
export const serveContract = (definition: ContractDefinition, selectors: Selectors): void => {
  const globals = globalThis as unknown as ContractGlobals
  globals.phalanxContract = (entry, input) => dispatch({ definition, selectors }, globals.host, entry, input)
}
