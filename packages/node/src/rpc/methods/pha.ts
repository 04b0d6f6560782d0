/** Owns `pha_*`, the methods that relays of the reference use. Every failure is code 10000 with a text and no data. */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { ByteReader, bytes, option, struct, text, tuple, u64, vec } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { MessageOrigin } from '@phalanx/primitives/messages'
import type { StateChanges } from '@phalanx/primitives/trie'
import { bytesKey } from '../../bytes-key.ts'
import type { RpcBackend } from '../backend.ts'
import { call, type MethodTable } from '../method.ts'
import { hash, textUpTo } from '../params.ts'

/** Largest difference of numbers in one range, as the reference has it. */
const RANGE_MAX = 10_000
/** Storage pairs in one answer: it must fit in memory as text. */
const PAIRS_MAX = 500_000

const StorageKey = bytes
const StorageChanges = struct({
  main: vec(tuple(StorageKey, option(bytes))),
  child: vec(tuple(StorageKey, vec(tuple(StorageKey, option(bytes))))),
})

const refuse = (reason: string, cause?: unknown): AppError => new AppError('RPC_PHA', { reason }, cause === undefined ? {} : { cause })

const numberOf = ({ chain }: RpcBackend, block: Uint8Array): number => {
  try {
    return chain.numberOf(block)
  } catch (cause) {
    throw refuse(`Invalid block: header not found for ${toHex(block)}.`, cause)
  }
}

const rangeOf = (backend: RpcBackend, from: Uint8Array, to: Uint8Array): readonly number[] => {
  const first = numberOf(backend, from)
  const last = numberOf(backend, to)
  if (first > last) throw refuse(`Invalid block range: ${first} comes after ${last}.`)
  if (last - first > RANGE_MAX) throw refuse(`Resource limited: a range may span ${RANGE_MAX} blocks, not ${last - first}.`)
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

const changesOf = ({ chain }: RpcBackend, number: number): StateChanges => {
  const changes = chain.store.changes(number)
  if (changes === undefined) throw refuse(`Invalid block: the changes of block ${number} are not kept.`)
  return changes
}

const changesJson = (changes: StateChanges): unknown => ({
  mainStorageChanges: changes.map(([key, value]) => [toHex(key), value === undefined ? null : toHex(value)]),
  childStorageChanges: [],
})

const listChanges = (backend: RpcBackend, params: { readonly from: Uint8Array; readonly to: Uint8Array }): readonly { number: number; changes: StateChanges }[] => {
  let pairs = 0
  return rangeOf(backend, params.from, params.to).map((number) => {
    const changes = changesOf(backend, number)
    pairs += changes.length
    if (pairs > PAIRS_MAX) throw refuse(`Resource limited: the range holds more than ${PAIRS_MAX} changes; ask for fewer blocks.`)
    return { number, changes }
  })
}

const sequenceTag = tuple(text, MessageOrigin, u64)

const parseSender = (hex: string): MessageOrigin => {
  try {
    if (hex.startsWith('0x')) throw refuse('Invalid sender: write the hex without 0x.')
    // Bytes after the origin are not looked at, as in the reference.
    return MessageOrigin.read(new ByteReader(parseHex(hex)))
  } catch (cause) {
    throw refuse('Invalid sender: not the hex, without 0x, of a SCALE message origin.', cause)
  }
}

const nextSequence = (backend: RpcBackend, sender: MessageOrigin): number => {
  const { chain, runtime, env, pool } = backend
  const { state, header } = chain.head()
  const stored = option(u64).decode(runtime.callApi({ state, at: header, method: 'MqApi_sender_sequence', params: MessageOrigin.encode(sender), env }))
  let sequence = stored ?? 0n
  const ready = new Set<string>()
  for (const { provides } of pool.ready()) for (const tag of provides) ready.add(tag)
  while (ready.has(bytesKey(sequenceTag.encode(['PhalaMqOffchainMessages', sender, sequence])))) sequence++
  return Number(sequence)
}

const range = { from: hash, to: hash }

/** Methods of the reference chain. */
export const phaMethods: MethodTable = {
  pha_getStorageChanges: call({
    doc: 'What each block of a range (both ends included, at most 10,001) wrote to storage; block 0 is the whole genesis state.', params: range,
    handle: (backend, params) => listChanges(backend, params).map(({ changes }) => changesJson(changes)),
  }),
  pha_getStorageChangesWithRoot: call({
    doc: 'As pha_getStorageChanges, with the state root after each block as a list of numbers.', params: range,
    handle: (backend, params) =>
      listChanges(backend, params).map(({ number, changes }) => ({
        changes: changesJson(changes),
        stateRoot: [...(backend.chain.store.header(number)?.stateRoot ?? [])],
      })),
  }),
  pha_getStorageChangesAt: call({
    doc: 'What one block wrote to storage, as 0x hex of SCALE.', params: { block: hash },
    handle(backend, { block }) {
      const changes = changesOf(backend, numberOf(backend, block))
      return toHex(StorageChanges.encode({ main: changes.map(([key, value]) => [key, value] as const), child: [] }))
    },
  }),
  pha_getMqNextSequence: call({
    doc: 'Next sequence number of a sender (hex of its SCALE origin, without 0x), messages in the pool included.', params: { sender_hex: textUpTo(8_192) },
    handle: (backend, { sender_hex }) => nextSequence(backend, parseSender(sender_hex)),
  }),
}
