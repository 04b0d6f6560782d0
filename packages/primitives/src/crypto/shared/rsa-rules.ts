/** Owns which RSA keys and signatures either backend looks at, so that both refuse the same ones. */

/** Key and signature with unsigned numbers stripped of leading zeros. */
export interface RsaInput {
  readonly modulus: Uint8Array
  readonly exponent: Uint8Array
  readonly signature: Uint8Array
}

const withoutLeadingZeros = (bytes: Uint8Array): Uint8Array => {
  let start = 0
  while (start < bytes.length && bytes[start] === 0) start++
  return bytes.subarray(start)
}

const bitLength = (bytes: Uint8Array): number => (bytes.length === 0 ? 0 : 8 * bytes.length - Math.clz32(bytes[0] as number) + 24)

/**
 * The input in normal form, or undefined where it is refused: moduli must be odd with 2048 to 8192 bits, exponents odd from 3
 * to 2^32 - 1, and signatures as long as the modulus.
 */
export const normalizeRsaInput = (input: RsaInput): RsaInput | undefined => {
  const modulus = withoutLeadingZeros(input.modulus)
  const exponent = withoutLeadingZeros(input.exponent)
  const bits = bitLength(modulus)
  if (bits < 2048 || bits > 8192 || ((modulus.at(-1) as number) & 1) === 0) return undefined
  if (exponent.length === 0 || exponent.length > 4 || ((exponent.at(-1) as number) & 1) === 0) return undefined
  if (exponent.length === 1 && exponent[0] === 1) return undefined
  return input.signature.length === modulus.length ? { modulus, exponent, signature: input.signature } : undefined
}
