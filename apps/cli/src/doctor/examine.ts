/** Owns the order in which a machine is examined: from the processor up to the policy, each on what stands below it. */
import type { AttestationPolicy } from '@phalanx/attestation'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { PlatformKind } from '@phalanx/worker/platform'
import type { Finding } from './findings.ts'
import { checkHardware } from './hardware.ts'
import type { Machine } from './machine.ts'
import { checkDisk, checkNode, checkPorts, checkTimeServer } from './surroundings.ts'
import { checkTrust } from './trust.ts'

/** What to examine a machine for. */
export interface ExamineOptions {
  readonly platform: PlatformKind
  readonly ports: readonly number[]
  readonly basePath?: string | undefined
  readonly nodeUrl?: string | undefined
  /** Genesis hash of the network that the node must serve. */
  readonly genesisHash?: Uint8Array | undefined
  readonly timeServer?: string | undefined
  readonly pccsUrl?: string | undefined
  readonly policy?: AttestationPolicy | undefined
}

/** Examines a machine. Never rejects for what is wrong with it; every check is in the result, in order. */
export const examine = async (options: ExamineOptions, dependencies: { readonly machine: Machine; readonly crypto: Crypto }): Promise<readonly Finding[]> => {
  const { machine, crypto } = dependencies
  const { platform, ports, basePath, nodeUrl, genesisHash, timeServer, pccsUrl, policy } = options
  const hardware = await checkHardware(machine, platform)
  const portFindings = await checkPorts(machine, ports)
  const time = await checkTimeServer(machine, timeServer)
  const { findings: nodeFindings, node } = await checkNode(machine, { url: nodeUrl, genesisHash })
  try {
    const disk = await checkDisk(machine, basePath)
    return [...hardware, ...portFindings, time, ...nodeFindings, ...disk, ...(await checkTrust(machine, { platform, pccsUrl, policy, node }, crypto))]
  } finally {
    node?.close()
  }
}
