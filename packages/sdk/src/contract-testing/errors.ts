/** Owns the error codes that unit tests of contracts see. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of `@phalanx/sdk/contract/testing`. */
export const contractTestErrors = defineErrors({
  SDK_CONTRACT_TEST_REVERTED: describe<{ message: string; shown: string; error: unknown }>(
    '{message} reverted with {shown}.', 'Expect it with expectRevert, or mend the contract.'),
  SDK_CONTRACT_TEST_STOPPED: describe<{ message: string; reason: string }>(
    '{message} was stopped: {reason}', 'Expect it with expectStop, or mend the contract.'),
  SDK_CONTRACT_TEST_UNMET: describe<{ expected: string; found: string }>(
    'Expected {expected}, but found {found}.', 'Mend the contract, or what the test expects of it.'),
})

declare module '@phalanx/primitives/errors' {
   
  interface ErrorContexts extends ErrorsOf<typeof contractTestErrors> {}
}
