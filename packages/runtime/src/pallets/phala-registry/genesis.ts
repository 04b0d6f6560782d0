/** Owns the registry's part of the chain spec: attestation policy, measurement list, and on simulated chains workers without evidence. */
import { createPolicy } from '@phalanx/attestation'
import { AppError } from '@phalanx/primitives/errors'
import { TOPICS } from '@phalanx/primitives/messages'
import { jsonAccount, jsonDefault, jsonHex, jsonInteger, jsonList, jsonObject, jsonOptional, jsonText, type JsonOf } from '../../frame/json.ts'
import type { GenesisChain } from '../../frame/pallet.ts'
import { queuePalletMessage } from '../phala-mq/push.ts'
import { REGISTRY, type RegistryContext } from './declaration.ts'
import { queueNotice, queueWorkerEvent } from './notices.ts'
import { CONFIDENCE_ROOT, rootWorker } from './registration.ts'
import * as storage from './storage.ts'

const U32_MAX = 0xffff_ffff
const BENCHMARK_DURATION = 8

/** Shape of the `phalaRegistry` object of a chain spec. */
export const registryGenesisShape = jsonObject({
  /** Blocks that a benchmark lasts. */
  benchmarkDuration: jsonDefault(jsonInteger(0, U32_MAX), BENCHMARK_DURATION),
  /** Measurements that may register. */
  measurements: jsonDefault(jsonList(jsonHex()), []),
  /** Kinds of evidence admitted. */
  kinds: jsonDefault(jsonList(jsonText), []),
  /** Pinned root certificates, DER. */
  roots: jsonDefault(jsonList(jsonHex()), []),
  /** Workers without evidence; simulated chains only. */
  workers: jsonDefault(jsonList(jsonObject({ pubkey: jsonHex(32), ecdhPubkey: jsonHex(32), operator: jsonOptional(jsonAccount) })), []),
  /** Workers of that list that are gatekeepers. */
  gatekeepers: jsonDefault(jsonList(jsonHex(32)), []),
})

/** Parsed form of the shape. */
export type RegistryGenesis = JsonOf<typeof registryGenesisShape>

const buildGatekeepers = (ctx: RegistryContext, config: RegistryGenesis): void => {
  const listed: Uint8Array[] = []
  for (const pubkey of config.gatekeepers) {
    const worker = storage.workers.get(ctx, pubkey)
    if (worker === undefined) continue
    const keys = { pubkey, ecdhPubkey: worker.ecdhPubkey }
    if (listed.length === 0) queuePalletMessage(ctx, REGISTRY, TOPICS.gatekeeperLaunch, { kind: 'FirstGatekeeper', value: keys })
    else queuePalletMessage(ctx, REGISTRY, TOPICS.gatekeeperChange, { kind: 'Registered', value: keys })
    listed.push(pubkey)
  }
  if (listed.length > 0) storage.gatekeeper.set(ctx, listed)
}

/** Writes the registry's genesis state; its messages are heard in block 1. @throws CHAIN_SPEC_DEVELOPMENT_ONLY */
export const buildRegistryGenesis = (ctx: RegistryContext, config: RegistryGenesis, chain: GenesisChain): void => {
  if (config.workers.length > 0 && !chain.simulated) throw new AppError('CHAIN_SPEC_DEVELOPMENT_ONLY', { field: 'phalaRegistry.workers' })
  storage.benchmarkDuration.set(ctx, config.benchmarkDuration)
  storage.attestationPolicy.set(ctx, createPolicy({ kinds: config.kinds, roots: config.roots, simulated: chain.simulated }))
  storage.allowList.set(ctx, config.measurements)
  for (const measurement of config.measurements) {
    storage.measurementAddedAt.set(ctx, measurement, 0)
    queueNotice(ctx, { kind: 'MeasurementAllowed', value: measurement })
  }
  for (const { pubkey, ecdhPubkey, operator } of config.workers) {
    storage.workers.set(ctx, pubkey, rootWorker({ pubkey, ecdhPubkey }, operator, 0n))
    storage.ecdhEpoch.set(ctx, pubkey, 0n)
    storage.ecdhKeys.set(ctx, pubkey, 0n, { ecdhPubkey, announcedAt: 0 })
    queueWorkerEvent(ctx, pubkey, { kind: 'Registered', value: { confidenceLevel: CONFIDENCE_ROOT } })
    queueWorkerEvent(ctx, pubkey, { kind: 'BenchStart', value: { duration: config.benchmarkDuration } })
    queueNotice(ctx, { kind: 'EcdhKeyAnchored', value: { pubkey, epoch: 0n, ecdhPubkey } })
  }
  buildGatekeepers(ctx, config)
}
