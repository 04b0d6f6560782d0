/** Owns which account a public key stands for when it signs queries and commands (worker_api.md section 7). */
import { bigintToLe, concatBytes, leToBigint, utf8 } from '../bytes.ts'
import type { Crypto } from '../crypto/crypto.ts'

const PRIME = (1n << 256n) - (1n << 32n) - 977n
const ACCOUNT_BYTES = 32
const COMPRESSED_BYTES = 33
const EVM_ENDING = utf8('@evm_address')

const power = (base: bigint, exponent: bigint): bigint => {
  let [result, factor] = [1n, base]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * factor) % PRIME
    factor = (factor * factor) % PRIME
  }
  return result
}

/** The 20-byte Ethereum address of a compressed secp256k1 key (33 bytes); undefined where the key is no point of the curve. */
export const evmAddressOf = (crypto: Pick<Crypto, 'keccak256'>, publicKey: Uint8Array): Uint8Array | undefined => {
  const sign = publicKey[0]
  if (publicKey.length !== COMPRESSED_BYTES || (sign !== 2 && sign !== 3)) return undefined
  const x = leToBigint(publicKey.slice(1).reverse())
  if (x >= PRIME) return undefined
  const square = (x * x * x + 7n) % PRIME
  const root = power(square, (PRIME + 1n) / 4n)
  if ((root * root) % PRIME !== square) return undefined
  const y = Number(root & 1n) === (sign & 1) ? root : PRIME - root
  return crypto.keccak256(concatBytes(publicKey.subarray(1), bigintToLe(y, ACCOUNT_BYTES).reverse())).slice(12)
}

/** How an account follows from a key: the key itself, a hash of it, or its Ethereum address. */
export type AccountMapping = 'key' | 'hashed' | 'evm'

/** The account (32 bytes) of a public key; undefined where the key cannot have one under this mapping. */
export const accountOfKey = (crypto: Pick<Crypto, 'blake2b256' | 'keccak256'>, mapping: AccountMapping, publicKey: Uint8Array): Uint8Array | undefined => {
  if (mapping === 'key') return publicKey.length === ACCOUNT_BYTES ? publicKey : undefined
  if (publicKey.length !== COMPRESSED_BYTES) return undefined
  if (mapping === 'hashed') return crypto.blake2b256(publicKey)
  const address = evmAddressOf(crypto, publicKey)
  return address === undefined ? undefined : concatBytes(address, EVM_ENDING)
}
