/** Owns one follower of the head: pinned blocks, its events, and its operations with their limits. */
import { bytesToKey, keyToBytes, toHex } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { RpcBackend } from './backend.ts'
import { runtimeSpecJson } from './json.ts'
import type { Sink } from './method.ts'

/** Events of an operation, made one at a time. After `operationWaitingForContinue` the next waits for the client. */
export type OperationEvents = Generator<Record<string, unknown>>

/** An operation that may begin once its response went out. */
export interface StartedOperation {
  readonly id: string
  readonly run: () => void
}

/** One `chainHead_v1_follow` subscription. */
export interface Follower {
  readonly withRuntime: boolean
  /** @throws RPC_BLOCK_NOT_PINNED */
  assertPinned(hash: Uint8Array): void
  /** @throws RPC_DUPLICATE_HASHES, RPC_BLOCK_NOT_PINNED */
  unpin(hashes: readonly Uint8Array[]): void
  /** Undefined when too many run. */
  start(events: OperationEvents): StartedOperation | undefined
  /** @throws RPC_NOT_WAITING */
  resume(operationId: string): () => void
  stopOperation(operationId: string): void
  stop(): void
}

/** Finalised blocks reported at the beginning. */
const INITIAL_BLOCKS = 8
/** Blocks that one subscription may keep pinned. */
const PINNED_MAX = 512
/** Operations that may run, or wait to be continued, at once. */
const OPERATIONS_MAX = 16

/** Starts following; the `initialized` event is the first thing sent. */
export const createFollower = (options: { readonly withRuntime: boolean }, dependencies: { readonly backend: RpcBackend; readonly sink: Sink }): Follower => {
  const { backend, sink } = dependencies
  const { chain, runtime } = backend
  const pinned = new Map<string, number>()
  const operations = new Map<string, { readonly events: OperationEvents; isWaiting: boolean }>()
  let operationIds = 0
  let isStopped = false

  const pin = (hash: Uint8Array, number: number): void => void pinned.set(bytesToKey(hash), number)

  const end = (): void => {
    sink.notify({ event: 'stop' })
    sink.close()
  }

  const initialise = (): void => {
    const { number } = chain.head()
    const hashes: string[] = []
    for (let at = Math.max(chain.store.firstState, number - INITIAL_BLOCKS + 1); at <= number; at++) {
      const hash = chain.store.hashOf(at) as Uint8Array
      pin(hash, at)
      hashes.push(toHex(hash))
    }
    sink.notify({
      event: 'initialized', finalizedBlockHashes: hashes,
      ...(options.withRuntime ? { finalizedBlockRuntime: runtimeSpecJson(runtime.version) } : {}),
    })
    sink.notify({ event: 'bestBlockChanged', bestBlockHash: hashes.at(-1) })
  }

  initialise()
  const unfollow = chain.onBlock((block) => {
    for (const number of pinned.values()) if (number < chain.store.firstState) return end()
    if (pinned.size >= PINNED_MAX) return end()
    pin(block.hash, block.number)
    const hash = toHex(block.hash)
    const isUpgrade = options.withRuntime && block.header.digest.logs.some(({ kind }) => kind === 'RuntimeEnvironmentUpdated')
    sink.notify({
      event: 'newBlock', blockHash: hash, parentBlockHash: toHex(block.header.parentHash), newRuntime: isUpgrade ? runtimeSpecJson(runtime.version) : null,
    })
    sink.notify({ event: 'bestBlockChanged', bestBlockHash: hash })
    sink.notify({ event: 'finalized', finalizedBlockHashes: [hash], prunedBlockHashes: [] })
  })

  const failure = (error: unknown): Record<string, unknown> => {
    if (!isAppError(error)) {
      backend.logger.error('a chainHead operation failed', {}, error)
      return { event: 'operationError', error: 'the node failed to answer' }
    }
    const isGone = error.code === 'BLOCK_STATE_PRUNED' || error.code === 'TRIE_NODE_MISSING' || error.code === 'BLOCK_UNKNOWN'
    return isGone ? { event: 'operationInaccessible' } : { event: 'operationError', error: error.message }
  }

  /** Sends events until the operation is done or waits. */
  const advance = (id: string): void => {
    const operation = operations.get(id)
    if (operation === undefined || isStopped) return
    operation.isWaiting = false
    try {
      for (;;) {
        const next = operation.events.next()
        if (next.done === true) break
        sink.notify({ operationId: id, ...next.value })
        if (next.value['event'] !== 'operationWaitingForContinue') continue
        operation.isWaiting = true
        return
      }
    } catch (error) {
      sink.notify({ operationId: id, ...failure(error) })
    }
    operations.delete(id)
  }

  const assertPinned = (hash: Uint8Array): void => {
    if (!pinned.has(bytesToKey(hash))) throw new AppError('RPC_BLOCK_NOT_PINNED', { hash: toHex(hash) })
  }

  return {
    withRuntime: options.withRuntime,
    assertPinned,
    unpin(hashes) {
      const keys = new Set(hashes.map(bytesToKey))
      if (keys.size !== hashes.length) throw new AppError('RPC_DUPLICATE_HASHES', {})
      for (const key of keys) assertPinned(keyToBytes(key))
      for (const key of keys) pinned.delete(key)
    },
    start(events) {
      if (operations.size >= OPERATIONS_MAX) return undefined
      const id = String(++operationIds)
      operations.set(id, { events, isWaiting: false })
      return { id, run: () => advance(id) }
    },
    resume(id) {
      if (operations.get(id)?.isWaiting !== true) throw new AppError('RPC_NOT_WAITING', {})
      return () => advance(id)
    },
    stopOperation(id) {
      operations.delete(id)
    },
    stop() {
      isStopped = true
      unfollow()
      operations.clear()
      pinned.clear()
    },
  }
}
