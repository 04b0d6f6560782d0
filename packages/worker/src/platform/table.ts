/**
 * Owns the list of platforms that can be chosen: a line each, loaded only when it is chosen. A build for an enclave does not use it:
 * it names its one platform (apps/cli/bin/build-worker.mjs).
 */
import type { PlatformKind } from './platform.ts'

/** A platform on offer. */
export interface PlatformEntry {
  readonly name: string
  /** What it is, for help. */
  readonly summary: string
  load(): Promise<PlatformKind>
}

/** Every platform; the first is the default. */
export const platformTable: readonly PlatformEntry[] = [
  { name: 'software', summary: 'simulated, for development: protects nothing', load: async () => (await import('./software.ts')).software },
  { name: 'gramine', summary: 'SGX enclave run by Gramine', load: async () => (await import('./gramine.ts')).gramine },
  { name: 'tsm', summary: 'TDX or SEV-SNP virtual machine, Linux 6.7 or later; a new identity at every start', load: async () => (await import('./tsm.ts')).tsm },
  { name: 'dstack', summary: 'application in a dstack guest', load: async () => (await import('./dstack.ts')).dstack },
]
