/** Owns what a build is: its version as the chain and people see it, and the blocks it trusts. */
import type { TrustedAnchor } from './core/anchors.ts'

/** Version of this build. */
export const WORKER_VERSION: readonly [major: number, minor: number, patch: number] = [0, 1, 0]
/** Highest consensus version that this build understands. */
export const CONSENSUS_VERSION_MAX = 0
/**
 * Blocks measured into the build, at most a few per network: the newest of a chain is where the worker's own trust begins. Empty in development, where
 * the genesis that a worker is given first decides.
 */
export const TRUSTED_ANCHORS: readonly TrustedAnchor[] = []

/** Blocks between two rotations of the ECDH key that nobody asked for: half a day of blocks of six seconds. */
export const ECDH_ROTATE_EVERY_BLOCKS = 7_200
/** Blocks for which a former ECDH key still opens messages; commands expire sooner. */
export const ECDH_GRACE_BLOCKS = 256
