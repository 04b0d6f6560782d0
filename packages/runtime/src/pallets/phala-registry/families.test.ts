/** Workers of several kinds and families on one chain: canonical collateral of each, and the revocation of one. */
import { AnyCollateral, AttestationReport, createPolicy, evaluateRegistration, joinCollateral, separateCollateral, verifyEvidence } from '@phalanx/attestation'
import { createSimulatedVendor, type SimulatedFamilyName } from '@phalanx/attestation/simulated'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { WorkerRegistrationInfoV2 } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { CONFIDENCE_NONE, isInGoodStanding } from './eviction.ts'
import { phalaRegistry } from './pallet.ts'
import * as storage from './storage.ts'
import { createRegistryTestbed } from './testing.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Alice').publicKey)
const NOW = 1_760_000_000
const DAY = 86_400
const KINDS = ['SgxDcap', 'Tdx', 'SevSnp']
const FAMILIES: readonly SimulatedFamilyName[] = ['sgx-1', 'sgx-2', 'snp-milan', 'tdx-1']
const CODE = { code: new Uint8Array(32).fill(1), signer: new Uint8Array(32).fill(2) }
const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
const open = createPolicy({ kinds: KINDS, roots: [vendor.rootCertificate], simulated: true })

const measurementOf = (family: SimulatedFamilyName): string => {
  const evidence = vendor.machine({ id: 'probe', family }).evidence({ ...CODE, reportData: new Uint8Array(64), nowSeconds: NOW })
  const verdict = verifyEvidence({ evidence, policy: open, nowSeconds: NOW, crypto })
  if (!verdict.ok) throw new Error(verdict.errorCode)
  return toHex(verdict.facts.measurement)
}
const measurements = [...new Set(FAMILIES.map(measurementOf))]
const start = () => createRegistryTestbed(crypto, { measurements, genesis: { kinds: KINDS } })
let bed = start()

beforeEach(() => {
  bed = start()
})

const nameOf = (family: SimulatedFamilyName, i: number): string => `${family} ${i}`
const evidenceOf = (name: string, family: SimulatedFamilyName, nowSeconds = NOW): AttestationReport =>
  vendor.machine({ id: name, family }).evidence({ ...CODE, reportData: crypto.blake2b256(WorkerRegistrationInfoV2.encode(bed.infoOf(bed.worker(name)))), nowSeconds })
const call = (name: string, attestation: AttestationReport) => phalaRegistry.call('registerWorkerV2', { pruntimeInfo: bed.infoOf(bed.worker(name)), attestation })
const register = (name: string, family: SimulatedFamilyName): void => void bed.chain.assertOk(call(name, evidenceOf(name, family)), anyone)
const levelOf = (name: string) => storage.workers.get(bed.chain.ctx, bed.worker(name).pubkey)?.confidenceLevel

describe('families of several kinds', () => {
  test('each has a canonical set of its own, and its evidence can be judged again from what the chain keeps', () => {
    for (const family of FAMILIES) register(nameOf(family, 1), family)
    expect([...storage.canonicalCollateral.keys(bed.chain.ctx)].map(([{ tee }]) => tee).sort()).toEqual(['SEV-SNP', 'SGX', 'SGX', 'TDX'])
    for (const family of FAMILIES) {
      const { pubkey } = bed.worker(nameOf(family, 1))
      const kept = storage.evidence.get(bed.chain.ctx, pubkey)
      const policy = storage.attestationPolicies.get(bed.chain.ctx, 1)
      if (kept?.collateral === undefined || policy === undefined) throw new Error(`${family} keeps nothing`)
      const report = joinCollateral({ report: AttestationReport.decode(kept.report), collateral: storage.collateral.get(bed.chain.ctx, kept.collateral) })
      expect(evaluateRegistration({ report, commit: crypto.blake2b256(kept.info), policy, nowSeconds: Number(kept.verifiedAt), crypto }).ok).toBe(true)
    }
  })

  test.each(FAMILIES)('revoking %s evicts exactly its workers', (revoked) => {
    for (const family of FAMILIES) for (const i of [1, 2]) register(nameOf(family, i), family)
    bed.chain.assertOk(phalaRegistry.call('revokeFamily', { family: vendor.machine({ id: 'any', family: revoked }).family }), ROOT)
    bed.chain.nextBlock()
    for (const family of FAMILIES) {
      for (const i of [1, 2]) {
        expect([nameOf(family, i), levelOf(nameOf(family, i)) === CONFIDENCE_NONE]).toEqual([nameOf(family, i), family === revoked])
        expect(isInGoodStanding(bed.chain.ctx, bed.worker(nameOf(family, i)).pubkey)).toBe(family !== revoked)
      }
    }
    const again = evidenceOf(nameOf(revoked, 3), revoked)
    bed.chain.assertNoop(call(nameOf(revoked, 3), again), anyone, 'PhalaRegistry.PlatformFamilyRefused')
  })
})

describe('a product\'s revocation list', () => {
  const setOf = (nowSeconds: number, change: object = {}) => {
    const { collateral } = separateCollateral(evidenceOf('any', 'snp-milan', nowSeconds))
    const set = AnyCollateral.decode(collateral ?? new Uint8Array(0))
    return phalaRegistry.call('submitCollateral', { collateral: { ...set, value: { ...set.value, ...change } } as AnyCollateral })
  }

  test('cannot be left out of a set, nor replaced by an older one', () => {
    bed.chain.assertNoop(setOf(NOW, { revocationList: undefined }), anyone, 'PhalaRegistry.UnsupportedAttestationType')
    bed.chain.assertOk(setOf(NOW), anyone)
    bed.chain.assertNoop(setOf(NOW - DAY), anyone, 'PhalaRegistry.CollateralNotNewer')
    bed.chain.assertNoop(setOf(NOW, { revocationList: new Uint8Array(9) }), anyone, 'PhalaRegistry.CollateralInvalid')
  })

  test('judges a worker that leaves it out', () => {
    register('first', 'snp-milan')
    const full = evidenceOf('second', 'snp-milan')
    const { report } = separateCollateral(full)
    bed.chain.assertOk(call('second', report), anyone)
    const kept = ['first', 'second'].map((name) => storage.evidence.get(bed.chain.ctx, bed.worker(name).pubkey)?.collateral)
    expect(kept[0]).toEqual(kept[1])
  })
})
