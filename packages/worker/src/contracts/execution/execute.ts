/**
 * Owns the entrances to contract execution: set-up of a cluster's state, upload, instantiation, call. Each is a pure function
 * from a state to a state, a result and effects. Fees, deposits and limits as the reference has them.
 */
import type { ContractExecResult, ContractInstantiateResult, StorageDeposit } from '@phalanx/primitives/contracts'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { createTrie, type State, type Trie, type TrieCrypto } from '@phalanx/primitives/trie'
import { createOverlay, type DispatchError, type Overlay } from '@phalanx/runtime/frame'
import { assert } from '@phalanx/primitives/assert'
import type { CodeVm, ContractErrorName, ReturnValue } from '../vm.ts'
import { atMostBalance, mint, transfer } from './balances.ts'
import { chargedSince, settleCharges } from './deposits.ts'
import { collectEffects, type ExecutionEffects } from './effects.ts'
import type { ExecutionEnv, PendingEffect } from './env.ts'
import { Execution, type FrameEnd } from './execution.ts'
import { GAS_LIMIT, Meter, STATE_GAS } from './meter.ts'
import { coarseDeposit, coarseGas, contractError } from './results.ts'
import { ClusterStore, type ClusterConfig } from './schema.ts'
import { storeCode, type UploadRequest } from './upload.ts'

const REVERT_FLAG = 1

/** What calls and instantiations share. */
interface Transaction {
  readonly origin: Uint8Array
  readonly transfer: bigint
  readonly gasLimit: bigint
  readonly gasFree: boolean
  readonly storageDepositLimit: bigint | undefined
  /** Balance made for the origin before: for queries and estimates, whose state is dropped. */
  readonly deposit: bigint
  readonly input: Uint8Array
}

/** A call of a contract's message. */
export interface CallRequest extends Transaction {
  readonly contract: Uint8Array
}

/** A new contract. */
export interface InstantiateRequest extends Transaction {
  readonly codeHash: Uint8Array
  readonly salt: Uint8Array
}

/** An execution that came to its end. `state` is the given one unless the mode is Transaction. */
export interface Executed<Result> {
  readonly kind: 'Executed'
  readonly state: Trie
  readonly result: Result
  readonly effects: ExecutionEffects
  /** Why it failed, for people; undefined where it did not. */
  readonly failure: string | undefined
}

/** Executed, or a query that waits for the outside. */
export type ExecutionOutcome<Result> = Executed<Result> | { readonly kind: 'NeedsEffect'; readonly value: PendingEffect }

/** The state of a cluster without contracts. */
export const createContractState = (options: { readonly config: ClusterConfig }, dependencies: { readonly crypto: Crypto }): Trie => {
  const { crypto } = dependencies
  const empty = createTrie({ crypto: crypto as TrieCrypto, version: 0 })
  return change(empty, crypto, (store) => store.setConfig(options.config))
}

const storeOf = (state: State, crypto: Crypto): ClusterStore => new ClusterStore(createOverlay({ state }, { crypto }), crypto)

const change = (state: Trie, crypto: Crypto, run: (store: ClusterStore) => void): Trie => {
  const store = storeOf(state, crypto)
  run(store)
  return state.apply(store.overlay.changes())
}

/** Settings of the cluster that a state belongs to. */
export const readConfig = (state: Trie, crypto: Crypto): ClusterConfig => {
  const config = storeOf(state, crypto).config()
  assert(config !== undefined, 'the state of a cluster has settings')
  return config
}

/** Changes settings, for example once the system contract exists. */
export const writeConfig = (state: Trie, crypto: Crypto, config: ClusterConfig): Trie => change(state, crypto, (store) => store.setConfig(config))

/** Notes the code that the chain has for system contracts, for the cluster's own to take over when its owner says so. Empty: none. */
export const writeLatestSystemCode = (state: Trie, crypto: Crypto, code: Uint8Array): Trie => change(state, crypto, (store) => store.setLatestSystemCode(code))

/** Adds to an account's free balance: a deposit that arrived from the chain. */
export const depositBalance = (state: Trie, crypto: Crypto, deposit: { readonly who: Uint8Array; readonly value: bigint }): Trie =>
  change(state, crypto, (store) => mint(store, deposit.who, deposit.value))

/** What a state tells about an account and a contract. */
export const inspect = (state: Trie, crypto: Crypto): Pick<ClusterStore, 'account' | 'contract' | 'codeInfo'> => storeOf(state, crypto)

/**
 * Stores code after checking it completely. The same code again changes nothing.
 * @throws CONTRACT_CODE_REFUSED, CONTRACT_IMPORT_UNKNOWN
 */
export const uploadCode = (
  state: Trie,
  dependencies: { readonly crypto: Crypto; readonly vms: readonly CodeVm[] },
  request: UploadRequest,
): { readonly state: Trie; readonly codeHash: Uint8Array } => {
  const store = storeOf(state, dependencies.crypto)
  const codeHash = storeCode(store, dependencies, request)
  return { state: state.apply(store.overlay.changes()), codeHash }
}

type RunEnd = FrameEnd | { readonly kind: 'Unpaid' }

interface RunParts {
  readonly state: Trie
  readonly env: ExecutionEnv
  readonly request: Transaction
  enter(execution: Execution, gas: Meter): FrameEnd
}

interface Run {
  readonly end: RunEnd
  readonly consumed: bigint
  readonly required: bigint
  readonly deposit: bigint
  readonly execution: Execution
  readonly overlay: Overlay
}

const failedEnd = (error: ContractErrorName, reason: string): FrameEnd => ({ kind: 'Failed', value: { error, reason } })

/** Enters the first frame, and settles deposits where it left changes. */
const runRoot = (execution: Execution, gas: Meter, parts: RunParts): { readonly end: FrameEnd; readonly deposit: bigint } => {
  const { store, origin } = execution
  store.overlay.begin()
  let end: FrameEnd
  try {
    end = parts.enter(execution, gas)
  } catch (error) {
    if (!isAppError(error, 'CONTRACT_TRAPPED')) throw error
    end = failedEnd(error.context.error as ContractErrorName, error.context.reason)
  }
  const deposit = chargedSince(store.overlay, 0)
  const limit = parts.request.storageDepositLimit
  const keeps = end.kind === 'Returned' && (end.value.flags & REVERT_FLAG) === 0
  if (keeps && limit !== undefined && deposit > limit) end = failedEnd('StorageDepositLimitExhausted', 'the storage deposit exceeds its limit')
  else if (keeps && !settleCharges(store, origin)) end = failedEnd('StorageDepositNotEnoughFunds', 'the storage deposit cannot be paid')
  if (end.kind === 'Returned' && (end.value.flags & REVERT_FLAG) === 0) {
    store.overlay.commit()
    return { end, deposit }
  }
  store.overlay.rollback()
  return { end, deposit: 0n }
}

/** Fee, run, rest of the fee back. */
const run = (parts: RunParts): Run => {
  const { env, request } = parts
  const store = storeOf(parts.state, env.crypto)
  const config = store.config()
  assert(config !== undefined, 'the state of a cluster has settings')
  const execution = new Execution({ env, store, config, origin: request.origin })
  if (request.deposit > 0n) mint(store, request.origin, request.deposit)
  const ceiling = env.mode === 'Query' ? GAS_LIMIT.query : GAS_LIMIT.transaction
  const limit = request.gasLimit < ceiling ? request.gasLimit : ceiling
  const fee = request.gasFree ? 0n : limit * config.gasPrice
  const base = { execution, overlay: store.overlay }
  if (!transfer(store, { from: request.origin, to: config.treasury, value: fee, keepAlive: true }))
    return { ...base, end: { kind: 'Unpaid' }, consumed: 0n, required: 0n, deposit: 0n }
  const gas = new Meter(limit)
  const { end, deposit } = runRoot(execution, gas, parts)
  const back = fee === 0n ? 0n : gas.left * config.gasPrice
  transfer(store, { from: config.treasury, to: request.origin, value: back, keepAlive: false })
  return { ...base, end, consumed: limit - gas.left, required: limit - gas.low, deposit }
}

const depositOf = (amount: bigint, fill: (value: bigint) => bigint): StorageDeposit =>
  amount >= 0n ? { kind: 'Charge', value: fill(atMostBalance(amount)) } : { kind: 'Refund', value: fill(atMostBalance(-amount)) }

type Figures = Omit<ContractExecResult, 'result'>

const figuresOf = (done: Run, env: ExecutionEnv): Figures => {
  const isCoarse = env.mode !== 'Transaction'
  const gas = (value: bigint): bigint => (isCoarse ? coarseGas(value) : value)
  const { depositPerByte } = done.execution.config
  return {
    gasConsumed: { refTime: gas(done.consumed), proofSize: 0n },
    gasRequired: { refTime: gas(done.required), proofSize: 0n },
    storageDeposit: depositOf(done.deposit, (value) => (isCoarse ? coarseDeposit(value, depositPerByte) : value)),
    debugMessage: done.execution.debugMessage,
    events: undefined,
  }
}

const NOT_PAID: DispatchError = { kind: 'Token', value: { kind: 'FundsUnavailable' } }

const finish = <Value, Result>(parts: RunParts, done: Run, shape: {
  value(returned: ReturnValue): Value
  result(figures: Figures, result: { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: DispatchError }): Result
}): Executed<Result> => {
  const { end, execution, overlay } = done
  const figures = figuresOf(done, parts.env)
  const result = end.kind === 'Returned'
    ? shape.result(figures, { ok: true, value: shape.value(end.value) })
    : shape.result(figures, { ok: false, error: end.kind === 'Unpaid' ? NOT_PAID : contractError(end.value.error) })
  const failure = end.kind === 'Returned' ? undefined : end.kind === 'Unpaid' ? 'the gas cannot be paid' : end.value.reason
  const state = parts.env.mode === 'Transaction' ? parts.state.apply(overlay.changes()) : parts.state
  return { kind: 'Executed', state, result, effects: collectEffects(overlay, execution.logs), failure }
}

const orPending = <Result>(parts: RunParts, complete: (done: Run) => Executed<Result>): ExecutionOutcome<Result> => {
  let execution: Execution | undefined
  const watched: RunParts = {
    ...parts,
    enter(running, gas) {
      execution = running
      return parts.enter(running, gas)
    },
  }
  try {
    return complete(run(watched))
  } catch (error) {
    if (!isAppError(error, 'CONTRACT_NEEDS_EFFECT') || execution?.pending === undefined) throw error
    return { kind: 'NeedsEffect', value: execution.pending }
  }
}

/** Calls a contract. @throws CONTRACT_ENGINE_FAILED */
export const callContract = (state: Trie, env: ExecutionEnv, request: CallRequest): ExecutionOutcome<ContractExecResult> => {
  const parts: RunParts = {
    state, env, request,
    enter(execution, gas) {
      gas.charge(STATE_GAS.call)
      const info = execution.store.contract(request.contract)
      if (info === undefined) return failedEnd('ContractNotFound', 'there is no such contract')
      return execution.enter({
        entry: 'call', address: request.contract, codeHash: info.codeHash, caller: request.origin, value: request.transfer, input: request.input, gas,
        isDelegate: false, depositLimit: undefined,
      })
    },
  }
  return orPending(parts, (done) => finish(parts, done, { value: (returned) => returned, result: (figures, result) => ({ ...figures, result }) }))
}

/** Makes a contract. @throws CONTRACT_ENGINE_FAILED */
export const instantiate = (state: Trie, env: ExecutionEnv, request: InstantiateRequest): ExecutionOutcome<ContractInstantiateResult> => {
  let accountId = request.codeHash
  const parts: RunParts = {
    state, env, request,
    enter(execution, gas) {
      gas.charge(STATE_GAS.instantiate)
      accountId = execution.addressOf(request.origin, request.codeHash, request.salt)
      return execution.enter({
        entry: 'deploy', address: accountId, codeHash: request.codeHash, caller: request.origin, value: request.transfer, input: request.input, gas,
        isDelegate: false, depositLimit: undefined,
      })
    },
  }
  return orPending(parts, (done) => finish(parts, done, { value: (returned) => ({ result: returned, accountId }), result: (figures, result) => ({ ...figures, result }) }))
}
