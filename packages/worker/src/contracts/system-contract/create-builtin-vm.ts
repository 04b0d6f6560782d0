/**
 * Owns the machine for code that is built into workers: the bytes that stand for it on the chain, dispatch by selector, and how
 * a message's answer becomes what an ink! contract would return. Does not own what messages do.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { unit } from '@phalanx/primitives/codec'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { answerCodec, decodeArguments, SYSTEM_CONSTRUCTORS, SYSTEM_MESSAGES, type MessageSpec, type SystemMessageName } from '@phalanx/primitives/ink'
import { BUILTIN_SYSTEM_CODE } from '@phalanx/primitives/messages'
import { stopWith } from '../execution/extension-function.ts'
import type { CodeVm, ContractErrorName, ReturnValue, VmHost } from '../vm.ts'
import { SystemContext, type SystemCrypto } from './context.ts'
import { construct, HANDLERS } from './messages.ts'

/** What a run costs besides what it asks of its frame, in picoseconds of reference time. */
const RUN_GAS = 5_000_000n
const INPUT_BYTE_GAS = 1_000n
const OUTPUT_BYTE_GAS = 1_000n
const SELECTOR_BYTES = 4
const REVERT_FLAG = 1

/** One message, ready to run: from argument bytes to what is returned. */
type Runner = (context: SystemContext, encoded: Uint8Array) => ReturnValue

/** What ink! contracts answer to input that they cannot read. */
const UNREADABLE: ReturnValue = { flags: REVERT_FLAG, data: answerCodec(unit).encode({ ok: false, error: { kind: 'CouldNotReadInput' } }) }

const createRunner = (name: SystemMessageName): Runner => {
  const spec: MessageSpec = SYSTEM_MESSAGES[name]
  const handle = HANDLERS[name] as (context: SystemContext, args: unknown) => unknown
  const answer = answerCodec(spec.returns)
  return (context, encoded) => {
    let args: unknown
    try {
      args = decodeArguments(spec.args, encoded)
    } catch (error) {
      if (isAppError(error)) return UNREADABLE
      throw error
    }
    const value = handle(context, args)
    const data = answer.encode({ ok: true, value })
    context.host.gas.charge(OUTPUT_BYTE_GAS * BigInt(data.length))
    return { flags: spec.isFailure(value) ? REVERT_FLAG : 0, data }
  }
}

const runConstructor: Runner = (context, encoded) => {
  if (encoded.length > 0) return UNREADABLE
  construct(context)
  return { flags: 0, data: answerCodec(unit).encode({ ok: true, value: [] }) }
}

type Table = ReadonlyMap<string, Runner>

const runEntry = (tables: Readonly<Record<VmHost['entry'], Table>>, context: SystemContext): ReturnValue => {
  const { host } = context
  host.gas.charge(RUN_GAS + INPUT_BYTE_GAS * BigInt(host.input.length))
  if (host.valueTransferred > 0n) throw stopWith('ContractTrapped', 'the system contract takes no money')
  const runner = tables[host.entry].get(toHex(host.input.subarray(0, SELECTOR_BYTES)))
  return runner === undefined ? UNREADABLE : runner(context, host.input.subarray(SELECTOR_BYTES))
}

/** The machine for the system contract built into workers. */
export const createBuiltinVm = (dependencies: { readonly crypto: SystemCrypto }): CodeVm => {
  const { crypto } = dependencies
  const names = Object.keys(SYSTEM_MESSAGES) as readonly SystemMessageName[]
  const tables = {
    deploy: new Map<string, Runner>([[SYSTEM_CONSTRUCTORS.default.selector, runConstructor]]),
    call: new Map<string, Runner>(names.map((name) => [SYSTEM_MESSAGES[name].selector, createRunner(name)])),
  }
  return {
    kind: 'builtin',
    recognises: (code) => bytesEqual(code, BUILTIN_SYSTEM_CODE),
    validate(code) {
      if (!bytesEqual(code, BUILTIN_SYSTEM_CODE)) throw new AppError('CONTRACT_CODE_REFUSED', { reason: 'it names code that is not built in' })
      return { kind: 'builtin', isDeterministic: true }
    },
    run(_, host) {
      try {
        return { kind: 'Returned', value: runEntry(tables, new SystemContext(host, crypto)) }
      } catch (error) {
        if (!isAppError(error, 'CONTRACT_TRAPPED')) throw error
        return { kind: 'Trapped', value: { error: error.context.error as ContractErrorName, reason: error.context.reason } }
      }
    },
  }
}
