/**
 * Owns the stack of frames of one execution: entering contracts, depth and reentrancy, layers of changes that roll back with
 * their frame. Does not own what a frame may ask for (frame.ts) nor fees (execute.ts).
 */
import { bytesEqual, concatBytes } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { assert } from '@phalanx/primitives/assert'
import type { CodeVm, ContractErrorName, EntryPoint, ReturnValue, StoredCode, VmOutcome } from '../vm.ts'
import { contractAddress } from './address.ts'
import { atMostBalance, MINIMUM_BALANCE, transfer } from './balances.ts'
import { applyDiff, chargedSince, chargeCount, recordCharge } from './deposits.ts'
import { recordInstantiated, type LogLine } from './effects.ts'
import type { ExecutionEnv, PendingEffect } from './env.ts'
import { Frame } from './frame.ts'
import { STATE_GAS, type Meter } from './meter.ts'
import { CONTRACT_RECORD_BYTES, type ClusterConfig, type ClusterStore, type ContractInfo } from './schema.ts'

/** Frames of one execution: the first and five called from it. */
const FRAMES_MAX = 6
const DEBUG_MAX = 128 * 1024
/** What one execution may have its host keep: written values, events, log lines, each with its surroundings. Gas alone would let a command take gigabytes of every worker. */
const KEPT_BYTES_MAX = 64 * 1024 * 1024
const KEPT_ENTRY_BYTES = 256
const REVERT_FLAG = 1

/** How a frame ended; a failure left nothing behind. */
export type FrameEnd =
  | { readonly kind: 'Returned'; readonly value: ReturnValue }
  | { readonly kind: 'Failed'; readonly value: { readonly error: ContractErrorName; readonly reason: string } }

/** A frame to enter. */
export interface FrameRequest {
  readonly entry: EntryPoint
  readonly address: Uint8Array
  readonly codeHash: Uint8Array
  readonly caller: Uint8Array | undefined
  readonly value: bigint
  readonly input: Uint8Array
  readonly gas: Meter
  /** Runs in the place of the calling frame: no value moves. */
  readonly isDelegate: boolean
  readonly depositLimit: bigint | undefined
}

const stopCaller = (error: ContractErrorName, reason: string): AppError<'CONTRACT_TRAPPED'> => new AppError('CONTRACT_TRAPPED', { error, reason })
const failed = (error: ContractErrorName, reason: string): FrameEnd => ({ kind: 'Failed', value: { error, reason } })

/** One execution: a command, an estimate or a query. */
export class Execution {
  readonly env: ExecutionEnv
  readonly store: ClusterStore
  readonly config: ClusterConfig
  /** Account that pays and that everything began with. */
  readonly origin: Uint8Array
  readonly logs: LogLine[] = []
  private readonly stack: Frame[] = []
  private debug: Uint8Array[] = []
  private debugLength = 0
  private keptBytes = 0
  /** How many random numbers, and how many requests to the outside, there were. */
  randomCount = 0
  requestCount = 0
  pending: PendingEffect | undefined = undefined

  constructor(parts: { env: ExecutionEnv; store: ClusterStore; config: ClusterConfig; origin: Uint8Array }) {
    this.env = parts.env
    this.store = parts.store
    this.config = parts.config
    this.origin = parts.origin
  }

  /** Counts bytes that the execution keeps until it ends, whatever is taken back meanwhile. @throws CONTRACT_TRAPPED where that is too much */
  keep(bytes: number): void {
    this.keptBytes += bytes + KEPT_ENTRY_BYTES
    if (this.keptBytes > KEPT_BYTES_MAX) throw stopCaller('ContractTrapped', `one execution keeps at most ${KEPT_BYTES_MAX} bytes`)
  }

  addDebug(message: Uint8Array): boolean {
    if (this.debugLength + message.length > DEBUG_MAX) return false
    this.debug.push(message)
    this.debugLength += message.length
    return true
  }

  get debugMessage(): Uint8Array {
    return concatBytes(...this.debug)
  }

  /** Address of a contract that `deployer` instantiates. */
  addressOf(deployer: Uint8Array, codeHash: Uint8Array, salt: Uint8Array): Uint8Array {
    return contractAddress(this.env.crypto, { deployer, codeHash, clusterId: this.config.clusterId, salt })
  }

  /** Machine and code of a hash, charged by length. @throws CONTRACT_TRAPPED */
  private load(codeHash: Uint8Array, gas: Meter): { readonly vm: CodeVm; readonly code: StoredCode } {
    const info = this.store.codeInfo(codeHash)
    const bytes = info === undefined ? undefined : this.store.code(codeHash)
    if (info === undefined || bytes === undefined) throw stopCaller('CodeNotFound', 'there is no such code')
    if (!info.isDeterministic && this.env.mode !== 'Query') throw stopCaller('Indeterministic', 'this code can only be queried')
    gas.charge(BigInt(bytes.length) * STATE_GAS.codeByte)
    const vm = this.env.vms.find(({ kind }) => kind === info.kind.kind)
    if (vm === undefined) throw stopCaller('CodeRejected', 'this worker has no machine for the code')
    return { vm, code: { hash: codeHash, bytes, isDeterministic: info.isDeterministic } }
  }

  /** Whether a contract can be entered: no frame of it waits for a call that excluded this. */
  private canEnter(address: Uint8Array): boolean {
    return !this.stack.some((frame) => !frame.allowsReentry && bytesEqual(frame.address, address))
  }

  /** Whether a contract has a frame besides the topmost. */
  isReentered(address: Uint8Array): boolean {
    return this.stack.filter((frame) => bytesEqual(frame.address, address)).length > 1
  }

  private runFrame(request: FrameRequest, loaded: { readonly vm: CodeVm; readonly code: StoredCode }): FrameEnd {
    const { store, config } = this
    const charges = chargeCount(store.overlay)
    if (!request.isDelegate && request.entry === 'deploy') this.openContract(request)
    if (!request.isDelegate && request.value > 0n && request.caller !== undefined) {
      if (!transfer(store, { from: request.caller, to: request.address, value: request.value, keepAlive: true })) return failed('TransferFailed', 'the caller cannot pay the value')
    }
    const frame = new Frame(this, request)
    this.stack.push(frame)
    let outcome: VmOutcome
    try {
      outcome = loaded.vm.run(loaded.code, frame)
    } finally {
      this.stack.pop()
    }
    if (outcome.kind === 'Trapped') return { kind: 'Failed', value: outcome.value }
    if (outcome.kind === 'Terminated') return request.entry === 'deploy' ? failed('TerminatedInConstructor', 'a constructor ended its contract') : { kind: 'Returned', value: { flags: 0, data: new Uint8Array(0) } }
    if ((outcome.value.flags & REVERT_FLAG) !== 0) return outcome
    const info = store.contract(request.address)
    if (info !== undefined) store.setContract(request.address, applyDiff(store, { address: request.address, info, diff: frame.diff, config }))
    if (request.depositLimit !== undefined && chargedSince(store.overlay, charges) > request.depositLimit) return failed('StorageDepositLimitExhausted', 'the storage deposit exceeds its limit')
    if (request.entry === 'deploy' && !request.isDelegate) recordInstantiated(store.overlay, { deployer: request.caller ?? this.origin, contract: request.address })
    return outcome
  }

  /** Makes the record of a new contract and takes what it needs to exist. @throws CONTRACT_TRAPPED */
  private openContract(request: FrameRequest): void {
    const { store, config, origin } = this
    const { address, codeHash } = request
    if (store.contract(address) !== undefined) throw stopCaller('DuplicateContract', 'there is a contract at this address already')
    if (!transfer(store, { from: origin, to: address, value: MINIMUM_BALANCE, keepAlive: true })) throw stopCaller('StorageDepositNotEnoughFunds', 'the deposit cannot be paid')
    const baseDeposit = atMostBalance(CONTRACT_RECORD_BYTES * config.depositPerByte + config.depositPerItem)
    recordCharge(store.overlay, { contract: address, amount: MINIMUM_BALANCE, isPaid: true })
    recordCharge(store.overlay, { contract: address, amount: baseDeposit, isPaid: false })
    const info: ContractInfo = { codeHash, storageBytes: 0, storageItems: 0, byteDeposit: 0n, itemDeposit: 0n, baseDeposit, dependencies: [] }
    store.setContract(address, info)
    store.nextNonce()
    this.addCodeUser(codeHash, 1n)
  }

  /** Counts users of stored code. */
  addCodeUser(codeHash: Uint8Array, change: bigint): void {
    const info = this.store.codeInfo(codeHash)
    assert(info !== undefined, 'code that is used is stored')
    this.store.setCodeInfo(codeHash, { ...info, users: info.users + change })
  }

  /** Enters a frame and runs it to its end. @throws CONTRACT_TRAPPED where the caller has to stop (too deep, reentrance, no code) */
  enter(request: FrameRequest): FrameEnd {
    if (this.stack.length >= FRAMES_MAX) throw stopCaller('MaxCallDepthReached', 'calls are nested too deeply')
    if (!request.isDelegate && !this.canEnter(request.address)) throw stopCaller('ReentranceDenied', 'the contract is not to be entered again')
    const { overlay } = this.store
    const depth = overlay.depth
    overlay.begin()
    let end: FrameEnd
    try {
      end = this.runFrame(request, this.load(request.codeHash, request.gas))
    } catch (error) {
      overlay.rollback()
      if (!isAppError(error, 'CONTRACT_TRAPPED')) throw error
      // Code that is not there is told to the caller; what else goes wrong before the code runs stops the caller too.
      if (error.context.error === 'CodeNotFound') return failed('CodeNotFound', error.context.reason)
      throw error
    }
    const keeps = end.kind === 'Returned' && (end.value.flags & REVERT_FLAG) === 0
    if (keeps) overlay.commit()
    else overlay.rollback()
    assert(overlay.depth === depth, 'every layer was closed')
    return end
  }
}
