/** Owns a worker of the development network that can be taken off and brought back: same folder, same port. */
import { AppError } from '@phalanx/primitives/errors'
import { startWorker, type StartedWorker, type StartWorkerDependencies, type StartWorkerOptions } from '../start-worker.ts'
import '../errors.ts'

/** A worker and whether it runs. */
export interface DevWorker {
  readonly url: string
  readonly isOnline: boolean
  /** Public key, once it has one. */
  identity(): Uint8Array | undefined
  /** Ends the worker; nothing answers under its URL any more. */
  stop(): Promise<void>
  /** Starts it again from its sealed files, with a fresh ECDH key. @throws CLI_PORT_IN_USE, SEAL_ codes */
  start(): Promise<void>
}

/** Starts a worker. @throws as startWorker */
export const createDevWorker = async (
  given: StartWorkerOptions, dependencies: StartWorkerDependencies,
): Promise<DevWorker> => {
  // Whoever develops a page tries it against this network.
  const options: StartWorkerOptions = { ...given, allowCors: 'public' }
  let current: StartedWorker = await startWorker(options, dependencies)
  const { url } = current
  const port = Number(new URL(url).port)
  let isOnline = true
  return {
    url,
    get isOnline() {
      return isOnline
    },
    identity: () => current.worker.identity(),
    stop() {
      isOnline = false
      return current.worker.stop()
    },
    async start() {
      if (isOnline) throw new AppError('CLI_UNEXPECTED', { reason: `the worker ${url} runs already` })
      current = await startWorker({ ...options, port }, dependencies)
      isOnline = true
    },
  }
}
