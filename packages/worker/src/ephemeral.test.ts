import { beforeAll, describe, expect, test } from 'vitest'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger } from '@phalanx/primitives/ports'
import { createWorker, type Worker } from './create-worker.ts'
import { createSoftwarePlatform } from './platform/software.ts'
import { createDirectClient, createMemoryBlobStore, createTestBenchmark, createTestChain, createTestClock, createTestRandom, type MemoryBlobStore } from './testing.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

let starts = 0
/** A worker on a machine without a sealing key. Its files are there all the same. */
const start = async (blobs: MemoryBlobStore): Promise<{ readonly worker: Worker; readonly warnings: readonly string[] }> => {
  const random = createTestRandom(crypto, `ephemeral ${starts++}`)
  const { sealingKey: _none, ...platform } = await createSoftwarePlatform({}, { crypto, blobs: createMemoryBlobStore(), random })
  const warnings: string[] = []
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) }
  const worker = await createWorker({ checkpointEveryBlocks: 1 }, { platform, blobs, random, crypto, clock: createTestClock(), logger, benchmark: createTestBenchmark() })
  return { worker, warnings }
}

const follow = async (worker: Worker): Promise<Uint8Array> => {
  const client = createDirectClient(worker)
  const chain = createTestChain(crypto)
  await client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: chain.genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false })
  for (let i = 0; i < 3; i++) chain.add()
  await client.PhalanxAPI.FeedBlocks({ encodedBlocks: chain.feed(1, 3) })
  return worker.identity() as Uint8Array
}

describe('a worker on a platform without a sealing key', () => {
  test('writes nothing, says so, and is a new worker after a restart', async () => {
    const blobs = createMemoryBlobStore()
    const first = await start(blobs)
    expect(first.warnings.filter((message) => message.startsWith('ephemeral identity'))).toHaveLength(1)
    const identity = await follow(first.worker)
    await first.worker.stop()
    expect([...blobs.files.keys()]).toEqual([])

    const second = await start(blobs)
    expect(second.worker.identity()).toBeUndefined()
    expect(second.worker.status().state).toBe('unsealed')
    expect(bytesEqual(await follow(second.worker), identity)).toBe(false)
  })

  test('does not look at files that a host puts there', async () => {
    const blobs = createMemoryBlobStore([['identity.seal', new Uint8Array(100)], ['checkpoint-a.seal', new Uint8Array(100)]])
    const { worker } = await start(blobs)
    expect(worker.identity()).toBeUndefined()
    await follow(worker)
    expect(blobs.files.get('identity.seal')).toEqual(new Uint8Array(100))
  })
})
