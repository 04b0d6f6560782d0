/** TDX quotes of a simulated vendor: accepted when right, each fault refused with its own code, and status as the vendor's library has it. */
import { describe, expect, test } from 'vitest'
import { concatBytes, parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { AttestationErrorCode } from '../errors.ts'
import { evaluateRegistration } from '../registration.ts'
import type { TcbStatus } from '../status.ts'
import { allFailures, type Verdict } from '../verdict.ts'
import { evidenceDigest, joinCollateral, planCollateral, referencePolicy, separateCollateral, verifyEvidence, type AttestationReport } from './index.ts'
import { DEFAULT_MODULE_LEVELS, type SimulatedLevel } from './simulated/documents.ts'
import { createSimulatedVendor, type CollateralOptions, type GuestQuoteOptions, type PlatformOptions } from './simulated-vendor.ts'

const NOW = 1_790_000_000
const crypto = await loadCrypto()
const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
const commit = new Uint8Array(32).fill(3)
const mrTd = new Uint8Array(48).fill(1)

interface Setup {
  readonly platform?: Partial<PlatformOptions>
  readonly quote?: Partial<GuestQuoteOptions>
  readonly collateral?: Partial<CollateralOptions>
  readonly editQuote?: (quote: Uint8Array) => Uint8Array
}

const evidenceOf = (setup: Setup): Extract<AttestationReport, { kind: 'Tdx' }> => {
  const platform = vendor.platform({ id: 'one', ...setup.platform })
  const quote = platform.guestQuote({ report: { mrTd }, reportData: commit, ...setup.quote })
  const collateral = vendor.collateral({ nowSeconds: NOW, authority: platform.authority, tee: 'TDX', ...setup.collateral })
  return { kind: 'Tdx', value: { quote: setup.editQuote?.(quote) ?? quote, collateral } }
}

const policy = referencePolicy({ simulated: true, roots: [vendor.rootCertificate] })
const verify = (setup: Setup): Verdict => verifyEvidence({ evidence: evidenceOf(setup), policy, nowSeconds: NOW, crypto, expectedReportData: commit })
const codesOf = (verdict: Verdict): readonly (AttestationErrorCode | undefined)[] => allFailures(verdict.tree).map(({ errorCode }) => errorCode)
const statusOf = (setup: Setup): TcbStatus | string => {
  const verdict = verify(setup)
  return verdict.ok ? verdict.facts.tcbStatus : verdict.errorCode
}
const setAt = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.map((byte, i) => (i === at ? value : byte))

describe('right evidence', () => {
  test.each<[string, Partial<GuestQuoteOptions>]>([['version 4', { version: 4 }], ['version 5, report 1.0', { version: 5, reportVersion: '1.0' }], ['version 5, report 1.5', { version: 5 }]])('of %s is accepted', (_name, quote) => {
    const verdict = verify({ quote })
    if (!verdict.ok) throw new Error(`${verdict.errorCode} ${verdict.detail}`)
    expect(verdict.facts).toMatchObject({ kind: 'Tdx', tcbStatus: 'UpToDate', confidenceLevel: 1, debug: false, simulated: true, fmspc: vendor.fmspc, moduleAdvisoryIds: [] })
    expect(verdict.facts.fields).toMatchObject({ mrTd })
    expect(verdict.facts.reportData.subarray(0, 32)).toEqual(commit)
  })

  test('registers with its own provider, and its digest does not depend on version 5\'s framing bytes outside the signature', () => {
    const report = evidenceOf({})
    const outcome = evaluateRegistration({ report, commit, policy, nowSeconds: NOW, crypto })
    expect(outcome.ok && outcome.provider).toEqual({ kind: 'Tdx' })
    const other = evidenceOf({ collateral: { evaluationNumber: 21 } })
    expect(evidenceDigest(crypto, other)).toEqual(evidenceDigest(crypto, report))
    for (const version of [4, 5] as const) {
      const { quote } = evidenceOf({ quote: { version } }).value
      const digest = (bytes: Uint8Array): string => toHexPlain(evidenceDigest(crypto, { kind: 'Tdx', value: { quote: bytes, collateral: undefined } }))
      const signedLength = version === 4 ? 632 : 702
      expect(digest(setAt(quote, signedLength - 1, 0xff))).not.toBe(digest(quote))
      expect(digest(setAt(quote, signedLength, 0xff))).toBe(digest(quote))
    }
  })

  test('is kept without its collateral, and asks a service for what it lacks', () => {
    const evidence = evidenceOf({})
    const separated = separateCollateral(evidence)
    expect(joinCollateral(separated)).toEqual(evidence)
    const plan = planCollateral(separated.report)
    const base = 'https://pccs.example/sgx/certification/v4'
    expect(plan?.requests.map(({ path }) => new URL(`${base}/${path}`).href)).toEqual([
      `${base}/pckcrl?ca=processor`, `${base}/rootcacrl`, 'https://pccs.example/tdx/certification/v4/tcb?fmspc=514D00000001', 'https://pccs.example/tdx/certification/v4/qe/identity',
    ])
  })
})

describe('faults', () => {
  const attributes = (hex: string): Partial<GuestQuoteOptions> => ({ report: { mrTd, tdAttributes: parseHex(hex) } })

  test.each<[string, AttestationErrorCode, string, Setup]>([
    ['no structure', 'ATTESTATION_QUOTE_MALFORMED', 'InvalidDCAPQuote', { editQuote: (quote) => quote.subarray(0, 700) }],
    ['bytes after the quote', 'ATTESTATION_QUOTE_TRAILING_BYTES', 'InvalidDCAPQuote', { editQuote: (quote) => concatBytes(quote, new Uint8Array(1)) }],
    ['version 3', 'ATTESTATION_QUOTE_VERSION', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 0, 3) }],
    ['version 6', 'ATTESTATION_QUOTE_VERSION', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 0, 6) }],
    ['another TEE type', 'ATTESTATION_TEE_TYPE', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 4, 0) }],
    ['another vendor\'s QE', 'ATTESTATION_QE_VENDOR', 'InvalidDCAPQuote', { quote: { fault: 'vendor' } }],
    ['a body type that does not exist', 'ATTESTATION_QUOTE_MALFORMED', 'InvalidDCAPQuote', { quote: { version: 5 }, editQuote: (quote) => setAt(quote, 48, 4) }],
    ['a body size that is not its type\'s', 'ATTESTATION_QUOTE_MALFORMED', 'InvalidDCAPQuote', { quote: { version: 5 }, editQuote: (quote) => setAt(quote, 48, 2) }],
    ['an enclave\'s body', 'ATTESTATION_QUOTE_MALFORMED', 'InvalidDCAPQuote', { quote: { version: 5 }, editQuote: (quote) => setAt(setAt(setAt(quote, 48, 1), 50, 0x80), 51, 1) }],
    ['certification data that is not nested', 'ATTESTATION_CERTIFICATION_DATA', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 632 + 4 + 128, 5) }],
    ['nested lengths that do not fill each other', 'ATTESTATION_QUOTE_MALFORMED', 'InvalidDCAPQuote', { editQuote: (quote) => setAt(quote, 632 + 4 + 130, (quote[632 + 4 + 130] as number) - 1) }],
    ['a bad quote signature', 'ATTESTATION_QUOTE_SIGNATURE_INVALID', 'InvalidDCAPQuote', { quote: { fault: 'quoteSignature' } }],
    ['a bad QE report signature', 'ATTESTATION_QE_REPORT_SIGNATURE_INVALID', 'InvalidDCAPQuote', { quote: { fault: 'qeReportSignature' } }],
    ['an unbound attestation key', 'ATTESTATION_QE_BINDING', 'InvalidDCAPQuote', { quote: { fault: 'binding' } }],
    ['a QE of another signer', 'ATTESTATION_QE_MISMATCH', 'InvalidDCAPQuote', { quote: { fault: 'foreignQe' } }],
    ['documents about enclaves', 'ATTESTATION_TCB_INFO_UNSUPPORTED', 'CollateralInvalid', { collateral: { tee: 'SGX' } }],
    ['a debug guest', 'ATTESTATION_DEBUG_ENCLAVE', 'DebugEnclave', { quote: { debug: true } }],
    ['a reserved bit of the debug group', 'ATTESTATION_TD_ATTRIBUTES_RESERVED', 'GuestAttributesRefused', { quote: attributes('0200001000000000') }],
    ['a reserved bit of the security group', 'ATTESTATION_TD_ATTRIBUTES_RESERVED', 'GuestAttributesRefused', { quote: attributes('0000011000000000') }],
    ['a reserved bit of the last group', 'ATTESTATION_TD_ATTRIBUTES_RESERVED', 'GuestAttributesRefused', { quote: attributes('0000001001000000') }],
    ['exceptions on private pages', 'ATTESTATION_TD_SEPT_VE_ENABLED', 'GuestAttributesRefused', { quote: attributes('0000000000000000') }],
    ['a migratable guest', 'ATTESTATION_TD_MIGRATABLE', 'GuestAttributesRefused', { quote: attributes('0000003000000000') }],
    ['a bound service guest', 'ATTESTATION_TD_SERVICE_BOUND', 'GuestAttributesRefused', { quote: { version: 5, report: { mrTd, mrServiceTd: Uint8Array.of(1) } } }],
    ['features without x87', 'ATTESTATION_TD_XFAM', 'GuestAttributesRefused', { quote: { report: { mrTd, xfam: parseHex('e602060000000000') } } }],
    ['features that do not exist', 'ATTESTATION_TD_XFAM', 'GuestAttributesRefused', { quote: { report: { mrTd, xfam: parseHex('e702060000000080') } } }],
    ['a module of another signer', 'ATTESTATION_TD_MODULE_MISMATCH', 'PlatformModuleRefused', { quote: { report: { mrTd, mrSignerSeam: Uint8Array.of(1) } } }],
    ['a module with attributes', 'ATTESTATION_TD_MODULE_MISMATCH', 'PlatformModuleRefused', { quote: { report: { mrTd, seamAttributes: Uint8Array.of(1) } } }],
    ['a module of an unpublished version', 'ATTESTATION_TD_MODULE_MISMATCH', 'PlatformModuleRefused', { quote: { report: { mrTd, teeTcbSvn: [12, 2, 12] } } }],
    ['a module below every level', 'ATTESTATION_TD_MODULE_LEVEL_NOT_FOUND', 'InvalidQuoteStatus', { quote: { report: { mrTd, teeTcbSvn: [2, 1, 12] } } }],
    ['a revoked module', 'ATTESTATION_STATUS_REFUSED', 'InvalidQuoteStatus', { quote: { report: { mrTd, teeTcbSvn: [4, 1, 12] } } }],
    ['microcode below every level', 'ATTESTATION_TCB_LEVEL_NOT_FOUND', 'InvalidQuoteStatus', { quote: { report: { mrTd, teeTcbSvn: [12, 1, 2] } } }],
    ['other report data', 'ATTESTATION_REPORT_DATA_MISMATCH', 'InvalidRuntimeInfoHash', { quote: { reportData: new Uint8Array(32) } }],
  ])('%s: %s', (_name, code, palletError, setup) => {
    const verdict = verify(setup)
    expect(verdict.ok ? 'accepted' : verdict.errorCode).toBe(code)
    const outcome = evaluateRegistration({ report: evidenceOf(setup), commit, policy, nowSeconds: NOW, crypto })
    expect(outcome.ok ? 'accepted' : outcome.palletError).toBe(palletError)
  })

  test('a fault of the guest alone is the only failure', () => {
    expect(codesOf(verify({ quote: attributes('0000000000000000') }))).toEqual(['ATTESTATION_TD_SEPT_VE_ENABLED'])
    expect(codesOf(verify({ quote: { debug: true } }))).toEqual(['ATTESTATION_DEBUG_ENCLAVE'])
  })

  test.each([['protection keys', '0000005000000000'], ['key locker', '0000009000000000'], ['performance monitoring', '0000001000000080']])('%s is a feature, not a fault', (_name, hex) => {
    expect(statusOf({ quote: attributes(hex) })).toBe('UpToDate')
  })
})

describe('status', () => {
  const at = (teeTcbSvn: readonly number[], teeTcbSvn2?: readonly number[]): Partial<GuestQuoteOptions> =>
    ({ version: 5, report: { mrTd, teeTcbSvn, ...(teeTcbSvn2 === undefined ? {} : { teeTcbSvn2 }) } })

  test('platform, module and quoting enclave converge', () => {
    expect(statusOf({ platform: { svn: 11 } })).toBe('OutOfDate')
    expect(statusOf({ platform: { svn: 11 }, quote: at([12, 1, 12]) })).toBe('SWHardeningNeeded')
    expect(statusOf({ platform: { svn: 10 }, quote: at([12, 1, 12]) })).toBe('ConfigurationNeeded')
    expect(statusOf({ platform: { svn: 10 }, quote: at([6, 1, 12]) })).toBe('OutOfDateConfigurationNeeded')
    expect(statusOf({ quote: at([6, 1, 12]) })).toBe('OutOfDate')
    expect(statusOf({ platform: { qeIsvSvn: 6 } })).toBe('OutOfDate')
  })

  test('of a module with a version the first two components do not count in the level, of one without they do', () => {
    expect(statusOf({ quote: at([12, 1, 12]) })).toBe('UpToDate')
    expect(statusOf({ quote: at([12, 0, 12]) })).toBe('UpToDate')
    expect(statusOf({ quote: at([11, 0, 12]) })).toBe('SWHardeningNeeded')
    const kinder: readonly SimulatedLevel[] = [{ svn: 3, status: 'UpToDate' }]
    expect(statusOf({ quote: at([3, 1, 12]), collateral: { moduleLevels: kinder } })).toBe('UpToDate')
  })

  test('an old module under a guest that was updated since advises a relaunch', () => {
    expect(statusOf({ quote: at([6, 1, 12], [12, 1, 12]) })).toBe('TDRelaunchAdvised')
    expect(statusOf({ quote: at([6, 1, 12], [11, 1, 12]) })).toBe('OutOfDate')
    expect(statusOf({ quote: at([6, 1, 12], [12, 1, 11]) })).toBe('OutOfDate')
    expect(statusOf({ quote: at([6, 1, 12], [12, 0, 12]) })).toBe('TDRelaunchAdvised')
    expect(statusOf({ quote: at([6, 1, 12], [12, 9, 12]) })).toBe('ATTESTATION_TD_MODULE_MISMATCH')
    expect(statusOf({ platform: { svn: 10 }, quote: at([6, 1, 12], [12, 1, 12]) })).toBe('TDRelaunchAdvisedConfigurationNeeded')
  })

  test('a relaunch mends neither the platform nor the quoting enclave', () => {
    expect(statusOf({ platform: { svn: 6 }, quote: at([6, 1, 12], [12, 1, 12]) })).toBe('OutOfDate')
    expect(statusOf({ platform: { qeIsvSvn: 6 }, quote: at([6, 1, 12], [12, 1, 12]) })).toBe('OutOfDate')
    expect(statusOf({ quote: { ...at([6, 1, 12]), reportVersion: '1.0' } })).toBe('OutOfDate')
  })

  test('the module\'s advisories are kept apart and refused alike', () => {
    const verdict = verify({ quote: at([6, 1, 12]) })
    expect(verdict.ok && verdict.facts).toMatchObject({ confidenceLevel: 5, advisoryIds: [], moduleAdvisoryIds: DEFAULT_MODULE_LEVELS[1]?.advisoryIds })
    const strict = verifyEvidence({ evidence: evidenceOf({ quote: at([6, 1, 12]) }), policy: { ...policy, refusedAdvisories: ['INTEL-SA-01192'] }, nowSeconds: NOW, crypto })
    expect(codesOf(strict)).toEqual(['ATTESTATION_ADVISORY_REFUSED'])
  })
})

describe('measurement', () => {
  const measure = (report: Partial<GuestQuoteOptions['report']>): { full: string; boot: string } => {
    const verdict = verify({ quote: { report: { mrTd, ...report } } })
    if (!verdict.ok) throw new Error(verdict.errorCode)
    return { full: toHexPlain(verdict.facts.measurement), boot: toHexPlain(verdict.facts.bootMeasurement as Uint8Array) }
  }
  const base = measure({})

  test.each<[string, Partial<GuestQuoteOptions['report']>]>([
    ['MRTD', { mrTd: new Uint8Array(48).fill(2) }], ['MRCONFIGID', { mrConfigId: Uint8Array.of(1) }], ['MROWNER', { mrOwner: Uint8Array.of(1) }],
    ['MROWNERCONFIG', { mrOwnerConfig: Uint8Array.of(1) }], ['RTMR0', { rtmrs: [Uint8Array.of(1)] }],
    ['RTMR2', { rtmrs: [new Uint8Array(), new Uint8Array(), Uint8Array.of(1)] }], ['attributes', { tdAttributes: parseHex('0000005000000000') }], ['XFAM', { xfam: parseHex('e700000000000000') }],
  ])('%s changes both forms', (_name, report) => {
    const other = measure(report)
    expect(other.full).not.toBe(base.full)
    expect(other.boot).not.toBe(base.boot)
  })

  test('RTMR3 changes the full form only, and the two forms are never equal', () => {
    const other = measure({ rtmrs: [new Uint8Array(), new Uint8Array(), new Uint8Array(), Uint8Array.of(1)] })
    expect(other.full).not.toBe(base.full)
    expect(other.boot).toBe(base.boot)
    expect(base.boot).not.toBe(base.full)
  })
})

describe('SGX quotes of version 4', () => {
  test('are accepted with the same facts as version 3', () => {
    const platform = vendor.platform({ id: 'one' })
    const judge = (version: 3 | 4): Verdict => {
      const quote = platform.quote({ version, report: { mrEnclave: commit, mrSigner: commit }, reportData: commit })
      return verifyEvidence({ evidence: { kind: 'SgxDcap', value: { quote, collateral: vendor.collateral({ nowSeconds: NOW }) } }, policy, nowSeconds: NOW, crypto })
    }
    const [three, four] = [judge(3), judge(4)]
    expect(four.ok).toBe(true)
    expect(four.ok && four.facts).toEqual(three.ok && three.facts)
  })
})
