import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { CHECKPOINT_FILES, IDENTITY_FILE } from './index.ts'
import { createHarness, createMemoryBlobStore, type WorkerHarness } from './testing.ts'

const isLong = process.env['PHALANX_LONG'] === '1'
let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

/** What may happen to a worker between two blocks. */
type Action =
  | { readonly kind: 'relay'; readonly rounds: number }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'crash' }
  | { readonly kind: 'lose'; readonly file: number }
  | { readonly kind: 'damage'; readonly file: number; readonly at: number }
  | { readonly kind: 'remember' }
  | { readonly kind: 'goBack' }
  | { readonly kind: 'challenge' }
  | { readonly kind: 'bench' }

const file = fc.integer({ min: 0, max: 1 })
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('relay' as const), rounds: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  fc.record({ kind: fc.constantFrom('checkpoint' as const, 'stop' as const, 'remember' as const, 'goBack' as const, 'challenge' as const, 'bench' as const) }),
  fc.record({ kind: fc.constant('lose' as const), file }),
  fc.record({ kind: fc.constant('damage' as const), file, at: fc.nat() }),
)

const restart = async (world: WorkerHarness): Promise<void> => {
  await world.start({ checkpointEveryBlocks: 3 })
  if (!(await world.client.PhactoryAPI.GetInfo({})).initialized) await world.init()
  await world.sync(2)
}

/** Puts every file back as it was, as a host does that rolls a disk back; the identity file never changes anyway. */
const goBack = (world: WorkerHarness, old: ReadonlyMap<string, Uint8Array>): void => {
  const keep = [...world.blobs.files].filter(([name]) => !(CHECKPOINT_FILES as readonly string[]).includes(name))
  world.blobs = createMemoryBlobStore([...keep, ...[...old].filter(([name]) => (CHECKPOINT_FILES as readonly string[]).includes(name))])
}

const play = async (world: WorkerHarness, actions: readonly Action[]): Promise<void> => {
  let remembered: ReadonlyMap<string, Uint8Array> = new Map()
  const pubkey = world.worker.identity() as Uint8Array
  for (const step of actions) {
    switch (step.kind) {
      case 'relay': await world.relay(step.rounds); break
      case 'checkpoint': await world.client.PhactoryAPI.TakeCheckpoint({}); break
      case 'remember': remembered = createMemoryBlobStore(world.blobs.files).files; break
      case 'stop': await world.worker.stop(); await restart(world); break
      case 'crash': world.blobs = createMemoryBlobStore(world.blobs.files); await restart(world); break
      case 'lose': world.blobs.files.delete(CHECKPOINT_FILES[step.file] as string); await restart(world); break
      case 'damage': {
        const bytes = world.blobs.files.get(CHECKPOINT_FILES[step.file] as string)
        if (bytes !== undefined) bytes[step.at % bytes.length] = (bytes[step.at % bytes.length] as number) ^ 4
        await restart(world)
        break
      }
      case 'goBack': goBack(world, remembered); await restart(world); break
      case 'challenge': world.registry.tell(pubkey, { kind: 'Started', value: { sessionId: 1, initV: 0n, initP: 0 } }); break
      case 'bench': world.registry.tell(pubkey, { kind: 'BenchStart', value: { duration: 1 } }); break
    }
  }
}

describe('whatever happens to a worker', () => {
  test('it comes back registered, with one identity, an anchored key and an unbroken sequence', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { minLength: 3, maxLength: 14 }), fc.nat(), async (actions, seed) => {
        const world = await createHarness(crypto, { seed: String(seed) })
        await world.register()
        const identity = toHex(world.worker.identity() as Uint8Array)
        await play(world, actions)
        await world.relay(8)
        expect(toHex(world.worker.identity() as Uint8Array)).toBe(identity)
        expect(world.worker.status().state).toBe('registered')
        const pubkey = world.worker.identity() as Uint8Array
        expect(world.registry.taken(pubkey).map(({ sequence }) => sequence)).toEqual(world.registry.taken(pubkey).map((_, i) => BigInt(i)))
        expect(toHex(world.registry.anchor(pubkey)?.ecdhPubkey as Uint8Array)).toBe((await world.client.PhalanxAPI.Status({})).ecdhPublicKey)
        expect((await world.client.PhactoryAPI.GetInfo({})).pendingMessages).toBe(0n)
        expect(world.blobs.files.has(IDENTITY_FILE)).toBe(true)
      }),
      { numRuns: isLong ? 1000 : 40 },
    )
  }, isLong ? 3_600_000 : 60_000)
})
