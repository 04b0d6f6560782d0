/** Owns the shape of host function tables and the numbers of the seal interface. */
import type { InkFrame } from './frame.ts'

/** A host function: its WebAssembly signature and what it does. i32 come as unsigned numbers, i64 as unsigned bigints. */
export interface SealFunction {
  readonly signature: string
  run(frame: InkFrame, args: SealArguments): number | bigint | undefined | void
}

/** Arguments by place. */
export interface SealArguments {
  /** The i32 at a place. */
  n(place: number): number
  /** The i64 at a place. */
  big(place: number): bigint
}

/** Return codes. */
export const CODE = {
  success: 0, calleeTrapped: 1, calleeReverted: 2, keyNotFound: 3, transferFailed: 5, codeNotFound: 7, notCallable: 8, loggingDisabled: 9,
  callRuntimeFailed: 10, ecdsaRecoveryFailed: 11, sr25519VerifyFailed: 12,
} as const

/** Bit of the return flags that takes the frame's changes back. */
export const REVERT_FLAG = 1

/** A function without arguments besides an output buffer. */
export const outputOf = (make: (frame: InkFrame) => Uint8Array): SealFunction => ({
  signature: 'ii>',
  run(frame, args) {
    frame.writeOutput({ pointer: args.n(0), lengthPointer: args.n(1) }, make(frame))
  },
})
