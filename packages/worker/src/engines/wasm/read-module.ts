/** Owns the strict reader of a module's structure: section order, limits, types, imports, exports, tables and segments. Function bodies are walked by function-body.ts. */
import { refused, WasmReader } from './bytes.ts'
import { OP, VALUE_TYPE } from './opcodes.ts'
import type { ModuleRules } from './rules.ts'

/** A function type: value types of its parameters, and of its one result if it has one. */
export interface FunctionType {
  readonly params: readonly number[]
  readonly result: number | undefined
}

/** An imported function; `signature` like `iij>i` (i i32, j i64, f f32, d f64). */
export interface FunctionImport {
  readonly module: string
  readonly name: string
  readonly signature: string
  readonly type: FunctionType
}

/** A section as it lies in the module: `start` is behind the count where the section has one. */
export interface SectionRange {
  readonly id: number
  readonly count: number
  readonly start: number
  readonly end: number
}

/** A module taken apart. */
export interface ModuleLayout {
  readonly bytes: Uint8Array
  readonly sections: readonly SectionRange[]
  readonly types: readonly FunctionType[]
  readonly imports: readonly FunctionImport[]
  /** Type index of each function the module defines. */
  readonly functions: readonly number[]
  readonly globals: number
  readonly hasTable: boolean
  readonly memory: { readonly initial: number; readonly maximum: number; readonly isImported: boolean }
  readonly exports: ReadonlyMap<string, { readonly kind: number; readonly index: number }>
  readonly bodies: readonly { readonly start: number; readonly end: number }[]
}

/** Section ids. */
export const SECTION = { custom: 0, type: 1, import: 2, function: 3, table: 4, memory: 5, global: 6, export: 7, start: 8, element: 9, code: 10, data: 11, dataCount: 12 } as const

const ORDER: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11]
const PARAMS_MAX = 64
const EXPORTS_MAX = 4096
const SEGMENTS_MAX = 16_384
const SECTIONS_MAX = 64
const LETTERS = new Map<number, string>([[VALUE_TYPE.i32, 'i'], [VALUE_TYPE.i64, 'j'], [VALUE_TYPE.f32, 'f'], [VALUE_TYPE.f64, 'd']])

/** Text of a function type. */
const signatureOf = ({ params, result }: FunctionType): string =>
  `${params.map((type) => LETTERS.get(type)).join('')}>${result === undefined ? '' : (LETTERS.get(result) as string)}`

/** A value type that the rules allow. */
export const readValueType = (input: WasmReader, rules: ModuleRules): number => {
  const type = input.u8()
  if (type === VALUE_TYPE.i32 || type === VALUE_TYPE.i64) return type
  if (type !== VALUE_TYPE.f32 && type !== VALUE_TYPE.f64) throw refused('it uses a value type that is not i32 or i64')
  if (rules.floats === 'refused') throw refused('it uses floating point')
  return type
}

const readTypes = (input: WasmReader, count: number, rules: ModuleRules): FunctionType[] => {
  const types: FunctionType[] = []
  for (let i = 0; i < count; i++) {
    if (input.u8() !== VALUE_TYPE.function) throw refused('it declares a type that is no function')
    const params: number[] = []
    for (let left = input.count('parameters', PARAMS_MAX); left > 0; left--) params.push(readValueType(input, rules))
    const results = input.count('results', 1)
    types.push({ params, result: results === 1 ? readValueType(input, rules) : undefined })
  }
  return types
}

const readLimits = (input: WasmReader, what: string): { readonly initial: number; readonly maximum: number | undefined } => {
  const flags = input.u8()
  if (flags > 1) throw refused(`its ${what} is shared or of 64 bits`)
  const initial = input.u32()
  const maximum = flags === 1 ? input.u32() : undefined
  if (maximum !== undefined && maximum < initial) throw refused(`its ${what} begins above its maximum`)
  return { initial, maximum }
}

const readMemory = (input: WasmReader, rules: ModuleRules, isImported: boolean): ModuleLayout['memory'] => {
  const { initial, maximum } = readLimits(input, 'memory')
  const isStrict = rules.memory === 'env.memory'
  if (isStrict && !isImported) throw refused('it brings a memory of its own instead of importing env.memory')
  if (isStrict && maximum === undefined) throw refused('its memory has no maximum')
  if (initial > rules.memoryPagesMax || (isStrict && (maximum ?? 0) > rules.memoryPagesMax))
    throw refused(`its memory may have ${maximum ?? initial} pages, ${rules.memoryPagesMax} are allowed`)
  return { initial, maximum: Math.min(maximum ?? rules.memoryPagesMax, rules.memoryPagesMax), isImported }
}

/** Skips a constant expression: one constant or global, then end. */
const skipConstant = (input: WasmReader, rules: ModuleRules): void => {
  const op = input.u8()
  if (op === OP.i32Const) input.skipSigned(32)
  else if (op === OP.i64Const) input.skipSigned(64)
  else if (op === OP.globalGet) input.u32()
  else if ((op === OP.f32Const || op === OP.f64Const) && rules.floats !== 'refused') input.take(op === OP.f32Const ? 4 : 8)
  else throw refused('an initial value is no plain constant')
  if (input.u8() !== OP.end) throw refused('an initial value is no plain constant')
}

interface Draft {
  types: FunctionType[]
  imports: FunctionImport[]
  functions: number[]
  globals: number
  tables: number
  memory: ModuleLayout['memory'] | undefined
  exports: Map<string, { kind: number; index: number }>
  bodies: { start: number; end: number }[]
}

const readImports = (input: WasmReader, count: number, draft: Draft, rules: ModuleRules): void => {
  for (let i = 0; i < count; i++) {
    const [module, name, kind] = [input.name(), input.name(), input.u8()]
    if (kind === 0) {
      const type = draft.types[input.u32()]
      if (type === undefined) throw refused('an import has a type that is not declared')
      draft.imports.push({ module, name, signature: signatureOf(type), type })
    } else if (kind === 2 && draft.memory === undefined && (rules.memory === 'any' || (module === 'env' && name === 'memory'))) draft.memory = readMemory(input, rules, true)
    else throw refused(`the import ${module}.${name} is neither a function nor the memory`)
  }
}

const readExports = (input: WasmReader, count: number, draft: Draft): void => {
  for (let i = 0; i < count; i++) {
    const name = input.name()
    const kind = input.u8()
    if (kind > 3) throw refused('an export is of no known kind')
    if (draft.exports.has(name)) throw refused(`it exports ${name} twice`)
    draft.exports.set(name, { kind, index: input.u32() })
  }
}

const readTables = (input: WasmReader, rules: ModuleRules): void => {
  if (input.u8() !== VALUE_TYPE.funcref) throw refused('its table holds something else than functions')
  const { initial, maximum } = readLimits(input, 'table')
  if (Math.max(initial, maximum ?? 0) > rules.tableElementsMax) throw refused(`its table may have ${Math.max(initial, maximum ?? 0)} elements, ${rules.tableElementsMax} are allowed`)
}

const skipSegments = (input: WasmReader, count: number, rules: ModuleRules, isData: boolean): void => {
  for (let i = 0; i < count; i++) {
    const flags = input.u32()
    const isPassiveData = flags === 1 && isData && rules.bulkMemory
    if (flags !== 0 && !isPassiveData) throw refused('a segment is passive, declarative or for another table or memory than the first')
    if (!isPassiveData) skipConstant(input, rules)
    if (isData) input.take(input.u32())
    else for (let left = input.count('functions in a table segment', rules.tableElementsMax); left > 0; left--) input.u32()
  }
}

/** Reads one section's content; true where it was read to its end. */
const readSection = (input: WasmReader, section: { id: number; count: number }, draft: Draft, rules: ModuleRules): void => {
  const { id, count } = section
  if (id === SECTION.type) draft.types = readTypes(input, count, rules)
  else if (id === SECTION.import) readImports(input, count, draft, rules)
  else if (id === SECTION.function) for (let i = 0; i < count; i++) draft.functions.push(input.u32())
  else if (id === SECTION.table) for (let i = 0; i < count; i++, draft.tables++) readTables(input, rules)
  else if (id === SECTION.memory) {
    for (let i = 0; i < count; i++) {
      if (draft.memory !== undefined) throw refused('it has more than one memory')
      draft.memory = readMemory(input, rules, false)
    }
  } else if (id === SECTION.global) {
    for (let i = 0; i < count; i++) {
      readValueType(input, rules)
      if (input.u8() > 1) throw refused('a global is neither constant nor mutable')
      skipConstant(input, rules)
    }
    draft.globals = count
  } else if (id === SECTION.export) readExports(input, count, draft)
  else if (id === SECTION.element) skipSegments(input, count, rules, false)
  else if (id === SECTION.data) skipSegments(input, count, rules, true)
  else if (id === SECTION.code) {
    for (let i = 0; i < count; i++) {
      const length = input.u32()
      const start = input.at
      input.take(length)
      draft.bodies.push({ start, end: input.at })
    }
  }
}

const limitOf = (id: number, rules: ModuleRules): number => {
  if (id === SECTION.type) return rules.typesMax
  if (id === SECTION.table || id === SECTION.memory) return 1
  if (id === SECTION.global) return rules.globalsMax
  if (id === SECTION.export) return EXPORTS_MAX
  if (id === SECTION.element || id === SECTION.data || id === SECTION.dataCount) return SEGMENTS_MAX
  return rules.functionsMax
}

const NAMES = ['custom parts', 'types', 'imports', 'functions', 'tables', 'memories', 'globals', 'exports', 'start functions', 'table segments', 'functions', 'data segments', 'data segments']

const readSections = (input: WasmReader, draft: Draft, rules: ModuleRules): SectionRange[] => {
  const sections: SectionRange[] = []
  let place = -1
  for (let seen = 0; !input.isAtEnd; seen++) {
    const id = input.u8()
    const part = input.part(input.u32())
    if (seen > SECTIONS_MAX) throw refused('it has too many sections')
    if (id === SECTION.custom) continue
    const next = ORDER.indexOf(id)
    if (next <= place) throw refused(next < 0 ? `it has a section of the unknown kind ${id}` : 'its sections are out of order')
    place = next
    if (id === SECTION.start && !rules.start) throw refused('it has a start function')
    const count = part.u32()
    if (count > limitOf(id, rules)) throw refused(`it has ${count} ${NAMES[id] as string}, ${limitOf(id, rules)} are allowed`)
    const start = part.at
    readSection(part, { id, count }, draft, rules)
    if (!part.isAtEnd) throw refused('bytes follow the content of a section')
    sections.push({ id, count, start, end: part.end })
  }
  return sections
}

const checkEntries = (draft: Draft, rules: ModuleRules): void => {
  for (const name of rules.entries ?? []) {
    const found = draft.exports.get(name)
    const type = found?.kind === 0 ? draft.types[draft.functions[found.index - draft.imports.length] ?? -1] : undefined
    if (type === undefined || type.params.length > 0 || type.result !== undefined) throw refused(`it does not export the function ${name} without parameters and result`)
  }
  if (rules.entries === undefined) return
  for (const [name, { kind }] of draft.exports) {
    if (kind === 0 && !rules.entries.includes(name)) throw refused(`it exports the function ${name}, only ${rules.entries.join(' and ')} are allowed`)
  }
}

const HEADER: readonly number[] = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

/** Whether bytes begin as a module of version 1 does. */
export const isWasmModule = (bytes: Uint8Array): boolean => HEADER.every((byte, i) => bytes[i] === byte)

/** Takes a module apart. @throws CONTRACT_CODE_REFUSED */
export const readModule = (bytes: Uint8Array, rules: ModuleRules): ModuleLayout => {
  if (bytes.length > rules.codeLengthMax) throw refused(`it has ${bytes.length} bytes, ${rules.codeLengthMax} are allowed`)
  if (!isWasmModule(bytes)) throw refused('it is no WebAssembly module of version 1')
  const draft: Draft = { types: [], imports: [], functions: [], globals: 0, tables: 0, memory: undefined, exports: new Map(), bodies: [] }
  const sections = readSections(new WasmReader(bytes, HEADER.length), draft, rules)
  if (draft.functions.length !== draft.bodies.length) throw refused('it declares other functions than it defines')
  if (draft.functions.some((type) => draft.types[type] === undefined)) throw refused('a function has a type that is not declared')
  checkEntries(draft, rules)
  const memory = draft.memory ?? { initial: 0, maximum: 0, isImported: false }
  return { bytes, sections, memory, types: draft.types, imports: draft.imports, functions: draft.functions, globals: draft.globals, hasTable: draft.tables > 0, exports: draft.exports, bodies: draft.bodies }
}
