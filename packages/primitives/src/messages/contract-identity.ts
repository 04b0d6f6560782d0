/** Owns how clusters and contracts are identified (cluster_contracts.md section 3): ids, the chain account of a cluster, the built-in system code. */
import { concatBytes, utf8 } from '../bytes.ts'
import type { Crypto } from '../crypto/crypto.ts'

type Hashing = Pick<Crypto, 'blake2b256'>

const ID_BYTES = 32
const COUNTER_BYTES = 8

/** Id of the n-th cluster (from 1): the number big-endian in the last eight bytes. */
export const clusterIdOf = (counter: bigint): Uint8Array => {
  const id = new Uint8Array(ID_BYTES)
  new DataView(id.buffer).setBigUint64(ID_BYTES - COUNTER_BYTES, counter)
  return id
}

/** Account on the chain that holds what was transferred to a cluster. */
export const clusterAccountOf = (crypto: Hashing, cluster: Uint8Array): Uint8Array => crypto.blake2b256(concatBytes(utf8('cluster:'), cluster))

/** Id of a contract, which is also its address: blake2b-256 of deployer ‖ code hash ‖ cluster id ‖ salt. */
export const contractIdOf = (
  crypto: Hashing, parts: { readonly deployer: Uint8Array; readonly codeHash: Uint8Array; readonly clusterId: Uint8Array; readonly salt: Uint8Array },
): Uint8Array => crypto.blake2b256(concatBytes(parts.deployer, parts.codeHash, parts.clusterId, parts.salt))

/** System code that stands for the system contract built into workers; any other system code is run as it is. */
export const BUILTIN_SYSTEM_CODE: Uint8Array = utf8('phalanx/system-contract/1')
