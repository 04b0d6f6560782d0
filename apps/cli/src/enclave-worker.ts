/**
 * Owns the worker of a build for one platform: no other command, no other platform, no choice but folder and port. The build is made by
 * bin/build-worker.mjs; its arguments belong into what the platform measures (manifest, image, compose file).
 */
import { parseArgs } from 'node:util'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import type { Logger } from '@phalanx/primitives/ports'
import type { PlatformKind } from '@phalanx/worker/platform'
import { openBasePath } from './base-path.ts'
import { explainSystemError } from './explain.ts'
import { port as parsePort } from './options.ts'
import { exitCodeOf, printError, printLine, toJson } from './output.ts'
import { createShutdown } from './shutdown.ts'
import { startWorker } from './start-worker.ts'
import { processIo, systemClock, systemRandom } from './system.ts'

const DEFAULT_PORT = '8100'

/** JSON lines on standard error, without the logging library and its threads. The worker has already filtered what may leave. */
const createLineLogger = (write: (line: string) => void): Logger => {
  const at = (level: string) => (message: string, data: Readonly<Record<string, unknown>> = {}, error?: unknown): void =>
    write(toJson({ level, time: new Date(systemClock.nowMs()).toISOString(), msg: message, ...data, ...(error === undefined ? {} : { error: error instanceof AppError ? error.code : String(error) }) }))
  return { debug: () => {}, info: at('info'), warn: at('warn'), error: at('error') }
}

interface EnclaveOptions {
  readonly basePath: string
  readonly port: number
}

const parseOptions = (argv: readonly string[]): EnclaveOptions => {
  const usage = (problem: string, cause?: unknown): AppError => new AppError('CLI_USAGE', { problem, command: 'phalanx worker' }, { cause })
  let values: { readonly 'base-path'?: string; readonly port?: string }
  try {
    ;({ values } = parseArgs({ args: [...argv], options: { 'base-path': { type: 'string' }, port: { type: 'string' } }, strict: true, allowPositionals: false }))
  } catch (cause) {
    throw usage(cause instanceof Error ? cause.message.replace(/\.$/, '') : 'The arguments cannot be read', cause)
  }
  const basePath = values['base-path']
  if (basePath === undefined) throw usage('--base-path is missing')
  return { basePath, port: parsePort('--port')(values.port ?? DEFAULT_PORT) }
}

/** Runs the worker until it is told to end; the promise is the exit code. Never rejects. */
export const runEnclaveWorker = async (platform: PlatformKind, argv: readonly string[]): Promise<number> => {
  const io = processIo()
  const shutdown = createShutdown()
  try {
    const { basePath, port } = parseOptions(argv)
    const base = openBasePath({ path: basePath, kind: 'worker' })
    shutdown.add(() => base.close())
    const logger = createLineLogger((line) => printLine(io.stderr, line))
    const dependencies = { crypto: await loadCrypto(), clock: systemClock, random: systemRandom, logger, platform }
    const { worker, url } = await startWorker({ folder: base.folder('sealed'), port, portOption: '--port' }, dependencies)
    shutdown.add(() => worker.stop())
    const { state, reason } = worker.status()
    const identity = worker.identity()
    printLine(io.stdout, toJson({ event: 'started', platform: platform.name, url, identity: identity === undefined ? undefined : toHex(identity), state, reason, basePath: base.path }))
    await Promise.race([shutdown.requested, worker.stopped])
    return 0
  } catch (error) {
    const known = explainSystemError(error)
    printError(io, known, true)
    return exitCodeOf(known)
  } finally {
    await shutdown.close()
  }
}
