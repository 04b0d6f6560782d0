/** Owns the seal functions that reach other contracts: calls, delegate calls, instantiation, transfer, termination, code hashes. */
import { CODE, REVERT_FLAG, type SealArguments, type SealFunction } from './abi.ts'
import { PAYLOAD_MAX, SENTINEL, trap, type InkFrame } from './frame.ts'
import type { SubcallOutcome } from '../vm.ts'

const ACCOUNT = 32
const FLAG = { forwardInput: 1, cloneInput: 2, tailCall: 4, allowReentry: 8 } as const

const FAILURES: Readonly<Record<Extract<SubcallOutcome, { kind: 'Failed' }>['value'], number>> = {
  TransferFailed: CODE.transferFailed, CodeNotFound: CODE.codeNotFound, NotCallable: CODE.notCallable, Trapped: CODE.calleeTrapped,
}

/** Stops the run from inside a host function once the frame holds what it returned; the VM knows the error by identity. */
export type Stop = (frame: InkFrame) => never

const readInput = (frame: InkFrame, from: { readonly flags: number; readonly pointer: number; readonly length: number }): Uint8Array => {
  const { flags, pointer, length } = from
  if ((flags & FLAG.cloneInput) !== 0) {
    const input = frame.takeInput()
    frame.chargeCopy(input.length)
    return input
  }
  if ((flags & FLAG.forwardInput) !== 0) {
    const input = frame.takeInput()
    frame.input = undefined
    return input
  }
  if (length > PAYLOAD_MAX) throw trap('ValueTooLarge', 'the input of a call is too long')
  return frame.read(pointer, length)
}

const checkFlags = (flags: number, allowed: number): void => {
  if ((flags & ~allowed) !== 0) throw trap('InvalidCallFlags', `the flags ${flags} are not known here`)
}

interface Output {
  readonly pointer: number
  readonly lengthPointer: number
}

/** Hands the outcome of a call to the contract: output first, then the code. */
const finish = (frame: InkFrame, outcome: SubcallOutcome, output: Output): number => {
  if (outcome.kind === 'Failed') return FAILURES[outcome.value]
  frame.writeOutput({ ...output, mayBeLeftOut: true }, outcome.value.data)
  return (outcome.value.flags & REVERT_FLAG) !== 0 ? CODE.calleeReverted : CODE.success
}

const finishOrTail = (frame: InkFrame, parts: { readonly flags: number; readonly outcome: SubcallOutcome; readonly output: Output; readonly stop: Stop }): number => {
  const { flags, outcome, output, stop } = parts
  if ((flags & FLAG.tailCall) !== 0 && outcome.kind === 'Returned') {
    frame.returned = outcome.value
    return stop(frame)
  }
  return finish(frame, outcome, output)
}

interface CallPlaces {
  readonly callee: number
  readonly gas: number
  readonly deposit?: number
  readonly value: number
  readonly input: number
  readonly output: number
}

const optionalBalance = (frame: InkFrame, pointer: number | undefined): { readonly depositLimit?: bigint } =>
  pointer === undefined || pointer === SENTINEL ? {} : { depositLimit: frame.readBalance(pointer) }

const call = (frame: InkFrame, args: SealArguments, at: CallPlaces & { readonly stop: Stop; readonly flags: number }): number => {
  checkFlags(at.flags, FLAG.forwardInput | FLAG.cloneInput | FLAG.tailCall | FLAG.allowReentry)
  const callee = frame.read(args.n(at.callee), ACCOUNT)
  const value = frame.readBalance(args.n(at.value))
  const deposit = optionalBalance(frame, at.deposit === undefined ? undefined : args.n(at.deposit))
  const input = readInput(frame, { flags: at.flags, pointer: args.n(at.input), length: args.n(at.input + 1) })
  const outcome = frame.host.call({ callee, value, input, gasLimit: args.big(at.gas), allowReentry: (at.flags & FLAG.allowReentry) !== 0, ...deposit })
  return finishOrTail(frame, { flags: at.flags, outcome, output: { pointer: args.n(at.output), lengthPointer: args.n(at.output + 1) }, stop: at.stop })
}

interface InstantiatePlaces {
  readonly gas: number
  readonly deposit?: number
  readonly value: number
  readonly input: number
  readonly address: number
  readonly output: number
  readonly salt: number
}

const instantiate = (frame: InkFrame, args: SealArguments, at: InstantiatePlaces): number => {
  const codeHash = frame.read(args.n(0), ACCOUNT)
  const value = frame.readBalance(args.n(at.value))
  const deposit = optionalBalance(frame, at.deposit === undefined ? undefined : args.n(at.deposit))
  const input = readInput(frame, { flags: 0, pointer: args.n(at.input), length: args.n(at.input + 1) })
  if (args.n(at.salt + 1) > PAYLOAD_MAX) throw trap('ValueTooLarge', 'the salt is too long')
  const salt = frame.read(args.n(at.salt), args.n(at.salt + 1))
  const { outcome, address } = frame.host.instantiate({ codeHash, value, input, salt, gasLimit: args.big(at.gas), ...deposit })
  if (outcome.kind === 'Returned' && (outcome.value.flags & REVERT_FLAG) === 0)
    frame.writeOutput({ pointer: args.n(at.address), lengthPointer: args.n(at.address + 1), mayBeLeftOut: true }, address)
  return finish(frame, outcome, { pointer: args.n(at.output), lengthPointer: args.n(at.output + 1) })
}

const terminate = (frame: InkFrame, pointer: number, stop: Stop): never => {
  frame.host.terminate(frame.read(pointer, ACCOUNT))
  frame.isTerminated = true
  return stop(frame)
}

/** Functions of calls and accounts; `stop` ends the run. */
export const createCallFunctions = (stop: Stop): Readonly<Record<string, SealFunction>> => ({
  'seal0.call': {
    signature: 'iijiiiiii>i',
    run: (frame, args) => call(frame, args, { callee: 0, gas: 2, value: 3, input: 5, output: 7, flags: FLAG.allowReentry, stop }),
  },
  'seal1.call': { signature: 'iijiiiii>i', run: (frame, args) => call(frame, args, { callee: 1, gas: 2, value: 3, input: 4, output: 6, flags: args.n(0), stop }) },
  'seal2.call': {
    signature: 'iijjiiiiii>i',
    run: (frame, args) => call(frame, args, { callee: 1, gas: 2, deposit: 4, value: 5, input: 6, output: 8, flags: args.n(0), stop }),
  },
  'seal0.delegate_call': {
    signature: 'iiiiii>i',
    run(frame, args) {
      const flags = args.n(0)
      checkFlags(flags, FLAG.forwardInput | FLAG.cloneInput | FLAG.tailCall)
      const codeHash = frame.read(args.n(1), ACCOUNT)
      const input = readInput(frame, { flags, pointer: args.n(2), length: args.n(3) })
      const outcome = frame.host.delegateCall({ codeHash, input })
      return finishOrTail(frame, { flags, outcome, output: { pointer: args.n(4), lengthPointer: args.n(5) }, stop })
    },
  },
  'seal0.instantiate': { signature: 'iijiiiiiiiiii>i', run: (frame, args) => instantiate(frame, args, { gas: 2, value: 3, input: 5, address: 7, output: 9, salt: 11 }) },
  'seal1.instantiate': { signature: 'ijiiiiiiiii>i', run: (frame, args) => instantiate(frame, args, { gas: 1, value: 2, input: 3, address: 5, output: 7, salt: 9 }) },
  'seal2.instantiate': {
    signature: 'ijjiiiiiiiiii>i',
    run: (frame, args) => instantiate(frame, args, { gas: 1, deposit: 3, value: 4, input: 5, address: 7, output: 9, salt: 11 }),
  },
  'seal0.transfer': {
    signature: 'iiii>i',
    run: (frame, args) => (frame.host.transfer(frame.read(args.n(0), ACCOUNT), frame.readBalance(args.n(2))) ? CODE.success : CODE.transferFailed),
  },
  'seal0.terminate': { signature: 'ii>', run: (frame, args) => terminate(frame, args.n(0), stop) },
  'seal1.terminate': { signature: 'i>', run: (frame, args) => terminate(frame, args.n(0), stop) },
  'seal0.set_code_hash': { signature: 'i>i', run: (frame, args) => (frame.host.setCodeHash(frame.read(args.n(0), ACCOUNT)) ? CODE.success : CODE.codeNotFound) },
  'seal0.is_contract': { signature: 'i>i', run: (frame, args) => (frame.host.codeHashOf(frame.read(args.n(0), ACCOUNT)) === undefined ? 0 : 1) },
  'seal0.code_hash': {
    signature: 'iii>i',
    run(frame, args) {
      const hash = frame.host.codeHashOf(frame.read(args.n(0), ACCOUNT))
      if (hash === undefined) return CODE.keyNotFound
      frame.writeOutput({ pointer: args.n(1), lengthPointer: args.n(2) }, hash)
      return CODE.success
    },
  },
  'seal0.seal_return': {
    signature: 'iii>',
    run(frame, args) {
      if (args.n(0) > REVERT_FLAG) throw trap('InvalidCallFlags', 'the flags of a return are not known')
      if (args.n(2) > PAYLOAD_MAX) throw trap('ValueTooLarge', 'the output is too long')
      frame.returned = { flags: args.n(0), data: frame.read(args.n(1), args.n(2)) }
      return stop(frame)
    },
  },
})
