/** When a worker answers for its cluster, and when not. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import { describe, expect, test } from 'vitest'
import { EMPTY_STATE } from '../../core/step.ts'
import type { LiveState } from '../../core/state.ts'
import { ClusterWorld } from '../../testing/cluster-world.ts'
import { createTestCore } from '../../testing/core.ts'
import { assertServing, findServing, replyPointOf, standingOf } from './serving.ts'

const crypto = await loadCrypto()
const { build } = createTestCore(crypto)
const world = new ClusterWorld(crypto, { workers: 1 })
world.deploy()
const { live } = world.worker(0)

describe('a worker with a cluster', () => {
  test('answers, for its newest block and the cluster\'s state there', () => {
    const serving = assertServing(build, live)
    expect(replyPointOf(serving)).toEqual({ blockNumber: live.follow.head.number, blockHash: live.follow.head.hash, stateRoot: live.cluster?.contracts.root })
    const standing = standingOf(serving)
    expect(standing.hashOf(live.follow.head.number)).toEqual(live.follow.head.hash)
    expect(standing.hashOf(live.follow.head.number + 1)).toBeUndefined()
  })
  test.each([
    ['was never initialised', EMPTY_STATE, 'WORKER_UNINITIALIZED'],
    ['has halted', { ...live, halted: 'two histories' }, 'QUERY_NOT_SERVING'],
    ['has a key that is not anchored', { ...live, system: { ...live.system, anchor: undefined } }, 'QUERY_NOT_SERVING'],
    ['is a gatekeeper', { ...live, gatekeeper: {} as LiveState['gatekeeper'] }, 'QUERY_GATEKEEPER'],
    ['has no cluster', { ...live, cluster: undefined }, 'QUERY_NO_CLUSTER'],
    ['differs from the others', { ...live, cluster: { ...(live.cluster as NonNullable<LiveState['cluster']>), differsSince: 7 } }, 'QUERY_STATE_DIFFERS'],
  ] as const)('does not when it %s', (_name, state, code) => {
    expect(codeOf(() => assertServing(build, state))).toBe(code)
    expect(findServing(build, state)).toBeUndefined()
  })
})
