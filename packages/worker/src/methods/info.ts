/** Owns the handlers that tell what the worker is. */
import { toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { type EcdhRotation, type infoMethods, type statusMethods, type PhactoryInfo, type WorkerStatus } from '../api/info.ts'
import type { Handlers } from '../api/schema.ts'
import { awaitedCluster, summarizeCluster } from '../contracts/cluster/status.ts'
import { summarizeGatekeeper } from '../gatekeeper/status.ts'
import { nextHeader } from '../core/light-client.ts'
import { waitingCount } from '../core/mq.ts'
import { assertLive } from '../core/step.ts'
import type { LiveState } from '../core/state.ts'
import { isAnchored } from '../system/anchor.ts'
import { summarize } from '../system/status.ts'
import type { MethodContext } from './context.ts'

const versionText = (context: MethodContext): string => context.core.build.version.join('.')

const liveInfo = (context: MethodContext, state: LiveState): Partial<PhactoryInfo> => {
  const publicKey = toHexPlain(state.keys.identity.publicKey)
  const registered = state.system.registration !== undefined
  const { role, masterPublicKey } = summarizeGatekeeper(state.gatekeeper)
  const gatekeeper = { role, masterPublicKey: masterPublicKey === undefined ? '' : toHexPlain(masterPublicKey) }
  return {
    initialized: true,
    registered,
    gatekeeper,
    genesisBlockHash: toHexPlain(state.follow.genesisHash),
    publicKey,
    ecdhPublicKey: publicKey,
    headernum: nextHeader(state.follow),
    blocknum: state.follow.head.number + 1,
    stateRoot: toHexPlain(state.follow.head.stateRoot),
    pendingMessages: BigInt(waitingCount(state.egress)),
    score: BigInt(state.system.score ?? 0),
    currentBlockTime: state.follow.head.timeMs,
    system: {
      registered, publicKey, ecdhPublicKey: publicKey, gatekeeper, 
      numberOfClusters: state.cluster === undefined ? 0n : 1n, numberOfContracts: BigInt(state.cluster?.deployed.length ?? 0),
      maxSupportedConsensusVersion: context.core.build.maxConsensusVersion, genesisBlock: 0,
    },
  }
}

const getInfo = (context: MethodContext): PhactoryInfo => {
  const state = context.state()
  const used = BigInt(context.memoryUsed())
  return {
    initialized: false, registered: false, headernum: 0, paraHeadernum: 0, blocknum: 0, stateRoot: '', devMode: false, pendingMessages: 0n, score: 0n,
    gatekeeper: { role: 0, masterPublicKey: '' },
    version: versionText(context), gitRevision: '', waitingForParaheaders: false, canLoadChainState: false, safeModeLevel: 0, currentBlockTime: 0n,
    memoryUsage: { rustUsed: used, rustPeakUsed: used, totalPeakUsed: used, free: 0n, rustSpike: 0n },
    maxSupportedPinkRuntimeVersion: '1.2', supportedAttestationMethods: context.platform.attestationMethods, liveSidevmInstances: 0, queryTimeout: 10,
    ...(state.kind === 'live' ? liveInfo(context, state) : {}),
  }
}

const liveStatus = (state: LiveState): Partial<WorkerStatus> => ({
  publicKey: toHex(state.keys.identity.publicKey),
  ecdhPublicKey: toHex(state.keys.ecdh.publicKey),
  ecdhEpoch: isAnchored(state) ? state.system.anchor?.epoch : undefined,
  ...(isAnchored(state) && state.keys.ecdhAnchor !== undefined ? { ecdhAnchor: toHex(state.keys.ecdhAnchor.hash) } : {}),
  ...(state.cluster === undefined ? {} : { cluster: toHex(state.cluster.id) }),
  genesisHash: toHex(state.follow.genesisHash),
  blockNumber: state.follow.head.number,
  blockHash: toHex(state.follow.head.hash),
  blockTimeMs: state.follow.head.timeMs,
  confidenceLevel: state.system.registration?.confidenceLevel,
  score: state.system.score,
  pendingBlocks: state.follow.pending.length,
  pendingMessages: BigInt(waitingCount(state.egress)),
  setId: state.follow.authorities.id,
  clusterReason: summarizeCluster(state),
  clusterAwaited: awaitedCluster(state),
  ...(state.gatekeeper === undefined ? {} : { gatekeeper: summarizeGatekeeper(state.gatekeeper).reason, gatekeeperAlarms: summarizeGatekeeper(state.gatekeeper).alarms }),
})

const getStatus = (context: MethodContext): WorkerStatus => {
  const state = context.state()
  const sealed = state.kind === 'empty' ? state.sealed : undefined
  return {
    ...summarize(context.core.build, state),
    platform: context.platform.name,
    measurement: toHex(context.platform.measurement),
    version: versionText(context),
    pendingBlocks: 0,
    pendingMessages: 0n,
    ...(sealed === undefined ? {} : { publicKey: toHex(sealed.identity.publicKey), genesisHash: toHex(sealed.genesisHash) }),
    ...(state.kind === 'live' ? liveStatus(state) : {}),
  }
}

const rotateEcdhKey = async (context: MethodContext): Promise<EcdhRotation> => {
  const { keys, system } = assertLive(await context.dispatch({ kind: 'rotateEcdh', value: { entropy: context.entropy() } }))
  return { epoch: (system.anchor?.epoch ?? 0n) + 1n, ecdhPublicKey: toHex((keys.nextEcdh ?? keys.ecdh).publicKey) }
}

/** Handlers of `infoMethods`. */
export const infoHandlers: Handlers<typeof infoMethods, MethodContext> = {
  GetInfo: getInfo,
  Echo: (_context, params) => params,
}

/** Handlers of `statusMethods`. */
export const statusHandlers: Handlers<typeof statusMethods, MethodContext> = { Status: getStatus, RotateEcdhKey: rotateEcdhKey }
