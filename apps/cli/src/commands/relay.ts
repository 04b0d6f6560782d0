/** Owns `phalanx relay`. */
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { parseAccountAddress } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { RelayedWorker, RelaySnapshot } from '@phalanx/relay'
import { createSigner, type KeyType } from '@phalanx/sdk/signer'
import type { LogLevel } from '../log-levels.ts'
import { printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'
import { parseRelayConfig, type RelayConfig } from '../relay-config.ts'
import { readSigner, readSmallFile } from '../secrets.ts'
import { createShutdown } from '../shutdown.ts'
import { serveStatus, startRelay } from '../start-relay.ts'
import { createLogger, systemClock, systemRandom } from '../system.ts'

interface RelayCommandOptions {
  readonly node?: readonly string[]
  readonly worker?: readonly string[]
  readonly signer?: string
  readonly signerType: KeyType
  readonly operator?: string
  readonly pccsUrl?: string
  readonly config?: string
  readonly statusPort?: number
  readonly logLevel?: LogLevel
  readonly json: boolean
}

/** What the command line and the file say together. */
const settle = (options: RelayCommandOptions): Required<Pick<RelayConfig, 'nodes' | 'workers' | 'signer' | 'signerType'>> & RelayConfig => {
  const file: RelayConfig = options.config === undefined ? {} : parseRelayConfig(Buffer.from(readSmallFile(options.config, 1024 * 1024)).toString('utf8'), options.config)
  const missing = (problem: string): AppError => new AppError('CLI_USAGE', { problem, command: 'phalanx relay' })
  const nodes = options.node ?? file.nodes ?? []
  const workers: readonly RelayedWorker[] = options.worker?.map((url) => ({ url })) ?? file.workers ?? []
  const signer = options.signer ?? file.signer
  if (nodes.length === 0) throw missing('No node is given: --node ws://127.0.0.1:9944')
  if (workers.length === 0) throw missing('No worker is given: --worker http://127.0.0.1:8100')
  if (signer === undefined) throw missing('No account is given to pay the fees: --signer')
  const operator = options.operator ?? file.operator
  const statusPort = options.statusPort ?? file.statusPort
  const pccsUrl = options.pccsUrl ?? file.pccsUrl
  return {
    nodes, workers, signer, signerType: options.signer === undefined ? (file.signerType ?? options.signerType) : options.signerType,
    ...(operator === undefined ? {} : { operator }), ...(statusPort === undefined ? {} : { statusPort }), ...(pccsUrl === undefined ? {} : { pccsUrl }),
  }
}

/** Prints a line whenever a worker's phase or trouble changes. */
const createPrinter = (io: CliIo, isJson: boolean) => {
  const seen = new Map<string, string>()
  return (snapshot: () => RelaySnapshot): void => {
    for (const row of snapshot().workers) {
      const key = `${row.phase} ${row.code ?? ''}`
      if (seen.get(row.url) === key) continue
      seen.set(row.url, key)
      printLine(io.stdout, isJson
        ? toJson({ event: 'worker', ...row })
        : `worker ${row.url}: ${row.phase}, ${row.reason}${row.fix === undefined ? '' : `; ${row.fix}`}`)
    }
  }
}

/** Runs a relay until it is told to end. */
export const runRelay: Runner = async (io, _positional, options) => {
  const given = options as unknown as RelayCommandOptions
  const settings = settle(given)
  const shutdown = createShutdown()
  try {
    const secret = await readSigner(io, settings.signer)
    const [crypto, logger] = await Promise.all([loadCrypto(), createLogger({ level: given.logLevel ?? 'warn', name: 'relay' })])
    const signer = createSigner({ suri: secret, keyType: settings.signerType }, { crypto, random: systemRandom })
    const operator = settings.operator === undefined ? undefined : parseAccountAddress(crypto, settings.operator)
    const relay = await startRelay(
      { nodes: settings.nodes, workers: settings.workers, signer, ...(operator === undefined ? {} : { operator }), ...(settings.pccsUrl === undefined ? {} : { collateralUrl: settings.pccsUrl }) },
      { crypto, clock: systemClock, random: systemRandom, logger },
    )
    shutdown.add(() => relay.close())
    const print = createPrinter(io, given.json)
    if (settings.statusPort !== undefined) {
      const status = await serveStatus(relay, settings.statusPort)
      shutdown.add(() => status.close())
      printLine(io.stdout, given.json ? toJson({ event: 'started', status: `http://127.0.0.1:${status.port}/status` }) : `status on http://127.0.0.1:${status.port}/status`)
    }
    print(() => relay.snapshot())
    relay.onChange(print)
    await shutdown.requested
    return 0
  } finally {
    await shutdown.close()
  }
}
