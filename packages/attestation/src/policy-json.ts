/**
 * Owns the readable form of a policy: a JSON object with the policy's own field names, of which every one may be left out, or the SCALE
 * that chains keep. Strict: an unknown field is refused, since a misspelt rule would silently not be one.
 */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { bytesOfText, readDetectionInput } from './detection.ts'
import { attestationError } from './errors.ts'
import { asArray, asInteger, asObject, asText, asTexts, type JsonValue } from './json.ts'
import { referencePolicy } from './kinds/index.ts'
import { AttestationPolicy } from './policy.ts'
import { TCB_STATUSES, type TcbStatus } from './status.ts'
import type { PlainJson } from './verdict-json.ts'
import { parsePem } from './x509/pem.ts'

const U8_MAX = 0xff

const bad = (path: string, expected: string): Error => attestationError('ATTESTATION_POLICY_MALFORMED', `${path} is not ${expected}`, { path })

type Reader<T> = (value: JsonValue, path: string) => T

const hex: Reader<Uint8Array> = (value, path) => {
  const text = asText(value, path)
  if (!/^(0x)?([0-9a-fA-F]{2})*$/.test(text)) throw bad(path, 'hex')
  return parseHex(text)
}

/** A certificate as PEM or as hex of its DER. */
const certificate: Reader<Uint8Array> = (value, path) => {
  const text = asText(value, path)
  if (!text.includes('-----BEGIN')) return hex(value, path)
  const [der, ...more] = parsePem(text)
  if (der === undefined || more.length > 0) throw bad(path, 'one certificate')
  return der
}

const status: Reader<TcbStatus> = (value, path) => {
  const text = asText(value, path)
  const found = TCB_STATUSES.find((one) => one === text)
  if (found === undefined) throw bad(path, `one of ${TCB_STATUSES.join(', ')}`)
  return found
}

const flag: Reader<boolean> = (value, path) => {
  if (typeof value !== 'boolean') throw bad(path, 'true or false')
  return value
}

const listOf = <T>(read: Reader<T>): Reader<T[]> => (value, path) => asArray(value, path).map((entry, i) => read(entry, `${path}[${i}]`))
const u8: Reader<number> = (value, path) => asInteger(value, path, U8_MAX)
const u32: Reader<number> = (value, path) => asInteger(value, path)
const texts: Reader<string[]> = (value, path) => [...asTexts(value, path)]

const familyMinimum: Reader<AttestationPolicy['familyMinimums'][number]> = (value, path) => {
  const entry = asObject(value, path)
  return { family: hex(entry.get('family') ?? null, `${path}.family`), tcb: hex(entry.get('tcb') ?? null, `${path}.tcb`) }
}

const READERS: { readonly [K in keyof AttestationPolicy]-?: Reader<AttestationPolicy[K]> } = {
  format: u8,
  version: u32,
  simulated: flag,
  kinds: texts,
  roots: listOf(certificate),
  enforceMeasurements: flag,
  measurements: listOf(hex),
  acceptedStatuses: listOf(status),
  refusedAdvisories: texts,
  confidenceLevelMax: u8,
  evaluationNumberMin: u32,
  sameEvaluationNumber: flag,
  allowedFamilies: listOf(hex),
  blockedFamilies: listOf(hex),
  admitDebug: flag,
  collateralGraceSeconds: u32,
  revocationGraceSeconds: u32,
  reportAgeSecondsMax: u32,
  gatekeeperConfidenceMax: u8,
  reattestationSeconds: u32,
  renewalWindowSeconds: u32,
  admitUnanchored: flag,
  collateralDelayBlocks: u32,
  familyMinimums: listOf(familyMinimum),
}

const isField = (name: string): name is keyof AttestationPolicy => Object.hasOwn(READERS, name)

const readObject = (json: ReadonlyMap<string, JsonValue>, base: AttestationPolicy): AttestationPolicy => {
  const changes: Record<string, unknown> = {}
  for (const [name, value] of json) {
    if (!isField(name)) throw attestationError('ATTESTATION_POLICY_MALFORMED', `there is no field "${name.slice(0, 60)}"`, { path: name })
    changes[name] = READERS[name](value, name)
  }
  const policy = { ...base, ...(changes as Partial<AttestationPolicy>) }
  // What cannot be written as chains keep it is no policy: lists that are too long, mostly.
  return AttestationPolicy.decode(AttestationPolicy.encode(policy))
}

/**
 * Reads a policy file: JSON whose fields replace those of `base` (`referencePolicy()` unless given), or SCALE as bytes or hex.
 * @throws ATTESTATION_POLICY_MALFORMED, ATTESTATION_JSON_ codes, ATTESTATION_INPUT_TOO_LARGE
 */
export const parsePolicy = (file: Uint8Array, base = referencePolicy()): AttestationPolicy => {
  const { bytes, text, json } = readDetectionInput(file)
  try {
    return json === undefined ? AttestationPolicy.decode((text === undefined ? undefined : bytesOfText(text)) ?? bytes) : readObject(json, base)
  } catch (error) {
    if (!isAppError(error) || !error.code.startsWith('CODEC_')) throw error
    throw attestationError('ATTESTATION_POLICY_MALFORMED', `${error.code}${error.path === '' ? '' : ` at ${error.path}`}`, { path: error.path })
  }
}

const valueToJson = (value: unknown): PlainJson =>
  value instanceof Uint8Array ? toHex(value)
  : Array.isArray(value) ? value.map(valueToJson)
  : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, valueToJson(inner)]))
  : (value as PlainJson)

/** A policy as JSON that `parsePolicy` reads back to the same. */
export const policyToJson = (policy: AttestationPolicy): PlainJson => valueToJson(policy)
