/**
 * Owns the challenges that workers answer with heartbeats (computation.md section 3). The seed comes from recent block hashes, as in the reference,
 * mixed with the gatekeepers' beacon once there is one: the author alone can then no longer choose it.
 */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { bytes, u32, u8 } from '@phalanx/primitives/codec'
import { TOPICS, type HeartbeatChallenge } from '@phalanx/primitives/messages'
import { pushPalletMessage } from '../phala-mq/push.ts'
import { latestBeacon } from '../phala-registry/beacon.ts'
import { randomMaterial, RANDOM_MATERIAL_LENGTH } from '../randomness-collective-flip/storage.ts'
import { COMPUTATION, type ComputationContext } from './declaration.ts'
import { challengeTarget } from './formulas.ts'
import * as storage from './storage.ts'

const SUBJECT = utf8('PhalaPoW')
const HEARTBEATS_PER_BLOCK = 20
const HASH_BYTES = 32

/** Bitwise majority of three hashes. */
const majority = (hashes: readonly Uint8Array[]): Uint8Array => {
  const [a, b, c] = hashes as readonly [Uint8Array, Uint8Array, Uint8Array]
  return a.map((byte, i) => (byte & (b[i] as number)) ^ ((b[i] as number) & (c[i] as number)) ^ (byte & (c[i] as number)))
}

/** Reduces 3^n hashes by majorities of three. */
const mixTriplets = (hashes: readonly Uint8Array[]): Uint8Array => {
  let level = hashes
  while (level.length > 1) level = Array.from({ length: level.length / 3 }, (_, i) => majority(level.slice(3 * i, 3 * i + 3)))
  return level[0] as Uint8Array
}

/** What RandomnessCollectiveFlip gives for a subject: 81 hashes of recent block hashes, mixed. Zeros before the first. */
const blockRandomness = (ctx: ComputationContext, subject: Uint8Array): Uint8Array => {
  const ring = randomMaterial.get(ctx)
  if (ring.length === 0) return new Uint8Array(HASH_BYTES)
  const start = (ctx.block.number - 1) % RANDOM_MATERIAL_LENGTH
  return mixTriplets(Array.from({ length: RANDOM_MATERIAL_LENGTH }, (_, i) =>
    ctx.crypto.blake2b256(concatBytes(u8.encode(i), bytes.encode(subject), ring[(start + i) % ring.length] as Uint8Array))))
}

const toBigEndian = (raw: Uint8Array): bigint => raw.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)

/** Seed of this block's challenge. */
const challengeSeed = (ctx: ComputationContext): bigint => {
  const random = blockRandomness(ctx, SUBJECT)
  const latest = latestBeacon(ctx)
  return toBigEndian(latest === undefined ? random : ctx.crypto.blake2b256(concatBytes(random, u32.encode(latest.round), latest.value)))
}

/** Sends a challenge to all workers. */
export const pushChallenge = (ctx: ComputationContext, challenge: HeartbeatChallenge): void =>
  pushPalletMessage(ctx, COMPUTATION, TOPICS.systemEvent, { kind: 'HeartbeatChallenge', value: challenge })

/** Challenges the workers of this block. Nothing is sent where nobody computes: the target would be 0, which nobody meets. */
export const challengeWorkers = (ctx: ComputationContext): void => {
  const workers = storage.onlineWorkers.get(ctx)
  if (storage.heartbeatPaused.get(ctx) || workers === 0) return
  const heartbeats = storage.expectedHeartbeatCount.get(ctx) ?? HEARTBEATS_PER_BLOCK
  const perWorkerHour = storage.heartbeatsPerWorkerHour.get(ctx)
  pushChallenge(ctx, { seed: challengeSeed(ctx), onlineTarget: challengeTarget({ heartbeats, workers, blockSeconds: storage.blockTimeSec.get(ctx), perWorkerHour }) })
}
