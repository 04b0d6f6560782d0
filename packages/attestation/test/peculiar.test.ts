/** `@peculiar/x509` as oracle: it reads every certificate and list as we do, and finds the same signatures good. */
import './reflect.ts'
import { webcrypto } from 'node:crypto'
import { X509Certificate, X509Crl, cryptoProvider } from '@peculiar/x509'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto as OurCrypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { iasRoot } from '../src/kinds/dcap/roots.ts'
import { createSimulatedVendor } from '../src/kinds/simulated-vendor.ts'
import { parseQuote } from '../src/kinds/dcap/quote.ts'
import { isAttestationError } from '../src/errors.ts'
import { parseCertificate, type Certificate } from '../src/x509/certificate.ts'
import { parseRevocationList } from '../src/x509/crl.ts'
import { parsePem } from '../src/x509/pem.ts'
import { verifySignature } from '../src/x509/signature.ts'
import { dcapCases } from './cases.ts'

let crypto: OurCrypto
beforeAll(async () => {
  crypto = await loadCrypto()
  cryptoProvider.set(webcrypto as unknown as Parameters<typeof cryptoProvider.set>[0])
})

const hex = (buffer: ArrayBuffer): string => toHexPlain(new Uint8Array(buffer))
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000)
const copy = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

const expectSame = (der: Uint8Array, ours: Certificate): X509Certificate => {
  const theirs = new X509Certificate(copy(der))
  expect(theirs.serialNumber.replace(/^00/, '')).toBe(toHexPlain(ours.serial).replace(/^00/, ''))
  expect([seconds(theirs.notBefore), seconds(theirs.notAfter)]).toEqual([ours.notBefore, ours.notAfter])
  expect(theirs.subjectName.getField('CN')).toEqual([ours.commonName])
  expect(theirs.issuerName.getField('CN')).toEqual([ours.issuerCommonName])
  // The oracle does not show arcs as long as a UUID.
  expect(theirs.extensions.map(({ type, critical }) => [type, critical])).toEqual([...ours.extensions].map(([oid, { critical }]) => [oid.startsWith('2.25.') ? '2.25' : oid, critical]))
  const key = hex(theirs.publicKey.rawData)
  expect(key.endsWith(ours.publicKey.kind === 'rsa' ? '0203010001' : toHexPlain(ours.publicKey.value))).toBe(true)
  return theirs
}

const expectSameLink = async (child: Uint8Array, issuer: Uint8Array): Promise<boolean> => {
  const [ours, by] = [parseCertificate(child), parseCertificate(issuer)]
  const theirs = await expectSame(child, ours).verify({ publicKey: new X509Certificate(copy(issuer)), signatureOnly: true })
  const good = verifySignature({ algorithm: ours.algorithm, signature: ours.signature, message: ours.tbs, key: by.publicKey }, crypto)
  expect(good).toBe(theirs)
  return good
}

describe('simulated certificates', () => {
  test('are good certificates to others, and their mark is seen as critical', async () => {
    const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(1), crypto })
    const { value } = vendor.collateral({ nowSeconds: 1_790_000_000, revoked: [new Uint8Array(20).fill(0x44)] })
    for (const text of [value.pckCrlIssuerChain, value.tcbInfoIssuerChain]) {
      const [leaf, root] = parsePem(text) as [Uint8Array, Uint8Array]
      expect(await expectSameLink(leaf, root)).toBe(true)
      expect(await expectSameLink(root, root)).toBe(true)
    }
    const der = parseHex(value.pckCrl)
    const theirs = new X509Crl(copy(der))
    expect(theirs.entries.map(({ serialNumber }) => serialNumber)).toEqual(['44'.repeat(20)])
    expect(await theirs.verify({ publicKey: new X509Certificate(copy(parsePem(value.pckCrlIssuerChain)[0] as Uint8Array)) })).toBe(true)
  })
})

describeVectors('genuine certificates and lists', () => {
  test('certificates of the cases are read alike and their signatures judged alike', async () => {
    const seen = new Set<string>()
    for (const one of dcapCases('cases')) {
      const quoteChain = parsePem(new TextDecoder().decode(parseQuote(parseHex(one.quoteHex)).authentication.certificationData))
      const chains = [quoteChain, parsePem(one.collateral.pck_crl_issuer_chain), parsePem(one.collateral.tcb_info_issuer_chain)]
      for (const chain of chains)
        for (let i = 0; i < chain.length; i++) {
          const child = chain[i] as Uint8Array
          const issuer = chain[Math.min(i + 1, chain.length - 1)] as Uint8Array
          const key = `${toHexPlain(child)}/${toHexPlain(issuer)}`
          if (seen.has(key)) continue
          seen.add(key)
          try {
            parseCertificate(child)
            parseCertificate(issuer)
          } catch (error) {
            // Damaged chains of the reject cases: ours must say so in its own terms.
            expect(isAttestationError(error)).toBe(true)
            continue
          }
          await expectSameLink(child, issuer)
        }
    }
    expect(seen.size).toBeGreaterThan(20)
    expectSame(iasRoot, parseCertificate(iasRoot))
  })

  test('lists are read alike', () => {
    for (const { der } of readVectorJson<readonly { der: string }[]>('2-dcap/crls.json')) {
      const ours = parseRevocationList(parseHex(der))
      const theirs = new X509Crl(copy(parseHex(der)))
      expect([seconds(theirs.thisUpdate), theirs.nextUpdate === undefined ? 0 : seconds(theirs.nextUpdate)]).toEqual([ours.thisUpdate, ours.nextUpdate])
      const serial = (text: string): string => BigInt(`0x${text}`).toString(16)
      expect(theirs.entries.map(({ serialNumber }) => serial(serialNumber))).toEqual([...ours.revoked].map(serial))
    }
  })
})
