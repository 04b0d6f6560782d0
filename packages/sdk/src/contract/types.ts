/** Owns the types that contracts share with ink!, under the names that authors write. */
import { u128 } from '@phalanx/primitives/codec'
import { InkAccountId, InkHash } from '@phalanx/primitives/ink'

/** Address of an account or a contract: 32 bytes. */
export const AccountId = InkAccountId
/** A 32-byte hash. */
export const Hash = InkHash
/** An amount in the smallest unit. */
export const Balance = u128
