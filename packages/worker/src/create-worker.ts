/**
 * Owns the putting together of a worker: opens sealed files, goes on where it stopped, answers methods, ends in order.
 * Does not own the turning of the core (shell.ts) or sockets (server/).
 */
import './errors.ts'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { BlobStore, Clock, Logger, Random } from '@phalanx/primitives/ports'
import { METHODS_NOT_OFFERED } from './api/not-offered.ts'
import { CONSENSUS_VERSION_MAX, ECDH_GRACE_BLOCKS, ECDH_ROTATE_EVERY_BLOCKS, TRUSTED_ANCHORS, WORKER_VERSION } from './build.ts'
import { createCheckpoints } from './checkpoints.ts'
import { CLUSTER_FILE, openKeyring, type ClusterKeyring } from './contracts/cluster/keyring.ts'
import type { CodeVm } from './contracts/vm.ts'
import type { TrustedAnchor } from './core/anchors.ts'
import { ENTROPY_BYTES } from './core/entropy.ts'
import { HandedOver, SealedHandover } from './core/handover-messages.ts'
import { openIdentity } from './core/keys.ts'
import { encodeCheckpoint, type WorkerState } from './core/state.ts'
import type { Core } from './core/step.ts'
import { loadMachines } from './load-machines.ts'
import type { MethodContext } from './methods/context.ts'
import { routes } from './methods/index.ts'
import type { Benchmark } from './platform/benchmark.ts'
import type { Platform } from './platform/platform.ts'
import { createSealer } from './platform/seal.ts'
import { createContractServices, type ContractServiceOptions, type ContractServices } from './queries/contract-services.ts'
import type { HttpFetch } from './queries/http-fetch.ts'
import type { QueryThread } from './queries/thread-executor.ts'
import { guardLogger } from './server/guarded-logger.ts'
import { listen, type CallMethod, type ListenOptions, type Listening } from './server/listen.ts'
import { GIFT_FILE, HANDOVER_FILE, IDENTITY_FILE, RETIRED_FILE, Shell, removeIdentity, type ShellDependencies } from './shell.ts'
import { summarize, type StatusSummary } from './system/status.ts'
import { decodeMessage, encodeMessage } from './wire/protobuf.ts'

const CHECKPOINT_EVERY_BLOCKS = 200

/** Choices for a worker. */
export interface WorkerOptions {
  /** Blocks between sealed checkpoints; 200 unless given. */
  readonly checkpointEveryBlocks?: number
  /** Version to show and to compare with the chain's minimum; for tests of upgrades. */
  readonly version?: readonly [number, number, number]
  /** Blocks between rotations of the ECDH key, and for which a former one still opens messages; the build's unless given. */
  readonly rotateEcdhEveryBlocks?: number
  readonly ecdhGraceBlocks?: number
  /** Blocks to trust instead of the build's own; for tests. */
  readonly anchors?: readonly TrustedAnchor[]
  /** How queries of contracts are answered. */
  readonly contracts?: ContractServiceOptions
}

/** Parts that a worker is made of. */
export interface WorkerDependencies {
  readonly platform: Platform
  /** The worker's base path. */
  readonly blobs: BlobStore
  readonly random: Random
  readonly crypto: Crypto
  readonly clock: Clock
  readonly logger: Logger
  readonly benchmark: Benchmark
  /** Machines for contracts, the first that recognises a code runs it. All that the build has unless given. */
  readonly vms?: readonly CodeVm[]
  /** Memory in use, bytes, for GetInfo; 0 unless given. */
  readonly memoryUsed?: () => number
  /** Starts a thread for queries of contracts; without it they run in this one, where only gas stops them: for tests and the simulator. */
  readonly startQueryThread?: () => QueryThread
  /** The way of contracts to the outside; real requests unless given. */
  readonly httpFetch?: HttpFetch
  /** A clock for measuring, in fractions of a millisecond; the other clock unless given. */
  readonly highResolutionMs?: () => number
}

/** A running worker. */
export interface Worker {
  /** Answers a method by its full name, protobuf to protobuf, without sockets. @throws AppError */
  handle(method: string, request: Uint8Array): Promise<Uint8Array>
  /** Serves the API over HTTP. Rejects with the socket's error when a port is taken. */
  listen(options: ListenOptions): Promise<Listening>
  /** The state in the form that checkpoints seal, once there is one: for audits. It holds no key, but whatever contracts keep: it never leaves the process. */
  exportState(): Uint8Array | undefined
  /** The state itself with every secret that is held: for audits of the whole system under simulation. Nothing of it may leave the process. */
  inspect(): WorkerState
  /** State, reason, and whether confidential requests are served. */
  status(): StatusSummary
  /** Public identity key, once there is one. */
  identity(): Uint8Array | undefined
  /** Resolves when the worker was stopped, by `stop` or through its API. */
  readonly stopped: Promise<void>
  /** Seals a checkpoint, erases the secrets and closes the listeners. */
  stop(): Promise<void>
}

const coreOf = (options: WorkerOptions, { crypto, platform }: WorkerDependencies, vms: readonly CodeVm[]): Core => ({
  crypto,
  vms,
  build: {
    version: options.version ?? WORKER_VERSION,
    maxConsensusVersion: CONSENSUS_VERSION_MAX,
    measurement: platform.measurement,
    features: platform.features,
    checkpointEveryBlocks: options.checkpointEveryBlocks ?? CHECKPOINT_EVERY_BLOCKS,
    rotateEcdhEveryBlocks: options.rotateEcdhEveryBlocks ?? ECDH_ROTATE_EVERY_BLOCKS,
    ecdhGraceBlocks: options.ecdhGraceBlocks ?? ECDH_GRACE_BLOCKS,
    anchors: options.anchors ?? TRUSTED_ANCHORS,
  },
})

/** Brings back identity and state. @throws SEAL_ codes when the identity file is there but cannot be opened; it is never replaced */
const resume = async (shell: Shell, outside: ShellDependencies): Promise<void> => {
  const { sealer, checkpoints, random } = outside
  const retired = await sealer.read(RETIRED_FILE)
  if (retired !== undefined) {
    await removeIdentity(outside)
    await shell.dispatch({ kind: 'resumeHandover', value: { retired: new TextDecoder().decode(retired) } })
    return
  }
  const opened = await sealer.read(IDENTITY_FILE)
  if (opened === undefined) return resumeHandover(shell, sealer)
  const { identity, genesisHash } = openIdentity(shell.core.crypto, opened)
  opened.fill(0)
  const restored = await checkpoints.load((found) => bytesEqual(found.identity, identity.publicKey) && bytesEqual(found.follow.genesisHash, genesisHash))
  await shell.dispatch({ kind: 'resume', value: { identity, genesisHash, restored, clusterKeys: await readClusterKeys(shell, outside, genesisHash), entropy: random.bytes(ENTROPY_BYTES) } })
  const gift = await sealer.read(GIFT_FILE)
  if (gift !== undefined) await shell.dispatch({ kind: 'resumeHandover', value: { handedOver: HandedOver.decode(gift) } })
}

/** Secrets of the worker's cluster. A file that cannot be read is left as it is; the worker asks the others for what it held. */
const readClusterKeys = async (shell: Shell, { sealer, logger }: ShellDependencies, genesisHash: Uint8Array): Promise<ClusterKeyring | undefined> => {
  try {
    const opened = await sealer.read(CLUSTER_FILE)
    if (opened === undefined) return undefined
    const keyring = openKeyring(shell.core.crypto, opened, genesisHash)
    opened.fill(0)
    return keyring
  } catch (error) {
    if (!isAppError(error)) throw error
    logger.warn('secrets of the cluster are not usable', { code: error.code })
    return undefined
  }
}

/** Brings back the key for an identity that is to be received. */
const resumeHandover = async (shell: Shell, sealer: ShellDependencies['sealer']): Promise<void> => {
  const opened = await sealer.read(HANDOVER_FILE)
  if (opened === undefined) return
  const { challenge, publicKey, secret } = SealedHandover.decode(opened)
  opened.fill(0)
  await shell.dispatch({ kind: 'resumeHandover', value: { accepted: { challenge, key: { publicKey, secret: new Secret(secret) } } } })
}

/** The end of a worker: once, in order, however often it is asked for. */
interface Ending {
  readonly hasBegun: boolean
  readonly stopped: Promise<void>
  stop(options: { readonly removeCheckpoints: boolean }): Promise<void>
}

/** How long the answer to a feed waits for the root secret: longer, and whoever feeds is better served by the next block. */
const ROOT_ANSWERS_MS = 250

/** Waits for answers of the root secret that are under way. */
const rootAnswers = async (shell: Shell, clock: Clock): Promise<void> => {
  let cancel = (): void => {}
  try {
    await shell.rootAnswers(new Promise((resolve) => (cancel = clock.after(ROOT_ANSWERS_MS, resolve))))
  } finally {
    cancel()
  }
}

const createEnding = (
  { shell, listening, contracts }: { readonly shell: Shell; readonly listening: ReadonlySet<Listening>; readonly contracts: ContractServices },
  { checkpoints, benchmark, logger }: ShellDependencies,
): Ending => {
  let announce = (): void => {}
  let stopping: Promise<void> | undefined
  const stopped = new Promise<void>((resolve) => (announce = resolve))
  const run = async (removeCheckpoints: boolean): Promise<void> => {
    await contracts.close()
    await Promise.all([...listening].map((server) => server.close()))
    await shell.settle()
    if (shell.state.kind === 'live') await shell.dispatch({ kind: 'takeCheckpoint' })
    if (removeCheckpoints) await checkpoints.remove()
    await shell.dispatch({ kind: 'stop' })
    shell.close()
    benchmark.stop()
    logger.info('worker stopped', {})
    announce()
  }
  return {
    get hasBegun() {
      return stopping !== undefined
    },
    stopped,
    stop: ({ removeCheckpoints }) => (stopping ??= run(removeCheckpoints)),
  }
}

const refuseUnknown = (name: string): AppError => {
  const [service, method] = name.split('.')
  const known = service === 'PhactoryAPI' && method !== undefined && Object.hasOwn(METHODS_NOT_OFFERED, method)
  return known ? new AppError('WORKER_METHOD_NOT_OFFERED', { method: name }) : new AppError('WORKER_METHOD_UNKNOWN', { method: name })
}

const createCall = (context: MethodContext, ending: Ending, logger: Logger): CallMethod => async (name, readParams, signal) => {
  const route = routes.get(name)
  if (route === undefined) throw refuseUnknown(name)
  if (ending.hasBegun) throw new AppError('WORKER_STOPPED', {})
  const { method } = route
  const params = readParams(method)
  try {
    return { method, result: await route.handle(signal === undefined ? context : { ...context, signal }, params) }
  } catch (error) {
    if (isAppError(error)) throw error
    logger.error('method failed by a fault of the worker', { method: name }, error)
    throw new AppError('WORKER_INTERNAL', {}, { cause: error })
  }
}

/**
 * Opens a worker: unseals what there is and waits for InitRuntime, or goes on from the newest usable checkpoint.
 * @throws SEAL_ codes when the sealed identity cannot be opened
 */
export const createWorker = async (options: WorkerOptions, dependencies: WorkerDependencies): Promise<Worker> => {
  const { platform, random, crypto, benchmark, clock, memoryUsed } = dependencies
  const logger = guardLogger(dependencies.logger)
  const sealer = createSealer(dependencies)
  if (platform.sealingKey === undefined) logger.warn('ephemeral identity: the platform has no sealing key, so this worker is a new one at every start and keeps nothing', { platform: platform.name })
  const core = coreOf(options, dependencies, dependencies.vms ?? (await loadMachines(crypto)))
  const { startQueryThread, httpFetch, highResolutionMs } = dependencies
  const contracts = createContractServices(options.contracts ?? {}, { crypto, clock, random, logger, vms: core.vms, startQueryThread, httpFetch, highResolutionMs })
  const outside: ShellDependencies = {
    sealer, checkpoints: createCheckpoints({ sealer, logger }), benchmark, random, logger,
    localCache: (changes) => contracts.applyCache(changes),
    noteState: (state) => contracts.noteState(core.build, state),
  }
  const shell = new Shell(core, outside)
  await resume(shell, outside)
  const listening = new Set<Listening>()
  const ending = createEnding({ shell, listening, contracts }, outside)
  const context: MethodContext = {
    core: shell.core,
    platform,
    contracts,
    state: () => shell.state,
    dispatch: (input) => shell.dispatch(input),
    rootAnswers: () => rootAnswers(shell, clock),
    nowMs: () => clock.nowMs(),
    entropy: () => random.bytes(ENTROPY_BYTES),
    takeIterations: () => benchmark.take(),
    memoryUsed: memoryUsed ?? (() => 0),
    requestStop(how) {
      clock.after(0, () => void ending.stop(how).catch((error: unknown) => logger.error('stopping failed', {}, error)))
    },
  }
  const call = createCall(context, ending, logger)
  const sign = (body: Uint8Array): Uint8Array | undefined =>
    shell.state.kind === 'live' ? crypto.sr25519.sign(shell.state.keys.identity.secret.reveal(), body, random.bytes(32)) : undefined
  return {
    async handle(name, request) {
      const { method, result } = await call(name, ({ params }) => decodeMessage(params, request))
      return encodeMessage(method.result, result)
    },
    async listen(listenOptions) {
      const server = await listen(listenOptions, { call, clock, logger, sign })
      listening.add(server)
      return server
    },
    inspect: () => shell.state,
    exportState: () => (shell.state.kind === 'live' ? encodeCheckpoint(shell.state) : undefined),
    status: () => summarize(shell.core.build, shell.state),
    identity: () => (shell.state.kind === 'live' ? shell.state.keys : shell.state.sealed)?.identity.publicKey,
    stopped: ending.stopped,
    stop: () => ending.stop({ removeCheckpoints: false }),
  }
}
