/** Owns what each request of the prelude does: arguments out, charge, the frame's method, answer in. The numbers are those of prelude.ts. */
import { text, tuple, u8 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { parseUtf8 } from '@phalanx/primitives/bytes'
import { HASH_GAS, WORK_GAS } from '../ink/gas.ts'
import type { SubcallOutcome, VmHost } from '../vm.ts'
import { MessageReader, MessageWriter, trap } from './message.ts'

/** Longest value, input, output or event data. */
export const PAYLOAD_MAX = 1024 * 1024
const KEY_MAX = 128
const TOPICS_MAX = 4
const SUBJECT_MAX = 32
/** Chain extension function that logs, and its arguments. */
const LOG_FUNCTION = 10
const LogArguments = tuple(u8, text)

/** Hashes that scripts can ask for. */
export type JsCrypto = Pick<Crypto, 'blake2b128' | 'blake2b256' | 'sha256' | 'keccak256'>

/** What requests work on. */
export interface HostCallContext {
  readonly host: VmHost
  readonly crypto: JsCrypto
  /** Ends the run because the contract has ended. */
  readonly stop: () => never
  /** Whether there is stack for another contract. */
  readonly mayCallOut: boolean
}

type HostCall = (context: HostCallContext, request: MessageReader) => MessageWriter

const MODES: readonly VmHost['mode'][] = ['Query', 'Estimating', 'Transaction']
const FAILURES: readonly Extract<SubcallOutcome, { kind: 'Failed' }>['value'][] = ['Trapped', 'TransferFailed', 'CodeNotFound', 'NotCallable']

const writeOutcome = (answer: MessageWriter, outcome: SubcallOutcome): MessageWriter =>
  outcome.kind === 'Failed' ? answer.number(0).number(FAILURES.indexOf(outcome.value)) : answer.number(1).number(outcome.value.flags).bytes(outcome.value.data)

const answerFlag = (value: boolean): MessageWriter => new MessageWriter().number(Number(value))

const readKey = (request: MessageReader): Uint8Array => {
  const key = request.bytesUpTo(KEY_MAX)
  if (key.length === 0) throw trap('DecodingFailed', 'a storage key is empty')
  return key.slice()
}

const readTopics = (request: MessageReader): readonly Uint8Array[] => {
  const count = request.number()
  if (count > TOPICS_MAX) throw trap('TooManyTopics', `an event may have ${TOPICS_MAX} topics`)
  return Array.from({ length: count }, () => request.hash().slice())
}

const readText = (bytes: Uint8Array): string => {
  try {
    return parseUtf8(bytes)
  } catch (error) {
    throw isAppError(error) ? trap('DecodingFailed', 'a message is not UTF-8') : error
  }
}

const HASHES: readonly (keyof JsCrypto)[] = ['blake2b256', 'blake2b128', 'sha256', 'keccak256']

const hash: HostCall = ({ host, crypto }, request) => {
  const kind = HASHES[request.number()]
  if (kind === undefined) throw trap('DecodingFailed', 'there is no hash of this kind')
  const message = request.bytesUpTo(PAYLOAD_MAX)
  host.gas.charge(WORK_GAS.hash + BigInt(message.length) * HASH_GAS)
  return new MessageWriter().bytes(crypto[kind](message))
}

const facts: HostCall = ({ host }) => new MessageWriter()
  .number(host.entry === 'deploy' ? 0 : 1).number(MODES.indexOf(host.mode)).number(host.blockNumber).big(host.nowMs, 8)
  .big(host.valueTransferred, 16).big(host.minimumBalance, 16).bytes(host.address).optional(host.caller)

/** A call that enters another contract. */
const callingOut = (run: HostCall): HostCall => (context, request) => {
  if (!context.mayCallOut) throw trap('ContractTrapped', 'it calls another contract from too deep a recursion')
  return run(context, request)
}

const call: HostCall = ({ host }, request) => {
  const [callee, value, gasLimit, allowReentry] = [request.hash().slice(), request.big(16), request.big(8), request.flag()]
  return writeOutcome(new MessageWriter(), host.call({ callee, value, gasLimit, allowReentry, input: request.bytesUpTo(PAYLOAD_MAX).slice() }))
}

const instantiate: HostCall = ({ host }, request) => {
  const [codeHash, value, gasLimit] = [request.hash().slice(), request.big(16), request.big(8)]
  const [input, salt] = [request.bytesUpTo(PAYLOAD_MAX).slice(), request.bytesUpTo(PAYLOAD_MAX).slice()]
  const { outcome, address } = host.instantiate({ codeHash, value, gasLimit, input, salt })
  return writeOutcome(new MessageWriter().bytes(address), outcome)
}

const delegateCall: HostCall = ({ host }, request) => {
  const codeHash = request.hash().slice()
  return writeOutcome(new MessageWriter(), host.delegateCall({ codeHash, input: request.bytesUpTo(PAYLOAD_MAX).slice() }))
}

const setStorage: HostCall = ({ host }, request) => {
  const key = readKey(request)
  host.setStorage(key, request.flag() ? request.bytesUpTo(PAYLOAD_MAX).slice() : undefined)
  return new MessageWriter()
}

const CALLS: Readonly<Record<number, HostCall>> = {
  1: facts,
  2: ({ host }) => new MessageWriter().bytes(host.codeHash),
  3: ({ host }) => new MessageWriter().big(host.gas.left, 8),
  4: ({ host }) => new MessageWriter().big(host.balance(), 16),
  5: ({ host }, request) => new MessageWriter().optional(host.getStorage(readKey(request))),
  6: setStorage,
  7: ({ host }, request) => answerFlag(host.transfer(request.hash().slice(), request.big(16))),
  8: callingOut(call),
  9: callingOut(delegateCall),
  10: callingOut(instantiate),
  11({ host, stop }, request) {
    host.terminate(request.hash().slice())
    return stop()
  },
  12: ({ host }, request) => answerFlag(host.setCodeHash(request.hash().slice())),
  13: ({ host }, request) => new MessageWriter().optional(host.codeHashOf(request.hash().slice())),
  14({ host }, request) {
    const topics = readTopics(request)
    host.emitEvent(topics, request.bytesUpTo(PAYLOAD_MAX).slice())
    return new MessageWriter()
  },
  15({ host }, request) {
    const level = request.number()
    host.chainExtension(LOG_FUNCTION, LogArguments.encode([level & 0xff, readText(request.bytesUpTo(PAYLOAD_MAX))]))
    return new MessageWriter()
  },
  16({ host }, request) {
    const { status, output } = host.chainExtension(request.number() & 0xffff, request.bytesUpTo(PAYLOAD_MAX).slice())
    return new MessageWriter().number(status).bytes(output)
  },
  17: ({ host }, request) => new MessageWriter().bytes(host.randomSeed(request.bytesUpTo(SUBJECT_MAX).slice())),
  18: hash,
}

/** Answers a request of the prelude. @throws CONTRACT_TRAPPED, and whatever the frame's methods throw */
export const answerHostCall = (context: HostCallContext, message: Uint8Array): Uint8Array => {
  const request = new MessageReader(message)
  const found = CALLS[request.operation]
  if (found === undefined) throw trap('DecodingFailed', `there is no host function ${request.operation}`)
  return found(context, request).finish()
}
