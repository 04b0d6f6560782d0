/**
 * Owns `s*B - k*A` over ristretto255 in variable time, the heavy half of sr25519 verification, and keccak for its transcript.
 * Never give it secrets: constant-time operations are in sodium.ts. Encodings follow RFC 9496, section 4.3.
 */
import { assert } from '../../assert.ts'
import { bigintToLe, bytesEqual, parseHex } from '../../bytes.ts'
import type { CurveWasm } from './curve-wasm.ts'
import { FIELD_BYTES, keccakRoundConstants, POINT_BYTES, writeCurveModule } from './curve-wasm.ts'

/** Fast operations on public values. */
export interface PublicRistretto {
  /** Encoding of s*B - k*A. Scalars are 32 bytes below 2^253; undefined when A is no valid encoding. */
  subtractMultiple(s: Uint8Array, k: Uint8Array, a: Uint8Array): Uint8Array | undefined
  /** keccak-f[1600] in place on 50 little-endian words. */
  keccak(state: Uint32Array): void
}

/** The part of the WebAssembly JavaScript interface used here; the compiler's library for Node has none of it. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (module: object) => { readonly exports: unknown }
}

/** The generator of ristretto255 (RFC 9496, A.1). */
const BASE_ENCODING = parseHex('e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76')
const P = (1n << 255n) - 19n

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

/** Width of the signed windows: odd multiples up to 2^(width - 1) are tabled. */
const BASE_WIDTH = 8
const POINT_WIDTH = 5

/**
 * Digits of the non-adjacent form of a scalar below 2^253: scalar = sum of digit_i * 2^i, digits odd or zero, fewer than 2^(width-1)
 * in absolute value, any two non-zero ones at least `width` apart.
 */
const nonAdjacentForm = (digits: Int8Array, scalar: Uint8Array, width: number): void => {
  digits.fill(0)
  const mask = (1 << width) - 1
  let carry = 0
  for (let at = 0; at < 256;) {
    const byte = at >> 3
    const bits = (((scalar[byte] as number) | ((scalar[byte + 1] ?? 0) << 8)) >> (at & 7)) & mask
    const window = carry + bits
    if ((window & 1) === 0) {
      at++
      continue
    }
    const negative = window > mask >> 1
    digits[at] = negative ? window - (1 << width) : window
    carry = negative ? 1 : 0
    at += width
  }
}

/** Compiles the module and lays out its memory; some milliseconds, once per process. */
export const createPublicRistretto = (): PublicRistretto => {
  const wasm = new WebAssembly.Instance(new WebAssembly.Module(writeCurveModule())).exports as CurveWasm
  const words = new Int32Array(wasm.memory.buffer)
  const stateWords = new Uint32Array(wasm.memory.buffer)
  let used = 0
  const allocate = (bytes: number): number => {
    const address = used
    used += (bytes + 7) & ~7
    return address
  }
  const element = (): number => allocate(FIELD_BYTES)
  const point = (): number => allocate(POINT_BYTES)

  /** Stores 255 little-endian bits as limbs; the top bit is ignored. */
  const store = (out: number, bytes: Uint8Array): void => {
    for (let limb = 0, bit = 0; limb < 10; limb++) {
      const size = limb % 2 === 0 ? 26 : 25
      const at = bit >> 3
      const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] ?? 0) << 24)
      const value = (low >>> (bit & 7)) | (((bytes[at + 4] ?? 0) << 1) << (31 - (bit & 7)))
      words[(out >> 2) + limb] = value & ((1 << size) - 1)
      bit += size
    }
  }

  const limbs = new Int32Array(10)
  /** The canonical 32 bytes of a carried element (ref10's tobytes). */
  const load = (address: number): Uint8Array => {
    for (let i = 0; i < 10; i++) limbs[i] = words[(address >> 2) + i] as number
    let quotient = (19 * (limbs[9] as number) + (1 << 24)) >> 25
    for (let i = 0; i < 10; i++) quotient = ((limbs[i] as number) + quotient) >> (i % 2 === 0 ? 26 : 25)
    limbs[0] = (limbs[0] as number) + 19 * quotient
    const out = new Uint8Array(32)
    let pending = 0
    let pendingBits = 0
    let at = 0
    for (let i = 0; i < 10; i++) {
      const size = i % 2 === 0 ? 26 : 25
      const carry = (limbs[i] as number) >> size
      if (i < 9) limbs[i + 1] = (limbs[i + 1] as number) + carry
      let value = (limbs[i] as number) - carry * (1 << size)
      let remaining = size
      // At most 7 bits are pending, so 26 more do not fit 32: feed the limb in two parts.
      while (remaining > 0) {
        const part = Math.min(remaining, 16)
        pending |= (value & ((1 << part) - 1)) << pendingBits
        value >>= part
        remaining -= part
        pendingBits += part
        while (pendingBits >= 8) {
          out[at++] = pending & 0xff
          pending >>>= 8
          pendingBits -= 8
        }
      }
    }
    out[31] = pending
    return out
  }

  const fromBigint = (value: bigint): number => {
    const address = element()
    store(address, bigintToLe(value, 32))
    return address
  }
  const { d, sqrtMinusOne, inverseSqrtAMinusD } = curveConstants()
  const zero = fromBigint(0n)
  const one = fromBigint(1n)
  const dAt = fromBigint(d)
  const twoD = fromBigint((2n * d) % P)
  const rootOfMinusOne = fromBigint(sqrtMinusOne)
  const inverseRoot = fromBigint(inverseSqrtAMinusD)
  const ONE = load(one)
  const MINUS_ONE = bigintToLe(P - 1n, 32)
  const MINUS_ROOT = bigintToLe(P - sqrtMinusOne, 32)

  const temporaries = Array.from({ length: 12 }, element)
  const [v3, power, base, check, ta, tb, tc, td, te, tf, tg, th] = temporaries as [
    number, number, number, number, number, number, number, number, number, number, number, number]

  /** out = base^((p - 5) / 8); `base` is the temporary of that name. */
  const raise = (out: number): void => {
    const { multiply, square, squareMore } = wasm
    square(ta, base)
    squareMore(tb, ta, 1)
    multiply(tb, base, tb)
    multiply(ta, ta, tb)
    square(ta, ta)
    multiply(ta, tb, ta)
    squareMore(tb, ta, 4)
    multiply(ta, tb, ta)
    squareMore(tb, ta, 9)
    multiply(tb, tb, ta)
    squareMore(tc, tb, 19)
    multiply(tb, tc, tb)
    squareMore(tb, tb, 9)
    multiply(ta, tb, ta)
    squareMore(tb, ta, 49)
    multiply(tb, tb, ta)
    squareMore(tc, tb, 99)
    multiply(tb, tc, tb)
    squareMore(tb, tb, 49)
    multiply(ta, tb, ta)
    squareMore(ta, ta, 1)
    multiply(out, ta, base)
  }
  const isNegative = (address: number): boolean => ((load(address)[0] as number) & 1) === 1
  const negate = (address: number): void => wasm.subtract(address, zero, address)
  const makeNonNegative = (address: number): void => {
    if (isNegative(address)) negate(address)
  }

  /** out = 1/sqrt(v) or 1/sqrt(i v), non-negative; whether v was a square (SQRT_RATIO_M1 with u = 1). `out` is no temporary of `raise`. */
  const inverseSqrt = (out: number, v: number): boolean => {
    wasm.square(v3, v)
    wasm.multiply(v3, v3, v)
    wasm.square(base, v3)
    wasm.multiply(base, base, v)
    raise(power)
    wasm.multiply(out, power, v3)
    wasm.square(check, out)
    wasm.multiply(check, check, v)
    const result = load(check)
    const flipped = bytesEqual(result, MINUS_ONE)
    if (flipped || bytesEqual(result, MINUS_ROOT)) wasm.multiply(out, out, rootOfMinusOne)
    makeNonNegative(out)
    return flipped || bytesEqual(result, ONE)
  }

  /** Reads an encoding into a point (RFC 9496, 4.3.1). False for bytes that encode nothing. */
  const decode = (out: number, bytes: Uint8Array): boolean => {
    const [x, y, z, t] = [out, out + FIELD_BYTES, out + 2 * FIELD_BYTES, out + 3 * FIELD_BYTES]
    store(td, bytes)
    wasm.multiply(td, td, one)
    if (((bytes[0] as number) & 1) === 1 || !bytesEqual(load(td), bytes)) return false
    wasm.square(te, td)
    wasm.subtract(tf, one, te)
    wasm.add(tg, one, te)
    wasm.square(th, tg)
    wasm.square(te, tf)
    wasm.multiply(te, te, dAt)
    wasm.subtract(te, zero, te)
    wasm.subtract(te, te, th)
    // te = v, th = u2^2, tf = u1, tg = u2, td = s
    wasm.multiply(th, th, te)
    if (!inverseSqrt(z, th)) return false
    wasm.multiply(x, z, tg)
    wasm.multiply(y, z, x)
    wasm.multiply(y, y, te)
    wasm.multiply(x, x, td)
    wasm.add(x, x, x)
    wasm.multiply(x, x, one)
    makeNonNegative(x)
    wasm.multiply(y, y, tf)
    wasm.multiply(z, one, one)
    wasm.multiply(t, x, y)
    return !isNegative(t) && load(y).some((byte) => byte !== 0)
  }

  /** The encoding of a point (RFC 9496, 4.3.2). */
  const encode = (p: number): Uint8Array => {
    const [x, y, z, t] = [p, p + FIELD_BYTES, p + 2 * FIELD_BYTES, p + 3 * FIELD_BYTES]
    wasm.add(td, z, y)
    wasm.subtract(te, z, y)
    wasm.multiply(td, td, te)
    wasm.multiply(te, x, y)
    wasm.square(tf, te)
    wasm.multiply(tf, tf, td)
    inverseSqrt(tg, tf)
    wasm.multiply(td, tg, td)
    wasm.multiply(te, tg, te)
    wasm.multiply(th, td, te)
    wasm.multiply(th, th, t)
    // td = den1, te = den2, th = 1/z
    wasm.multiply(tf, t, th)
    const rotate = isNegative(tf)
    if (rotate) {
      wasm.multiply(te, td, inverseRoot)
      wasm.multiply(tf, y, rootOfMinusOne)
      wasm.multiply(tg, x, rootOfMinusOne)
    }
    const rotatedX = rotate ? tf : x
    const rotatedY = rotate ? tg : y
    wasm.multiply(td, rotatedX, th)
    if (isNegative(td)) wasm.add(td, z, rotatedY)
    else wasm.subtract(td, z, rotatedY)
    wasm.multiply(td, td, te)
    makeNonNegative(td)
    wasm.multiply(td, td, one)
    return load(td)
  }

  const scratch = allocate(5 * FIELD_BYTES)
  const accumulator = point()
  const decoded = point()
  const cache = (out: number, p: number): void => {
    const [x, y, z, t] = [p, p + FIELD_BYTES, p + 2 * FIELD_BYTES, p + 3 * FIELD_BYTES]
    wasm.add(out, y, x)
    wasm.subtract(out + FIELD_BYTES, y, x)
    wasm.multiply(out + 2 * FIELD_BYTES, z, one)
    wasm.multiply(out + 3 * FIELD_BYTES, t, twoD)
  }
  /** Cached 1P, 3P, 5P, … of the point in `decoded`, which is used up. */
  const twice = point()
  const fillTable = (table: number, width: number): void => {
    cache(table, decoded)
    wasm.doubleFully(decoded, scratch)
    cache(twice, decoded)
    wasm.subtractCached(decoded, table, scratch)
    for (let i = 1; i < 1 << (width - 2); i++) {
      wasm.addCached(decoded, twice, scratch)
      cache(table + i * POINT_BYTES, decoded)
    }
  }
  const baseTable = allocate(POINT_BYTES << (BASE_WIDTH - 2))
  const pointTable = allocate(POINT_BYTES << (POINT_WIDTH - 2))
  const keccakState = allocate(200)
  const keccakConstants = allocate(192)
  new BigUint64Array(wasm.memory.buffer).set(keccakRoundConstants(), keccakConstants >> 3)
  assert(used <= wasm.memory.buffer.byteLength, 'the layout fits the memory')
  assert(decode(decoded, BASE_ENCODING), 'the generator decodes')
  fillTable(baseTable, BASE_WIDTH)

  const baseDigits = new Int8Array(264)
  const pointDigits = new Int8Array(264)

  const subtractMultiple = (s: Uint8Array, k: Uint8Array, a: Uint8Array): Uint8Array | undefined => {
    if (!decode(decoded, a)) return undefined
    fillTable(pointTable, POINT_WIDTH)
    nonAdjacentForm(baseDigits, s, BASE_WIDTH)
    nonAdjacentForm(pointDigits, k, POINT_WIDTH)
    let at = 255
    while (at >= 0 && baseDigits[at] === 0 && pointDigits[at] === 0) at--
    words.fill(0, accumulator >> 2, (accumulator + POINT_BYTES) >> 2)
    words[(accumulator + FIELD_BYTES) >> 2] = 1
    words[(accumulator + 2 * FIELD_BYTES) >> 2] = 1
    const { double, doubleFully, addCached, subtractCached } = wasm
    for (; at >= 0; at--) {
      const onBase = baseDigits[at] as number
      const onPoint = pointDigits[at] as number
      if (onBase === 0 && onPoint === 0 && at > 0) {
        double(accumulator, scratch)
        continue
      }
      doubleFully(accumulator, scratch)
      if (onBase > 0) addCached(accumulator, baseTable + (onBase >> 1) * POINT_BYTES, scratch)
      else if (onBase < 0) subtractCached(accumulator, baseTable + (-onBase >> 1) * POINT_BYTES, scratch)
      // The multiple of A is subtracted.
      if (onPoint > 0) subtractCached(accumulator, pointTable + (onPoint >> 1) * POINT_BYTES, scratch)
      else if (onPoint < 0) addCached(accumulator, pointTable + (-onPoint >> 1) * POINT_BYTES, scratch)
    }
    return encode(accumulator)
  }

  return {
    subtractMultiple,
    keccak(state) {
      stateWords.set(state, keccakState >> 2)
      wasm.keccak(keccakState, keccakConstants)
      state.set(stateWords.subarray(keccakState >> 2, (keccakState >> 2) + 50))
      // Signing commits secrets to its transcript.
      stateWords.fill(0, keccakState >> 2, (keccakState >> 2) + 50)
    },
  }
}
