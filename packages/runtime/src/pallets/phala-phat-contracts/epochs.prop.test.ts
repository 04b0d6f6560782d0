/** Whatever happens to a cluster's workers, and whoever proposes what: shares go to exactly the members, and soon all members know the epoch in force. */
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { bytesToKey, keyToBytes } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS } from '@phalanx/primitives/messages'
import { DispatchFailure } from '../../frame/dispatch-error.ts'
import { signed } from '../../frame/origin.ts'
import { phalaPhatContracts } from './pallet.ts'
import * as storage from './storage.ts'
import { createPhatTestbed, type PhatTestbed } from './testing.ts'

const crypto = await loadCrypto()
const WORKERS = 4
const RUNS = process.env['PHALANX_LONG'] === '1' ? 300 : 15

type Deed =
  | { readonly kind: 'add' | 'remove' | 'ask'; readonly worker: number }
  | { readonly kind: 'dispatch' | 'rotate' }
  /** Of the epoch asked for, or so many before; without a worker it is improper. */
  | { readonly kind: 'propose'; readonly behind: number; readonly missing: boolean }
  | { readonly kind: 'block'; readonly count: number }

const worker = fc.nat(WORKERS - 1)
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('add' as const, 'remove' as const, 'ask' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('dispatch' as const, 'rotate' as const) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('propose' as const), behind: fc.constantFrom(0, 0, 0, 1, 2), missing: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('block' as const), count: fc.constantFrom(1, 1, 2, 7, 31) }) },
)

interface Run {
  readonly bed: PhatTestbed
  readonly id: Uint8Array
  readonly workers: readonly Uint8Array[]
  /** Workers that were sent shares of each epoch. */
  readonly known: Map<bigint, ReadonlySet<string>>
  /** Who asked for keys, and in which block. */
  readonly asked: Map<string, number>
}

const attempt = (act: () => void): boolean => {
  try {
    act()
    return true
  } catch (error) {
    if (error instanceof DispatchFailure) return false
    throw error
  }
}

const members = ({ bed, id }: Run): readonly string[] => storage.clusterWorkers.get(bed.chain.ctx, id).map(bytesToKey).sort()

const propose = (run: Run, epoch: bigint, missing = false): void => {
  const { bed, id } = run
  const proposal = bed.candidate(id, epoch)
  const before = storage.clusterEpoch.get(bed.chain.ctx, id)?.current
  attempt(() => bed.propose(missing ? { ...proposal, secretKeys: proposal.secretKeys.slice(1) } : proposal))
  if (storage.clusterEpoch.get(bed.chain.ctx, id)?.current === before) return
  const sent = bed.heard(TOPICS.clusterEpochKeys).at(-1)
  const recipients = sent?.secretKeys.map(([pubkey]) => bytesToKey(pubkey)).sort() ?? []
  expect(recipients, 'shares go to exactly the members').toEqual(members(run))
  run.known.set(epoch, new Set(recipients))
}

const act = (run: Run, one: Deed): void => {
  const { bed, id, workers } = run
  const { chain } = bed
  switch (one.kind) {
    case 'add': chain.dispatch(phalaPhatContracts.call('addWorkerToCluster', { workerPubkey: workers[one.worker] as Uint8Array, clusterId: id }), signed(bed.owner)); return
    case 'remove': chain.dispatch(phalaPhatContracts.call('removeWorkerFromCluster', { workerPubkey: workers[one.worker] as Uint8Array, clusterId: id }), signed(bed.owner)); return
    case 'rotate': chain.dispatch(phalaPhatContracts.call('rotateClusterEpoch', { clusterId: id }), signed(bed.owner)); return
    case 'ask': {
      const who = workers[one.worker] as Uint8Array
      if (attempt(() => bed.say({ kind: 'Worker', value: who }, TOPICS.clusterKeyRequest, { cluster: id }))) run.asked.set(bytesToKey(who), chain.ctx.block.number)
      return
    }
    case 'dispatch': return bed.dispatchKeys(id, storage.clusterWorkers.get(chain.ctx, id))
    case 'propose': {
      const epoch = (storage.clusterEpoch.get(chain.ctx, id)?.requested ?? 0n) - BigInt(one.behind)
      return propose(run, epoch < 0n ? 0n : epoch, one.missing)
    }
    case 'block': chain.nextBlock(one.count)
  }
}

test('an epoch is known to exactly the members of its beginning, and soon to all who are members or asked', { timeout: 120_000 }, () => {
  let begun = 0
  fc.assert(
    fc.property(fc.array(deed, { minLength: 10, maxLength: 40 }), (deeds) => {
      const bed = createPhatTestbed(crypto)
      const sessions = Array.from({ length: WORKERS }, (_, i) => bed.worker(`w${i}`))
      const id = bed.created(sessions.slice(0, 2))
      const run: Run = { bed, id, workers: sessions.map((one) => one.worker), known: new Map(), asked: new Map() }
      const state = () => storage.clusterEpoch.get(bed.chain.ctx, id)
      for (const one of deeds) {
        act(run, one)
        bed.chain.tryState()
      }
      // An honest gatekeeper answers from here on.
      bed.dispatchKeys(id, storage.clusterWorkers.get(bed.chain.ctx, id))
      for (let i = 0; i < 4; i++) {
        if (state()?.requested !== state()?.current) propose(run, state()?.requested ?? 0n)
        bed.chain.nextBlock()
      }
      begun += run.known.size
      const present = members(run)
      if (present.length === 0) return
      expect(state()?.current).toBe(state()?.requested)
      expect([...run.known.get(state()?.current ?? 0n) ?? []].sort(), 'all members know the epoch in force').toEqual(present)
      for (const [who, block] of run.asked) if (present.includes(who)) expect(state()?.since, `an epoch began after ${keyToBytes(who).join()} asked`).toBeGreaterThanOrEqual(block)
    }),
    { numRuns: RUNS, seed: 9 },
  )
  expect(begun).toBeGreaterThan(RUNS)
})
