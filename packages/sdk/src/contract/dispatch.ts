/**
 * Owns one run of a contract: finds the entry by its selector, reads the arguments strictly, runs it, writes the answer. The bundle on a
 * worker and the in-memory machine for tests both come through here. What goes wrong is a revert where ink! says so, else an exception.
 */
import { toHexPlain } from '@phalanx/primitives/bytes'
import { struct } from '@phalanx/primitives/codec'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { answerCodec, type Selectors } from './abi.ts'
import { RunningContext } from './running-context.ts'
import type { AnyEntry, ContractDefinition } from './define.ts'
import './errors.ts'
import type { ContractHost, EntryResult } from './host.ts'

const SELECTOR_LENGTH = 4
const ERROR_LEVEL = 1

/** A contract ready to run. */
export interface ContractProgram {
  readonly definition: ContractDefinition
  readonly selectors: Selectors
}

/** What every ink! contract answers to input it cannot read: `Err(CouldNotReadInput)`. */
const UNREADABLE = Uint8Array.of(1, 1)

const unreadable = (host: ContractHost, reason: string): EntryResult => {
  host.log(ERROR_LEVEL, reason)
  return { revert: UNREADABLE }
}

const readArguments = (entry: AnyEntry, input: Uint8Array): { readonly args: unknown } | { readonly problem: string } => {
  try {
    return { args: struct(entry.args).decode(input.subarray(SELECTOR_LENGTH)) }
  } catch (error) {
    if (!isAppError(error)) throw error
    return { problem: error.message }
  }
}

const isPromise = (value: unknown): boolean => typeof (value as { readonly then?: unknown } | undefined)?.then === 'function'

/** Runs an entry point. Exceptions that pass stop the contract, with their message as the reason. @throws SDK_CONTRACT_STOPPED */
export const dispatch = (program: ContractProgram, host: ContractHost, entryPoint: 'deploy' | 'call', input: Uint8Array): EntryResult => {
  const { definition, selectors } = program
  const [entries, names, what] = entryPoint === 'deploy'
    ? [definition.constructors, selectors.constructors, 'constructor'] as const
    : [definition.messages, selectors.messages, 'message'] as const
  const selector = toHexPlain(input.subarray(0, SELECTOR_LENGTH))
  const name = Object.hasOwn(names, selector) ? names[selector] : undefined
  const entry = name === undefined ? undefined : (entries as Readonly<Record<string, AnyEntry>>)[name]
  if (name === undefined || entry === undefined) return unreadable(host, `${definition.name} has no ${what} with the selector 0x${selector}`)
  if (host.value > 0n && !entry.isPayable) throw new AppError('SDK_CONTRACT_STOPPED', { reason: `${definition.name}.${name} takes no payment` })
  const read = readArguments(entry, input)
  if ('problem' in read) return unreadable(host, `the arguments of ${definition.name}.${name} cannot be read: ${read.problem}`)
  const answer = answerCodec(entry)
  const context = new RunningContext(definition, entry, host)
  try {
    const value = entry.run(context as never, read.args as never)
    if (isPromise(value)) throw new AppError('SDK_CONTRACT_STOPPED', { reason: `${definition.name}.${name} must not be async: nothing would wait for it` })
    return answer.encode({ ok: true, value: { ok: true, value } })
  } catch (error) {
    if (!isAppError(error, 'SDK_CONTRACT_REVERTED')) throw error
    return { revert: answer.encode({ ok: true, value: { ok: false, error: error.context.error } }) }
  }
}
