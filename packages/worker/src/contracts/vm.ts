/**
 * Owns the seam between contract execution and the machines that run code: what a code kind must offer (`CodeVm`), what running
 * code may ask of its frame (`VmHost`), and how a run ends (`VmOutcome`). Does not own state (execution/) nor any machine.
 */

/** Kinds of code a cluster can run. */
export type CodeKind = 'ink' | 'js' | 'builtin'

/** Which of a contract's two entry points runs. */
export type EntryPoint = 'deploy' | 'call'

/** What a validated code is: found once at upload and kept beside the code. */
export interface CodeFacts {
  readonly kind: CodeKind
  /** False: only queries may run it, because its results may differ between workers. */
  readonly isDeterministic: boolean
}

/** A stored code and its hash (blake2-256 of the bytes), by which machines keep what they compiled. */
export interface StoredCode {
  readonly hash: Uint8Array
  readonly bytes: Uint8Array
  readonly isDeterministic: boolean
}

/** Gas of one frame, in picoseconds of reference time. */
export interface GasMeter {
  /** What is left; never below zero. */
  readonly left: bigint
  /** Takes from what is left. @throws CONTRACT_TRAPPED with OutOfGas, and nothing is left then */
  charge(amount: bigint): void
}

/** Names of the errors a contract call can end with, as the reference's contracts pallet names them. */
export type ContractErrorName =
  | 'InvalidSchedule' | 'InvalidCallFlags' | 'OutOfGas' | 'OutputBufferTooSmall' | 'TransferFailed' | 'MaxCallDepthReached' | 'ContractNotFound'
  | 'CodeTooLarge' | 'CodeNotFound' | 'CodeInfoNotFound' | 'OutOfBounds' | 'DecodingFailed' | 'ContractTrapped' | 'ValueTooLarge'
  | 'TerminatedWhileReentrant' | 'InputForwarded' | 'RandomSubjectTooLong' | 'TooManyTopics' | 'NoChainExtension' | 'DuplicateContract'
  | 'TerminatedInConstructor' | 'ReentranceDenied' | 'StorageDepositNotEnoughFunds' | 'StorageDepositLimitExhausted' | 'CodeInUse'
  | 'ContractReverted' | 'CodeRejected' | 'Indeterministic' | 'MigrationInProgress' | 'NoMigrationPerformed'

/** What an entry point returned. Bit 0 of `flags` set: the frame's changes are taken back (a revert). */
export interface ReturnValue {
  readonly flags: number
  readonly data: Uint8Array
}

/** How a run ended. A trap takes the frame's changes back; `reason` is for people and never part of the state. */
export type VmOutcome =
  | { readonly kind: 'Returned'; readonly value: ReturnValue }
  | { readonly kind: 'Terminated' }
  | { readonly kind: 'Trapped'; readonly value: { readonly error: ContractErrorName; readonly reason: string } }

/** How a call out of a frame ended, seen by the caller. `Trapped`: the callee failed and left nothing behind. */
export type SubcallOutcome =
  | { readonly kind: 'Returned'; readonly value: ReturnValue }
  | { readonly kind: 'Failed'; readonly value: 'TransferFailed' | 'CodeNotFound' | 'NotCallable' | 'Trapped' }

/** A call to another contract. `gasLimit` 0n: all that is left. `depositLimit` undefined: the caller's own. */
export interface SubcallRequest {
  readonly callee: Uint8Array
  readonly value: bigint
  readonly input: Uint8Array
  readonly gasLimit: bigint
  readonly allowReentry: boolean
  readonly depositLimit?: bigint
}

/** An instantiation by a contract. */
export interface SubinstantiateRequest {
  readonly codeHash: Uint8Array
  readonly value: bigint
  readonly input: Uint8Array
  readonly salt: Uint8Array
  readonly gasLimit: bigint
  readonly depositLimit?: bigint
}

/** Answer of a chain extension function: status 0 or an error code of that function, and the output's SCALE bytes. */
export interface ExtensionAnswer {
  readonly status: number
  readonly output: Uint8Array
}

/**
 * What running code may ask of its frame, all of it synchronous. Every method charges its gas before it does anything and throws
 * CONTRACT_TRAPPED where the contract must stop; machines let what a method throws pass through the code and hand
 * it on from `run` unless it is CONTRACT_TRAPPED, which they turn into a `Trapped` outcome.
 */
export interface VmHost {
  readonly gas: GasMeter
  readonly entry: EntryPoint
  readonly input: Uint8Array
  /** Account that called this frame; undefined where nobody did (root). */
  readonly caller: Uint8Array | undefined
  readonly address: Uint8Array
  readonly codeHash: Uint8Array
  readonly valueTransferred: bigint
  readonly blockNumber: number
  readonly nowMs: bigint
  readonly mode: 'Query' | 'Estimating' | 'Transaction'
  readonly minimumBalance: bigint
  /** Whether the caller is the account that the whole execution began with. */
  readonly isCallerOrigin: boolean
  /** Free balance of this contract. */
  balance(): bigint
  /** Fee of an amount of gas. */
  weightToFee(gas: bigint): bigint
  /** 32 bytes that are equal on every worker and differ by frame and `subject`; seeds a contract's random numbers, keeps no secret. */
  randomSeed(subject: Uint8Array): Uint8Array

  getStorage(key: Uint8Array): Uint8Array | undefined
  /** Sets (or with undefined removes) a value. @returns length of the value before, undefined where there was none */
  setStorage(key: Uint8Array, value: Uint8Array | undefined): number | undefined
  /** Length of a value, undefined where there is none. */
  storageLength(key: Uint8Array): number | undefined

  transfer(to: Uint8Array, value: bigint): boolean
  call(request: SubcallRequest): SubcallOutcome
  delegateCall(request: { readonly codeHash: Uint8Array; readonly input: Uint8Array }): SubcallOutcome
  instantiate(request: SubinstantiateRequest): { readonly outcome: SubcallOutcome; readonly address: Uint8Array }
  /** Gives everything to the beneficiary and ends the contract; the machine stops the code then with `Terminated`. */
  terminate(beneficiary: Uint8Array): void
  /** False where no such code is stored. */
  setCodeHash(codeHash: Uint8Array): boolean
  codeHashOf(account: Uint8Array): Uint8Array | undefined
  lockDependency(codeHash: Uint8Array): boolean
  unlockDependency(codeHash: Uint8Array): boolean

  emitEvent(topics: readonly Uint8Array[], data: Uint8Array): void
  /** Appends to the debug buffer. @returns false where it is full */
  debugMessage(message: Uint8Array): boolean
  chainExtension(functionId: number, input: Uint8Array): ExtensionAnswer
  /** How often the account of this contract has instantiated others. */
  instantiationNonce(): bigint
}

/** A machine for one kind of code. */
export interface CodeVm {
  readonly kind: CodeKind
  /** Whether bytes look like this kind; decides which machine an upload goes to. */
  recognises(code: Uint8Array): boolean
  /** Checks an upload completely: what passes can run. @throws CONTRACT_CODE_REFUSED, CONTRACT_IMPORT_UNKNOWN */
  validate(code: Uint8Array, options: { readonly deterministic: boolean }): CodeFacts
  /** Runs an entry point to its end. @throws CONTRACT_NEEDS_EFFECT from the host, CONTRACT_ENGINE_FAILED where the machine itself gave out */
  run(code: StoredCode, host: VmHost): VmOutcome
}
