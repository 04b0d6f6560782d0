/**
 * Owns where things are in the state of a cluster (one V0 trie): accounts, code, contracts, their storage, settings. Contract
 * storage is one trie with the others: `stor` ‖ address ‖ blake2-128(key) ‖ key, so that no choice of keys makes paths long.
 */
import { assert } from '@phalanx/primitives/assert'
import { bytesToKey } from '@phalanx/primitives/bytes'
import { bool, ByteReader, bytes, BYTES_MAX, fixedBytes, option, readLength, struct, u128, u32, u64, variant, vec, type TypeOf } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Overlay } from '@phalanx/runtime/frame'

const Hash = fixedBytes(32)

/** Settings of a cluster, set when it is deployed. */
export const ClusterConfig = struct({
  clusterId: Hash, owner: Hash, gasPrice: u128, depositPerItem: u128, depositPerByte: u128, treasury: Hash, systemContract: option(Hash),
})
export type ClusterConfig = TypeOf<typeof ClusterConfig>

/** Balance of an account: `free` to use, `held` as storage deposit. */
const Account = struct({ free: u128, held: u128 })
type Account = TypeOf<typeof Account>

/** What is known about stored code. */
const CodeInfo = struct({
  owner: Hash, users: u64, isDeterministic: bool, kind: variant('CodeKind', { ink: { index: 0 }, js: { index: 1 }, builtin: { index: 2 } }),
})
type CodeInfo = TypeOf<typeof CodeInfo>

/** A contract. `dependencies` are code hashes that must stay stored for it. */
export const ContractInfo = struct({
  codeHash: Hash, storageBytes: u32, storageItems: u32, byteDeposit: u128, itemDeposit: u128, baseDeposit: u128, dependencies: vec(Hash),
})
export type ContractInfo = TypeOf<typeof ContractInfo>

/** Bytes of a contract's record for which the base deposit is taken: what the reference's record of a contract without dependencies encodes to. */
export const CONTRACT_RECORD_BYTES = 122n

/** Keys of the state. */
const KEYS = {
  config: 'conf',
  nonce: 'nonc',
  systemCode: 'sysc',
  account: (who: Uint8Array): string => `acct${bytesToKey(who)}`,
  code: (hash: Uint8Array): string => `code${bytesToKey(hash)}`,
  codeInfo: (hash: Uint8Array): string => `info${bytesToKey(hash)}`,
  contract: (address: Uint8Array): string => `ctrt${bytesToKey(address)}`,
  storagePrefix: (address: Uint8Array): string => `stor${bytesToKey(address)}`,
  storage: (crypto: Pick<Crypto, 'blake2b128'>, address: Uint8Array, key: Uint8Array): string =>
    `stor${bytesToKey(address)}${bytesToKey(crypto.blake2b128(key))}${bytesToKey(key)}`,
} as const

const NO_ACCOUNT: Account = { free: 0n, held: 0n }

/** Typed access to the state of a cluster. */
export class ClusterStore {
  readonly overlay: Overlay
  private readonly crypto: Pick<Crypto, 'blake2b128'>

  constructor(overlay: Overlay, crypto: Pick<Crypto, 'blake2b128'>) {
    this.overlay = overlay
    this.crypto = crypto
  }

  config(): ClusterConfig | undefined {
    return this.overlay.read(KEYS.config, ClusterConfig, 'contracts.config')
  }

  setConfig(config: ClusterConfig): void {
    this.overlay.write(KEYS.config, ClusterConfig, config)
  }

  account(who: Uint8Array): Account {
    return this.overlay.read(KEYS.account(who), Account, 'contracts.account') ?? NO_ACCOUNT
  }

  setAccount(who: Uint8Array, account: Account): void {
    if (account.free === 0n && account.held === 0n) this.overlay.set(KEYS.account(who), undefined)
    else this.overlay.write(KEYS.account(who), Account, account)
  }

  /** Code by its hash, in place: every call looks at it, and most machines hold what they made of it already. Nobody may change it. */
  code(hash: Uint8Array): Uint8Array | undefined {
    const stored = this.overlay.get(KEYS.code(hash))
    if (stored === undefined) return undefined
    const input = new ByteReader(stored)
    const length = readLength(input, BYTES_MAX)
    assert(input.left === length, 'code is stored whole')
    return stored.subarray(input.offset)
  }

  codeInfo(hash: Uint8Array): CodeInfo | undefined {
    return this.overlay.read(KEYS.codeInfo(hash), CodeInfo, 'contracts.codeInfo')
  }

  setCode(hash: Uint8Array, code: Uint8Array): void {
    this.overlay.set(KEYS.code(hash), bytes.encode(code))
  }

  setCodeInfo(hash: Uint8Array, info: CodeInfo): void {
    this.overlay.write(KEYS.codeInfo(hash), CodeInfo, info)
  }

  contract(address: Uint8Array): ContractInfo | undefined {
    return this.overlay.read(KEYS.contract(address), ContractInfo, 'contracts.contract')
  }

  setContract(address: Uint8Array, info: ContractInfo | undefined): void {
    if (info === undefined) this.overlay.set(KEYS.contract(address), undefined)
    else this.overlay.write(KEYS.contract(address), ContractInfo, info)
  }

  item(address: Uint8Array, key: Uint8Array): Uint8Array | undefined {
    return this.overlay.get(KEYS.storage(this.crypto, address, key))
  }

  setItem(address: Uint8Array, key: Uint8Array, value: Uint8Array | undefined): void {
    this.overlay.set(KEYS.storage(this.crypto, address, key), value)
  }

  /** Removes all storage of a contract. */
  clearItems(address: Uint8Array): void {
    for (const key of [...this.overlay.keys(KEYS.storagePrefix(address))]) this.overlay.set(key, undefined)
  }

  /** Code that the chain has for system contracts; undefined where it has none. In the state, so that all workers see a change at the same point. */
  latestSystemCode(): Uint8Array | undefined {
    const stored = this.overlay.get(KEYS.systemCode)
    return stored === undefined ? undefined : bytes.decode(stored)
  }

  setLatestSystemCode(code: Uint8Array): void {
    this.overlay.set(KEYS.systemCode, code.length === 0 ? undefined : bytes.encode(code))
  }

  /** How many instantiations there were; counts one more. */
  nextNonce(): bigint {
    const nonce = (this.overlay.read(KEYS.nonce, u64, 'contracts.nonce') ?? 0n) + 1n
    this.overlay.write(KEYS.nonce, u64, nonce)
    return nonce
  }

  nonce(): bigint {
    return this.overlay.read(KEYS.nonce, u64, 'contracts.nonce') ?? 0n
  }
}
