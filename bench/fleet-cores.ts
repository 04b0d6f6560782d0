/**
 * Owns worker cores for the fleet benchmark: each a state of its own with its own keys, stepped with every block by the product's `step`.
 * They seal nothing. What all of them compute alike, hashes of the block and its proof of finality, is looked up by its bytes; each still asks for it.
 */
import { randomFillSync } from 'node:crypto'
import { assert } from '@phalanx/primitives/assert'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import type { SignedMessage } from '@phalanx/primitives/messages'
import { assertLive, createTestCore, startWithIdentity, step, type Core, type LiveState } from '@phalanx/worker/testing'

const ENTROPY_BYTES = 32

/** Keys of a simulated worker (64-byte sr25519 secret); its first ECDH key is made of `entropy`. */
export interface FleetKeys {
  readonly publicKey: Uint8Array
  readonly secret: Uint8Array
  readonly entropy: Uint8Array
}

/** What cores are made of. */
export interface CoresOptions {
  readonly genesisInfo: Uint8Array
  readonly genesisHash: Uint8Array
  readonly workers: readonly FleetKeys[]
  /** Benchmark iterations between two blocks. */
  readonly iterations: bigint
}

/** Messages that a worker wants handed in, by its position. */
export interface Outgoing {
  readonly worker: number
  readonly messages: readonly SignedMessage[]
}

/** Cores that have all executed the same blocks. */
export interface FleetCores {
  /** Starts the next worker at a SCALE ChainCheckpoint that proves its own standing. */
  join(checkpoint: Uint8Array): void
  /** Steps every core with a feed; what they want to send. `alone`: every core computes every hash and checks every signature by itself. */
  feed(blocks: Uint8Array, how: { readonly alone: boolean }): readonly Outgoing[]
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0

/** Hashes remembered: a header's, and those of its messages and acks. */
const HASHES_KEPT = 3
/** Inputs shorter than this are a worker's own. */
const SHARED_BYTES_MIN = 64

/**
 * The crypto of many workers in one thread: what was asked last, over the same bytes, is not computed again. Every core still asks whether its
 * block is final and committed to.
 */
const shareAnswers = (crypto: Crypto): Crypto => {
  let last: { readonly signature: Uint8Array; readonly message: Uint8Array; readonly key: Uint8Array; readonly isValid: boolean } | undefined
  const hashes: { readonly message: Uint8Array; readonly hash: Uint8Array }[] = []
  return {
    ...crypto,
    blake2b256(message) {
      if (message.length < SHARED_BYTES_MIN) return crypto.blake2b256(message)
      const known = hashes.find((one) => isSame(one.message, message))
      if (known !== undefined) return known.hash
      const hash = crypto.blake2b256(message)
      hashes.unshift({ message: message.slice(), hash })
      hashes.length = Math.min(hashes.length, HASHES_KEPT)
      return hash
    },
    ed25519: {
      ...crypto.ed25519,
      verify(signature, message, key) {
        if (last === undefined || !isSame(last.signature, signature) || !isSame(last.message, message) || !isSame(last.key, key))
          last = { signature: signature.slice(), message: message.slice(), key: key.slice(), isValid: crypto.ed25519.verify(signature, message, key) }
        return last.isValid
      },
    },
  }
}

/** Cores of which none has joined yet. */
export const createFleetCores = (crypto: Crypto, { genesisInfo, genesisHash, workers, iterations }: CoresOptions): FleetCores => {
  const alone = createTestCore(crypto)
  const shared: Core = { ...alone, crypto: shareAnswers(crypto) }
  const states: LiveState[] = []
  const next: bigint[] = []
  const random = new Uint8Array(workers.length * ENTROPY_BYTES)
  /** Messages of a core that were not handed in yet. */
  const waiting = (worker: number, { egress }: LiveState): readonly SignedMessage[] => {
    const fresh = egress.flatMap(([, { messages }]) => messages.filter(({ sequence }) => sequence >= (next[worker] as bigint)))
    const last = fresh.at(-1)
    if (last !== undefined) next[worker] = last.sequence + 1n
    return fresh
  }
  return {
    join(checkpoint) {
      const { publicKey, secret, entropy } = workers[states.length] as FleetKeys
      const begun = startWithIdentity(shared, { publicKey, secret: new Secret(secret) }, genesisHash)
      const state = assertLive(step(shared, begun, { kind: 'init', value: { genesis: genesisInfo, checkpoint, operator: undefined, entropy } }).state)
      // Its ECDH key, of whose anchoring the checkpoint does not tell, is replaced: that announcement goes out with its first heartbeat.
      assert(state.system.session !== undefined, 'a worker that joins computes')
      states.push(state)
      next.push(0n)
    },
    feed(blocks, how) {
      const core = how.alone ? alone : shared
      randomFillSync(random)
      const outgoing: Outgoing[] = []
      for (let worker = 0; worker < states.length; worker++) {
        const before = states[worker] as LiveState
        const entropy = random.slice(worker * ENTROPY_BYTES, (worker + 1) * ENTROPY_BYTES)
        const after = assertLive(step(core, before, { kind: 'feed', value: { blocks, genesisHash: undefined, iterations, entropy } }).state)
        states[worker] = after
        if (after.egress === before.egress) continue
        const messages = waiting(worker, after)
        if (messages.length > 0) outgoing.push({ worker, messages })
      }
      return outgoing
    },
  }
}
