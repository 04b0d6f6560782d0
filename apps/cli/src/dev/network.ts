/** Owns what the parts of a development network share: its folder, ports, the outside world, and the end. */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Logger } from '@phalanx/primitives/ports'
import type { BasePath } from '../base-path.ts'
import type { LogLevel } from '../log-levels.ts'
import type { Shutdown } from '../shutdown.ts'

/** Options of `phalanx dev`. */
export interface DevOptions {
  readonly workers: number
  readonly blockTime: number
  readonly rpcPort: number
  readonly workerPort: number
  readonly basePath?: string
  /** Families of the workers' simulated machines, in turn; the usual one unless given. */
  readonly families?: readonly string[]
  /** Blocks of computing after which the last worker goes offline. */
  readonly offlineAfter?: number
  /** Blocks of silence after which it comes back. */
  readonly backAfter?: number
  /** Whether a cluster is made and the example contract deployed. */
  readonly contract: boolean
  readonly logLevel?: LogLevel
  readonly json: boolean
}

/** A development network that is being run. */
export interface Network {
  readonly options: DevOptions
  readonly base: BasePath
  readonly crypto: Crypto
  readonly logger: Logger
  readonly shutdown: Shutdown
  readonly onFatal: (error: unknown) => void
}
