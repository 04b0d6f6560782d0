/** Owns what one running frame may ask of the execution: the `VmHost` of contracts. Everything is charged before it is done. */
import { bigintToLe, bytesEqual, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { ExtensionAnswer, SubcallOutcome, SubcallRequest, SubinstantiateRequest, VmHost } from '../vm.ts'
import { atMostBalance, MINIMUM_BALANCE, release, transfer } from './balances.ts'
import { openCharges, recordCharge, StorageDiff } from './deposits.ts'
import { recordEvent, recordTerminated } from './effects.ts'
import type { Execution, FrameEnd, FrameRequest } from './execution.ts'
import { callExtension } from './extension.ts'
import { STATE_GAS, type Meter } from './meter.ts'
import type { ContractInfo } from './schema.ts'

const DEPENDENCIES_MAX = 32
const DEPENDENCY_BYTES = 48n
const TOPIC_BYTES = 32

const outcomeOf = (end: FrameEnd): SubcallOutcome => {
  if (end.kind === 'Returned') return end
  const { error } = end.value
  return { kind: 'Failed', value: error === 'TransferFailed' || error === 'CodeNotFound' ? error : 'Trapped' }
}

/** A frame on the stack. */
export class Frame implements VmHost {
  readonly diff = new StorageDiff()
  /** False while it waits for a call that must not lead back to it. */
  allowsReentry = true
  private readonly execution: Execution
  private readonly request: FrameRequest

  constructor(execution: Execution, request: FrameRequest) {
    this.execution = execution
    this.request = request
  }

  get gas(): Meter { return this.request.gas }
  get entry(): VmHost['entry'] { return this.request.entry }
  get input(): Uint8Array { return this.request.input }
  get caller(): Uint8Array | undefined { return this.request.caller }
  get address(): Uint8Array { return this.request.address }
  get valueTransferred(): bigint { return this.request.value }
  get blockNumber(): number { return this.execution.env.blockNumber }
  get nowMs(): bigint { return this.execution.env.nowMs }
  get mode(): VmHost['mode'] { return this.execution.env.mode }
  get minimumBalance(): bigint { return MINIMUM_BALANCE }

  get isCallerOrigin(): boolean {
    return this.caller !== undefined && bytesEqual(this.caller, this.execution.origin)
  }

  private get store(): Execution['store'] { return this.execution.store }

  /** Code of the contract, which a delegate call runs other code for. */
  get codeHash(): Uint8Array {
    this.gas.charge(STATE_GAS.read)
    return this.store.contract(this.address)?.codeHash ?? this.request.codeHash
  }

  balance(): bigint {
    this.gas.charge(STATE_GAS.read)
    return this.store.account(this.address).free
  }

  weightToFee(gas: bigint): bigint {
    return atMostBalance(gas * this.execution.config.gasPrice)
  }

  randomSeed(subject: Uint8Array): Uint8Array {
    this.gas.charge(STATE_GAS.extension)
    const { env } = this.execution
    const count = bigintToLe(BigInt(this.execution.randomCount++), 4)
    const place = concatBytes(utf8('contract_random'), bigintToLe(BigInt(env.blockNumber), 4), count, this.address, env.crypto.blake2b256(env.callNonce), subject)
    return env.crypto.hmacSha256(env.clusterSecret, place)
  }

  getStorage(key: Uint8Array): Uint8Array | undefined {
    this.gas.charge(STATE_GAS.read)
    const value = this.store.item(this.address, key)
    this.gas.charge(BigInt(value?.length ?? 0) * STATE_GAS.byte)
    return value
  }

  setStorage(key: Uint8Array, value: Uint8Array | undefined): number | undefined {
    this.gas.charge(STATE_GAS.write + BigInt(value?.length ?? 0) * STATE_GAS.byte)
    this.execution.keep(key.length + (value?.length ?? 0))
    const before = this.store.item(this.address, key)?.length
    this.diff.change(before, value?.length)
    this.store.setItem(this.address, key, value)
    return before
  }

  storageLength(key: Uint8Array): number | undefined {
    this.gas.charge(STATE_GAS.read)
    return this.store.item(this.address, key)?.length
  }

  transfer(to: Uint8Array, value: bigint): boolean {
    this.gas.charge(STATE_GAS.transfer)
    return transfer(this.store, { from: this.address, to, value, keepAlive: true })
  }

  /** Lends gas for a call out of this frame. */
  private borrow(limit: bigint, run: (gas: Meter) => FrameEnd): FrameEnd {
    const loan = this.gas.lend(limit)
    try {
      return run(loan)
    } finally {
      this.gas.takeBack(loan)
    }
  }

  call(request: SubcallRequest): SubcallOutcome {
    this.gas.charge(STATE_GAS.call)
    const info = this.store.contract(request.callee)
    if (info === undefined) return { kind: 'Failed', value: 'NotCallable' }
    this.allowsReentry = request.allowReentry
    try {
      return outcomeOf(this.borrow(request.gasLimit, (gas) => this.execution.enter({
        entry: 'call', address: request.callee, codeHash: info.codeHash, caller: this.address, value: request.value, input: request.input, gas,
        isDelegate: false, depositLimit: request.depositLimit,
      })))
    } finally {
      this.allowsReentry = true
    }
  }

  delegateCall(request: { readonly codeHash: Uint8Array; readonly input: Uint8Array }): SubcallOutcome {
    this.gas.charge(STATE_GAS.call)
    return outcomeOf(this.borrow(0n, (gas) => this.execution.enter({ ...this.request, entry: 'call', ...request, gas, isDelegate: true, depositLimit: undefined })))
  }

  instantiate(request: SubinstantiateRequest): { readonly outcome: SubcallOutcome; readonly address: Uint8Array } {
    this.gas.charge(STATE_GAS.instantiate)
    const address = this.execution.addressOf(this.address, request.codeHash, request.salt)
    const end = this.borrow(request.gasLimit, (gas) => this.execution.enter({
      entry: 'deploy', address, codeHash: request.codeHash, caller: this.address, value: request.value, input: request.input, gas,
      isDelegate: false, depositLimit: request.depositLimit,
    }))
    return { outcome: outcomeOf(end), address }
  }

  private get info(): ContractInfo {
    const info = this.store.contract(this.address)
    if (info === undefined) throw new AppError('CONTRACT_TRAPPED', { error: 'ContractNotFound', reason: 'the contract has ended' })
    return info
  }

  terminate(beneficiary: Uint8Array): void {
    const { info, store, execution } = this
    this.gas.charge(STATE_GAS.terminate + STATE_GAS.removeItem * BigInt(info.storageItems + this.diff.items))
    if (execution.isReentered(this.address)) throw new AppError('CONTRACT_TRAPPED', { error: 'TerminatedWhileReentrant', reason: 'a contract cannot end while it waits for itself' })
    const { free, held } = store.account(this.address)
    const released = release(store, { contract: this.address, receiver: execution.origin, value: held })
    recordCharge(store.overlay, { contract: this.address, amount: -released, isPaid: true })
    recordCharge(store.overlay, { contract: this.address, amount: -openCharges(store.overlay, this.address), isPaid: false })
    transfer(store, { from: this.address, to: beneficiary, value: free, keepAlive: false })
    store.clearItems(this.address)
    for (const hash of info.dependencies) execution.addCodeUser(hash, -1n)
    execution.addCodeUser(info.codeHash, -1n)
    store.setContract(this.address, undefined)
    recordTerminated(store.overlay, { contract: this.address, beneficiary })
  }

  setCodeHash(codeHash: Uint8Array): boolean {
    this.gas.charge(STATE_GAS.read + STATE_GAS.write)
    const code = this.store.codeInfo(codeHash)
    if (code === undefined || (!code.isDeterministic && this.mode !== 'Query')) return false
    const { info } = this
    this.execution.addCodeUser(info.codeHash, -1n)
    this.execution.addCodeUser(codeHash, 1n)
    this.store.setContract(this.address, { ...info, codeHash })
    return true
  }

  codeHashOf(account: Uint8Array): Uint8Array | undefined {
    this.gas.charge(STATE_GAS.read)
    return this.store.contract(account)?.codeHash
  }

  lockDependency(codeHash: Uint8Array): boolean {
    this.gas.charge(STATE_GAS.read + STATE_GAS.write)
    const { info } = this
    const isKnown = info.dependencies.some((each) => bytesEqual(each, codeHash))
    if (this.store.codeInfo(codeHash) === undefined || isKnown || info.dependencies.length >= DEPENDENCIES_MAX || bytesEqual(codeHash, info.codeHash)) return false
    this.changeDependencies(info, { dependencies: [...info.dependencies, codeHash], codeHash, isLocked: true })
    return true
  }

  unlockDependency(codeHash: Uint8Array): boolean {
    this.gas.charge(STATE_GAS.read + STATE_GAS.write)
    const { info } = this
    const dependencies = info.dependencies.filter((each) => !bytesEqual(each, codeHash))
    if (dependencies.length === info.dependencies.length) return false
    this.changeDependencies(info, { dependencies, codeHash, isLocked: false })
    return true
  }

  private changeDependencies(info: ContractInfo, change: { readonly dependencies: readonly Uint8Array[]; readonly codeHash: Uint8Array; readonly isLocked: boolean }): void {
    const full = DEPENDENCY_BYTES * this.execution.config.depositPerByte
    const amount = change.isLocked ? full : full < info.baseDeposit ? -full : -info.baseDeposit
    recordCharge(this.store.overlay, { contract: this.address, amount, isPaid: false })
    this.execution.addCodeUser(change.codeHash, change.isLocked ? 1n : -1n)
    this.store.setContract(this.address, { ...info, dependencies: change.dependencies, baseDeposit: atMostBalance(info.baseDeposit + amount) })
  }

  emitEvent(topics: readonly Uint8Array[], data: Uint8Array): void {
    this.gas.charge(STATE_GAS.event * BigInt(1 + topics.length) + STATE_GAS.eventByte * BigInt(data.length))
    this.execution.keep(data.length + topics.length * TOPIC_BYTES)
    recordEvent(this.store.overlay, { contract: this.address, topics, data })
  }

  debugMessage(message: Uint8Array): boolean {
    this.gas.charge(STATE_GAS.debugByte * BigInt(message.length))
    return this.execution.addDebug(message)
  }

  chainExtension(functionId: number, input: Uint8Array): ExtensionAnswer {
    this.gas.charge(STATE_GAS.extension + STATE_GAS.extensionByte * BigInt(input.length))
    return callExtension({ execution: this.execution, address: this.address, gas: this.gas }, functionId, input)
  }

  instantiationNonce(): bigint {
    this.gas.charge(STATE_GAS.read)
    return this.store.nonce()
  }
}
