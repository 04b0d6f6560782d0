/**
 * Owns the pinned QuickJS build: its bytes by hash, the meaning of its short names, and where its memory holds what. The
 * published module keeps 5 MiB of stack below its heap; ours keeps less, so that a whole memory is quickly put back.
 */
import { createHash } from 'node:crypto'
import { toHex } from '@phalanx/primitives/bytes'
import { engineFailed } from '../wasm/gas-link.ts'
import { ENGINE_RULES, type ModuleRules } from '../wasm/rules.ts'

const SHA256 = '0x105c3bed22d457e43e3d1c3c1c6959fda62a8fe06f0fc8a985303c3a2be72232'

/** Names of the module's exports (QTS_ functions of quickjs-emscripten 0.32.0, malloc, free and stackRestore). */
export const EXPORT = {
  construct: 'u', malloc: 'v', free: 'M', stackRestore: 'Ma',
  setMaxStackSize: 'D', newRuntime: 'K', newContext: 'N', newFunction: 'Da', newArrayBuffer: 'X', newFloat64: 'Y', undefinedValue: 'E',
  evaluate: 'pa', call: 'ma', resolveException: 'na', freeValue: 'P', isJobPending: 'fa', executeJobs: 'ga',
} as const

/** Import names of the module (all of module `a`). */
export const IMPORT = {
  memory: 'a', assertFail: 'b', abort: 'q', exit: 'r', resizeHeap: 'k', now: 'p', localTime: 'm', timeZone: 'n', fdWrite: 'c', fdClose: 'd', fdSeek: 'o',
  environGet: 'e', environSizes: 'f', keepAliveClear: 'l', setTimer: 'j', callHost: 's', interrupt: 'i', loadModule: 'h', normalizeModule: 'g', freeHostRef: 't',
} as const

/** Bytes of a page of memory. */
export const PAGE = 65_536
/** Lowest address of the stack: behind the module's data. */
const STACK_LOW = 90_208
const STACK_BYTES = 256 * 1024
/** Where the stack begins (it grows downwards) and the heap too. */
export const STACK_TOP: number = STACK_LOW + STACK_BYTES
/** How much of the stack JavaScript may use before it is told so by an exception; the rest is for what does not ask. */
export const JS_STACK_BYTES: number = STACK_BYTES - 96 * 1024
/** Pages of a new memory, and the most that a run may have. */
export const PAGES = { initial: 20, maximum: 512 } as const

/** Gas of one instruction of the interpreter: twice and more what it takes. ink!'s is the reference's, which is far above. */
const INSTRUCTION_GAS = 1000

/**
 * What the instrumented build is held to. A slot takes up to 13 bytes of the native stack, of which there is just under 1 MiB for
 * everything: the innermost of six frames may have all these slots, and those around it at most CALL_OUT_SLOTS each.
 */
export const QUICKJS_RULES: ModuleRules = { ...ENGINE_RULES, name: 'quickjs', memoryPagesMax: PAGES.maximum, stackSlots: 20_480, instructionGas: INSTRUCTION_GAS }
/** Slots that a script may have in use when it calls another contract. */
export const CALL_OUT_SLOTS = 6144

/** A LEB128 number of a fixed length. */
const padded = (value: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => ((value >>> (7 * i)) & 0x7f) | (i < length - 1 ? 0x80 : 0))

const littleEndian = (value: number): Uint8Array => Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24)

const HEAP_BASE = 5_333_088
/** Places in the published module: limits of its memory, first stack pointer, first end of the heap. */
const PATCHES: readonly { readonly at: number; readonly from: Uint8Array; readonly to: Uint8Array }[] = [
  { at: 964, from: padded(256, 2), to: padded(PAGES.initial, 2) },
  { at: 966, from: padded(32_768, 3), to: padded(PAGES.maximum, 3) },
  { at: 2308, from: padded(HEAP_BASE, 4), to: padded(STACK_TOP, 4) },
  { at: 502_953, from: littleEndian(HEAP_BASE), to: littleEndian(STACK_TOP) },
]

/** The module with our memory layout. @throws CONTRACT_ENGINE_FAILED where the bytes are not the pinned ones */
export const patchBuild = (published: Uint8Array): Uint8Array => {
  const hash = toHex(createHash('sha256').update(published).digest())
  if (hash !== SHA256) throw engineFailed(`the QuickJS module has the hash ${hash}, not the pinned one`)
  const bytes = published.slice()
  for (const { at, from, to } of PATCHES) {
    if (from.some((byte, i) => bytes[at + i] !== byte)) throw engineFailed('the QuickJS module is not laid out as expected')
    bytes.set(to, at)
  }
  return bytes
}
