/** Owns the shape of a transaction extension: a step that judges a signed transaction, and may act before and after its call. */
import type { AccountId, SignedExtra } from '@phalanx/primitives/chain'
import type { Codec } from '@phalanx/primitives/codec'
import type { Context, DispatchOutcome, RuntimeCall } from './context.ts'
import type { TransactionValidityError, ValidTransaction } from './validity.ts'
import type { CallInfo } from './weight.ts'

/** A signed transaction whose signature is known to be good. */
export interface SignedTransaction {
  readonly signer: AccountId
  readonly extra: SignedExtra
  readonly call: RuntimeCall
  readonly info: CallInfo
  /** Bytes of the whole extrinsic, its length prefix included. */
  readonly length: number
}

/** What an extension's validation says. */
export type ExtensionVerdict = { readonly ok: true; readonly value: Partial<ValidTransaction> } | { readonly ok: false; readonly error: TransactionValidityError }

/** The verdict of an extension without an opinion. */
export const NO_OPINION: ExtensionVerdict = { ok: true, value: {} }

/** A step of the pipeline. `prepare` runs in the block and may be stricter than `validate`, which serves the pool. */
export interface TransactionExtension {
  /** Identifier in metadata. */
  readonly name: string
  /** What it adds to the extrinsic; unit where absent. */
  readonly extra?: Codec<any>
  /** What it adds to the signed payload only; unit where absent. */
  readonly additional?: Codec<any>
  /** Stands after all others: the fee payment does. */
  readonly last?: boolean
  validate?(ctx: Context, transaction: SignedTransaction): ExtensionVerdict
  /** Undefined: go on. The layer of a refused transaction is rolled back. */
  prepare?(ctx: Context, transaction: SignedTransaction): TransactionValidityError | undefined
  /** After the call, successful or not. */
  settle?(ctx: Context, transaction: SignedTransaction, outcome: DispatchOutcome): void
}
