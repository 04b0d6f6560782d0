import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { WorkerEvent } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { gatekeeperLaunchedAt, workerAddedAt } from '../phala-registry/storage.ts'
import { phalaComputation } from './pallet.ts'
import { startComputing } from './sessions.ts'
import * as storage from './storage.ts'
import { createComputationTestbed, STAKE, type ComputationTestbed, type TestSession } from './testing.ts'

const crypto = await loadCrypto()
let bed: ComputationTestbed
beforeEach(() => {
  bed = createComputationTestbed(crypto, { genesis: { checkWorkerRegisterTime: false } })
})

const heardBy = (one: TestSession): readonly WorkerEvent['kind'][] =>
  bed.systemEvents().flatMap((event) => (event.kind === 'WorkerEvent' && String(event.value.pubkey) === String(one.worker) ? [event.value.event.kind] : []))

describe('gatekeepers', () => {
  test('hear of a worker that registered before their launch when it starts, and not of others', () => {
    const [early, late] = [bed.bound('early'), bed.bound('late')]
    workerAddedAt.set(bed.chain.ctx, early.worker, 1)
    for (const one of [early, late]) startComputing(bed.chain.ctx, one.session, STAKE)
    expect([heardBy(early), heardBy(late)]).toEqual([['Registered', 'Started'], ['Started']])
  })

  test('hear the parameters and of computing sessions in the block of their launch, before its challenge', () => {
    gatekeeperLaunchedAt.remove(bed.chain.ctx)
    const [computing, idle] = [bed.started('a'), bed.bound('b')]
    expect(heardBy(computing)).toEqual(['Started'])
    bed.chain.nextBlock()
    storage.sessions.mutate(bed.chain.ctx, computing.session, (info) => info && { ...info, v: 7n })
    gatekeeperLaunchedAt.set(bed.chain.ctx, [bed.chain.ctx.block.number, 1n])
    phalaComputation.hooks?.onFinalize?.(phalaComputation.in(bed.chain.ctx))
    expect(bed.gatekeeperEvents()).toEqual([{ kind: 'TokenomicParametersChanged', value: storage.tokenomicParameters.get(bed.chain.ctx) }])
    expect([heardBy(computing), heardBy(idle)]).toEqual([['Registered', 'Started'], []])
    expect(bed.systemEvents().map(({ kind }) => kind)).toEqual(['WorkerEvent', 'WorkerEvent', 'HeartbeatChallenge'])
    expect(bed.systemEvents()[1]).toMatchObject({ value: { event: { value: { sessionId: 0, initV: 7n, initP: 1000 } } } })
    bed.chain.nextBlock()
    expect(bed.gatekeeperEvents()).toEqual([])
  })
})
