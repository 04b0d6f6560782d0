/** Owns the declaration of runtime APIs: named, versioned, typed functions that anyone may call on a state. */
import type { Codec, Shape, StructOf } from '@phalanx/primitives/codec'
import type { Header } from '@phalanx/primitives/chain'
import type { State } from '@phalanx/primitives/trie'
import type { Context } from './context.ts'
import type { RuntimeEnv } from './runtime-api.ts'

/** What a call runs on, for methods that judge or run whole blocks. */
export interface ApiHost {
  readonly state: State
  /** Header of the block that the state belongs to. */
  readonly at: Header
  readonly env: RuntimeEnv
}

/** One method: names as metadata has them come from the key it stands under (camelCase → snake_case). */
export interface ApiMethod {
  readonly doc: string
  readonly params: Shape
  readonly result: Codec<any>
  /** Runs over a state that the call may write to; the writes are thrown away. */
  call(ctx: Context, params: any, host: ApiHost): unknown
}

/** A runtime API. */
export interface ApiSpec {
  /** PascalCase name, the first half of `Name_method`. */
  readonly name: string
  readonly version: number
  readonly doc: string
  readonly methods: Readonly<Record<string, ApiMethod>>
}

/** Declares a method with its types. */
export const apiMethod = <const S extends Shape, T>(spec: {
  readonly doc: string
  readonly params: S
  readonly result: Codec<T>
  call(ctx: Context, params: StructOf<S>, host: ApiHost): T
}): ApiMethod => spec

/** Declares a runtime API. */
export const runtimeApi = (spec: ApiSpec): ApiSpec => spec
