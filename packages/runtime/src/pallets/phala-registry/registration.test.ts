import { Attestation, AttestationReport, joinCollateral } from '@phalanx/attestation'
import { toHex } from '@phalanx/primitives/bytes'
import { bytes, tuple, u8 } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, type Message } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { phalaRegistry } from './pallet.ts'
import * as storage from './storage.ts'
import { createRegistryTestbed } from './testing.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Alice').publicKey)
let bed = createRegistryTestbed(crypto)
let w = bed.worker('w')

beforeEach(() => {
  bed = createRegistryTestbed(crypto)
  w = bed.worker('w')
})

const heard = (topic: Uint8Array): readonly Message[] => loggedMessages(bed.chain.ctx).filter(({ destination }) => toHex(destination) === toHex(topic))
const workerEvents = (): readonly unknown[] =>
  heard(TOPICS.systemEvent.topic).map(({ payload }) => {
    const event = TOPICS.systemEvent.payload.decode(payload)
    return event.kind === 'WorkerEvent' ? event.value.event.kind : event.kind
  })

describe('registry.registerWorkerV2', () => {
  test('a new worker appears with what its evidence proved, and hears of it', () => {
    const { chain } = bed
    chain.assertOk(bed.registration(w, { info: { operator: devAccount(crypto, 'Bob').publicKey } }), anyone)
    const info = storage.workers.get(chain.ctx, w.pubkey)
    expect(info).toEqual({
      pubkey: w.pubkey, ecdhPubkey: w.ecdhPubkey, runtimeVersion: 1, lastUpdated: 1_760_000_000n, operator: devAccount(crypto, 'Bob').publicKey,
      attestationProvider: { kind: 'Dcap' }, confidenceLevel: 1, initialScore: undefined, features: [4, 1],
    })
    expect(storage.workerAddedAt.get(chain.ctx, w.pubkey)).toBe(1)
    expect(storage.ecdhKeys.get(chain.ctx, w.pubkey, 0n)).toEqual({ ecdhPubkey: w.ecdhPubkey, announcedAt: 1 })
    expect(workerEvents()).toEqual(['Registered', 'BenchStart'])
    chain.assertEvents([
      { pallet: 'PhalaRegistry', name: 'WorkerAdded', value: { pubkey: w.pubkey, attestationProvider: { kind: 'Dcap' }, confidenceLevel: 1 } },
      { pallet: 'PhalaRegistry', name: 'WorkerEcdhKeyAnchored', value: { pubkey: w.pubkey, epoch: 0n, ecdhPubkey: w.ecdhPubkey } },
    ])
  })

  test('its evidence stays on the chain for anyone to judge again, shared collateral once', () => {
    const { chain } = bed
    const call = bed.registration(w)
    chain.assertOk(call, anyone)
    chain.assertOk(bed.registration(bed.worker('other')), anyone)
    const kept = storage.evidence.get(chain.ctx, w.pubkey)
    const collateral = storage.collateral.get(chain.ctx, kept?.collateral ?? new Uint8Array(32))
    expect([...storage.collateral.keys(chain.ctx)]).toHaveLength(1)
    expect(kept?.verifiedAt).toBe(1_760_000_000n)
    expect(joinCollateral({ report: AttestationReport.decode(kept?.report ?? new Uint8Array(0)), collateral })).toEqual((call.args as { attestation: unknown }).attestation)
  })

  test('a known worker that registers again keeps its ECDH key, provider and score', () => {
    const { chain } = bed
    chain.assertOk(bed.registration(w), anyone)
    storage.workers.mutate(chain.ctx, w.pubkey, (info) => info && { ...info, initialScore: 77 })
    chain.nextBlock()
    const other = bed.worker('other').ecdhPubkey
    chain.assertOk(bed.registration(w, { info: { ecdhPubkey: other, version: 2 }, salt: 1, platform: { svn: 11 } }), anyone)
    expect(storage.workers.get(chain.ctx, w.pubkey)).toMatchObject({ ecdhPubkey: w.ecdhPubkey, runtimeVersion: 2, initialScore: 77, lastUpdated: 1_760_000_001n })
    expect(storage.workerAddedAt.get(chain.ctx, w.pubkey)).toBe(1)
    expect(chain.events().at(-1)?.name).toBe('WorkerUpdated')
  })

  test('the highest known consensus version is counted', () => {
    for (const [i, version] of [1, 3, 2, 3].entries()) bed.chain.assertOk(bed.registration(bed.worker(`w${i}`), { info: { maxConsensusVersion: version } }), anyone)
    expect(storage.maxKnownConsensusVersion.get(bed.chain.ctx)).toEqual({ version: 3, count: 2 })
  })

  const DAY = 86_400
  test.each([
    ['evidence made for other info', { attested: { version: 9 } }, 'InvalidRuntimeInfoHash'],
    ['a debug enclave', { quote: { debug: true } }, 'DebugEnclave'],
    ['a quote signed by another key', { quote: { fault: 'quoteSignature' as const } }, 'InvalidDCAPQuote'],
    ['a quoting enclave that does not vouch for the key', { quote: { fault: 'binding' as const } }, 'InvalidDCAPQuote'],
    ['a platform certificate that ended', { platform: { notAfter: 1_760_000_000 - DAY } }, 'CertificateExpired'],
    ['collateral from last year', { nowSeconds: 1_760_000_000 - 365 * DAY }, 'CollateralExpired'],
    ['collateral from the future', { nowSeconds: 1_760_000_000 + 10 * DAY }, 'CollateralExpired'],
    ['another parachain', { info: { paraId: 2000 } }, 'ParachainIdMismatch'],
    ['another genesis', { info: { genesisBlockHash: new Uint8Array(32) } }, 'GenesisBlockHashRejected'],
    ['an identity that is no point', { info: { pubkey: new Uint8Array(32).fill(255) } }, 'InvalidRuntimeInfo'],
    ['an identity that is the neutral point, under which anyone could sign', { info: { pubkey: new Uint8Array(32) } }, 'InvalidRuntimeInfo'],
    ['an ECDH key that is the neutral point, with which every secret is known', { info: { ecdhPubkey: new Uint8Array(32) } }, 'InvalidEcdhKey'],
    ['an ECDH key that is no point', { info: { ecdhPubkey: new Uint8Array(32).fill(255) } }, 'InvalidEcdhKey'],
  ])('refuses %s', (_name, change, error) => bed.chain.assertNoop(bed.registration(w, change), anyone, `PhalaRegistry.${error}`))

  test('refuses one key for both purposes', () => {
    bed.chain.assertNoop(bed.registration(w, { info: { ecdhPubkey: w.pubkey } }), anyone, 'PhalaRegistry.InvalidEcdhKey')
  })

  test('refuses evidence that was used before, also after its signature was rewritten', () => {
    bed.chain.assertOk(bed.registration(w), anyone)
    bed.chain.nextBlock()
    bed.chain.assertNoop(bed.registration(w), anyone, 'PhalaRegistry.ReplayedReport')
    bed.chain.assertOk(bed.registration(w, { salt: 1 }), anyone)
    bed.chain.assertNoop(bed.registration(w), anyone, 'PhalaRegistry.ReplayedReport')
  })

  test('refuses no evidence at all', () => {
    bed.chain.assertNoop(phalaRegistry.call('registerWorkerV2', { pruntimeInfo: bed.infoOf(w), attestation: undefined }), anyone, 'PhalaRegistry.NoneAttestationDisabled')
  })

  test('refuses an unlisted measurement until governance admits it', () => {
    bed = createRegistryTestbed(crypto, { measurements: [] })
    bed.chain.assertNoop(bed.registration(w), anyone, 'PhalaRegistry.PRuntimeRejected')
    bed.chain.assertOk(phalaRegistry.call('addPruntime', { pruntimeHash: bed.measurement }), ROOT)
    bed.chain.assertOk(bed.registration(w), anyone)
  })

  test('refuses a revoked platform certificate', () => {
    const { vendor, chain } = bed
    const platform = vendor.platform({ id: 'machine' })
    const call = bed.registration(w)
    const { pruntimeInfo, attestation } = call.args as { pruntimeInfo: ReturnType<typeof bed.infoOf>; attestation: ReturnType<typeof bed.evidence> }
    const collateral = vendor.collateral({ nowSeconds: 1_760_000_000, revoked: [platform.pckSerial] })
    const revoked = { ...attestation, value: { ...attestation.value, collateral } } as typeof attestation
    chain.assertNoop(phalaRegistry.call('registerWorkerV2', { pruntimeInfo, attestation: revoked }), anyone, 'PhalaRegistry.CertificateRevoked')
  })

  test('refuses simulated evidence where genesis is not simulated', () => {
    bed = createRegistryTestbed(crypto, { simulated: false })
    bed.chain.assertNoop(bed.registration(w), anyone, 'PhalaRegistry.SimulatedEvidenceRefused')
  })

  test('refuses evidence of a kind or a root that the policy does not name', () => {
    bed = createRegistryTestbed(crypto, { genesis: { kinds: [] } })
    bed.chain.assertNoop(bed.registration(w), anyone, 'PhalaRegistry.AttestationKindRefused')
    bed = createRegistryTestbed(crypto, { genesis: { roots: [] } })
    bed.chain.assertNoop(bed.registration(w), anyone, 'PhalaRegistry.UntrustedRoot')
  })

  test('refuses callers that are not accounts', () => bed.chain.assertNoop(bed.registration(w), ROOT, 'BadOrigin'))
})

describe('registry.registerWorker', () => {
  test('refuses a report that the older service never signed', () => {
    const attestation = Attestation.decode(tuple(u8, bytes, bytes, bytes).encode([0, new Uint8Array(10), new Uint8Array(256), new Uint8Array(20)]))
    const { paraId: _paraId, maxConsensusVersion: _version, ...info } = bed.infoOf(w)
    const call = phalaRegistry.call('registerWorker', { pruntimeInfo: info, attestation })
    bed.chain.assertNoop(call, anyone, 'PhalaRegistry.AttestationKindRefused')
    bed = createRegistryTestbed(crypto, { genesis: { kinds: [attestation.kind] } })
    bed.chain.assertNoop(call, anyone, 'PhalaRegistry.InvalidIASSigningCert')
    bed.chain.assertNoop(call, ROOT, 'BadOrigin')
  })
})

describe('registry.forceRegisterWorker', () => {
  const call = () => phalaRegistry.call('forceRegisterWorker', { pubkey: w.pubkey, ecdhPubkey: w.ecdhPubkey, operator: undefined })

  test('on a simulated chain root registers a worker at level 128, without a benchmark', () => {
    bed.chain.assertOk(call(), ROOT)
    expect(storage.workers.get(bed.chain.ctx, w.pubkey)).toMatchObject({ confidenceLevel: 128, lastUpdated: 1n, features: [1, 4], attestationProvider: { kind: 'Root' } })
    expect(workerEvents()).toEqual(['Registered'])
  })

  test('is closed elsewhere, and to accounts', () => {
    bed.chain.assertNoop(call(), anyone, 'BadOrigin')
    bed = createRegistryTestbed(crypto, { simulated: false })
    bed.chain.assertNoop(call(), ROOT, 'PhalaRegistry.DevelopmentOnly')
  })
})
