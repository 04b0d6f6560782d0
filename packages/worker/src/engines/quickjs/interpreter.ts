/**
 * Owns one instance of the QuickJS module: its memory, the functions it imports, and calls into it with gas carried along. Knows
 * of contracts no more than that there is a host behind one function.
 */
import { AppError } from '@phalanx/primitives/errors'
import type { JsHost } from '../../contracts/js/machine.ts'
import type { GasMeter } from '../../contracts/vm.ts'
import { engine, type WasmGlobal, type WasmMemory, type WasmModule } from '../wasm/api.ts'
import { engineFailed, GasLink } from '../wasm/gas-link.ts'
import { GAS_EXPORT, PAGE_GAS, STACK_EXPORT } from '../wasm/instrument.ts'
import { CALL_OUT_SLOTS, EXPORT, IMPORT, PAGE, PAGES, QUICKJS_RULES } from './build.ts'

/** Gas of entering the host, and of each byte that goes over (picoseconds of reference time). */
const HOST_CALL_GAS = 300_000n
const COPY_GAS = 500n
/** Gas for work outside of runs: setting up, putting back. */
const IDLE_GAS = 1_000_000_000_000n
const WASI_UNSUPPORTED = 52
const WASI_NOT_SEEKABLE = 70
/** C's buffered output comes in two parts. */
const FD_PARTS_MAX = 16

type Raw = (...args: readonly number[]) => number

/** Values that the host keeps inside of the module's memory, by address. */
export interface Handles {
  readonly runtime: number
  readonly context: number
  /** The prelude's function `control(step, value)` and its three steps as numbers. */
  readonly control: number
  readonly steps: readonly [begin: number, end: number, fail: number]
  readonly undefinedValue: number
  /** Room for a few words. */
  readonly scratch: number
}

/** The buffer that both sides see. */
export interface Box {
  readonly pointer: number
  readonly length: number
}

/** What one run brings along. */
interface Run {
  readonly gas: GasMeter
  readonly link: GasLink
  readonly host: JsHost | undefined
  /** Whether the script asked for anything that can differ between runs. */
  hasAsked: boolean
}

/** The error that stops a script for a reason of the machine's, which every worker meets at the same place. */
const stopped = (reason: string): AppError<'CONTRACT_TRAPPED'> => new AppError('CONTRACT_TRAPPED', { error: 'ContractTrapped', reason })
const MEMORY_USED_UP = 'the memory is used up'

/** One instance. */
export class Interpreter {
  readonly memory: WasmMemory
  private readonly exports: Readonly<Record<string, unknown>>
  private readonly gas: WasmGlobal<bigint>
  readonly stack: WasmGlobal<number>
  private current: Run | undefined = undefined
  private view: Uint8Array
  /** Set by whoever builds or puts back the memory. */
  handles: Handles = { runtime: 0, context: 0, control: 0, steps: [0, 0, 0], undefinedValue: 0, scratch: 0 }
  box: Box = { pointer: 0, length: 0 }

  constructor(module: WasmModule) {
    try {
      this.memory = new engine.Memory(PAGES)
      this.view = new Uint8Array(this.memory.buffer)
      this.exports = new engine.Instance(module, { a: this.imports() }).exports
    } catch (cause) {
      throw engineFailed('no memory for a contract', cause)
    }
    this.gas = this.exports[GAS_EXPORT] as WasmGlobal<bigint>
    this.stack = this.exports[STACK_EXPORT] as WasmGlobal<number>
    this.idle()
  }

  /** The whole memory; another view after it grew. */
  get bytes(): Uint8Array {
    if (this.view.buffer !== this.memory.buffer) this.view = new Uint8Array(this.memory.buffer)
    return this.view
  }

  /** Calls an export without accounting; only between runs. */
  raw(name: keyof typeof EXPORT, ...args: readonly number[]): number {
    return (this.exports[EXPORT[name]] as Raw)(...args)
  }

  /** Calls an export on the gas of the run, if there is one. */
  enter(name: keyof typeof EXPORT, ...args: readonly number[]): number {
    const link = this.current?.link
    link?.toModule()
    const answer = this.raw(name, ...args)
    link?.toHost()
    return answer
  }

  /** Readies the counters for work that nobody pays. */
  idle(): void {
    this.current = undefined
    this.gas.value = IDLE_GAS
    this.stack.value = QUICKJS_RULES.stackSlots
  }

  /** Begins a run. */
  begin(gas: GasMeter, host: JsHost | undefined): Run {
    const link = new GasLink(gas)
    link.counter = this.gas
    // From here on counter and meter agree, whatever stops the run and however early.
    link.toModule()
    this.stack.value = QUICKJS_RULES.stackSlots
    return (this.current = { gas, link, host, hasAsked: false })
  }

  /** Checks addresses that the module hands out: none of them may bring the host itself to an error. */
  private range(pointer: number, length: number): number {
    if (pointer === 0 || pointer + length > this.memory.buffer.byteLength) throw stopped('the interpreter gave up')
    return pointer
  }

  readWord(pointer: number): number {
    return new DataView(this.memory.buffer).getUint32(this.range(pointer >>> 0, 4), true)
  }

  writeWords(pointer: number, words: readonly number[]): void {
    const view = new DataView(this.memory.buffer)
    const from = this.range(pointer >>> 0, 4 * words.length)
    words.forEach((word, i) => view.setUint32(from + 4 * i, word, true))
  }

  private allocate(length: number): number {
    const pointer = this.enter('malloc', length) >>> 0
    if (pointer === 0) throw stopped(MEMORY_USED_UP)
    return this.range(pointer, length)
  }

  /** Memory of the module with bytes in it, and a zero behind them. */
  place(bytes: Uint8Array): number {
    const pointer = this.allocate(bytes.length + 1)
    this.bytes.set(bytes, pointer)
    this.bytes[pointer + bytes.length] = 0
    return pointer
  }

  /** Makes a larger box. @returns the value (of JavaScript) that it is */
  growBox(length: number): number {
    const pointer = this.allocate(length)
    this.bytes.fill(0, pointer, pointer + length)
    this.box = { pointer, length }
    return this.enter('newArrayBuffer', this.handles.context, pointer, length)
  }

  /** The message in the box, as a copy; its second word tells its length. */
  readBox(): Uint8Array {
    const { pointer, length } = this.box
    const end = this.readWord(pointer + 4)
    if (end < 8 || end > length) throw stopped('a message to the host is malformed')
    return this.bytes.slice(pointer, pointer + end)
  }

  /** Puts a message into the box. @returns a new box (a value of JavaScript) where the old one was too small */
  writeBox(message: Uint8Array): number | undefined {
    const grown = message.length > this.box.length ? this.growBox((message.length + 7) & ~7) : undefined
    this.bytes.set(message, this.box.pointer)
    return grown
  }

  private callHost(): number {
    const run = this.current
    if (run === undefined) throw stopped('the host is not there yet')
    run.link.toHost()
    run.gas.charge(HOST_CALL_GAS + COPY_GAS * BigInt(this.readWord(this.box.pointer + 4)))
    const request = this.readBox()
    const answer = this.answer(run, request)
    run.link.toModule()
    return answer
  }

  /** Operation 0 asks for a larger box and is answered here. @returns a value of JavaScript that passes to the caller, or 0 for undefined */
  private answer(run: Run, request: Uint8Array): number {
    const { host, gas } = run
    if (request[0] === 0) {
      const wanted = this.readWord(this.box.pointer + 8)
      if (wanted > PAGES.maximum * PAGE) throw stopped(MEMORY_USED_UP)
      return this.growBox((wanted + 7) & ~7)
    }
    run.hasAsked = true
    if (host === undefined) throw stopped('the host is not there yet')
    const answer = host.answer(request, QUICKJS_RULES.stackSlots - this.stack.value <= CALL_OUT_SLOTS)
    gas.charge(COPY_GAS * BigInt(answer.length))
    return this.writeBox(answer) ?? 0
  }

  /** Grows the memory to a size in bytes, paid by the page. */
  private resizeHeap(size: number): number {
    const have = this.memory.buffer.byteLength / PAGE
    const wanted = Math.ceil((size >>> 0) / PAGE)
    if (wanted > PAGES.maximum) throw stopped(MEMORY_USED_UP)
    const run = this.current
    run?.link.toHost()
    run?.gas.charge(BigInt(wanted - have) * BigInt(PAGE_GAS))
    run?.link.toModule()
    this.growTo(wanted)
    return 1
  }

  /** Grows the memory to a number of pages. @throws CONTRACT_ENGINE_FAILED */
  growTo(pages: number): void {
    const have = this.memory.buffer.byteLength / PAGE
    if (pages <= have) return
    try {
      this.memory.grow(pages - have)
    } catch (cause) {
      throw engineFailed('no memory for a contract that may have more', cause)
    }
  }

  private clock(): number {
    if (this.current === undefined) return 0
    this.current.hasAsked = true
    return Number(this.current.host?.nowMs ?? 0n)
  }

  /** Broken-down time in UTC, as C has it. */
  private localTime(time: bigint, pointer: number): void {
    const date = new Date(Number(time) * 1000)
    const dayOfYear = Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / 86_400_000)
    const fields = [
      date.getUTCSeconds(), date.getUTCMinutes(), date.getUTCHours(), date.getUTCDate(), date.getUTCMonth(), date.getUTCFullYear() - 1900, date.getUTCDay(), dayOfYear, 0, 0, 0,
    ]
    this.writeWords(pointer, fields.map((field) => (Number.isNaN(field) ? 0 : field >>> 0)))
  }

  /** Swallows what the interpreter prints. */
  private fdWrite(_fd: number, parts: number, count: number, written: number): number {
    let total = 0
    for (let i = 0; i < Math.min(count, FD_PARTS_MAX); i++) total += this.readWord(parts + 8 * i + 4)
    this.writeWords(written, [total])
    return 0
  }

  private imports(): Record<string, unknown> {
    const stop = (reason: string) => (): never => {
      throw stopped(reason)
    }
    const answer = (value: number) => (): number => value
    return {
      [IMPORT.memory]: this.memory,
      [IMPORT.assertFail]: stop('the interpreter gave up'), [IMPORT.abort]: stop('the interpreter gave up'), [IMPORT.exit]: stop('the interpreter gave up'),
      [IMPORT.resizeHeap]: (size: number) => this.resizeHeap(size),
      [IMPORT.now]: () => this.clock(),
      [IMPORT.localTime]: (time: bigint, pointer: number) => this.localTime(time, pointer),
      [IMPORT.timeZone]: (zone: number, daylight: number) => {
        this.writeWords(zone, [0])
        this.writeWords(daylight, [0])
      },
      [IMPORT.fdWrite]: (fd: number, parts: number, count: number, written: number) => this.fdWrite(fd, parts, count, written),
      [IMPORT.fdClose]: answer(WASI_UNSUPPORTED), [IMPORT.fdSeek]: answer(WASI_NOT_SEEKABLE),
      [IMPORT.environGet]: answer(0),
      [IMPORT.environSizes]: (count: number, size: number) => {
        this.writeWords(count, [0])
        this.writeWords(size, [0])
        return 0
      },
      [IMPORT.keepAliveClear]: answer(0), [IMPORT.setTimer]: answer(0), [IMPORT.interrupt]: answer(0), [IMPORT.loadModule]: answer(0), [IMPORT.normalizeModule]: answer(0),
      [IMPORT.freeHostRef]: answer(0),
      [IMPORT.callHost]: () => this.callHost(),
    }
  }
}
