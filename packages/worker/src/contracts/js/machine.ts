/** Owns the port through which JavaScript contracts reach their interpreter: check, and a run with a host behind one function. The interpreter itself is engines/quickjs. */
import type { GasMeter } from '../vm.ts'

/** What a running script may reach. What a method throws goes through the script uncaught to `run`'s caller. */
export interface JsHost {
  /** Answers one request of the prelude; both are message bytes as message.ts has them. `mayCallOut` false: the stack is too full for another contract. */
  answer(request: Uint8Array, mayCallOut: boolean): Uint8Array
  /** Milliseconds that clocks show. */
  readonly nowMs: bigint
}

/** A script to run; `hash` names it among those whose state after loading is kept. */
export interface JsScript {
  readonly hash: Uint8Array
  /** UTF-8. */
  readonly source: Uint8Array
}

/** How a run ended: with the prelude's closing message, or stopped from outside of the script. */
export type JsEnd = { readonly kind: 'Done'; readonly value: Uint8Array } | { readonly kind: 'Trapped'; readonly value: { readonly isOutOfGas: boolean; readonly reason: string } }

/** An interpreter with counters built in. */
export interface JsMachine {
  /** Compiles a script without running it. @throws CONTRACT_CODE_REFUSED, CONTRACT_ENGINE_FAILED */
  check(source: Uint8Array): void
  /** Loads a script into a fresh context and lets the prelude call its entry point with `opening`. @throws CONTRACT_ENGINE_FAILED */
  run(script: JsScript, options: { readonly opening: Uint8Array; readonly gas: GasMeter; readonly host: JsHost }): JsEnd
}
