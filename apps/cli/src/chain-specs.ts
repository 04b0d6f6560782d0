/** Owns the chain specifications that this binary makes and reads: the development chain, files, and the copy kept beside a chain's data. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { TEE_KIND_NAMES } from '@phalanx/attestation'
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import { createDevChainSpec, createPhalanxRuntime, type ChainSpec } from '@phalanx/runtime'
import { softwareFamilyMeasurements, softwareMeasurement, softwareRootCertificate, softwareSigner } from '@phalanx/worker/platform'
import { simulatedPlatform } from '@phalanx/worker/platform/table'
import './errors.ts'
import { readSmallFile, writePrivateFile } from './secrets.ts'

/** Largest specification file. */
const SPEC_BYTES_MAX = 32 * 1024 * 1024
/** Copy of the specification beside a chain's data: a newer program may make another development chain. */
const KEPT_SPEC = 'chain-spec.json'
const BENCHMARK_BLOCKS = 1

/** Runtime hash of the simulated platform's code: measurement ‖ product id ‖ version ‖ signer (registry.md §2.2). */
const softwareRuntimeHash = (crypto: Crypto): Uint8Array => concatBytes(softwareMeasurement(crypto), new Uint8Array(4), softwareSigner(crypto))

/** Every family of simulated machines: a chain that others join with their own workers admits all of them. */
export const ALL_FAMILIES: readonly string[] = simulatedPlatform.families

/** What the chain lists so that workers of these families may register; without families the usual one, whose runtime hash costs nothing to tell. */
const measurementsOf = (crypto: Crypto, families: readonly string[]): readonly string[] => {
  const named = simulatedPlatform.families.filter((name) => families.includes(name))
  return [...new Set([toHex(softwareRuntimeHash(crypto)), ...softwareFamilyMeasurements(crypto, named).map(toHex)])]
}

/** The development chain as JSON: simulated vendor root pinned, the simulated code admitted, also on machines of the families named. */
export const developmentSpec = (crypto: Crypto, blockTimeMs?: number, families: readonly string[] = []): Record<string, unknown> =>
  createDevChainSpec(
    {
      ...(blockTimeMs === undefined ? {} : { blockTimeMs }),
      genesis: {
        PhalaRegistry: {
          kinds: [...TEE_KIND_NAMES],
          roots: [toHex(softwareRootCertificate(crypto))],
          measurements: measurementsOf(crypto, families),
          benchmarkDuration: BENCHMARK_BLOCKS,
        },
      },
    },
    { crypto },
  )

/** Checks a specification. @throws CHAIN_SPEC_ codes */
export const parseSpec = (json: unknown, crypto: Crypto): ChainSpec => createPhalanxRuntime({ stateVersion: 1 }, { crypto }).parseChainSpec(json, { crypto })

/** JSON of a file. @throws CLI_FILE_UNREADABLE, CLI_CONFIG_MALFORMED */
export const readJsonFile = (path: string): unknown => {
  const text = Buffer.from(readSmallFile(path, SPEC_BYTES_MAX)).toString('utf8')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('CLI_CONFIG_MALFORMED', { path, reason: cause instanceof Error ? cause.message : 'it is not JSON' }, { cause })
  }
}

/** The specification a folder was begun with, or `fresh`, which is kept there from now on. */
export const keptSpec = (folder: string, fresh: () => unknown): unknown => {
  const path = join(folder, KEPT_SPEC)
  if (existsSync(path)) {
    try {
      return JSON.parse(readFileSync(path, 'utf8')) as unknown
    } catch (cause) {
      throw new AppError('CLI_BASE_PATH_MALFORMED', { path: folder, file: KEPT_SPEC, reason: cause instanceof Error ? cause.message : 'not JSON' }, { cause })
    }
  }
  const spec = fresh()
  writePrivateFile(path, `${JSON.stringify(spec, undefined, 2)}\n`)
  return spec
}
