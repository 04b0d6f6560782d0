/**
 * Owns reading attestation documents of AWS Nitro Enclaves: COSE_Sign1 (RFC 9052 section 4.2) around a CBOR map with the fields and
 * limits of AWS' "Verifying the root of trust". Does not judge what they say.
 */
import { bytesEqual, parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { attestationError } from '../../errors.ts'
import { cborLength, encodeCbor, parseCbor, type CborMap, type CborValue } from './cbor.ts'

/** COSE tag of a single-signer message; AWS leaves it out, some tools put it in. */
const COSE_SIGN1_TAG = 18
/** `{1: -35}`: ES384 and nothing else. */
const PROTECTED_ES384 = parseHex('a1013822')
const SIGNATURE_LENGTH = 96

/** A signed message: what is signed, by what form, and the signature (raw r ‖ s). */
export interface CoseMessage {
  readonly protectedHeader: Uint8Array
  readonly payload: Uint8Array
  readonly signature: Uint8Array
}

const badCose = (detail: string): never => {
  throw attestationError('ATTESTATION_COSE_MALFORMED', detail)
}

/** Reads a COSE_Sign1 message with ES384. The unprotected header must be empty: nobody signs what stands there. @throws ATTESTATION_COSE_MALFORMED, ATTESTATION_CBOR_ codes */
export const parseCoseSign1 = (bytes: Uint8Array): CoseMessage => {
  const message = parseCbor(bytes, { tag: COSE_SIGN1_TAG })
  if (!Array.isArray(message) || message.length !== 4) return badCose('not an array of four')
  const [protectedHeader, unprotectedHeader, payload, signature] = message as readonly CborValue[]
  if (!(protectedHeader instanceof Uint8Array) || !bytesEqual(protectedHeader, PROTECTED_ES384))
    return badCose(`protected header ${protectedHeader instanceof Uint8Array ? toHexPlain(protectedHeader.subarray(0, 16)) : 'is no byte string'}, {1: -35} (ES384) expected`)
  if (!(unprotectedHeader instanceof Map) || unprotectedHeader.size !== 0) return badCose('the unprotected header is not empty')
  if (!(payload instanceof Uint8Array) || payload.length === 0) return badCose('no payload')
  if (!(signature instanceof Uint8Array) || signature.length !== SIGNATURE_LENGTH) return badCose(`a signature of ${SIGNATURE_LENGTH} bytes expected`)
  return { protectedHeader, payload, signature }
}

/** The message that a file begins with, without the rest of a container that it was cut from. @throws ATTESTATION_CBOR_ codes */
export const cutCoseSign1 = (bytes: Uint8Array): Uint8Array => bytes.subarray(0, cborLength(bytes, { tag: COSE_SIGN1_TAG }))

/** The bytes that a COSE_Sign1 signature is over (RFC 9052 section 4.4). */
export const signedBytes = ({ protectedHeader, payload }: CoseMessage): Uint8Array => encodeCbor(['Signature1', protectedHeader, new Uint8Array(0), payload])

/** An attestation document. Optional fields are undefined where absent or null. */
export interface NitroDocument {
  readonly moduleId: string
  /** Milliseconds since 1970. */
  readonly timestampMs: number
  readonly pcrs: ReadonlyMap<number, Uint8Array>
  /** DER of the certificate whose key signed. */
  readonly certificate: Uint8Array
  /** DER of the issuing certificates, root first. */
  readonly cabundle: readonly Uint8Array[]
  readonly publicKey: Uint8Array | undefined
  readonly userData: Uint8Array | undefined
  readonly nonce: Uint8Array | undefined
}

const FIELDS: readonly string[] = ['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle', 'public_key', 'user_data', 'nonce']
const PCR_INDEX_MAX = 31
/** Digests are SHA-384, so registers are 48 bytes. */
const PCR_LENGTH = 48
const CERTIFICATE_MAX = 1024
const CHAIN_MAX = 8
const USER_DATA_MAX = 512
const PUBLIC_KEY_MAX = 1024
const MODULE_ID = /^[a-zA-Z0-9][a-zA-Z0-9-]{0,127}$/

const bad = (field: string, what: string): never => {
  throw attestationError('ATTESTATION_DOCUMENT_FIELD', `${field} ${what}`, { path: field })
}

const bytesOf = (value: CborValue | undefined, field: string, max: number, min = 1): Uint8Array =>
  value instanceof Uint8Array && value.length >= min && value.length <= max ? value : bad(field, `is not ${min} to ${max} bytes`)

const optionalBytes = (value: CborValue | undefined, field: string, max: number, min: number): Uint8Array | undefined =>
  value === undefined || value === null ? undefined : bytesOf(value, field, max, min)

const readPcrs = (value: CborValue | undefined): ReadonlyMap<number, Uint8Array> => {
  if (!(value instanceof Map) || value.size === 0 || value.size > PCR_INDEX_MAX + 1) return bad('pcrs', `is not a map of 1 to ${PCR_INDEX_MAX + 1} registers`)
  const out = new Map<number, Uint8Array>()
  for (const [index, content] of value as CborMap) {
    if (typeof index !== 'number' || index < 0 || index > PCR_INDEX_MAX) return bad('pcrs', `has register "${String(index).slice(0, 20)}"`)
    out.set(index, bytesOf(content, `pcrs.${index}`, PCR_LENGTH, PCR_LENGTH))
  }
  return out
}

const readBundle = (value: CborValue | undefined): readonly Uint8Array[] => {
  if (!Array.isArray(value) || value.length === 0 || value.length > CHAIN_MAX) return bad('cabundle', `is not 1 to ${CHAIN_MAX} certificates`)
  return (value as readonly CborValue[]).map((one, i) => bytesOf(one, `cabundle[${i}]`, CERTIFICATE_MAX))
}

/** Reads the payload of a document. A field that AWS does not name is refused. @throws ATTESTATION_DOCUMENT_FIELD, ATTESTATION_CBOR_ codes */
export const parseNitroDocument = (payload: Uint8Array): NitroDocument => {
  const root = parseCbor(payload, { open: true })
  if (!(root instanceof Map)) return bad('document', 'is not a map')
  const map = root as CborMap
  for (const key of map.keys()) if (typeof key !== 'string' || !FIELDS.includes(key)) return bad(String(key).slice(0, 40), 'is not a field of this document')
  const moduleId = map.get('module_id')
  const timestampMs = map.get('timestamp')
  if (typeof moduleId !== 'string' || !MODULE_ID.test(moduleId)) return bad('module_id', 'is not an identifier')
  if (map.get('digest') !== 'SHA384') return bad('digest', 'is not SHA384')
  if (typeof timestampMs !== 'number' || timestampMs <= 0) return bad('timestamp', 'is not a positive integer')
  return {
    moduleId, timestampMs,
    pcrs: readPcrs(map.get('pcrs')),
    certificate: bytesOf(map.get('certificate'), 'certificate', CERTIFICATE_MAX),
    cabundle: readBundle(map.get('cabundle')),
    publicKey: optionalBytes(map.get('public_key'), 'public_key', PUBLIC_KEY_MAX, 1),
    userData: optionalBytes(map.get('user_data'), 'user_data', USER_DATA_MAX, 0),
    nonce: optionalBytes(map.get('nonce'), 'nonce', USER_DATA_MAX, 0),
  }
}
