/** Owns the error of a failed call: its wire form and the exception that carries it to the executive. Not for operational errors (AppError). */
import type { PostInfo } from './context.ts'
import { fixedBytes, named, result, struct, u8, unit, variant, type TypeOf } from '@phalanx/primitives/codec'

/** What is wrong with an amount. */
const TokenError = named(
  'sp_runtime::TokenError',
  variant('TokenError', {
    FundsUnavailable: { index: 0 },
    OnlyProvider: { index: 1 },
    BelowMinimum: { index: 2 },
    CannotCreate: { index: 3 },
    UnknownAsset: { index: 4 },
    Frozen: { index: 5 },
    Unsupported: { index: 6 },
    CannotCreateHold: { index: 7 },
    NotExpendable: { index: 8 },
    Blocked: { index: 9 },
  }),
)
type TokenError = TypeOf<typeof TokenError>

/** What is wrong with a calculation. */
const ArithmeticError = named(
  'sp_arithmetic::ArithmeticError',
  variant('ArithmeticError', { Underflow: { index: 0 }, Overflow: { index: 1 }, DivisionByZero: { index: 2 } }),
)

/** Trouble with nested transactions. */
const TransactionalError = named(
  'sp_runtime::TransactionalError',
  variant('TransactionalError', { LimitReached: { index: 0 }, NoLayer: { index: 1 } }),
)

/** An error that a pallet declares: its index in the runtime and the error's own, padded to four bytes. */
const ModuleError = named('sp_runtime::ModuleError', struct({ index: u8, error: fixedBytes(4) }))
type ModuleError = TypeOf<typeof ModuleError>

/** Why a call failed. */
export const DispatchError = named(
  'sp_runtime::DispatchError',
  variant('DispatchError', {
    Other: { index: 0 },
    CannotLookup: { index: 1 },
    BadOrigin: { index: 2 },
    Module: { index: 3, value: ModuleError },
    ConsumerRemaining: { index: 4 },
    NoProviders: { index: 5 },
    TooManyConsumers: { index: 6 },
    Token: { index: 7, value: TokenError },
    Arithmetic: { index: 8, value: ArithmeticError },
    Transactional: { index: 9, value: TransactionalError },
    Exhausted: { index: 10 },
    Corruption: { index: 11 },
    Unavailable: { index: 12 },
    RootNotAllowed: { index: 13 },
  }),
)
export type DispatchError = TypeOf<typeof DispatchError>

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
export const failToken = (kind: TokenError['kind']): never => failWith({ kind: 'Token', value: { kind } })

/** Fails the running call because a number left its range. @throws DispatchFailure */
export const failArithmetic = (kind: 'Underflow' | 'Overflow' | 'DivisionByZero'): never => failWith({ kind: 'Arithmetic', value: { kind } })

/** A pallet's own error. */
export const moduleError = (palletIndex: number, errorIndex: number): DispatchError => ({
  kind: 'Module',
  value: { index: palletIndex, error: Uint8Array.of(errorIndex, 0, 0, 0) },
})

