/**
 * Owns a machine for tests of clusters whose contracts do what their input says, a byte an action: count, trap, loop, revert, make another, say something, break
 * the machine. Deterministic; not for production.
 */
import { bytesEqual, concatBytes, startsWith, utf8 } from '@phalanx/primitives/bytes'
import { u32, u64 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import type { CodeVm, VmHost, VmOutcome } from '../contracts/vm.ts'

/** Code of contracts that this machine runs. */
export const SCRIPT_CODE: Uint8Array = utf8('test-script/1')
const COUNTER = utf8('counter')

/** First byte of an input. */
export const SCRIPT = { count: 0, trap: 1, loop: 2, revert: 3, make: 4, say: 5, breakMachine: 6, fill: 7, throwBug: 8 } as const

/** A run that returned. Flag 1: it takes back what it did. */
export const returned = (data: Uint8Array, flags = 0): VmOutcome => ({ kind: 'Returned', value: { flags, data } })

/** Counts the contract's calls in its storage; the count with this one, a u64. */
export const countCall = (host: VmHost): Uint8Array => {
  const before = host.getStorage(COUNTER)
  const next = u64.encode((before === undefined ? 0n : u64.decode(before)) + 1n)
  host.setStorage(COUNTER, next)
  return next
}

const run = (host: VmHost): VmOutcome => {
  host.gas.charge(1_000_000n)
  if (host.entry === 'deploy') return returned(new Uint8Array(0))
  const [action = SCRIPT.count] = host.input
  switch (action) {
    case SCRIPT.trap: countCall(host); return { kind: 'Trapped', value: { error: 'ContractTrapped', reason: 'told to' } }
    case SCRIPT.loop: for (;;) host.gas.charge(1_000_000_000n)
    case SCRIPT.revert: countCall(host); return returned(utf8('no'), 1)
    case SCRIPT.make: {
      const { outcome, address } = host.instantiate({ codeHash: host.codeHash, value: 0n, input: new Uint8Array(0), salt: host.input.subarray(1), gasLimit: 0n })
      return returned(concatBytes(address, Uint8Array.of(outcome.kind === 'Returned' ? 1 : 0)))
    }
    case SCRIPT.say:
      host.emitEvent([new Uint8Array(32).fill(7)], host.input.subarray(1))
      host.chainExtension(10, concatBytes(Uint8Array.of(3), Uint8Array.of(5 << 2), utf8('hello')))
      return returned(countCall(host))
    case SCRIPT.breakMachine: throw new AppError('CONTRACT_ENGINE_FAILED', { reason: 'told to' })
    case SCRIPT.throwBug: return (host as unknown as { readonly missing: { run(): VmOutcome } }).missing.run()
    case SCRIPT.fill: host.setStorage(concatBytes(utf8('k'), host.input.subarray(1, 5)), host.input.subarray(1)); return returned(countCall(host))
    default: return returned(countCall(host))
  }
}

/** The machine. */
export const createScriptVm = (): CodeVm => ({
  kind: 'js',
  recognises: (code) => startsWith(code, SCRIPT_CODE),
  validate(code) {
    if (!bytesEqual(code, SCRIPT_CODE)) throw new AppError('CONTRACT_CODE_REFUSED', { reason: 'it is another script' })
    return { kind: 'js', isDeterministic: true }
  },
  run(_, host) {
    try {
      return run(host)
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'CONTRACT_TRAPPED') throw error
      const { error: name, reason } = error.context as { error: 'OutOfGas'; reason: string }
      return { kind: 'Trapped', value: { error: name, reason } }
    }
  },
})

/** A storage action with a value of its own. */
export const fillInput = (key: number, bytes: number): Uint8Array => concatBytes(Uint8Array.of(SCRIPT.fill), u32.encode(key), new Uint8Array(bytes).fill(key & 0xff))
