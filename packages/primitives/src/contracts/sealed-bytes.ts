/**
 * Owns `SealedBytes`, the only form in which clients hand commands and queries to what sends them. Only the sealing functions of this folder make
 * one, so that plaintext cannot be sent by accident: bytes, objects and casts by shape do not fit the type.
 */

import { assert } from '../assert.ts'

/** What was sealed. */
export type SealedPurpose = 'command' | 'query'

const MAKER: unique symbol = Symbol('maker of sealed bytes')

/** Bytes that only their recipient can open. */
export class SealedBytes<Purpose extends SealedPurpose> {
  readonly #bytes: Uint8Array
  readonly purpose: Purpose

  constructor(maker: typeof MAKER, purpose: Purpose, bytes: Uint8Array) {
    assert(maker === MAKER, 'sealed bytes are made by sealing')
    this.purpose = purpose
    this.#bytes = bytes
  }

  /** The bytes to send. */
  get bytes(): Uint8Array {
    return this.#bytes
  }
}

/** Marks bytes as sealed. Not exported from the package: only what has just sealed them may say so. */
export const markSealed = <Purpose extends SealedPurpose>(purpose: Purpose, bytes: Uint8Array): SealedBytes<Purpose> => new SealedBytes(MAKER, purpose, bytes)

/** Whether something was sealed here for this purpose: what types say already, for code that got round them. */
export const isSealedBytes = <Purpose extends SealedPurpose>(value: unknown, purpose: Purpose): value is SealedBytes<Purpose> =>
  value instanceof SealedBytes && value.purpose === purpose
