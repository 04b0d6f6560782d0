/** SGX quotes of a simulated vendor: accepted when right, and each fault refused with its own code and pallet error. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import { parseQeIdentity } from './dcap/qe-identity.ts'
import { parseTcbInfo } from './dcap/tcb-info.ts'
import { concatBytes, parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { AttestationErrorCode } from '../errors.ts'
import type { AttestationPolicy } from '../policy.ts'
import { evaluateRegistration } from '../registration.ts'
import type { TcbStatus } from '../status.ts'
import { allFailures, formatVerdict, type Verdict } from '../verdict.ts'
import { formatPem } from '../x509/pem.ts'
import { AttestationReport, evidenceDigest, referencePolicy, verifyEvidence } from './index.ts'
import { prepareSgxCollateral } from './dcap/collateral.ts'
import type { SgxV30QuoteCollateral } from './dcap/wire.ts'
import { createSimulatedVendor, type CollateralOptions, type PlatformOptions, type QuoteOptions, type SimulatedVendor } from './simulated-vendor.ts'

const NOW = 1_790_000_000
const DAY = 86_400

let crypto: Crypto
let vendor: SimulatedVendor
beforeAll(async () => {
  crypto = await loadCrypto()
  vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
})

const mrEnclave = new Uint8Array(32).fill(1)
const mrSigner = new Uint8Array(32).fill(2)
const commit = new Uint8Array(32).fill(3)
const quoteOptions: QuoteOptions = { report: { mrEnclave, mrSigner, isvProdId: 0x0102, isvSvn: 0x0304 }, reportData: commit }

interface Setup {
  readonly platform?: Partial<PlatformOptions>
  readonly quote?: Partial<QuoteOptions>
  readonly collateral?: Partial<CollateralOptions>
  /** Changes to the finished collateral and quote. */
  readonly edit?: (value: SgxV30QuoteCollateral) => Partial<SgxV30QuoteCollateral>
  readonly editQuote?: (quote: Uint8Array) => Uint8Array
  readonly policy?: Partial<AttestationPolicy>
  readonly now?: number
}

const evidenceOf = (setup: Setup): AttestationReport => {
  const platform = vendor.platform({ id: 'one', ...setup.platform })
  const quote = platform.quote({ ...quoteOptions, ...setup.quote })
  const { value } = vendor.collateral({ nowSeconds: NOW, authority: platform.authority, ...setup.collateral })
  return { kind: 'SgxDcap', value: { quote: setup.editQuote?.(quote) ?? quote, collateral: { kind: 'SgxV30', value: { ...value, ...setup.edit?.(value) } } } }
}

const policyOf = (changes: Partial<AttestationPolicy> = {}): AttestationPolicy => referencePolicy({ simulated: true, roots: [vendor.rootCertificate], ...changes })

const verify = (setup: Setup): Verdict =>
  verifyEvidence({ evidence: evidenceOf(setup), policy: policyOf(setup.policy), nowSeconds: setup.now ?? NOW, crypto, expectedReportData: commit })

/** The same signature in the other form that is in use, which these documents never have. */
const derSignature = (raw: Uint8Array): Uint8Array => {
  const integer = (bytes: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(2, bytes.length + 1, 0), bytes)
  const content = concatBytes(integer(raw.subarray(0, 32)), integer(raw.subarray(32)))
  return concatBytes(Uint8Array.of(0x30, content.length), content)
}

const setAt = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.map((byte, i) => (i === at ? value : byte))

describe('sgxDcap', () => {
  test('accepts right evidence and states what it proves', () => {
    const verdict = verify({})
    if (!verdict.ok) throw new Error(formatVerdict(verdict))
    const { facts } = verdict
    expect(toHexPlain(facts.measurement)).toBe(`${'01'.repeat(32)}01020304${'02'.repeat(32)}`)
    expect(facts).toMatchObject({ kind: 'SgxDcap', tcbStatus: 'UpToDate', advisoryIds: [], confidenceLevel: 1, evaluationNumber: 20, simulated: true, debug: false })
    expect(facts.fmspc).toEqual(vendor.fmspc)
    expect(facts.reportData.slice(0, 32)).toEqual(commit)
    expect(allFailures(verdict.tree)).toEqual([])
  })

  test('holds from the first to the last second of its span, and not outside', () => {
    const first = verify({})
    if (!first.ok) throw new Error(first.errorCode)
    const { notBefore, notAfter } = first.facts
    expect(notAfter - notBefore).toBe(30 * DAY)
    expect(verify({ now: notBefore }).ok).toBe(true)
    expect(verify({ now: notAfter }).ok).toBe(true)
    expect(verify({ now: notBefore - 1 }).ok).toBe(false)
    expect(verify({ now: notAfter + 1 }).ok).toBe(false)
  })

  test.each<[number, TcbStatus, number]>([
    [12, 'UpToDate', 1], [11, 'SWHardeningNeeded', 2], [10, 'ConfigurationNeeded', 3], [9, 'ConfigurationAndSWHardeningNeeded', 4], [5, 'OutOfDate', 5],
  ])('a platform of SVN %i is %s with confidence %i', (svn, tcbStatus, confidenceLevel) => {
    const verdict = verify({ platform: { svn } })
    expect(verdict.ok && { tcbStatus: verdict.facts.tcbStatus, confidenceLevel: verdict.facts.confidenceLevel }).toEqual({ tcbStatus, confidenceLevel })
  })

  test('an outdated quoting enclave makes the whole outdated', () => {
    const verdict = verify({ platform: { qeIsvSvn: 7, svn: 9 } })
    expect(verdict.ok && verdict.facts.tcbStatus).toBe('OutOfDateConfigurationNeeded')
  })

  test('works under either authority', () => {
    expect(verify({ platform: { authority: 'platform' } }).ok).toBe(true)
  })

  test.each<[string, AttestationErrorCode, string, Setup]>([
    ['no structure', 'ATTESTATION_QUOTE_MALFORMED', 'InvalidDCAPQuote', { editQuote: (quote) => quote.subarray(0, 500) }],
    ['bytes after the quote', 'ATTESTATION_QUOTE_TRAILING_BYTES', 'InvalidDCAPQuote', { editQuote: (quote) => concatBytes(quote, new Uint8Array(1)) }],
    ['version 5', 'ATTESTATION_QUOTE_VERSION', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 0, 5) }],
    ['authentication data of version 3 in version 4', 'ATTESTATION_CERTIFICATION_DATA', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 0, 4) }],
    ['another key type', 'ATTESTATION_QUOTE_KEY_TYPE', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 2, 3) }],
    ['another TEE type', 'ATTESTATION_TEE_TYPE', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 4, 0x81) }],
    ['another vendor\'s QE', 'ATTESTATION_QE_VENDOR', 'InvalidDCAPQuote', { quote: { fault: 'vendor' } }],
    ['certification data of another type', 'ATTESTATION_CERTIFICATION_DATA', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 436 + 576 + 34, 3) }],
    ['a bad quote signature', 'ATTESTATION_QUOTE_SIGNATURE_INVALID', 'InvalidDCAPQuote', { quote: { fault: 'quoteSignature' } }],
    ['a bad QE report signature', 'ATTESTATION_QE_REPORT_SIGNATURE_INVALID', 'InvalidDCAPQuote', { quote: { fault: 'qeReportSignature' } }],
    ['an unbound attestation key', 'ATTESTATION_QE_BINDING', 'InvalidDCAPQuote', { quote: { fault: 'binding' } }],
    ['an attestation key off the curve', 'ATTESTATION_QE_BINDING', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 436 + 64 + 63, 0) }],
    ['a QE of another signer', 'ATTESTATION_QE_MISMATCH', 'InvalidDCAPQuote', { quote: { fault: 'foreignQe' } }],
    ['a QE in debug mode', 'ATTESTATION_QE_MISMATCH', 'InvalidDCAPQuote', { quote: { fault: 'qeDebug' } }],
    ['a QE below every level', 'ATTESTATION_QE_LEVEL_NOT_FOUND', 'InvalidDCAPQuote', { platform: { qeIsvSvn: 0 } }],
    ['a debug enclave', 'ATTESTATION_DEBUG_ENCLAVE', 'DebugEnclave', { quote: { debug: true } }],
    ['other report data', 'ATTESTATION_REPORT_DATA_MISMATCH', 'InvalidRuntimeInfoHash', { quote: { reportData: new Uint8Array(32) } }],
    ['a measurement not listed', 'ATTESTATION_MEASUREMENT_REFUSED', 'PRuntimeRejected', { policy: { enforceMeasurements: true, measurements: [new Uint8Array(68)] } }],
    ['an expired platform certificate', 'ATTESTATION_CERTIFICATE_EXPIRED', 'CertificateExpired', { platform: { notAfter: NOW - 1 } }],
    ['a platform certificate of the future', 'ATTESTATION_CERTIFICATE_NOT_YET_VALID', 'CertificateExpired', { platform: { notBefore: NOW + 1 } }],
    ['expired collateral', 'ATTESTATION_CRL_EXPIRED', 'CollateralExpired', { now: NOW + 40 * DAY }],
    ['collateral of the future', 'ATTESTATION_CRL_NOT_YET_VALID', 'CollateralExpired', { now: NOW - 10 * DAY }],
    ['a bad TCB info signature', 'ATTESTATION_TCB_INFO_SIGNATURE_INVALID', 'CollateralInvalid', { collateral: { fault: 'tcbInfoSignature' } }],
    ['a bad QE identity signature', 'ATTESTATION_QE_IDENTITY_SIGNATURE_INVALID', 'CollateralInvalid', { collateral: { fault: 'qeIdentitySignature' } }],
    ['a root list of another signer', 'ATTESTATION_CRL_SIGNATURE_INVALID', 'CollateralInvalid', { collateral: { fault: 'rootCrlSigner' } }],
    ['a PCK list of another signer', 'ATTESTATION_CRL_SIGNATURE_INVALID', 'CollateralInvalid', { collateral: { fault: 'pckCrlSigner' } }],
    ['no list at all', 'ATTESTATION_CRL_MALFORMED', 'CollateralInvalid', { edit: () => ({ pckCrl: 'none' }) }],
    ['the two lists exchanged', 'ATTESTATION_CRL_ISSUER_MISMATCH', 'CollateralInvalid', { edit: ({ pckCrl, rootCaCrl }) => ({ pckCrl: rootCaCrl, rootCaCrl: pckCrl }) }],
    ['a chain of the other authority', 'ATTESTATION_CHAIN_MIXED', 'CollateralInvalid', { collateral: { authority: 'platform' } }],
    ['the documents exchanged', 'ATTESTATION_JSON_FIELD', 'CollateralInvalid', { edit: (v) => ({ tcbInfo: v.qeIdentity, tcbInfoSignature: v.qeIdentitySignature }) }],
    ['an issuer chain too short', 'ATTESTATION_CHAIN_LENGTH', 'CollateralInvalid', { edit: (v) => ({ tcbInfoIssuerChain: v.tcbInfoIssuerChain.slice(0, v.tcbInfoIssuerChain.indexOf('-----END') + 26) }) }],
    ['an issuer chain of the CA', 'ATTESTATION_CERTIFICATE_ROLE', 'CollateralInvalid', { edit: (v) => ({ tcbInfoIssuerChain: v.pckCrlIssuerChain }) }],
    ['no PEM in a chain', 'ATTESTATION_PEM_MALFORMED', 'CollateralInvalid', { edit: () => ({ qeIdentityIssuerChain: '' }) }],
    ['TCB info written anew', 'ATTESTATION_TCB_INFO_SIGNATURE_INVALID', 'CollateralInvalid', { edit: ({ tcbInfo }) => ({ tcbInfo: JSON.stringify(JSON.parse(tcbInfo), undefined, 1) }) }],
    ['a QE identity that names a key twice', 'ATTESTATION_QE_IDENTITY_SIGNATURE_INVALID', 'CollateralInvalid', { edit: ({ qeIdentity }) => ({ qeIdentity: qeIdentity.replace('{', '{"id":"QE",') }) }],
    ['a document signature in DER', 'ATTESTATION_TCB_INFO_SIGNATURE_INVALID', 'CollateralInvalid', { edit: ({ tcbInfoSignature: raw }) => ({ tcbInfoSignature: derSignature(raw) }) }],
    ['an old evaluation', 'ATTESTATION_EVALUATION_NUMBER_LOW', 'CollateralOutdated', { policy: { evaluationNumberMin: 21 } }],
    ['mixed evaluations', 'ATTESTATION_EVALUATION_NUMBER_MISMATCH', 'CollateralOutdated', { collateral: { qeEvaluationNumber: 19 }, policy: { sameEvaluationNumber: true } }],
    ['a platform below every level', 'ATTESTATION_TCB_LEVEL_NOT_FOUND', 'InvalidQuoteStatus', { platform: { svn: 1 } }],
    ['a revoked platform level', 'ATTESTATION_STATUS_REFUSED', 'InvalidQuoteStatus', { platform: { svn: 3 } }],
    ['a status not accepted', 'ATTESTATION_STATUS_REFUSED', 'InvalidQuoteStatus', { platform: { svn: 5 }, policy: { acceptedStatuses: ['UpToDate'] } }],
    ['an advisory not accepted', 'ATTESTATION_ADVISORY_REFUSED', 'AdvisoryRefused', { platform: { svn: 5 }, policy: { refusedAdvisories: ['INTEL-SA-00615'] } }],
    ['too little confidence', 'ATTESTATION_CONFIDENCE_TOO_LOW', 'ConfidenceTooLow', { platform: { svn: 5 }, policy: { confidenceLevelMax: 4 } }],
    ['a family not listed', 'ATTESTATION_FMSPC_REFUSED', 'PlatformFamilyRefused', { policy: { allowedFamilies: [new Uint8Array(6)] } }],
    ['a kind not admitted', 'ATTESTATION_KIND_REFUSED', 'AttestationKindRefused', { policy: { kinds: ['SgxIas'] } }],
    ['a policy without the flag', 'ATTESTATION_SIMULATED_REFUSED', 'SimulatedEvidenceRefused', { policy: { simulated: false } }],
    ['a policy without the root', 'ATTESTATION_ROOT_UNKNOWN', 'UntrustedRoot', { policy: { roots: [] } }],
    ['a policy with an unreadable root', 'ATTESTATION_DER_TAG', 'CollateralInvalid', { policy: { roots: [new Uint8Array(4)] } }],
  ])('refuses %s: %s', (_name, code, palletError, setup) => {
    const verdict = verify(setup)
    expect(verdict.ok ? 'accepted' : `${verdict.errorCode} ${verdict.detail}`.split(' ')[0]).toBe(code)
    const outcome = evaluateRegistration({ report: evidenceOf(setup), commit, policy: policyOf(setup.policy), nowSeconds: setup.now ?? NOW, crypto })
    expect(outcome.ok ? '' : outcome.palletError).toBe(palletError)
  })

  test.each([
    ['the point at infinity written as zeros', new Uint8Array(64)],
    ['coordinates beyond the field', new Uint8Array(64).fill(0xff)],
    ['a point of another curve', parseHex('79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8')],
  ])('names an attestation key that is %s', (_name, key) => {
    const verdict = verify({ editQuote: (quote) => concatBytes(quote.subarray(0, 436 + 64), key, quote.subarray(436 + 128)) })
    expect(verdict.ok).toBe(false)
    expect(allFailures(verdict.tree).map(({ errorCode }) => errorCode)).toEqual(expect.arrayContaining(['ATTESTATION_QE_BINDING', 'ATTESTATION_POINT_INVALID']))
  })

  test('a document that names a key twice is refused as such where its signature stands', () => {
    const { value } = vendor.collateral({ nowSeconds: NOW })
    expect(codeOf(() => parseQeIdentity(value.qeIdentity.replace('{', '{"id":"QE",')))).toBe('ATTESTATION_JSON_DUPLICATE_KEY')
    expect(codeOf(() => parseTcbInfo(value.tcbInfo.replace('{', '{"id":"SGX",')))).toBe('ATTESTATION_JSON_DUPLICATE_KEY')
  })

  test('reads revocation lists as hex of either case and as PEM, one list each', () => {
    const pem = (hex: string): string => formatPem([parseHex(hex)], 'X509 CRL')
    expect(verify({ edit: ({ pckCrl, rootCaCrl }) => ({ pckCrl: pem(pckCrl), rootCaCrl: rootCaCrl.toUpperCase() }) }).ok).toBe(true)
    const two = verify({ edit: ({ pckCrl }) => ({ pckCrl: pem(pckCrl) + pem(pckCrl) }) })
    expect(two.ok ? '' : two.errorCode).toBe('ATTESTATION_CRL_MALFORMED')
  })

  test('refuses a blocked family even when it is allowed', () => {
    const verdict = verify({ policy: { allowedFamilies: [vendor.fmspc], blockedFamilies: [vendor.fmspc] } })
    expect(verdict.ok ? '' : verdict.errorCode).toBe('ATTESTATION_FMSPC_REFUSED')
  })

  test('refuses revoked certificates of every rank', () => {
    const platform = vendor.platform({ id: 'one' })
    const revokedBy: readonly Partial<CollateralOptions>[] = [{ revoked: [platform.pckSerial] }, { revokedByRoot: [vendor.authoritySerial.processor] }, { revokedByRoot: [vendor.signingSerial] }]
    for (const collateral of revokedBy) {
      const verdict = verify({ collateral })
      expect(verdict.ok ? '' : verdict.errorCode).toBe('ATTESTATION_CERTIFICATE_REVOKED')
    }
    expect(verify({ collateral: { revoked: [new Uint8Array(20).fill(0x41)] } }).ok).toBe(true)
  })

  test('refuses TCB info of another family', () => {
    const other = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), family: Uint8Array.of(1, 2, 3, 4, 5, 6), crypto })
    expect(other.rootCertificate).toEqual(vendor.rootCertificate)
    const { value } = other.collateral({ nowSeconds: NOW })
    const verdict = verify({ edit: () => value })
    expect(verdict.ok ? '' : verdict.errorCode).toBe('ATTESTATION_FMSPC_MISMATCH')
  })

  test('a signer without the mark gains nothing where simulation is not admitted', () => {
    const verdict = verify({ collateral: { fault: 'unmarkedSigner' }, policy: { simulated: false } })
    expect(verdict.ok ? '' : verdict.errorCode).toBe('ATTESTATION_SIMULATED_REFUSED')
  })

  test('grace of the policy lengthens lists and documents, each its own', () => {
    const now = NOW + 40 * DAY
    expect(verify({ now, policy: { revocationGraceSeconds: 20 * DAY } }).ok).toBe(false)
    const verdict = verify({ now, policy: { revocationGraceSeconds: 20 * DAY, collateralGraceSeconds: 20 * DAY } })
    expect(verdict.ok).toBe(true)
  })

  test('needs collateral, from the evidence or prepared', () => {
    const evidence = evidenceOf({})
    if (evidence.kind !== 'SgxDcap' || evidence.value.collateral === undefined) throw new Error('no collateral')
    const bare: AttestationReport = { kind: 'SgxDcap', value: { ...evidence.value, collateral: undefined } }
    const input = { evidence: bare, policy: policyOf(), nowSeconds: NOW, crypto }
    const without = verifyEvidence(input)
    expect(without.ok ? '' : without.errorCode).toBe('ATTESTATION_COLLATERAL_ABSENT')
    // Before any parsing: the quote's own faults come second.
    const broken = evaluateRegistration({ report: { kind: 'SgxDcap', value: { quote: new Uint8Array(3), collateral: undefined } }, commit, policy: policyOf(), nowSeconds: NOW, crypto })
    expect(broken.ok ? '' : broken.palletError).toBe('UnsupportedAttestationType')
    const prepared = prepareSgxCollateral(evidence.value.collateral.value, policyOf(), crypto)
    expect(verifyEvidence({ ...input, prepared }).ok).toBe(true)
    // Prepared under a policy that has since lost its root or its flag.
    const rootless = verifyEvidence({ ...input, prepared, policy: policyOf({ roots: [] }) })
    expect(rootless.ok ? '' : rootless.errorCode).toBe('ATTESTATION_ROOT_UNKNOWN')
    const flagless = verifyEvidence({ ...input, prepared, policy: policyOf({ simulated: false }) })
    expect(flagless.ok ? '' : flagless.errorCode).toBe('ATTESTATION_SIMULATED_REFUSED')
  })

  test('prepared collateral takes precedence over the submitted', () => {
    const prepared = prepareSgxCollateral(vendor.collateral({ nowSeconds: NOW, levels: [{ svn: 12, status: 'OutOfDate' }] }).value, policyOf(), crypto)
    const verdict = verifyEvidence({ evidence: evidenceOf({}), policy: policyOf(), nowSeconds: NOW, crypto, prepared })
    expect(verdict.ok && verdict.facts.tcbStatus).toBe('OutOfDate')
  })

  test('the verdict with prepared collateral is the verdict without', () => {
    for (const setup of [{}, { quote: { debug: true } }, { platform: { svn: 5 } }, { now: NOW + 40 * DAY }] as const satisfies readonly Setup[]) {
      const evidence = evidenceOf(setup)
      if (evidence.kind !== 'SgxDcap' || evidence.value.collateral === undefined) throw new Error('no collateral')
      const input = { evidence, policy: policyOf(), nowSeconds: 'now' in setup ? setup.now : NOW, crypto }
      const prepared = prepareSgxCollateral(evidence.value.collateral.value, policyOf(), crypto)
      expect(verifyEvidence({ ...input, prepared })).toEqual(verifyEvidence(input))
    }
  })
})

describe('evidence', () => {
  test('comes back from its wire form', () => {
    const evidence = evidenceOf({})
    expect(AttestationReport.decode(AttestationReport.encode(evidence))).toEqual(evidence)
    expect(AttestationReport.encode(evidence)[0]).toBe(1)
  })

  test('has one digest whatever its unsigned parts', () => {
    const digest = (setup: Setup): string => toHexPlain(evidenceDigest(crypto, evidenceOf(setup)))
    expect(digest({ collateral: { evaluationNumber: 3 } })).toBe(digest({}))
    expect(digest({ quote: { fault: 'quoteSignature' } })).toBe(digest({}))
    expect(digest({ quote: { reportData: new Uint8Array(32) } })).not.toBe(digest({}))
  })

  test('none is refused', () => {
    const outcome = evaluateRegistration({ report: undefined, commit, policy: policyOf(), nowSeconds: NOW, crypto })
    expect(outcome.ok ? {} : { code: outcome.code, palletError: outcome.palletError }).toEqual({ code: 'ATTESTATION_EVIDENCE_ABSENT', palletError: 'NoneAttestationDisabled' })
  })
})
