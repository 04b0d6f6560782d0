/**
 * Owns elements modulo 2^255 - 19 in the memory of the curve module: where they lie, conversion to bytes, inverse square roots.
 * Does not own the arithmetic itself (curve-wasm.ts) or points (ristretto-wasm.ts).
 */
import { assert } from '../../assert.ts'
import { bigintToLe, bytesEqual } from '../../bytes.ts'
import type { CurveWasm } from './curve-wasm.ts'
import { FIELD_BYTES, writeCurveModule } from './curve-wasm.ts'

/** The part of the WebAssembly JavaScript interface used here; the compiler's library for Node has none of it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** Compiles a curve module of one's own, memory included. */
export const instantiateCurve = (): CurveWasm =>
  new WebAssembly.Instance(new WebAssembly.Module(writeCurveModule())).exports as CurveWasm

const P = (1n << 255n) - 19n

const limbSize = (limb: number): number => (limb % 2 === 0 ? 26 : 25)

const powerModP = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  for (let bit = 254n; bit >= 0n; bit--) {
    result = (result * result) % P
    if (((exponent >> bit) & 1n) === 1n) result = (result * base) % P
  }
  return result
}

/** Constants of the curve, each from its definition (RFC 9496, 4.1). */
const curveConstants = (): { d: bigint; sqrtMinusOne: bigint; inverseSqrtAMinusD: bigint } => {
  const d = ((P - 121665n) * powerModP(121666n, P - 2n)) % P
  const sqrtMinusOne = powerModP(2n, (P - 1n) / 4n)
  // 1/sqrt(a - d) with a = -1, the root that is non-negative (even).
  const inverse = powerModP((2n * P - 1n - d) % P, P - 2n)
  let root = powerModP(inverse, (P + 3n) / 8n)
  if ((root * root) % P !== inverse) root = (root * sqrtMinusOne) % P
  assert((root * root) % P === inverse, 'a - d has an inverse square root')
  return { d, sqrtMinusOne, inverseSqrtAMinusD: root % 2n === 0n ? root : P - root }
}

/** Field elements by their addresses. "Carried" means: as the products of curve-wasm.ts leave them. */
export class Field {
  readonly wasm: CurveWasm
  /** The whole memory as limbs; element `at` has limb i at index at / 4 + i. */
  readonly words: Int32Array
  readonly zero: number
  readonly one: number
  readonly d: number
  readonly twoD: number
  readonly sqrtMinusOne: number
  readonly inverseSqrtAMinusD: number

  private used = 0
  private readonly oneBytes = bigintToLe(1n, 32)
  private readonly minusOneBytes = bigintToLe(P - 1n, 32)
  private readonly minusRootBytes: Uint8Array
  private readonly limbs = new Int32Array(10)
  private readonly v3: number
  private readonly base: number
  private readonly power: number
  private readonly a: number
  private readonly b: number
  private readonly c: number

  constructor(wasm: CurveWasm) {
    this.wasm = wasm
    this.words = new Int32Array(wasm.memory.buffer)
    const { d, sqrtMinusOne, inverseSqrtAMinusD } = curveConstants()
    const constant = (value: bigint): number => this.store(this.element(), bigintToLe(value, 32))
    this.zero = constant(0n)
    this.one = constant(1n)
    this.d = constant(d)
    this.twoD = constant((2n * d) % P)
    this.sqrtMinusOne = constant(sqrtMinusOne)
    this.inverseSqrtAMinusD = constant(inverseSqrtAMinusD)
    this.minusRootBytes = bigintToLe(P - sqrtMinusOne, 32)
    const temporaries = Array.from({ length: 6 }, () => this.element())
    ;[this.v3, this.base, this.power, this.a, this.b, this.c] = temporaries as [number, number, number, number, number, number]
  }

  /** Reserves memory, aligned for 64-bit words, for the life of the module. */
  allocate(bytes: number): number {
    const address = this.used
    this.used += (bytes + 7) & ~7
    assert(this.used <= this.wasm.memory.buffer.byteLength, 'the layout fits the memory')
    return address
  }

  /** Reserves one element. */
  element(): number {
    return this.allocate(FIELD_BYTES)
  }

  /** Stores 255 little-endian bits, the top bit of 32 bytes ignored; returns `out`. */
  store(out: number, bytes: Uint8Array): number {
    for (let limb = 0, bit = 0; limb < 10; limb++) {
      const at = bit >> 3
      const shift = bit & 7
      const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] ?? 0) << 24)
      // The fifth byte counts only behind a shift; << 1 << (31 - shift) is << (32 - shift) that shifts out everything for 0.
      const value = (low >>> shift) | (((bytes[at + 4] ?? 0) << 1) << (31 - shift))
      this.words[(out >> 2) + limb] = value & ((1 << limbSize(limb)) - 1)
      bit += limbSize(limb)
    }
    return out
  }

  /** The canonical 32 bytes of a carried element (ref10's `fe_tobytes`). */
  load(address: number): Uint8Array {
    const { limbs, words } = this
    for (let i = 0; i < 10; i++) limbs[i] = words[(address >> 2) + i] as number
    let quotient = (19 * (limbs[9] as number) + (1 << 24)) >> 25
    for (let i = 0; i < 10; i++) quotient = ((limbs[i] as number) + quotient) >> limbSize(i)
    limbs[0] = (limbs[0] as number) + 19 * quotient
    const out = new Uint8Array(32)
    let pending = 0
    let pendingBits = 0
    let at = 0
    for (let i = 0; i < 10; i++) {
      const carry = (limbs[i] as number) >> limbSize(i)
      if (i < 9) limbs[i + 1] = (limbs[i + 1] as number) + carry
      let value = (limbs[i] as number) & ((1 << limbSize(i)) - 1)
      // Up to 7 bits are pending, with which a whole limb would not fit 32: it goes in two parts.
      for (let remaining = limbSize(i); remaining > 0;) {
        const part = Math.min(remaining, 16)
        pending |= (value & ((1 << part) - 1)) << pendingBits
        value >>= part
        remaining -= part
        pendingBits += part
        for (; pendingBits >= 8; pendingBits -= 8) {
          out[at++] = pending & 0xff
          pending >>>= 8
        }
      }
    }
    out[31] = pending
    return out
  }

  /** Whether a carried element is odd in its canonical form. */
  isNegative(address: number): boolean {
    return ((this.load(address)[0] as number) & 1) === 1
  }

  /** Replaces a carried element by its non-negative form; the result is not carried. */
  makeNonNegative(address: number): void {
    if (this.isNegative(address)) this.wasm.subtract(address, this.zero, address)
  }

  /** out = 1/sqrt(v), or 1/sqrt(sqrt(-1) v) where v is no square, non-negative; whether v was a non-zero square (RFC 9496, 4.2 with u = 1). */
  inverseSqrt(out: number, v: number): boolean {
    const { wasm, v3, base, power } = this
    wasm.square(v3, v)
    wasm.multiply(v3, v3, v)
    wasm.square(base, v3)
    wasm.multiply(base, base, v)
    this.raise(power, base)
    wasm.multiply(out, power, v3)
    wasm.square(power, out)
    wasm.multiply(power, power, v)
    const check = this.load(power)
    const flipped = bytesEqual(check, this.minusOneBytes)
    if (flipped || bytesEqual(check, this.minusRootBytes)) wasm.multiply(out, out, this.sqrtMinusOne)
    this.makeNonNegative(out)
    return flipped || bytesEqual(check, this.oneBytes)
  }

  /** out = z^((p - 5) / 8) = z^(2^252 - 3), by the addition chain of ref10; the comments give the exponents. */
  private raise(out: number, z: number): void {
    const { a, b, c } = this
    const { multiply, square, squareMore } = this.wasm
    square(a, z) // 2
    squareMore(b, a, 1) // 8
    multiply(b, z, b) // 9
    multiply(a, a, b) // 11
    square(a, a) // 22
    multiply(a, b, a) // 2^5 - 1
    squareMore(b, a, 4)
    multiply(a, b, a) // 2^10 - 1
    squareMore(b, a, 9)
    multiply(b, b, a) // 2^20 - 1
    squareMore(c, b, 19)
    multiply(b, c, b) // 2^40 - 1
    squareMore(b, b, 9)
    multiply(a, b, a) // 2^50 - 1
    squareMore(b, a, 49)
    multiply(b, b, a) // 2^100 - 1
    squareMore(c, b, 99)
    multiply(b, c, b) // 2^200 - 1
    squareMore(b, b, 49)
    multiply(a, b, a) // 2^250 - 1
    squareMore(a, a, 1) // 2^252 - 4
    multiply(out, a, z)
  }
}
