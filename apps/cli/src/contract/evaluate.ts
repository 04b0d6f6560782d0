/**
 * Owns reading a contract's declaration: its script runs in a context with nothing but the language, as on a worker, and must leave a
 * definition. That finds mistakes early; it is no sandbox against an author who means harm.
 */
import { createContext, Script } from 'node:vm'
import { AppError } from '@phalanx/primitives/errors'
import { isContractDefinition, type ContractDefinition } from '@phalanx/sdk/contract'
import '../errors.ts'

/** Declaring takes milliseconds. */
const TIMEOUT_MS = 2000

/** Global that the evaluated script sets to what its source exports. */
export const EXPORT_NAME = 'exportedByTheContract'

const run = (script: string, path: string): Readonly<Record<string, unknown>> => {
  const globals: Record<string, unknown> = { TextEncoder, TextDecoder }
  createContext(globals, { codeGeneration: { strings: false, wasm: false } })
  try {
    new Script(script, { filename: path }).runInContext(globals, { timeout: TIMEOUT_MS })
  } catch (error) {
    throw new AppError('CLI_CONTRACT_DECLARATION_FAILED', { path, reason: String((error as Partial<Error> | undefined)?.message ?? error) }, { cause: error })
  }
  return globals
}

/** Definition that a script exports by default. @throws CLI_CONTRACT_DECLARATION_FAILED, CLI_CONTRACT_EXPORT_MISSING */
export const readDefinition = (script: string, path: string): ContractDefinition => {
  const exported = (run(script, path)[EXPORT_NAME] as { readonly default?: unknown } | undefined)?.default
  if (!isContractDefinition(exported)) throw new AppError('CLI_CONTRACT_EXPORT_MISSING', { path })
  return exported
}

/** Makes sure that a finished script does what the code format asks of it. @throws CLI_CONTRACT_DECLARATION_FAILED */
export const assertServes = (script: string, path: string): void => {
  if (typeof run(script, path)['phalanxContract'] !== 'function') throw new AppError('CLI_CONTRACT_DECLARATION_FAILED', { path, reason: 'its script does not set phalanxContract' })
}
