/**
 * Owns what a worker asks of the machine it runs on, and through what a platform reaches its devices. One file per platform implements
 * it, passes `compliance.ts` and has one line in `table.ts`.
 */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { BlobStore, Random } from '@phalanx/primitives/ports'

/** A source of evidence and of sealing keys. Implementations belong to the trusted side: what they return never leaves it unprotected. */
export interface Platform {
  /** Name as operators choose it, for example `software`. */
  readonly name: string
  /** Measurement of the running code, as evidence carries it; at least 32 bytes. */
  readonly measurement: Uint8Array
  /** Name under which the chain knows this kind of evidence, in the JSON text of `Option<AttestationProvider>`. */
  readonly provider: string
  /** Attestation methods for GetInfo. */
  readonly attestationMethods: readonly string[]
  /** `[cpu cores, cpu feature level]`. */
  readonly features: readonly number[]
  /**
   * 32 secret bytes, the same on every start of this code on this machine, others for other code or another machine. The caller erases
   * them. Absent where the machine offers no such key: the worker then has a new identity at every start and keeps nothing.
   */
  sealingKey?(): Promise<Uint8Array>
  /** SCALE `Option<AttestationReport>` that carries these 64 bytes. `nowMs` is chain time. */
  quote(options: { readonly reportData: Uint8Array; readonly nowMs: bigint }): Promise<Uint8Array>
}

/** Bytes that evidence can carry. */
export const REPORT_DATA_BYTES = 64

/** Device files as Linux offers them. Rejections are the system's own errors, with its `code` (`ENOENT`, `EBUSY`…). */
export interface DeviceFiles {
  /** Whole content of a file, from one opening; refuses more than `maxBytes`. */
  read(path: string, maxBytes: number): Promise<Uint8Array>
  /** Writes an existing file with one call, neither creating nor truncating it. */
  write(path: string, bytes: Uint8Array): Promise<void>
  makeFolder(path: string): Promise<void>
  removeFolder(path: string): Promise<void>
}

/** HTTP over a Unix socket, one request at a time. Rejections are the system's own errors. */
export interface GuestSocket {
  post(request: { readonly socket: string; readonly path: string; readonly body: string; readonly maxBytes: number }): Promise<{ readonly status: number; readonly body: Uint8Array }>
}

/** What a platform is opened with. Tests hand over recorded or simulated devices. */
export interface PlatformDependencies {
  readonly crypto: Crypto
  /** The worker's base path. */
  readonly blobs: BlobStore
  readonly random: Random
  readonly files: DeviceFiles
  readonly socket: GuestSocket
}

/** Something a machine must have, for whoever sets one up. One of `anyOf` is enough. */
export interface Prerequisite {
  readonly step: 'cpu' | 'device' | 'driver'
  readonly name: string
  readonly test: { readonly kind: 'cpuFlag' | 'path'; readonly anyOf: readonly string[] } | { readonly kind: 'kernel'; readonly atLeast: readonly [major: number, minor: number] }
  /** What this process must be allowed to do with the path. */
  readonly access?: 'read' | 'write'
  /** Whether machines that are in order may lack it: then it is a warning. */
  readonly isHint?: boolean
  /** What to do where it is missing, and where it is there but may not be used. */
  readonly fix: string
  readonly accessFix?: string
}

/** A platform that can be chosen. */
export interface PlatformKind {
  /** Name as operators choose it. */
  readonly name: string
  /** What the machine must have, in the order in which to look. */
  readonly prerequisites: readonly Prerequisite[]
  /** Where evidence can be made only in a place of its own: a file that is there, and what that place is. */
  readonly inside?: { readonly path: string; readonly place: string }
  /** Opens it on this machine. @throws PLATFORM_ codes */
  open(dependencies: PlatformDependencies): Promise<Platform>
}
