/** Policy on the chain: who is evicted, when and why; what was predicted; what is told. */
import { AttestationPolicy, AttestationReport, evaluateRegistration, joinCollateral } from '@phalanx/attestation'
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { option } from '@phalanx/primitives/codec'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, type RegistryNotice } from '@phalanx/primitives/messages'
import { codeOf } from '@phalanx/primitives/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { blockHash } from '../system/storage.ts'
import { DryRunPage } from './attestation-api.ts'
import { registryParts } from './declaration.ts'
import { CONFIDENCE_NONE, ensureGoodStanding, isInGoodStanding, recordAttestation } from './eviction.ts'
import { NEVER } from './judgement.ts'
import { phalaRegistry } from './pallet.ts'
import * as storage from './storage.ts'
import { createRegistryTestbed, type RegistrationOptions } from './testing.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Alice').publicKey)
const NOW = 1_760_000_000
const DAY = 86_400
const FAMILIES = [1, 2, 3].map((n) => new Uint8Array(6).fill(n)) as [Uint8Array, Uint8Array, Uint8Array]
let bed = createRegistryTestbed(crypto)

beforeEach(() => {
  bed = createRegistryTestbed(crypto)
})

const key = (name: string): Uint8Array => bed.worker(name).pubkey
const register = (name: string, change: RegistrationOptions = {}): void =>
  void bed.chain.assertOk(bed.registration(bed.worker(name), { ...change, platform: { id: name, ...change.platform } }), anyone)
const policy = (changes: Partial<AttestationPolicy> = {}): AttestationPolicy => {
  const current = storage.attestationPolicy.get(bed.chain.ctx)
  return { ...current, version: current.version + 1, ...changes }
}
const set = (changes: Partial<AttestationPolicy>) => phalaRegistry.call('setAttestationPolicy', { policy: policy(changes) })
const levelOf = (name: string): number | undefined => storage.workers.get(bed.chain.ctx, key(name))?.confidenceLevel
const evictionOf = (name: string) => storage.attestations.get(bed.chain.ctx, key(name))?.eviction
const stands = (...names: readonly string[]): readonly boolean[] => names.map((name) => isInGoodStanding(bed.chain.ctx, key(name)))
const notices = (): readonly RegistryNotice[] =>
  loggedMessages(bed.chain.ctx).filter(({ destination }) => toHex(destination) === toHex(TOPICS.registryNotice.topic)).map(({ payload }) => TOPICS.registryNotice.payload.decode(payload))

/** Asks the runtime API as a node would, on the state of the last finished block, page by page. */
const dryRun = (tried: AttestationPolicy): DryRunPage => {
  const { head, runtime, env } = bed.chain
  const params = concatBytes(AttestationPolicy.encode(tried), option(Sr25519Public).encode(undefined))
  return DryRunPage.decode(runtime.callApi({ state: head.state, at: head.header, method: 'AttestationApi_dry_run_policy', params, env }))
}
const predicted = (tried: AttestationPolicy): readonly string[] => dryRun(tried).evictions.map(({ pubkey }) => toHex(pubkey)).sort()

describe('registry.setAttestationPolicy', () => {
  test('refuses accounts, another version, wider trust and fields out of range', () => {
    const { chain } = bed
    chain.assertNoop(set({}), anyone, 'BadOrigin')
    chain.assertNoop(set({ version: 1 }), ROOT, 'PhalaRegistry.PolicyVersionMismatch')
    chain.assertNoop(set({ roots: [Uint8Array.of(1)] }), ROOT, 'PhalaRegistry.PolicyWidensTrust')
    chain.assertNoop(set({ simulated: false }), ROOT, 'PhalaRegistry.PolicyWidensTrust')
    for (const changes of [{ kinds: ['Nonsense'] }, { format: 2 }, { confidenceLevelMax: 6 }, { confidenceLevelMax: 0 }, { gatekeeperConfidenceMax: 0 }, { measurements: [bed.measurement] }])
      chain.assertNoop(set(changes), ROOT, 'PhalaRegistry.PolicyInvalid')
    bed = createRegistryTestbed(crypto, { simulated: false })
    bed.chain.assertNoop(set({ admitDebug: true }), ROOT, 'PhalaRegistry.PolicyInvalid')
    expect(codeOf(() => createRegistryTestbed(crypto, { simulated: false, policy: { admitDebug: true } }))).toBe('CHAIN_SPEC_DEVELOPMENT_ONLY')
  })

  test('is kept by version with the measurements of its time, and told', () => {
    const { chain } = bed
    expect(storage.attestationPolicies.get(chain.ctx, 1)?.measurements).toEqual([bed.measurement])
    chain.assertOk(set({ confidenceLevelMax: 2 }), ROOT)
    chain.assertEvents([{ pallet: 'PhalaRegistry', name: 'AttestationPolicySet', value: { version: 2 } }])
    expect(notices()).toContainEqual({ kind: 'PolicySet', value: 2 })
    chain.assertOk(phalaRegistry.call('removePruntime', { pruntimeHash: bed.measurement }), ROOT)
    expect([2, 3].map((version) => storage.attestationPolicies.get(chain.ctx, version)?.measurements.length)).toEqual([1, 0])
    expect(storage.attestationPolicy.get(chain.ctx).version).toBe(3)
  })

  test('evicts over the next block exactly the workers that a dry run named, and says why', () => {
    const { chain } = bed
    register('good')
    register('hardening', { platform: { svn: 11 } })
    register('old', { platform: { svn: 5 } })
    chain.nextBlock()
    const stricter = policy({ confidenceLevelMax: 1 })
    const page = dryRun(stricter)
    expect(page).toMatchObject({ refused: undefined, examined: 3, next: undefined })
    expect(predicted(stricter)).toEqual([key('hardening'), key('old')].map(toHex).sort())
    expect(page.evictions[0]).toMatchObject({ error: 'ConfidenceTooLow', code: 'ATTESTATION_CONFIDENCE_TOO_LOW', path: ['policy', 'confidence level'] })
    chain.assertOk(set({ confidenceLevelMax: 1 }), ROOT)
    chain.nextBlock()
    expect([levelOf('good'), levelOf('hardening'), levelOf('old')]).toEqual([1, CONFIDENCE_NONE, CONFIDENCE_NONE])
    expect(evictionOf('old')).toEqual({ kind: 'PolicyRefused', value: { version: 2, code: 'ATTESTATION_CONFIDENCE_TOO_LOW' } })
    expect(chain.events().at(-1)).toMatchObject({ name: 'ReviewProgress', value: { finished: true, review: { examined: 3, evicted: 2 } } })
    expect(stands('good', 'hardening', 'old')).toEqual([true, false, false])
  })

  test('a root that is removed takes its workers along; it cannot come back', () => {
    register('w')
    bed.chain.nextBlock()
    expect(predicted(policy({ roots: [] }))).toEqual([toHex(key('w'))])
    bed.chain.assertOk(set({ roots: [] }), ROOT)
    bed.chain.nextBlock()
    expect(evictionOf('w')?.kind).toBe('PolicyRefused')
    bed.chain.assertNoop(set({ roots: [bed.vendor.rootCertificate] }), ROOT, 'PhalaRegistry.PolicyWidensTrust')
  })

  test('a policy that the chain cannot have is not tried', () => {
    bed.chain.nextBlock()
    expect(dryRun(policy({ simulated: false }))).toMatchObject({ refused: 'PolicyWidensTrust', examined: 0 })
  })

  test('a dry run may bring measurements of its own', () => {
    register('w')
    bed.chain.nextBlock()
    expect(predicted(policy())).toEqual([])
    expect(dryRun(policy({ measurements: [new Uint8Array(68)] })).evictions).toMatchObject([{ error: 'PRuntimeRejected' }])
  })
})

describe('registry.revokeFamily and registry.restoreFamily', () => {
  const revoke = (family: Uint8Array) => phalaRegistry.call('revokeFamily', { family })
  const restore = (family: Uint8Array) => phalaRegistry.call('restoreFamily', { family })

  test('refuse accounts, no family, a family twice, and one that is not revoked', () => {
    const { chain } = bed
    chain.assertNoop(revoke(FAMILIES[0]), anyone, 'BadOrigin')
    chain.assertNoop(restore(FAMILIES[0]), anyone, 'BadOrigin')
    chain.assertNoop(revoke(new Uint8Array(0)), ROOT, 'PhalaRegistry.InvalidInput')
    chain.assertNoop(restore(FAMILIES[0]), ROOT, 'PhalaRegistry.FamilyNotRevoked')
    chain.assertOk(revoke(FAMILIES[0]), ROOT)
    chain.assertNoop(revoke(FAMILIES[0]), ROOT, 'PhalaRegistry.FamilyAlreadyRevoked')
  })

  test('of three families one is revoked: exactly its workers go, as predicted, and come back after it is restored', () => {
    const { chain } = bed
    const names = FAMILIES.flatMap((_, family) => [`${family}a`, `${family}b`])
    for (const name of names) register(name, { family: FAMILIES[Number(name[0])] as Uint8Array })
    chain.nextBlock()
    const blocked = FAMILIES[1]
    expect(predicted(policy({ blockedFamilies: [blocked] }))).toEqual([key('1a'), key('1b')].map(toHex).sort())
    chain.assertOk(revoke(blocked), ROOT)
    expect(chain.events().at(-1)).toEqual({ pallet: 'PhalaRegistry', name: 'FamilyRevoked', value: { family: blocked, workers: 2 } })
    // At once, before the first of them is taken off.
    expect(levelOf('1a')).toBe(1)
    expect(stands(...names)).toEqual([true, true, false, false, true, true])
    chain.nextBlock()
    expect(names.map(levelOf)).toEqual([1, 1, CONFIDENCE_NONE, CONFIDENCE_NONE, 1, 1])
    expect(notices().filter(({ kind }) => kind === 'WorkerEvicted')).toHaveLength(2)
    expect(storage.reviews.get(chain.ctx)).toEqual([])
    chain.assertNoop(bed.registration(bed.worker('1a'), { family: blocked, platform: { id: '1a' }, salt: 1 }), anyone, 'PhalaRegistry.PlatformFamilyRefused')
    chain.assertOk(restore(blocked), ROOT)
    chain.assertEvents([{ pallet: 'PhalaRegistry', name: 'FamilyRestored', value: { family: blocked } }])
    expect(stands('1a')).toEqual([false])
    register('1a', { family: blocked, salt: 1 })
    expect([stands('1a', '1b'), levelOf('1a')]).toEqual([[true, false], 1])
  })

  test('a large family goes in bounded steps, each of which is told', () => {
    const { chain } = bed
    register('w', { family: FAMILIES[0] })
    const ctx = registryParts.in(chain.ctx)
    const facts = { kind: 'k', measurement: bed.measurement, fmspc: FAMILIES[0] } as unknown as Parameters<typeof recordAttestation>[2]['facts']
    for (let i = 0; i < 99; i++) {
      const attested = { provider: { kind: 'Dcap' as const }, confidenceLevel: 1, facts, collateral: undefined, policyVersion: 1, validUntil: NEVER, renewFrom: NEVER }
      recordAttestation(ctx, crypto.blake2b256(Uint8Array.of(i)), attested)
    }
    chain.assertOk(revoke(FAMILIES[0]), ROOT)
    const steps = [1, 2].map(() => {
      chain.nextBlock()
      return chain.events().find(({ name }) => name === 'ReviewProgress')?.value
    })
    expect(steps).toMatchObject([{ finished: false, review: { evicted: 64 } }, { finished: true, review: { evicted: 100 } }])
    expect(storage.familySize.get(chain.ctx, FAMILIES[0])).toBe(0)
  })
})

describe('evidence that lapses', () => {
  const at = (seconds: number): void => void bed.chain.seal([], BigInt(seconds) * 1000n)

  test('a worker that does not renew loses confidence and duties, with events; one that does keeps both', () => {
    bed = createRegistryTestbed(crypto, { policy: { admitUnanchored: true, reattestationSeconds: 100, renewalWindowSeconds: 30 } })
    register('late')
    register('prompt')
    expect(storage.attestations.get(bed.chain.ctx, key('late'))).toMatchObject({ validUntil: BigInt(NOW + 100), renewFrom: BigInt(NOW + 70), family: bed.vendor.fmspc, policyVersion: 1 })
    expect(notices()).toContainEqual({ kind: 'WorkerAttested', value: { pubkey: key('late'), validUntil: BigInt(NOW + 100), renewFrom: BigInt(NOW + 70) } })
    bed.chain.nextBlock()
    at(NOW + 80)
    register('prompt', { salt: 1 })
    bed.chain.nextBlock()
    at(NOW + 101)
    expect(stands('late', 'prompt')).toEqual([false, true])
    bed.chain.assertEvents([
      { pallet: 'PhalaRegistry', name: 'WorkerEvidenceLapsed', value: { pubkey: key('late'), validUntil: BigInt(NOW + 100) } },
      { pallet: 'PhalaRegistry', name: 'WorkerEvicted', value: { pubkey: key('late'), reason: { kind: 'Lapsed' } } },
    ])
    expect([levelOf('late'), levelOf('prompt')]).toEqual([CONFIDENCE_NONE, 1])
    expect(() => ensureGoodStanding(registryParts.in(bed.chain.ctx), key('late'))).toThrow('EvidenceLapsed')
    register('late', { salt: 2 })
    expect(levelOf('late')).toBe(1)
  })

  test('evidence ends with the canonical collateral, its grace included, unless renewed under a newer set', () => {
    bed = createRegistryTestbed(crypto, { policy: { admitUnanchored: true, reattestationSeconds: 0, renewalWindowSeconds: DAY, collateralGraceSeconds: 3600, revocationGraceSeconds: 3600 } })
    register('a', { collateral: { lifetimeSeconds: 5 * DAY } })
    register('b', { collateral: 'none' })
    const [[, canonical]] = [...storage.canonicalCollateral.entries(bed.chain.ctx)] as unknown as [[unknown, { validUntil: bigint; graceUntil: bigint }]]
    expect(storage.attestations.get(bed.chain.ctx, key('a'))).toMatchObject({ validUntil: canonical.graceUntil, renewFrom: canonical.validUntil - BigInt(DAY) })
    bed.chain.nextBlock()
    at(Number(canonical.validUntil) + 10)
    register('b', { salt: 1, nowSeconds: Number(canonical.validUntil) })
    bed.chain.nextBlock()
    at(Number(canonical.graceUntil) + 1)
    expect(stands('a', 'b')).toEqual([false, true])
  })

  test('nothing is asked again of a worker that root vouches for', () => {
    bed.chain.assertOk(phalaRegistry.call('forceRegisterWorker', { pubkey: key('r'), ecdhPubkey: bed.worker('r').ecdhPubkey, operator: undefined }), ROOT)
    expect(stands('r', 'nobody')).toEqual([true, false])
  })
})

describe('the hash of a recent block in the evidence', () => {
  test('is demanded by our policy: none, a foreign one and one that is too old are refused by names of their own', () => {
    bed = createRegistryTestbed(crypto, { policy: { admitUnanchored: false } })
    const { chain } = bed
    const w = bed.worker('w')
    const genesis = blockHash.get(chain.ctx, 0)
    chain.assertNoop(bed.registration(w), anyone, 'PhalaRegistry.AnchorMissing')
    chain.assertNoop(bed.registration(w, { salt: 7 }), anyone, 'PhalaRegistry.UnknownAnchor')
    chain.nextBlock(255)
    chain.assertOk(bed.registration(w, { anchor: genesis }), anyone)
    chain.nextBlock()
    chain.assertNoop(bed.registration(bed.worker('late'), { anchor: genesis, platform: { id: 'late' } }), anyone, 'PhalaRegistry.UnknownAnchor')
    chain.assertOk(bed.registration(bed.worker('late'), { anchor: blockHash.get(chain.ctx, 256), platform: { id: 'late' } }), anyone)
  })

  test('is demanded unless the chain spec says otherwise', () => {
    bed = createRegistryTestbed(crypto, { genesis: { policy: {} } })
    expect(storage.attestationPolicy.get(bed.chain.ctx)).toMatchObject({ admitUnanchored: false, gatekeeperConfidenceMax: 1, reattestationSeconds: 7 * DAY, renewalWindowSeconds: DAY })
  })
})

test('evidence, collateral and policy on the chain give anyone the verdict of then, also after the policy changed', () => {
  register('w', { platform: { svn: 11 } })
  bed.chain.nextBlock()
  bed.chain.assertOk(set({ confidenceLevelMax: 1 }), ROOT)
  bed.chain.assertOk(phalaRegistry.call('removePruntime', { pruntimeHash: bed.measurement }), ROOT)
  const { ctx } = bed.chain
  const kept = storage.evidence.get(ctx, key('w'))
  const record = storage.attestations.get(ctx, key('w'))
  const then = storage.attestationPolicies.get(ctx, record?.policyVersion ?? 0)
  if (kept === undefined || then === undefined) throw new Error('nothing is kept')
  const report = joinCollateral({ report: AttestationReport.decode(kept.report), collateral: storage.collateral.get(ctx, kept.collateral ?? new Uint8Array(32)) })
  const again = evaluateRegistration({ report, commit: crypto.blake2b256(kept.info), policy: then, nowSeconds: Number(kept.verifiedAt), crypto })
  expect(again).toMatchObject({ ok: true, confidenceLevel: record?.confidenceLevel, measurement: record?.measurement })
})
