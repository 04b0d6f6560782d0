/** Types of preflight.mjs, which must stay plain JavaScript. */

/** What is wrong and what to do about it. */
export interface Problem {
  readonly cause: string
  readonly fix: string
}

/** Oldest Node that runs the project. */
export const NODE_MINIMUM: readonly number[]
/** Cause and fix when this Node is too old. */
export const nodeProblem: (version: string) => Problem | undefined
/** Why `npm ci` is needed. */
export const installReason: (root: string) => string | undefined
/** Cause and fix of a failed `npm ci`. */
export const explainInstallFailure: (code: string | number, output: string) => Problem
/** Runs `npm ci` when needed. */
export const ensureInstalled: (root: string, stream?: NodeJS.WriteStream) => Promise<Problem | undefined>
