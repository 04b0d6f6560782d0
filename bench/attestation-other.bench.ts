/**
 * Measures full verifications of SEV-SNP reports, Nitro documents and GPU reports, chain included, with the Node backend and with the
 * browser's. No other library in JavaScript judges all three. Genuine evidence comes from ../shared/vectors; without it, simulated.
 */
import { referencePolicy, verifyEvidence, type AttestationPolicy, type AttestationReport } from '@phalanx/attestation'
import { createSimulatedVendor } from '@phalanx/attestation/simulated'
import { assert } from '@phalanx/primitives/assert'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto as loadBrowserCrypto } from '@phalanx/primitives/crypto/browser'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { cutNitroEvidence, gpuFile, nitroCases, snpCases, snpMoment, toSnpEvidence } from '../packages/attestation/test/tee-cases.ts'
import { vectorsDir } from '../tools/vectors.ts'
import type { Figure } from './goals.ts'

interface Subject {
  readonly name: string
  readonly evidence: AttestationReport
  readonly nowSeconds: number
  readonly policy: AttestationPolicy
}

const GPU_MOMENT = 1_767_225_600

const genuine = (): readonly Subject[] => {
  const policy = referencePolicy()
  const snp = snpCases().find(({ id }) => id === 'snp-dstack')
  const nitro = nitroCases().find(({ id }) => id === 'nitro-dstack')
  assert(snp !== undefined && nitro !== undefined, 'the cases are there')
  return [
    { name: 'SEV-SNP', evidence: toSnpEvidence(snp), nowSeconds: snpMoment(snp), policy },
    { name: 'Nitro', evidence: cutNitroEvidence(nitro), nowSeconds: nitro.verifyAt, policy },
    { name: 'NVIDIA GPU', evidence: gpuFile('hopper_evidence.json'), nowSeconds: GPU_MOMENT, policy },
  ]
}

const simulated = (crypto: Crypto): readonly Subject[] => {
  const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(1), crypto })
  const nowSeconds = 1_790_000_000
  const common = { nowSeconds, policy: referencePolicy({ simulated: true, roots: [vendor.rootCertificate] }) }
  const snp = vendor.snp('Milan').machine({ id: 'bench' }).evidence({ measurement: new Uint8Array(48), reportData: new Uint8Array(64), nowSeconds })
  return [
    { ...common, name: 'SEV-SNP', evidence: { kind: 'SevSnp', value: snp } },
    { ...common, name: 'Nitro', evidence: { kind: 'Nitro', value: vendor.nitro({ userData: new Uint8Array(64), nowSeconds }) } },
    { ...common, name: 'NVIDIA GPU', evidence: { kind: 'Nvidia', value: vendor.gpu().report({ nonce: new Uint8Array(32) }) } },
  ]
}

/** Median time of one call in milliseconds. */
const medianMs = (work: () => void, rounds: number): number => {
  const times: number[] = []
  for (let round = 0; round < rounds + 3; round++) {
    const start = performance.now()
    work()
    if (round >= 3) times.push(performance.now() - start)
  }
  return times.sort((a, b) => a - b)[times.length >> 1] as number
}

/** Runs the benchmark. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const browser = await loadBrowserCrypto()
  return (vectorsDir() === undefined ? simulated(crypto) : genuine()).map(({ name, evidence, nowSeconds, policy }) => {
    const accept = (backend: Crypto): void => assert(verifyEvidence({ evidence, policy, nowSeconds, crypto: backend }).ok, 'the evidence was refused')
    const figure = medianMs(() => accept(crypto), 101)
    return { name: `attestation: ${name} verify, chain included`, figure, unit: 'ms', against: 'the browser backend', ratio: medianMs(() => accept(browser), 5) / figure }
  })
}
