/** Owns the registration of workers: replays refused, entry and evidence written, worker told (registry.md section 6). Judging is judgement.ts. */
import { AttestationReport, evidenceDigest, separateCollateral } from '@phalanx/attestation'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { WorkerRegistrationInfo } from '@phalanx/primitives/messages'
import { blockHash } from '../system/storage.ts'
import { now } from '../timestamp/storage.ts'
import type { RegistryContext } from './declaration.ts'
import { anchorEcdhKey, ensureEcdhKey } from './ecdh-keys.ts'
import { CONFIDENCE_ROOT } from './levels.ts'
import { recordAttestation } from './eviction.ts'
import { ensureGenuine, type Attested } from './judgement.ts'
import { pushWorkerEvent } from './notices.ts'
import * as storage from './storage.ts'
import { sendEvidence } from './verdicts.ts'

const GENESIS_NUMBER = 0

const ensureThisChain = (ctx: RegistryContext, genesisHash: Uint8Array): void => {
  if (bytesEqual(genesisHash, blockHash.get(ctx, GENESIS_NUMBER))) return
  if (!storage.genesisAllowList.get(ctx).some((one) => bytesEqual(one, genesisHash))) ctx.fail('GenesisBlockHashRejected')
}

/** Evidence counts once. */
const ensureFresh = (ctx: RegistryContext, report: AttestationReport): void => {
  const digest = evidenceDigest(ctx.crypto, report)
  if (storage.evidenceSeen.has(ctx, digest)) ctx.fail('ReplayedReport')
  storage.evidenceSeen.set(ctx, digest, ctx.block.number)
}

/** Judges evidence for registration info of which `commit` is the blake2b-256. Fails as `ensureGenuine` does, or with ReplayedReport. */
export const ensureAttested = (ctx: RegistryContext, report: AttestationReport, commit: Uint8Array): Attested => {
  const attested = ensureGenuine(ctx, report, commit)
  ensureFresh(ctx, report)
  return attested
}

const ensureInfo = (ctx: RegistryContext, info: WorkerRegistrationInfo): void => {
  ensureThisChain(ctx, info.genesisBlockHash)
  if (!ctx.crypto.sr25519.isValidPoint(info.pubkey)) ctx.fail('InvalidRuntimeInfo')
  ensureEcdhKey(ctx, info.pubkey, info.ecdhPubkey)
}

/** Notes the highest consensus version that workers know. */
export const noteConsensusVersion = (ctx: RegistryContext, version: number): void => {
  const known = storage.maxKnownConsensusVersion.get(ctx)
  if (version > known.version) storage.maxKnownConsensusVersion.set(ctx, { version, count: 1 })
  else if (version === known.version) storage.maxKnownConsensusVersion.set(ctx, { version, count: known.count + 1 })
}

/** Keeps evidence so that anyone can judge it again; the canonical set it was judged with stands once under its hash. */
const keepEvidence = (ctx: RegistryContext, pubkey: Uint8Array, { info, report, attested }: { info: Uint8Array; report: AttestationReport; attested: Attested }): void => {
  const bare = AttestationReport.encode(separateCollateral(report).report)
  storage.evidence.set(ctx, pubkey, { info, report: bare, collateral: attested.collateral, verifiedAt: now.get(ctx) / 1000n })
}

/**
 * Writes an attested worker. A known worker keeps its ECDH key, provider and score; the key changes by announcement only.
 */
export const registerWorker = (ctx: RegistryContext, info: WorkerRegistrationInfo, attested: Attested, evidence: { readonly info: Uint8Array; readonly report: AttestationReport }): void => {
  ensureInfo(ctx, info)
  const { pubkey } = info
  const known = storage.workers.get(ctx, pubkey)
  const fresh = {
    lastUpdated: now.get(ctx) / 1000n,
    operator: info.operator,
    runtimeVersion: info.version,
    confidenceLevel: attested.confidenceLevel,
    features: info.features,
  }
  const event = { pubkey, attestationProvider: attested.provider, confidenceLevel: attested.confidenceLevel }
  keepEvidence(ctx, pubkey, { ...evidence, attested })
  sendEvidence(ctx, pubkey)
  pushWorkerEvent(ctx, pubkey, { kind: 'Registered', value: { confidenceLevel: attested.confidenceLevel } })
  if (known === undefined) {
    storage.workers.set(ctx, pubkey, { pubkey, ecdhPubkey: info.ecdhPubkey, attestationProvider: attested.provider, initialScore: undefined, ...fresh })
    storage.workerAddedAt.set(ctx, pubkey, ctx.block.number)
    ctx.emit('WorkerAdded', event)
    anchorEcdhKey(ctx, pubkey, { epoch: 0n, ecdhPubkey: info.ecdhPubkey })
  } else {
    storage.workers.set(ctx, pubkey, { ...known, ...fresh })
    ctx.emit('WorkerUpdated', event)
  }
  recordAttestation(ctx, pubkey, attested)
  pushWorkerEvent(ctx, pubkey, { kind: 'BenchStart', value: { duration: storage.benchmarkDuration.get(ctx) ?? 0 } })
}

/** Registers a worker without evidence, as the reference's root door does; for simulated chains only. */
export const forceRegisterWorker = (ctx: RegistryContext, keys: { readonly pubkey: Uint8Array; readonly ecdhPubkey: Uint8Array }, operator: Uint8Array | undefined): void => {
  const { pubkey, ecdhPubkey } = keys
  storage.workers.set(ctx, pubkey, rootWorker(keys, operator, 1n))
  storage.workerAddedAt.set(ctx, pubkey, ctx.block.number)
  pushWorkerEvent(ctx, pubkey, { kind: 'Registered', value: { confidenceLevel: CONFIDENCE_ROOT } })
  ctx.emit('WorkerAdded', { pubkey, attestationProvider: { kind: 'Root' }, confidenceLevel: CONFIDENCE_ROOT })
  anchorEcdhKey(ctx, pubkey, { epoch: (storage.ecdhEpoch.get(ctx, pubkey) ?? -1n) + 1n, ecdhPubkey })
}

/** Entry of a worker that root vouches for. */
export const rootWorker = (keys: { readonly pubkey: Uint8Array; readonly ecdhPubkey: Uint8Array }, operator: Uint8Array | undefined, lastUpdated: bigint) => ({
  ...keys,
  runtimeVersion: 0,
  lastUpdated,
  operator,
  attestationProvider: { kind: 'Root' } as const,
  confidenceLevel: CONFIDENCE_ROOT,
  initialScore: undefined,
  features: [1, 4],
})
