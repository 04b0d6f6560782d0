/** Canonical collateral: whose documents judge, and when newer ones replace them. */
import { Collateral } from '@phalanx/attestation'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { phalaRegistry } from './pallet.ts'
import * as storage from './storage.ts'
import { createRegistryTestbed, type RegistrationOptions } from './testing.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Alice').publicKey)
const NOW = 1_760_000_000
const DAY = 86_400
let bed = createRegistryTestbed(crypto)

beforeEach(() => {
  bed = createRegistryTestbed(crypto)
})

const collateral = (options: Partial<Parameters<typeof bed.vendor.collateral>[0]> = {}) => bed.vendor.collateral({ nowSeconds: NOW, ...options })
const submit = (options: Partial<Parameters<typeof bed.vendor.collateral>[0]> = {}) => phalaRegistry.call('submitCollateral', { collateral: collateral(options) })
const hashOf = (options: Partial<Parameters<typeof bed.vendor.collateral>[0]> = {}) => crypto.blake2b256(Collateral.encode(collateral(options)))
const sets = () => [...storage.canonicalCollateral.entries(bed.chain.ctx)].map(([, set]) => set)
const levelOf = (name: string) => storage.workers.get(bed.chain.ctx, bed.worker(name).pubkey)?.confidenceLevel
const register = (name: string, change: RegistrationOptions = {}) => bed.chain.assertOk(bed.registration(bed.worker(name), { ...change, platform: { id: name, ...change.platform } }), anyone)
/** Says that a platform of SVN 11 is up to date, which the vendor's newer evaluation denies. */
const KINDER = { evaluationNumber: 19, levels: [{ svn: 1, status: 'UpToDate' }] } as const

describe('registry.submitCollateral', () => {
  test('the first genuine set is canonical at once and costs nothing; its hash and validity are told', () => {
    expect(bed.chain.dispatch(submit(), anyone)).toMatchObject({ ok: true, post: { paysFee: false } })
    const [set] = sets()
    expect(set).toMatchObject({ hash: hashOf(), evaluationNumber: 20, activeAt: 1 })
    expect(bed.chain.events().at(-1)).toMatchObject({ name: 'CollateralUpdated', value: { evaluationNumber: 20, validUntil: set?.validUntil } })
  })

  test.each([
    ['a broken signature', { fault: 'tcbInfoSignature' as const }, 'CollateralInvalid'],
    ['a list signed by somebody else', { fault: 'pckCrlSigner' as const }, 'CollateralInvalid'],
    ['two evaluations in one set', { qeEvaluationNumber: 19 }, 'CollateralOutdated'],
    ['documents that ended', { nowSeconds: NOW - 60 * DAY }, 'CollateralExpired'],
    ['documents of tomorrow', { nowSeconds: NOW + 10 * DAY }, 'CollateralExpired'],
  ])('refuses %s', (_name, options, error) => bed.chain.assertNoop(submit(options), anyone, `PhalaRegistry.${error}`))

  test('refuses a set of another root, and callers that are not accounts', () => {
    bed.chain.assertNoop(submit(), ROOT, 'BadOrigin')
    bed = createRegistryTestbed(crypto, { genesis: { roots: [] } })
    bed.chain.assertNoop(submit(), anyone, 'PhalaRegistry.UntrustedRoot')
  })

  test('refuses an evaluation below the policy\'s', () => {
    bed = createRegistryTestbed(crypto, { policy: { evaluationNumberMin: 21 } })
    bed.chain.assertNoop(submit(), anyone, 'PhalaRegistry.CollateralOutdated')
  })

  test('refuses the same set again, an older one, and a newer evaluation whose revocation list is older', () => {
    bed.chain.assertOk(submit(), anyone)
    bed.chain.assertNoop(submit(), anyone, 'PhalaRegistry.CollateralNotNewer')
    bed.chain.assertNoop(submit({ nowSeconds: NOW - DAY }), anyone, 'PhalaRegistry.CollateralNotNewer')
    bed.chain.assertNoop(submit({ evaluationNumber: 19 }), anyone, 'PhalaRegistry.CollateralNotNewer')
    bed.chain.assertNoop(submit({ evaluationNumber: 21, nowSeconds: NOW - DAY }), anyone, 'PhalaRegistry.CollateralNotNewer')
    bed.chain.assertOk(submit({ evaluationNumber: 21 }), anyone)
  })

  test('keeps one set per family and authority', () => {
    const other = bed.vendorOf(Uint8Array.of(9, 9, 9, 9, 9, 9))
    bed.chain.assertOk(submit(), anyone)
    bed.chain.assertOk(submit({ authority: 'platform' }), anyone)
    bed.chain.assertOk(phalaRegistry.call('submitCollateral', { collateral: other.collateral({ nowSeconds: NOW }) }), anyone)
    expect(sets()).toHaveLength(3)
  })

  test('a newer set waits for the policy\'s delay; meanwhile no other is taken', () => {
    bed = createRegistryTestbed(crypto, { policy: { collateralDelayBlocks: 3 } })
    bed.chain.assertOk(submit(), anyone)
    const events = bed.chain.assertOk(submit({ evaluationNumber: 21 }), anyone)
    expect(events).toMatchObject([{ name: 'CollateralPending', value: { evaluationNumber: 21, activeAt: 4 } }])
    bed.chain.assertNoop(submit({ evaluationNumber: 22 }), anyone, 'PhalaRegistry.CollateralPending')
    bed.chain.assertNoop(submit({ evaluationNumber: 21 }), anyone, 'PhalaRegistry.CollateralNotNewer')
    bed.chain.nextBlock(2)
    expect(sets()).toMatchObject([{ evaluationNumber: 20 }])
    bed.chain.nextBlock()
    expect(sets()).toMatchObject([{ evaluationNumber: 21, activeAt: 4 }])
    expect(storage.pendingKeys.get(bed.chain.ctx)).toEqual([])
  })

  test('a set that lapsed, grace included, is replaced at once', () => {
    bed = createRegistryTestbed(crypto, { policy: { collateralDelayBlocks: 1000, collateralGraceSeconds: 10, revocationGraceSeconds: 10 } })
    bed.chain.assertOk(submit({ lifetimeSeconds: 3 * DAY }), anyone)
    const later = NOW + 5 * DAY
    bed.chain.seal([], BigInt(later) * 1000n)
    bed.chain.assertOk(submit({ nowSeconds: later }), anyone)
    expect(sets()).toMatchObject([{ hash: hashOf({ nowSeconds: later }) }])
  })
})

describe('collateral that comes with evidence', () => {
  test('two workers with the same firmware get the same verdict, whatever documents they bring', () => {
    register('first', { platform: { svn: 11 } })
    register('kinder', { platform: { svn: 11 }, collateral: KINDER })
    register('none', { platform: { svn: 11 }, collateral: 'none' })
    expect(levelOf('first')).toBe(2)
    expect([levelOf('kinder'), levelOf('none')]).toEqual([2, 2])
    expect(sets()).toMatchObject([{ hash: hashOf() }])
    const kept = ['first', 'kinder', 'none'].map((name) => storage.evidence.get(bed.chain.ctx, bed.worker(name).pubkey)?.collateral)
    expect(kept).toEqual([hashOf(), hashOf(), hashOf()])
  })

  test('without any, and none on the chain, there is nothing to judge by', () => {
    bed.chain.assertNoop(bed.registration(bed.worker('w'), { collateral: 'none' }), anyone, 'PhalaRegistry.UnsupportedAttestationType')
  })

  test('a set of two evaluations never judges', () => {
    bed.chain.assertNoop(bed.registration(bed.worker('w'), { collateral: { qeEvaluationNumber: 19 } }), anyone, 'PhalaRegistry.CollateralOutdated')
  })

  test('newer and good, it is canonical before its own worker is judged', () => {
    register('first')
    bed.chain.assertNoop(bed.registration(bed.worker('second'), { platform: { id: 'second' }, collateral: { evaluationNumber: 21, revoked: [bed.vendor.platform({ id: 'second' }).pckSerial] } }), anyone, 'PhalaRegistry.CertificateRevoked')
    register('third', { collateral: { evaluationNumber: 21 } })
    expect(sets()).toMatchObject([{ evaluationNumber: 21 }])
  })

  test('under a delay the set in force goes on judging', () => {
    bed = createRegistryTestbed(crypto, { policy: { collateralDelayBlocks: 2 } })
    register('first')
    register('second', { collateral: { evaluationNumber: 21 } })
    expect(storage.evidence.get(bed.chain.ctx, bed.worker('second').pubkey)?.collateral).toEqual(hashOf())
  })

  test('broken, it does not hurt a worker that the canonical set accepts', () => {
    register('first')
    register('second', { collateral: { fault: 'tcbInfoSignature' } })
    expect(levelOf('second')).toBe(1)
  })
})

const offers = fc.array(fc.record({ evaluationNumber: fc.integer({ min: 18, max: 22 }), day: fc.integer({ min: -3, max: 0 }) }), { maxLength: 6 })

test('whatever is offered in whatever order, evaluation and dates never fall', () => {
  fc.assert(fc.property(offers, (sequence) => {
    bed = createRegistryTestbed(crypto)
    let best: { readonly evaluationNumber: number; readonly dates: readonly bigint[] } | undefined
    for (const { evaluationNumber, day } of sequence) {
      bed.chain.dispatch(submit({ evaluationNumber, nowSeconds: NOW + day * DAY }), anyone)
      const [set] = sets()
      if (best !== undefined) {
        expect(set?.evaluationNumber).toBeGreaterThanOrEqual(best.evaluationNumber)
        best.dates.forEach((date, i) => expect((set?.dates[i] ?? 0n) >= date).toBe(true))
      }
      best = set
    }
  }), { numRuns: 15 })
})
