/** Owns what host functions cost, in picoseconds of reference time, charged before they run. */

/** Entering any host function. */
export const HOST_CALL_GAS = 300_000n
/** Per byte copied between a contract and its host. */
export const COPY_GAS = 500n
/** Per byte hashed. */
export const HASH_GAS = 5_000n
/** Fixed parts by kind of work. */
export const WORK_GAS = { hash: 1_000_000n, ecdsaRecover: 300_000_000n, ecdsaAddress: 100_000_000n, sr25519Verify: 300_000_000n } as const
