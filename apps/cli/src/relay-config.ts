/** Owns the relay's configuration file: strict JSON, put under the options of the command line. */
import { dirname, resolve } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import type { KeyType } from '@phalanx/sdk/signer'
import './errors.ts'

/** Where a secret URI is: itself or a file (as --signer takes it), a file, or an environment variable. */
export type SecretReference = string | { readonly file: string } | { readonly env: string }

/** A worker to drive. */
export interface ConfiguredWorker {
  readonly url: string
  readonly name?: string
  readonly pool?: string
  readonly endpoints?: readonly string[]
  readonly operator?: string
}

/** Workers that one account pays for. */
export interface ConfiguredPool {
  readonly signer: SecretReference
  readonly signerType?: KeyType
  readonly operator?: string
}

/** What the file may say; every field is optional. */
export interface RelayConfig {
  /** WebSocket addresses of nodes; HTTP addresses are caches of other relays. */
  readonly nodes?: readonly string[]
  readonly workers?: readonly ConfiguredWorker[]
  readonly pools?: Readonly<Record<string, ConfiguredPool>>
  /** Pays for workers without a pool. A file counts from the configuration's folder. */
  readonly signer?: SecretReference
  readonly signerType?: KeyType
  readonly operator?: string
  readonly pccsUrl?: string
  readonly statusPort?: number
  /** Socket that `relay reload`, `status` and the like speak to; beside the configuration unless given. */
  readonly controlSocket?: string
  /** Blocks kept, and where they are served to other relays. */
  readonly cache?: { readonly megabytes?: number; readonly port?: number; readonly host?: string }
  readonly limits?: { readonly messagesPerBatch?: number; readonly bytesPerBatch?: number; readonly requestsPerNode?: number }
}

const KEY_TYPES: readonly string[] = ['sr25519', 'ed25519', 'ecdsa']

type Check = (value: unknown, field: string, refuse: (reason: string) => AppError) => void

const text: Check = (value, field, refuse) => {
  if (typeof value !== 'string' || value === '') throw refuse(`${field} must be a text`)
}

const address = (schemes: readonly string[]): Check => (value, field, refuse) => {
  if (typeof value !== 'string' || !URL.canParse(value) || !schemes.includes(new URL(value).protocol)) throw refuse(`${field} must be an address with ${schemes.join(' or ')}`)
}

const list = (check: Check): Check => (value, field, refuse) => {
  if (!Array.isArray(value)) throw refuse(`${field} must be a list`)
  value.forEach((element, i) => check(element, `${field}[${i}]`, refuse))
}

const record = (fields: Readonly<Record<string, Check>>): Check => (value, field, refuse) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(`${field === '' ? 'it' : field} must be an object`)
  for (const [name, content] of Object.entries(value)) {
    const check = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (check === undefined) throw refuse(`${field === '' ? '' : `${field}.`}${name} is not a known field`)
    check(content, field === '' ? name : `${field}.${name}`, refuse)
  }
}

const whole = (min: number, max: number): Check => (value, field, refuse) => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) throw refuse(`${field} must be a whole number from ${min} to ${max}`)
}

const portNumber: Check = (value, field, refuse) => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 65_535) throw refuse(`${field} must be a port`)
}

const keyType: Check = (value, field, refuse) => {
  if (typeof value !== 'string' || !KEY_TYPES.includes(value)) throw refuse(`${field} must be one of ${KEY_TYPES.join(', ')}`)
}

const NAME = /^[\w.-]{1,64}$/
const checkName: Check = (value, field, refuse) => {
  if (typeof value !== 'string' || !NAME.test(value)) throw refuse(`${field} must be a name of up to 64 letters, digits, dots, dashes and underscores`)
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/
const secret: Check = (value, field, refuse) => {
  if (typeof value !== 'object' || value === null) return text(value, field, refuse)
  record({ file: text, env: text })(value, field, refuse)
  const { env } = value as { file?: string; env?: string }
  if (Object.keys(value).length !== 1) throw refuse(`${field} must have either file or env`)
  if (env !== undefined && !ENV_NAME.test(env)) throw refuse(`${field}.env must be the name of an environment variable`)
}

const required = (name: string, check: Check): Check => (value, field, refuse) => {
  check(value, field, refuse)
  if ((value as Readonly<Record<string, unknown>>)[name] === undefined) throw refuse(`${field}.${name} is missing`)
}

const worker = required('url', record({ url: address(['http:', 'https:']), name: checkName, pool: checkName, endpoints: list(address(['http:', 'https:'])), operator: text }))
const pool = required('signer', record({ signer: secret, signerType: keyType, operator: text }))

const pools: Check = (value, field, refuse) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(`${field} must be an object`)
  for (const [name, content] of Object.entries(value)) {
    checkName(name, `${field}.${name}`, refuse)
    pool(content, `${field}.${name}`, refuse)
  }
}

const config = record({
  nodes: list(address(['ws:', 'wss:', 'http:', 'https:'])),
  workers: list(worker),
  pools,
  signer: secret,
  signerType: keyType,
  operator: text,
  pccsUrl: address(['http:', 'https:']),
  statusPort: portNumber,
  controlSocket: text,
  cache: record({ megabytes: whole(1, 65_536), port: portNumber, host: text }),
  limits: record({ messagesPerBatch: whole(1, 1_000), bytesPerBatch: whole(1_024, 2 * 1024 * 1024), requestsPerNode: whole(1, 1_000) }),
})

/** What single fields cannot show: names and addresses are given once, pools exist, somebody pays. */
const checkWhole = (found: RelayConfig, refuse: (reason: string) => AppError): void => {
  const { nodes, workers = [] } = found
  nodes?.forEach((node, i) => {
    if (nodes.indexOf(node) !== i) throw refuse(`nodes[${i}] is given twice`)
  })
  if (nodes !== undefined && nodes.length > 0 && nodes.every((node) => node.startsWith('http'))) throw refuse('nodes[0] and all others are caches: at least one must be an address with ws: or wss:')
  const seen = new Map<string, string>()
  workers.forEach((each, i) => {
    for (const [field, key] of [['url', each.url], ['name', each.name ?? each.url]] as const) {
      const before = seen.get(`${field} ${key}`)
      if (before !== undefined) throw refuse(`workers[${i}].${field} is that of ${before}`)
      seen.set(`${field} ${key}`, `workers[${i}]`)
    }
    if (each.pool !== undefined && !Object.hasOwn(found.pools ?? {}, each.pool)) throw refuse(`workers[${i}].pool is not among pools`)
  })
}

/** Reads the text of a configuration file. A relative signer file counts from the configuration's folder. @throws CLI_CONFIG_MALFORMED */
export const parseRelayConfig = (content: string, path: string): RelayConfig => {
  const refuse = (reason: string): AppError => new AppError('CLI_CONFIG_MALFORMED', { path, reason })
  let value: unknown
  try {
    value = JSON.parse(content)
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : 'it is not JSON')
  }
  config(value, '', refuse)
  const found = value as RelayConfig
  checkWhole(found, refuse)
  const folder = dirname(path)
  const settled = (reference: SecretReference): SecretReference => {
    if (typeof reference === 'object') return 'file' in reference ? { file: resolve(folder, reference.file) } : reference
    return /^\.{0,2}\/(?!\/)/.test(reference) ? resolve(folder, reference) : reference
  }
  return {
    ...found,
    ...(found.signer === undefined ? {} : { signer: settled(found.signer) }),
    ...(found.controlSocket === undefined ? {} : { controlSocket: resolve(folder, found.controlSocket) }),
    ...(found.pools === undefined ? {} : { pools: Object.fromEntries(Object.entries(found.pools).map(([name, each]) => [name, { ...each, signer: settled(each.signer) }])) }),
  }
}
