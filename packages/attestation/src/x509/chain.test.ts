/** Certificates, chains and revocation lists made with one fault each. */
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { deriveIssuer, extension, serialOf, writeCertificate, writeRevocationList, type CertificateOptions, type Issuer } from '../kinds/simulated/certificates.ts'
import { allFailures, createCheckRecorder } from '../verdict.ts'
import { parseCertificate, type Certificate } from './certificate.ts'
import { SIMULATED_OID, checkChain, parseRoots, type ChainShape } from './chain.ts'
import { parseRevocationList } from './crl.ts'
import { derSequence, derText } from './der-writer.ts'
import { checkNotRevoked, checkRevocationList } from './revocation.ts'
import { isOnCurve } from './signature.ts'
import { codeOf } from '@phalanx/primitives/testing'

let crypto: Crypto
let root: Issuer
let authority: Issuer
let signer: Issuer
beforeAll(async () => {
  crypto = await loadCrypto()
  const seed = new Uint8Array(32).fill(9)
  root = deriveIssuer(seed, 'root', 'Test Root', crypto)
  authority = deriveIssuer(seed, 'authority', 'Test CA', crypto)
  signer = deriveIssuer(seed, 'signer', 'Test Signer', crypto)
})

const write = (options: Partial<CertificateOptions> & Pick<CertificateOptions, 'subject' | 'issuer'>): Uint8Array =>
  writeCertificate({ serial: serialOf(options.subject.commonName, crypto), unmarked: true, ...options }, crypto)

const rootDer = (): Uint8Array => write({ subject: root, issuer: root, pathLength: 1 })
const authorityDer = (changes: Partial<CertificateOptions> = {}): Uint8Array => write({ subject: authority, issuer: root, pathLength: 0, ...changes })
const leafDer = (changes: Partial<CertificateOptions> = {}): Uint8Array => write({ subject: signer, issuer: authority, ...changes })

const shape: Omit<ChainShape, 'certificates'> = { length: 3, rootPresented: true, leafIsAuthority: false, leafRole: 'Test Signer' }

const judge = (certificates: readonly Uint8Array[], changes: Partial<ChainShape> = {}, simulated = false): readonly string[] => {
  const checks = createCheckRecorder()
  const parsed = certificates.map(parseCertificate)
  checkChain(checks, { ...shape, certificates: parsed, ...changes }, { roots: parseRoots([rootDer()], crypto), simulated }, crypto)
  return allFailures(checks.finish({ name: 'chain', rule: '' })).map(({ errorCode }) => errorCode ?? '')
}

describe('checkChain', () => {
  test('accepts leaf, authority, pinned root', () => {
    expect(judge([leafDer(), authorityDer(), rootDer()])).toEqual([])
  })

  test('accepts a re-issue of the pinned root under the same key, and only that', () => {
    const reissued = write({ subject: root, issuer: root, pathLength: 1, serial: Uint8Array.of(5), notAfter: 1_900_000_000 })
    expect(judge([leafDer(), authorityDer(), reissued])).toEqual([])
    const bytes = reissued.map((byte, i) => (i === reissued.length - 1 ? byte ^ 1 : byte))
    expect(judge([leafDer(), authorityDer(), bytes])).toContain('ATTESTATION_CERTIFICATE_SIGNATURE_INVALID')
  })

  test('a root of the same name and another key is unknown', () => {
    const impostor = { ...deriveIssuer(new Uint8Array(32), 'x', 'Test Root', crypto) }
    const theirs = write({ subject: impostor, issuer: impostor, pathLength: 1 })
    expect(judge([leafDer(), write({ subject: authority, issuer: impostor, pathLength: 0 }), theirs])).toEqual(['ATTESTATION_ROOT_UNKNOWN'])
  })

  test.each<[string, () => readonly string[], string]>([
    ['a missing intermediate', () => judge([leafDer(), rootDer()]), 'ATTESTATION_CHAIN_LENGTH'],
    ['root first', () => judge([rootDer(), authorityDer(), leafDer()]), 'ATTESTATION_CHAIN_ORDER'],
    ['authority first', () => judge([authorityDer(), leafDer(), rootDer()]), 'ATTESTATION_CHAIN_ORDER'],
    ['a leaf of another issuer', () => judge([leafDer({ issuer: root }), authorityDer(), rootDer()]), 'ATTESTATION_CERTIFICATE_ISSUER_MISMATCH'],
    ['an issuer of the same name with another key', () => judge([leafDer({ issuer: { ...signer, commonName: 'Test CA' } }), authorityDer(), rootDer()]), 'ATTESTATION_CERTIFICATE_KEY_ID_MISMATCH'],
    ['a leaf signed by another key', () => judge([leafDer({ issuer: { ...authority, secret: signer.secret } }), authorityDer(), rootDer()]), 'ATTESTATION_CERTIFICATE_SIGNATURE_INVALID'],
    ['an issuer that is no authority', () => judge([leafDer(), authorityDer({ basicConstraints: derSequence() }), rootDer()]), 'ATTESTATION_CERTIFICATE_NOT_CA'],
    ['an authority that may not sign certificates', () => judge([leafDer(), authorityDer({ keyUsage: Uint8Array.of(3, 2, 1, 2) }), rootDer()]), 'ATTESTATION_CERTIFICATE_KEY_USAGE'],
    ['a leaf that may not sign', () => judge([leafDer({ keyUsage: Uint8Array.of(3, 2, 5, 0x20) }), authorityDer(), rootDer()]), 'ATTESTATION_CERTIFICATE_KEY_USAGE'],
    ['a leaf that is an authority', () => judge([leafDer({ pathLength: 0 }), authorityDer(), rootDer()]), 'ATTESTATION_CERTIFICATE_IS_CA'],
    ['a leaf of another role', () => judge([leafDer(), authorityDer(), rootDer()], { leafRole: 'Other' }), 'ATTESTATION_CERTIFICATE_ROLE'],
    ['an unknown critical extension', () => judge([leafDer({ extensions: [extension('1.2.3.4', derText('x'), true)] }), authorityDer(), rootDer()]), 'ATTESTATION_CERTIFICATE_UNKNOWN_CRITICAL'],
    ['a simulated certificate without the flag', () => judge([leafDer({ unmarked: false }), authorityDer(), rootDer()]), 'ATTESTATION_SIMULATED_REFUSED'],
    ['too many authorities', () => judge([write({ subject: signer, issuer: authority, pathLength: 0 }), authorityDer(), rootDer()], { leafIsAuthority: true }), 'ATTESTATION_CERTIFICATE_PATH_TOO_LONG'],
  ])('refuses %s', (_name, run, code) => {
    expect(run()[0]).toBe(code)
  })

  test('a leaf whose vendor may leave its usage out is still held to one that it states', () => {
    const other = leafDer({ keyUsage: Uint8Array.of(3, 2, 5, 0x20) })
    expect(judge([other, authorityDer(), rootDer()], { leafUsageOptional: true })).toEqual(['ATTESTATION_CERTIFICATE_KEY_USAGE'])
  })

  test('the mark may be critical where the policy admits simulation, and other extensions still may not', () => {
    expect(judge([leafDer({ unmarked: false }), authorityDer(), rootDer()], {}, true)).toEqual([])
    const both = leafDer({ unmarked: false, extensions: [extension('1.2.3.4', derText('x'), true)] })
    expect(judge([both, authorityDer(), rootDer()], {}, true)).toEqual(['ATTESTATION_CERTIFICATE_UNKNOWN_CRITICAL'])
  })

  test('an issuer key off its curve is named as the cause', () => {
    const broken: Issuer = { ...authority, publicKey: authority.publicKey.map((byte, i) => (i === 63 ? byte ^ 1 : byte)) }
    expect(isOnCurve('p256', authority.publicKey)).toBe(true)
    expect(isOnCurve('p256', broken.publicKey)).toBe(false)
    expect(judge([leafDer({ issuer: broken }), write({ subject: broken, issuer: root, pathLength: 0 }), rootDer()])).toEqual(['ATTESTATION_POINT_INVALID'])
  })

  test('a chain whose root is not presented ends at the pinned one', () => {
    const direct = write({ subject: signer, issuer: root })
    expect(judge([direct], { length: 1, rootPresented: false })).toEqual([])
    expect(judge([leafDer()], { length: 1, rootPresented: false })).toEqual(['ATTESTATION_ROOT_UNKNOWN'])
  })
})

describe('parseCertificate', () => {
  const patched = (from: Uint8Array, to: Uint8Array): Uint8Array => {
    const bytes = leafDer()
    const text = (part: Uint8Array): string => String.fromCharCode(...part)
    const at = text(bytes).indexOf(text(from))
    expect(at).toBeGreaterThan(0)
    return concatBytes(bytes.subarray(0, at), to, bytes.subarray(at + from.length))
  }

  test.each<[string, () => Uint8Array, string]>([
    ['an extension given twice', () => leafDer({ extensions: [extension('1.2.3', derText('a'), false), extension('1.2.3', derText('b'), false)] }), 'ATTESTATION_CERTIFICATE_DUPLICATE_EXTENSION'],
    ['version 1', () => patched(Uint8Array.of(0xa0, 3, 2, 1, 2), Uint8Array.of(0xa0, 3, 2, 1, 0)), 'ATTESTATION_CERTIFICATE_MALFORMED'],
    ['another curve', () => patched(Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7), Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 6)), 'ATTESTATION_CERTIFICATE_ALGORITHM'],
    ['another hash', () => patched(Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2), Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1)), 'ATTESTATION_CERTIFICATE_ALGORITHM'],
    ['two different algorithms', () => patched(Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2), Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3)), 'ATTESTATION_CERTIFICATE_MALFORMED'],
    ['a compressed point', () => patched(concatBytes(Uint8Array.of(0, 4), signer.publicKey.subarray(0, 4)), concatBytes(Uint8Array.of(0, 2), signer.publicKey.subarray(0, 4))), 'ATTESTATION_POINT_INVALID'],
    ['a path length without cA', () => leafDer({ basicConstraints: derSequence(Uint8Array.of(2, 1, 0)) }), 'ATTESTATION_CERTIFICATE_MALFORMED'],
    ['cA written as FALSE', () => leafDer({ basicConstraints: derSequence(Uint8Array.of(1, 1, 0)) }), 'ATTESTATION_DER_VALUE'],
    ['a serial number too long', () => leafDer({ serial: new Uint8Array(22).fill(1) }), 'ATTESTATION_CERTIFICATE_MALFORMED'],
    ['a trailing byte', () => concatBytes(leafDer(), new Uint8Array(1)), 'ATTESTATION_DER_TRAILING_BYTES'],
    ['an oversized certificate', () => leafDer({ extensions: [extension('1.2.3', derText('x'.repeat(17_000)), false)] }), 'ATTESTATION_INPUT_TOO_LARGE'],
  ])('refuses %s', (_name, make, code) => {
    expect(codeOf(() => parseCertificate(make()))).toBe(code)
  })

  test('reads what was written', () => {
    const certificate: Certificate = parseCertificate(leafDer({ unmarked: false }))
    expect(certificate).toMatchObject({ commonName: 'Test Signer', issuerCommonName: 'Test CA', notBefore: 1_577_836_800, notAfter: 4_733_510_400, basicConstraints: { ca: false } })
    expect(certificate.extensions.has(SIMULATED_OID)).toBe(true)
    expect(certificate.publicKey).toEqual({ kind: 'p256', value: signer.publicKey })
  })
})

describe('revocation lists', () => {
  const list = (changes: Partial<Parameters<typeof writeRevocationList>[0]> = {}): Uint8Array =>
    writeRevocationList({ issuer: authority, thisUpdate: 1_700_000_000, nextUpdate: 1_800_000_000, revoked: [Uint8Array.of(0x11), Uint8Array.of(0x80)], ...changes }, crypto)

  const judgeList = (bytes: Uint8Array, by: Uint8Array = authorityDer()): readonly string[] => {
    const checks = createCheckRecorder()
    checkRevocationList(checks, parseRevocationList(bytes), parseCertificate(by), crypto)
    return allFailures(checks.finish({ name: 'list', rule: '' })).map(({ errorCode }) => errorCode ?? '')
  }

  test('reads entries, empty lists and dates', () => {
    expect([...parseRevocationList(list()).revoked]).toEqual(['11', '0080'])
    expect(parseRevocationList(list({ revoked: [] }))).toMatchObject({ thisUpdate: 1_700_000_000, nextUpdate: 1_800_000_000, issuerCommonName: 'Test CA' })
    expect(judgeList(list())).toEqual([])
  })

  test('finds a serial number whose first bit is set', () => {
    const leaf = parseCertificate(leafDer({ serial: Uint8Array.of(0x80) }))
    const checks = createCheckRecorder()
    expect(checkNotRevoked(checks, leaf, parseRevocationList(list()))).toBe(false)
    expect(allFailures(checks.finish({ name: '', rule: '' }))[0]?.errorCode).toBe('ATTESTATION_CERTIFICATE_REVOKED')
  })

  test.each<[string, () => readonly string[], string]>([
    ['another authority', () => judgeList(list({ issuer: root })), 'ATTESTATION_CRL_ISSUER_MISMATCH'],
    ['another key under the same name', () => judgeList(list({ issuer: { ...signer, commonName: 'Test CA' } })), 'ATTESTATION_CRL_ISSUER_MISMATCH'],
    ['another signer', () => judgeList(list({ signer: root })), 'ATTESTATION_CRL_SIGNATURE_INVALID'],
    ['an authority that may not issue lists', () => judgeList(list(), authorityDer({ keyUsage: Uint8Array.of(3, 2, 2, 4) })), 'ATTESTATION_CERTIFICATE_KEY_USAGE'],
  ])('refuses a list of %s', (_name, run, code) => {
    expect(run()).toContain(code)
  })

  test('refuses a serial number listed twice, a damaged list and a certificate in its place', () => {
    expect(codeOf(() => parseRevocationList(list({ revoked: [Uint8Array.of(1), Uint8Array.of(1)] })))).toBe('ATTESTATION_CRL_MALFORMED')
    expect(codeOf(() => parseRevocationList(list().subarray(0, 60)))).toBe('ATTESTATION_DER_TRUNCATED')
    expect(codeOf(() => parseRevocationList(leafDer()))).toMatch(/^ATTESTATION_(DER|CRL)_/)
    expect(codeOf(() => parseRevocationList(utf8('-----BEGIN X509 CRL-----')))).toBe('ATTESTATION_DER_TAG')
  })
})
