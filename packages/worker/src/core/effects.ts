/** Owns what a step asks its shell to do. Effects are performed in order. */
import type { Secret } from '@phalanx/primitives/crypto'
import type { CacheOp } from '../contracts/execution/pink-event.ts'
import type { RootCall } from '../gatekeeper/root-calls.ts'
import type { KeyPair } from './keys.ts'
import type { LogLine } from './log-lines.ts'

/** Severity of a log effect. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** One thing to do. Unless a `sealIdentity` has succeeded, the step that asked for it has not happened. */
export type Effect =
  | { readonly kind: 'sealIdentity'; readonly value: { readonly content: Secret<Uint8Array> } }
  /** Seal the state as it is after this step; failing is logged and tried again later. `wait`: before the state is shown to anybody. */
  | { readonly kind: 'checkpoint'; readonly value: { readonly wait: boolean } }
  /** Start counting iterations. */
  | { readonly kind: 'startBenchmark' }
  /** Answer with a `benchmarkResult` for the elapsed chain time. */
  | { readonly kind: 'readBenchmark'; readonly value: { readonly startTimeMs: bigint; readonly elapsedMs: bigint } }
  /** Ask the root secret of a chain, after all earlier questions; answer with a `rootAnswer` of the same ticket. */
  | { readonly kind: 'rootSecret'; readonly value: { readonly ticket: bigint; readonly genesisHash: Uint8Array; readonly call: RootCall } }
  /** Stop counting iterations. */
  | { readonly kind: 'stopBenchmark' }
  /** Like `sealIdentity`, for the key of a handover that is to be received. */
  | { readonly kind: 'sealHandover'; readonly value: { readonly content: Secret<Uint8Array> } }
  /** Before anything is answered: seal to whom the identity goes (SCALE HandedOver). Unless it succeeds, nothing was given. */
  | { readonly kind: 'sealGift'; readonly value: { readonly content: Uint8Array } }
  /**
   * Seal the secrets of the worker's cluster, or remove their file where there is no content. `before`: before the state is shown to anybody, as for
   * `sealIdentity`. `after`: once the step's checkpoint is durable, because states before it need what is left out.
   */
  | { readonly kind: 'sealCluster'; readonly value: { readonly when: 'before' | 'after'; readonly content: Secret<Uint8Array> | undefined } }
  /** What contracts did to values that they keep on this worker only, in order. */
  | { readonly kind: 'localCache'; readonly value: readonly { readonly contract: Uint8Array; readonly op: CacheOp }[] }
  /** The identity has come in: remove the key for it. */
  | { readonly kind: 'endHandover' }
  /** Seal that this worker gave its identity away, then remove everything that holds the identity. */
  | { readonly kind: 'retire'; readonly value: { readonly reason: string } }
  /** Overwrite secrets that nothing in the new state refers to. */
  | { readonly kind: 'eraseKeys'; readonly value: readonly KeyPair[] }
  | { readonly kind: 'log'; readonly value: { readonly level: LogLevel; readonly message: LogLine; readonly data: Readonly<Record<string, unknown>> } }

/** A log effect. */
export const logEffect = (level: LogLevel, message: LogLine, data: Readonly<Record<string, unknown>> = {}): Effect => ({ kind: 'log', value: { level, message, data } })
