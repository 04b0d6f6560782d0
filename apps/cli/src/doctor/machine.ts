/** Owns what the doctor sees of a machine and of the world around it. Tests hand over machines that are not there. */
import type { AttestationPolicy } from '@phalanx/attestation'
import type { Random } from '@phalanx/primitives/ports'
import type { Platform } from '@phalanx/worker/platform'

/** What may be done with a path. */
export interface PathView {
  readonly isReadable: boolean
  readonly isWritable: boolean
}

/** A folder's disk. */
export interface DiskView {
  readonly freeBytes: number
  /** Time of one small synced write, the middle one of several. */
  readonly syncMs: number
}

/** What a node says of its chain. */
export interface NodeView {
  readonly genesisHash: Uint8Array
  readonly specName: string
  readonly specVersion: number
  readonly finalizedNumber: number
  /** Time of the last finalised block, Unix milliseconds; undefined in the genesis block. */
  readonly blockTimeMs: number | undefined
  /** Policy in force. @throws connection codes */
  policy(): Promise<AttestationPolicy>
  close(): void
}

/** A machine. Rejections are the system's own errors, or ours. */
export interface Machine {
  readonly random: Random
  nowMs(): number
  /** Text of a small file of the system. */
  readText(path: string): Promise<string>
  /** Undefined where there is nothing. */
  look(path: string): Promise<PathView | undefined>
  /** Whether nobody listens on a port of this machine. */
  isPortFree(port: number): Promise<boolean>
  /** Makes the folder when missing; leaves nothing in it. */
  disk(folder: string): Promise<DiskView>
  /** Milliseconds by which this machine's clock is ahead of a time server's. */
  clockOffsetMs(timeServer: string): Promise<number>
  connect(url: string): Promise<NodeView>
  openPlatform(name: string): Promise<Platform>
  /** Evidence with the collateral it lacks, from a caching service. */
  complete(evidence: Uint8Array, serviceUrl: string): Promise<Uint8Array>
}
