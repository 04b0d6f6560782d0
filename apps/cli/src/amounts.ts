/** Owns amounts of PHA as text. */

const DIGITS = 12
const UNIT = 10n ** 12n

/** PHA of an amount in plancks with so many decimals, cut off there; all twelve where nothing is said. */
export const planckToPha = (planck: bigint, digits = DIGITS): string => {
  const sign = planck < 0n ? '-' : ''
  const size = planck < 0n ? -planck : planck
  const fraction = (size % UNIT).toString().padStart(DIGITS, '0').slice(0, digits)
  return `${sign}${size / UNIT}${digits === 0 ? '' : `.${fraction}`}`
}
