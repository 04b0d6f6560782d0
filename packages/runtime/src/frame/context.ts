/**
 * Owns what running code gets handed: storage, crypto, the block, the runtime around it, and per pallet typed `emit` and `fail`.
 * There is no other way for a pallet to reach anything.
 */
import type { Codec, Shape, StructOf, TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { StateVersion } from '@phalanx/primitives/trie'
import type { DispatchError } from './dispatch-error.ts'
import type { Origin } from './origin.ts'
import type { StorageHost } from './overlay.ts'
import type { RuntimeVersion, SignatureCheck } from './runtime-api.ts'
import type { CallInfo, Weight } from './weight.ts'

/** A call taken apart: names as declared in TypeScript. */
export interface RuntimeCall {
  readonly pallet: string
  readonly name: string
  readonly args: unknown
}

/** The part of block execution an event belongs to. */
export type Phase = { readonly kind: 'ApplyExtrinsic'; readonly value: number } | { readonly kind: 'Finalization' } | { readonly kind: 'Initialization' }

/** The block being run; `phase` moves on with it. */
export interface BlockInfo {
  readonly number: number
  readonly parentHash: Uint8Array
  phase: Phase
}

/** What a call may change about its cost when it is done. */
export interface PostInfo {
  /** What it really took; never more than declared. */
  readonly weight?: Weight
  /** False refunds the fee. */
  readonly paysFee?: boolean
}

/** How a dispatched call went. */
export type DispatchOutcome =
  | { readonly ok: true; readonly post: PostInfo }
  | { readonly ok: false; readonly error: DispatchError; readonly post: PostInfo }

/** What pallets may ask of the runtime they are part of. */
export interface RuntimeServices {
  readonly version: RuntimeVersion
  readonly stateVersion: StateVersion
  /** Codec of this runtime's calls. */
  readonly RuntimeCall: Codec<RuntimeCall>
  /** Codec of this runtime's events: `{ pallet, name, value }`. */
  readonly RuntimeEvent: Codec<RuntimeEvent>
  callInfo(call: RuntimeCall): CallInfo
  /** Runs a call in its own layer: a failed one leaves nothing behind. Respects the origin's filter. */
  dispatch(ctx: Context, call: RuntimeCall, origin: Origin): DispatchOutcome
  /** The same without asking the origin's filter, for root doors such as sudo. */
  dispatchUnfiltered(ctx: Context, call: RuntimeCall, origin: Origin): DispatchOutcome
  has(pallet: string): boolean
  metadata(version: 14 | 15 | 16): Uint8Array
}

/** An event as pallets emit it. */
export interface RuntimeEvent {
  readonly pallet: string
  readonly name: string
  readonly value: unknown
}

/** What all code of a block shares. */
export interface Context extends StorageHost {
  readonly crypto: Crypto
  readonly block: BlockInfo
  readonly runtime: RuntimeServices
  /** Checks a signature, by the host's earlier result where it has one. */
  verify(check: SignatureCheck): boolean
  /** The context of a pallet by name; use the pallet's `in(ctx)` instead, which knows its types. */
  scope(pallet: string): PalletContext<Events, Errors>
}

/** Declares an event: its wire index, its sentence, and named `fields` or an unnamed `tuple`. */
export interface EventSpec {
  readonly index: number
  readonly doc: string
  readonly fields?: Shape
  readonly tuple?: readonly Codec<any>[]
}

/** Declares an error: its wire index and its sentence. */
export interface ErrorSpec {
  readonly index: number
  readonly doc: string
}

/** Events of a pallet by name. */
export type Events = Readonly<Record<string, EventSpec>>
/** Errors of a pallet by name. */
export type Errors = Readonly<Record<string, ErrorSpec>>

/** What `emit` takes besides the name. */
export type EventArgs<S extends EventSpec> = S extends { readonly fields: infer F extends Shape }
  ? [value: StructOf<F>]
  : S extends { readonly tuple: infer T extends readonly Codec<any>[] }
    ? [value: { readonly [I in keyof T]: TypeOf<T[I]> }]
    : []

/** Context of code that speaks for a pallet. */
export interface PalletContext<E extends Events, R extends Errors> extends Context {
  /** Deposits an event of the pallet. */
  emit<K extends keyof E & string>(name: K, ...value: EventArgs<E[K]>): void
  /** Fails the running call with an error of the pallet. @throws DispatchFailure */
  fail(name: keyof R & string): never
}
