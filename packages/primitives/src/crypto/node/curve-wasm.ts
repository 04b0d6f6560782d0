/**
 * Owns the Wasm code for arithmetic modulo 2^255 - 19, for points of edwards25519 and for keccak-f[1600], emitted at start.
 * Limbs, carries and formulas are those of "ref10" (Bernstein, Duif, Lange, Schwabe, Yang: High-speed high-security signatures):
 * ten signed limbs of alternately 26 and 25 bits, stored as 32-bit words. Only for public data: digits choose branches.
 */
import type { FunctionWriter } from './wasm-assembler.ts'
import { ModuleWriter } from './wasm-assembler.ts'

/** Bytes of a stored field element. */
export const FIELD_BYTES = 40
/** Bytes of a stored point: four field elements, X Y Z T, or Y+X Y-X Z 2dT in cached form. */
export const POINT_BYTES = 4 * FIELD_BYTES

const LIMBS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const
const limbBits = (limb: number): bigint => (limb % 2 === 0 ? 26n : 25n)

/** Coefficient of f_i * g_j in limb (i + j) mod 10. */
const weight = (i: number, j: number): number => (i + j >= 10 ? 19 : 1) * (i % 2 === 1 && j % 2 === 1 ? 2 : 1)

/** Carries in the order of ref10, which keeps every limb in its bounds, and stores the result. */
const carryAndStore = (w: FunctionWriter, out: number, h: readonly number[]): void => {
  const carry = w.local()
  for (const limb of [0, 4, 1, 5, 2, 6, 3, 7, 4, 8, 9, 0]) {
    const from = h[limb] as number
    const to = h[(limb + 1) % 10] as number
    const bits = limbBits(limb)
    w.get(from).const64(1n << (bits - 1n)).op('i64.add').const64(bits).op('i64.shr_s').set(carry)
    w.get(to).get(carry)
    if (limb === 9) w.const64(19n).op('i64.mul')
    w.op('i64.add').set(to)
    w.get(from).get(carry).const64(bits).op('i64.shl').op('i64.sub').set(from)
  }
  for (const limb of LIMBS) w.get(out).get(h[limb] as number).store32(4 * limb)
}

const loadLimbs = (w: FunctionWriter, address: number): number[] =>
  LIMBS.map((limb) => {
    const local = w.local()
    w.get(address).load32(4 * limb).set(local)
    return local
  })

/** Local holding `local * factor`. */
const scaled = (w: FunctionWriter, local: number, factor: bigint): number => {
  if (factor === 1n) return local
  const out = w.local()
  w.get(local).const64(factor).op('i64.mul').set(out)
  return out
}

/** out = f * g */
const writeMultiply = (w: FunctionWriter): void => {
  const [out, fAt, gAt] = [0, 1, 2]
  const f = loadLimbs(w, fAt)
  const g = loadLimbs(w, gAt)
  const f2 = f.map((local, i) => (i % 2 === 1 ? scaled(w, local, 2n) : local))
  const g19 = g.map((local) => scaled(w, local, 19n))
  const h = LIMBS.map(() => w.local())
  for (const k of LIMBS) {
    for (const i of LIMBS) {
      const j = (k - i + 10) % 10
      w.get((j % 2 === 1 ? f2[i] : f[i]) as number).get((i + j >= 10 ? g19[j] : g[j]) as number).op('i64.mul')
      if (i > 0) w.op('i64.add')
    }
    w.set(h[k] as number)
  }
  carryAndStore(w, out, h)
}

/** out = f * f, or twice that. */
const writeSquare = (w: FunctionWriter, twice: boolean): void => {
  const [out, fAt] = [0, 1]
  const f = loadLimbs(w, fAt)
  const f2 = f.map((local) => scaled(w, local, 2n))
  const f19 = f.map((local) => scaled(w, local, 19n))
  const f38 = f.map((local) => scaled(w, local, 38n))
  const h = LIMBS.map(() => w.local())
  for (const k of LIMBS) {
    let first = true
    for (const i of LIMBS) {
      const j = (k - i + 10) % 10
      if (j < i) continue
      const coefficient = weight(i, j) * (i === j ? 1 : 2)
      // 1, 2, 4, 19, 38 and 76 as products of what is at hand: (f or 2f) * (f, 2f, 19f or 38f).
      const left = coefficient % 4 === 0 ? f2 : f
      const right = new Map([[1, f], [2, f2], [4, f2], [19, f19], [38, f38], [76, f38]]).get(coefficient) as number[]
      w.get(left[i] as number).get(right[j] as number).op('i64.mul')
      if (!first) w.op('i64.add')
      first = false
    }
    if (twice) w.const64(1n).op('i64.shl')
    w.set(h[k] as number)
  }
  carryAndStore(w, out, h)
}

/** out = f + g or f - g, without carry. */
const writeSum = (w: FunctionWriter, operation: 'i64.add' | 'i64.sub'): void => {
  for (const limb of LIMBS) w.get(0).get(1).load32(4 * limb).get(2).load32(4 * limb).op(operation).store32(4 * limb)
}

/** Rotations of lane x + 5y in keccak's rho step (FIPS 202, 3.2.2). */
const RHO: readonly number[] = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14]

/** Round constants of keccak's iota step, by its linear feedback shift register (FIPS 202, 3.2.5). */
export const keccakRoundConstants = (): BigUint64Array => {
  const constants = new BigUint64Array(24)
  let register = 1
  for (let round = 0; round < 24; round++) {
    let constant = 0n
    for (let j = 0; j < 7; j++) {
      if ((register & 1) === 1) constant |= 1n << BigInt((1 << j) - 1)
      register = (register << 1) ^ ((register >> 7) * 0x171)
    }
    constants[round] = constant
  }
  return constants
}

/** keccak-f[1600] on the 25 lanes at parameter 0, with round constants at parameter 1. */
const writeKeccak = (w: FunctionWriter): void => {
  const [state, constants] = [0, 1]
  const lanes = Array.from({ length: 25 }, () => w.local())
  const moved = Array.from({ length: 25 }, () => w.local())
  const column = Array.from({ length: 5 }, () => w.local())
  const mix = w.local()
  const counter = w.addressLocal()
  const lane = (x: number, y: number): number => (x % 5) + 5 * (y % 5)
  lanes.forEach((local, i) => w.get(state).load64(8 * i).set(local))
  w.const32(24).set(counter)
  w.repeat(counter, 1, () => {
    for (let x = 0; x < 5; x++) {
      w.get(lanes[x] as number)
      for (let y = 1; y < 5; y++) w.get(lanes[lane(x, y)] as number).op('i64.xor')
      w.set(column[x] as number)
    }
    for (let x = 0; x < 5; x++) {
      w.get(column[(x + 4) % 5] as number).get(column[(x + 1) % 5] as number).const64(1n).op('i64.rotl').op('i64.xor').set(mix)
      for (let y = 0; y < 5; y++) {
        const from = lane(x, y)
        w.get(lanes[from] as number).get(mix).op('i64.xor').const64(BigInt(RHO[from] as number)).op('i64.rotl').set(moved[lane(y, 2 * x + 3 * y)] as number)
      }
    }
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < 5; x++) {
        w.get(moved[lane(x, y)] as number)
        w.get(moved[lane(x + 1, y)] as number).const64(-1n).op('i64.xor').get(moved[lane(x + 2, y)] as number).op('i64.and')
        w.op('i64.xor').set(lanes[lane(x, y)] as number)
      }
    }
    w.get(lanes[0] as number).get(constants).load64(0).op('i64.xor').set(lanes[0] as number)
    w.get(constants).const32(8).op('i32.add').set(constants)
  })
  lanes.forEach((local, i) => w.get(state).get(local).store64(8 * i))
}

/** Exports of the module. Arguments are addresses in its memory; outputs come first and may be inputs as well. */
export interface CurveWasm {
  readonly memory: { readonly buffer: ArrayBuffer }
  multiply(out: number, f: number, g: number): void
  square(out: number, f: number): void
  /** out = f^(2^(count + 1)), count at least 1. */
  squareMore(out: number, f: number, count: number): void
  add(out: number, f: number, g: number): void
  subtract(out: number, f: number, g: number): void
  /** Doubles point p in place; T is left stale, which doublings do not need. */
  double(p: number, scratch: number): void
  /** Doubles point p in place, T included, as additions need. */
  doubleFully(p: number, scratch: number): void
  /** p += q, q in cached form; T of p must be fresh and is fresh afterwards. */
  addCached(p: number, q: number, scratch: number): void
  subtractCached(p: number, q: number, scratch: number): void
  keccak(state: number, constants: number): void
}

/** Bytes of the module. */
export const writeCurveModule = (): Uint8Array<ArrayBuffer> => {
  const module = new ModuleWriter()
  const multiply = module.add('multiply', 3, writeMultiply)
  const square = module.add('square', 2, (w) => writeSquare(w, false))
  const squareTwice = module.add('squareAndDouble', 2, (w) => writeSquare(w, true))
  const add = module.add('add', 3, (w) => writeSum(w, 'i64.add'))
  const subtract = module.add('subtract', 3, (w) => writeSum(w, 'i64.sub'))
  module.add('squareMore', 3, (w) => {
    const [out, f, count] = [0, 1, 2]
    w.get(out).get(f).call(square)
    w.repeat(count, 1, () => w.get(out).get(out).call(square))
  })

  /** Pushes the address of field `index` of the point in a local. */
  const field = (w: FunctionWriter, local: number, index: number): FunctionWriter => w.get(local).const32(index * FIELD_BYTES).op('i32.add')
  type Ref = readonly [local: number, index: number]
  const binary = (w: FunctionWriter, operation: number, out: Ref, f: Ref, g: Ref): void => {
    field(w, ...out)
    field(w, ...f)
    field(w, ...g).call(operation)
  }
  const unary = (w: FunctionWriter, operation: number, out: Ref, f: Ref): void => {
    field(w, ...out)
    field(w, ...f).call(operation)
  }
  /** From completed coordinates in the scratch point t back to p: X = XT, Y = YZ, Z = ZT, T = XY. */
  const complete = (w: FunctionWriter, p: number, t: number, withT: boolean): void => {
    binary(w, multiply, [p, 0], [t, 0], [t, 3])
    binary(w, multiply, [p, 1], [t, 1], [t, 2])
    binary(w, multiply, [p, 2], [t, 2], [t, 3])
    if (withT) binary(w, multiply, [p, 3], [t, 0], [t, 1])
  }
  const writeDouble = (w: FunctionWriter, withT: boolean): void => {
    const [p, t] = [0, 1]
    unary(w, square, [t, 0], [p, 0])
    unary(w, square, [t, 2], [p, 1])
    unary(w, squareTwice, [t, 3], [p, 2])
    binary(w, add, [t, 1], [p, 0], [p, 1])
    unary(w, square, [t, 4], [t, 1])
    binary(w, add, [t, 1], [t, 2], [t, 0])
    binary(w, subtract, [t, 2], [t, 2], [t, 0])
    binary(w, subtract, [t, 0], [t, 4], [t, 1])
    binary(w, subtract, [t, 3], [t, 3], [t, 2])
    complete(w, p, t, withT)
  }
  const writeAddCached = (w: FunctionWriter, minus: boolean): void => {
    const [p, q, t] = [0, 1, 2]
    binary(w, add, [t, 0], [p, 1], [p, 0])
    binary(w, subtract, [t, 1], [p, 1], [p, 0])
    binary(w, multiply, [t, 2], [t, 0], [q, minus ? 1 : 0])
    binary(w, multiply, [t, 1], [t, 1], [q, minus ? 0 : 1])
    binary(w, multiply, [t, 3], [q, 3], [p, 3])
    binary(w, multiply, [t, 0], [p, 2], [q, 2])
    binary(w, add, [t, 4], [t, 0], [t, 0])
    binary(w, subtract, [t, 0], [t, 2], [t, 1])
    binary(w, add, [t, 1], [t, 2], [t, 1])
    binary(w, minus ? subtract : add, [t, 2], [t, 4], [t, 3])
    binary(w, minus ? add : subtract, [t, 3], [t, 4], [t, 3])
    complete(w, p, t, true)
  }
  module.add('double', 2, (w) => writeDouble(w, false))
  module.add('doubleFully', 2, (w) => writeDouble(w, true))
  module.add('addCached', 3, (w) => writeAddCached(w, false))
  module.add('subtractCached', 3, (w) => writeAddCached(w, true))
  module.add('keccak', 2, writeKeccak)
  return module.finish(1)
}
