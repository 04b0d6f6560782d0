/**
 * Owns `s*B - k*A` over ristretto255 in variable time, the heavy half of sr25519 verification, and keccak for its transcript.
 * Never give it secrets: constant-time operations are in sodium.ts. Encodings follow RFC 9496, section 4.3.
 */
import { assert } from '../../assert.ts'
import { bytesEqual, parseHex } from '../../bytes.ts'
import { FIELD_BYTES, keccakRoundConstants, POINT_BYTES } from './curve-wasm.ts'
import { Field, instantiateCurve } from './field.ts'

/** Fast operations on public values. */
export interface PublicRistretto {
  /** Encoding of s*B - k*A. Scalars are 32 bytes below 2^253; undefined when A is no valid encoding. */
  subtractMultiple(s: Uint8Array, k: Uint8Array, a: Uint8Array): Uint8Array | undefined
  /** keccak-f[1600] in place on 50 little-endian words. This one takes secrets: it has no branches, and keeps nothing. */
  keccak(state: Uint32Array): void
}

/** The generator of ristretto255 (RFC 9496, A.1). */
const BASE_ENCODING = parseHex('e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76')

/** Width of the signed windows: odd multiples below 2^(width - 1) are tabled. */
const BASE_WIDTH = 8
const POINT_WIDTH = 5

/**
 * Digits of the non-adjacent form of a scalar below 2^253: scalar = sum of digit_i * 2^i, digits odd or zero, fewer than 2^(width-1)
 * in absolute value, any two non-zero ones at least `width` apart.
 */
const writeDigits = (digits: Int8Array, scalar: Uint8Array, width: number): void => {
  digits.fill(0)
  const mask = (1 << width) - 1
  let carry = 0
  for (let at = 0; at < digits.length;) {
    const byte = at >> 3
    const bits = (((scalar[byte] as number) | ((scalar[byte + 1] ?? 0) << 8)) >> (at & 7)) & mask
    const window = carry + bits
    if ((window & 1) === 0) {
      at++
      continue
    }
    carry = window > mask >> 1 ? 1 : 0
    digits[at] = window - (carry << width)
    at += width
  }
}

/** Points by their addresses, in extended coordinates or, in tables, in cached form (curve-wasm.ts). */
class Points {
  private readonly field: Field
  /** Temporaries of `decode` and `encode`, named by their use there. */
  private readonly t: readonly [number, number, number, number, number]
  private readonly scratch: number
  private readonly decoded: number
  private readonly twice: number
  private readonly accumulator: number
  private readonly baseTable: number
  private readonly pointTable: number
  private readonly baseDigits = new Int8Array(256)
  private readonly pointDigits = new Int8Array(256)

  constructor(field: Field) {
    this.field = field
    this.t = [field.element(), field.element(), field.element(), field.element(), field.element()]
    this.scratch = field.allocate(5 * FIELD_BYTES)
    this.decoded = field.allocate(POINT_BYTES)
    this.twice = field.allocate(POINT_BYTES)
    this.accumulator = field.allocate(POINT_BYTES)
    this.baseTable = field.allocate(POINT_BYTES << (BASE_WIDTH - 2))
    this.pointTable = field.allocate(POINT_BYTES << (POINT_WIDTH - 2))
    assert(this.decode(BASE_ENCODING), 'the generator decodes')
    this.fillTable(this.baseTable, BASE_WIDTH)
  }

  subtractMultiple(s: Uint8Array, k: Uint8Array, a: Uint8Array): Uint8Array | undefined {
    if (!this.decode(a)) return undefined
    this.fillTable(this.pointTable, POINT_WIDTH)
    writeDigits(this.baseDigits, s, BASE_WIDTH)
    writeDigits(this.pointDigits, k, POINT_WIDTH)
    this.addUp()
    return this.encode(this.accumulator)
  }

  /** accumulator = base digits of B - point digits of A, most significant first. */
  private addUp(): void {
    const { accumulator, scratch, baseTable, pointTable, baseDigits, pointDigits } = this
    const { double, doubleFully, addCached, subtractCached } = this.field.wasm
    this.reset()
    let at = 255
    while (at > 0 && baseDigits[at] === 0 && pointDigits[at] === 0) at--
    for (; at >= 0; at--) {
      const onBase = baseDigits[at] as number
      const onPoint = pointDigits[at] as number
      if (onBase === 0 && onPoint === 0 && at > 0) {
        double(accumulator, scratch)
        continue
      }
      // Additions, and the encoding after the last step, need T.
      doubleFully(accumulator, scratch)
      if (onBase > 0) addCached(accumulator, baseTable + (onBase >> 1) * POINT_BYTES, scratch)
      else if (onBase < 0) subtractCached(accumulator, baseTable + (-onBase >> 1) * POINT_BYTES, scratch)
      if (onPoint > 0) subtractCached(accumulator, pointTable + (onPoint >> 1) * POINT_BYTES, scratch)
      else if (onPoint < 0) addCached(accumulator, pointTable + (-onPoint >> 1) * POINT_BYTES, scratch)
    }
  }

  /** accumulator = identity, (0 : 1 : 1 : 0). */
  private reset(): void {
    const { accumulator, field: { words } } = this
    words.fill(0, accumulator >> 2, (accumulator + POINT_BYTES) >> 2)
    words[(accumulator + FIELD_BYTES) >> 2] = 1
    words[(accumulator + 2 * FIELD_BYTES) >> 2] = 1
  }

  /** Writes a point in cached form: Y+X, Y-X, Z, 2dT. */
  private cache(out: number, p: number): void {
    const { wasm, one, twoD } = this.field
    wasm.add(out, p + FIELD_BYTES, p)
    wasm.subtract(out + FIELD_BYTES, p + FIELD_BYTES, p)
    wasm.multiply(out + 2 * FIELD_BYTES, p + 2 * FIELD_BYTES, one)
    wasm.multiply(out + 3 * FIELD_BYTES, p + 3 * FIELD_BYTES, twoD)
  }

  /** Tables the odd multiples 1, 3, 5, … of the decoded point, which is used up. */
  private fillTable(table: number, width: number): void {
    const { decoded, twice, scratch, field: { wasm } } = this
    this.cache(table, decoded)
    wasm.doubleFully(decoded, scratch)
    this.cache(twice, decoded)
    wasm.subtractCached(decoded, table, scratch)
    for (let i = 1; i < 1 << (width - 2); i++) {
      wasm.addCached(decoded, twice, scratch)
      this.cache(table + i * POINT_BYTES, decoded)
    }
  }

  /** Reads an encoding into `decoded` (RFC 9496, 4.3.1). False for bytes that encode nothing. */
  private decode(bytes: Uint8Array): boolean {
    const { field, decoded: x, t: [s, v, u1, u2, square] } = this
    const { wasm, one, zero } = field
    const [y, z, t] = [x + FIELD_BYTES, x + 2 * FIELD_BYTES, x + 3 * FIELD_BYTES]
    field.store(s, bytes)
    wasm.multiply(s, s, one)
    if (((bytes[0] as number) & 1) === 1 || !bytesEqual(field.load(s), bytes)) return false
    wasm.square(square, s)
    wasm.subtract(u1, one, square)
    wasm.add(u2, one, square)
    wasm.square(square, u2)
    wasm.square(v, u1)
    wasm.multiply(v, v, field.d)
    wasm.subtract(v, zero, v)
    wasm.subtract(v, v, square)
    wasm.multiply(square, square, v)
    // z holds 1/sqrt(v u2^2) until x and y are made of it.
    if (!field.inverseSqrt(z, square)) return false
    wasm.multiply(x, z, u2)
    wasm.multiply(y, z, x)
    wasm.multiply(y, y, v)
    wasm.multiply(y, y, u1)
    wasm.multiply(x, x, s)
    wasm.add(x, x, x)
    wasm.multiply(x, x, one)
    field.makeNonNegative(x)
    wasm.multiply(z, one, one)
    wasm.multiply(t, x, y)
    return !field.isNegative(t) && field.load(y).some((byte) => byte !== 0)
  }

  /** The encoding of a point (RFC 9496, 4.3.2). */
  private encode(x: number): Uint8Array {
    const { field, t: [first, second, rotatedX, rotatedY, inverseZ] } = this
    const { wasm } = field
    const [y, z, t] = [x + FIELD_BYTES, x + 2 * FIELD_BYTES, x + 3 * FIELD_BYTES]
    // first = u1 = (z + y)(z - y), second = u2 = xy
    wasm.add(first, z, y)
    wasm.subtract(second, z, y)
    wasm.multiply(first, first, second)
    wasm.multiply(second, x, y)
    wasm.square(rotatedX, second)
    wasm.multiply(rotatedX, rotatedX, first)
    field.inverseSqrt(rotatedY, rotatedX)
    // From here: first = den1, second = den2.
    wasm.multiply(first, rotatedY, first)
    wasm.multiply(second, rotatedY, second)
    wasm.multiply(inverseZ, first, second)
    wasm.multiply(inverseZ, inverseZ, t)
    wasm.multiply(rotatedX, t, inverseZ)
    const rotate = field.isNegative(rotatedX)
    if (rotate) {
      wasm.multiply(second, first, field.inverseSqrtAMinusD)
      wasm.multiply(rotatedX, y, field.sqrtMinusOne)
      wasm.multiply(rotatedY, x, field.sqrtMinusOne)
    }
    wasm.multiply(first, rotate ? rotatedX : x, inverseZ)
    const yAt = rotate ? rotatedY : y
    if (field.isNegative(first)) wasm.add(first, z, yAt)
    else wasm.subtract(first, z, yAt)
    wasm.multiply(first, first, second)
    field.makeNonNegative(first)
    wasm.multiply(first, first, field.one)
    return field.load(first)
  }
}

/** Compiles the module and lays out its memory; some milliseconds, once per process. */
export const createPublicRistretto = (): PublicRistretto => {
  const wasm = instantiateCurve()
  const field = new Field(wasm)
  const points = new Points(field)
  const keccakState = field.allocate(200)
  const keccakConstants = field.allocate(192)
  new BigUint64Array(wasm.memory.buffer).set(keccakRoundConstants(), keccakConstants >> 3)
  const stateWords = new Uint32Array(wasm.memory.buffer, keccakState, 50)
  return {
    subtractMultiple: (s, k, a) => points.subtractMultiple(s, k, a),
    keccak(state) {
      stateWords.set(state)
      wasm.keccak(keccakState, keccakConstants)
      state.set(stateWords)
      // Signing commits secrets to its transcript.
      stateWords.fill(0)
    },
  }
}
