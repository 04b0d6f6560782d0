/**
 * Owns a run of the simulator about standing: workers of several platform families renew their evidence through their relay, governance
 * revokes one family, and what the dry run predicted is what happens. The auditor checks every worker's standing in every block besides.
 */
import type { SimulatedFamilyName } from '@phalanx/attestation/simulated'
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { bytes, u8 } from '@phalanx/primitives/codec'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { createSigner, dryRunPolicy, fetchEvidence, fetchPolicy, judgeEvidence, signExtrinsic, type ChainClient } from '@phalanx/sdk'
import { softwareVendor } from '@phalanx/worker/platform'
import { createPrng } from './prng.ts'
import { createWorld } from './world.ts'
import type { World } from './world-types.ts'

/** What to run. */
export interface RenewalOptions {
  readonly seed: number
  /** Families of the workers' machines, two workers each. */
  readonly families: readonly SimulatedFamilyName[]
  /** The one that governance revokes. */
  readonly revoked: SimulatedFamilyName
}

/** How it went: public keys in hex. */
export interface RenewalResult {
  readonly problems: readonly string[]
  /** Whom the dry run named, before the revocation. */
  readonly predicted: readonly string[]
  readonly evicted: readonly string[]
  readonly kept: readonly string[]
  /** Workers of the revoked family. */
  readonly members: readonly string[]
  /** Kept workers whose evidence is newer than the revocation. */
  readonly renewed: readonly string[]
  /** Kept workers whose evidence, fetched from the chain with all it was judged by, was judged again to the chain's verdict. */
  readonly judgedAgain: readonly string[]
}

/** How long evidence counts, and in which part of that it is renewed. */
const RENEWAL = { reattestationSeconds: 40, renewalWindowSeconds: 20 } as const
const BLOCK_MS = 1000
const STEP_MS = 2000
const REGISTRATION_MS = 120_000
/** More than an interval: whoever does not renew lapses. */
const WATCHED_MS = 60_000

const registryCall = (index: number, args: Uint8Array): Uint8Array => concatBytes(u8.encode(41), u8.encode(index), args)
const REVOKE_FAMILY = 18

const awaitIn = async <T>(world: World, promise: Promise<T>): Promise<T> => {
  let outcome: { readonly value: T } | undefined
  const settled = promise.then((value) => (outcome = { value }))
  await world.clock.await(settled)
  return (outcome ?? { value: await promise }).value
}

/** Submits a call as root until the pool takes it: the sudo key pays for a relay, too, so a nonce may be taken. */
const submitAsRoot = async (world: World, chain: ChainClient, inner: Uint8Array): Promise<void> => {
  const signer = createSigner({ suri: new Secret('//Alice') }, { crypto: world.crypto, random: { bytes: (length) => new Uint8Array(length).fill(7) } })
  const call = concatBytes(Uint8Array.of(22, 0), inner)
  const [genesisHash, { specVersion, transactionVersion }] = await Promise.all([chain.genesisHash(), chain.runtimeVersion()])
  for (let attempts = 0; ; attempts++) {
    const nonce = await chain.nextNonce(signer.accountId)
    const extrinsic = signExtrinsic(world.crypto, { call, nonce, signer, context: { genesisHash, specVersion, transactionVersion } })
    try {
      await (await chain.submit(extrinsic)).included
      return
    } catch (error) {
      if (!isAppError(error) || attempts === 5) throw error
    }
  }
}

const pass = async (world: World, ms: number, isDone: () => boolean = () => false): Promise<void> => {
  const untilMs = world.clock.nowMs() + ms
  while (world.problems.length === 0 && world.clock.nowMs() < untilMs && !isDone()) await world.clock.run(world.clock.nowMs() + STEP_MS)
}

const membersOf = (world: World, family: SimulatedFamilyName): readonly string[] =>
  world.workers.filter((place) => world.familyOf(place) === family).flatMap(({ identity }) => (identity === undefined ? [] : [identity])).sort()

const describe = async (world: World, chain: ChainClient, options: RenewalOptions, asked: { readonly predicted: readonly string[]; readonly atSeconds: number }): Promise<RenewalResult> => {
  const { crypto } = world
  const result = { evicted: [] as string[], kept: [] as string[], renewed: [] as string[], judgedAgain: [] as string[] }
  for (const { identity } of world.workers) {
    if (identity === undefined) continue
    const evidence = await fetchEvidence(chain, parseHex(identity), { crypto })
    if (evidence.record.eviction !== undefined) {
      result.evicted.push(identity)
      continue
    }
    result.kept.push(identity)
    if (evidence.verifiedAt > asked.atSeconds) result.renewed.push(identity)
    const verdict = judgeEvidence(evidence, { crypto })
    if (verdict.ok && verdict.confidenceLevel === evidence.record.confidenceLevel) result.judgedAgain.push(identity)
  }
  for (const list of Object.values(result)) list.sort()
  return { ...result, problems: world.problems, predicted: asked.predicted, members: membersOf(world, options.revoked) }
}

const run = async (world: World, options: RenewalOptions): Promise<RenewalResult> => {
  await pass(world, REGISTRATION_MS, () => world.auditor.workers.size === world.workers.length)
  if (world.auditor.workers.size < world.workers.length) world.report(`only ${world.auditor.workers.size} of ${world.workers.length} workers registered`)
  await pass(world, 4_000)
  const chain = world.connect()
  const { family } = softwareVendor(world.crypto).machine({ id: 'any', family: options.revoked })
  const policy = await awaitIn(world, fetchPolicy(chain))
  const { evictions } = await awaitIn(world, dryRunPolicy(chain, { ...policy, blockedFamilies: [...policy.blockedFamilies, family] }))
  await awaitIn(world, submitAsRoot(world, chain, registryCall(REVOKE_FAMILY, bytes.encode(family))))
  const asked = { predicted: evictions.map(({ pubkey }) => toHex(pubkey)).sort(), atSeconds: Math.ceil(world.clock.nowMs() / 1000) }
  await pass(world, WATCHED_MS)
  return awaitIn(world, describe(world, chain, options, asked))
}

/** Runs a seed. Equal seeds give equal results. */
export const simulateRenewal = async (options: RenewalOptions, dependencies: { readonly crypto: Crypto; readonly log?: (line: string) => void }): Promise<RenewalResult> => {
  const prng = createPrng(options.seed)
  const world = await createWorld(
    {
      workers: 2 * options.families.length, relays: 1, gatekeepers: 0, blockTimeMs: BLOCK_MS, checkpointEveryBlocks: 50, stateVersion: 1, liesPerMille: 0, broken: 'none',
      checkpointAfterBlocks: 4096, rotateEcdhEveryBlocks: 100_000, families: options.families, renewal: RENEWAL,
    },
    { crypto: dependencies.crypto, prng: prng.fork('world'), log: dependencies.log ?? (() => {}) },
  )
  const result = await run(world, options)
  for (const relay of world.relays) world.crashRelay(relay)
  for (const worker of world.workers) world.crashWorker(worker)
  world.crashNode()
  return result
}
