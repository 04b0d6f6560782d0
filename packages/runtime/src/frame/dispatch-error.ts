/** Owns the failing of a call: the exception that carries its error to the executive. Its wire form is primitives/chain/dispatch-error.ts. Not for operational errors (AppError). */
import type { PostInfo } from './context.ts'
import { DispatchError } from '@phalanx/primitives/chain'
import { result, unit, type TypeOf } from '@phalanx/primitives/codec'

/** Why a call failed. */
export { DispatchError }

/** `Result<(), DispatchError>` as events carry it. */
export const DispatchResult = result(unit, DispatchError)
export type DispatchResult = TypeOf<typeof DispatchResult>

/** A call succeeded. */
export const DISPATCH_OK: DispatchResult = { ok: true, value: [] }

/** The chain says no. Thrown only through `ctx.fail` and `failWith`, caught only where calls are dispatched. */
export class DispatchFailure extends Error {
  override readonly name = 'DispatchFailure'
  readonly error: DispatchError
  /** What the call really cost up to its failure; unset: as declared. */
  post: PostInfo | undefined = undefined

  constructor(error: DispatchError, label: string) {
    super(label)
    this.error = error
  }
}

const label = (error: DispatchError): string => {
  const inner: unknown = 'value' in error ? error.value : undefined
  return inner !== null && typeof inner === 'object' && 'kind' in inner ? `${error.kind}.${String(inner.kind)}` : error.kind
}

/** Fails the running call with an error that is not a pallet's own. @throws DispatchFailure */
export const failWith = (error: DispatchError): never => {
  throw new DispatchFailure(error, label(error))
}

/** Fails the running call because of an amount. @throws DispatchFailure */
export const failToken = (kind: Extract<DispatchError, { kind: 'Token' }>['value']['kind']): never => failWith({ kind: 'Token', value: { kind } })

/** Fails the running call because a number left its range. @throws DispatchFailure */
export const failArithmetic = (kind: 'Underflow' | 'Overflow' | 'DivisionByZero'): never => failWith({ kind: 'Arithmetic', value: { kind } })

/** A pallet's own error. */
export const moduleError = (palletIndex: number, errorIndex: number): DispatchError => ({
  kind: 'Module',
  value: { index: palletIndex, error: Uint8Array.of(errorIndex, 0, 0, 0) },
})

