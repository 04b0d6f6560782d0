/** Public face of the fixed folder. */
export { balanceToFixed, divBalance, fixedToBalance, mulBalance, permillOf, UNIT } from './balance.ts'
export { fixed, fixedOf, FIXED_MAX, FIXED_ONE } from './fixed.ts'
export { isqrt } from './isqrt.ts'
export { computingShare, confidenceScore, performanceSquare } from './share.ts'
