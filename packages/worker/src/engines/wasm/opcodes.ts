/** Owns the list of WebAssembly instructions that modules may use: immediates, stack effect, and whether floating point is involved. Whatever is not listed is refused. */

/** What follows an opcode in the binary. */
export type Immediate = 'none' | 'index' | 'memory' | 'zero' | 'i32' | 'i64' | 'f32' | 'f64'

/** One plain instruction (control flow, calls and locals are handled by the walk itself). */
export interface Opcode {
  readonly immediate: Immediate
  readonly pops: number
  readonly pushes: number
  readonly isFloat: boolean
  /** Width of a result that may be a NaN made by arithmetic. */
  readonly nan: 32 | 64 | undefined
}

/** Opcodes the walk treats by name. */
export const OP = {
  unreachable: 0x00, nop: 0x01, block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f,
  call: 0x10, callIndirect: 0x11, select: 0x1b, localGet: 0x20, localSet: 0x21, localTee: 0x22, globalGet: 0x23, globalSet: 0x24,
  memorySize: 0x3f, memoryGrow: 0x40, i32Const: 0x41, i64Const: 0x42, f32Const: 0x43, f64Const: 0x44, i32Eq: 0x46, i32LtS: 0x48, i64LtS: 0x53, i64LeU: 0x58, f32Eq: 0x5b, f64Eq: 0x61,
  i32Add: 0x6a, i32Sub: 0x6b, i64Add: 0x7c, i64Sub: 0x7d, i64Mul: 0x7e, i64ExtendI32U: 0xad, prefix: 0xfc,
} as const

/** Value types of the binary format. */
export const VALUE_TYPE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, empty: 0x40, function: 0x60, funcref: 0x70 } as const

const table: (Opcode | undefined)[] = new Array<Opcode | undefined>(256).fill(undefined)
const define = (from: number, to: number, effect: string, rest: Partial<Opcode> = {}): void => {
  const [pops, pushes] = effect.split('>').map(Number) as [number, number]
  for (let code = from; code <= to; code++) table[code] = { immediate: 'none', pops, pushes, isFloat: false, nan: undefined, ...rest }
}

define(0x01, 0x01, '0>0')
define(0x1a, 0x1a, '1>0')
define(0x1b, 0x1b, '3>1')
define(0x20, 0x20, '0>1', { immediate: 'index' })
define(0x21, 0x21, '1>0', { immediate: 'index' })
define(0x22, 0x22, '1>1', { immediate: 'index' })
define(0x23, 0x23, '0>1', { immediate: 'index' })
define(0x24, 0x24, '1>0', { immediate: 'index' })
define(0x28, 0x35, '1>1', { immediate: 'memory' })
define(0x2a, 0x2b, '1>1', { immediate: 'memory', isFloat: true })
define(0x36, 0x3e, '2>0', { immediate: 'memory' })
define(0x38, 0x39, '2>0', { immediate: 'memory', isFloat: true })
define(0x3f, 0x3f, '0>1', { immediate: 'zero' })
define(0x40, 0x40, '1>1', { immediate: 'zero' })
define(0x41, 0x41, '0>1', { immediate: 'i32' })
define(0x42, 0x42, '0>1', { immediate: 'i64' })
define(0x43, 0x43, '0>1', { immediate: 'f32', isFloat: true })
define(0x44, 0x44, '0>1', { immediate: 'f64', isFloat: true })
define(0x45, 0x45, '1>1')
define(0x46, 0x4f, '2>1')
define(0x50, 0x50, '1>1')
define(0x51, 0x5a, '2>1')
define(0x5b, 0x66, '2>1', { isFloat: true })
define(0x67, 0x69, '1>1')
define(0x6a, 0x78, '2>1')
define(0x79, 0x7b, '1>1')
define(0x7c, 0x8a, '2>1')
define(0x8b, 0x8c, '1>1', { isFloat: true })
define(0x8d, 0x91, '1>1', { isFloat: true, nan: 32 })
define(0x92, 0x97, '2>1', { isFloat: true, nan: 32 })
define(0x98, 0x98, '2>1', { isFloat: true })
define(0x99, 0x9a, '1>1', { isFloat: true })
define(0x9b, 0x9f, '1>1', { isFloat: true, nan: 64 })
define(0xa0, 0xa5, '2>1', { isFloat: true, nan: 64 })
define(0xa6, 0xa6, '2>1', { isFloat: true })
define(0xa7, 0xa7, '1>1')
define(0xa8, 0xab, '1>1', { isFloat: true })
define(0xac, 0xad, '1>1')
define(0xae, 0xb5, '1>1', { isFloat: true })
define(0xb6, 0xb6, '1>1', { isFloat: true, nan: 32 })
define(0xb7, 0xba, '1>1', { isFloat: true })
define(0xbb, 0xbb, '1>1', { isFloat: true, nan: 64 })
define(0xbc, 0xbf, '1>1', { isFloat: true })
define(0xc0, 0xc4, '1>1')

/** Plain instructions by opcode. */
export const OPCODES: readonly (Opcode | undefined)[] = table

/** Instructions behind the prefix 0xfc: saturating conversions, and whole ranges of memory. */
export const PREFIXED = { truncationMax: 7, memoryInit: 8, dataDrop: 9, memoryCopy: 10, memoryFill: 11 } as const
