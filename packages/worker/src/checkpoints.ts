/** Owns the two places of a checkpoint. They are written in turn, so that a lost or damaged one leaves the older. */
import { isAppError } from '@phalanx/primitives/errors'
import type { Logger } from '@phalanx/primitives/ports'
import { assignedCount } from './core/mq.ts'
import { decodeCheckpoint, encodeCheckpoint, type LiveState, type Restored } from './core/state.ts'
import type { Sealer } from './platform/seal.ts'

/** Names of the two files. */
export const CHECKPOINT_FILES = ['checkpoint-a.seal', 'checkpoint-b.seal'] as const

/** Writes and reads checkpoints. */
export interface Checkpoints {
  /** The newest usable checkpoint that `fits`. Unusable ones are logged and left as they are. */
  load(fits: (restored: Restored) => boolean): Promise<Restored | undefined>
  /** Seals a state; resolves with true when it is durable, with false when that failed, which is logged. */
  save(state: LiveState): Promise<boolean>
  remove(): Promise<void>
}

/** Of two states at one block, the one that assigned more numbers to messages is the newer. */
const isNewer = (found: Restored, best: Restored): boolean =>
  found.follow.head.number === best.follow.head.number ? assignedCount(found.egress) > assignedCount(best.egress) : found.follow.head.number > best.follow.head.number

/** Checkpoints over a sealer. */
export const createCheckpoints = (dependencies: { readonly sealer: Sealer; readonly logger: Logger }): Checkpoints => {
  const { sealer, logger } = dependencies
  let next = 0
  let saving: Promise<unknown> = Promise.resolve()
  const read = async (name: string): Promise<Restored | undefined> => {
    try {
      const bytes = await sealer.read(name)
      return bytes === undefined ? undefined : decodeCheckpoint(bytes)
    } catch (error) {
      if (!isAppError(error)) throw error
      logger.warn('checkpoint is not usable', { file: name, code: error.code })
      return undefined
    }
  }
  const write = async (state: LiveState, bytes: Uint8Array): Promise<boolean> => {
    const name = CHECKPOINT_FILES[next] as string
    try {
      await sealer.write(name, bytes)
      next = 1 - next
      logger.debug('checkpoint written', { file: name, block: state.follow.head.number })
      return true
    } catch (error) {
      logger.error('checkpoint could not be written', { file: name, block: state.follow.head.number }, error)
      return false
    }
  }
  return {
    async load(fits) {
      let best: Restored | undefined
      for (const [slot, name] of CHECKPOINT_FILES.entries()) {
        const found = await read(name)
        if (found === undefined || !fits(found) || (best !== undefined && !isNewer(found, best))) continue
        best = found
        next = 1 - slot
      }
      return best
    },
    save(state) {
      const bytes = encodeCheckpoint(state)
      const saved = saving.then(() => write(state, bytes))
      saving = saved
      return saved
    },
    async remove() {
      await saving
      for (const name of CHECKPOINT_FILES) await sealer.remove(name)
    },
  }
}
