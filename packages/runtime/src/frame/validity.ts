/** Owns the verdict on a transaction before it runs: valid with its place in the pool's order, or refused and why. */
import { bool, bytes, named, result, struct, u64, u8, variant, vec, type TypeOf } from '@phalanx/primitives/codec'

/** A transaction that cannot be in this block. */
const InvalidTransaction = named(
  'sp_runtime::transaction_validity::InvalidTransaction',
  variant('InvalidTransaction', {
    Call: { index: 0 },
    Payment: { index: 1 },
    Future: { index: 2 },
    Stale: { index: 3 },
    BadProof: { index: 4 },
    AncientBirthBlock: { index: 5 },
    ExhaustsResources: { index: 6 },
    Custom: { index: 7, value: u8 },
    BadMandatory: { index: 8 },
    MandatoryValidation: { index: 9 },
    BadSigner: { index: 10 },
  }),
)
type InvalidTransaction = TypeOf<typeof InvalidTransaction>

/** A transaction whose validity cannot be told. */
const UnknownTransaction = named(
  'sp_runtime::transaction_validity::UnknownTransaction',
  variant('UnknownTransaction', { CannotLookup: { index: 0 }, NoUnsignedValidator: { index: 1 }, Custom: { index: 2, value: u8 } }),
)
type UnknownTransaction = TypeOf<typeof UnknownTransaction>

/** Why a transaction is refused. */
export const TransactionValidityError = named(
  'sp_runtime::transaction_validity::TransactionValidityError',
  variant('TransactionValidityError', { Invalid: { index: 0, value: InvalidTransaction }, Unknown: { index: 1, value: UnknownTransaction } }),
)
export type TransactionValidityError = TypeOf<typeof TransactionValidityError>

/** Where a valid transaction stands: `requires` and `provides` are tags that order it after others; `longevity` counts blocks. */
export const ValidTransaction = named(
  'sp_runtime::transaction_validity::ValidTransaction',
  struct({ priority: u64, requires: vec(bytes), provides: vec(bytes), longevity: u64, propagate: bool }),
)
export type ValidTransaction = TypeOf<typeof ValidTransaction>

/** Verdict on a transaction. */
export const TransactionValidity = result(ValidTransaction, TransactionValidityError)
export type TransactionValidity = TypeOf<typeof TransactionValidity>

/** Who handed the transaction in. */
export const TransactionSource = named(
  'sp_runtime::transaction_validity::TransactionSource',
  variant('TransactionSource', { InBlock: { index: 0 }, Local: { index: 1 }, External: { index: 2 } }),
)
export type TransactionSource = TypeOf<typeof TransactionSource>

/** Longest longevity: never ends. */
const LONGEVITY_MAX = (1n << 64n) - 1n

/** A transaction that is valid and says nothing about order. */
export const VALID_DEFAULT: ValidTransaction = { priority: 0n, requires: [], provides: [], longevity: LONGEVITY_MAX, propagate: true }

/** Joins the verdicts of two extensions: priorities add up, tags gather, the shorter life counts. */
export const combineValid = (a: ValidTransaction, b: ValidTransaction): ValidTransaction => {
  const priority = a.priority + b.priority
  return {
    priority: priority > LONGEVITY_MAX ? LONGEVITY_MAX : priority,
    requires: [...a.requires, ...b.requires],
    provides: [...a.provides, ...b.provides],
    longevity: a.longevity < b.longevity ? a.longevity : b.longevity,
    propagate: a.propagate && b.propagate,
  }
}

/** A refusal of the `Invalid` family without content. */
export const invalid = (kind: Exclude<InvalidTransaction['kind'], 'Custom'>): TransactionValidityError => ({ kind: 'Invalid', value: { kind } })
