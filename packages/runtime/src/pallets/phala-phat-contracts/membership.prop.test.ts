/** Whatever happens to workers, stakes and clusters: who is in which cluster stays what an independent book says, and everyone in one has enough at stake. */
import { test, expect } from 'vitest'
import fc from 'fast-check'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { toHex } from '@phalanx/primitives/bytes'
import { UNIT } from '@phalanx/primitives/fixed'
import { clusterIdOf } from '@phalanx/primitives/messages'
import { ROOT, signed } from '../../frame/origin.ts'
import { phalaComputation } from '../phala-computation/pallet.ts'
import { sessions, stakes } from '../phala-computation/storage.ts'
import { STAKE } from '../phala-computation/testing.ts'
import { phalaPhatContracts } from './pallet.ts'
import * as storage from './storage.ts'
import { createPhatTestbed, type PhatTestbed } from './testing.ts'

const crypto = await loadCrypto()
const WORKERS = 4
const CLUSTERS = 5
const RUNS = process.env['PHALANX_LONG'] === '1' ? 300 : 12

type Deed =
  | { readonly kind: 'create'; readonly workers: readonly number[] }
  | { readonly kind: 'add' | 'remove'; readonly worker: number; readonly cluster: number }
  | { readonly kind: 'stop' | 'start' | 'silence'; readonly worker: number }
  | { readonly kind: 'slash'; readonly worker: number; readonly level: number }
  | { readonly kind: 'destroy'; readonly cluster: number }
  | { readonly kind: 'raise'; readonly stake: bigint }
  | { readonly kind: 'block' }

const worker = fc.nat(WORKERS - 1)
const cluster = fc.nat(CLUSTERS - 1)
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('create' as const), workers: fc.array(worker, { minLength: 1, maxLength: 2 }) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('add' as const, 'remove' as const), worker, cluster }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stop' as const), worker }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('start' as const), worker }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('silence' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('slash' as const), worker, level: fc.integer({ min: 2, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('destroy' as const), cluster }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('raise' as const), stake: fc.bigInt({ min: 3800n, max: 5100n }).map((amount) => amount * UNIT) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'block' as const }) },
)

/** The book: what each worker has at stake while it computes, whether it answers, and its cluster. */
interface Entry {
  stake: bigint | undefined
  answers: boolean
  cluster: number | undefined
}
interface Book {
  readonly workers: Entry[]
  minStake: bigint
  counter: number
  readonly living: Set<number>
}

const mayStay = (book: Book, entry: Entry): boolean => entry.stake !== undefined && entry.stake >= book.minStake
const mayEnter = (book: Book, entry: Entry): boolean => mayStay(book, entry) && entry.answers && entry.cluster === undefined
const dismiss = (book: Book): void => {
  for (const entry of book.workers) if (!mayStay(book, entry)) entry.cluster = undefined
}

const SHARE: Readonly<Record<number, bigint>> = { 2: 10_000n, 3: 100_000n, 4: 1_000_000n }
const MILLION = 1_000_000n

/** What the deed does by the book; whether it succeeds. */
const inBook = (book: Book, one: Deed): boolean => {
  const entry = (i: number): Entry => book.workers[i] as Entry
  switch (one.kind) {
    case 'create': {
      if (new Set(one.workers).size < one.workers.length || !one.workers.every((i) => mayEnter(book, entry(i)))) return false
      book.counter++
      book.living.add(book.counter)
      for (const i of one.workers) entry(i).cluster = book.counter
      return true
    }
    case 'add': {
      if (!book.living.has(one.cluster + 1) || !mayEnter(book, entry(one.worker))) return false
      entry(one.worker).cluster = one.cluster + 1
      return true
    }
    case 'remove': {
      if (!book.living.has(one.cluster + 1) || entry(one.worker).cluster !== one.cluster + 1) return false
      entry(one.worker).cluster = undefined
      return true
    }
    case 'stop': {
      if (entry(one.worker).stake === undefined) return false
      entry(one.worker).stake = undefined
      dismiss(book)
      return true
    }
    case 'start': {
      if (entry(one.worker).stake !== undefined) return false
      Object.assign(entry(one.worker), { stake: STAKE, answers: true })
      return true
    }
    case 'silence':
      if (entry(one.worker).stake !== undefined) entry(one.worker).answers = false
      return true
    case 'slash': {
      const { stake } = entry(one.worker)
      if (stake === undefined || stake === 0n) return false
      entry(one.worker).stake = stake - (stake * (SHARE[one.level] ?? 0n)) / MILLION
      dismiss(book)
      return true
    }
    case 'destroy': {
      if (!book.living.delete(one.cluster + 1)) return false
      for (const other of book.workers) if (other.cluster === one.cluster + 1) other.cluster = undefined
      return true
    }
    case 'raise':
      book.minStake = one.stake
      dismiss(book)
      return true
    case 'block':
      return true
  }
}

/** Does the deed on the chain; whether it succeeded. */
const onChain = (bed: PhatTestbed, workers: readonly { readonly worker: Uint8Array; readonly session: Uint8Array }[], one: Deed): boolean => {
  const { chain } = bed
  const at = (i: number) => workers[i] as { readonly worker: Uint8Array; readonly session: Uint8Array }
  const done = (call: ReturnType<typeof bed.addCluster>, origin = ROOT): boolean => chain.dispatch(call, origin).ok
  switch (one.kind) {
    case 'create': return done(bed.addCluster(one.workers.map((i) => at(i).worker), { deposit: UNIT }))
    case 'add': return done(phalaPhatContracts.call('addWorkerToCluster', { workerPubkey: at(one.worker).worker, clusterId: clusterIdOf(BigInt(one.cluster + 1)) }), signed(bed.owner))
    case 'remove': return done(phalaPhatContracts.call('removeWorkerFromCluster', { workerPubkey: at(one.worker).worker, clusterId: clusterIdOf(BigInt(one.cluster + 1)) }), signed(bed.owner))
    case 'stop': return done(phalaComputation.call('forceStopComputing', { session: at(one.worker).session }))
    case 'start': {
      const { session } = at(one.worker)
      if (sessions.get(chain.ctx, session)?.state.kind === 'WorkerCoolingDown') {
        sessions.mutate(chain.ctx, session, (info) => info && { ...info, state: { kind: 'Ready' } })
        stakes.remove(chain.ctx, session)
      }
      return done(phalaComputation.call('forceStartComputing', { session, stake: STAKE }))
    }
    case 'silence': {
      bed.update({ offline: [at(one.worker).worker] })
      return true
    }
    case 'slash': return sessions.get(chain.ctx, at(one.worker).session)?.state.kind !== 'WorkerCoolingDown'
      && done(phalaComputation.call('slashSession', { session: at(one.worker).session, level: one.level }))
    case 'destroy': return done(phalaPhatContracts.call('clusterDestroy', { cluster: clusterIdOf(BigInt(one.cluster + 1)) }))
    case 'raise': return done(phalaPhatContracts.call('setClusterMinStake', { minStake: one.stake }))
    case 'block': {
      chain.nextBlock()
      return true
    }
  }
}

test('membership follows stake, sessions and owners', { timeout: 120_000 }, () => {
  const tally = new Map<string, number>()
  fc.assert(
    fc.property(fc.array(deed, { minLength: 20, maxLength: 60 }), (deeds) => {
      const bed = createPhatTestbed(crypto)
      const workers = Array.from({ length: WORKERS }, (_, i) => bed.worker(`w${i}`))
      const book: Book = {
        workers: workers.map(() => ({ stake: STAKE, answers: true, cluster: undefined })), minStake: 4000n * UNIT, counter: 0, living: new Set(),
      }
      for (const one of deeds) {
        const isDone = inBook(book, one)
        expect({ one, isDone: onChain(bed, workers, one) }).toEqual({ one, isDone })
        if (isDone) tally.set(one.kind, (tally.get(one.kind) ?? 0) + 1)
        const found = workers.map(({ worker: key }) => storage.clusterByWorkers.get(bed.chain.ctx, key)).map((id) => id && toHex(id))
        expect(found).toEqual(book.workers.map((entry) => (entry.cluster === undefined ? undefined : toHex(clusterIdOf(BigInt(entry.cluster))))))
        bed.chain.tryState()
      }
    }),
    { numRuns: RUNS, seed: 5 },
  )
  for (const kind of ['create', 'add', 'remove', 'stop', 'start', 'slash', 'destroy', 'raise']) expect(tally.get(kind) ?? 0, kind).toBeGreaterThan(0)
})
