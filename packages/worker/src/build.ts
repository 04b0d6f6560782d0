/** Owns the version of the worker as the chain and people see it. */

/** Version of this build. */
export const WORKER_VERSION: readonly [major: number, minor: number, patch: number] = [0, 1, 0]
/** Highest consensus version that this build understands. */
export const CONSENSUS_VERSION_MAX = 0
