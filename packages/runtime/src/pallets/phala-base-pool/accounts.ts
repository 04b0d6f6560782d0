/** Owns the accounts of pools: a prefix and a hash, cut to 32 bytes (stakepool.md section 1). */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { struct, u64 } from '@phalanx/primitives/codec'
import type { Context } from '../../frame/context.ts'

type Hasher = Pick<Context, 'crypto'>

const ACCOUNT_BYTES = 32
const PoolOwner = struct({ pid: u64, owner: AccountId })
const PoolWorker = struct({ pid: u64, worker: Sr25519Public })

const derive = (host: Hasher, prefix: string, preimage: Uint8Array): Uint8Array =>
  concatBytes(utf8(prefix), host.crypto.blake2b256(preimage)).slice(0, ACCOUNT_BYTES)

/** Issuer of all share items. */
export const ISSUER: Uint8Array = concatBytes(utf8('basepool'), new Uint8Array(24))

/** Account of a worker's session in a pool. */
export const sessionAccount = (host: Hasher, pid: bigint, worker: Uint8Array): Uint8Array => derive(host, 'spm/', PoolWorker.encode({ pid, worker }))

/** Accounts of a pool: its free stake, its owner's rewards, the stake that workers hold. */
export const poolAccounts = (host: Hasher, pid: bigint, owner: Uint8Array): { readonly pool: Uint8Array; readonly ownerReward: Uint8Array; readonly lock: Uint8Array } => {
  const preimage = PoolOwner.encode({ pid, owner })
  return { pool: derive(host, 'bp/', preimage), ownerReward: derive(host, 'so/', preimage), lock: derive(host, 'sl/', preimage) }
}
