/** Owns `phalanx relay`: running one, and telling a running one what to do. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import type { FleetChange, Relay, RelayOptions, RelaySnapshot } from '@phalanx/relay'
import type { LogLevel } from '../log-levels.ts'
import { createStyle, errorReportOf, printError, printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { orderRelay, RELAY_ACTIONS, serveControl, type RelayAction, type RelayOrder } from '../relay-control.ts'
import { createFleet, createSecretReader, settleRelay, type RelayGiven, type RelaySettings } from '../relay-fleet.ts'
import { createServant } from '../relay-servant.ts'
import { renderRelayStatus } from '../relay-table.ts'
import { createShutdown, type Shutdown } from '../shutdown.ts'
import { serveCache, serveStatus, startRelay } from '../start-relay.ts'
import { createLogger, systemClock, systemRandom } from '../system.ts'

interface RelayCommandOptions extends RelayGiven {
  readonly logLevel?: LogLevel
  readonly json: boolean
}

const usage = (problem: string): AppError => new AppError('CLI_USAGE', { problem, command: 'phalanx relay' })

/** Where the relay of a configuration is told what to do. */
const socketOf = (config: string, settings: { readonly controlSocket?: string }): string => settings.controlSocket ?? `${config}.sock`

/** The same where the file may be broken by now: a relay that runs still obeys. */
const findSocket = (config: string, given: RelayGiven): string => {
  try {
    return socketOf(config, settleRelay(given))
  } catch {
    return socketOf(config, {})
  }
}

/** Prints a line whenever a worker's phase or trouble changes. */
const createPrinter = (io: CliIo, relay: Relay, isJson: boolean) => {
  const seen = new Map<string, string>()
  return (name: string): void => {
    const row = relay.row(name)
    if (row === undefined) return
    const key = `${row.phase} ${row.code ?? ''}`
    if (seen.get(name) === key) return
    seen.set(name, key)
    printLine(io.stdout, isJson
      ? toJson({ event: 'worker', ...row })
      : `worker ${row.name}: ${row.phase}, ${row.reason}${row.fix === undefined ? '' : `; ${row.fix}`}`)
  }
}

const optionsOf = ({ limits = {}, cache = {}, pccsUrl }: RelaySettings): Partial<RelayOptions> & { readonly collateralUrl?: string } => ({
  batchLimits: { messages: limits.messagesPerBatch ?? 100, bytes: limits.bytesPerBatch ?? 512 * 1024 },
  ...(limits.requestsPerNode === undefined ? {} : { requestsPerNode: limits.requestsPerNode }),
  ...(cache.megabytes === undefined ? {} : { cacheBytes: cache.megabytes * 1024 * 1024 }),
  ...(pccsUrl === undefined ? {} : { collateralUrl: pccsUrl }),
})

const describeChange = ({ added, removed, restarted, kept }: FleetChange): string =>
  `${added.length} added, ${removed.length} removed, ${restarted.length} restarted, ${kept} untouched`

/** The control socket and SIGHUP. Where the socket stands by default and cannot be made the relay goes on without. */
const openControl = async (io: CliIo, given: RelayCommandOptions, settings: RelaySettings, obey: (order: RelayOrder) => Promise<unknown>, shutdown: Shutdown): Promise<void> => {
  const { config } = given
  if (config === undefined) return
  const onHangUp = (): void => {
    obey({ action: 'reload' }).then(
      (change) => printLine(io.stdout, given.json ? toJson({ event: 'reloaded', ...(change as FleetChange) }) : `reloaded: ${describeChange(change as FleetChange)}`),
      (error: unknown) => printError(io, error, given.json))
  }
  process.on('SIGHUP', onHangUp)
  shutdown.add(() => void process.off('SIGHUP', onHangUp))
  try {
    const control = await serveControl(socketOf(config, settings), obey)
    shutdown.add(() => control.close())
  } catch (error) {
    if (settings.controlSocket !== undefined || (error instanceof AppError && error.code === 'CLI_RELAY_RUNNING')) throw error
    const { cause, fix } = errorReportOf(error)
    printLine(io.stderr, `no control socket: ${cause} ${fix}`)
  }
}

const openDoors = async (io: CliIo, given: RelayCommandOptions, settings: RelaySettings, relay: Relay, shutdown: Shutdown): Promise<void> => {
  const doors: Record<string, string> = {}
  if (settings.statusPort !== undefined) {
    const status = await serveStatus(relay, settings.statusPort)
    shutdown.add(() => status.close())
    doors['status'] = `http://127.0.0.1:${status.port}/status`
  }
  const { port, host = '127.0.0.1' } = settings.cache ?? {}
  if (port !== undefined) {
    const cache = await serveCache(relay, { host, port })
    shutdown.add(() => cache.close())
    doors['cache'] = `http://${host.includes(':') ? `[${host}]` : host}:${cache.port}`
  }
  const lines = Object.entries(doors)
  if (given.json && lines.length > 0) printLine(io.stdout, toJson({ event: 'started', ...doors }))
  if (!given.json) for (const [name, address] of lines) printLine(io.stdout, `${name} on ${address}`)
}

const drive = async (io: CliIo, given: RelayCommandOptions): Promise<number> => {
  const settings = settleRelay(given)
  const shutdown = createShutdown()
  try {
    const readSecret = createSecretReader(io)
    const [crypto, logger] = await Promise.all([loadCrypto(), createLogger({ level: given.logLevel ?? 'warn', name: 'relay' })])
    const fleetOf = (wanted: RelaySettings) => createFleet(wanted, { crypto, random: systemRandom, readSecret })
    const relay = await startRelay({ ...optionsOf(settings), ...(await fleetOf(settings)) }, { crypto, clock: systemClock, random: systemRandom, logger })
    shutdown.add(() => relay.close())
    await openDoors(io, given, settings, relay, shutdown)
    await openControl(io, given, settings, createServant(relay, { given, running: settings, fleetOf }), shutdown)
    const print = createPrinter(io, relay, given.json)
    for (const { name } of relay.snapshot().workers) print(name)
    relay.onChange((_snapshot, name) => print(name))
    await shutdown.requested
    return 0
  } finally {
    await shutdown.close()
  }
}

/** Tells a running relay what to do and prints what it says. */
const order = async (io: CliIo, given: RelayCommandOptions, action: RelayAction, worker: string | undefined): Promise<number> => {
  const { config } = given
  if (config === undefined) throw usage(`${action} needs the --config of the running relay`)
  const needsWorker = action === 'add' || action === 'remove' || action === 'restart'
  if (needsWorker && worker === undefined) throw usage(`${action} needs the name of a worker`)
  if (!needsWorker && worker !== undefined) throw usage(`${action} takes no worker`)
  const answer = await orderRelay(findSocket(config, given), { action, ...(worker === undefined ? {} : { worker }) })
  if (given.json) printLine(io.stdout, toJson(answer))
  else if (action === 'status') for (const line of renderRelayStatus(answer as RelaySnapshot, systemClock.nowMs(), createStyle(io.stdout, io.env))) printLine(io.stdout, line)
  else printLine(io.stdout, action === 'reload' ? `reloaded: ${describeChange(answer as FleetChange)}` : `${action}: ${worker ?? ''}`)
  return 0
}

/** Runs a relay until it is told to end, or with an action tells a running one what to do. */
export const runRelay: Runner = async (io, [action, worker], options) => {
  const given = options as unknown as RelayCommandOptions
  if (action === undefined) return drive(io, given)
  const known = RELAY_ACTIONS.find((each) => each === action)
  if (known === undefined) throw usage(`A relay knows no action ${action}, but ${RELAY_ACTIONS.join(', ')}`)
  return order(io, given, known, worker)
}
