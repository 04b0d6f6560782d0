/** Owns the worker's core without its shell, for tests and benchmarks. */
import type { AuthoritySet } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { TOPICS, type SignedMessage } from '@phalanx/primitives/messages'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { CodeVm } from '../contracts/vm.ts'
import type { KeyPair } from '../core/keys.ts'
import { decodeCheckpoint, encodeCheckpoint, type Build, type LiveState, type WorkerState } from '../core/state.ts'
import { EMPTY_STATE, assertLive, step, type Core } from '../core/step.ts'
import type { TestChain } from './chain.ts'

/** A core without a shell: takes feeds and nothing else. */
export interface TestFeeder {
  readonly authorities: AuthoritySet
  /** Number of the last executed block. @throws LIGHT_ codes */
  feed(blocks: Uint8Array): number
  /** Checkpoint as it would be after a feed, which is not taken. @throws LIGHT_ codes */
  preview(blocks: Uint8Array): Uint8Array
}

/** A core that has been initialised with a chain's genesis. */
export const createTestFeeder = (crypto: Crypto, chain: Pick<TestChain, 'genesisInfo'>): TestFeeder => {
  const core = createTestCore(crypto)
  const entropy = new Uint8Array(32)
  let { state } = step(core, EMPTY_STATE, { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy } })
  const { authorities } = assertLive(state).follow
  const after = (blocks: Uint8Array): WorkerState => step(core, state, { kind: 'feed', value: { blocks, genesisHash: undefined, iterations: 0n, entropy } }).state
  return {
    authorities,
    feed(blocks) {
      state = after(blocks)
      return assertLive(state).follow.head.number
    },
    preview: (blocks) => encodeCheckpoint(assertLive(after(blocks))),
  }
}

/** Build and crypto of a test worker. */
export const createTestCore = (crypto: Crypto, build: Partial<Build> = {}, vms: readonly CodeVm[] = []): Core => ({
  crypto, vms,
  build: { version: [0, 1, 0], maxConsensusVersion: 0, measurement: new Uint8Array(32).fill(7), features: [1, 1], checkpointEveryBlocks: 1_000_000, anchors: [], rotateEcdhEveryBlocks: 1_000_000, ecdhGraceBlocks: 4, ...build },
})

/** A worker that has this identity and nothing else, as after a start on its sealed file alone. */
export const startWithIdentity = (core: Core, identity: KeyPair, genesisHash: Uint8Array): WorkerState =>
  step(core, EMPTY_STATE, { kind: 'resume', value: { identity, genesisHash, restored: undefined, entropy: new Uint8Array(32) } }).state

const isAnnouncement = ({ message }: SignedMessage): boolean => bytesEqual(message.destination, TOPICS.ecdhKey.topic)

/** A waiting message without what every start makes anew: signatures, and the key of an announcement. */
const withoutFresh = (waiting: SignedMessage): unknown => {
  const { message, sequence } = waiting
  return { ...message, sequence, payload: isAnnouncement(waiting) ? TOPICS.ecdhKey.payload.decode(message.payload).epoch : message.payload }
}

/** All that two workers with the same identity must agree on, whichever way they came to a block. `encoded` is the form that checkpoints seal. */
export const comparableState = (encoded: Uint8Array): unknown => {
  const { egress, checkpointedAt: _checkpointedAt, gatekeeper: _gatekeeper, ...rest } = decodeCheckpoint(encoded)
  return { ...rest, egress: egress.map(([origin, { sequence, messages }]) => ({ origin, sequence, messages: messages.map(withoutFresh) })) }
}

/** The worker that has followed every block from genesis on, in one feed. */
export const replayFromGenesis = (
  core: Core, chain: { readonly genesisInfo: Uint8Array; readonly genesisHash: Uint8Array; readonly blocks: Uint8Array }, identity: KeyPair,
): LiveState => {
  const entropy = new Uint8Array(32)
  const begun = step(core, startWithIdentity(core, identity, chain.genesisHash), { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy } }).state
  return assertLive(step(core, begun, { kind: 'feed', value: { blocks: chain.blocks, genesisHash: undefined, iterations: 0n, entropy } }).state)
}

/** What a fresh worker follows after it was initialised at a checkpoint. @throws the codes of proveCheckpoint */
export const startAt = (crypto: Crypto, chain: Pick<TestChain, 'genesisInfo'>, checkpoint: Uint8Array): LiveState['follow'] => {
  const value = { genesis: chain.genesisInfo, checkpoint, operator: undefined, entropy: new Uint8Array(32) }
  return assertLive(step(createTestCore(crypto), EMPTY_STATE, { kind: 'init', value }).state).follow
}
