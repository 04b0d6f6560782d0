/**
 * Owns the worker cores of the fleet benchmark: each a state of its own with its own keys, stepped with every block by the product's `step`.
 * They seal nothing. What each of them must compute alike, the proof of finality, may be looked up by its bytes; who asks still asks for it.
 */
import { randomFillSync } from 'node:crypto'
import { assert } from '@phalanx/primitives/assert'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { SignedMessage } from '@phalanx/primitives/messages'
import { assertLive, createTestCore, startWithIdentity, step, type Core, type LiveState } from '@phalanx/worker/testing'
import { ITERATIONS_PER_SECOND, type FleetNetwork } from './fleet-network.ts'

const ENTROPY_BYTES = 32

/** Messages that a worker of this number wants handed in. */
export interface Outgoing {
  readonly worker: number
  readonly messages: readonly SignedMessage[]
}

/** The cores. */
export interface FleetCores {
  /** Steps every core with a feed; what they want to send. `alone`: every core checks every signature by itself. */
  feed(blocks: Uint8Array, how?: { readonly alone: boolean }): readonly Outgoing[]
  /** Blocks that the slowest core has executed. */
  height(): number
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && Buffer.compare(a, b) === 0

/** The crypto of many workers in one process: the signature that was checked last, over the same bytes by the same key, is not checked again. */
export const shareChecks = (crypto: Crypto): Crypto => {
  let last: { readonly signature: Uint8Array; readonly message: Uint8Array; readonly key: Uint8Array; readonly isValid: boolean } | undefined
  return {
    ...crypto,
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

/** Starts every worker at the head by a checkpoint that proves its own standing. */
export const startFleetCores = async (crypto: Crypto, network: FleetNetwork): Promise<FleetCores> => {
  const alone = createTestCore(crypto)
  const shared: Core = { ...alone, crypto: shareChecks(crypto) }
  const states: LiveState[] = []
  for (const { identity, entropy } of network.workers) {
    const checkpoint = await network.checkpoint(identity.publicKey)
    const value = { genesis: network.genesisInfo, checkpoint, operator: undefined, entropy }
    const state = assertLive(step(shared, startWithIdentity(shared, identity, network.chain.genesisHash), { kind: 'init', value }).state)
    assert(state.system.session !== undefined && state.egress.every(([, { messages }]) => messages.length === 0), 'a worker that joins computes and has nothing to announce')
    states.push(state)
  }
  const handed = states.map(() => 0n)
  const random = new Uint8Array(states.length * ENTROPY_BYTES)
  /** Messages of a core that were not handed in yet. */
  const waiting = (worker: number, { egress }: LiveState): readonly SignedMessage[] => {
    const fresh = egress.flatMap(([, { messages }]) => messages.filter(({ sequence }) => sequence >= (handed[worker] as bigint)))
    const last = fresh.at(-1)
    if (last !== undefined) handed[worker] = last.sequence + 1n
    return fresh
  }
  return {
    feed(blocks, how = { alone: false }) {
      const core = how.alone ? alone : shared
      randomFillSync(random)
      const outgoing: Outgoing[] = []
      for (let worker = 0; worker < states.length; worker++) {
        const before = states[worker] as LiveState
        const entropy = random.slice(worker * ENTROPY_BYTES, (worker + 1) * ENTROPY_BYTES)
        const after = assertLive(step(core, before, { kind: 'feed', value: { blocks, genesisHash: undefined, iterations: ITERATIONS_PER_SECOND, entropy } }).state)
        states[worker] = after
        if (after.egress === before.egress) continue
        const messages = waiting(worker, after)
        if (messages.length > 0) outgoing.push({ worker, messages })
      }
      return outgoing
    },
    height: () => states.reduce((least, { follow }) => Math.min(least, follow.head.number), Infinity),
  }
}
