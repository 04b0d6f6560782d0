/**
 * Owns the contract of the simulated world: it does what the first byte of its input says, with the canaries that follow. Twice: for a machine of the simulator,
 * which costs next to nothing, and as a script for the real one. What it must answer follows from the input alone, but for the count of what it kept.
 */
import { bytesEqual, concatBytes, startsWith, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { text, tuple, u8 } from '@phalanx/primitives/codec'
import { extensionForms } from '@phalanx/primitives/contracts/extension'
import { isAppError } from '@phalanx/primitives/errors'
import { JS_CODE_PREFIX, type CodeVm, type ContractErrorName, type VmHost, type VmOutcome } from '@phalanx/worker/contracts'
import { countCall, returned } from '@phalanx/worker/testing'

/** First byte of an input. Two canaries of 32 bytes follow. What was kept or derived under the first one is read by queries. */
export const DEEDS = { keep: 0, trap: 1, revert: 2, say: 3, loop: 4, derive: 5, read: 6 } as const
const CANARY_BYTES = 32
const LOG = 10
const LOG_LEVEL = 3
const NOTHING = new Uint8Array(0)
const logForm = tuple(u8, text)

/** Code for the simulator's machine. */
export const SCRIPTED_CODE: Uint8Array = utf8('simulated-contract/1')

/** The same contract for QuickJS. */
export const JAVASCRIPT_CODE: Uint8Array = utf8(`${JS_CODE_PREFIX}
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
const key = new TextEncoder().encode('counter')
const count = () => {
  const next = host.getStorage(key) ?? new Uint8Array(8)
  for (let at = 0; ++next[at] === 0; at++);
  host.setStorage(key, next)
  return next
}
globalThis.phalanxContract = (entry, input) => {
  if (entry === 'deploy') return new Uint8Array(0)
  const [one, other] = [input.slice(1, 33), input.slice(33, 65)]
  switch (input[0]) {
    case 1: count(); throw new Error(hex(one))
    case 2: count(); return { revert: one }
    case 3: host.log(3, hex(one)); host.emitEvent([one], other); return count()
    case 4: for (;;) count()
    case 5: host.setStorage(one, host.chainExtension(4, Uint8Array.of(128, ...one)).output); return count()
    case 6: return host.getStorage(one) ?? new Uint8Array(0)
    default: host.setStorage(one, other); return count()
  }
}
`)

/** How a deed ends: with the count, what was to be taken back with, or an error. */
export type DeedEnd = 'counts' | 'reverts' | 'fails'

/** How a deed must end. */
export const endOfDeed = (input: Uint8Array): DeedEnd => {
  const [deed] = input
  if (deed === DEEDS.trap || deed === DEEDS.loop) return 'fails'
  return deed === DEEDS.revert ? 'reverts' : 'counts'
}

/** The canaries of an input. */
export const canariesOf = (input: Uint8Array): readonly [one: Uint8Array, other: Uint8Array] =>
  [input.slice(1, 1 + CANARY_BYTES), input.slice(1 + CANARY_BYTES, 1 + 2 * CANARY_BYTES)]

const run = (host: VmHost, gossip: (text: string) => void): VmOutcome => {
  host.gas.charge(1_000_000n)
  if (host.entry === 'deploy') return returned(NOTHING)
  const [one, other] = canariesOf(host.input)
  gossip(Buffer.from(concatBytes(utf8('~'), one)).toString('base64'))
  switch (host.input[0]) {
    case DEEDS.trap: countCall(host); return { kind: 'Trapped', value: { error: 'ContractTrapped', reason: toHexPlain(one) } }
    case DEEDS.revert: countCall(host); return returned(one, 1)
    case DEEDS.say:
      host.chainExtension(LOG, logForm.encode([LOG_LEVEL, toHexPlain(one)]))
      host.emitEvent([one], other)
      return returned(countCall(host))
    case DEEDS.loop: for (;;) host.gas.charge(1_000_000_000n)
    case DEEDS.derive: {
      const { output } = host.chainExtension(extensionForms.deriveSr25519Key.id, extensionForms.deriveSr25519Key.args.encode([one]))
      host.setStorage(one, output)
      return returned(countCall(host))
    }
    case DEEDS.read: return returned(host.getStorage(one) ?? NOTHING)
    default: host.setStorage(one, other); return returned(countCall(host))
  }
}

/** The simulator's machine. `gossip` hears what no machine may tell: of a deliberate defect, to show that it would be found. */
export const createScriptedVm = (gossip: (text: string) => void = () => {}): CodeVm => ({
  kind: 'js',
  recognises: (code) => startsWith(code, SCRIPTED_CODE),
  validate: (code) => ({ kind: 'js', isDeterministic: bytesEqual(code, SCRIPTED_CODE) }),
  run(_code, host) {
    try {
      return run(host, gossip)
    } catch (error) {
      if (!isAppError(error, 'CONTRACT_TRAPPED')) throw error
      const { error: name, reason } = error.context as { error: ContractErrorName; reason: string }
      return { kind: 'Trapped', value: { error: name, reason } }
    }
  },
})
