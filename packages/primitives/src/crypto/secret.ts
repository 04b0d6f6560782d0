/** Owns `Secret`, the wrapper that keeps key material out of logs, errors and JSON. Does not own its lifetime in memory. */

const HIDDEN = '[secret]'

/** A value that prints as `[secret]` however it is printed; only `reveal` gives it back. */
export class Secret<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  /** The value itself. Call it where it is used, and keep the result out of longer-lived objects. */
  reveal(): T {
    return this.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  get [Symbol.toStringTag](): string {
    return HIDDEN
  }

  /** Also reached by template strings and `+`. */
  [Symbol.toPrimitive](): string {
    return HIDDEN
  }

  /** How Node's `console.log` and `util.inspect` print it. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return HIDDEN
  }
}
