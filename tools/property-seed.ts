/**
 * Owns the seed of property tests. The ordinary run repeats the same cases, so that a red one means that a change broke something; the long run
 * draws new ones from its commit. A failure prints its own seed, which `PHALANX_PROPERTY_SEED=<number>` repeats.
 */
import fc from 'fast-check'

const given = Number(process.env['PHALANX_PROPERTY_SEED'])
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number.isSafeInteger(given) && given > 0 ? given : 1_751_672_936 })
