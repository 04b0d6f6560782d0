/**
 * Owns the list of platforms that can be chosen: a line each, loaded only when it is chosen. A build for an enclave does not use it:
 * it names its one platform (apps/cli/bin/build-worker.mjs).
 */
import type { SimulatedFamilyName } from '@phalanx/attestation/simulated'
import type { PlatformKind } from './platform.ts'

/** Families of simulated machines, the usual one first; stated here so that offering them loads no vendor. */
const SIMULATED_FAMILIES = ['sgx-1', 'sgx-2', 'snp-milan', 'snp-genoa', 'tdx-1'] as const satisfies readonly SimulatedFamilyName[]

/** A platform on offer. */
export interface PlatformEntry {
  readonly name: string
  /** What it is, for help. */
  readonly summary: string
  /** Families of machines that it can pretend to be, the usual one first; real platforms have none to choose from. */
  readonly families?: readonly string[]
  /** Loads it; `family` is one of its families. */
  load(family?: string): Promise<PlatformKind>
}

/** The platform of simulated machines. */
export const simulatedPlatform = {
  name: 'software', summary: 'simulated, for development: protects nothing', families: SIMULATED_FAMILIES,
  load: async (family?: string): Promise<PlatformKind> => {
    const { software, softwareOf } = await import('./software.ts')
    const chosen = SIMULATED_FAMILIES.find((one) => one === family)
    return chosen === undefined ? software : softwareOf(chosen)
  },
} as const satisfies PlatformEntry

/** Every platform; the first is the default. */
export const platformTable: readonly PlatformEntry[] = [
  simulatedPlatform,
  { name: 'gramine', summary: 'SGX enclave run by Gramine', load: async () => (await import('./gramine.ts')).gramine },
  { name: 'tsm', summary: 'TDX or SEV-SNP virtual machine, Linux 6.7 or later; a new identity at every start', load: async () => (await import('./tsm.ts')).tsm },
  { name: 'dstack', summary: 'application in a dstack guest', load: async () => (await import('./dstack.ts')).dstack },
]
