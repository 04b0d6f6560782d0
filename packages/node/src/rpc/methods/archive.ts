/** Owns `archive_v1_*`: any block by hash or height, its body, storage, differences and runtime calls. */
import { startsWith, toHex } from '@phalanx/primitives/bytes'
import { Header } from '@phalanx/primitives/chain'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { StateChanges } from '@phalanx/primitives/trie'
import { bytesKey } from '../../bytes-key.ts'
import type { RpcBackend } from '../backend.ts'
import { call, subscription, type MethodTable, type Sink } from '../method.ts'
import { blockNumber, callBytes, hash, hexBytes, listOf, objectOf, oneOf, optional, textUpTo, type ParamValue } from '../params.ts'
import { answerItems, pagedStorageItems } from '../storage-items.ts'

/** Storage answers of one subscription. */
const ANSWERS_MAX = 1_000_000
/** Events sent before other work gets a turn. */
const EVENTS_PER_TURN = 256
const DIFF_BLOCKS_MAX = 1_024

const diffItems = listOf(objectOf({ key: optional(hexBytes), returnType: oneOf('value', 'hash'), childTrieKey: optional(hexBytes) }), 1_024)
type DiffItem = ParamValue<typeof diffItems>[number]

const known = ({ chain }: RpcBackend, block: Uint8Array): number | undefined => {
  try {
    return chain.numberOf(block)
  } catch (error) {
    if (isAppError(error, 'BLOCK_UNKNOWN')) return undefined
    throw error
  }
}

/** Sends events in turns; ends with `done`, or with `failed` and the reason. */
const stream = (backend: RpcBackend, sink: Sink, events: Generator<Record<string, unknown>>, names: { readonly done: string; readonly failed: string }): (() => void) => {
  let cancel: (() => void) | undefined
  const turn = (): void => {
    try {
      for (let sent = 0; sent < EVENTS_PER_TURN; sent++) {
        const next = events.next()
        if (next.done === true) {
          sink.notify({ event: names.done })
          return sink.close()
        }
        sink.notify(next.value)
      }
    } catch (error) {
      if (!isAppError(error)) backend.logger.error('an archive query failed', {}, error)
      sink.notify({ event: names.failed, error: isAppError(error) ? error.message : 'the node failed to answer' })
      return sink.close()
    }
    cancel = backend.clock.after(0, turn)
  }
  cancel = backend.clock.after(0, turn)
  return () => cancel?.()
}

function* storageEvents(backend: RpcBackend, block: Uint8Array, items: ParamValue<typeof pagedStorageItems>): Generator<Record<string, unknown>> {
  let count = 0
  for (const answer of answerItems(backend.crypto, backend.chain.stateAt(block), items)) {
    if (++count > ANSWERS_MAX) throw new AppError('RPC_RESULT_LIMIT', { what: 'items', max: ANSWERS_MAX })
    yield { event: 'storage', ...answer }
  }
}

/** All keys written after `first` up to `last`. */
const writtenKeys = ({ chain }: RpcBackend, first: number, last: number): Map<string, Uint8Array> => {
  if (last - first > DIFF_BLOCKS_MAX) throw new AppError('RPC_RESULT_LIMIT', { what: 'blocks', max: DIFF_BLOCKS_MAX })
  const keys = new Map<string, Uint8Array>()
  for (let number = first + 1; number <= last; number++) {
    const changes: StateChanges = chain.store.changes(number) ?? []
    for (const [key] of changes) keys.set(bytesKey(key), key)
  }
  return keys
}

function* diffEvents(backend: RpcBackend, query: { hash: Uint8Array; previous: Uint8Array | undefined; items: readonly DiffItem[] }): Generator<Record<string, unknown>> {
  const { chain, crypto } = backend
  const last = chain.numberOf(query.hash)
  const first = query.previous === undefined ? Math.max(0, last - 1) : chain.numberOf(query.previous)
  if (first > last) throw new AppError('RPC_INVALID_PARAMS', { field: 'params[2] previousHash', expected: 'an ancestor of the block' })
  const before = chain.stateAt(chain.store.hashOf(first))
  const after = chain.stateAt(query.hash)
  const keys = [...writtenKeys(backend, first, last)].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const item of query.items) {
    if (item.childTrieKey !== undefined) continue
    for (const [, key] of keys) {
      if (item.key !== undefined && !startsWith(key, item.key)) continue
      const old = before.get(key)
      const now = after.get(key)
      if (old === undefined && now === undefined) continue
      if (old !== undefined && now !== undefined && Buffer.compare(old, now) === 0) continue
      const type = old === undefined ? 'added' : now === undefined ? 'deleted' : 'modified'
      const value = now ?? (old as Uint8Array)
      yield { event: 'storageDiff', key: toHex(key), [item.returnType]: toHex(item.returnType === 'value' ? value : crypto.blake2b256(value)), type }
    }
  }
}

/** Methods about history. */
export const archiveMethods: MethodTable = {
  archive_v1_genesisHash: call({ doc: 'Hash of the first block.', params: {}, handle: ({ chain }) => toHex(chain.genesisHash) }),
  archive_v1_finalizedHeight: call({ doc: 'Height of the newest finalised block.', params: {}, handle: ({ chain }) => chain.head().number }),
  archive_v1_hashByHeight: call({
    doc: 'Hashes of the blocks of a height: one, or none above the head.', params: { height: blockNumber },
    handle({ chain }, { height }) {
      const found = height <= chain.head().number ? chain.store.hashOf(height) : undefined
      return found === undefined ? [] : [toHex(found)]
    },
  }),
  archive_v1_header: call({
    doc: 'SCALE header of a block, null when unknown.', params: { hash },
    handle: (backend, params) => (known(backend, params.hash) === undefined ? null : toHex(Header.encode(backend.chain.headerAt(params.hash)))),
  }),
  archive_v1_body: call({
    doc: 'Extrinsics of a block, null when unknown.', params: { hash },
    handle(backend, params) {
      const number = known(backend, params.hash)
      return number === undefined ? null : (backend.chain.store.body(number) ?? []).map(toHex)
    },
  }),
  archive_v1_call: call({
    doc: 'Runtime call at a block, null when unknown.', params: { hash, function: textUpTo(128), callParameters: callBytes },
    handle(backend, params) {
      if (known(backend, params.hash) === undefined) return null
      const { chain, runtime, env } = backend
      try {
        const value = runtime.callApi({ state: chain.stateAt(params.hash), at: chain.headerAt(params.hash), method: params.function, params: params.callParameters, env })
        return { success: true, value: toHex(value) }
      } catch (error) {
        if (!isAppError(error)) throw error
        return { success: false, error: error.message }
      }
    },
  }),
  archive_v1_storage: subscription({
    doc: 'Storage of a block, by events.', params: { hash, items: pagedStorageItems, childTrie: optional(hexBytes) },
    notification: 'archive_v1_storageEvent', unsubscribe: ['archive_v1_stopStorage'], unsubscribed: null,
    start: (backend, params, sink) =>
      stream(backend, sink, storageEvents(backend, params.hash, params.childTrie === undefined ? params.items : []), { done: 'storageDone', failed: 'storageError' }),
  }),
  archive_v1_storageDiff: subscription({
    doc: 'What changed in storage between two blocks (default: the parent), by events.',
    params: { hash, items: optional(diffItems), previousHash: optional(hash) },
    notification: 'archive_v1_storageDiffEvent', unsubscribe: ['archive_v1_stopStorageDiff', 'archive_v1_storageDiff_stopStorageDiff'], unsubscribed: null,
    start(backend, params, sink) {
      const items = params.items ?? [{ key: undefined, returnType: 'value' as const, childTrieKey: undefined }]
      return stream(backend, sink, diffEvents(backend, { hash: params.hash, previous: params.previousHash, items }), { done: 'storageDiffDone', failed: 'storageDiffError' })
    },
  }),
}
