/** Owns what RPC methods may use of the node: nothing else is in their reach. */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import type { Runtime, RuntimeEnv } from '@phalanx/runtime/frame'
import type { Chain } from '../chain.ts'
import type { Engine } from '../engine/engine.ts'
import type { TxPool } from '../txpool/pool.ts'

/** Name and properties of the chain, as its spec has them. */
export interface ChainInfo {
  readonly name: string
  readonly id: string
  readonly chainType: string
  readonly properties: Readonly<Record<string, unknown>> & { readonly ss58Format: number }
}

/** The node behind the methods. */
export interface RpcBackend {
  readonly chain: Chain
  readonly pool: TxPool
  readonly engine: Engine
  readonly runtime: Runtime
  readonly env: RuntimeEnv
  readonly crypto: Crypto
  readonly clock: Clock
  readonly logger: Logger
  readonly info: ChainInfo
  readonly name: string
  readonly version: string
  /** First block whose state is kept; all before it is history without state. */
  readonly methodNames: () => readonly string[]
}
