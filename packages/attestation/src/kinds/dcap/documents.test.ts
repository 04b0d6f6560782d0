/** TCB info, QE identity and platform extension: forms refused and levels chosen. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { utf8 } from '@phalanx/primitives/bytes'
import { verifyEvidence } from '../index.ts'
import { referencePolicy } from '../index.ts'
import { derSequence, derText } from '../../x509/der-writer.ts'
import { parseCertificate } from '../../x509/certificate.ts'
import { formatPem } from '../../x509/pem.ts'
import { deriveIssuer, extension, writeCertificate, writePlatformExtension } from '../simulated/certificates.ts'
import { DEFAULT_LEVELS, qeIdentityText, tcbInfoText } from '../simulated/documents.ts'
import { createSimulatedVendor } from '../simulated-vendor.ts'
import { SGX_EXTENSION, parsePlatformExtension, type PlatformExtension } from './platform.ts'
import { parseQeIdentity } from './qe-identity.ts'
import { findTcbLevel, missingFor, parseTcbInfo, reachesLevel, type TcbLevel } from './tcb-info.ts'
import { codeOf } from '@phalanx/primitives/testing'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const dates = { issueDate: 1_700_000_000, nextUpdate: 1_800_000_000, evaluationNumber: 7 }
const fmspc = Uint8Array.of(1, 2, 3, 4, 5, 6)
const tcbText = tcbInfoText({ ...dates, fmspc, levels: DEFAULT_LEVELS })
const qeText = qeIdentityText(dates)

const platformOf = (svn: number, changes: Partial<PlatformExtension> = {}): PlatformExtension =>
  ({ ppid: new Uint8Array(16), components: new Array<number>(16).fill(svn), pceSvn: 13, cpuSvn: new Uint8Array(16).fill(svn), pceId: new Uint8Array(2), fmspc, ...changes })

describe('parseTcbInfo', () => {
  test.each([
    ['version 1', tcbText.replace('"version":3', '"version":1'), 'ATTESTATION_TCB_INFO_UNSUPPORTED'],
    ['another TCB type', tcbText.replace('"tcbType":0', '"tcbType":1'), 'ATTESTATION_TCB_INFO_UNSUPPORTED'],
    ['no levels', tcbInfoText({ ...dates, fmspc, levels: [] }), 'ATTESTATION_JSON_FIELD'],
    ['fifteen components', tcbText.replace('{"svn":12},', ''), 'ATTESTATION_JSON_FIELD'],
    ['an SVN above 255', tcbText.replace('"svn":12', '"svn":256'), 'ATTESTATION_JSON_FIELD'],
    ['an unknown status', tcbText.replace('"UpToDate"', '"Fine"'), 'ATTESTATION_JSON_FIELD'],
    ['a short family', tcbText.replace('010203040506', '0102030405'), 'ATTESTATION_JSON_FIELD'],
    ['a date in another form', tcbText.replace('2023-11-14T22:13:20Z', '2023-11-14'), 'ATTESTATION_DATE_MALFORMED'],
    ['a key given twice', tcbText.replace('"tcbType":0', '"tcbType":0,"tcbType":0'), 'ATTESTATION_JSON_DUPLICATE_KEY'],
  ])('refuses %s', (_name, text, code) => {
    expect(codeOf(() => parseTcbInfo(text))).toBe(code)
  })

  test('reads dates, number and levels in their order', () => {
    expect(parseTcbInfo(tcbText)).toMatchObject({ id: 'SGX', version: 3, issueDate: dates.issueDate, nextUpdate: dates.nextUpdate, evaluationNumber: 7, fmspc })
    expect(parseTcbInfo(tcbText).levels.map(({ status }) => status)).toEqual(DEFAULT_LEVELS.map(({ status }) => status))
  })
})

describe('findTcbLevel', () => {
  const tcbInfo = parseTcbInfo(tcbText)
  const levelOf = (platform: PlatformExtension) => findTcbLevel(tcbInfo, (level) => reachesLevel(platform, level))

  test.each([[12, 'UpToDate'], [13, 'UpToDate'], [11, 'SWHardeningNeeded'], [8, 'OutOfDate'], [4, 'Revoked'], [2, undefined]])('SVN %i has level %s', (svn, status) => {
    expect(levelOf(platformOf(svn))?.level.status).toBe(status)
  })

  test('one component below is below', () => {
    for (let i = 0; i < 16; i++) {
      const components = platformOf(12).components.map((svn, j) => (i === j ? 11 : svn))
      expect(levelOf(platformOf(12, { components }))?.level.status).toBe('SWHardeningNeeded')
    }
    expect(levelOf(platformOf(12, { pceSvn: 12 }))?.level.status).toBe('Revoked')
  })

  test('says what is missing', () => {
    const components = platformOf(12).components.map((svn, i) => (i === 6 ? 11 : svn))
    expect(missingFor(tcbInfo.levels[0] as TcbLevel, platformOf(12, { components, pceSvn: 1 }))).toEqual(['SVN[7]=11 < 12', 'PCESVN=1 < 13'])
  })
})

describe('parseQeIdentity', () => {
  test.each([
    ['version 1', qeText.replace('"version":2', '"version":1'), 'ATTESTATION_QE_IDENTITY_UNSUPPORTED'],
    ['no levels', qeText.replace(/"tcbLevels":\[.*\]/, '"tcbLevels":[]'), 'ATTESTATION_JSON_FIELD'],
    ['a short mask', qeText.replace('"miscselectMask":"FFFFFFFF"', '"miscselectMask":"FF"'), 'ATTESTATION_JSON_FIELD'],
    ['no signer', qeText.replace('"mrsigner"', '"signer"'), 'ATTESTATION_JSON_FIELD'],
  ])('refuses %s', (_name, text, code) => {
    expect(codeOf(() => parseQeIdentity(text))).toBe(code)
  })
})

describe('parsePlatformExtension', () => {
  const certificateWith = (extensions: readonly Uint8Array[]) => {
    const issuer = deriveIssuer(new Uint8Array(32), 'x', 'x', crypto)
    return parseCertificate(writeCertificate({ subject: issuer, issuer, serial: Uint8Array.of(1), extensions }, crypto))
  }

  test('comes back', () => {
    const platform = platformOf(7, { pceSvn: 300 })
    expect(parsePlatformExtension(certificateWith([writePlatformExtension(platform)]))).toEqual(platform)
  })

  test.each<[string, () => readonly Uint8Array[]]>([
    ['a certificate without it', () => []],
    ['a short family', () => [writePlatformExtension(platformOf(7, { fmspc: new Uint8Array(5) }))]],
    ['an SVN above 255', () => [writePlatformExtension(platformOf(256))]],
    ['a missing component', () => [writePlatformExtension(platformOf(7, { components: new Array<number>(15).fill(7) }))]],
    ['a component too many', () => [writePlatformExtension(platformOf(7, { components: new Array<number>(17).fill(7) }))]],
  ])('refuses %s', (_name, extensions) => {
    expect(codeOf(() => parsePlatformExtension(certificateWith(extensions())))).toBe('ATTESTATION_PLATFORM_EXTENSION')
  })

  test('refuses another structure', () => {
    expect(codeOf(() => parsePlatformExtension(certificateWith([extension(SGX_EXTENSION, derSequence(derText('x')), false)])))).toBe('ATTESTATION_DER_TAG')
  })
})

describe('signed documents of a kind or age that does not fit', () => {
  const NOW = 1_790_000_000
  const verify = (change: (vendor: ReturnType<typeof createSimulatedVendor>) => Partial<Record<'tcbInfo' | 'qeIdentity', string>>): string => {
    const seed = new Uint8Array(32).fill(4)
    const vendor = createSimulatedVendor({ seed, crypto })
    const signing = deriveIssuer(seed, 'tcb signing', 'Simulated SGX TCB Signing', crypto)
    const platform = vendor.platform({ id: 'p' })
    const quote = platform.quote({ report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(1) })
    const { value } = vendor.collateral({ nowSeconds: NOW })
    const texts = { tcbInfo: value.tcbInfo, qeIdentity: value.qeIdentity, ...change(vendor) }
    const sign = (text: string): Uint8Array => crypto.p256.sign(signing.secret, utf8(text))
    const collateral = { kind: 'SgxV30' as const, value: { ...value, ...texts, tcbInfoSignature: sign(texts.tcbInfo), qeIdentitySignature: sign(texts.qeIdentity) } }
    const verdict = verifyEvidence({ evidence: { kind: 'SgxDcap', value: { quote, collateral } }, policy: referencePolicy({ simulated: true, roots: [vendor.rootCertificate] }), nowSeconds: NOW, crypto })
    return verdict.ok ? 'accepted' : verdict.errorCode
  }
  const current = { issueDate: NOW - 1, nextUpdate: NOW + 1, evaluationNumber: 7 }
  const tcb = (changes: Partial<typeof current>, family?: Uint8Array) => (vendor: { fmspc: Uint8Array }) =>
    ({ tcbInfo: tcbInfoText({ ...current, ...changes, fmspc: family ?? vendor.fmspc, levels: DEFAULT_LEVELS }) })
  const qe = (changes: Partial<typeof current>) => () => ({ qeIdentity: qeIdentityText({ ...current, ...changes }) })

  /** The same document as one about guests. */
  const forGuests = (text: string): string =>
    text.replace('"id":"SGX"', `"id":"TDX","tdxModule":{"mrsigner":"${'00'.repeat(48)}","attributes":"${'00'.repeat(8)}","attributesMask":"${'FF'.repeat(8)}"}`)
      .replaceAll('"pcesvn"', `"tdxtcbcomponents":[${Array.from({ length: 16 }, () => '{"svn":0}').join(',')}],"pcesvn"`)

  test.each<[string, Parameters<typeof verify>[0], string]>([
    ['both in time, to the second', (vendor) => ({ ...tcb({ issueDate: NOW, nextUpdate: NOW })(vendor), ...qe({ issueDate: NOW, nextUpdate: NOW })() }), 'accepted'],
    ['TCB info a second too old', tcb({ nextUpdate: NOW - 1 }), 'ATTESTATION_TCB_INFO_EXPIRED'],
    ['TCB info a second too new', tcb({ issueDate: NOW + 1 }), 'ATTESTATION_TCB_INFO_NOT_YET_VALID'],
    ['QE identity a second too old', qe({ nextUpdate: NOW - 1 }), 'ATTESTATION_QE_IDENTITY_EXPIRED'],
    ['QE identity a second too new', qe({ issueDate: NOW + 1 }), 'ATTESTATION_QE_IDENTITY_NOT_YET_VALID'],
    ['TCB info of another kind', (vendor) => ({ tcbInfo: forGuests(tcb({})(vendor).tcbInfo) }), 'ATTESTATION_TCB_INFO_UNSUPPORTED'],
    ['TCB info about guests without their components', (vendor) => ({ tcbInfo: tcb({})(vendor).tcbInfo.replace('"id":"SGX"', '"id":"TDX"') }), 'ATTESTATION_JSON_FIELD'],
    ['QE identity of another kind', () => ({ qeIdentity: qe({})().qeIdentity.replace('"id":"QE"', '"id":"TD_QE"') }), 'ATTESTATION_QE_IDENTITY_UNSUPPORTED'],
    ['TCB info of another provisioning enclave', (vendor) => ({ tcbInfo: tcb({})(vendor).tcbInfo.replace('"pceId":"0000"', '"pceId":"0001"') }), 'ATTESTATION_PCE_ID_MISMATCH'],
    ['TCB info of another family', tcb({}, fmspc), 'ATTESTATION_FMSPC_MISMATCH'],
  ])('%s', (_name, change, outcome) => {
    expect(verify(change)).toBe(outcome)
  })

  test('PEM of the vendor is what others write', () => {
    expect(formatPem([new Uint8Array(48)])).toBe(`-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}\n-----END CERTIFICATE-----\n`)
  })
})
