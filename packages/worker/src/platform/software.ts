/**
 * Owns the software platform for development: evidence in the real formats from the simulated vendor, sealing keys from a secret file.
 * It protects nothing; only chains whose genesis says `simulated` accept it.
 */
import { OptionalAttestationReport, providerOf, referencePolicy, verifyEvidence } from '@phalanx/attestation'
import { createSimulatedVendor, type SimulatedFamilyName, type SimulatedVendor } from '@phalanx/attestation/simulated'
import { concatBytes, toHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { bytes } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { BlobStore, Random } from '@phalanx/primitives/ports'
import { assert } from '@phalanx/primitives/assert'
import { REPORT_DATA_BYTES, type Platform, type PlatformKind } from './platform.ts'

/** File with the platform secret. */
export const SOFTWARE_SECRET_FILE = 'software-platform.secret'
const SECRET_BYTES = 32

const simulatedSeed = (crypto: Pick<Crypto, 'sha256'>): Uint8Array => crypto.sha256(utf8('phalanx simulated vendor, public by design'))

/** Making the vendor's certificates takes a third of a second, and every one of a process is the same. */
const vendors = new WeakMap<Crypto, SimulatedVendor>()

/** The simulated vendor of development networks. Everybody can sign as it. */
export const softwareVendor = (crypto: Crypto): SimulatedVendor => {
  const vendor = vendors.get(crypto) ?? createSimulatedVendor({ seed: simulatedSeed(crypto), crypto })
  vendors.set(crypto, vendor)
  return vendor
}

/** Root certificate (DER) that a development chain pins in its policy, together with `simulated: true`. */
export const softwareRootCertificate = (crypto: Crypto): Uint8Array => softwareVendor(crypto).rootCertificate

/** Measurement of the software platform's code unless another is simulated. */
export const softwareMeasurement = (crypto: Pick<Crypto, 'sha256'>): Uint8Array => crypto.sha256(utf8('phalanx worker, software platform'))

/** Signer measurement of the software platform. */
export const softwareSigner = (crypto: Pick<Crypto, 'sha256'>): Uint8Array => crypto.sha256(utf8('phalanx worker, software signer'))

/** Any time at which the simulated certificates count; measurements do not depend on it. */
const SOME_SECONDS = 1_790_000_000

/** What a chain must list so that software platforms of these families may register: a measurement for each form that they come to, once. */
export const softwareFamilyMeasurements = (crypto: Crypto, families: readonly SimulatedFamilyName[]): readonly Uint8Array[] => {
  const vendor = softwareVendor(crypto)
  const policy = referencePolicy({ simulated: true, roots: [vendor.rootCertificate] })
  const found = new Map<string, Uint8Array>()
  for (const family of families) {
    const evidence = vendor.machine({ id: 'measured', family }).evidence({ code: softwareMeasurement(crypto), signer: softwareSigner(crypto), reportData: new Uint8Array(REPORT_DATA_BYTES), nowSeconds: SOME_SECONDS })
    const verdict = verifyEvidence({ evidence, policy, nowSeconds: SOME_SECONDS, crypto })
    assert(verdict.ok, 'the simulated vendor makes good evidence')
    found.set(toHex(verdict.facts.measurement), verdict.facts.measurement)
  }
  return [...found.values()]
}

/** Choices for a software platform. */
export interface SoftwarePlatformOptions {
  /** Simulated measurement, 32 bytes. */
  readonly measurement?: Uint8Array
  /** `[cpu cores, cpu feature level]`; `[1, 1]` unless given. */
  readonly features?: readonly number[]
  /** Simulated platform family; the vendor's usual one unless given. */
  readonly family?: SimulatedFamilyName
}

/** Parts that a software platform is made of. `vendor` is another simulated vendor than the usual one. */
export interface SoftwarePlatformDependencies {
  readonly crypto: Crypto
  readonly blobs: BlobStore
  readonly random: Random
  readonly vendor?: SimulatedVendor
}

/** Reads the secret, or makes it durable before its first use. @throws SEAL_KEY_MALFORMED */
const loadSecret = async ({ blobs, random }: SoftwarePlatformDependencies): Promise<Uint8Array> => {
  const found = await blobs.read(SOFTWARE_SECRET_FILE)
  if (found === undefined) {
    const fresh = random.bytes(SECRET_BYTES)
    await blobs.write(SOFTWARE_SECRET_FILE, fresh)
    return fresh
  }
  if (found.length !== SECRET_BYTES) throw new AppError('SEAL_KEY_MALFORMED', { name: SOFTWARE_SECRET_FILE })
  return found
}

/** Opens the software platform of a base path. @throws SEAL_KEY_MALFORMED */
export const createSoftwarePlatform = async (options: SoftwarePlatformOptions, dependencies: SoftwarePlatformDependencies): Promise<Platform & Required<Pick<Platform, 'sealingKey'>>> => {
  const { crypto } = dependencies
  const secret = await loadSecret(dependencies)
  const derive = (purpose: string, context: Uint8Array): Uint8Array =>
    crypto.hkdfSha256({ ikm: secret, salt: utf8('phalanx/software-platform/1'), info: concatBytes(bytes.encode(utf8(purpose)), bytes.encode(context)), length: 32 })
  const measurement = options.measurement ?? softwareMeasurement(crypto)
  assert(measurement.length === 32, 'a simulated measurement is 32 bytes')
  const vendor = dependencies.vendor ?? softwareVendor(crypto)
  const id = toHexPlain(derive('machine id', new Uint8Array(0)))
  const machine = vendor.machine(options.family === undefined ? { id } : { id, family: options.family })
  const method = providerOf(machine.kind).kind.toLowerCase()
  return {
    name: 'software',
    measurement,
    provider: JSON.stringify(method),
    attestationMethods: [method],
    features: options.features ?? [1, 1],
    sealingKey: () => Promise.resolve(derive('sealing key', measurement)),
    quote({ reportData, nowMs }) {
      assert(reportData.length === REPORT_DATA_BYTES, 'report data is 64 bytes')
      const report = machine.evidence({ code: measurement, signer: softwareSigner(crypto), reportData, nowSeconds: Number(nowMs / 1000n) })
      return Promise.resolve(OptionalAttestationReport.encode(report))
    },
  }
}

/** The software platform on a machine of a family. */
export const softwareOf = (family: SimulatedFamilyName): PlatformKind => ({ ...software, open: (dependencies) => createSoftwarePlatform({ family }, dependencies) })

/** The software platform as it is chosen. */
export const software: PlatformKind = { name: 'software', prerequisites: [], open: (dependencies) => createSoftwarePlatform({}, dependencies) }
