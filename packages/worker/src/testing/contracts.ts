/** Owns a cluster state with money in it and an environment, for tests of contracts. */
import { assert } from '@phalanx/primitives/assert'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Trie } from '@phalanx/primitives/trie'
import type { DispatchError } from '@phalanx/runtime/frame'
import { callContract, createContractState, depositBalance, instantiate, uploadCode, type CallRequest, type Executed, type ExecutionOutcome } from '../contracts/execution/execute.ts'
import type { ExecutionEnv } from '../contracts/execution/env.ts'
import { contractErrorName } from '@phalanx/primitives/contracts'
import type { ClusterConfig } from '../contracts/execution/schema.ts'
import { createInkVm } from '../contracts/ink/create-ink-vm.ts'
import { createBuiltinVm } from '../contracts/system-contract/create-builtin-vm.ts'
import { createWasmMachine } from '../engines/wasm/engine.ts'

const ACCOUNT = 32
/** Accounts with and without balance. */
export const ALICE: Uint8Array = new Uint8Array(ACCOUNT).fill(1)
export const BOB: Uint8Array = new Uint8Array(ACCOUNT).fill(2)
const TREASURY = new Uint8Array(ACCOUNT).fill(9)

/** A command with nothing special about it. */
const PLAIN: Omit<CallRequest, 'contract' | 'input'> = { origin: ALICE, transfer: 0n, gasLimit: 1_000_000_000_000n, gasFree: true, storageDepositLimit: undefined, deposit: 0n }

/** Everything a test does with contracts, on one state that moves on. */
export class ContractBench {
  readonly env: ExecutionEnv
  state: Trie

  constructor(options: { crypto: Crypto; config?: Partial<ClusterConfig>; isMetered?: boolean; env?: Partial<ExecutionEnv> }) {
    const { crypto } = options
    const zero = new Uint8Array(ACCOUNT)
    const vms = [createInkVm({ crypto, machine: createWasmMachine({ isMetered: options.isMetered ?? true }) }), createBuiltinVm({ crypto })]
    const clusterSecret = crypto.sr25519.pairFromSeed(zero).secret
    this.env = { crypto, vms, mode: 'Transaction', blockNumber: 7, nowMs: 7_000n, clusterSecret, callNonce: zero, ...options.env }
    const config = { clusterId: zero, owner: ALICE, gasPrice: 1n, depositPerItem: 1n, depositPerByte: 1n, treasury: TREASURY, systemContract: undefined, ...options.config }
    this.state = depositBalance(createContractState({ config }, { crypto }), crypto, { who: ALICE, value: 10n ** 18n })
  }

  upload(code: Uint8Array, deterministic = true): Uint8Array {
    const { state, codeHash } = uploadCode(this.state, this.env, { owner: ALICE, code, deterministic })
    this.state = state
    return codeHash
  }

  private take<Result>(outcome: ExecutionOutcome<Result>): Executed<Result> {
    assert(outcome.kind === 'Executed', 'nothing outside is asked for')
    this.state = outcome.state
    return outcome
  }

  deploy(code: Uint8Array, input: Uint8Array, options: { salt?: Uint8Array; deterministic?: boolean; transfer?: bigint } = {}) {
    const codeHash = this.upload(code, options.deterministic ?? true)
    return this.take(instantiate(this.state, this.env, { ...PLAIN, codeHash, input, salt: options.salt ?? new Uint8Array(0), transfer: options.transfer ?? 0n }))
  }

  call(contract: Uint8Array, input: Uint8Array, options: Partial<CallRequest> & { env?: Partial<ExecutionEnv> } = {}) {
    const { env, ...request } = options
    return this.take(callContract(this.state, { ...this.env, ...env }, { ...PLAIN, contract, input, ...request }))
  }
}

/** Address of a contract just made; throws nothing: an empty address where it was not. */
export const addressOf = (made: ReturnType<ContractBench['deploy']>): Uint8Array => (made.result.result.ok ? made.result.result.value.accountId : new Uint8Array(0))

/** How a call ended, in a word: `ok`, or the error's name. */
export const endOf = (done: { readonly result: { readonly result: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: DispatchError } } }): string => {
  const { result } = done.result
  return result.ok ? 'ok' : (contractErrorName(result.error) ?? result.error.kind)
}
