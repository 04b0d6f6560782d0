/** Owns a little registry that answers workers as the chain does, for tests of what workers do with the answers. Knows no pallets. */
import { bytesEqual, bytesToKey, toHexPlain } from '@phalanx/primitives/bytes'
import type { MessageAck } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import {
  TOPICS, WorkerRegistrationInfoV2, createMessage, messageSigningPayload, palletOrigin, type Message, type RegistryNotice, type SignedMessage, type WorkerEvent,
} from '@phalanx/primitives/messages'
import type { TestBlock, TestChain } from './chain.ts'

interface Entry {
  next: bigint
  epoch: bigint | undefined
  ecdhPubkey: Uint8Array | undefined
  /** Messages taken, in order. */
  readonly taken: SignedMessage[]
}

/** A registry over a test chain. Everything handed in takes effect in the next block. */
export interface TestRegistry {
  /** Registers a worker by its SCALE registration info. */
  register(encodedInfo: Uint8Array, options?: { readonly benchDuration?: number }): void
  /** Offers a message as a relay does. False where its sequence or signature is wrong. */
  submit(message: SignedMessage): boolean
  /** Says something to a worker or to all. */
  tell(pubkey: Uint8Array, event: WorkerEvent): void
  notify(notice: RegistryNotice): void
  /** Seals a block with all of it. */
  seal(block?: TestBlock): void
  /** Next sequence expected of a worker. */
  nextSequence(pubkey: Uint8Array): bigint
  /** Anchored key of a worker. */
  anchor(pubkey: Uint8Array): { readonly epoch: bigint; readonly ecdhPubkey: Uint8Array } | undefined
  /** Messages taken from a worker, in order. */
  taken(pubkey: Uint8Array): readonly SignedMessage[]
}

const REGISTRY = palletOrigin('PhalaRegistry')

/** A registry that has seen nothing. */
export const createTestRegistry = (crypto: Crypto, chain: TestChain): TestRegistry => {
  const entries = new Map<string, Entry>()
  let messages: Message[] = []
  let acks = new Map<string, MessageAck>()
  const entryOf = (pubkey: Uint8Array): Entry => {
    const key = bytesToKey(pubkey)
    const entry = entries.get(key) ?? { next: 0n, epoch: undefined, ecdhPubkey: undefined, taken: [] }
    entries.set(key, entry)
    return entry
  }
  const tell = (pubkey: Uint8Array, event: WorkerEvent): void => {
    messages.push(createMessage(REGISTRY, TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey, event } }))
  }
  const notify = (notice: RegistryNotice): void => {
    messages.push(createMessage(REGISTRY, TOPICS.registryNotice, notice))
  }
  const anchor = (pubkey: Uint8Array, epoch: bigint, ecdhPubkey: Uint8Array): void => {
    Object.assign(entryOf(pubkey), { epoch, ecdhPubkey })
    notify({ kind: 'EcdhKeyAnchored', value: { pubkey, epoch, ecdhPubkey } })
  }
  const onTaken = (pubkey: Uint8Array, { message }: SignedMessage): void => {
    messages.push(message)
    if (bytesEqual(message.destination, TOPICS.ecdhKey.topic)) {
      const { epoch, ecdhPubkey } = TOPICS.ecdhKey.payload.decode(message.payload)
      const known = entryOf(pubkey).epoch
      if (known !== undefined && epoch > known) anchor(pubkey, epoch, ecdhPubkey)
    } else if (bytesEqual(message.destination, TOPICS.registryEvent.topic)) tell(pubkey, { kind: 'BenchScore', value: 600 })
  }
  return {
    register(encodedInfo, { benchDuration = 2 } = {}) {
      const { pubkey, ecdhPubkey } = WorkerRegistrationInfoV2.decode(encodedInfo)
      tell(pubkey, { kind: 'Registered', value: { confidenceLevel: 1 } })
      tell(pubkey, { kind: 'BenchStart', value: { duration: benchDuration } })
      if (entryOf(pubkey).epoch === undefined) anchor(pubkey, 0n, ecdhPubkey)
    },
    submit(signed) {
      const { message, sequence, signature } = signed
      if (message.sender.kind !== 'Worker') return false
      const pubkey = message.sender.value
      const entry = entryOf(pubkey)
      if (sequence !== entry.next || !crypto.sr25519.verify(signature, messageSigningPayload(message, sequence), pubkey)) return false
      entry.next += 1n
      entry.taken.push(signed)
      acks.set(toHexPlain(pubkey), { sender: message.sender, next: entry.next })
      onTaken(pubkey, signed)
      return true
    },
    tell,
    notify,
    seal(block = {}) {
      chain.add({ ...block, messages: [...messages, ...(block.messages ?? [])], acks: [...acks.values(), ...(block.acks ?? [])] })
      messages = []
      acks = new Map()
    },
    nextSequence: (pubkey) => entryOf(pubkey).next,
    anchor(pubkey) {
      const { epoch, ecdhPubkey } = entryOf(pubkey)
      return epoch === undefined || ecdhPubkey === undefined ? undefined : { epoch, ecdhPubkey }
    },
    taken: (pubkey) => entryOf(pubkey).taken,
  }
}
