/** Owns a worker under test with its chain, registry and an honest relay, all in memory; it can crash, restart and lose files. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { silentLogger, type Logger } from '@phalanx/primitives/ports'
import { PrpcError } from '../api/index.ts'
import { EgressMessages } from '../core/mq.ts'
import { createWorker, type Worker, type WorkerOptions } from '../create-worker.ts'
import { createSoftwarePlatform } from '../platform/software.ts'
import { createWorkerClient, encodeMessage, type WorkerClient } from '../wire/index.ts'
import { createTestChain, type TestChain } from './chain.ts'
import { createMemoryBlobStore, createTestBenchmark, createTestClock, createTestRandom, type MemoryBlobStore, type TestClock } from './outside.ts'
import { createTestRegistry, type TestRegistry } from './registry.ts'

/** Choices for one start of the worker. */
export interface StartOptions extends WorkerOptions {
  readonly measurement?: Uint8Array
  readonly logger?: Logger
}

/** A worker with its world. */
export interface WorkerHarness {
  readonly chain: TestChain
  readonly registry: TestRegistry
  readonly clock: TestClock
  blobs: MemoryBlobStore
  worker: Worker
  client: WorkerClient
  /** Starts the worker on the files there are. What ran before is simply forgotten, as in a crash. */
  start(options?: StartOptions): Promise<void>
  /** InitRuntime with the chain's genesis. */
  init(): Promise<void>
  /** Feeds what is missing, in feeds of at most `size` blocks. */
  sync(size?: number): Promise<void>
  /** Submits waiting messages that the registry expects, seals a block, feeds it; repeated `rounds` times. */
  relay(rounds?: number): Promise<void>
  /** From nothing to state `registered`. */
  register(): Promise<void>
}

/** A client of a worker without sockets. Errors arrive as they would over HTTP. */
export const createDirectClient = (worker: Worker): WorkerClient =>
  createWorkerClient(async (path, body) => {
    try {
      return { status: 200, body: await worker.handle(path.slice('/prpc/'.length), body) }
    } catch (error) {
      if (!isAppError(error)) throw error
      return { status: 500, body: encodeMessage(PrpcError, { message: error.message }) }
    }
  })

const submitWaiting = async (harness: WorkerHarness): Promise<void> => {
  const { encodedMessages } = await harness.client.PhactoryAPI.GetEgressMessages({})
  for (const [, messages] of EgressMessages.decode(encodedMessages)) for (const message of messages) harness.registry.submit(message)
}

/** A world with a started worker. */
export const createHarness = async (crypto: Crypto, options: StartOptions & { readonly seed?: string } = {}): Promise<WorkerHarness> => {
  const chain = createTestChain(crypto)
  const clock = createTestClock()
  const random = createTestRandom(crypto, options.seed ?? 'harness')
  const harness = {
    chain, clock,
    registry: createTestRegistry(crypto, chain),
    blobs: createMemoryBlobStore(),
    async start({ measurement, logger, ...rest }: StartOptions = {}) {
      const { blobs } = harness
      const platform = await createSoftwarePlatform(measurement === undefined ? {} : { measurement }, { crypto, blobs, random })
      harness.worker = await createWorker(rest, { platform, blobs, random, crypto, clock, logger: logger ?? silentLogger, benchmark: createTestBenchmark() })
      harness.client = createDirectClient(harness.worker)
    },
    async init() {
      await harness.client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: chain.genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false })
    },
    async sync(size = 1000) {
      for (;;) {
        const { blocknum } = await harness.client.PhactoryAPI.GetInfo({})
        if (blocknum > chain.head.number) return
        await harness.client.PhalanxAPI.FeedBlocks({ encodedBlocks: chain.feed(blocknum, blocknum + size - 1) })
      }
    },
    async relay(rounds = 1) {
      for (let i = 0; i < rounds; i++) {
        await submitWaiting(harness)
        harness.registry.seal()
        await harness.sync()
      }
    },
    async register() {
      await harness.init()
      harness.registry.seal()
      await harness.sync()
      harness.registry.register((await harness.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: false })).encodedRuntimeInfo)
      await harness.relay(5)
      if (harness.worker.status().state !== 'registered') throw new AppError('WORKER_UNINITIALIZED', {})
    },
  } as WorkerHarness
  await harness.start(options)
  return harness
}
