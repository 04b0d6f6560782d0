/** No mutation of signed content verifies: every signed part of genuine evidence, a sample of bytes here, all of them with PHALANX_LONG=1. */
import { beforeAll, expect, test } from 'vitest'
import { parseHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors } from '../../../tools/vectors.ts'
import { prepareCollateral, referencePolicy, verifyEvidence, type AttestationReport } from '../src/index.ts'
import { BASE_CASE, TDX_CASES, dcapCase, dcapCases, iasCases, toCollateral, toEvidence, toIasEvidence, type DcapCase, type IasCase } from './cases.ts'
import { flipAt, signedParts } from './signed-parts.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const isLong = process.env['PHALANX_LONG'] === '1'
/** Bytes from one mutation to the next; a prime, so that the sample meets every field. */
const STRIDE = isLong ? 1 : 31
/** Bits to change; the cases beyond the first of each kind get one, since a long run visits every byte of some sixty of them. */
const masksFor = (id: string): readonly number[] => (isLong && FIRST.includes(id) ? [0x01, 0x80] : [0x01])
const FIRST: readonly string[] = [BASE_CASE, ...TDX_CASES]

/** Every byte, or a sample, of every signed part of one case; all of them must be refused. Returns how many were tried. */
const mutateAll = (one: DcapCase, done: Set<string>): number => {
  const subject = { quote: parseHex(one.quoteHex), collateral: one.collateral }
  const policy = referencePolicy()
  const unchanged = prepareCollateral(toCollateral(one.collateral).value, policy, crypto)
  const accepts = ({ quote, collateral }: typeof subject): boolean => {
    const prepared = collateral === one.collateral ? unchanged : undefined
    return verifyEvidence({ evidence: toEvidence(quote, collateral), policy, nowSeconds: one.verifyAt, crypto, prepared }).ok
  }
  expect(accepts(subject), one.id).toBe(true)
  let count = 0
  for (const part of signedParts(subject)) {
    // Cases share quotes and collateral: what was mutated beside the same neighbours is not mutated again.
    const changed = part.replace(part.bytes.slice(0, 1))
    const key = JSON.stringify([part.name, changed.collateral === one.collateral ? one.quoteHex : one.collateral])
    if (done.has(key)) continue
    done.add(key)
    expect(accepts(part.replace(part.bytes)), `${one.id}: ${part.name} unchanged`).toBe(true)
    for (let at = 0; at < part.bytes.length; at += STRIDE)
      for (const mask of masksFor(one.id)) {
        count++
        if (accepts(part.replace(flipAt(part.bytes, at, mask)))) expect.unreachable(`${one.id}: accepted ${part.name} with byte ${at} ^ ${mask}`)
      }
  }
  return count
}

describeVectors('mutated evidence', () => {
  const done = new Set<string>()
  // One case per kind and quote version in an ordinary run; in a long one every case that is accepted as given.
  const ids = isLong ? [...dcapCases('cases'), ...dcapCases('cases', 'tdx')].map(({ id }) => id) : FIRST

  test.each(ids)('no byte of a signed part of %s or its collateral can change', { timeout: 3_600_000 }, (id) => {
    const one = dcapCase(id)
    const given = verifyEvidence({ evidence: toEvidence(parseHex(one.quoteHex), one.collateral), policy: referencePolicy(), nowSeconds: one.verifyAt, crypto })
    if (!given.ok && isLong) return
    console.log(`${id}: ${mutateAll(one, done)} mutations of signed parts, all refused`)
  })

  test('no byte of a report, its signature or its certificate can change', { timeout: 900_000 }, () => {
    const one = iasCases('.').find(({ id }) => id === 'ias-phala-2021-09-12-6fdd11') as IasCase
    const evidence = toIasEvidence(one) as Extract<AttestationReport, { kind: 'SgxIas' }>
    const policy = referencePolicy()
    for (const field of ['raReport', 'signature', 'rawSigningCert'] as const) {
      const bytes = evidence.value[field]
      for (let at = 0; at < bytes.length; at += STRIDE)
        for (const mask of masksFor(BASE_CASE)) {
          const mutated: AttestationReport = { kind: 'SgxIas', value: { ...evidence.value, [field]: flipAt(bytes, at, mask) } }
          if (verifyEvidence({ evidence: mutated, policy, nowSeconds: one.verifyAt ?? 0, crypto }).ok) expect.unreachable(`accepted ${field} with byte ${at} ^ ${mask}`)
        }
    }
    expect(verifyEvidence({ evidence, policy, nowSeconds: one.verifyAt ?? 0, crypto }).ok).toBe(true)
  })
})
