/** Owns the rules by which the chain retires versions of the worker (registry.md section 10). A retired worker says so and serves nothing. */
import { startsWith } from '@phalanx/primitives/bytes'
import type { Build } from '../core/state.ts'
import type { SystemState } from './state.ts'

const isBelow = (version: readonly number[], minimum: readonly number[]): boolean => {
  for (let i = 0; i < minimum.length; i++) {
    const difference = (version[i] as number) - (minimum[i] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Why this build may not serve any more, or undefined. A measurement on the allow list outweighs the minimum version. */
export const retiredReason = (build: Build, system: SystemState): string | undefined => {
  if (system.consensusVersion > build.maxConsensusVersion)
    return `the chain demands consensus version ${system.consensusVersion}, this build knows ${build.maxConsensusVersion}: upgrade the worker`
  const listed = system.allowedMeasurements.some((entry) => startsWith(entry, build.measurement))
  if (!isBelow(build.version, system.minimumVersion) || listed) return undefined
  return `the chain demands version ${system.minimumVersion.join('.')}, this is ${build.version.join('.')}: upgrade the worker`
}
