/**
 * Owns the declaration of a pallet: one value from which storage, metadata, dispatch, events, errors, constants, hooks,
 * genesis and runtime APIs follow. Two stages, because calls refer to the pallet's own events and errors:
 * `declarePallet({ … })` and then `.withCalls({ … }, { hooks, genesis, … })`.
 */
import { assert } from '@phalanx/primitives/assert'
import type { DigestItem } from '@phalanx/primitives/chain'
import type { Codec, Shape, StructOf } from '@phalanx/primitives/codec'
import type { ApiSpec } from './api.ts'
import type { Context, ErrorSpec, Errors, EventSpec, Events, PalletContext, PostInfo, RuntimeCall, RuntimeServices } from './context.ts'
import type { TransactionExtension } from './extension.ts'
import type { JsonShape } from './json.ts'
import type { Origin } from './origin.ts'
import type { SignatureCheck } from './runtime-api.ts'
import { isStorageItem, type StorageItem } from './storage.ts'
import type { DispatchClassName, Weight } from './weight.ts'

/** Types that only the assembled runtime knows. */
export interface RuntimeTypes {
  readonly RuntimeCall: Codec<RuntimeCall>
}

/** What weight functions may ask: the declared cost of a call inside a call. */
export type WeightTools = Pick<RuntimeServices, 'callInfo'>

/** Marks arguments that only the assembled runtime can type. */
const LATE = Symbol('late arguments')

/** Arguments of a call that carries calls: `lateArgs(({ RuntimeCall }) => ({ calls: vec(RuntimeCall) }))`. */
export const lateArgs = <const S extends Shape>(build: (types: RuntimeTypes) => S): S => ({ [LATE]: build }) as unknown as S

/** The arguments' shape in an assembled runtime. */
export const resolveArgs = (args: Shape, types: RuntimeTypes): Shape =>
  (args as { readonly [LATE]?: (types: RuntimeTypes) => Shape })[LATE]?.(types) ?? args

/** Declares a call. Calls that carry calls make their `args` with `lateArgs`. */
export interface CallSpec<E extends Events, R extends Errors, S extends Shape> {
  readonly index: number
  readonly doc: string
  readonly args: S
  readonly weight: Weight | ((args: StructOf<S>, tools: WeightTools) => Weight)
  /** Normal unless said otherwise. */
  readonly class?: DispatchClassName | ((args: StructOf<S>, tools: WeightTools) => DispatchClassName)
  /** False: free of charge. */
  readonly paysFee?: boolean
  dispatch(ctx: PalletContext<E, R>, origin: Origin, args: StructOf<S>): PostInfo | void
}

/** A call whose types are forgotten. */
export interface AnyCall extends Omit<CallSpec<any, any, any>, 'weight' | 'class' | 'dispatch'> {
  readonly weight: Weight | ((args: any, tools: WeightTools) => Weight)
  readonly class?: DispatchClassName | ((args: any, tools: WeightTools) => DispatchClassName)
  dispatch(ctx: PalletContext<any, any>, origin: Origin, args: any): PostInfo | void
}

/** A constant of a pallet. */
export interface ConstantSpec<T = any> {
  readonly type: Codec<T>
  readonly value: T | ((runtime: RuntimeServices) => T)
  readonly doc: string
}

/** Declares a constant; `value` may be a function of the assembled runtime. */
export const constant = <T>(type: Codec<T>, value: T | ((runtime: RuntimeServices) => T), doc: string): ConstantSpec<T> => ({ type, value, doc })

/** What a pallet does at the edges of a block. */
export interface Hooks<E extends Events, R extends Errors> {
  /** Before any extrinsic, in pallet order; returns the weight it used. */
  onInitialize?(ctx: PalletContext<E, R>): Weight | void
  /** After all extrinsics, in reverse pallet order as the reference chain has it. */
  onFinalize?(ctx: PalletContext<E, R>): void
  /** After every onFinalize, genesis included: the item that seals what the block did, for the header's digest. Emits nothing, writes nothing. */
  onBlockEnd?(ctx: PalletContext<E, R>): DigestItem | undefined
}

/** An unsigned extrinsic that the author makes and every executor demands. */
export interface Inherent<E extends Events, R extends Errors> {
  /** Name of the call. */
  readonly call: string
  /** Arguments for a block at this time. */
  create(ctx: PalletContext<E, R>, input: { readonly timeMs: bigint }): unknown
}

/** The pallet's part of the chain spec: a strict JSON shape and what it writes. */
export interface GenesisSpec<E extends Events, R extends Errors, G = any> {
  readonly shape: JsonShape<G>
  /** Configuration used where the chain spec does not mention the pallet; nothing is built without it. */
  readonly empty?: G
  build(ctx: PalletContext<E, R>, config: G, chain: GenesisChain): void
}

/** What a genesis build may know of the whole chain spec. */
export interface GenesisChain {
  /** Whether simulated roots and development doors are open; fixed for ever. */
  readonly simulated: boolean
}

/** The second stage besides calls. All optional. */
export interface PalletExtras<E extends Events, R extends Errors, G = any> {
  readonly hooks?: Hooks<E, R>
  readonly genesis?: GenesisSpec<E, R, G>
  readonly apis?: readonly ApiSpec[] | ((types: RuntimeTypes) => readonly ApiSpec[])
  readonly inherent?: Inherent<E, R>
  /** Takes part in judging every transaction; stands before the fee payment. */
  readonly extension?: TransactionExtension
  /** Signatures inside a call of the pallet that its dispatch will check, for hosts that verify ahead. */
  signatureChecks?(call: RuntimeCall): readonly SignatureCheck[]
  /** States the pallet's invariants; tests run it after every case. @throws AssertionError */
  tryState?(ctx: PalletContext<E, R>): void
}

interface PartsSpec<E extends Events, R extends Errors, C extends Readonly<Record<string, ConstantSpec>>> {
  /** Name in the runtime, metadata and storage prefix. */
  readonly name: string
  /** Rust-like path of its types in metadata, for example `pallet_balances`. */
  readonly crate: string
  readonly doc?: string
  /** The pallet's whole `storage.ts` module, or an object of items. */
  readonly storage?: object
  readonly events?: E
  readonly errors?: R
  readonly constants?: C
}

/** Shapes of a pallet's calls by name. */
export type CallShapes = Readonly<Record<string, Shape>>

/** A complete pallet with its types. */
export interface Pallet<E extends Events = Events, R extends Errors = Errors, A extends CallShapes = CallShapes> extends PalletExtras<E, R> {
  readonly name: string
  readonly crate: string
  readonly doc: string
  readonly storage: readonly StorageItem[]
  readonly events: E
  readonly errors: R
  readonly constants: Readonly<Record<string, ConstantSpec>>
  readonly calls: Readonly<Record<string, AnyCall>>
  /** Type carrier only; never set. */
  readonly shapes?: A
  /** The pallet's own context within any other. */
  in(ctx: Context): PalletContext<E, R>
  /** A call of this pallet. */
  call<K extends keyof A & string>(name: K, ...args: {} extends StructOf<A[K]> ? [] : [args: StructOf<A[K]>]): RuntimeCall
}

/** A pallet whose types are forgotten. */
export type AnyPallet = Pallet<any, any, any>

/** The first stage: knows events and errors, lacks calls. */
export interface PalletParts<E extends Events, R extends Errors> {
  readonly name: string
  in(ctx: Context): PalletContext<E, R>
  withCalls<const A extends CallShapes, G = never>(
    calls: { readonly [K in keyof A]: CallSpec<E, R, A[K]> },
    extras?: PalletExtras<E, R, G>,
  ): Pallet<E, R, A>
}

/** Context type of a pallet or its first stage, for helper files: `ContextOf<typeof balances>`. */
export type ContextOf<P> = P extends { in(ctx: Context): infer C } ? C : never

const assertIndices = (where: string, specs: Readonly<Record<string, { readonly index: number }>>): void => {
  const seen = new Set<number>()
  for (const [name, { index }] of Object.entries(specs)) {
    assert(Number.isInteger(index) && index >= 0 && index <= 255, `${where}.${name} has an index`)
    assert(!seen.has(index), `${where}.${name} has an index of its own`)
    seen.add(index)
  }
}

/** First stage of a pallet: its name, storage, events, errors and constants. */
export const declarePallet = <
  const E extends Events = Record<never, never>,
  const R extends Errors = Record<never, never>,
  const C extends Readonly<Record<string, ConstantSpec>> = Record<never, never>,
>(spec: PartsSpec<E, R, C>): PalletParts<E, R> => {
  const { name, crate } = spec
  const events = (spec.events ?? {}) as E
  const errors = (spec.errors ?? {}) as R
  assertIndices(`${name} event`, events as Readonly<Record<string, EventSpec>>)
  assertIndices(`${name} error`, errors as Readonly<Record<string, ErrorSpec>>)
  const storage = Object.values(spec.storage ?? {}).filter(isStorageItem)
  for (const item of storage) assert(item.entry.pallet === name, `${item.entry.pallet}.${item.entry.name} belongs to ${name}`)
  const inContext = (ctx: Context): PalletContext<E, R> => ctx.scope(name) as unknown as PalletContext<E, R>
  return {
    name,
    in: inContext,
    withCalls(calls, extras = {}) {
      assertIndices(`${name} call`, calls as Readonly<Record<string, AnyCall>>)
      const known = calls as Readonly<Record<string, AnyCall>>
      return {
        ...(extras as PalletExtras<E, R>),
        name, crate, storage, events, errors,
        doc: spec.doc ?? '',
        constants: spec.constants ?? {},
        calls: known,
        in: inContext,
        call(callName, ...args) {
          assert(callName in known, `${name} has a call ${callName}`)
          return { pallet: name, name: callName, args: args[0] ?? {} }
        },
      }
    },
  }
}
