/** Owns turning options and configuration into what a relay is told: secrets become signers, addresses become account ids. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { parseAccountAddress, Secret } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Random } from '@phalanx/primitives/ports'
import type { RelayedWorker, RelayFleet } from '@phalanx/relay'
import { createSigner, type KeyType, type Signer } from '@phalanx/sdk/signer'
import './errors.ts'
import './relay-errors.ts'
import type { CliIo } from './output.ts'
import { parseRelayConfig, type ConfiguredWorker, type RelayConfig, type SecretReference } from './relay-config.ts'
import { readSecret, readSigner, readSmallFile } from './secrets.ts'

/** What the command line may say beside the file. */
export interface RelayGiven {
  readonly node?: readonly string[]
  readonly worker?: readonly string[]
  readonly signer?: string
  readonly signerType: KeyType
  readonly operator?: string
  readonly pccsUrl?: string
  readonly config?: string
  readonly statusPort?: number
}

/** Command line and file together; what must be there is. */
export interface RelaySettings extends RelayConfig {
  readonly nodes: readonly string[]
  readonly workers: readonly ConfiguredWorker[]
  readonly signerType: KeyType
}

/** A fleet of thousands of workers fits. */
const CONFIG_BYTES_MAX = 4 * 1024 * 1024

/** Reads the file, if one is given, and puts the options over it. @throws CLI_CONFIG_MALFORMED, CLI_FILE_UNREADABLE, CLI_USAGE */
export const settleRelay = (given: RelayGiven): RelaySettings => {
  const { config } = given
  const file: RelayConfig = config === undefined ? {} : parseRelayConfig(Buffer.from(readSmallFile(config, CONFIG_BYTES_MAX)).toString('utf8'), config)
  const missing = (problem: string): AppError => new AppError('CLI_USAGE', { problem, command: 'phalanx relay' })
  const nodes = given.node ?? file.nodes ?? []
  const workers = given.worker?.map((url): ConfiguredWorker => ({ url })) ?? file.workers ?? []
  const signer = given.signer ?? file.signer
  if (nodes.length === 0) throw missing('No node is given: --node ws://127.0.0.1:9944')
  if (workers.length === 0) throw missing('No worker is given: --worker http://127.0.0.1:8100')
  if (signer === undefined && workers.some(({ pool }) => pool === undefined)) throw missing('No account is given to pay the fees: --signer')
  const operator = given.operator ?? file.operator
  const statusPort = given.statusPort ?? file.statusPort
  const pccsUrl = given.pccsUrl ?? file.pccsUrl
  return {
    ...file, nodes, workers, signerType: given.signer === undefined ? (file.signerType ?? given.signerType) : given.signerType,
    ...(signer === undefined ? {} : { signer }), ...(operator === undefined ? {} : { operator }),
    ...(statusPort === undefined ? {} : { statusPort }), ...(pccsUrl === undefined ? {} : { pccsUrl }),
  }
}

/** The first of these fields in which two settings differ: a running relay keeps them. */
export const fixedFieldChanged = (before: RelaySettings, after: RelaySettings): string | undefined =>
  (['statusPort', 'controlSocket', 'cache', 'limits', 'pccsUrl'] as const).find((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]))

/** Reads secrets by reference. Standard input is read once: a reload finds it empty. */
export const createSecretReader = (io: CliIo): ((reference: SecretReference, what: string) => Promise<Secret<string>>) => {
  let piped: Promise<Secret<string>> | undefined
  return (reference, what) => {
    if (reference === '-') return (piped ??= readSigner(io, reference))
    if (typeof reference === 'string') return readSigner(io, reference)
    if ('file' in reference) return readSecret(io, reference.file, what)
    const value = io.env[reference.env]?.trim() ?? ''
    return value === '' ? Promise.reject(new AppError('CLI_SECRET_MISSING', { what: `${what} in the environment variable ${reference.env}` })) : Promise.resolve(new Secret(value))
  }
}

/** Makes the fleet that settings describe. @throws codes of secrets, CRYPTO_ codes of keys and addresses */
export const createFleet = async (
  settings: RelaySettings,
  dependencies: { readonly crypto: Crypto; readonly random: Random; readonly readSecret: ReturnType<typeof createSecretReader> },
): Promise<RelayFleet> => {
  const { crypto, random } = dependencies
  const signerOf = async (reference: SecretReference, keyType: KeyType, what: string): Promise<Signer> =>
    createSigner({ suri: await dependencies.readSecret(reference, what), keyType }, { crypto, random })
  const accountOf = (operator: string | undefined): { readonly operator?: Uint8Array } => (operator === undefined ? {} : { operator: parseAccountAddress(crypto, operator) })
  const pools = new Map<string, { readonly signer: Signer; readonly operator?: Uint8Array }>()
  for (const [name, pool] of Object.entries(settings.pools ?? {}))
    pools.set(name, { signer: await signerOf(pool.signer, pool.signerType ?? settings.signerType, `secret URI of pool ${name}`), ...accountOf(pool.operator) })
  const workers = settings.workers.map(({ url, name, pool, endpoints, operator }): RelayedWorker => ({
    url, ...(name === undefined ? {} : { name }), ...(pool === undefined ? {} : { pool, ...pools.get(pool) }), ...(endpoints === undefined ? {} : { endpoints }), ...accountOf(operator),
  }))
  const signer = settings.signer === undefined ? undefined : await signerOf(settings.signer, settings.signerType, 'secret URI')
  return { nodes: settings.nodes, workers, ...(signer === undefined ? {} : { signer }), ...accountOf(settings.operator) }
}
