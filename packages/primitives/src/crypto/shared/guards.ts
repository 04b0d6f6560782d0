/** Owns the length checks both backends apply before any library sees outside bytes. */
import { AppError } from '../../errors.ts'

/** Requires an exact length. @throws CRYPTO_INVALID_LENGTH */
export const requireLength = (what: string, bytes: Uint8Array, expected: number): void => {
  if (bytes.length !== expected) throw new AppError('CRYPTO_INVALID_LENGTH', { what, expected: String(expected), got: bytes.length })
}

/** Requires a key of an exact length. @throws CRYPTO_INVALID_KEY */
export const requireKeyLength = (what: string, key: Uint8Array, expected: number): void => {
  if (key.length !== expected) throw new AppError('CRYPTO_INVALID_KEY', { what: `${what} of ${expected} bytes (got ${key.length})` })
}

/** Requires a length inside bounds, both included. @throws CRYPTO_INVALID_LENGTH */
export const requireLengthBetween = (what: string, length: number, { min, max }: { min: number; max: number }): void => {
  if (!Number.isInteger(length) || length < min || length > max) {
    throw new AppError('CRYPTO_INVALID_LENGTH', { what, expected: `${min} to ${max}`, got: length })
  }
}

/** Runs a verification over outside bytes; whatever a library throws means "not valid". */
export const falseOnThrow = (check: () => boolean): boolean => {
  try {
    return check()
  } catch {
    return false
  }
}

/** Runs a library call over a key from outside and turns its complaint into our error. @throws CRYPTO_INVALID_KEY */
export const invalidKeyOnThrow = <T>(what: string, run: () => T): T => {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof AppError) throw cause
    throw new AppError('CRYPTO_INVALID_KEY', { what }, { cause })
  }
}
