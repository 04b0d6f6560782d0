/** Owns the exact integer square root. */

/** Largest operand whose root a double holds exactly with room to spare. */
const SEEDED_BITS = 100n

/** floor(√n) of a non-negative whole number. */
export const isqrt = (n: bigint): bigint => {
  if (n < 2n) return n
  // tidy-allow purity: the double is a first guess only; the loops below make the result exact whatever it was
  let root = n >> SEEDED_BITS === 0n ? BigInt(Math.floor(Math.sqrt(Number(n)))) : newton(n)
  while (root * root > n) root -= 1n
  while ((root + 1n) * (root + 1n) <= n) root += 1n
  return root
}

/** From above, by Newton's steps. */
const newton = (n: bigint): bigint => {
  let root = 1n << BigInt((n.toString(2).length + 1) >> 1)
  for (;;) {
    const next = (root + n / root) >> 1n
    if (next >= root) return root
    root = next
  }
}
