/**
 * Owns running scripts: a context with the prelude in it is built once and pictured; each script is loaded into that picture and
 * pictured again, so that its next run begins behind the loading, which it pays all the same. Equal gas, one time's work.
 */
import { assert } from '@phalanx/primitives/assert'
import { bytesToKey, utf8 } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { JsEnd, JsHost, JsMachine, JsScript } from '../../contracts/js/machine.ts'
import { MessageReader } from '../../contracts/js/message.ts'
import { PRELUDE } from '../../contracts/js/prelude.ts'
import type { GasMeter } from '../../contracts/vm.ts'
import { engine, type WasmModule } from '../wasm/api.ts'
import { explainStop } from '../wasm/gas-link.ts'
import { instrument } from '../wasm/instrument.ts'
import { readModule } from '../wasm/read-module.ts'
import { JS_STACK_BYTES, patchBuild, QUICKJS_RULES } from './build.ts'
import { Interpreter, type Handles } from './interpreter.ts'
import { InstancePool, takeSnapshot, type Snapshot } from './snapshot.ts'

const BOX_BYTES = 8 * 1024
/** Bytes of pictures of loaded scripts that are kept. */
const CACHE_BYTES = 64 * 1024 * 1024
/** Gas for compiling a script at upload. */
const CHECK_GAS = 1_000_000_000_000n
const LOAD_GAS_PER_BYTE = 500n
const FILE_NAME = 'contract.js'
const COMPILE_ONLY = 1 << 5
const STEP = { run: 0, end: 1, fail: 2 } as const

/** A meter for work that no frame pays. */
class PlainMeter implements GasMeter {
  left: bigint

  constructor(left: bigint) {
    this.left = left
  }

  charge(amount: bigint): void {
    if (amount > this.left) {
      this.left = 0n
      throw new AppError('CONTRACT_TRAPPED', { error: 'OutOfGas', reason: 'the gas is used up' })
    }
    this.left -= amount
  }
}

const controlCall = (interpreter: Interpreter, step: number, value?: number): number => {
  const { handles } = interpreter
  interpreter.writeWords(handles.scratch, [handles.steps[step] as number, value ?? handles.undefinedValue])
  return interpreter.enter('call', handles.context, handles.control, handles.undefinedValue, 2, handles.scratch)
}

/** Builds a context with the prelude in it. */
const build = (interpreter: Interpreter): void => {
  const raw = interpreter.raw.bind(interpreter)
  raw('construct')
  const runtime = raw('newRuntime')
  raw('setMaxStackSize', runtime, JS_STACK_BYTES)
  const context = raw('newContext', runtime, 0)
  const undefinedValue = raw('undefinedValue')
  const number = (value: number): number => raw('newFloat64', context, value)
  const steps = [number(STEP.run), number(STEP.end), number(STEP.fail)] as const
  const scratch = raw('malloc', 64)
  const partial: Handles = { runtime, context, control: 0, steps, undefinedValue, scratch }
  interpreter.handles = partial
  const native = raw('newFunction', context, interpreter.place(utf8('native')), 0, 0, 0)
  const box = interpreter.growBox(BOX_BYTES)
  const source = utf8(PRELUDE)
  const make = raw('evaluate', context, interpreter.place(source), source.length, interpreter.place(utf8('prelude.js')), 0, 0)
  assert(raw('resolveException', context, make) === 0, 'the prelude compiles')
  interpreter.writeWords(scratch, [native, box])
  const control = raw('call', context, make, undefinedValue, 2, scratch)
  assert(raw('resolveException', context, control) === 0, 'the prelude runs')
  interpreter.handles = { ...partial, control }
}

/** Evaluates a script. @returns whether it went through; if not, the prelude knows why */
const evaluate = (interpreter: Interpreter, source: Uint8Array, flags: number): boolean => {
  const { context } = interpreter.handles
  const script = interpreter.place(source)
  const name = interpreter.place(utf8(FILE_NAME))
  const value = interpreter.enter('evaluate', context, script, source.length, name, 0, flags)
  const exception = interpreter.enter('resolveException', context, value)
  interpreter.enter('free', script)
  interpreter.enter('free', name)
  if (exception === 0) {
    interpreter.enter('freeValue', context, value)
    return true
  }
  controlCall(interpreter, STEP.fail, exception)
  return false
}

/** Runs promise jobs until there are none. */
const runJobs = (interpreter: Interpreter): void => {
  const { runtime, scratch } = interpreter.handles
  while (interpreter.enter('isJobPending', runtime) !== 0) interpreter.enter('executeJobs', runtime, -1, scratch + 32)
}

const closingOf = (interpreter: Interpreter): Uint8Array => {
  controlCall(interpreter, STEP.end)
  return interpreter.readBox()
}

/** Text of a closing message that tells of a failure. */
const reasonIn = (closing: Uint8Array): string => new TextDecoder().decode(new MessageReader(closing).bytesUpTo(closing.length))

type Ended<T> = { readonly kind: 'Done'; readonly value: T } | Extract<JsEnd, { kind: 'Trapped' }>

/** Pictures of loaded scripts, the most recently used kept up to a number of bytes. */
class SnapshotCache {
  private readonly kept = new Map<string, Snapshot>()
  private total = 0

  get(key: string): Snapshot | undefined {
    const found = this.kept.get(key)
    if (found !== undefined) {
      this.kept.delete(key)
      this.kept.set(key, found)
    }
    return found
  }

  set(key: string, snapshot: Snapshot): void {
    if (this.kept.has(key)) return
    this.kept.set(key, snapshot)
    this.total += snapshot.size
    for (const [oldest, { size }] of this.kept) {
      if (this.total <= CACHE_BYTES) break
      this.kept.delete(oldest)
      this.total -= size
    }
  }
}

/** Options of a machine, all for comparisons only. */
export interface QuickJsOptions {
  /** False counts neither gas nor stack. */
  readonly isMetered?: boolean
  /** False loads every script anew. */
  readonly keepsLoaded?: boolean
}

/** What every machine begins with: the counted module, compiled, and the picture of a context with the prelude in it. Threads of one process can share it. */
export interface PreparedQuickJs {
  readonly module: WasmModule
  readonly base: Snapshot
}

/** Takes the published module apart, counts it, compiles it and pictures a context: a third of a second, for the same result every time. */
export const prepareQuickJs = (published: Uint8Array, isMetered = true): PreparedQuickJs => {
  const module = new engine.Module(instrument(readModule(patchBuild(published), QUICKJS_RULES), QUICKJS_RULES, isMetered))
  const interpreter = new Interpreter(module)
  build(interpreter)
  interpreter.idle()
  return { module, base: takeSnapshot(interpreter, 0n) }
}

class QuickJsMachine implements JsMachine {
  private readonly pool: InstancePool
  private readonly base: Snapshot
  private readonly loaded = new SnapshotCache()
  private readonly keepsLoaded: boolean

  constructor({ module, base }: PreparedQuickJs, keepsLoaded: boolean) {
    this.pool = new InstancePool(module)
    this.base = base
    this.keepsLoaded = keepsLoaded
  }

  check(source: Uint8Array): void {
    const stop = (reason: string): AppError => new AppError('CONTRACT_CODE_REFUSED', { reason: `compiling it is stopped: ${reason}` })
    let end: Ended<Uint8Array | undefined>
    try {
      end = this.compile(source)
    } catch (error) {
      throw isAppError(error, 'CONTRACT_TRAPPED') ? stop(error.context.reason) : error
    }
    if (end.kind === 'Trapped') throw stop(end.value.reason)
    if (end.value !== undefined) throw new AppError('CONTRACT_CODE_REFUSED', { reason: `it does not compile: ${reasonIn(end.value)}` })
  }

  /** Compiles. @returns the prelude's closing message where that failed */
  private compile(source: Uint8Array): Ended<Uint8Array | undefined> {
    return this.within(this.base, new PlainMeter(CHECK_GAS), undefined, (interpreter) => (evaluate(interpreter, source, COMPILE_ONLY) ? undefined : closingOf(interpreter)))
  }

  run(script: JsScript, options: { readonly opening: Uint8Array; readonly gas: GasMeter; readonly host: JsHost }): JsEnd {
    const { opening, gas, host } = options
    const key = bytesToKey(script.hash)
    const known = this.loaded.get(key)
    // Throws where the gas does not cover the loading, as the loading itself would.
    if (known !== undefined) gas.charge(known.gas)
    return this.within(known ?? this.base, gas, host, (interpreter, hasAsked) => {
      if (known === undefined) {
        const before = gas.left
        gas.charge(LOAD_GAS_PER_BYTE * BigInt(script.source.length))
        if (!evaluate(interpreter, script.source, 0)) return closingOf(interpreter)
        if (this.keepsLoaded && !hasAsked()) this.loaded.set(key, takeSnapshot(interpreter, before - gas.left))
      }
      controlCall(interpreter, STEP.run, interpreter.writeBox(opening))
      runJobs(interpreter)
      return closingOf(interpreter)
    })
  }

  /** Works in an instance in the state of a picture, which is given back whatever happens. */
  private within<T>(snapshot: Snapshot, gas: GasMeter, host: JsHost | undefined, work: (interpreter: Interpreter, hasAsked: () => boolean) => T): Ended<T> {
    const interpreter = this.pool.take(snapshot)
    const run = interpreter.begin(gas, host)
    try {
      return { kind: 'Done', value: work(interpreter, () => run.hasAsked) }
    } catch (error) {
      if (isAppError(error)) {
        // What was used before the stop is paid whoever stopped it.
        run.link.toHost()
        throw error
      }
      const end = explainStop(error, run.link, interpreter.stack)
      if (end?.kind !== 'Trapped') throw error
      return end
    } finally {
      this.pool.give(interpreter)
    }
  }
}

/** A QuickJS machine of what `prepare` gives, which it is asked for at the machine's first use. */
export const createPreparedMachine = (prepare: () => PreparedQuickJs, keepsLoaded = true): JsMachine => {
  let made: QuickJsMachine | undefined
  const make = (): QuickJsMachine => new QuickJsMachine(prepare(), keepsLoaded)
  return {
    check: (source) => (made ??= make()).check(source),
    run: (script, run) => (made ??= make()).run(script, run),
  }
}

/** A QuickJS machine of the published module's bytes, which are taken apart at its first use. */
export const createQuickJsMachine = (published: Uint8Array, { isMetered = true, keepsLoaded = true }: QuickJsOptions = {}): JsMachine =>
  createPreparedMachine(() => prepareQuickJs(published, isMetered), keepsLoaded)
