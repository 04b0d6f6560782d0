/** Owns the registry's part of the chain spec: attestation policy, measurement list, and on simulated chains workers without evidence. */
import { createPolicy, TCB_STATUSES } from '@phalanx/attestation'
import { AppError } from '@phalanx/primitives/errors'
import { TOPICS, type Message } from '@phalanx/primitives/messages'
import { jsonAccount, jsonBool, jsonDefault, jsonHex, jsonInteger, jsonList, jsonObject, jsonOneOf, jsonOptional, jsonText, type JsonOf } from '../../frame/json.ts'
import type { GenesisChain } from '../../frame/pallet.ts'
import { queueMessages, queuePalletMessage } from '../phala-mq/push.ts'
import { REGISTRY, type RegistryContext } from './declaration.ts'
import { noticeMessage, workerEventMessage } from './notices.ts'
import { CONFIDENCE_ROOT } from './levels.ts'
import { notePolicy } from './policy-calls.ts'
import { rootWorker } from './registration.ts'
import * as storage from './storage.ts'

const U32_MAX = 0xffff_ffff
const BENCHMARK_DURATION = 8

/** Fields of the policy that a chain spec may set; the rest follows from the spec's other fields. */
const policyShape = jsonObject({
  acceptedStatuses: jsonOptional(jsonList(jsonOneOf(...TCB_STATUSES))),
  refusedAdvisories: jsonOptional(jsonList(jsonText)),
  confidenceLevelMax: jsonOptional(jsonInteger(1, 5)),
  evaluationNumberMin: jsonOptional(jsonInteger(0, U32_MAX)),
  sameEvaluationNumber: jsonOptional(jsonBool),
  allowedFamilies: jsonOptional(jsonList(jsonHex())),
  blockedFamilies: jsonOptional(jsonList(jsonHex())),
  admitDebug: jsonOptional(jsonBool),
  collateralGraceSeconds: jsonOptional(jsonInteger(0, U32_MAX)),
  revocationGraceSeconds: jsonOptional(jsonInteger(0, U32_MAX)),
  reportAgeSecondsMax: jsonOptional(jsonInteger(0, U32_MAX)),
  gatekeeperConfidenceMax: jsonOptional(jsonInteger(1, 255)),
  reattestationSeconds: jsonOptional(jsonInteger(0, U32_MAX)),
  renewalWindowSeconds: jsonOptional(jsonInteger(0, U32_MAX)),
  admitUnanchored: jsonOptional(jsonBool),
  collateralDelayBlocks: jsonOptional(jsonInteger(0, U32_MAX)),
  familyMinimums: jsonOptional(jsonList(jsonObject({ family: jsonHex(), tcb: jsonHex() }))),
})

/** What a chain of ours asks for where its spec says nothing: recent evidence, renewed weekly, and the highest confidence of gatekeepers. */
const POLICY_OF_OURS = { gatekeeperConfidenceMax: 1, reattestationSeconds: 604_800, renewalWindowSeconds: 86_400, admitUnanchored: false } as const

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
  /** Terms of the attestation policy. */
  policy: jsonOptional(policyShape),
  /** Genesis hashes of other chains that registrations may name. */
  genesisHashes: jsonDefault(jsonList(jsonHex(32)), []),
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
  // As for governance: a debug enclave keeps no secret, so only a chain without any may admit one.
  if (config.policy?.admitDebug === true && !chain.simulated) throw new AppError('CHAIN_SPEC_DEVELOPMENT_ONLY', { field: 'phalaRegistry.policy.admitDebug' })
  storage.benchmarkDuration.set(ctx, config.benchmarkDuration)
  const terms = Object.fromEntries(Object.entries(config.policy ?? {}).filter(([, value]) => value !== undefined))
  storage.attestationPolicy.set(ctx, createPolicy({ ...POLICY_OF_OURS, ...terms, kinds: config.kinds, roots: config.roots, simulated: chain.simulated }))
  storage.allowList.set(ctx, config.measurements)
  if (config.genesisHashes.length > 0) storage.genesisAllowList.set(ctx, config.genesisHashes)
  notePolicy(ctx)
  const messages: Message[] = []
  for (const measurement of config.measurements) {
    storage.measurementAddedAt.set(ctx, measurement, 0)
    messages.push(noticeMessage({ kind: 'MeasurementAllowed', value: measurement }))
  }
  for (const { pubkey, ecdhPubkey, operator } of config.workers) {
    storage.workers.set(ctx, pubkey, rootWorker({ pubkey, ecdhPubkey }, operator, 0n))
    storage.ecdhEpoch.set(ctx, pubkey, 0n)
    storage.ecdhKeys.set(ctx, pubkey, 0n, { ecdhPubkey, announcedAt: 0 })
    messages.push(
      workerEventMessage(pubkey, { kind: 'Registered', value: { confidenceLevel: CONFIDENCE_ROOT } }),
      workerEventMessage(pubkey, { kind: 'BenchStart', value: { duration: config.benchmarkDuration } }),
      noticeMessage({ kind: 'EcdhKeyAnchored', value: { pubkey, epoch: 0n, ecdhPubkey } }),
    )
  }
  queueMessages(ctx, messages)
  buildGatekeepers(ctx, config)
}
