/** Owns pictures of an interpreter's memory, and putting one back into an instance that something else ran in. */
import type { WasmModule } from '../wasm/api.ts'
import { PAGE, STACK_TOP } from './build.ts'
import { Interpreter, type Box, type Handles } from './interpreter.ts'

/** Memory is kept in pieces of this size; those that hold only zeros are left out. */
const PIECE = 4096
/** Instances kept for the next run (frames of one execution), and the most pages of one. */
const POOLED = 8
const POOLED_PAGES = 128

/** A picture of an interpreter between two calls into it, and what was paid on the way to it. */
export interface Snapshot {
  readonly pages: number
  readonly runs: readonly { readonly at: number; readonly bytes: Uint8Array }[]
  readonly handles: Handles
  readonly box: Box
  readonly gas: bigint
  /** Bytes it takes. */
  readonly size: number
}

const isZero = (words: BigUint64Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i++) if (words[i] !== 0n) return false
  return true
}

/** Takes a picture; the instance must be outside of any call. */
export const takeSnapshot = (interpreter: Interpreter, gas: bigint): Snapshot => {
  const { bytes, handles, box } = interpreter
  const words = new BigUint64Array(bytes.buffer)
  const perPiece = PIECE / 8
  const runs: { at: number; bytes: Uint8Array }[] = []
  let start: number | undefined
  for (let piece = 0; piece * PIECE <= bytes.length; piece++) {
    const isEmpty = piece * PIECE === bytes.length || isZero(words, piece * perPiece, (piece + 1) * perPiece)
    if (!isEmpty) start ??= piece * PIECE
    else if (start !== undefined) {
      runs.push({ at: start, bytes: bytes.slice(start, piece * PIECE) })
      start = undefined
    }
  }
  return { pages: bytes.length / PAGE, runs, handles, box, gas, size: runs.reduce((sum, run) => sum + run.bytes.length, 0) }
}

/** Makes the whole state of an instance that of the picture; its memory must have as many pages. */
const restore = (interpreter: Interpreter, snapshot: Snapshot): void => {
  const { bytes } = interpreter
  let end = 0
  for (const run of snapshot.runs) {
    bytes.fill(0, end, run.at)
    bytes.set(run.bytes, run.at)
    end = run.at + run.bytes.length
  }
  bytes.fill(0, end)
  interpreter.handles = snapshot.handles
  interpreter.box = snapshot.box
  interpreter.idle()
  interpreter.raw('stackRestore', STACK_TOP)
}

/** Instances, given out in the state of a picture. Used again where a run did not grow them. */
export class InstancePool {
  private readonly module: WasmModule
  private readonly free = new Map<number, Interpreter[]>()
  private total = 0

  constructor(module: WasmModule) {
    this.module = module
  }

  /** An instance in exactly the state of a picture. @throws CONTRACT_ENGINE_FAILED */
  take(snapshot: Snapshot): Interpreter {
    const pooled = this.free.get(snapshot.pages)?.pop()
    if (pooled !== undefined) this.total--
    const interpreter = pooled ?? new Interpreter(this.module)
    interpreter.growTo(snapshot.pages)
    restore(interpreter, snapshot)
    return interpreter
  }

  /** Takes an instance back, whatever happened in it. */
  give(interpreter: Interpreter): void {
    const pages = interpreter.memory.buffer.byteLength / PAGE
    interpreter.idle()
    if (this.total >= POOLED || pages > POOLED_PAGES) return
    const list = this.free.get(pages) ?? []
    this.free.set(pages, list)
    list.push(interpreter)
    this.total++
  }
}
