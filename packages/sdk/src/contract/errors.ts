/** Owns the error codes of the author's side of contracts: declarations, and what stops a running contract. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of `@phalanx/sdk/contract`. */
export const contractErrors = defineErrors({
  SDK_CONTRACT_MALFORMED: describe<{ contract: string; reason: string }>(
    'The contract {contract} is not well declared: {reason}.', 'Mend its declaration.'),
  SDK_CONTRACT_REVERTED: describe<{ error: unknown }>(
    'The message took its changes back.', 'Let it pass: a contract must not catch its own revert.'),
  SDK_CONTRACT_STOPPED: describe<{ reason: string }>('{reason}.', ''),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof contractErrors> {}
}
