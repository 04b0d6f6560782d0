/** Owns the vendor's advisories that do not lower confidence level 3 (registry.md §2.5). */

/** Advisories whose mitigation the reference's runtime carries. */
export const HARMLESS_ADVISORIES: readonly string[] = ['INTEL-SA-00334', 'INTEL-SA-00219', 'INTEL-SA-00381', 'INTEL-SA-00389']
