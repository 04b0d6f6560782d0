/** Owns the instrumented module: the sections of the original with counters, helper functions and rewritten bodies put in. Custom sections are left out. */
import { WasmWriter } from './bytes.ts'
import { rewriteBody, type Injection } from './function-body.ts'
import { OP, PREFIXED, VALUE_TYPE } from './opcodes.ts'
import { SECTION, type ModuleLayout } from './read-module.ts'
import type { ModuleRules } from './rules.ts'

/** Export name of the gas counter: picoseconds left (i64), below zero once it ran out. */
export const GAS_EXPORT = '__gas'
/** Export name of the stack counter: slots left (i32), below zero once they ran out. */
export const STACK_EXPORT = '__stack'

/** Gas of a fresh page of memory. */
export const PAGE_GAS = 16_000_000
/** Bytes that memory.copy and memory.fill move for the gas of one instruction. */
const BYTES_PER_INSTRUCTION = 16

/** Gas that a start function has; whoever runs the module sets the counter after it. */
const START_GAS = 1_000_000_000_000

const writeSection = (out: WasmWriter, id: number, content: WasmWriter): void => {
  out.u8(id)
  out.u32(content.length)
  out.raw(content.view())
}

/** Takes (local `operand` as unsigned) × `price` from the gas and stops where it does not suffice. */
const writeCharge = (body: WasmWriter, injection: Injection, charge: { readonly operand: number; readonly price: number }): void => {
  body.op(OP.globalGet); body.u32(injection.gasGlobal)
  body.op(OP.localGet, charge.operand, OP.i64ExtendI32U, OP.i64Const); body.signed(charge.price)
  body.op(OP.i64Mul, OP.i64Sub, OP.globalSet); body.u32(injection.gasGlobal)
  body.op(OP.globalGet); body.u32(injection.gasGlobal)
  body.op(OP.i64Const, 0, OP.i64LtS, OP.if, VALUE_TYPE.empty, OP.unreachable, OP.end)
}

interface Plan {
  readonly layout: ModuleLayout
  readonly rules: ModuleRules
  readonly injection: Injection
  readonly helpers: readonly Helper[]
}

interface Helper {
  readonly params: number
  readonly hasResult: boolean
  /** Which operand is paid for, and what one of it costs. */
  readonly operand: number
  price(rules: ModuleRules): number
  write(body: WasmWriter, plan: Plan): void
}

/** Gas value that says the host could not give memory which the module may have: the run has no result then. */
export const MEMORY_FAILED = -(1n << 63n)
const MIN_I64: readonly number[] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]

/** Grows; where that fails below the maximum it is the machine's fault, which must not become a result. */
const writeGrow = (body: WasmWriter, { layout, injection }: Plan): void => {
  body.op(OP.localGet, 0, OP.memoryGrow, 0, OP.localTee, 1, OP.i32Const, 0x7f, OP.i32Eq, OP.if, VALUE_TYPE.empty)
  body.op(OP.memorySize, 0, OP.i64ExtendI32U, OP.localGet, 0, OP.i64ExtendI32U, OP.i64Add, OP.i64Const)
  body.signed(layout.memory.maximum)
  body.op(OP.i64LeU, OP.if, VALUE_TYPE.empty, OP.i64Const, ...MIN_I64, OP.globalSet)
  body.u32(injection.gasGlobal)
  body.op(OP.unreachable, OP.end, OP.end, OP.localGet, 1)
}

const byteGas = ({ instructionGas }: ModuleRules): number => Math.ceil(instructionGas / BYTES_PER_INSTRUCTION)

const GROW: Helper = { params: 1, hasResult: true, operand: 0, price: () => PAGE_GAS, write: writeGrow }
const COPY: Helper = {
  params: 3, hasResult: false, operand: 2, price: byteGas,
  write: (body) => body.op(OP.localGet, 0, OP.localGet, 1, OP.localGet, 2, OP.prefix, PREFIXED.memoryCopy, 0, 0),
}
const FILL: Helper = {
  params: 3, hasResult: false, operand: 2, price: byteGas,
  write: (body) => body.op(OP.localGet, 0, OP.localGet, 1, OP.localGet, 2, OP.prefix, PREFIXED.memoryFill, 0),
}

const helpersFor = (layout: ModuleLayout, rules: ModuleRules): readonly Helper[] => {
  if (layout.memory.maximum === 0 && !layout.memory.isImported) return []
  return rules.bulkMemory ? [GROW, COPY, FILL] : [GROW]
}

const helperBody = (helper: Helper, plan: Plan): Uint8Array => {
  const body = new WasmWriter(96)
  body.op(...(helper.hasResult ? [1, 1, VALUE_TYPE.i32] : [0]))
  writeCharge(body, plan.injection, { operand: helper.operand, price: helper.price(plan.rules) })
  helper.write(body, plan)
  body.op(OP.end)
  return body.view()
}

/** Content of a section that is kept and gets `added` more entries behind its own. */
const extended = (plan: Plan, id: number, added: { readonly count: number; write(out: WasmWriter): void }): WasmWriter => {
  const found = plan.layout.sections.find((section) => section.id === id)
  const content = new WasmWriter(256 + (found === undefined ? 0 : found.end - found.start))
  content.u32((found?.count ?? 0) + added.count)
  if (found !== undefined) content.raw(plan.layout.bytes.subarray(found.start, found.end))
  added.write(content)
  return content
}

const writeTypes = (plan: Plan): WasmWriter => extended(plan, SECTION.type, {
  count: plan.helpers.length,
  write(out) {
    for (const { params, hasResult } of plan.helpers) {
      out.op(VALUE_TYPE.function, params, ...new Array<number>(params).fill(VALUE_TYPE.i32))
      out.op(...(hasResult ? [1, VALUE_TYPE.i32] : [0]))
    }
  },
})

const writeFunctions = (plan: Plan): WasmWriter => extended(plan, SECTION.function, {
  count: plan.helpers.length,
  write: (out) => plan.helpers.forEach((_, i) => out.u32(plan.layout.types.length + i)),
})

const writeGlobals = (plan: Plan): WasmWriter => extended(plan, SECTION.global, {
  count: 2,
  write(out) {
    out.op(VALUE_TYPE.i64, 1, OP.i64Const)
    out.signed(plan.rules.start ? START_GAS : 0)
    out.op(OP.end)
    out.op(VALUE_TYPE.i32, 1, OP.i32Const)
    out.signed(plan.rules.stackSlots)
    out.op(OP.end)
  },
})

const writeExports = (plan: Plan): WasmWriter => extended(plan, SECTION.export, {
  count: 2,
  write(out) {
    out.text(GAS_EXPORT)
    out.u8(3)
    out.u32(plan.injection.gasGlobal)
    out.text(STACK_EXPORT)
    out.u8(3)
    out.u32(plan.injection.stackGlobal)
  },
})

const writeCode = (plan: Plan): WasmWriter => {
  const { layout, rules, injection, helpers } = plan
  const content = new WasmWriter(layout.bytes.length * 2)
  content.u32(layout.bodies.length + helpers.length)
  const add = (body: Uint8Array): void => {
    content.u32(body.length)
    content.raw(body)
  }
  for (let index = 0; index < layout.bodies.length; index++) add(rewriteBody({ layout, index, rules, injection }))
  for (const helper of helpers) add(helperBody(helper, plan))
  return content
}

const writeMemory = (plan: Plan): WasmWriter => {
  const content = new WasmWriter(16)
  content.op(1, 1)
  content.u32(plan.layout.memory.initial)
  content.u32(plan.layout.memory.maximum)
  return content
}

const REWRITTEN: Readonly<Record<number, (plan: Plan) => WasmWriter>> = {
  [SECTION.type]: writeTypes, [SECTION.function]: writeFunctions, [SECTION.memory]: writeMemory, [SECTION.global]: writeGlobals,
  [SECTION.export]: writeExports, [SECTION.code]: writeCode,
}
const ALWAYS: readonly number[] = [SECTION.type, SECTION.function, SECTION.global, SECTION.export, SECTION.code]
const ORDER: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]

/** The module with counters. `isMetered` false leaves gas and stack uncounted, for comparisons only. @throws CONTRACT_CODE_REFUSED */
export const instrument = (layout: ModuleLayout, rules: ModuleRules, isMetered = true): Uint8Array => {
  const { globals } = layout
  const helpers = helpersFor(layout, rules)
  const firstHelper = layout.imports.length + layout.functions.length
  const injection: Injection = {
    gasGlobal: globals, stackGlobal: globals + 1, growFunction: firstHelper, copyFunction: firstHelper + 1, fillFunction: firstHelper + 2, isMetered,
  }
  const plan: Plan = { layout, rules, injection, helpers }
  const out = new WasmWriter(layout.bytes.length * 2)
  out.op(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  for (const id of ORDER) {
    const section = layout.sections.find((each) => each.id === id)
    if (section === undefined && !ALWAYS.includes(id)) continue
    const rewrite = REWRITTEN[id]
    if (rewrite !== undefined) writeSection(out, id, rewrite(plan))
    else if (section !== undefined) {
      const content = new WasmWriter(section.end - section.start + 8)
      content.u32(section.count)
      content.raw(layout.bytes.subarray(section.start, section.end))
      writeSection(out, id, content)
    }
  }
  return out.view()
}
