/**
 * Owns the shape of what a machine hands to a running contract: the global `host` of the code format `//phalanx-contract:1`.
 * The machine that runs it on a worker and the in-memory one for tests both offer exactly this. Everything is synchronous.
 */

/** Query: read-only on one worker. Estimating: a dry run of a command. Transaction: a command on every worker. */
export type HostMode = 'Query' | 'Estimating' | 'Transaction'

/** How a call of another contract ended. Bit 0 of `flags`: it took its changes back and `data` says why. */
export type HostCallOutcome = { readonly ok: true; readonly flags: number; readonly data: Uint8Array } | { readonly ok: false; readonly error: string }

/** A call of another contract. `gasLimit` left out: all that is left. */
export interface HostCall {
  readonly callee: Uint8Array
  readonly value: bigint
  readonly input: Uint8Array
  readonly gasLimit?: bigint
  readonly allowReentry?: boolean
}

/** A contract made by a contract. */
export interface HostInstantiation {
  readonly codeHash: Uint8Array
  readonly value: bigint
  readonly input: Uint8Array
  readonly salt: Uint8Array
  readonly gasLimit?: bigint
}

/** Hash functions of a host. */
export type HostHashKind = 'blake2b256' | 'blake2b128' | 'sha256' | 'keccak256'

/** What running code may ask of its surroundings. Values are those of this one call. */
export interface ContractHost {
  readonly entry: 'deploy' | 'call'
  readonly mode: HostMode
  /** Account that called; undefined where nobody did (the cluster itself). */
  readonly caller: Uint8Array | undefined
  readonly address: Uint8Array
  readonly codeHash: Uint8Array
  /** Balance sent along. */
  readonly value: bigint
  readonly blockNumber: number
  readonly nowMs: bigint
  readonly minimumBalance: bigint
  gasLeft(): bigint
  balance(): bigint
  getStorage(key: Uint8Array): Uint8Array | undefined
  setStorage(key: Uint8Array, value: Uint8Array | undefined): void
  transfer(to: Uint8Array, value: bigint): boolean
  call(request: HostCall): HostCallOutcome
  delegateCall(request: { readonly codeHash: Uint8Array; readonly input: Uint8Array }): HostCallOutcome
  instantiate(request: HostInstantiation): HostCallOutcome & { readonly address: Uint8Array }
  terminate(beneficiary: Uint8Array): void
  setCodeHash(codeHash: Uint8Array): boolean
  codeHashOf(account: Uint8Array): Uint8Array | undefined
  emitEvent(topics: readonly Uint8Array[], data: Uint8Array): void
  log(level: number, message: string): void
  chainExtension(id: number, input: Uint8Array): { readonly status: number; readonly output: Uint8Array }
  randomSeed(subject: Uint8Array): Uint8Array
  hash(kind: HostHashKind, bytes: Uint8Array): Uint8Array
}

/** What an entry point gives back: bytes, or bytes with which it takes its changes back. */
export type EntryResult = Uint8Array | { readonly revert: Uint8Array }
