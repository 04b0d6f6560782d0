/** Owns the machine for JavaScript contracts: what code bytes must look like, and a run from entry point to outcome. Does not own the interpreter (a port) nor any state. */
import { parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { CodeVm, ContractErrorName, StoredCode, VmOutcome } from '../vm.ts'
import { answerHostCall, PAYLOAD_MAX, type JsCrypto } from './host-calls.ts'
import type { JsMachine, JsScript } from './machine.ts'
import { MessageReader, MessageWriter, trap } from './message.ts'

/** First line of every JavaScript contract. */
export const JS_CODE_PREFIX = '//phalanx-contract:1\n'
/** Longest code in bytes. */
export const JS_CODE_MAX: number = 2 * 1024 * 1024

const PREFIX = utf8(JS_CODE_PREFIX)
const END = { returned: 0, reverted: 1, failed: 2 } as const

const refused = (reason: string): AppError<'CONTRACT_CODE_REFUSED'> => new AppError('CONTRACT_CODE_REFUSED', { reason })

const hasPrefix = (code: Uint8Array): boolean => PREFIX.every((byte, i) => code[i] === byte)

/** The whole code is the script: its first line is a comment. */
const checkForm = (code: Uint8Array): void => {
  if (!hasPrefix(code)) throw refused('it does not begin with the line //phalanx-contract:1')
  if (code.length > JS_CODE_MAX) throw refused(`it has ${code.length} bytes, ${JS_CODE_MAX} are allowed`)
  if (code.includes(0)) throw refused('it holds a zero byte')
  try {
    parseUtf8(code)
  } catch (error) {
    throw isAppError(error) ? refused('it is not UTF-8') : error
  }
}

const scriptOf = (code: StoredCode): JsScript => ({ hash: code.hash, source: code.bytes })

const outcomeOf = (closing: Uint8Array): VmOutcome => {
  const message = new MessageReader(closing)
  const content = message.bytesUpTo(PAYLOAD_MAX).slice()
  if (message.operation === END.returned) return { kind: 'Returned', value: { flags: 0, data: content } }
  if (message.operation === END.reverted) return { kind: 'Returned', value: { flags: 1, data: content } }
  return { kind: 'Trapped', value: { error: 'ContractTrapped', reason: new TextDecoder().decode(content) } }
}

/** The machine for JavaScript contracts. */
export const createJsVm = (dependencies: { readonly crypto: JsCrypto; readonly machine: JsMachine }): CodeVm => {
  const { crypto, machine } = dependencies
  // Known by identity: no contract can bring about the same.
  const stopped = trap('ContractTrapped', 'the run has ended')
  const stopError = (): AppError => stopped
  const stop = (): never => {
    throw stopError()
  }
  return {
    kind: 'js',
    recognises: hasPrefix,
    validate(code, { deterministic }) {
      checkForm(code)
      machine.check(code)
      return { kind: 'js', isDeterministic: deterministic }
    },
    run(code, host) {
      const context = { host, crypto, stop }
      const opening = new MessageWriter().number(host.entry === 'deploy' ? 0 : 1).bytes(host.input).finish()
      try {
        const end = machine.run(scriptOf(code), { opening, gas: host.gas, host: { nowMs: host.nowMs, answer: (request, mayCallOut) => answerHostCall({ ...context, mayCallOut }, request) } })
        if (end.kind === 'Done') return outcomeOf(end.value)
        return { kind: 'Trapped', value: { error: end.value.isOutOfGas ? 'OutOfGas' : 'ContractTrapped', reason: end.value.reason } }
      } catch (error) {
        if (error === stopped) return { kind: 'Terminated' }
        if (!isAppError(error, 'CONTRACT_TRAPPED')) throw error
        return { kind: 'Trapped', value: { error: error.context.error as ContractErrorName, reason: error.context.reason } }
      }
    },
  }
}
