/** Owns the chain's beginning in the simulated world: who may register with what evidence, and times short enough that stake, challenges and clusters are seen to work. */
import { TEE_KIND_NAMES } from '@phalanx/attestation'
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createDevChainSpec } from '@phalanx/runtime'
import { softwareMeasurement, softwareRootCertificate, softwareSigner } from '@phalanx/worker/platform'
import type { WorldOptions } from './world-types.ts'

const BENCHMARK_BLOCKS = 2
/** Stake is free again, and slashed, soon enough to be seen. */
const ECONOMY = { blockTimeSec: 1, coolDownPeriodSec: 8, slash: { intervalBlocks: 5 } }

/** Statements that the evidence of the software's own TEE makes about its code: measurement ‖ product ‖ version ‖ signer. */
export const softwareStatements = (crypto: Crypto): Uint8Array => concatBytes(softwareMeasurement(crypto), new Uint8Array(4), softwareSigner(crypto))

const clusterGenesis = ({ clusters }: WorldOptions): Readonly<Record<string, unknown>> => {
  if (clusters === undefined) return {}
  const { minStake, rotationPeriodBlocks, graceBlocks, reportIntervalBlocks } = clusters
  return { PhalaPhatContracts: { clusterMinStake: minStake.toString(), rotationPeriodBlocks, graceBlocks, reportIntervalBlocks } }
}

/** The chain's specification as JSON; `measurements` are admitted. */
export const createWorldSpec = (options: WorldOptions, measurements: readonly Uint8Array[], { crypto }: { readonly crypto: Crypto }): object => ({
  ...createDevChainSpec(
    {
      genesis: {
        PhalaRegistry: {
          kinds: [...TEE_KIND_NAMES], roots: [toHex(softwareRootCertificate(crypto))], measurements: measurements.map(toHex), benchmarkDuration: BENCHMARK_BLOCKS, policy: options.renewal ?? {},
        },
        PhalaComputation: { ...ECONOMY, ...options.challenges },
        ...clusterGenesis(options),
      },
    },
    { crypto },
  ),
  stateVersion: options.stateVersion,
})
