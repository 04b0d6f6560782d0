/** Owns reading what a contract's execution came to: the value, or an error that says how it ended and why. One way for commands, queries, estimates and deployments. */
import { contractErrorName, type ContractExecResult, type StorageDeposit } from '@phalanx/primitives/contracts'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import '../errors.ts'
import type { EntryInterface } from './interface.ts'

const REVERT_FLAG = 1

/** What all results have in common. `data` is what the entry gave back. */
export interface ExecutionResult {
  readonly gasConsumed: ContractExecResult['gasConsumed']
  readonly gasRequired: ContractExecResult['gasRequired']
  readonly storageDeposit: StorageDeposit
  readonly result: { readonly ok: true; readonly value: { readonly flags: number; readonly data: Uint8Array } } | Extract<ContractExecResult['result'], { ok: false }>
}

/** Where a result belongs, for errors. */
export interface ExecutionPlace {
  /** `contract.message`. */
  readonly entry: string
  readonly interface: EntryInterface
  /** Why it failed, for people. */
  readonly failure: string | undefined
  /** The receipt, where there is one. */
  readonly receipt?: unknown
}

/** A value as text for people: bytes in hex, variants by name. */
export const showValue = (value: unknown): string => {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(showValue).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const { kind, ...fields } = value as Readonly<Record<string, unknown>>
  const shown = Object.entries(fields).filter(([, content]) => content !== undefined).map(([name, content]) => `${name}: ${showValue(content)}`)
  const body = shown.length === 0 ? '' : `{ ${shown.join(', ')} }`
  if (typeof kind === 'string') return body === '' ? kind : `${kind} ${body}`
  return body === '' ? '{}' : body
}

const failed = ({ entry, receipt }: ExecutionPlace, gas: bigint, reason: string, cause?: unknown): AppError =>
  new AppError('SDK_MESSAGE_FAILED', { entry, reason, gas, receipt }, { cause })

/**
 * The value that an execution gave.
 * @throws SDK_MESSAGE_REVERTED with the contract's own error, SDK_MESSAGE_FAILED
 */
export const valueOf = (execution: ExecutionResult, place: ExecutionPlace): unknown => {
  const { result, gasConsumed: { refTime: gas } } = execution
  if (!result.ok) {
    const name = contractErrorName(result.error) ?? (result.error.kind === 'Token' ? result.error.value.kind : result.error.kind)
    throw failed(place, gas, place.failure === undefined ? name : `${name}, ${place.failure}`)
  }
  const { flags, data } = result.value
  const isReverted = (flags & REVERT_FLAG) !== 0
  if (data.length === 0 && !isReverted) return undefined
  let answer
  try {
    answer = place.interface.decode(data)
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    throw failed(place, gas, 'what it gave back is not what the metadata says', cause)
  }
  if (!answer.ok) throw failed(place, gas, 'the contract could not read the call: the metadata is that of another contract or version')
  if (answer.value.ok && !isReverted) return answer.value.value
  const error = answer.value.ok ? answer.value.value : answer.value.error
  throw new AppError('SDK_MESSAGE_REVERTED', { entry: place.entry, shown: showValue(error), error, receipt: place.receipt })
}
