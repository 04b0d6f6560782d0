/**
 * Owns xxHash64 with seed, as Substrate's twox hashes use it, on pairs of 32-bit halves: storage keys are hashed on every
 * access and BigInt would make that some twenty times slower. Not a cryptographic hash.
 */

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

/** Upper 32 bits of the 64-bit product of two 32-bit numbers. */
const multiplyHigh = (a: number, b: number): number => {
  const aLow = a & 0xffff
  const aHigh = a >>> 16
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const low = Math.imul(aLow, bLow) >>> 0
  const middle = (Math.imul(aHigh, bLow) >>> 0) + (low >>> 16)
  const other = (Math.imul(aLow, bHigh) >>> 0) + (middle % 0x10000)
  return (Math.imul(aHigh, bHigh) + Math.floor(middle / 0x10000) + Math.floor(other / 0x10000)) | 0
}
