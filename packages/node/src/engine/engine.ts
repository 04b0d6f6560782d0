/**
 * Owns the joint between consensus and execution: an engine decides when and in which order, the executor what follows from it.
 * Both the embedded engine and an external one end in the same finality proof. No other part of the node knows which engine runs.
 */

/** What a block is made from; everything else follows. */
export interface BlockInput {
  readonly number: number
  readonly timeMs: bigint
  /** Whole body, inherents first. */
  readonly extrinsics: readonly Uint8Array[]
}

/** What executing a block gave. */
export interface BlockResult {
  readonly number: number
  readonly hash: Uint8Array
  readonly stateRoot: Uint8Array
  readonly results: readonly { readonly ok: boolean }[]
}

/** The deterministic state machine; the engine calls it, one call at a time. */
export interface Executor {
  last(): { readonly number: number; readonly hash: Uint8Array; readonly timeMs: bigint }
  /** Whether our key may finalise the next block. */
  isAuthority(): boolean
  /** Chooses transactions for the next block and keeps the candidate; nothing is persistent. */
  propose(options: { readonly timeMs: bigint }): Promise<BlockInput>
  /** Whether a proposed block may become the next one; may keep the candidate. */
  accept(block: BlockInput): Promise<boolean>
  /** Executes the next block, or reuses the candidate that it equals. */
  execute(block: BlockInput): Promise<BlockResult>
  /** Writes what was executed: atomic and durable when it resolves. */
  commit(): Promise<void>
  /** Signs a precommit for a committed block (SCALE `SignedPrecommit`); undefined without a key of the authority set. */
  attest(number: number): Promise<Uint8Array | undefined>
  checkAttestation(options: { readonly number: number; readonly attestation: Uint8Array }): boolean
  /** Joins attestations into a justification, keeps it and publishes the block as head and final. */
  finalise(number: number, attestations: readonly Uint8Array[]): Promise<void>
}

/** State of an engine, for health endpoints. */
export interface EngineHealth {
  readonly kind: Engine['kind']
  readonly isAuthoring: boolean
  readonly isSyncing: boolean
  /** When the last block was sealed, by the injected clock. */
  readonly lastBlockMs: number | undefined
  readonly lastError: string | undefined
}

/** A peer of the network below. */
export interface PeerInfo {
  readonly id: string
  readonly roles: string
  readonly bestHash: string
  readonly bestNumber: number
}

/** Consensus. */
export interface Engine {
  readonly kind: 'embedded' | 'cometbft'
  start(executor: Executor): Promise<void>
  stop(): Promise<void>
  /** A transaction became ready. */
  onTransaction(): void
  /** Authors a block now; its number. @throws ENGINE_STOPPED, ENGINE_NOT_AUTHOR */
  seal(): Promise<number>
  /** While eager, blocks follow each other at the shortest distance even without transactions. */
  setEager(isEager: boolean): void
  /** [] for embedded. */
  peers(): readonly PeerInfo[]
  health(): EngineHealth
}
