/** Owns the addresses of contracts. */
import { concatBytes } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'

/** Address of the contract that `deployer` (32 bytes) makes of a code (hash, 32 bytes) in a cluster with a salt. */
export const contractAddress = (
  crypto: Pick<Crypto, 'blake2b256'>,
  parts: { readonly deployer: Uint8Array; readonly codeHash: Uint8Array; readonly clusterId: Uint8Array; readonly salt: Uint8Array },
): Uint8Array => crypto.blake2b256(concatBytes(parts.deployer, parts.codeHash, parts.clusterId, parts.salt))
