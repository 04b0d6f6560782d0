/** Owns which development accounts `phalanx dev` acts with. The others, and these between two actions, are left to whoever tries the network. */

/** Sudo and finality. It signs one transaction on a new chain: the gatekeeper's registration. */
export const SUDO = '//Alice'
/** Pays for what the workers' relay sends. */
export const WORKERS_PAYER = '//Alice//stash'
/** Operates the workers and owns their stake pool. */
export const POOL_OWNER = '//Bob//stash'
/** Pays for what the gatekeeper's relay sends. */
export const GATEKEEPER_PAYER = '//Charlie//stash'
