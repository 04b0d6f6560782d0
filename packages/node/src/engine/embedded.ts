/**
 * Owns the embedded engine: one author that seals by the clock or when transactions wait, and attests alone.
 * Time comes from the injected clock only, so that it runs the same under virtual time. Missed time is not made up for:
 * after a pause one block follows, then the usual distance.
 */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import '../errors.ts'
import type { Engine, Executor } from './engine.ts'

/** When blocks are sealed. */
export type Sealing =
  /** Every `blockTimeMs`. */
  | { readonly kind: 'interval'; readonly blockTimeMs: number }
  /** At once when a transaction waits, blocks at least `gapMs` apart (50); otherwise every `blockTimeMs`. */
  | { readonly kind: 'dev'; readonly blockTimeMs: number; readonly gapMs?: number }
  /** At once when a transaction waits; otherwise a heartbeat block, because clients drop connections that are silent for 40 s. */
  | { readonly kind: 'instant'; readonly heartbeatMs?: number }
  /** Only on request. */
  | { readonly kind: 'manual' }

interface Pace {
  readonly idleMs: number | undefined
  readonly gapMs: number
  readonly onTransaction: boolean
}

const DEV_GAP_MS = 50
/** Least time between two blocks that the runtime accepts (Timestamp.MinimumPeriod). */
const PERIOD_MIN_MS = 25
const HEARTBEAT_MS = 20_000
const RETRY_MS = 1_000

const paceOf = (sealing: Sealing): Pace => {
  switch (sealing.kind) {
    case 'interval':
      return { idleMs: sealing.blockTimeMs, gapMs: Math.min(sealing.blockTimeMs, DEV_GAP_MS), onTransaction: false }
    case 'dev':
      return { idleMs: sealing.blockTimeMs, gapMs: sealing.gapMs ?? DEV_GAP_MS, onTransaction: true }
    case 'instant':
      return { idleMs: sealing.heartbeatMs ?? HEARTBEAT_MS, gapMs: PERIOD_MIN_MS, onTransaction: true }
    case 'manual':
      return { idleMs: undefined, gapMs: 0, onTransaction: false }
  }
}

/** What the embedded engine needs. */
export interface EmbeddedDependencies {
  readonly clock: Clock
  readonly logger: Logger
  /** Whether ready transactions wait. */
  readonly hasTransactions: () => boolean
  /** The database failed: nothing can be sealed any more. */
  readonly onFatal: (error: unknown) => void
}

/** Creates the embedded engine; it seals nothing before `start`. */
export const createEmbeddedEngine = (options: { readonly sealing: Sealing }, dependencies: EmbeddedDependencies): Engine => {
  const { clock, logger, hasTransactions, onFatal } = dependencies
  const pace = paceOf(options.sealing)
  let executor: Executor | undefined
  let cancelTimer: (() => void) | undefined
  let running: Promise<number> | undefined
  let isEager = false
  let lastSealMs: number | undefined
  let lastError: string | undefined

  const sealOnce = async (chain: Executor): Promise<number> => {
    if (!chain.isAuthority()) throw new AppError('ENGINE_NOT_AUTHOR', {})
    const startedMs = clock.nowMs()
    const last = chain.last()
    const nowMs = BigInt(startedMs)
    const earliestMs = last.timeMs + BigInt(PERIOD_MIN_MS)
    const block = await chain.propose({ timeMs: nowMs >= earliestMs ? nowMs : earliestMs })
    await chain.execute(block)
    await chain.commit()
    const attestation = await chain.attest(block.number)
    await chain.finalise(block.number, attestation === undefined ? [] : [attestation])
    lastSealMs = startedMs
    lastError = undefined
    return block.number
  }

  const isFatal = (error: unknown): boolean => isAppError(error) && error.code.startsWith('STORAGE_')

  /** Seals after whatever is being sealed now. */
  const seal = (): Promise<number> => {
    const previous = running
    const next = (async () => {
      if (previous !== undefined) await previous.catch(() => undefined)
      if (executor === undefined) throw new AppError('ENGINE_STOPPED', {})
      return sealOnce(executor)
    })()
    running = next
    const done = (): void => {
      if (running === next) running = undefined
      schedule()
    }
    next.then(done, (error: unknown) => {
      lastError = error instanceof Error ? error.message : String(error)
      if (executor !== undefined && isFatal(error)) {
        executor = undefined
        onFatal(error)
      } else if (executor !== undefined) {
        logger.error('sealing failed', {}, error)
        lastSealMs = clock.nowMs() + RETRY_MS
      }
      done()
    })
    return next
  }

  const delayMs = (): number | undefined => {
    const isHurried = isEager || (pace.onTransaction && hasTransactions())
    const distanceMs = isHurried ? Math.max(pace.gapMs, isEager ? DEV_GAP_MS : 0) : pace.idleMs
    if (distanceMs === undefined) return undefined
    if (lastSealMs === undefined) return isHurried ? 0 : Math.min(distanceMs, DEV_GAP_MS)
    // A clock that was set back must not silence the chain.
    return Math.min(Math.max(0, lastSealMs + distanceMs - clock.nowMs()), Math.max(distanceMs, RETRY_MS))
  }

  const schedule = (): void => {
    cancelTimer?.()
    cancelTimer = undefined
    if (executor === undefined || running !== undefined) return
    const delay = delayMs()
    if (delay === undefined) return
    cancelTimer = clock.after(delay, () => {
      cancelTimer = undefined
      if (executor !== undefined && running === undefined) seal().catch(() => undefined)
    })
  }

  return {
    kind: 'embedded',
    start(chain) {
      executor = chain
      if (chain.isAuthority()) schedule()
      return Promise.resolve()
    },
    async stop() {
      executor = undefined
      cancelTimer?.()
      cancelTimer = undefined
      await running?.catch(() => undefined)
    },
    onTransaction() {
      if (pace.onTransaction) schedule()
    },
    seal: () => (executor === undefined ? Promise.reject(new AppError('ENGINE_STOPPED', {})) : seal()),
    setEager(value) {
      if (isEager === value) return
      isEager = value
      schedule()
    },
    peers: () => [],
    health: () => ({ kind: 'embedded', isAuthoring: executor?.isAuthority() === true, isSyncing: false, lastBlockMs: lastSealMs, lastError }),
  }
}
