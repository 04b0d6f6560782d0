/** Owns the operational error codes of the runtime package. Dispatch errors belong to the pallets that declare them. */
import { defineErrors, describe, type ErrorsOf } from '@phalanx/primitives/errors'

/** Codes of `@phalanx/runtime`. */
export const runtimeErrors = defineErrors({
  BLOCK_MISMATCH: describe<{ what: string; number: number; expected: string; got: string }>(
    'Block {number} claims {what} {got}, but executing it gives {expected}.', 'Fetch the block elsewhere; or run the version of the author.'),
  BLOCK_PARENT_MISMATCH: describe<{ number: number; reason: string }>(
    'Block {number} does not follow its parent: {reason}.', 'Import blocks in order, each on its own parent.'),
  BLOCK_INHERENT_INVALID: describe<{ number: number; reason: string }>(
    'The inherents of block {number} are wrong: {reason}.', 'Fetch the block elsewhere; its author is faulty.'),
  BLOCK_EXTRINSIC_INVALID: describe<{ number: number; index: number; reason: string }>(
    'Extrinsic {index} of block {number} may not be in it: {reason}.', 'Fetch the block elsewhere; its author is faulty.'),
  RUNTIME_API_UNKNOWN: describe<{ method: string }>(
    'There is no runtime API {method}.', 'Read the names from metadata version 15 or 16.'),
  RUNTIME_API_PARAMS: describe<{ method: string }>(
    'The parameters of {method} do not decode.', 'Encode them as the metadata declares them.'),
  CHAIN_SPEC_MALFORMED: describe<{ field: string; expected: string }>(
    'The chain spec is wrong at {field}: expected {expected}.', 'Correct that field; `phalanx chain-spec` prints a complete example.'),
  CHAIN_SPEC_UNKNOWN_FIELD: describe<{ field: string }>(
    'The chain spec has an unknown field {field}.', 'Remove it or correct its spelling.'),
  CHAIN_SPEC_INCONSISTENT: describe<{ field: string; reason: string }>(
    'The chain spec contradicts itself at {field}: {reason}.', 'Make the named fields agree.'),
  CHAIN_SPEC_DEVELOPMENT_ONLY: describe<{ field: string }>(
    'The chain spec uses {field}, a door for development, without `simulated: true`.', 'Remove the field; or set `simulated` for a chain without security.'),
  STATE_CORRUPT: describe<{ item: string }>(
    'The stored value of {item} does not decode.', 'The state was written by another version or damaged; sync again or restore a backup.'),
})

declare module '@phalanx/primitives/errors' {
  interface ErrorContexts extends ErrorsOf<typeof runtimeErrors> {}
}
