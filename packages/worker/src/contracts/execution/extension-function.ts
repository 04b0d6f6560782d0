/** Owns what all functions of the chain extension share: their shape, reading arguments, stopping, random numbers of queries. */
import { bigintToLe, concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import type { Codec } from '@phalanx/primitives/codec'
import type { ExtensionForm } from '@phalanx/primitives/contracts/extension'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { ContractErrorName, ExtensionAnswer } from '../vm.ts'
import type { QueryEnv } from './env.ts'
import type { Execution } from './execution.ts'
import type { Meter } from './meter.ts'

/** Who calls. */
export interface ExtensionContext {
  readonly execution: Execution
  readonly address: Uint8Array
  readonly gas: Meter
}

/** One function: how its arguments and its result are written, and what it does. */
export interface ExtensionFunction {
  run(context: ExtensionContext, input: Uint8Array): ExtensionAnswer
}

/** A function whose status is always 0. @throws CONTRACT_TRAPPED with DecodingFailed for malformed arguments */
export const plainFunction = <A, R>(args: Codec<A>, output: Codec<R>, run: (context: ExtensionContext, args: A) => R): ExtensionFunction => ({
  run: (context, input) => ({ status: 0, output: output.encode(run(context, decodeArguments(args, input))) }),
})

/** The same of a function whose forms are shared with contracts. */
export const formedFunction = <A, R>(form: ExtensionForm<A, R>, run: (context: ExtensionContext, args: A) => R): ExtensionFunction => plainFunction(form.args, form.output, run)

/** Stops the contract. */
export const stopWith = (error: ContractErrorName, reason: string): AppError<'CONTRACT_TRAPPED'> => new AppError('CONTRACT_TRAPPED', { error, reason })

/** Reads arguments. @throws CONTRACT_TRAPPED with DecodingFailed */
export const decodeArguments = <A>(args: Codec<A>, input: Uint8Array): A => {
  try {
    return args.decode(input)
  } catch (error) {
    throw isAppError(error) ? stopWith('DecodingFailed', `arguments of a chain extension: ${error.message}`) : error
  }
}

/** Random bytes of a query, equal in each of its rounds. */
export const drawRandom = (context: ExtensionContext, query: QueryEnv, length: number): Uint8Array => {
  const { execution } = context
  const count = bigintToLe(BigInt(execution.randomCount++), 4)
  return execution.env.crypto.hkdfSha256({ ikm: query.randomSeed, salt: EMPTY, info: concatBytes(utf8('getrandom'), count), length: Math.max(length, 1) }).slice(0, length)
}
