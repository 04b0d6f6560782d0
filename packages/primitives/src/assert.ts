/** Owns programmer-error checks, kept in production. Whoever fails one ends the block or the process; nobody catches it to go on. */

/** We are wrong: an invariant of our own code does not hold. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/**
 * States what must be true for the code below it to be right.
 * @throws AssertionError
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** Marks a branch that the types rule out. @throws AssertionError */
export const unreachable = (value: never): never => {
  throw new AssertionError(`unreachable: ${String(value)}`)
}
