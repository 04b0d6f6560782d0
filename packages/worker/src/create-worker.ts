/**
 * Owns the shell around the core: opens sealed files, applies inputs one after another, performs effects in order and answers methods.
 * A step that needs something durable has happened only once it is durable. Does not own sockets (server/).
 */
import { routes } from './methods/index.ts'
import { METHODS_NOT_OFFERED } from './api/not-offered.ts'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { BlobStore, Clock, Logger, Random } from '@phalanx/primitives/ports'
import './errors.ts'
import { CONSENSUS_VERSION_MAX, WORKER_VERSION } from './build.ts'
import { createCheckpoints, type Checkpoints } from './checkpoints.ts'
import type { Effect } from './core/effects.ts'
import { ENTROPY_BYTES } from './core/entropy.ts'
import type { Input } from './core/inputs.ts'
import { openIdentity } from './core/keys.ts'
import type { WorkerState } from './core/state.ts'
import { EMPTY_STATE, step, type Core } from './core/step.ts'
import type { MethodContext } from './methods/context.ts'
import type { Benchmark } from './platform/benchmark.ts'
import type { Platform } from './platform/platform.ts'
import { createSealer, type Sealer } from './platform/seal.ts'
import { guardLogger } from './server/guarded-logger.ts'
import { listen, type CallMethod, type ListenOptions, type Listening } from './server/listen.ts'
import { summarize, type StatusSummary } from './system/status.ts'
import { decodeMessage, encodeMessage } from './wire/protobuf.ts'

/** File of the sealed identity. */
export const IDENTITY_FILE = 'identity.seal'
const CHECKPOINT_EVERY_BLOCKS = 200

/** Choices for a worker. */
export interface WorkerOptions {
  /** Blocks between sealed checkpoints; 200 unless given. */
  readonly checkpointEveryBlocks?: number
  /** Version to show and to compare with the chain's minimum; for tests of upgrades. */
  readonly version?: readonly [number, number, number]
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
}

/** A running worker. */
export interface Worker {
  /** Answers a method by its full name, protobuf to protobuf, without sockets. @throws AppError */
  handle(method: string, request: Uint8Array): Promise<Uint8Array>
  /** Serves the API over HTTP. */
  listen(options: ListenOptions): Promise<Listening>
  /** State, reason, and whether confidential requests are served. */
  status(): StatusSummary
  /** Public identity key, once there is one. */
  identity(): Uint8Array | undefined
  /** Resolves when the worker was stopped, by `stop` or through its API. */
  readonly stopped: Promise<void>
  /** Seals a checkpoint, erases the secrets and closes the listeners. */
  stop(): Promise<void>
}

/** Applies inputs one at a time and performs what they ask for. */
class Shell {
  readonly core: Core
  private readonly sealer: Sealer
  private readonly checkpoints: Checkpoints
  private readonly dependencies: WorkerDependencies
  private current: WorkerState = EMPTY_STATE
  private queue: Promise<unknown> = Promise.resolve()
  private background: Promise<unknown> = Promise.resolve()

  constructor(core: Core, sealer: Sealer, checkpoints: Checkpoints, dependencies: WorkerDependencies) {
    this.core = core
    this.sealer = sealer
    this.checkpoints = checkpoints
    this.dependencies = dependencies
  }

  get state(): WorkerState {
    return this.current
  }

  /** Applies an input after all earlier ones. */
  dispatch(input: Input): Promise<WorkerState> {
    const done = this.queue.then(() => this.apply(input))
    this.queue = done.catch(() => undefined)
    return done
  }

  /** Waits until nothing is under way, follow-up inputs of effects included. */
  async settle(): Promise<void> {
    let seen: Promise<unknown> | undefined
    while (seen !== this.background) {
      seen = this.background
      await seen
      await this.queue
    }
  }

  private async apply(input: Input): Promise<WorkerState> {
    const { state, effects } = step(this.core, this.current, input)
    for (const effect of effects) if (effect.kind === 'sealIdentity') await this.sealIdentity(effect.value.content.reveal())
    this.current = state
    for (const effect of effects) await this.perform(effect, state)
    return state
  }

  private async sealIdentity(content: Uint8Array): Promise<void> {
    try {
      await this.sealer.write(IDENTITY_FILE, content)
    } finally {
      content.fill(0)
    }
  }

  private async perform(effect: Effect, state: WorkerState): Promise<void> {
    const { benchmark, logger } = this.dependencies
    switch (effect.kind) {
      case 'sealIdentity': return
      case 'log': logger[effect.value.level](effect.value.message, effect.value.data); return
      case 'startBenchmark': benchmark.start(); return
      case 'stopBenchmark': benchmark.stop(); return
      case 'readBenchmark': this.answerBenchmark(effect.value); return
      case 'checkpoint': {
        if (state.kind !== 'live') return
        const saved = this.checkpoints.save(state)
        if (effect.value.wait) await saved
        else this.background = Promise.all([this.background, saved])
        return
      }
    }
  }

  private answerBenchmark({ startTimeMs, elapsedMs }: { readonly startTimeMs: bigint; readonly elapsedMs: bigint }): void {
    const { benchmark, random } = this.dependencies
    const value = { startTimeMs, iterations: benchmark.measure(elapsedMs), entropy: random.bytes(ENTROPY_BYTES) }
    const answered = this.dispatch({ kind: 'benchmarkResult', value }).catch((error: unknown) => {
      this.dependencies.logger.warn('benchmark result not taken', {}, error)
    })
    this.background = Promise.all([this.background, answered])
  }
}

/** Brings back identity and state. @throws SEAL_ codes when the identity file is there but cannot be opened; it is never replaced */
const resume = async (shell: Shell, sealer: Sealer, checkpoints: Checkpoints, dependencies: WorkerDependencies): Promise<void> => {
  const opened = await sealer.read(IDENTITY_FILE)
  if (opened === undefined) return
  const { identity, genesisHash } = openIdentity(dependencies.crypto, opened)
  opened.fill(0)
  const restored = await checkpoints.load((found) => bytesEqual(found.identity, identity.publicKey) && bytesEqual(found.follow.genesisHash, genesisHash))
  await shell.dispatch({ kind: 'resume', value: { identity, genesisHash, restored, entropy: dependencies.random.bytes(ENTROPY_BYTES) } })
}

const refuseUnknown = (name: string): AppError => {
  const [service, method] = name.split('.')
  const known = service === 'PhactoryAPI' && method !== undefined && Object.hasOwn(METHODS_NOT_OFFERED, method)
  return known ? new AppError('WORKER_METHOD_NOT_OFFERED', { method: name }) : new AppError('WORKER_METHOD_UNKNOWN', { method: name })
}

/**
 * Opens a worker: unseals what there is and waits for InitRuntime, or goes on from the newest usable checkpoint.
 * @throws SEAL_ codes when the sealed identity cannot be opened
 */
export const createWorker = async (options: WorkerOptions, given: WorkerDependencies): Promise<Worker> => {
  const dependencies = { ...given, logger: guardLogger(given.logger) }
  const { platform, random, crypto, logger, benchmark } = dependencies
  const core: Core = {
    crypto,
    build: {
      version: options.version ?? WORKER_VERSION, maxConsensusVersion: CONSENSUS_VERSION_MAX, measurement: platform.measurement, features: platform.features,
      checkpointEveryBlocks: options.checkpointEveryBlocks ?? CHECKPOINT_EVERY_BLOCKS,
    },
  }
  const sealer = createSealer(dependencies)
  const checkpoints = createCheckpoints({ sealer, logger })
  const shell = new Shell(core, sealer, checkpoints, dependencies)
  await resume(shell, sealer, checkpoints, dependencies)

  const listening = new Set<Listening>()
  let stopping: Promise<void> | undefined
  let announceStopped = (): void => {}
  const stopped = new Promise<void>((resolve) => (announceStopped = resolve))
  const stop = (removeCheckpoints: boolean): Promise<void> =>
    (stopping ??= (async () => {
      await Promise.all([...listening].map((server) => server.close()))
      await shell.settle()
      if (shell.state.kind === 'live') await shell.dispatch({ kind: 'takeCheckpoint' })
      if (removeCheckpoints) await checkpoints.remove()
      await shell.dispatch({ kind: 'stop' })
      benchmark.stop()
      logger.info('worker stopped', {})
      announceStopped()
    })())
  const context: MethodContext = {
    core, platform,
    state: () => shell.state,
    dispatch: (input) => shell.dispatch(input),
    entropy: () => random.bytes(ENTROPY_BYTES),
    takeIterations: () => benchmark.take(),
    memoryUsed: () => process.memoryUsage.rss(),
    requestStop({ removeCheckpoints }) {
      given.clock.after(0, () => void stop(removeCheckpoints).catch((error: unknown) => logger.error('stopping failed', {}, error)))
    },
  }
  const call: CallMethod = async (name, readParams) => {
    const route = routes.get(name)
    if (route === undefined) throw refuseUnknown(name)
    if (stopping !== undefined) throw new AppError('WORKER_STOPPED', {})
    const { method } = route
    const params = readParams(method)
    try {
      return { method, result: await route.handle(context, params) }
    } catch (error) {
      if (isAppError(error)) throw error
      logger.error('method failed by a fault of the worker', { method: name }, error)
      throw new AppError('WORKER_INTERNAL', {}, { cause: error })
    }
  }
  const identity = (): Uint8Array | undefined => {
    const { state } = shell
    return state.kind === 'live' ? state.keys.identity.publicKey : state.sealed?.identity.publicKey
  }
  return {
    async handle(name, request) {
      const { method, result } = await call(name, ({ params }) => decodeMessage(params, request))
      return encodeMessage(method.result, result)
    },
    async listen(listenOptions) {
      const server = await listen(listenOptions, {
        call, clock: given.clock, logger,
        sign: (body) => {
          const { state } = shell
          return state.kind === 'live' ? crypto.sr25519.sign(state.keys.identity.secret.reveal(), body, random.bytes(32)) : undefined
        },
      })
      listening.add(server)
      return server
    },
    status: () => summarize(core.build, shell.state),
    identity,
    stopped,
    stop: () => stop(false),
  }
}
