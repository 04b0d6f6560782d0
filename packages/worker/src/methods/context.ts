/** Owns what a method handler may use: the state, the one way to change it, and the platform. */
import type { Input } from '../core/inputs.ts'
import type { WorkerState } from '../core/state.ts'
import type { Core } from '../core/step.ts'
import type { Platform } from '../platform/platform.ts'
import type { ContractServices } from '../queries/contract-services.ts'

/** Handed to every handler. */
export interface MethodContext {
  readonly core: Core
  readonly platform: Platform
  /** The state as of now. */
  state(): WorkerState
  /** Applies an input after all earlier ones; resolves with the state right after it, when everything it demanded is durable. */
  dispatch(input: Input): Promise<WorkerState>
  /** Waits a moment for answers of the root secret that are under way. */
  rootAnswers(): Promise<void>
  /** Wall clock, milliseconds since the Unix epoch: for figures only, nothing is decided by it. */
  nowMs(): number
  /** 32 fresh random bytes. */
  entropy(): Uint8Array
  /** What answers for the worker's cluster. */
  readonly contracts: ContractServices
  /** Aborts when whoever called has left; absent where that cannot be known. */
  readonly signal?: AbortSignal | undefined
  /** Benchmark iterations since the last call. */
  takeIterations(): bigint
  /** Memory in use, bytes. */
  memoryUsed(): number
  /** Stops the worker once the answer is out. */
  requestStop(options: { readonly removeCheckpoints: boolean }): void
}
