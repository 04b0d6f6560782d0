/**
 * Owns the walk over one function body: checks every instruction against the rules, reckons the height of the operand stack, and
 * writes the body anew with gas counting, stack counting, canonical NaNs and charged memory growth. Types are left to the engine's
 * own validation, which runs over the result.
 *
 * Gas is taken at the start of every straight run of instructions, before the first of them. Frames are counted by slots:
 * the body becomes the content of one block, so that every way out leads over its end, where the slots are given back.
 */
import { refused, WasmReader, WasmWriter } from './bytes.ts'
import { OP, OPCODES, PREFIXED, VALUE_TYPE, type Opcode } from './opcodes.ts'
import { readValueType, type FunctionType, type ModuleLayout } from './read-module.ts'
import type { ModuleRules } from './rules.ts'

/** What injected code refers to. */
export interface Injection {
  readonly gasGlobal: number
  readonly stackGlobal: number
  readonly growFunction: number
  readonly copyFunction: number
  readonly fillFunction: number
  /** False: only checks and rewrites what bears on results (NaNs); for comparison in tests and benchmarks. */
  readonly isMetered: boolean
}

/** Weights of instructions that cost more than one. */
const CALL_WEIGHT = 3
const INDIRECT_CALL_WEIGHT = 6
const BRANCH_TABLE_WEIGHT = 2
/** Slots of a frame besides locals and operands. */
const FRAME_SLOTS = 12
/** Frames of functions that call nothing need no counting below this size: there is one at a time. */
const LEAF_SLOTS_MAX = 512
const NESTING_MAX = 4096

interface Label {
  readonly height: number
  readonly result: number
  /** Whether the block as a whole stands in code that is never reached. */
  readonly wasDead: boolean
}

class Walk {
  readonly input: WasmReader
  readonly layout: ModuleLayout
  readonly rules: ModuleRules
  readonly injection: Injection
  readonly type: FunctionType
  readonly out = new WasmWriter(1024)
  private readonly segment = new WasmWriter(256)
  private weight = 0
  private height = 0
  private isDead = false
  private readonly labels: Label[] = []
  heightMax = 0
  hasCalls = false
  hasFloats = false
  gasLocal = 0
  localCount = 0
  readonly groups: { count: number; type: number }[] = []
  /** Whether the body becomes the content of a block: `return` must lead to its end then. */
  isWrapped = false

  constructor(parts: { input: WasmReader; layout: ModuleLayout; rules: ModuleRules; injection: Injection; type: FunctionType }) {
    this.input = parts.input
    this.layout = parts.layout
    this.rules = parts.rules
    this.injection = parts.injection
    this.type = parts.type
  }

  readLocals(): void {
    let total = 0
    for (let left = this.input.count('groups of locals', this.rules.localsMax); left > 0; left--) {
      const count = this.input.u32()
      total += count
      if (total > this.rules.localsMax) throw refused(`a function has ${total} locals, ${this.rules.localsMax} are allowed`)
      this.groups.push({ count, type: readValueType(this.input, this.rules) })
    }
    this.localCount = total
    this.gasLocal = this.type.params.length + total
    this.weight = 1 + (total >> 2)
  }

  private pop(count: number): void {
    const base = this.labels[this.labels.length - 1]?.height ?? 0
    this.height -= count
    if (this.height >= base) return
    if (!this.isDead) throw refused('an instruction takes more operands than there are')
    this.height = base
  }

  private push(count: number): void {
    this.height += count
    if (this.height > this.heightMax) this.heightMax = this.height
  }

  /** Copies what was read since `from` into the segment. */
  private copy(from: number): void {
    this.segment.raw(this.input.bytes.subarray(from, this.input.at))
  }

  /** Ends a straight run: its charge, then its instructions. */
  private flush(): void {
    const { out, segment, injection, gasLocal } = this
    if (injection.isMetered && this.weight > 0) {
      out.op(OP.globalGet); out.u32(injection.gasGlobal)
      out.op(OP.i64Const); out.signed(this.weight * this.rules.instructionGas)
      out.op(OP.i64Sub, OP.localTee); out.u32(gasLocal)
      out.op(OP.globalSet); out.u32(injection.gasGlobal)
      out.op(OP.localGet); out.u32(gasLocal)
      out.op(OP.i64Const, 0, OP.i64LtS, OP.if, VALUE_TYPE.empty, OP.unreachable, OP.end)
    }
    out.raw(segment.view())
    segment.clear()
    this.weight = 0
  }

  private kill(): void {
    this.height = this.labels[this.labels.length - 1]?.height ?? 0
    this.isDead = true
  }

  private readBlockType(): number {
    const type = this.input.u8()
    if (type === VALUE_TYPE.empty) return 0
    if (type > 0x7f || type < 0x7c) throw refused('a block has a type that is no value type')
    this.input.at--
    readValueType(this.input, this.rules)
    return 1
  }

  private label(): void {
    if (this.input.u32() > this.labels.length) throw refused('a branch leads nowhere')
  }

  private open(op: number, from: number): void {
    const result = this.readBlockType()
    if (op === OP.if) this.pop(1)
    this.copy(from)
    if (this.labels.length >= NESTING_MAX) throw refused('its blocks are nested too deeply')
    this.labels.push({ height: this.height, result, wasDead: this.isDead })
    this.isDead = false
    if (op !== OP.block) {
      this.weight += op === OP.if ? 1 : 0
      this.flush()
    }
  }

  /** @returns whether the body ends here */
  private close(op: number, from: number): boolean {
    const label = this.labels.pop()
    if (label === undefined) {
      if (op !== OP.end) throw refused('an else stands outside of an if')
      this.flush()
      return true
    }
    this.copy(from)
    this.flush()
    this.height = label.height
    if (op === OP.else) {
      this.isDead = false
      this.labels.push(label)
    } else {
      this.isDead = label.wasDead
      this.push(label.result)
    }
    return false
  }

  private branch(op: number, from: number): void {
    this.weight++
    if (op === OP.return) {
      if (this.isWrapped) {
        this.segment.op(OP.br)
        this.segment.u32(this.labels.length)
      } else this.segment.op(OP.return)
    } else if (op === OP.brTable) {
      this.weight += BRANCH_TABLE_WEIGHT
      const targets = this.input.count('targets in a branch', this.rules.branchTableMax)
      for (let i = 0; i <= targets; i++) this.label()
      this.copy(from)
    } else {
      if (op !== OP.unreachable) this.label()
      this.copy(from)
    }
    if (op === OP.brIf || op === OP.brTable) this.pop(1)
    this.flush()
    if (op !== OP.brIf) this.kill()
  }

  private call(op: number, from: number): void {
    const { imports, functions, types } = this.layout
    let type: FunctionType | undefined
    if (op === OP.call) {
      const index = this.input.u32()
      type = index < imports.length ? imports[index]?.type : types[functions[index - imports.length] ?? -1]
      this.weight += CALL_WEIGHT
    } else {
      type = types[this.input.u32()]
      if (this.input.u8() !== 0 || !this.layout.hasTable) throw refused('an indirect call uses a table that there is not')
      this.pop(1)
      this.weight += INDIRECT_CALL_WEIGHT
    }
    if (type === undefined) throw refused('a call names a function or type that there is not')
    this.copy(from)
    this.pop(type.params.length)
    this.push(type.result === undefined ? 0 : 1)
    this.hasCalls = true
    // What follows a call must not be paid before it: a callee that ends the run would leave it paid for nothing.
    this.flush()
  }

  private immediate(opcode: Opcode): void {
    const { input } = this
    const kind = opcode.immediate
    if (kind === 'index') input.u32()
    else if (kind === 'memory') {
      if (input.u32() > 3) throw refused('a memory access has an impossible alignment')
      input.u32()
    } else if (kind === 'i32') input.skipSigned(32)
    else if (kind === 'i64') input.skipSigned(64)
    else if (kind === 'f32') input.take(4)
    else if (kind === 'f64') input.take(8)
    else if (kind === 'zero' && input.u8() !== 0) throw refused('it uses another memory than the first')
  }

  /** Replaces a NaN on the operand stack by the canonical one. */
  private canonical(width: 32 | 64): void {
    const { segment, gasLocal } = this
    const local = gasLocal + (width === 32 ? 1 : 2)
    segment.op(OP.localTee); segment.u32(local)
    if (width === 32) segment.op(OP.f32Const, 0, 0, 0xc0, 0x7f)
    else segment.op(OP.f64Const, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)
    segment.op(OP.localGet); segment.u32(local)
    segment.op(OP.localGet); segment.u32(local)
    segment.op(width === 32 ? OP.f32Eq : OP.f64Eq, OP.select)
    this.push(3)
    this.height -= 3
  }

  private plain(op: number, from: number): void {
    const opcode = OPCODES[op]
    if (opcode === undefined) throw refused(`the instruction 0x${op.toString(16)} is not allowed`)
    if (opcode.isFloat && this.rules.floats === 'refused') throw refused('it uses floating point')
    this.immediate(opcode)
    this.pop(opcode.pops)
    this.push(opcode.pushes)
    if (op !== OP.nop) this.weight++
    if (op === OP.memoryGrow && this.injection.isMetered) {
      this.segment.op(OP.call)
      this.segment.u32(this.injection.growFunction)
      this.hasCalls = true
    } else this.copy(from)
    if (opcode.isFloat) this.hasFloats = true
    if (opcode.nan !== undefined) this.canonical(opcode.nan)
  }

  private prefixed(from: number): void {
    const sub = this.input.u32()
    if (sub <= PREFIXED.truncationMax) {
      if (this.rules.floats === 'refused') throw refused('it uses floating point')
      this.pop(1)
      this.push(1)
      this.weight++
      this.copy(from)
      return
    }
    if (this.rules.bulkMemory && (sub === PREFIXED.memoryInit || sub === PREFIXED.dataDrop)) return this.fromSegment(sub, from)
    if ((sub !== PREFIXED.memoryCopy && sub !== PREFIXED.memoryFill) || !this.rules.bulkMemory) throw refused(`the instruction 0xfc ${sub} is not allowed`)
    for (let left = sub === PREFIXED.memoryCopy ? 2 : 1; left > 0; left--) {
      if (this.input.u8() !== 0) throw refused('it uses another memory than the first')
    }
    this.pop(3)
    this.weight++
    if (!this.injection.isMetered) return this.copy(from)
    this.segment.op(OP.call)
    this.segment.u32(sub === PREFIXED.memoryCopy ? this.injection.copyFunction : this.injection.fillFunction)
    this.hasCalls = true
  }

  /** memory.init and data.drop: paid as if the whole module were copied, which bounds any segment. */
  private fromSegment(sub: number, from: number): void {
    this.input.u32()
    if (sub === PREFIXED.memoryInit) {
      if (this.input.u8() !== 0) throw refused('it uses another memory than the first')
      this.pop(3)
      this.weight += this.layout.bytes.length >> 4
    }
    this.weight++
    this.copy(from)
  }

  run(): void {
    for (;;) {
      const from = this.input.at
      const op = this.input.u8()
      if (op === OP.block || op === OP.loop || op === OP.if) this.open(op, from)
      else if (op === OP.end || op === OP.else) {
        if (this.close(op, from)) break
      } else if (op === OP.br || op === OP.brIf || op === OP.brTable || op === OP.return || op === OP.unreachable) this.branch(op, from)
      else if (op === OP.call || op === OP.callIndirect) this.call(op, from)
      else if (op === OP.prefix) this.prefixed(from)
      else this.plain(op, from)
    }
    if (!this.input.isAtEnd) throw refused('bytes follow the end of a function')
  }
}

const writeLocals = (walk: Walk, out: WasmWriter): void => {
  const usesFloats = walk.rules.floats === 'canonical'
  const extra = usesFloats ? [VALUE_TYPE.i64, VALUE_TYPE.f32, VALUE_TYPE.f64] : [VALUE_TYPE.i64]
  out.u32(walk.groups.length + extra.length)
  for (const { count, type } of walk.groups) {
    out.u32(count)
    out.u8(type)
  }
  for (const type of extra) out.op(1, type)
}

const writeStackChange = (out: WasmWriter, injection: Injection, change: { readonly op: number; readonly slots: number }): void => {
  out.op(OP.globalGet); out.u32(injection.stackGlobal)
  out.op(OP.i32Const); out.signed(change.slots)
  out.op(change.op)
  out.op(OP.globalSet); out.u32(injection.stackGlobal)
}

/** Checks the body of a function and writes it anew. @throws CONTRACT_CODE_REFUSED */
export const rewriteBody = (options: { readonly layout: ModuleLayout; readonly index: number; readonly rules: ModuleRules; readonly injection: Injection }): Uint8Array => {
  const { layout, index, rules, injection } = options
  const { start, end } = layout.bodies[index] as { start: number; end: number }
  const type = layout.types[layout.functions[index] as number] as FunctionType
  const parts = { layout, rules, injection, type }
  const walkBody = (isWrapped: boolean): Walk => {
    const walk = new Walk({ ...parts, input: new WasmReader(layout.bytes, start, end) })
    walk.isWrapped = isWrapped
    walk.readLocals()
    walk.run()
    return walk
  }
  let walk = walkBody(true)
  // Parameters lie on the stack twice: where the caller puts them, and as locals.
  const slots = FRAME_SLOTS + 2 * type.params.length + walk.localCount + walk.heightMax
  const isCounted = injection.isMetered && (walk.hasCalls || slots > LEAF_SLOTS_MAX)
  if (!isCounted) walk = walkBody(false)
  const out = new WasmWriter(walk.out.length + 64)
  writeLocals(walk, out)
  if (isCounted) {
    writeStackChange(out, injection, { op: OP.i32Sub, slots })
    out.op(OP.globalGet); out.u32(injection.stackGlobal)
    out.op(OP.i32Const, 0, OP.i32LtS, OP.if, VALUE_TYPE.empty, OP.unreachable, OP.end)
    out.op(OP.block, type.result ?? VALUE_TYPE.empty)
  }
  out.raw(walk.out.view())
  if (isCounted) {
    out.op(OP.end)
    writeStackChange(out, injection, { op: OP.i32Add, slots })
  }
  out.op(OP.end)
  return out.view()
}
