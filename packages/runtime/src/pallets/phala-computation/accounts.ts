/** Owns the account that the economy pays from. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'

/** Wallet that rewards are paid from: `modl` and the pallet id `phala/pp`. */
export const SUBSIDY_ACCOUNT: Uint8Array = concatBytes(utf8('modlphala/pp'), new Uint8Array(20))
