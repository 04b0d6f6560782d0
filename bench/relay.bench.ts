/** Owns the figures for a fleet's relay: blocks fed to 100 workers from one cache, beside a relay for each; and memory per worker. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { assert } from '@phalanx/primitives/assert'
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { FollowedBlocks } from '@phalanx/primitives/chain'
import { ByteReader, compactU32, readLength } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { silentLogger, type Clock } from '@phalanx/primitives/ports'
import { createRelay, type Relay } from '@phalanx/relay'
import { createFakeChain, createFakeNode, createFakeWorker, type FakeWorker } from '@phalanx/relay/testing'
import { createSigner, type Signer } from '@phalanx/sdk'
import { constantRandom } from '@phalanx/sdk/testing'
import { createTestChain } from '@phalanx/worker/testing'
import type { Figure } from './goals.ts'

const WORKERS = 100
const BLOCKS = 4_000
const NODE_BYTES_MAX = 8 * 1024 * 1024

const realClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Blocks as a node serves them, each with its justification. */
const makeBlocks = (crypto: Crypto): readonly Uint8Array[] => {
  const chain = createTestChain(crypto)
  for (let number = 1; number <= BLOCKS; number++) chain.add({ justify: true })
  return FollowedBlocks.decode(chain.feed(1, BLOCKS)).map((block) => FollowedBlocks.encode([block]).slice(1))
}

interface Bed {
  readonly crypto: Crypto
  readonly signer: Signer
  readonly blocks: readonly Uint8Array[]
}

/** A node whose answers take the way of a real one, bytes to hex in JSON and back; workers that only count what they are fed. */
const createNetwork = ({ crypto, signer, blocks }: Bed, count: number) => {
  const chain = createFakeChain()
  chain.head = blocks.length
  const random = constantRandom()
  const connectNode = (url: string) => {
    const { client } = createFakeNode(chain, url)
    client.getBlocks = (from, limit) => {
      let size = 0
      const found = blocks.slice(from - 1, from - 1 + limit).filter((block) => (size += block.length) <= NODE_BYTES_MAX)
      const answer = JSON.stringify({ jsonrpc: '2.0', id: 1, result: toHex(concatBytes(compactU32.encode(found.length), ...found)) })
      return Promise.resolve(parseHex((JSON.parse(answer) as { result: string }).result))
    }
    return client
  }
  const workers = Array.from({ length: count }, (_, i) => {
    const worker = createFakeWorker(`http://worker${i}`, i + 1)
    Object.assign(worker, { initialized: true, registered: true, anchored: true, state: 'registered', genesis: chain.genesis })
    worker.client.feedBlocks = (bytes) => {
      worker.nextBlock += readLength(new ByteReader(bytes), bytes.length)
      return Promise.resolve(worker.nextBlock - 1)
    }
    return worker
  })
  const start = (mine: readonly FakeWorker[]): Relay => createRelay(
    { nodes: ['ws://node'], workers: mine.map(({ client }) => ({ url: client.url })), signer, checkpointAfterBlocks: Infinity },
    {
      crypto, clock: realClock, random, logger: silentLogger, connectNode,
      connectWorker: (url) => workers.find(({ client }) => client.url === url)?.client ?? createFakeWorker(url, 1).client,
    },
  )
  return { workers, start }
}

/** Blocks per second over all workers until every one has all. */
const feedAll = async (bed: Bed, isShared: boolean): Promise<number> => {
  const { workers, start } = createNetwork(bed, WORKERS)
  const from = performance.now()
  const relays = isShared ? [start(workers)] : workers.map((worker) => start([worker]))
  while (workers.some(({ nextBlock }) => nextBlock <= BLOCKS)) await new Promise((resolve) => setTimeout(resolve, 2))
  const perSecond = (WORKERS * BLOCKS * 1000) / (performance.now() - from)
  for (const relay of relays) relay.close()
  return perSecond
}

const usedBytes = (): number => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return heapUsed + external + arrayBuffers
}

const MEASURED = 300

/** KiB that a relay takes per worker when all are at the head, the blocks it keeps apart. */
const memoryPerWorker = async (bed: Bed, isShared: boolean): Promise<number> => {
  const { workers, start } = createNetwork(bed, MEASURED)
  const before = usedBytes()
  const relays = isShared ? [start(workers)] : workers.map((worker) => start([worker]))
  while (workers.some(({ nextBlock }) => nextBlock <= bed.blocks.length)) await new Promise((resolve) => setTimeout(resolve, 5))
  const kept = isShared ? (relays[0]?.snapshot().cache.bytes ?? 0) : 0
  const bytes = (usedBytes() - before - kept) / MEASURED
  for (const relay of relays) relay.close()
  assert(bytes > 0, 'a relay takes memory')
  return bytes / 1024
}

/** Feeding and memory of one relay for all, beside a relay for each worker. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const bed: Bed = { crypto, signer: createSigner({ suri: new Secret('//Alice') }, { crypto, random: constantRandom() }), blocks: makeBlocks(crypto) }
  await feedAll(bed, true)
  const shared = await feedAll(bed, true)
  const alone = await feedAll(bed, false)
  const few: Bed = { ...bed, blocks: bed.blocks.slice(0, 200) }
  const sharedKib = await memoryPerWorker(few, true)
  const aloneKib = await memoryPerWorker(few, false)
  return [
    {
      name: `relay: blocks fed to ${WORKERS} workers from one cache`, figure: Math.round(shared), unit: 'blocks/s',
      against: `each worker's blocks fetched for itself (${Math.round(alone)} blocks/s)`, ratio: shared / alone,
    },
    {
      name: `relay: memory per worker of ${MEASURED}`, figure: Math.round(sharedKib * 10) / 10, unit: 'KiB',
      against: `a relay for each (${Math.round(aloneKib)} KiB)`, ratio: aloneKib / sharedKib,
    },
  ]
}
