/**
 * Owns the chain of events: each execution that had any public event adds a block that names the one before it, so that whoever holds the head can check a
 * history of events. As the reference's, except that events are encoded as contracts gave them.
 */
import { fixedBytes, option, struct, tuple, u32, u64, bytes, variant, vec } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import type { ExecutionEffects } from '../execution/effects.ts'
import { PINK_EVENT_RULES, PinkEvent } from '../execution/pink-event.ts'
import type { EventChainHead } from './state.ts'

const Hash = fixedBytes(32)
const ChainedEvent = variant('ChainedEvent', {
  Instantiated: { index: 0, fields: { deployer: Hash, contract: Hash } },
  Emitted: { index: 1, fields: { contract: Hash, topics: vec(bytes), data: bytes } },
  ForWorker: { index: 2, fields: { contract: Hash, payload: bytes } },
  Terminated: { index: 3, fields: { contract: Hash, beneficiary: Hash } },
})
const Body = struct({ phalaBlockNumber: u32, contractCallNonce: option(bytes), entryContract: option(Hash), events: vec(ChainedEvent), origin: option(Hash) })
const Header = struct({ number: u64, runtimeVersion: tuple(u32, u32), parentHash: Hash, bodyHash: Hash })

/** Before the first event. */
export const EVENT_CHAIN_START: EventChainHead = { number: 0n, hash: new Uint8Array(32) }

/** An execution as the chain of events shows it. */
export interface ChainedExecution {
  readonly blockNumber: number
  readonly runtimeVersion: readonly [number, number]
  readonly callNonce: Uint8Array
  readonly entry: Uint8Array | undefined
  readonly origin: Uint8Array
}

const isPublic = (payload: Uint8Array): boolean => {
  try {
    return !PINK_EVENT_RULES[PinkEvent.decode(payload).kind].isPrivate
  } catch (error) {
    if (!isAppError(error)) throw error
    return false
  }
}

/** The head after an execution. */
export const chainEvents = (crypto: Pick<Crypto, 'blake2b256'>, head: EventChainHead, effects: ExecutionEffects, execution: ChainedExecution): EventChainHead => {
  const events = [
    ...effects.instantiated.map((value) => ({ kind: 'Instantiated', value }) as const),
    ...effects.pinkEvents.filter(({ payload }) => isPublic(payload)).map((value) => ({ kind: 'ForWorker', value }) as const),
    ...effects.inkEvents.map((value) => ({ kind: 'Emitted', value }) as const),
    ...effects.terminated.map((value) => ({ kind: 'Terminated', value }) as const),
  ]
  if (events.length === 0) return head
  const { blockNumber, runtimeVersion, callNonce, entry, origin } = execution
  const body = Body.encode({ phalaBlockNumber: blockNumber, contractCallNonce: callNonce, entryContract: entry, events, origin })
  const header = Header.encode({ number: head.number, runtimeVersion, parentHash: head.hash, bodyHash: crypto.blake2b256(body) })
  return { number: head.number + 1n, hash: crypto.blake2b256(header) }
}
