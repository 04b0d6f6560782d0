/** Owns confidence levels that are not earned by evidence. */

/** Confidence level of workers that the chain's root registered without evidence. */
export const CONFIDENCE_ROOT = 128
