/**
 * Owns the lies of a dishonest node or relay: feeds with altered headers, justifications, messages, acks, proofs and order. A worker must refuse
 * each of them and go on with honest ones. Every lie changes the value it is told about.
 */
import { bytesEqual, concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { ChainCheckpoint, FollowedBlocks, GenesisBlockInfo, Justification, type FollowedBlock } from '@phalanx/primitives/chain'
import { isAppError } from '@phalanx/primitives/errors'
import { TOPICS, createMessage, palletOrigin } from '@phalanx/primitives/messages'
import type { Prng } from './prng.ts'

const flipBit = (bytes: Uint8Array, prng: Prng): Uint8Array => {
  const out = bytes.slice()
  if (out.length === 0) return Uint8Array.of(prng.below(256))
  const at = prng.below(out.length)
  out[at] = (out[at] as number) ^ (1 << prng.below(8))
  return out
}

type Lie = (block: FollowedBlock, prng: Prng) => FollowedBlock

const withHeader = (block: FollowedBlock, change: Partial<FollowedBlock['header']>): FollowedBlock => ({ ...block, header: { ...block.header, ...change } })

/** A message that no pallet sent: every worker would be outdated. */
const forgedMessage = createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, { kind: 'MinimumVersion', value: [9, 9, 9] })

const LIES: readonly Lie[] = [
  (block, prng) => withHeader(block, { stateRoot: flipBit(block.header.stateRoot, prng) }),
  (block, prng) => withHeader(block, { parentHash: flipBit(block.header.parentHash, prng) }),
  (block) => withHeader(block, { number: block.header.number + 1 }),
  (block) => withHeader(block, { digest: { logs: [] } }),
  (block) => withHeader(block, { digest: { logs: [...block.header.digest.logs, ...block.header.digest.logs] } }),
  (block) => ({ ...block, messages: { ...block.messages, messages: [...block.messages.messages, forgedMessage] } }),
  (block) => ({ ...block, messages: { ...block.messages, acks: [...block.messages.acks, { sender: { kind: 'Gatekeeper' }, next: 9n }] } }),
  (block) => ({ ...block, messages: { messages: block.messages.messages.slice(1), acks: block.messages.acks.slice(1) } }),
  (block) => ({ ...block, messages: { ...block.messages, messages: [...block.messages.messages].reverse() } }),
  (block, prng) => ({ ...block, justification: block.justification && flipBit(block.justification, prng) }),
  (block) => ({ ...block, justification: block.justification && reroundJustification(block.justification) }),
]

const reroundJustification = (bytes: Uint8Array): Uint8Array => {
  const justification = Justification.decode(bytes)
  return Justification.encode({ ...justification, round: justification.round + 1n })
}

/** Lies about a feed; undefined when the chosen lie would have changed nothing. */
export const tellFeedLie = (encoded: Uint8Array, prng: Prng): Uint8Array | undefined => {
  if (prng.chance(150)) return encoded.subarray(0, prng.below(encoded.length))
  if (prng.chance(150)) return concatBytes(encoded, prng.bytes(1 + prng.below(4)))
  const blocks = FollowedBlocks.decode(encoded)
  if (blocks.length === 0) return undefined
  const at = prng.below(blocks.length)
  const changed = prng.chance(100) ? [...blocks].reverse() : blocks.map((block, i) => (i === at ? prng.pick(LIES)(block, prng) : block))
  const lie = FollowedBlocks.encode(changed)
  return bytesEqual(lie, encoded) ? undefined : lie
}

/** Lies about genesis: another authority set, or a broken proof. */
const tellGenesisLie = (encoded: Uint8Array, prng: Prng): Uint8Array => {
  const info = GenesisBlockInfo.decode(encoded)
  const list = info.authoritySet.list.map(([id, weight]) => [flipBit(id, prng), weight] as const)
  if (prng.chance(500)) return GenesisBlockInfo.encode({ ...info, authoritySet: { ...info.authoritySet, list } })
  return GenesisBlockInfo.encode({ ...info, proof: info.proof.map((node, i) => (i === 0 ? flipBit(node, prng) : node)) })
}

const CHECKPOINT_LIES: readonly ((honest: ChainCheckpoint, prng: Prng) => Partial<ChainCheckpoint>)[] = [
  ({ header }, prng) => ({ header: { ...header, stateRoot: flipBit(header.stateRoot, prng) } }),
  ({ header }) => ({ header: { ...header, number: header.number + 1 } }),
  ({ justification }, prng) => ({ justification: flipBit(justification, prng) }),
  ({ justification }) => ({ justification: reroundJustification(justification) }),
  ({ authorities }) => ({ authorities: { ...authorities, id: authorities.id + 1n } }),
  ({ header, justification }) => ({ hops: [{ header: { ...header, number: 1 }, justification }] }),
  ({ proof }) => ({ proof: proof.slice(1) }),
  ({ proof }, prng) => ({ proof: proof.map((node, i) => (i === proof.length - 1 ? flipBit(node, prng) : node)) }),
  ({ ancestors }) => ({ ancestors: ancestors.slice(1) }),
  ({ worker }, prng) => ({ worker: worker === undefined ? prng.bytes(32) : undefined }),
  ({ genesisHash }, prng) => ({ genesisHash: flipBit(genesisHash, prng) }),
]

/** Lies about a checkpoint; no worker may begin at what comes out. */
export const tellCheckpointLie = (encoded: Uint8Array, prng: Prng): Uint8Array => {
  const honest = ChainCheckpoint.decode(encoded)
  return ChainCheckpoint.encode({ ...honest, ...prng.pick(CHECKPOINT_LIES)(honest, prng) })
}

interface Answer { readonly id?: unknown; readonly result?: unknown }

/**
 * A tamperer of JSON-RPC answers: recognises feeds, genesis and checkpoints by their content and lies about some of them. `enabled` says when,
 * `onLie` is called for each lie told.
 */
export const createLiar = (options: { readonly enabled: () => boolean; readonly perMille: number; readonly onLie: () => void }, prng: Prng) => (text: string): string => {
  if (!options.enabled() || !prng.chance(options.perMille)) return text
  const answer = JSON.parse(text) as Answer
  if (typeof answer.result !== 'string' || !answer.result.startsWith('0x') || answer.result.length < 400) return text
  const bytes = parseHex(answer.result)
  const lie = tryLie(() => tellFeedLie(bytes, prng)) ?? tryLie(() => tellGenesisLie(bytes, prng)) ?? tryLie(() => tellCheckpointLie(bytes, prng))
  if (lie === undefined) return text
  options.onLie()
  return JSON.stringify({ ...answer, result: toHex(lie) })
}

/** The bytes were something else: no lie. */
const tryLie = (lie: () => Uint8Array | undefined): Uint8Array | undefined => {
  try {
    return lie()
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}
