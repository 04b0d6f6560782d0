/** Owns the Ethereum address of a compressed secp256k1 key: the point's other coordinate and a hash. */
import { bigintToLe, concatBytes, leToBigint } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'

const PRIME = (1n << 256n) - (1n << 32n) - 977n

const power = (base: bigint, exponent: bigint): bigint => {
  let [result, factor] = [1n, base]
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * factor) % PRIME
    factor = (factor * factor) % PRIME
  }
  return result
}

/** The 20-byte address of a 33-byte public key; undefined where the key is no point of the curve. */
export const ethAddressOf = (crypto: Pick<Crypto, 'keccak256'>, publicKey: Uint8Array): Uint8Array | undefined => {
  const sign = publicKey[0]
  const x = leToBigint(publicKey.slice(1).reverse())
  if ((sign !== 2 && sign !== 3) || x >= PRIME) return undefined
  const square = (x * x * x + 7n) % PRIME
  const root = power(square, (PRIME + 1n) / 4n)
  if ((root * root) % PRIME !== square) return undefined
  const y = Number(root & 1n) === (sign & 1) ? root : PRIME - root
  return crypto.keccak256(concatBytes(publicKey.subarray(1), bigintToLe(y, 32).reverse())).slice(12)
}
