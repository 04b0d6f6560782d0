/** Owns what tests of JavaScript contracts share: code from a script, a state to run it in, answers as text. */
import { bytesToKey, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { ExecutionEnv } from '../contracts/execution/env.ts'
import { createInkVm } from '../contracts/ink/create-ink-vm.ts'
import { createJsVm, JS_CODE_PREFIX } from '../contracts/js/create-js-vm.ts'
import type { JsMachine } from '../contracts/js/machine.ts'
import { createWasmMachine } from '../engines/wasm/engine.ts'
import { addressOf, ContractBench, endOf } from './contracts.ts'

/** Code bytes of a script. */
export const jsCode = (script: string): Uint8Array => utf8(JS_CODE_PREFIX + script)

/** Code whose entry point is the body of a function of `entry` and `input`; `text(…)` makes bytes of a text. */
export const jsContract = (body: string): Uint8Array => jsCode(`
const text = (value) => new TextEncoder().encode(String(value))
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
globalThis.phalanxContract = (entry, input) => {
  if (entry === 'deploy') return new Uint8Array(0)
${body}
}`)

/** A bench with machines for both languages. */
export const jsBench = (parts: { readonly crypto: Crypto; readonly machine: JsMachine; readonly env?: Partial<ExecutionEnv> }): ContractBench => {
  const { crypto, machine, env } = parts
  const vms = [createJsVm({ crypto, machine }), createInkVm({ crypto, machine: createWasmMachine() })]
  return new ContractBench({ crypto, env: { vms, ...env } })
}

/** How one call ended: what it returned as text, or why not; and its gas. */
export interface JsCallEnd {
  readonly end: string
  readonly answer: string
  readonly failure: string | undefined
  readonly gas: bigint
}

/** Tells how a call ended. */
export const jsEndOf = (done: ReturnType<ContractBench['call']>): JsCallEnd => {
  const { result } = done.result
  const end = result.ok ? (result.value.flags === 0 ? 'ok' : 'reverted') : endOf(done)
  return { end, answer: result.ok ? bytesToKey(result.value.data) : '', failure: done.failure, gas: done.result.gasConsumed.refTime }
}

/** Deploys a contract of one body and calls it once. */
export const callOnce = (bench: ContractBench, body: string, options: Parameters<ContractBench['call']>[2] = {}): JsCallEnd =>
  jsEndOf(bench.call(addressOf(bench.deploy(jsContract(body), new Uint8Array(0))), new Uint8Array(0), options))
