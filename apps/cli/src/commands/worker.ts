/** Owns `phalanx worker`. */
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { openBasePath } from '../base-path.ts'
import type { LogLevel } from '../log-levels.ts'
import { printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'
import { createShutdown } from '../shutdown.ts'
import { startWorker } from '../start-worker.ts'
import { createLogger, systemClock, systemRandom } from '../system.ts'

interface WorkerCommandOptions {
  readonly basePath: string
  readonly port: number
  readonly platform: 'software'
  readonly logLevel?: LogLevel
  readonly json: boolean
}

/** Runs a worker until it is told to end. */
export const runWorker: Runner = async (io, _positional, options) => {
  const { basePath, port, logLevel = 'info', json } = options as unknown as WorkerCommandOptions
  const shutdown = createShutdown()
  try {
    const base = openBasePath({ path: basePath, kind: 'worker' })
    shutdown.add(() => base.close())
    const [crypto, logger] = await Promise.all([loadCrypto(), createLogger({ level: logLevel, name: 'worker' })])
    const started = await startWorker({ folder: base.folder('sealed'), port, portOption: '--port' }, { crypto, clock: systemClock, random: systemRandom, logger })
    shutdown.add(() => started.worker.stop())
    const { state, reason } = started.worker.status()
    const identity = started.worker.identity()
    printLine(io.stdout, json
      ? toJson({ event: 'started', url: started.url, identity: identity === undefined ? undefined : toHex(identity), state, reason, basePath: base.path })
      : `worker listens on ${started.url}; ${state}: ${reason}. A relay drives it: phalanx relay --worker ${started.url}`)
    await Promise.race([shutdown.requested, started.worker.stopped])
    return 0
  } finally {
    await shutdown.close()
  }
}
