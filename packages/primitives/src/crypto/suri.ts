/**
 * Owns secret URIs, `phrase//hard/soft///password`, as `subkey` and sp-core read them, and the keys they name.
 * Does not own BIP39 (mnemonic.ts) or where a URI is kept.
 */
import { bigintToLe, concatBytes, parseHex, utf8 } from '../bytes.ts'
import { AppError } from '../errors.ts'
import type { Crypto, Sr25519Pair } from './crypto.ts'
import { mnemonicToSeed } from './mnemonic.ts'

/** The public phrase behind `//Alice` and the other development accounts. */
export const DEV_PHRASE = 'bottom drive obey lake curtain smoke basket hold race lonely fit walk'

/** One step of a derivation path. */
export interface Junction {
  readonly kind: 'hard' | 'soft'
  /** 32 bytes. */
  readonly chainCode: Uint8Array
}

/** A secret URI taken apart. `phrase` is a mnemonic or `0x` with a 32-byte seed or a 64-byte secret. */
export interface Suri {
  readonly phrase: string
  readonly junctions: readonly Junction[]
  readonly password: string | undefined
}

const TEXT_MAX = 8192
const U64_MAX = (1n << 64n) - 1n
const fail = (why: string): AppError => new AppError('CRYPTO_INVALID_SURI', { why })

/** SCALE bytes of a text: compact length and UTF-8. Written out because junctions are shorter than 2^14. */
const encodeText = (text: string): Uint8Array => {
  const bytes = utf8(text)
  const length = bytes.length << 2
  if (bytes.length < 64) return concatBytes(Uint8Array.of(length), bytes)
  if (bytes.length < 16384) return concatBytes(Uint8Array.of((length & 0xff) | 1, length >> 8), bytes)
  throw fail('a junction is too long')
}

/** A number up to u64 is its little-endian bytes, any other text its SCALE bytes, hashed where they exceed 32. */
const chainCodeOf = (crypto: Pick<Crypto, 'blake2b256'>, text: string): Uint8Array => {
  const number = /^\+?[0-9]+$/.test(text) ? BigInt(text.replace('+', '')) : undefined
  const encoded = number !== undefined && number <= U64_MAX ? bigintToLe(number, 8) : encodeText(text)
  if (encoded.length > 32) return crypto.blake2b256(encoded)
  const chainCode = new Uint8Array(32)
  chainCode.set(encoded)
  return chainCode
}

/** Reads a path such as `//polkadot/0`; the empty text is the empty path. @throws CRYPTO_INVALID_SURI */
export const parseJunctions = (crypto: Pick<Crypto, 'blake2b256'>, path: string): readonly Junction[] => {
  if (!/^(\/\/?[^/]+)*$/.test(path)) throw fail('a path is made of /soft and //hard junctions')
  return [...path.matchAll(/(\/\/?)([^/]+)/g)].map(([, slashes, text]) => ({
    kind: slashes === '//' ? 'hard' : 'soft',
    chainCode: chainCodeOf(crypto, text as string),
  }))
}

/** Takes a secret URI apart; without a phrase it is about the development phrase. @throws CRYPTO_INVALID_SURI */
export const parseSuri = (crypto: Pick<Crypto, 'blake2b256'>, suri: string): Suri => {
  if (suri.length > TEXT_MAX) throw fail('it is too long')
  const passwordAt = suri.indexOf('///')
  const password = passwordAt < 0 ? undefined : suri.slice(passwordAt + 3)
  const rest = passwordAt < 0 ? suri : suri.slice(0, passwordAt)
  const pathAt = rest.indexOf('/')
  const phrase = pathAt < 0 ? rest : rest.slice(0, pathAt)
  if (!/^[\p{L}\p{M}\p{N}_ ]*$/u.test(phrase)) throw fail('the phrase holds characters no phrase has')
  return { phrase: phrase === '' ? DEV_PHRASE : phrase, junctions: parseJunctions(crypto, pathAt < 0 ? '' : rest.slice(pathAt)), password }
}

/** The bytes the phrase stands for: a 32-byte seed, or a 64-byte secret where one was written in hex. */
const rootOf = (crypto: Pick<Crypto, 'pbkdf2Sha512'>, { phrase, password }: Suri): Uint8Array => {
  if (!phrase.startsWith('0x')) return mnemonicToSeed(crypto, { phrase, password: password ?? '' }).slice(0, 32)
  if (password !== undefined) throw fail('a hex seed has no password')
  if (!/^0x([0-9a-fA-F]{64}|[0-9a-fA-F]{128})$/.test(phrase)) throw fail('a hex seed has 32 bytes, a hex secret 64')
  return parseHex(phrase)
}

/**
 * The sr25519 pair of a secret URI.
 * @throws CRYPTO_INVALID_SURI, CRYPTO_INVALID_MNEMONIC, CRYPTO_INVALID_KEY
 */
export const suriToSr25519 = (crypto: Crypto, suri: string): Sr25519Pair => {
  const parsed = parseSuri(crypto, suri)
  const root = rootOf(crypto, parsed)
  let pair = root.length === 32 ? crypto.sr25519.pairFromSeed(root) : crypto.sr25519.pairFromSecret(root)
  for (const { kind, chainCode } of parsed.junctions) {
    pair = kind === 'hard' ? crypto.sr25519.deriveHard(pair.secret, chainCode) : crypto.sr25519.deriveSoft(pair.secret, chainCode)
  }
  return pair
}

/** Hard derivation of the key types without soft one: blake2b-256 over SCALE(domain, seed, chain code). */
const hardSeed = (crypto: Crypto, suri: string, domain: string): Uint8Array => {
  const parsed = parseSuri(crypto, suri)
  let seed = rootOf(crypto, parsed)
  if (seed.length !== 32) throw fail('this kind of key starts from a 32-byte seed')
  for (const { kind, chainCode } of parsed.junctions) {
    if (kind === 'soft') throw fail('this kind of key has only //hard junctions')
    seed = crypto.blake2b256(concatBytes(encodeText(domain), seed, chainCode))
  }
  return seed
}

/** The ed25519 seed of a secret URI with hard junctions only. @throws CRYPTO_INVALID_SURI, CRYPTO_INVALID_MNEMONIC */
export const suriToEd25519Seed = (crypto: Crypto, suri: string): Uint8Array => hardSeed(crypto, suri, 'Ed25519HDKD')

/** The secp256k1 secret of a secret URI with hard junctions only. @throws CRYPTO_INVALID_SURI, CRYPTO_INVALID_MNEMONIC */
export const suriToSecp256k1Secret = (crypto: Crypto, suri: string): Uint8Array => hardSeed(crypto, suri, 'Secp256k1HDKD')
