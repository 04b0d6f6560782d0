/** Owns starting a worker of this process: its platform, its sealed files and its listener. */
import { availableParallelism } from 'node:os'
import { performance } from 'node:perf_hooks'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import { createBenchmark, createWorker, startQueryThread, type Worker } from '@phalanx/worker'
import type { PlatformKind } from '@phalanx/worker/platform'
import { openDiskBlobStore } from '@phalanx/worker/platform/blobs'
import { systemDeviceFiles, systemGuestSocket } from '@phalanx/worker/platform/devices'
import { explainDiskError } from './base-path.ts'
import './errors.ts'

/** Address on which workers of this binary listen. */
const WORKER_ADDRESS = '127.0.0.1'
/** Threads for queries beyond the machine's cores: a query that takes long leaves the others room. */
const QUERY_THREADS_SPARE = 2

/** A worker and where it listens. */
export interface StartedWorker {
  readonly worker: Worker
  readonly url: string
}

/** What a worker needs from its process. */
export interface StartWorkerDependencies {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly platform: PlatformKind
}

/** Where a worker keeps its files and listens. `allowCors` as in `ListenOptions`. */
export interface StartWorkerOptions {
  readonly folder: string
  readonly port: number
  readonly portOption: string
  readonly allowCors?: 'public'
}

/** Opens the folder and listens. @throws SEAL_ and PLATFORM_ codes, CLI_PORT_IN_USE, CLI_BASE_PATH_UNUSABLE, CLI_DISK_FULL */
export const startWorker = async (options: StartWorkerOptions, dependencies: StartWorkerDependencies): Promise<StartedWorker> => {
  const { crypto, clock, random, logger } = dependencies
  const { folder, port, portOption, allowCors = false } = options
  let worker: Worker
  try {
    const blobs = await openDiskBlobStore(folder)
    const platform = await dependencies.platform.open({ crypto, blobs, random, files: systemDeviceFiles, socket: systemGuestSocket })
    const highResolutionMs = (): number => performance.now()
    const benchmark = createBenchmark({ clock, highResolutionMs })
    const contracts = { queryThreads: availableParallelism() + QUERY_THREADS_SPARE }
    worker = await createWorker({ contracts }, { platform, blobs, random, crypto, clock, logger, benchmark, memoryUsed: () => process.memoryUsage.rss(), highResolutionMs, startQueryThread })
  } catch (error) {
    throw explainDiskError(error, folder)
  }
  try {
    const { port: bound } = await worker.listen({ port, address: WORKER_ADDRESS, allowCors })
    return { worker, url: `http://${WORKER_ADDRESS}:${bound}` }
  } catch (cause) {
    await worker.stop()
    if ((cause as { code?: unknown }).code === 'EADDRINUSE') throw new AppError('CLI_PORT_IN_USE', { port: String(port), option: portOption }, { cause })
    throw cause
  }
}
