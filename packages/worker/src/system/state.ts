/** Owns what a worker knows of its own standing on the chain, as far as it survives a restart. */
import { bool, bytesUpTo, option, struct, tuple, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Sr25519Public } from '@phalanx/primitives/chain'

/** Most entries of the measurement allow list that are kept. */
export const ALLOWED_MEASUREMENTS_MAX = 4096

/** Own standing: registration, benchmark, computing session, version rules, anchored ECDH key. Times in ms, versions as (major, minor, patch). */
export const SystemState = struct({
  registration: option(struct({ confidenceLevel: u8, block: u32 })),
  score: option(u32),
  /** A benchmark that has been asked for and not been answered with a score. `asked`: its result was requested from the shell. */
  bench: option(struct({ startBlock: u32, startTimeMs: u64, duration: u32, asked: bool })),
  session: option(struct({ sessionId: u32, paused: bool, startTimeMs: u64, startIterations: u64 })),
  /** Benchmark iterations counted so far. */
  iterations: u64,
  minimumVersion: tuple(u32, u32, u32),
  consensusVersion: u32,
  allowedMeasurements: vecUpTo(bytesUpTo(256), ALLOWED_MEASUREMENTS_MAX),
  /** The ECDH key of ours that the chain anchored last. */
  anchor: option(struct({ epoch: u64, ecdhPubkey: Sr25519Public })),
  /** Block at which our key was last announced. */
  announcedAt: option(u32),
})
export type SystemState = TypeOf<typeof SystemState>

/** Before the first block. */
export const INITIAL_SYSTEM: SystemState = {
  registration: undefined, score: undefined, bench: undefined, session: undefined, iterations: 0n, minimumVersion: [0, 0, 0], consensusVersion: 0,
  allowedMeasurements: [], anchor: undefined, announcedAt: undefined,
}
