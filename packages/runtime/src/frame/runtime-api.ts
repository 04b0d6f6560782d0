/**
 * Owns the contract between the runtime and whoever runs it (node, simulator): types only. Everything here is synchronous
 * and deterministic; the host hands in state, crypto and, for authoring, the time.
 */
import type { Header } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Message, MessageOrigin } from '@phalanx/primitives/messages'
import type { State, StateChanges, StateVersion } from '@phalanx/primitives/trie'
import type { ChainSpec } from './chain-spec.ts'
import type { DispatchError } from './dispatch-error.ts'
import type { TransactionSource, TransactionValidity, TransactionValidityError } from './validity.ts'

/** One signature that deciding about an extrinsic needs. ecdsa: `message` is what is hashed (blake2b-256), `publicKey` the 32-byte account, blake2b-256 of the compressed key. */
export interface SignatureCheck {
  readonly kind: 'sr25519' | 'ed25519' | 'ecdsa'
  readonly signature: Uint8Array
  readonly message: Uint8Array
  readonly publicKey: Uint8Array
}

/** What the runtime may ask of its host while it runs. */
export interface RuntimeEnv {
  readonly crypto: Crypto
  /** Result of a signature check that the host already made; undefined: the runtime checks by itself. */
  readonly verified?: ((check: SignatureCheck) => boolean | undefined) | undefined
}

/** Identity and versions of the runtime, as `state_getRuntimeVersion` reports them. */
export interface RuntimeVersion {
  readonly specName: string
  readonly implName: string
  readonly authoringVersion: number
  readonly specVersion: number
  readonly implVersion: number
  /** Runtime API ids (blake2b-64 of the name, 8 bytes) and versions. */
  readonly apis: readonly (readonly [id: Uint8Array, version: number])[]
  readonly transactionVersion: number
  readonly stateVersion: StateVersion
}

/** How one extrinsic of a block went. */
export interface ExtrinsicResult {
  readonly ok: boolean
  readonly dispatchError?: DispatchError
}

/** What a worker learns of a sender: the next sequence number the chain expects. */
export interface SequenceAck {
  readonly sender: MessageOrigin
  readonly next: bigint
}

/** Everything a block leaves behind. */
export interface BlockOutcome {
  /** State after the block. */
  readonly state: State
  readonly header: Header
  /** Body in order, inherents first. */
  readonly extrinsics: readonly Uint8Array[]
  readonly changes: StateChanges
  /** Value of `System.Events`: SCALE of `Vec<EventRecord>`. */
  readonly events: Uint8Array
  readonly results: readonly ExtrinsicResult[]
  /** All messages dispatched in this block, the on-chain (`^`) ones too, in order. */
  readonly messages: readonly Message[]
  /** Next sequences that the block changed, in order of first change. */
  readonly acks: readonly SequenceAck[]
  /** Milliseconds since the Unix epoch that the block claims. */
  readonly timeMs: bigint
}

/** What became of an extrinsic handed to a block builder. */
export type ApplyOutcome =
  | { readonly kind: 'applied'; readonly ok: boolean; readonly dispatchError?: DispatchError }
  /** Refused; nothing changed. */
  | { readonly kind: 'invalid'; readonly error: TransactionValidityError }
  /** Does not fit any more; nothing changed; may fit the next block. */
  | { readonly kind: 'full' }

/** A block under construction. After `finish`, or after `apply` threw, it is used up. */
export interface BlockBuilder {
  /** Applies an extrinsic (length prefix included). @throws AssertionError when our own code is wrong: drop the extrinsic and build anew without it */
  apply(extrinsic: Uint8Array): ApplyOutcome
  finish(): BlockOutcome
}

/** A block as it arrives from elsewhere. */
export interface Block {
  readonly header: Header
  readonly extrinsics: readonly Uint8Array[]
}

/** Context that `signatureChecksOf` needs to rebuild the signed payload. */
export interface SignatureContext {
  readonly crypto: Pick<Crypto, 'blake2b256'>
  readonly genesisHash: Uint8Array
  /** Number of the block the extrinsic would enter. */
  readonly number: number
  /** Hash of an ancestor by number; undefined when unknown. */
  readonly blockHash: (number: number) => Uint8Array | undefined
}

/** The chain's rules. */
export interface Runtime {
  readonly version: RuntimeVersion
  /** Metadata bytes of a version, magic included. */
  metadata(version: 14 | 15 | 16): Uint8Array
  /** The genesis state as changes to the empty state, and its header (with PHLX digest). */
  genesis(spec: ChainSpec, env: RuntimeEnv): { readonly changes: StateChanges; readonly state: State; readonly header: Header }
  /**
   * Runs a foreign block on its parent's state and compares every root and the digest.
   * @throws BLOCK_MISMATCH, BLOCK_INHERENT_INVALID, BLOCK_EXTRINSIC_INVALID; AssertionError when our own code is wrong
   */
  executeBlock(args: { readonly state: State; readonly parent: Header; readonly block: Block; readonly env: RuntimeEnv }): BlockOutcome
  /** Starts a block on a parent; makes the inherents itself. */
  buildBlock(args: { readonly state: State; readonly parent: Header; readonly timeMs: bigint; readonly env: RuntimeEnv; readonly digest?: Header['digest'] }): BlockBuilder
  /** Judges a transaction as if it entered the block after `parent`. */
  validateTransaction(args: {
    readonly state: State
    readonly parent: Header
    readonly extrinsic: Uint8Array
    readonly source: TransactionSource['kind']
    readonly env: RuntimeEnv
  }): TransactionValidity
  /**
   * Calls a runtime API by its full name, for example `AccountNonceApi_account_nonce`; parameters and result are SCALE.
   * @throws RUNTIME_API_UNKNOWN, RUNTIME_API_PARAMS
   */
  callApi(args: { readonly state: State; readonly at: Header; readonly method: string; readonly params: Uint8Array; readonly env: RuntimeEnv }): Uint8Array
  /** Signature checks that an extrinsic will need, for workers that make them ahead. Empty when it does not decode. */
  signatureChecksOf(extrinsic: Uint8Array, at: SignatureContext): readonly SignatureCheck[]
}
