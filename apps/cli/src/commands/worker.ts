/** Owns `phalanx worker`. */
import { assert } from '@phalanx/primitives/assert'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { prepareMachines } from '@phalanx/worker'
import { platformTable } from '@phalanx/worker/platform/table'
import { openBasePath } from '../base-path.ts'
import type { LogLevel } from '../log-levels.ts'
import { printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'
import { createShutdown } from '../shutdown.ts'
import { startWorker } from '../start-worker.ts'
import { takeOver } from '../take-over.ts'
import { createLogger, systemClock, systemRandom } from '../system.ts'

interface WorkerCommandOptions {
  readonly basePath: string
  readonly port: number
  /** A name of the table. */
  readonly platform: string
  /** One of the platform's families. */
  readonly family?: string
  readonly handoverFrom?: string
  readonly node?: string
  readonly logLevel?: LogLevel
  readonly json: boolean
}

/** Runs a worker until it is told to end. */
export const runWorker: Runner = async (io, _positional, options) => {
  const { basePath, port, platform: name, logLevel = 'info', json, handoverFrom, node, family } = options as unknown as WorkerCommandOptions
  const entry = platformTable.find((one) => one.name === name)
  assert(entry !== undefined, 'the option names a platform of the table')
  if (family !== undefined && entry.families?.includes(family) !== true)
    throw new AppError('CLI_USAGE', { problem: `--family is for simulated machines, and the platform ${name} is real`, command: 'phalanx worker' })
  if (handoverFrom !== undefined && node === undefined) throw new AppError('CLI_USAGE', { problem: '--handover-from needs a node: --node ws://127.0.0.1:9944', command: 'phalanx worker' })
  const shutdown = createShutdown()
  try {
    const base = openBasePath({ path: basePath, kind: 'worker' })
    shutdown.add(() => base.close())
    const [crypto, logger, platform] = await Promise.all([loadCrypto(), createLogger({ level: logLevel, name: 'worker' }), entry.load(family)])
    const started = await startWorker({ folder: base.folder('sealed'), port, portOption: '--port' }, { crypto, clock: systemClock, random: systemRandom, logger, platform })
    shutdown.add(() => started.worker.stop())
    void prepareMachines()
    const { state, reason } = started.worker.status()
    const identity = started.worker.identity()
    printLine(io.stdout, json
      ? toJson({ event: 'started', url: started.url, identity: identity === undefined ? undefined : toHex(identity), state, reason, basePath: base.path })
      : `worker listens on ${started.url}; ${state}: ${reason}. A relay drives it: phalanx relay --worker ${started.url}`)
    if (handoverFrom !== undefined && node !== undefined) {
      await takeOver({ from: handoverFrom, to: started.url, node }, { crypto, clock: systemClock, random: systemRandom, logger })
      printLine(io.stdout, json ? toJson({ event: 'handedOver', from: handoverFrom }) : `took over the identity of ${handoverFrom}; that worker has stopped for good`)
    }
    await Promise.race([shutdown.requested, started.worker.stopped])
    return 0
  } finally {
    await shutdown.close()
  }
}
