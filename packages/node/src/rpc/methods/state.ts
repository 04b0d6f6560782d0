/** Owns `state_*`: storage at any kept block, proofs, runtime calls, and news of storage. */
import { keyToBytes, startsWith, toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { bytesKey } from '../../bytes-key.ts'
import type { ChainBlock } from '../../chain.ts'
import type { RpcBackend } from '../backend.ts'
import { versionJson } from '../json.ts'
import { call, subscription, type MethodTable } from '../method.ts'
import { callBytes, hash, hexBytes, integer, listOf, optional, textUpTo } from '../params.ts'

const KEYS_MAX = 1_000
const KEYS_QUERIED_MAX = 10_000
const BLOCKS_QUERIED_MAX = 1_024
/** Pairs that clients without unsafe access get in one answer. */
const PAIRS_SAFE_MAX = 1_000
const PAIRS_MAX = 1_000_000

const at = optional(hash)
const keyList = listOf(hexBytes, KEYS_QUERIED_MAX)
const orNull = (bytes: Uint8Array | undefined): string | null => (bytes === undefined ? null : toHex(bytes))

const changeSet = (block: Uint8Array, changes: readonly (readonly [Uint8Array, Uint8Array | undefined])[]): unknown => ({
  block: toHex(block),
  changes: changes.map(([key, value]) => [toHex(key), orNull(value)]),
})

const readAll = ({ chain }: RpcBackend, keys: readonly Uint8Array[], block: Uint8Array | undefined): unknown => {
  const state = chain.stateAt(block)
  return changeSet(block ?? chain.head().hash, keys.map((key) => [key, state.get(key)] as const))
}

const listKeys = (backend: RpcBackend, options: { prefix: Uint8Array; count: number; after: Uint8Array | undefined; block: Uint8Array | undefined }): string[] => {
  const { prefix, count, after, block } = options
  if (count === 0 || (after !== undefined && !startsWith(after, prefix) && bytesKey(after) > bytesKey(prefix))) return []
  const out: string[] = []
  for (const key of backend.chain.stateAt(block).keys(prefix, { after, limit: count })) out.push(toHex(key))
  return out
}

const listPairs = (backend: RpcBackend, options: { prefix: Uint8Array; block: Uint8Array | undefined; max: number }): unknown[] => {
  const out: unknown[] = []
  for (const [key, value] of backend.chain.stateAt(options.block).entries(options.prefix)) {
    if (out.length >= options.max) throw new AppError('RPC_RESULT_LIMIT', { what: 'pairs', max: options.max })
    out.push([toHex(key), toHex(value)])
  }
  return out
}

/** Changes of some keys over a range of blocks, from the write-sets: first all values, then what changed. */
const queryRange = (backend: RpcBackend, keys: readonly Uint8Array[], range: { from: Uint8Array; to: Uint8Array | undefined }): unknown[] => {
  const { chain } = backend
  const first = chain.numberOf(range.from)
  const last = chain.numberOf(range.to)
  if (last - first >= BLOCKS_QUERIED_MAX) throw new AppError('RPC_RESULT_LIMIT', { what: 'blocks', max: BLOCKS_QUERIED_MAX })
  if (last < first) throw new AppError('RPC_INVALID_PARAMS', { field: 'params[1] fromBlock', expected: 'not after toBlock' }, { path: 'params[1] fromBlock' })
  const wanted = new Set(keys.map(bytesKey))
  const values = new Map<string, string | null>()
  const out: unknown[] = []
  const state = chain.stateAt(range.from)
  const initial = keys.map((key) => [key, state.get(key)] as const)
  for (const [key, value] of initial) values.set(bytesKey(key), orNull(value))
  out.push(changeSet(range.from, initial))
  for (let number = first + 1; number <= last; number++) {
    const changed = (chain.store.changes(number) ?? []).filter(([key, value]) => {
      const name = bytesKey(key)
      if (!wanted.has(name) || values.get(name) === orNull(value)) return false
      values.set(name, orNull(value))
      return true
    })
    if (changed.length > 0) out.push(changeSet(chain.store.hashOf(number) as Uint8Array, changed))
  }
  return out
}

/** Write-sets by key, made once per block however many subscriptions look at it. */
const changesByKey = new WeakMap<ChainBlock, Map<string, Uint8Array | undefined>>()
const indexChanges = (block: ChainBlock): Map<string, Uint8Array | undefined> => {
  let index = changesByKey.get(block)
  if (index === undefined) changesByKey.set(block, (index = new Map(block.changes.map(([key, value]) => [bytesKey(key), value]))))
  return index
}

const isRuntimeUpgrade = (block: ChainBlock): boolean => block.header.digest.logs.some(({ kind }) => kind === 'RuntimeEnvironmentUpdated')

/** Follows some keys: their values now, then each change. */
const followKeys = ({ chain }: RpcBackend, keys: readonly Uint8Array[], notify: (result: unknown) => void): (() => void) => {
  const { state, hash: block } = chain.head()
  const values = new Map(keys.map((key) => [bytesKey(key), orNull(state.get(key))]))
  notify({ block: toHex(block), changes: keys.map((key) => [toHex(key), values.get(bytesKey(key)) ?? null]) })
  return chain.onBlock((news) => {
    const index = indexChanges(news)
    const changed: [string, string | null][] = []
    for (const [name, before] of values) {
      if (!index.has(name)) continue
      const after = orNull(index.get(name))
      if (after === before) continue
      values.set(name, after)
      changed.push([toHex(keyToBytes(name)), after])
    }
    if (changed.length > 0) notify({ block: toHex(news.hash), changes: changed })
  })
}

const getStorage = call({
  doc: 'Value under a key at a block, the newest by default; null where there is none.', params: { key: hexBytes, at },
  aliases: ['state_getStorageAt'],
  handle: ({ chain }, params) => orNull(chain.stateAt(params.at).get(params.key)),
})

const runtimeCall = call({
  doc: 'Calls a runtime API by name with SCALE parameters; SCALE result.', params: { name: textUpTo(128), data: callBytes, at },
  aliases: ['state_callAt'],
  handle: ({ chain, runtime, env }, params) =>
    toHex(runtime.callApi({ state: chain.stateAt(params.at), at: chain.headerAt(params.at), method: params.name, params: params.data, env })),
})

/** Methods about storage. */
export const stateMethods: MethodTable = {
  state_getStorage: getStorage,
  state_getStorageHash: call({
    doc: 'Blake2b-256 of the value under a key.', params: { key: hexBytes, at }, aliases: ['state_getStorageHashAt'],
    handle: ({ chain, crypto }, params) => {
      const value = chain.stateAt(params.at).get(params.key)
      return value === undefined ? null : toHex(crypto.blake2b256(value))
    },
  }),
  state_getStorageSize: call({
    doc: 'Bytes of the value under a key.', params: { key: hexBytes, at }, aliases: ['state_getStorageSizeAt'],
    handle: ({ chain }, params) => chain.stateAt(params.at).get(params.key)?.length ?? null,
  }),
  state_getKeysPaged: call({
    doc: 'Keys with a prefix, ascending, at most 1,000, those after `startKey`.',
    params: { prefix: optional(hexBytes), count: integer(0, KEYS_MAX), startKey: optional(hexBytes), at },
    aliases: ['state_getKeysPagedAt'],
    handle: (backend, params) => listKeys(backend, { prefix: params.prefix ?? new Uint8Array(0), count: params.count, after: params.startKey, block: params.at }),
  }),
  state_getKeys: call({
    doc: 'All keys with a prefix; limited to 1,000 unless unsafe methods are allowed.', params: { prefix: hexBytes, at },
    handle: (backend, params, { isUnsafeAllowed }) => {
      const max = isUnsafeAllowed ? PAIRS_MAX : PAIRS_SAFE_MAX
      const keys = listKeys(backend, { prefix: params.prefix, count: max + 1, after: undefined, block: params.at })
      if (keys.length > max) throw new AppError('RPC_RESULT_LIMIT', { what: 'keys', max })
      return keys
    },
  }),
  state_getPairs: call({
    doc: 'All keys and values with a prefix; limited to 1,000 unless unsafe methods are allowed.', params: { prefix: hexBytes, at },
    handle: (backend, params, { isUnsafeAllowed }) => listPairs(backend, { prefix: params.prefix, block: params.at, max: isUnsafeAllowed ? PAIRS_MAX : PAIRS_SAFE_MAX }),
  }),
  state_queryStorageAt: call({
    doc: 'Values of several keys at one block.', params: { keys: keyList, at },
    handle: (backend, params) => [readAll(backend, params.keys, params.at)],
  }),
  state_queryStorage: call({
    doc: 'Values of several keys at a block, and their changes up to another; at most 1,024 blocks.',
    params: { keys: keyList, fromBlock: hash, toBlock: optional(hash) },
    handle: (backend, params) => queryRange(backend, params.keys, { from: params.fromBlock, to: params.toBlock }),
  }),
  state_getReadProof: call({
    doc: 'Trie nodes that prove the values (or absence) of keys under the state root of a block.', params: { keys: keyList, at },
    handle: ({ chain }, params) => ({ at: toHex(params.at ?? chain.head().hash), proof: chain.stateAt(params.at).prove(params.keys).map(toHex) }),
  }),
  state_getRuntimeVersion: call({
    doc: 'Version of the runtime.', params: { at }, aliases: ['chain_getRuntimeVersion'],
    handle: ({ chain, runtime }, params) => {
      chain.numberOf(params.at)
      return versionJson(runtime.version)
    },
  }),
  state_getMetadata: call({
    doc: 'Metadata of version 14.', params: { at },
    handle: ({ chain, runtime }, params) => {
      chain.numberOf(params.at)
      return toHex(runtime.metadata(14))
    },
  }),
  state_call: runtimeCall,
  state_subscribeRuntimeVersion: subscription({
    doc: 'Version of the runtime now, and whenever it changes.', params: {},
    notification: 'state_runtimeVersion', aliases: ['chain_subscribeRuntimeVersion'],
    unsubscribe: ['state_unsubscribeRuntimeVersion', 'chain_unsubscribeRuntimeVersion'],
    start: ({ chain, runtime }, _params, sink) => {
      sink.notify(versionJson(runtime.version))
      return chain.onBlock((block) => {
        if (isRuntimeUpgrade(block)) sink.notify(versionJson(runtime.version))
      })
    },
  }),
  state_subscribeStorage: subscription({
    doc: 'Values of keys now, and their changes with each block.', params: { keys: optional(keyList) },
    notification: 'state_storage', unsubscribe: ['state_unsubscribeStorage'],
    start(backend, { keys }, sink) {
      if (keys !== undefined) return followKeys(backend, keys, (result) => sink.notify(result))
      if (!sink.connection.isUnsafeAllowed) throw new AppError('RPC_UNSAFE', { method: 'state_subscribeStorage without keys' })
      return backend.chain.onBlock((block) => sink.notify(changeSet(block.hash, block.changes)))
    },
  }),
}
