/** Owns the relay's configuration file: strict JSON, put under the options of the command line. */
import { dirname, resolve } from 'node:path'
import { AppError } from '@phalanx/primitives/errors'
import type { KeyType } from '@phalanx/sdk/signer'
import './errors.ts'

/** A worker to drive. */
export interface ConfiguredWorker {
  readonly url: string
  readonly endpoints?: readonly string[]
}

/** What the file may say; every field is optional. */
export interface RelayConfig {
  readonly nodes?: readonly string[]
  readonly workers?: readonly ConfiguredWorker[]
  /** Secret URI, or a file relative to the configuration. */
  readonly signer?: string
  readonly signerType?: KeyType
  readonly operator?: string
  readonly pccsUrl?: string
  readonly statusPort?: number
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

const worker: Check = (value, field, refuse) => {
  record({ url: address(['http:', 'https:']), endpoints: list(address(['http:', 'https:'])) })(value, field, refuse)
  if ((value as { url?: unknown }).url === undefined) throw refuse(`${field}.url is missing`)
}

const config = record({
  nodes: list(address(['ws:', 'wss:'])),
  workers: list(worker),
  signer: text,
  signerType(value, field, refuse) {
    if (typeof value !== 'string' || !KEY_TYPES.includes(value)) throw refuse(`${field} must be one of ${KEY_TYPES.join(', ')}`)
  },
  operator: text,
  pccsUrl: address(['http:', 'https:']),
  statusPort(value, field, refuse) {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 65_535) throw refuse(`${field} must be a port`)
  },
})

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
  const isFile = found.signer !== undefined && /^\.{0,2}\/(?!\/)/.test(found.signer)
  return isFile ? { ...found, signer: resolve(dirname(path), found.signer) } : found
}
