/** Owns PhalaRegistry's calls (registry.md section 5). What they do stands in the sibling files. */
import { AnyCollateral, Attestation, AttestationPolicy, AttestationReport, PlatformFamily } from '@phalanx/attestation'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { bytesUpTo, option, textUpTo, u32, vecUpTo } from '@phalanx/primitives/codec'
import { AccountId, Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { WorkerEndpointPayload, WorkerRegistrationInfo, WorkerRegistrationInfoV2 } from '@phalanx/primitives/messages'
import { ensureRoot, ensureSigned } from '../../frame/origin.ts'
import { weigh, writes } from '../../frame/weight.ts'
import { ensureGovernance } from '../collective/origin.ts'
import { attestationApi } from './attestation-api.ts'
import { activateCollateral, submitCollateral } from './collateral-sets.ts'
import { registryParts } from './declaration.ts'
import { updateWorkerEndpoint } from './endpoints.ts'
import { registerGatekeeper, unregisterGatekeeper } from './gatekeepers.ts'
import { buildRegistryGenesis, registryGenesisShape } from './genesis.ts'
import { pushNotice } from './notices.ts'
import { noteMeasurements, restoreFamily, revokeFamily, setPolicy } from './policy-calls.ts'
import { pruneOutcomes } from './outcomes.ts'
import { repeatEvidence } from './verdicts.ts'
import { ensureAttested, forceRegisterWorker, noteConsensusVersion, registerWorker } from './registration.ts'
import { cancelRotation, rotateMasterKey } from './rotation.ts'
import { reviewWorkers } from './reviews.ts'
import * as storage from './storage.ts'

/** Time that judging a piece of evidence takes, in microseconds. */
const VERIFY_MICROS = 3000
/** A registration may search all remembered blocks, and judge its candidate and the canonical set besides the evidence. */
const REGISTER_WEIGHT = weigh({ reads: 280, writes: 20, micros: 3 * VERIFY_MICROS })
const COLLATERAL_WEIGHT = weigh({ reads: 6, writes: 5, micros: VERIFY_MICROS })
const POLICY_WEIGHT = writes(5)
const ENDPOINT_WEIGHT = weigh({ reads: 3, writes: 2, micros: 250 })

/** The pallet. */
export const phalaRegistry = registryParts.withCalls(
  {
    forceSetBenchmarkDuration: {
      index: 0,
      doc: 'Set how many blocks a benchmark lasts.',
      args: { value: u32 },
      weight: writes(1),
      dispatch(ctx, origin, { value }) {
        ensureGovernance(origin)
        storage.benchmarkDuration.set(ctx, value)
      },
    },
    forceRegisterWorker: {
      index: 1,
      doc: 'Register a worker without evidence. Only on chains whose genesis is marked as simulated.',
      args: { pubkey: Sr25519Public, ecdhPubkey: Sr25519Public, operator: option(AccountId) },
      weight: writes(4),
      dispatch(ctx, origin, { pubkey, ecdhPubkey, operator }) {
        ensureRoot(origin)
        if (!storage.attestationPolicy.get(ctx).simulated) ctx.fail('DevelopmentOnly')
        forceRegisterWorker(ctx, { pubkey, ecdhPubkey }, operator)
      },
    },
    forceRegisterTopicPubkey: {
      index: 2,
      doc: 'Set the public key of a topic.',
      args: { topic: bytesUpTo(256), pubkey: bytesUpTo(256) },
      weight: writes(1),
      dispatch(ctx, origin, { topic, pubkey }) {
        ensureRoot(origin)
        storage.topicKey.set(ctx, topic, pubkey)
      },
    },
    registerGatekeeper: {
      index: 3,
      doc: 'Make a registered worker a gatekeeper.',
      args: { gatekeeper: Sr25519Public },
      weight: writes(3),
      dispatch(ctx, origin, { gatekeeper }) {
        ensureGovernance(origin)
        registerGatekeeper(ctx, gatekeeper)
      },
    },
    unregisterGatekeeper: {
      index: 4,
      doc: 'Take a gatekeeper off the list; the last one stays.',
      args: { gatekeeper: Sr25519Public },
      weight: writes(2),
      dispatch(ctx, origin, { gatekeeper }) {
        ensureGovernance(origin)
        unregisterGatekeeper(ctx, gatekeeper)
      },
    },
    rotateMasterKey: {
      index: 5,
      doc: 'Ask the gatekeepers for a new master key.',
      args: {},
      weight: writes(4),
      dispatch(ctx, origin) {
        ensureGovernance(origin)
        rotateMasterKey(ctx)
      },
    },
    registerWorker: {
      index: 6,
      doc: 'Register a worker by a report of the older attestation service. Anyone may hand it in; the evidence counts.',
      args: { pruntimeInfo: WorkerRegistrationInfo, attestation: Attestation },
      weight: REGISTER_WEIGHT,
      dispatch(ctx, origin, { pruntimeInfo, attestation }) {
        ensureSigned(origin)
        const info = WorkerRegistrationInfo.encode(pruntimeInfo)
        const attested = ensureAttested(ctx, attestation, ctx.crypto.blake2b256(info))
        registerWorker(ctx, pruntimeInfo, attested, { info, report: attestation })
      },
    },
    registerWorkerV2: {
      index: 7,
      doc: 'Register a worker by its evidence. Anyone may hand it in; the evidence counts.',
      args: { pruntimeInfo: WorkerRegistrationInfoV2, attestation: option(AttestationReport) },
      weight: REGISTER_WEIGHT,
      dispatch(ctx, origin, { pruntimeInfo, attestation }) {
        ensureSigned(origin)
        const report = attestation ?? ctx.fail('NoneAttestationDisabled')
        const info = WorkerRegistrationInfoV2.encode(pruntimeInfo)
        const attested = ensureAttested(ctx, report, ctx.crypto.blake2b256(info))
        if (pruntimeInfo.paraId !== 0) ctx.fail('ParachainIdMismatch')
        registerWorker(ctx, pruntimeInfo, attested, { info, report })
        noteConsensusVersion(ctx, pruntimeInfo.maxConsensusVersion)
      },
    },
    updateWorkerEndpoint: {
      index: 8,
      doc: 'Publish the endpoints that a registered worker signed.',
      args: { endpointPayload: WorkerEndpointPayload, signature: bytesUpTo(256) },
      weight: ENDPOINT_WEIGHT,
      dispatch(ctx, origin, { endpointPayload, signature }) {
        ensureSigned(origin)
        updateWorkerEndpoint(ctx, endpointPayload, signature)
      },
    },
    addPruntime: {
      index: 9,
      doc: 'Admit a measurement of worker code.',
      args: { pruntimeHash: storage.Measurement },
      weight: writes(2),
      dispatch(ctx, origin, { pruntimeHash }) {
        ensureGovernance(origin)
        const list = storage.allowList.get(ctx)
        if (pruntimeHash.length === 0) ctx.fail('InvalidInput')
        if (list.some((one) => bytesEqual(one, pruntimeHash))) ctx.fail('PRuntimeAlreadyExists')
        if (list.length >= storage.LIST_ENTRIES_MAX) ctx.fail('ListFull')
        storage.allowList.set(ctx, [...list, pruntimeHash])
        storage.measurementAddedAt.set(ctx, pruntimeHash, ctx.block.number)
        noteMeasurements(ctx)
        pushNotice(ctx, { kind: 'MeasurementAllowed', value: pruntimeHash })
      },
    },
    removePruntime: {
      index: 10,
      doc: 'Stop admitting a measurement of worker code.',
      args: { pruntimeHash: storage.Measurement },
      weight: writes(2),
      dispatch(ctx, origin, { pruntimeHash }) {
        ensureGovernance(origin)
        const list = storage.allowList.get(ctx)
        if (!list.some((one) => bytesEqual(one, pruntimeHash))) ctx.fail('PRuntimeNotFound')
        storage.allowList.set(ctx, list.filter((one) => !bytesEqual(one, pruntimeHash)))
        storage.measurementAddedAt.remove(ctx, pruntimeHash)
        noteMeasurements(ctx)
        pushNotice(ctx, { kind: 'MeasurementRemoved', value: pruntimeHash })
      },
    },
    addRelaychainGenesisBlockHash: {
      index: 11,
      doc: 'Admit another genesis hash in registrations.',
      args: { genesisBlockHash: Hash },
      weight: writes(1),
      dispatch(ctx, origin, { genesisBlockHash }) {
        ensureGovernance(origin)
        const list = storage.genesisAllowList.get(ctx)
        if (list.some((one) => bytesEqual(one, genesisBlockHash))) ctx.fail('GenesisBlockHashAlreadyExists')
        if (list.length >= storage.LIST_ENTRIES_MAX) ctx.fail('ListFull')
        storage.genesisAllowList.set(ctx, [...list, genesisBlockHash])
      },
    },
    removeRelaychainGenesisBlockHash: {
      index: 12,
      doc: 'Stop admitting a genesis hash in registrations.',
      args: { genesisBlockHash: Hash },
      weight: writes(1),
      dispatch(ctx, origin, { genesisBlockHash }) {
        ensureGovernance(origin)
        const list = storage.genesisAllowList.get(ctx)
        if (!list.some((one) => bytesEqual(one, genesisBlockHash))) ctx.fail('GenesisBlockHashNotFound')
        storage.genesisAllowList.set(ctx, list.filter((one) => !bytesEqual(one, genesisBlockHash)))
      },
    },
    setMinimumPruntimeVersion: {
      index: 13,
      doc: 'Set the lowest worker version that may serve.',
      args: { major: u32, minor: u32, patch: u32 },
      weight: writes(1),
      dispatch(ctx, origin, { major, minor, patch }) {
        ensureGovernance(origin)
        storage.minimumVersion.set(ctx, [major, minor, patch])
        ctx.emit('MinimumPRuntimeVersionChangedTo', [major, minor, patch])
        pushNotice(ctx, { kind: 'MinimumVersion', value: [major, minor, patch] })
      },
    },
    setPruntimeConsensusVersion: {
      index: 14,
      doc: 'Set the consensus version that workers must follow; one that some registered worker knows.',
      args: { version: u32 },
      weight: writes(1),
      dispatch(ctx, origin, { version }) {
        ensureGovernance(origin)
        if (version > storage.maxKnownConsensusVersion.get(ctx).version) ctx.fail('InvalidConsensusVersion')
        storage.consensusVersion.set(ctx, version)
        ctx.emit('PRuntimeConsensusVersionChangedTo', [version])
        pushNotice(ctx, { kind: 'ConsensusVersion', value: version })
      },
    },
    setTrustedNtpServers: {
      index: 15,
      doc: 'Set the time servers that workers may trust.',
      args: { ntpServers: vecUpTo(textUpTo(256), 64) },
      weight: writes(1),
      dispatch(ctx, origin, { ntpServers }) {
        ensureGovernance(origin)
        storage.trustedNtpServers.set(ctx, ntpServers)
        pushNotice(ctx, { kind: 'TrustedNtpServers', value: ntpServers })
      },
    },
    submitCollateral: {
      index: 16,
      doc: 'Offer newer collateral for a canonical set. Anyone may; a set that is taken costs its submitter nothing.',
      args: { collateral: AnyCollateral },
      weight: COLLATERAL_WEIGHT,
      dispatch(ctx, origin, { collateral }) {
        ensureSigned(origin)
        return submitCollateral(ctx, collateral)
      },
    },
    setAttestationPolicy: {
      index: 17,
      doc: 'Set what evidence must satisfy; its version is the one after that in force. Attested workers are judged again over the next blocks.',
      args: { policy: AttestationPolicy },
      weight: POLICY_WEIGHT,
      dispatch(ctx, origin, { policy }) {
        ensureGovernance(origin)
        setPolicy(ctx, policy)
      },
    },
    revokeFamily: {
      index: 18,
      doc: 'Revoke a whole platform family: its workers count no longer and are taken off over the next blocks.',
      args: { family: PlatformFamily },
      weight: POLICY_WEIGHT,
      dispatch(ctx, origin, { family }) {
        ensureGovernance(origin)
        revokeFamily(ctx, family)
      },
    },
    restoreFamily: {
      index: 19,
      doc: 'Admit a revoked platform family again; its workers return by registering.',
      args: { family: PlatformFamily },
      weight: POLICY_WEIGHT,
      dispatch(ctx, origin, { family }) {
        ensureGovernance(origin)
        restoreFamily(ctx, family)
      },
    },
    cancelMasterKeyRotation: {
      index: 30,
      doc: 'Give up the rotation of the master key that is under way.',
      args: {},
      weight: writes(3),
      dispatch(ctx, origin) {
        ensureGovernance(origin)
        cancelRotation(ctx)
      },
    },
  },
  {
    hooks: {
      onInitialize(ctx) {
        pruneOutcomes(ctx)
        const activated = activateCollateral(ctx)
        const { lapsed, examined } = reviewWorkers(ctx)
        const awaited = repeatEvidence(ctx)
        return weigh({
          reads: 4 + lapsed + 3 * examined + 8 * awaited, writes: 3 * activated + 8 * (lapsed + examined) + 4 * awaited, micros: VERIFY_MICROS * examined,
        })
      },
    },
    genesis: { shape: registryGenesisShape, build: buildRegistryGenesis },
    apis: [attestationApi],
  },
)
