/**
 * Owns xxHash64 with seed, as Substrate's twox hashes use it, on pairs of 32-bit halves: storage keys are hashed on every
 * access and BigInt would make that some twenty times slower. Not a cryptographic hash.
 */

/** A 64-bit register: low half, high half. */
type Register = Int32Array

const P1_HIGH = 0x9e3779b1
const P1_LOW = 0x85ebca87
const P2_HIGH = 0xc2b2ae3d
const P2_LOW = 0x27d4eb4f
const P3_HIGH = 0x165667b1
const P3_LOW = 0x9e3779f9
const P4_HIGH = 0x85ebca77
const P4_LOW = 0xc2b2ae63
const P5_HIGH = 0x27d4eb2f
const P5_LOW = 0x165667c5
const LANE_ROTATIONS: readonly number[] = [1, 7, 12, 18]

/** Upper 32 bits of the product of two 32-bit numbers, from four 16-bit products. */
const multiplyHigh = (a: number, b: number): number => {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const middle = (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bLow) >>> 16)
  const other = (Math.imul(aLow, bHigh) >>> 0) + (middle & 0xffff)
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) | 0
}

const multiply = (register: Register, high: number, low: number): void => {
  const ownLow = register[0] as number
  const ownHigh = register[1] as number
  register[1] = multiplyHigh(ownLow, low) + Math.imul(ownHigh, low) + Math.imul(ownLow, high)
  register[0] = Math.imul(ownLow, low)
}

const add = (register: Register, high: number, low: number): void => {
  const sum = ((register[0] as number) >>> 0) + (low >>> 0)
  register[0] = sum
  register[1] = (register[1] as number) + high + (sum > 0xffffffff ? 1 : 0)
}

/** Rotates left by 1 to 31 bits. */
const rotate = (register: Register, bits: number): void => {
  const low = register[0] as number
  const high = register[1] as number
  register[0] = (low << bits) | (high >>> (32 - bits))
  register[1] = (high << bits) | (low >>> (32 - bits))
}

const xorShiftRight = (register: Register, bits: number): void => {
  const low = register[0] as number
  const high = register[1] as number
  if (bits >= 32) {
    register[0] = low ^ (high >>> (bits - 32))
    return
  }
  register[0] = low ^ ((low >>> bits) | (high << (32 - bits)))
  register[1] = high ^ (high >>> bits)
}

const readWord = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)

/** register = rotl(register + word * P2, 31) * P1, the round of the specification. */
const round = (register: Register, wordHigh: number, wordLow: number): void => {
  add(register, (multiplyHigh(wordLow, P2_LOW) + Math.imul(wordHigh, P2_LOW) + Math.imul(wordLow, P2_HIGH)) | 0, Math.imul(wordLow, P2_LOW))
  rotate(register, 31)
  multiply(register, P1_HIGH, P1_LOW)
}

/** Working registers, kept between calls: allocating them would cost more than hashing a storage key. Nothing is carried over. */
interface Registers {
  readonly hash: Register
  readonly word: Register
  readonly lanes: readonly [Register, Register, Register, Register]
}

const newRegister = (): Register => new Int32Array(2)

const assign = (register: Register, high: number, low: number): void => {
  register[0] = low
  register[1] = high
}

const mix = (register: Register, other: Register): void => {
  register[0] = (register[0] as number) ^ (other[0] as number)
  register[1] = (register[1] as number) ^ (other[1] as number)
}

/** Digests whole 32-byte stripes in four lanes and folds the lanes into the hash. Returns the bytes consumed. */
const digestStripes = ({ hash, word, lanes }: Registers, message: Uint8Array, seed: number): number => {
  const [one, two, three, four] = lanes
  for (const lane of lanes) assign(lane, 0, seed)
  add(one, P1_HIGH, P1_LOW)
  add(one, P2_HIGH, P2_LOW)
  add(two, P2_HIGH, P2_LOW)
  add(four, ~P1_HIGH, -P1_LOW)
  let at = 0
  for (; at + 32 <= message.length; at += 32) {
    round(one, readWord(message, at + 4), readWord(message, at))
    round(two, readWord(message, at + 12), readWord(message, at + 8))
    round(three, readWord(message, at + 20), readWord(message, at + 16))
    round(four, readWord(message, at + 28), readWord(message, at + 24))
  }
  assign(hash, 0, 0)
  for (let i = 0; i < 4; i++) {
    const lane = lanes[i] as Register
    assign(word, lane[1] as number, lane[0] as number)
    rotate(word, LANE_ROTATIONS[i] as number)
    add(hash, word[1] as number, word[0] as number)
  }
  for (const lane of lanes) {
    assign(word, 0, 0)
    round(word, lane[1] as number, lane[0] as number)
    mix(hash, word)
    multiply(hash, P1_HIGH, P1_LOW)
    add(hash, P4_HIGH, P4_LOW)
  }
  return at
}

/** Digests the last 0 to 31 bytes. */
const digestTail = ({ hash, word }: Registers, message: Uint8Array, start: number): void => {
  let at = start
  for (; at + 8 <= message.length; at += 8) {
    assign(word, 0, 0)
    round(word, readWord(message, at + 4), readWord(message, at))
    mix(hash, word)
    rotate(hash, 27)
    multiply(hash, P1_HIGH, P1_LOW)
    add(hash, P4_HIGH, P4_LOW)
  }
  if (at + 4 <= message.length) {
    assign(word, 0, readWord(message, at))
    multiply(word, P1_HIGH, P1_LOW)
    mix(hash, word)
    rotate(hash, 23)
    multiply(hash, P2_HIGH, P2_LOW)
    add(hash, P3_HIGH, P3_LOW)
    at += 4
  }
  for (; at < message.length; at++) {
    assign(word, 0, message[at] as number)
    multiply(word, P5_HIGH, P5_LOW)
    mix(hash, word)
    rotate(hash, 11)
    multiply(hash, P1_HIGH, P1_LOW)
  }
}

const xxHash64Into = (registers: Registers, out: Uint8Array, offset: number, message: Uint8Array, seed: number): void => {
  const { hash } = registers
  let at = 0
  if (message.length >= 32) {
    at = digestStripes(registers, message, seed)
  } else {
    assign(hash, 0, seed)
    add(hash, P5_HIGH, P5_LOW)
  }
  add(hash, 0, message.length)
  digestTail(registers, message, at)
  xorShiftRight(hash, 33)
  multiply(hash, P2_HIGH, P2_LOW)
  xorShiftRight(hash, 29)
  multiply(hash, P3_HIGH, P3_LOW)
  xorShiftRight(hash, 32)
  for (let i = 0; i < 4; i++) {
    out[offset + i] = (hash[0] as number) >>> (8 * i)
    out[offset + 4 + i] = (hash[1] as number) >>> (8 * i)
  }
}

/**
 * The twox hashes: xxHash64 of a message under seeds 0, 1, … , each little-endian, joined; `hashes` is 1, 2 or 4 for 64, 128 or
 * 256 bits.
 */
export const createTwox = (): ((message: Uint8Array, hashes: number) => Uint8Array) => {
  const registers: Registers = { hash: newRegister(), word: newRegister(), lanes: [newRegister(), newRegister(), newRegister(), newRegister()] }
  return (message, hashes) => {
    const out = new Uint8Array(8 * hashes)
    for (let seed = 0; seed < hashes; seed++) xxHash64Into(registers, out, 8 * seed, message, seed)
    return out
  }
}
