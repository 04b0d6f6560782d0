/** Owns the wire form of the errors that calls fail with, on the chain and in contracts' results. Does not own how a call fails (runtime/frame). */
import { fixedBytes, named, struct, u8, variant, type TypeOf } from '../codec/index.ts'

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
