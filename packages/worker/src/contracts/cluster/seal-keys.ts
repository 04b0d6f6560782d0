/**
 * Owns when a cluster's secrets reach the disk and leave it. New ones are sealed before the step that brought them is shown; what a step lets go of is
 * left out, and overwritten, once the state after it is durable: a life that begins at an older checkpoint needs the old secrets for the blocks in between.
 */
import { Secret } from '@phalanx/primitives/crypto'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Effect } from '../../core/effects.ts'
import type { KeyPair } from '../../core/keys.ts'
import type { LiveState, WorkerState } from '../../core/state.ts'
import { keyringToSealed, keysOf, type ClusterKeyring } from './keyring.ts'

interface Stepped {
  readonly state: WorkerState
  readonly effects: readonly Effect[]
}

const missingFrom = (ring: ClusterKeyring | undefined, keys: readonly KeyPair[]): readonly KeyPair[] => {
  const held = ring === undefined ? [] : keysOf(ring)
  return keys.filter((key) => !held.some(({ publicKey }) => bytesEqual(publicKey, key.publicKey)))
}

/** Both rings in one. Where they are of two clusters the newer one counts alone: nothing of the other is needed again. */
const union = (before: ClusterKeyring | undefined, after: ClusterKeyring): ClusterKeyring => {
  if (before === undefined || !bytesEqual(before.cluster, after.cluster)) return after
  const others = before.epochs.filter(({ epoch }) => !after.epochs.some((one) => one.epoch === epoch))
  return { ...after, main: after.main ?? before.main, epochs: [...others, ...after.epochs].sort((a, b) => (a.epoch < b.epoch ? -1 : 1)) }
}

const seal = (when: 'before' | 'after', state: LiveState, ring: ClusterKeyring | undefined): Effect => ({
  kind: 'sealCluster',
  value: { when, content: ring === undefined ? undefined : new Secret(keyringToSealed(ring, state.follow.genesisHash)) },
})

/** Adds what has to be done about the secrets that a step gained or let go of. A worker without state lets go of nothing: what it forgets it retires. */
export const sealClusterKeys = (before: ClusterKeyring | undefined, stepped: Stepped): Stepped => {
  const { state } = stepped
  if (state.kind !== 'live' || state.clusterKeys === before) return stepped
  const { clusterKeys: after } = state
  const gained = after === undefined ? [] : missingFrom(before, keysOf(after))
  const lost = before === undefined ? [] : missingFrom(after, keysOf(before))
  const effects = [...stepped.effects]
  if (after !== undefined && gained.length > 0) effects.unshift(seal('before', state, union(before, after)))
  if (lost.length === 0) return { state, effects }
  return {
    state: { ...state, checkpointedAt: state.follow.head.number },
    effects: [
      ...effects.filter(({ kind }) => kind !== 'checkpoint'), { kind: 'checkpoint', value: { wait: true } },
      seal('after', state, after), { kind: 'eraseKeys', value: lost },
    ],
  }
}
