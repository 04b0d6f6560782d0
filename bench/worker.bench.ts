/** Owns the figures for how fast a worker catches up: blocks fed to the core, beside the same blocks with the proof of every one checked. */
import { assert } from '@phalanx/primitives/assert'
import { FollowedBlocks, Justification, headerHash, matchesPhlx, verifyJustification, type AuthoritySet } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, createMessage, palletOrigin, type Message, type MessageOrigin } from '@phalanx/primitives/messages'
import { createTestChain, createTestFeeder, startAt, type TestBlock, type TestChain } from '@phalanx/worker/testing'
import type { Figure } from './goals.ts'

const BATCHES = 8
const BLOCKS_PER_BATCH = 2_000
const HEARTBEATS_PER_BLOCK = 20

const perSecond = (count: number, run: () => void): number => {
  const from = performance.now()
  run()
  return (count * 1000) / (performance.now() - from)
}

const batchesOf = (chain: TestChain): readonly Uint8Array[] =>
  Array.from({ length: BATCHES }, (_, i) => chain.feed(i * BLOCKS_PER_BATCH + 1, (i + 1) * BLOCKS_PER_BATCH))

const chainOf = (crypto: Crypto, options: { readonly justifyEvery: number; readonly block?: (number: number) => TestBlock }): TestChain => {
  const chain = createTestChain(crypto)
  for (let number = 1; number <= BATCHES * BLOCKS_PER_BATCH; number++) chain.add({ ...options.block?.(number), justify: number % options.justifyEvery === 0 })
  return chain
}

/** A block as a busy network has it: a challenge, and the answers of 20 workers with their acks. */
const heartbeatBlock = (number: number): TestBlock => {
  const senders = Array.from({ length: HEARTBEATS_PER_BLOCK }, (_, i): MessageOrigin => ({ kind: 'Worker', value: new Uint8Array(32).fill(i + 1) }))
  const heartbeat = { sessionId: 1, challengeBlock: number - 1, challengeTime: BigInt(number) * 1000n, iterations: BigInt(number), nClusters: 0, nContracts: 0 }
  const messages: readonly Message[] = [
    createMessage(palletOrigin('PhalaComputation'), TOPICS.systemEvent, { kind: 'HeartbeatChallenge', value: { seed: BigInt(number), onlineTarget: 1n << 250n } }),
    ...senders.map((sender) => createMessage(sender, TOPICS.workingReport, { kind: 'HeartbeatV2', value: heartbeat })),
  ]
  return { messages, acks: senders.map((sender) => ({ sender, next: BigInt(number) })) }
}

/** The plain way: decode everything, check messages, hash and finality proof of every single header. */
const followOneByOne = (crypto: Crypto, batches: readonly Uint8Array[], authorities: AuthoritySet): void => {
  for (const batch of batches)
    for (const { header, justification, messages } of FollowedBlocks.decode(batch)) {
      assert(matchesPhlx(crypto, header, messages), 'messages are the committed ones')
      verifyJustification(crypto, {
        justification: Justification.decode(justification ?? new Uint8Array(0)), authorities, target: { hash: headerHash(crypto, header), number: header.number },
      })
    }
}

const catchUp = (crypto: Crypto, chain: TestChain): number => {
  const batches = batchesOf(chain)
  const warm = createTestFeeder(crypto, chain)
  batches.forEach((batch) => warm.feed(batch))
  const feeder = createTestFeeder(crypto, chain)
  return perSecond(BATCHES * BLOCKS_PER_BATCH, () => batches.forEach((batch) => feeder.feed(batch)))
}

const plainly = (crypto: Crypto, chain: TestChain): number => {
  const batches = batchesOf(chain)
  const { authorities } = createTestFeeder(crypto, chain)
  followOneByOne(crypto, batches, authorities)
  return perSecond(BATCHES * BLOCKS_PER_BATCH, () => followOneByOne(crypto, batches, authorities))
}

const JOIN_AT = 100_000

/** Time in ms until a fresh worker stands at block 100,000 of a chain of empty blocks: by a checkpoint, beside following every block. */
const joinFigure = (crypto: Crypto): Figure => {
  const chain = createTestChain(crypto)
  for (let number = 1; number <= JOIN_AT; number++) chain.add({ justify: number % BLOCKS_PER_BATCH === 0, hasState: number === JOIN_AT })
  const checkpoint = chain.checkpoint()
  const batches = Array.from({ length: JOIN_AT / BLOCKS_PER_BATCH }, (_, i) => chain.feed(i * BLOCKS_PER_BATCH + 1, (i + 1) * BLOCKS_PER_BATCH))
  startAt(crypto, chain, checkpoint)
  const rounds = 20
  const joinMs = 1000 / perSecond(rounds, () => {
    for (let i = 0; i < rounds; i++) assert(startAt(crypto, chain, checkpoint).head.number === JOIN_AT, 'the worker stands at the checkpoint')
  })
  const feeder = createTestFeeder(crypto, chain)
  const replayMs = 1000 / perSecond(1, () => batches.forEach((batch) => feeder.feed(batch)))
  return {
    name: `worker: joining a chain at block ${JOIN_AT.toLocaleString('en')} by checkpoint`, figure: Math.round(joinMs * 100) / 100, unit: 'ms',
    against: `following every empty block from genesis (${Math.round(replayMs)} ms)`, ratio: replayMs / joinMs,
  }
}

/** Catch-up over empty and busy blocks in batches of 2,000. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const served = chainOf(crypto, { justifyEvery: 1 })
  const alternative = plainly(crypto, served)
  const rows: readonly (readonly [string, number, number])[] = [
    ['worker: catch-up over empty blocks, one proof per 2,000', catchUp(crypto, chainOf(crypto, { justifyEvery: BLOCKS_PER_BATCH })), alternative],
    ['worker: catch-up over empty blocks as a node serves them', catchUp(crypto, served), alternative],
  ]
  const busy = chainOf(crypto, { justifyEvery: 1, block: heartbeatBlock })
  const all = [...rows, ['worker: catch-up, a challenge and 20 heartbeats per block', catchUp(crypto, busy), plainly(crypto, busy)] as const]
  const figures = all.map(([name, figure, plain]) => ({
    name, figure: Math.round(figure), unit: 'blocks/s', against: `decoding blocks and checking the proof of every one (${Math.round(plain)} blocks/s)`, ratio: figure / plain,
  }))
  return [...figures, joinFigure(crypto)]
}
