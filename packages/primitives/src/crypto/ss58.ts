/** Owns SS58 addresses: base58 of network prefix, payload and blake2b checksum. Strict both ways. Does not own the registry of networks. */
import { base58 } from '@scure/base'

import { bytesEqual, concatBytes, utf8 } from '../bytes.ts'
import { AppError } from '../errors.ts'
import type { Crypto } from './crypto.ts'

/** What an address says. */
export interface Ss58Address {
  /** Network, 0 to 16383. */
  readonly prefix: number
  /** 32 bytes for accounts; 33 (ECDSA keys), 1, 2, 4 and 8 (indices) exist too. */
  readonly payload: Uint8Array
}

type Hasher = Pick<Crypto, 'blake2b'>

const PREFIX_MAX = 16383
/** Prefixes that mark reserved address formats. */
const RESERVED: readonly number[] = [46, 47]
const CHECKSUM_DOMAIN = utf8('SS58PRE')
/** Two prefix bytes, 33 payload bytes and two checksum bytes take 51 characters; more is not worth a quadratic decode. */
const TEXT_MAX = 64

/** Payload length to checksum length: public keys have two bytes, account indices one. */
const CHECKSUM_LENGTHS: ReadonlyMap<number, number> = new Map([[1, 1], [2, 1], [4, 1], [8, 1], [32, 2], [33, 2]])

const fail = (why: string, cause?: unknown): AppError => new AppError('CRYPTO_INVALID_ADDRESS', { why }, { cause })

const checksumOf = (crypto: Hasher, body: Uint8Array): Uint8Array => crypto.blake2b(concatBytes(CHECKSUM_DOMAIN, body), 64)

const encodePrefix = (prefix: number): Uint8Array =>
  prefix < 64
    ? Uint8Array.of(prefix)
    : Uint8Array.of(((prefix & 0b1111_1100) >> 2) | 0b0100_0000, (prefix >> 8) | ((prefix & 0b11) << 6))

const requirePrefix = (prefix: number): void => {
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > PREFIX_MAX) throw fail(`network prefix ${prefix} is not in 0..${PREFIX_MAX}`)
  if (RESERVED.includes(prefix)) throw fail(`network prefix ${prefix} is reserved`)
}

/**
 * Writes an address.
 * @example encodeSs58(crypto, { prefix: 42, payload: alicePublicKey }) // 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
 * @throws CRYPTO_INVALID_ADDRESS for a prefix or payload length that SS58 does not have
 */
export const encodeSs58 = (crypto: Hasher, { prefix, payload }: Ss58Address): string => {
  requirePrefix(prefix)
  const checksumLength = CHECKSUM_LENGTHS.get(payload.length)
  if (checksumLength === undefined) throw fail(`a payload has no form of ${payload.length} bytes`)
  const body = concatBytes(encodePrefix(prefix), payload)
  return base58.encode(concatBytes(body, checksumOf(crypto, body).subarray(0, checksumLength)))
}

const decodeBase58 = (text: string): Uint8Array => {
  if (text.length > TEXT_MAX) throw fail('it is too long')
  try {
    return base58.decode(text)
  } catch (cause) {
    throw fail('it holds characters that base58 does not have', cause)
  }
}

/** Reads the prefix and how many bytes it takes. */
const decodePrefix = (bytes: Uint8Array): { prefix: number; length: number } => {
  const first = bytes[0]
  const second = bytes[1]
  if (first === undefined || second === undefined) throw fail('it is too short')
  if (first < 64) return { prefix: first, length: 1 }
  if (first > 127) throw fail('its first byte is no known form')
  const prefix = ((first & 0b0011_1111) << 2) | (second >> 6) | ((second & 0b0011_1111) << 8)
  if (prefix < 64) throw fail('its network prefix is not in the shortest form')
  return { prefix, length: 2 }
}

/** Reads an address of any network. @throws CRYPTO_INVALID_ADDRESS */
export const parseSs58 = (crypto: Hasher, text: string): Ss58Address => {
  const bytes = decodeBase58(text)
  const { prefix, length: prefixLength } = decodePrefix(bytes)
  requirePrefix(prefix)
  for (const [payloadLength, checksumLength] of CHECKSUM_LENGTHS) {
    if (bytes.length !== prefixLength + payloadLength + checksumLength) continue
    const body = bytes.subarray(0, prefixLength + payloadLength)
    if (!bytesEqual(checksumOf(crypto, body).subarray(0, checksumLength), bytes.subarray(body.length))) throw fail('its checksum is wrong')
    return { prefix, payload: body.slice(prefixLength) }
  }
  throw fail(`it has ${bytes.length} bytes, which no form of address has`)
}

/** Reads the 32-byte account of an address, on one network where `prefix` is given. @throws CRYPTO_INVALID_ADDRESS */
export const parseAccountAddress = (crypto: Hasher, text: string, prefix?: number): Uint8Array => {
  const address = parseSs58(crypto, text)
  if (address.payload.length !== 32) throw fail('it does not name a 32-byte account')
  if (prefix !== undefined && address.prefix !== prefix) throw fail(`it belongs to network ${address.prefix}, not ${prefix}`)
  return address.payload
}
