/** Owns what relays and clients ask of a worker: typed methods over the worker's HTTP API. Tests and the simulator implement `WorkerClient` in memory. */
import { parseHex } from '@phalanx/primitives/bytes'
import { text, vec } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { createWorkerClient as createWireClient } from '@phalanx/worker/wire'
import './errors.ts'
import type { HttpClient } from './http.ts'

/** A worker about itself. */
export interface WorkerInfo {
  readonly initialized: boolean
  /** It has seen its own registration on the chain it follows. */
  readonly registered: boolean
  /** Its current ECDH key is announced on chain and final. */
  readonly anchored: boolean
  /** The worker's own word for its state, and why. */
  readonly state: string
  readonly reason: string
  /** 32 bytes each; undefined before initialisation. */
  readonly genesisHash: Uint8Array | undefined
  readonly identity: Uint8Array | undefined
  readonly ecdhPublicKey: Uint8Array | undefined
  /** Number of the next block it wants. */
  readonly nextBlock: number
  /** Messages it has signed that the chain has not acknowledged. */
  readonly pendingMessages: number
  readonly score: number
  /** Confidence level the chain gave it, 0 while unknown. */
  readonly confidence: number
  readonly version: string
  /** Id (32 bytes) of the cluster of which another member is to give it the state or a key. */
  readonly clusterAwaited: Uint8Array | undefined
}

/** What a worker shows to be registered. */
export interface WorkerRegistration {
  /** SCALE WorkerRegistrationInfoV2, passed on as it is. */
  readonly runtimeInfo: Uint8Array
  /** SCALE Option<AttestationReport>; undefined while the worker cannot attest yet. */
  readonly report: Uint8Array | undefined
}

/** A signed statement of a worker's endpoints. */
export interface SignedEndpoints {
  /** SCALE WorkerEndpointPayload. */
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

/** Client of one worker. Methods throw SDK_WORKER_UNREACHABLE, or WIRE_CALL_FAILED with the worker's own code. */
export interface WorkerClient {
  readonly url: string
  getInfo(): Promise<WorkerInfo>
  /** `genesisInfo` is SCALE GenesisBlockInfo, `checkpoint` SCALE ChainCheckpoint to begin at; `operator` an account id of 32 bytes. */
  initRuntime(options: { readonly genesisInfo: Uint8Array; readonly checkpoint?: Uint8Array; readonly operator?: Uint8Array }): Promise<void>
  /** Goes on at a SCALE ChainCheckpoint of this worker; returns the number of the last block it has now. */
  skipToCheckpoint(checkpoint: Uint8Array): Promise<number>
  getRuntimeInfo(options: { readonly refresh: boolean; readonly operator?: Uint8Array }): Promise<WorkerRegistration>
  /** Feeds SCALE FollowedBlocks; returns the number of the last block it has now. */
  feedBlocks(blocks: Uint8Array): Promise<number>
  /** SCALE Vec<(MessageOrigin, Vec<SignedMessage>)>. */
  getEgressMessages(): Promise<Uint8Array>
  signEndpoints(urls: readonly string[]): Promise<SignedEndpoints>
  /** A signed request for what the worker lacks of its cluster, for `saveClusterState` of another member. */
  requestClusterState(): Promise<Uint8Array>
  /** What a member asks for, sealed to it. */
  saveClusterState(request: Uint8Array): Promise<Uint8Array>
  loadClusterState(state: Uint8Array): Promise<void>
}

/** Where the worker is. */
export interface WorkerClientOptions {
  readonly url: string
  readonly timeoutMs?: number
}

const ANSWER_BYTES_MAX = 64 * 1024 * 1024
const DEFAULT_TIMEOUT_MS = 20_000
/** State in which a worker has seen its registration and its key is anchored. */
const STATE_READY = 'registered'

const optionalHex = (hex: string | undefined): Uint8Array | undefined => (hex === undefined || hex === '' ? undefined : parseHex(hex))

/** The calls by which a cluster goes from one member to another. */
const clusterCalls = (url: string, api: ReturnType<typeof createWireClient>['PhactoryAPI']): Pick<WorkerClient, 'requestClusterState' | 'saveClusterState' | 'loadClusterState'> => ({
  async requestClusterState() {
    const { encodedRequest } = await api.GenerateClusterStateRequest({})
    if (encodedRequest === undefined) throw new AppError('SDK_RESPONSE_MALFORMED', { url, what: 'GenerateClusterStateRequest without a request' })
    return encodedRequest
  },
  async saveClusterState(request) {
    const { encodedState } = await api.SaveClusterState({ receiver: '', minBlockNumber: 0, signature: '', encodedRequest: request })
    if (encodedState === undefined) throw new AppError('SDK_RESPONSE_MALFORMED', { url, what: 'SaveClusterState without a state' })
    return encodedState
  },
  async loadClusterState(state) {
    await api.LoadClusterState({ blockNumber: 0, filename: '', encodedState: state })
  },
})

/** A client over HTTP. */
export const createWorkerClient = (options: WorkerClientOptions, dependencies: { readonly http: HttpClient }): WorkerClient => {
  const url = options.url.replace(/\/+$/, '')
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const { PhactoryAPI, PhalanxAPI } = createWireClient(async (path, body) => {
    try {
      return await dependencies.http({
        method: 'POST', url: `${url}${path}`, body, timeoutMs, maxBytes: ANSWER_BYTES_MAX, headers: { 'content-type': 'application/octet-stream' },
      })
    } catch (cause) {
      throw new AppError('SDK_WORKER_UNREACHABLE', { url, reason: cause instanceof Error ? cause.message : 'no answer' }, { cause })
    }
  })
  return {
    url,
    async getInfo() {
      const [info, status] = await Promise.all([PhactoryAPI.GetInfo({}), PhalanxAPI.Status({})])
      return {
        initialized: info.initialized,
        registered: info.registered,
        anchored: status.state === STATE_READY,
        state: status.state,
        reason: status.reason,
        genesisHash: optionalHex(status.genesisHash),
        identity: optionalHex(status.publicKey),
        ecdhPublicKey: optionalHex(status.ecdhPublicKey),
        nextBlock: Math.max(1, info.headernum),
        pendingMessages: Number(info.pendingMessages),
        score: status.score ?? 0,
        confidence: status.confidenceLevel ?? 0,
        version: status.version,
        clusterAwaited: optionalHex(status.clusterAwaited),
      }
    },
    async initRuntime({ genesisInfo, checkpoint, operator }) {
      await PhactoryAPI.InitRuntime({
        skipRa: false, encodedGenesisInfo: genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false,
        ...(operator === undefined ? {} : { encodedOperator: operator }),
        ...(checkpoint === undefined ? {} : { encodedCheckpoint: checkpoint }),
      })
    },
    async skipToCheckpoint(checkpoint) {
      const { syncedTo } = await PhalanxAPI.SkipToCheckpoint({ encodedCheckpoint: checkpoint })
      return syncedTo
    },
    async getRuntimeInfo({ refresh, operator }) {
      const answer = await PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: refresh, ...(operator === undefined ? {} : { encodedOperator: operator }) })
      return { runtimeInfo: answer.encodedRuntimeInfo, report: answer.attestation?.encodedReport }
    },
    async feedBlocks(blocks) {
      const { syncedTo } = await PhalanxAPI.FeedBlocks({ encodedBlocks: blocks })
      return syncedTo
    },
    async getEgressMessages() {
      return (await PhactoryAPI.GetEgressMessages({})).encodedMessages
    },
    async signEndpoints(urls) {
      const answer = await PhactoryAPI.SignEndpointInfo({ encodedEndpoints: vec(text).encode(urls) })
      const { encodedEndpointPayload: payload, signature } = answer
      if (payload === undefined || signature === undefined) throw new AppError('SDK_RESPONSE_MALFORMED', { url, what: 'SignEndpointInfo without a payload' })
      return { payload, signature }
    },
    ...clusterCalls(url, PhactoryAPI),
  }
}
