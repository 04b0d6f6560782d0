/** Owns the words for the simulated world: what differs from seed to seed, its places, and what can be done to it. */
import type { SimulatedFamilyName } from '@phalanx/attestation/simulated'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Node } from '@phalanx/node'
import type { Relay } from '@phalanx/relay'
import type { ChainClient } from '@phalanx/sdk'
import type { Worker } from '@phalanx/worker'
import type { Platform } from '@phalanx/worker/platform'
import type { Auditor } from './auditor.ts'
import type { BlobDisk } from './blobs.ts'
import type { Broken } from './broken.ts'
import type { VirtualClock } from './clock.ts'
import type { SentCommand } from './cluster-commands.ts'
import type { Recorder } from './epoch-closure.ts'
import type { SimNetwork } from './network.ts'
import type { SimProcess } from './process.ts'
import type { SecretHunt } from './secrets.ts'

/** What differs from seed to seed. */
export interface WorldOptions {
  readonly workers: number
  readonly relays: number
  readonly blockTimeMs: number
  readonly checkpointEveryBlocks: number
  readonly stateVersion: 0 | 1
  readonly liesPerMille: number
  readonly broken: Broken
  /** So many of the first workers are to be gatekeepers. */
  readonly gatekeepers: number
  /** Relays let workers that are so many blocks behind go on at a checkpoint. */
  readonly checkpointAfterBlocks: number
  /** Blocks after which workers rotate their ECDH keys. */
  readonly rotateEcdhEveryBlocks: number
  /** The economy: heartbeats asked per block, and of a worker in an hour at most; the published ones unless given. */
  readonly challenges?: { readonly expectedHeartbeatCount: number; readonly heartbeatsPerWorkerHour: number }
  /** The cluster of the world, if there is to be one: members wanted, whether contracts run on the real machine, how it is kept. */
  readonly clusters?: {
    readonly size: number
    readonly isReal: boolean
    readonly minStake: bigint
    readonly rotationPeriodBlocks: number
    readonly graceBlocks: number
    readonly reportIntervalBlocks: number
  }
  /** Platform families of the workers' machines, in turn; the usual one unless given. */
  readonly families?: readonly SimulatedFamilyName[]
  /** Seconds that evidence counts, and before its end in which it is renewed; a week and a day unless given. */
  readonly renewal?: { readonly reattestationSeconds: number; readonly renewalWindowSeconds: number }
}

/** A worker's place: its disk stays, its processes come and go. */
export interface WorkerPlace {
  readonly url: string
  readonly disk: BlobDisk
  process: SimProcess | undefined
  worker: Worker | undefined
  /** The machine's platform as it was last opened. */
  platform: (Platform & Required<Pick<Platform, 'sealingKey'>>) | undefined
  /** Block at which its master key was last lost or put back to an older state. */
  keyDamagedAt: number | undefined
  /** Block of the chain at which it was last seen down or behind. */
  laggedAt: number
  /** Its identity as first seen; undefined until then and after its identity file was lost. */
  identity: string | undefined
}

/** A relay's place. */
export interface RelayPlace {
  readonly name: string
  process: SimProcess | undefined
  relay: Relay | undefined
}

/** The world. */
export interface World {
  readonly clock: VirtualClock
  readonly network: SimNetwork
  readonly crypto: Crypto
  readonly hunt: SecretHunt
  readonly auditor: Auditor
  /** All commands that people made, in order. */
  readonly commands: SentCommand[]
  /** Whoever records everything that could be opened later. */
  readonly recorder: Recorder
  readonly options: WorldOptions
  readonly workers: readonly WorkerPlace[]
  readonly relays: readonly RelayPlace[]
  readonly measurement: Uint8Array
  /** Platform family of a worker's machine. */
  familyOf(place: WorkerPlace): SimulatedFamilyName
  /** A call's bytes. */
  encodeCall(call: { readonly pallet: string; readonly name: string; readonly args: unknown }): Uint8Array
  /** A client of the honest node. */
  connect(): ChainClient
  /** The running node. */
  node(): Node | undefined
  /** Hashes of finalised blocks by number, as they were first seen. */
  readonly finalized: readonly string[]
  readonly problems: readonly string[]
  /** Times that a worker went on at a checkpoint of the chain. */
  joined(): number
  liesOn: boolean
  crashNode(): void
  startNode(): Promise<void>
  crashWorker(place: WorkerPlace): void
  startWorker(place: WorkerPlace): Promise<void>
  crashRelay(place: RelayPlace): void
  startRelay(place: RelayPlace): void
  /** Notes that an invariant does not hold. */
  report(problem: string): void
}
