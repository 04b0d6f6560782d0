/**
 * Owns the turning of the core: inputs one after another, effects in order. A step that needs something durable has happened only
 * once it is durable; a step that was refused has not happened at all.
 */
import { utf8 } from '@phalanx/primitives/bytes'
import type { Benchmark } from './platform/benchmark.ts'
import type { Secret } from '@phalanx/primitives/crypto'
import type { Logger, Random } from '@phalanx/primitives/ports'
import type { Checkpoints } from './checkpoints.ts'
import { CLUSTER_FILE } from './contracts/cluster/keyring.ts'
import type { Effect } from './core/effects.ts'
import { ENTROPY_BYTES } from './core/entropy.ts'
import type { Input } from './core/inputs.ts'
import { eraseKey } from './core/keys.ts'
import type { WorkerState } from './core/state.ts'
import { EMPTY_STATE, step, type Core, type StepResult } from './core/step.ts'
import type { Sealer } from './platform/seal.ts'
import { bytesEqual } from '@phalanx/primitives/bytes'
import { createCopiedKey } from './root-secret/copied-key.ts'
import { performRootCall } from './root-secret/perform.ts'
import type { RootSecret } from './root-secret/root-secret.ts'

/** File of the sealed identity. */
export const IDENTITY_FILE = 'identity.seal'

/** File of the key for an identity that is to be received. */
export const HANDOVER_FILE = 'handover.seal'
/** File with the parcel that the identity left in. */
export const GIFT_FILE = 'gift.seal'
/** File that says that this worker gave its identity away. */
export const RETIRED_FILE = 'retired.seal'

/** Removes every file that holds, or leads to, the identity. */
export const removeIdentity = async ({ sealer, checkpoints }: Pick<ShellDependencies, 'sealer' | 'checkpoints'>): Promise<void> => {
  await sealer.remove(IDENTITY_FILE)
  await sealer.remove(GIFT_FILE)
  await sealer.remove(CLUSTER_FILE)
  await checkpoints.remove()
}

/** What effects are performed with. */
export interface ShellDependencies {
  readonly sealer: Sealer
  readonly checkpoints: Checkpoints
  readonly benchmark: Benchmark
  readonly random: Random
  readonly logger: Logger
  /** Takes what contracts did to values that they keep on this worker only. */
  readonly localCache?: (changes: Extract<Effect, { kind: 'localCache' }>['value']) => void
  /** Hears of every state as soon as it may be shown. */
  readonly noteState?: (state: WorkerState) => void
}

/** Applies inputs one at a time and performs what they ask for. */
export class Shell {
  readonly core: Core
  private readonly outside: ShellDependencies
  private current: WorkerState = EMPTY_STATE
  private queue: Promise<unknown> = Promise.resolve()
  private background: Promise<unknown> = Promise.resolve()
  private rootSecret: { readonly genesisHash: Uint8Array; readonly root: RootSecret } | undefined
  /** What the cluster's file is to hold as soon as a checkpoint is durable. */
  private outdated: { readonly content: Secret<Uint8Array> | undefined } | undefined
  private rootQueue: Promise<unknown> = Promise.resolve()

  constructor(core: Core, dependencies: ShellDependencies) {
    this.core = core
    this.outside = dependencies
  }

  get state(): WorkerState {
    return this.current
  }

  /** Applies an input after all earlier ones; resolves with the state right after it. */
  dispatch(input: Input): Promise<WorkerState> {
    const done = this.queue.then(() => this.apply(input))
    this.queue = done.catch(() => undefined)
    return done
  }

  /** Waits until nothing is under way, follow-up inputs of effects included. */
  async settle(): Promise<void> {
    let seen: Promise<unknown> | undefined
    while (seen !== this.background) {
      await this.queue
      seen = this.background
      await seen
    }
  }

  /** Waits until the root secret answered what it has been asked so far, and the answers are in the state; no longer than `limit` takes. */
  async rootAnswers(limit: Promise<void>): Promise<void> {
    let seen: Promise<unknown> | undefined
    let isOver = false
    const over = limit.then(() => void (isOver = true))
    while (seen !== this.rootQueue && !isOver) {
      seen = this.rootQueue
      await Promise.race([seen, over])
    }
  }

  private async apply(input: Input): Promise<WorkerState> {
    const { state, effects } = this.takeStep(input)
    let isDurable = false
    for (const effect of effects) {
      if (effect.kind === 'sealIdentity') await this.sealSecret(IDENTITY_FILE, effect.value.content.reveal(), state)
      else if (effect.kind === 'sealHandover') await this.sealSecret(HANDOVER_FILE, effect.value.content.reveal(), state)
      else if (effect.kind === 'sealGift') await this.outside.sealer.write(GIFT_FILE, effect.value.content)
      else if (effect.kind === 'sealCluster' && effect.value.when === 'before') await this.sealCluster(effect.value.content)
      else if (effect.kind === 'checkpoint' && effect.value.wait && state.kind === 'live') isDurable = await this.outside.checkpoints.save(state)
      else if (effect.kind === 'sealCluster') this.outdated = effect.value
    }
    // What is left out of the file is gone for good: only once the state that needs it no more is durable.
    if (isDurable && this.outdated !== undefined) await this.replaceSealedCluster(this.outdated.content)
    this.current = state
    for (const effect of effects) await this.perform(effect, state)
    this.outside.noteState?.(state)
    return state
  }

  /** Keys of the worker and secrets of clusters follow from a step's randomness: it must not outlive the step. */
  private takeStep(input: Input): StepResult {
    try {
      return step(this.core, this.current, input)
    } finally {
      if ('value' in input && 'entropy' in input.value) input.value.entropy.fill(0)
    }
  }

  /** Makes a fresh secret durable; where that fails its step has not happened, and its keys are erased. */
  private async sealSecret(name: string, content: Uint8Array, state: WorkerState): Promise<void> {
    try {
      await this.outside.sealer.write(name, content)
    } catch (error) {
      step(this.core, state, { kind: 'stop' })
      throw error
    } finally {
      content.fill(0)
    }
  }

  private async sealCluster(content: Secret<Uint8Array> | undefined): Promise<void> {
    if (content === undefined) return this.outside.sealer.remove(CLUSTER_FILE)
    await this.outside.sealer.write(CLUSTER_FILE, content.reveal())
    // Written with everything that is still needed, it takes the place of what was to be written later.
    content.reveal().fill(0)
  }

  /** A failure is tried again with the next checkpoint. */
  private async replaceSealedCluster(content: Secret<Uint8Array> | undefined): Promise<void> {
    try {
      await this.sealCluster(content)
      this.outdated = undefined
    } catch (error) {
      this.outside.logger.error('secrets that are over could not be removed from the disk', {}, error)
    }
  }

  private async perform(effect: Effect, state: WorkerState): Promise<void> {
    const { benchmark, logger } = this.outside
    switch (effect.kind) {
      case 'sealIdentity':
      case 'sealHandover':
      case 'sealGift':
      case 'sealCluster': return
      case 'localCache': this.outside.localCache?.(effect.value); return
      case 'endHandover': await this.outside.sealer.remove(HANDOVER_FILE); return
      case 'retire': {
        await this.outside.sealer.write(RETIRED_FILE, utf8(effect.value.reason))
        await removeIdentity(this.outside)
        return
      }
      case 'log': logger[effect.value.level](effect.value.message, effect.value.data); return
      case 'eraseKeys': effect.value.forEach(eraseKey); return
      case 'startBenchmark': benchmark.start(); return
      case 'stopBenchmark': benchmark.stop(); return
      case 'rootSecret': this.askRootSecret(effect.value); return
      case 'readBenchmark': this.answerBenchmark(effect.value); return
      case 'checkpoint': {
        // What is to be waited for is durable already.
        if (state.kind === 'live' && !effect.value.wait) this.background = Promise.all([this.background, this.outside.checkpoints.save(state)])
        return
      }
    }
  }

  /** The root secret of a chain; opened at the first question. */
  private rootOf(genesisHash: Uint8Array): RootSecret {
    if (this.rootSecret === undefined || !bytesEqual(this.rootSecret.genesisHash, genesisHash)) {
      const { sealer, random } = this.outside
      this.rootSecret = { genesisHash, root: createCopiedKey({ genesisHash }, { crypto: this.core.crypto, sealer, random }) }
    }
    return this.rootSecret.root
  }

  /** One question after another; answers come back as inputs. */
  private askRootSecret({ ticket, genesisHash, call }: Extract<Effect, { kind: 'rootSecret' }>['value']): void {
    const { random, logger } = this.outside
    const answered = this.rootQueue.then(async () => {
      const answer = await performRootCall(this.rootOf(genesisHash), call)
      if (answer.kind === 'failed') logger.error('root secret not available', { question: call.kind, code: answer.value.code })
      await this.dispatch({ kind: 'rootAnswer', value: { ticket, answer, entropy: random.bytes(ENTROPY_BYTES) } })
    }).catch((error: unknown) => logger.warn('answer of the root secret not taken', {}, error))
    this.rootQueue = answered
    this.background = Promise.all([this.background, answered])
  }

  /** Erases what the shell holds of secrets. */
  close(): void {
    this.rootSecret?.root.close()
    this.rootSecret = undefined
  }

  private answerBenchmark({ startTimeMs, elapsedMs }: { readonly startTimeMs: bigint; readonly elapsedMs: bigint }): void {
    const { benchmark, random, logger } = this.outside
    const value = { startTimeMs, iterations: benchmark.measure(elapsedMs), entropy: random.bytes(ENTROPY_BYTES) }
    const answered = this.dispatch({ kind: 'benchmarkResult', value }).catch((error: unknown) => logger.warn('benchmark result not taken', {}, error))
    this.background = Promise.all([this.background, answered])
  }
}
