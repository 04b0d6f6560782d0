/** SEV-SNP reports of a simulated vendor: accepted when right, and each fault refused with its own code. */
import { beforeAll, describe, expect, test } from 'vitest'
import { concatBytes, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { AttestationErrorCode } from '../errors.ts'
import type { AttestationPolicy } from '../policy.ts'
import { evaluateRegistration } from '../registration.ts'
import { allFailures, formatVerdict, type Verdict } from '../verdict.ts'
import { formatPem } from '../x509/pem.ts'
import { AttestationReport, evidenceDigest, joinCollateral, planCollateral, referencePolicy, separateCollateral, verifyEvidence } from './index.ts'
import { SNP_TCB, createSimulatedVendor, type SimulatedVendor, type SnpFault } from './simulated-vendor.ts'
import { familyOf, isTcbCanonical, productOfCpuid, productOfName, readTcb, writeTcb } from './snp/products.ts'
import { AT, parseSnpReport } from './snp/report.ts'
import type { SnpEvidence } from './snp/wire.ts'
import { codeOf } from '@phalanx/primitives/testing'

const NOW = 1_790_000_000

let crypto: Crypto
let vendor: SimulatedVendor
beforeAll(async () => {
  crypto = await loadCrypto()
  vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(7), crypto })
})

const measurement = new Uint8Array(48).fill(1)
const hostData = new Uint8Array(32).fill(2)
const reportData = concatBytes(new Uint8Array(32).fill(3), new Uint8Array(32).fill(4))

interface Setup {
  readonly product?: 'Milan' | 'Genoa' | 'Turin'
  readonly fault?: SnpFault
  readonly revoked?: readonly Uint8Array[]
  readonly policy?: Partial<AttestationPolicy>
  readonly edit?: (value: SnpEvidence) => Partial<SnpEvidence>
  readonly now?: number
}

const evidenceOf = (setup: Setup = {}): SnpEvidence => {
  const value = vendor.snp(setup.product ?? 'Milan').machine({ id: 'one' }).evidence({ measurement, hostData, reportData, nowSeconds: NOW, fault: setup.fault, ...(setup.revoked && { revoked: setup.revoked }) })
  return { ...value, ...setup.edit?.(value) }
}

const policyOf = (changes: Partial<AttestationPolicy> = {}): AttestationPolicy => referencePolicy({ simulated: true, roots: [vendor.rootCertificate], ...changes })

const verify = (setup: Setup = {}): Verdict =>
  verifyEvidence({ evidence: { kind: 'SevSnp', value: evidenceOf(setup) }, policy: policyOf(setup.policy), nowSeconds: setup.now ?? NOW, crypto, expectedReportData: reportData })

const setAt = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.map((byte, i) => (i === at ? value : byte))

describe('sevSnp', () => {
  test.each(['Milan', 'Genoa', 'Turin'] as const)('accepts a right report of %s and states what it proves', (product) => {
    const verdict = verify({ product })
    if (!verdict.ok) throw new Error(formatVerdict(verdict))
    const { facts } = verdict
    expect(facts.measurement).toEqual(concatBytes(measurement, hostData))
    expect(facts).toMatchObject({ reportData, debug: false, simulated: true, tcbStatus: 'SWHardeningNeeded', confidenceLevel: 2, family: utf8(`snp:${product.toLowerCase()}`) })
    expect(facts.rootFingerprint).toEqual(crypto.sha256(vendor.rootCertificate))
    expect(facts.notAfter).toBe(facts.lapses[0]?.at)
  })

  test.each<readonly [SnpFault, AttestationErrorCode]>([
    ['reportSignature', 'ATTESTATION_QUOTE_SIGNATURE_INVALID'],
    ['foreignChip', 'ATTESTATION_CHIP_ID_MISMATCH'],
    ['foreignTcb', 'ATTESTATION_TCB_MISMATCH'],
    ['vmpl', 'ATTESTATION_PRIVILEGE_LEVEL'],
    ['migrationAgent', 'ATTESTATION_GUEST_POLICY'],
    ['authorKey', 'ATTESTATION_GUEST_POLICY'],
    ['debug', 'ATTESTATION_DEBUG_ENCLAVE'],
    ['maskedKey', 'ATTESTATION_SIGNING_KEY'],
    ['lentKey', 'ATTESTATION_SIGNING_KEY'],
    ['rolledBack', 'ATTESTATION_TCB_INCONSISTENT'],
    ['foreignProcessor', 'ATTESTATION_PRODUCT_MISMATCH'],
    ['crlSigner', 'ATTESTATION_CRL_SIGNATURE_INVALID'],
  ])('refuses the fault %s with its own code', (fault, code) => {
    const verdict = verify({ fault })
    expect(verdict).toMatchObject({ ok: false, errorCode: code })
    if (fault !== 'crlSigner') expect(new Set(allFailures(verdict.tree).map(({ errorCode }) => errorCode))).toEqual(new Set([code]))
  })

  test('an unmarked authority gains nothing without the flag, and a marked one is refused as simulated', () => {
    expect(verify({ policy: { simulated: false } })).toMatchObject({ errorCode: 'ATTESTATION_SIMULATED_REFUSED' })
    expect(verify({ fault: 'unmarkedAuthority', policy: { simulated: false } })).toMatchObject({ errorCode: 'ATTESTATION_SIMULATED_REFUSED' })
    expect(verify({ policy: { roots: [] } })).toMatchObject({ errorCode: 'ATTESTATION_ROOT_UNKNOWN' })
  })

  test('refuses what its root revoked, and lists outside their dates', () => {
    const { authoritySerial } = vendor.snp('Milan').machine({ id: 'one' })
    expect(verify({ revoked: [authoritySerial] })).toMatchObject({ errorCode: 'ATTESTATION_CERTIFICATE_REVOKED' })
    expect(verify({ revoked: [Uint8Array.of(1, 2, 3)] }).ok).toBe(true)
    expect(verify({ now: NOW + 31 * 86_400 })).toMatchObject({ errorCode: 'ATTESTATION_CRL_EXPIRED' })
    expect(verify({ now: NOW + 31 * 86_400, policy: { revocationGraceSeconds: 3 * 86_400 } }).ok).toBe(true)
  })

  test('refuses evidence whose parts are of two products or two machines', () => {
    const other = evidenceOf({ product: 'Genoa' })
    expect(verify({ edit: () => ({ collateral: other.collateral }) })).toMatchObject({ errorCode: 'ATTESTATION_CERTIFICATE_ISSUER_MISMATCH' })
    expect(verify({ edit: () => ({ endorsement: other.endorsement, collateral: other.collateral }) })).toMatchObject({ errorCode: 'ATTESTATION_QUOTE_SIGNATURE_INVALID' })
    const neighbour = vendor.snp('Milan').machine({ id: 'two' }).evidence({ measurement, reportData, nowSeconds: NOW })
    expect(verify({ edit: () => ({ endorsement: neighbour.endorsement }) })).toMatchObject({ errorCode: 'ATTESTATION_QUOTE_SIGNATURE_INVALID' })
    expect(verify({ edit: () => ({ collateral: undefined }) })).toMatchObject({ errorCode: 'ATTESTATION_COLLATERAL_ABSENT' })
    expect(verify({ edit: () => ({ endorsement: vendor.rootCertificate }) }).ok).toBe(false)
  })

  test('accepts a report by a lent key under its own intermediate, and under no other', () => {
    const lent = vendor.snp('Milan').machine({ id: 'one', lent: true }).evidence({ measurement, hostData, reportData, nowSeconds: NOW })
    const verdict = verify({ edit: () => lent })
    expect(verdict).toMatchObject({ ok: true, facts: { fields: { signingKey: 'VLEK', product: 'Milan' } } })
    const masked = vendor.snp('Milan').machine({ id: 'one', lent: true }).evidence({ measurement, reportData, nowSeconds: NOW, fault: 'maskedKey' })
    expect(verify({ edit: () => masked }).ok).toBe(true)
    expect(verify({ edit: () => ({ ...lent, collateral: evidenceOf().collateral }) })).toMatchObject({ errorCode: 'ATTESTATION_CERTIFICATE_ROLE' })
    expect(verify({ edit: ({ report }) => ({ ...lent, report }) })).toMatchObject({ errorCode: 'ATTESTATION_SIGNING_KEY' })
    expect(codeOf(() => planCollateral({ kind: 'SevSnp', value: { ...lent, endorsement: new Uint8Array(0) } }))).toBe('ATTESTATION_SIGNING_KEY')
    expect(planCollateral({ kind: 'SevSnp', value: { ...lent, collateral: undefined } })?.requests[0]?.path).toBe('vlek/v1/Milan/cert_chain')
  })

  test('judges security versions by the policy\'s minimum for the family', () => {
    const minimum = (changes: Partial<typeof SNP_TCB>) => ({ familyMinimums: [{ family: familyOf('Milan'), tcb: writeTcb('Milan', { ...SNP_TCB, ...changes }) }] })
    expect(verify({ policy: minimum({}) })).toMatchObject({ ok: true, facts: { tcbStatus: 'UpToDate', confidenceLevel: 1 } })
    expect(verify({ policy: minimum({ snp: SNP_TCB.snp + 1 }) })).toMatchObject({ errorCode: 'ATTESTATION_TCB_BELOW_MINIMUM' })
    expect(verify({ policy: minimum({ microcode: SNP_TCB.microcode + 1, snp: 0 }) })).toMatchObject({ errorCode: 'ATTESTATION_TCB_BELOW_MINIMUM' })
    expect(verify({ product: 'Genoa', policy: minimum({ snp: 255 }) }).ok).toBe(true)
    expect(verify({ policy: { familyMinimums: [{ family: familyOf('Milan'), tcb: new Uint8Array(3) }] } })).toMatchObject({ errorCode: 'ATTESTATION_TCB_BELOW_MINIMUM' })
  })

  test('names the advisory that an unchecked memory layout leaves open', () => {
    expect(verify({ fault: 'aliasing' })).toMatchObject({ ok: true, facts: { tcbStatus: 'ConfigurationAndSWHardeningNeeded', confidenceLevel: 4, advisoryIds: ['AMD-SB-3015'] } })
    expect(verify({ fault: 'aliasing', policy: { refusedAdvisories: ['AMD-SB-3015'] } })).toMatchObject({ errorCode: 'ATTESTATION_ADVISORY_REFUSED' })
  })

  test('is admitted and revoked by family like any other', () => {
    expect(verify({ policy: { blockedFamilies: [utf8('snp:milan')] } })).toMatchObject({ errorCode: 'ATTESTATION_FMSPC_REFUSED' })
    expect(verify({ policy: { blockedFamilies: [utf8('snp:genoa')] } }).ok).toBe(true)
    expect(verify({ policy: { allowedFamilies: [utf8('snp:genoa')] } })).toMatchObject({ errorCode: 'ATTESTATION_FMSPC_REFUSED' })
    expect(verify({ policy: { enforceMeasurements: true, measurements: [measurement] } })).toMatchObject({ errorCode: 'ATTESTATION_MEASUREMENT_REFUSED' })
    expect(verify({ policy: { enforceMeasurements: true, measurements: [concatBytes(measurement, hostData)] } }).ok).toBe(true)
  })

  test.each<readonly [string, (report: Uint8Array) => Uint8Array, AttestationErrorCode]>([
    ['nothing', () => new Uint8Array(0), 'ATTESTATION_QUOTE_MALFORMED'],
    ['a cut report', (report) => report.slice(0, -1), 'ATTESTATION_QUOTE_MALFORMED'],
    ['bytes after it', (report) => concatBytes(report, Uint8Array.of(0)), 'ATTESTATION_QUOTE_TRAILING_BYTES'],
    ['version 4', (report) => setAt(report, 0, 4), 'ATTESTATION_QUOTE_VERSION'],
    ['a set reserved byte', (report) => setAt(report, 0x18c, 1), 'ATTESTATION_QUOTE_MALFORMED'],
    ['a version 5 field in version 3', (report) => setAt(report, 0x1f8, 1), 'ATTESTATION_QUOTE_MALFORMED'],
    ['a signature of more than 384 bits', (report) => setAt(report, AT.signature.offset + 48, 1), 'ATTESTATION_QUOTE_MALFORMED'],
    ['bytes behind the signature', (report) => setAt(report, AT.signature.offset + 200, 1), 'ATTESTATION_QUOTE_MALFORMED'],
    ['reserved key information', (report) => setAt(report, AT.keyInfo.offset, 0x20), 'ATTESTATION_QUOTE_MALFORMED'],
    ['another signature algorithm', (report) => setAt(report, AT.signatureAlgorithm.offset, 2), 'ATTESTATION_QUOTE_KEY_TYPE'],
    ['a policy without its constant bit', (report) => setAt(report, AT.policy.offset + 2, 1), 'ATTESTATION_QUOTE_SIGNATURE_INVALID'],
    ['a processor of another product', (report) => setAt(report, AT.cpuid.offset + 1, 0x11), 'ATTESTATION_QUOTE_SIGNATURE_INVALID'],
  ])('refuses %s', (_name, edit, code) => {
    expect(verify({ edit: ({ report }) => ({ report: edit(report) }) })).toMatchObject({ ok: false, errorCode: code })
  })

  test('registers a worker with its family, and its digest does not depend on what nobody signed', () => {
    const value = evidenceOf()
    const outcome = evaluateRegistration({ report: { kind: 'SevSnp', value }, commit: reportData.slice(0, 32), policy: policyOf(), nowSeconds: NOW, crypto })
    expect(outcome).toMatchObject({ ok: true, provider: { kind: 'SevSnp' }, confidenceLevel: 2 })
    expect(evaluateRegistration({ report: { kind: 'SevSnp', value }, commit: new Uint8Array(32), policy: policyOf(), nowSeconds: NOW, crypto })).toMatchObject({ ok: false, palletError: 'InvalidRuntimeInfoHash' })
    const forged = evidenceOf({ fault: 'reportSignature' })
    expect(evaluateRegistration({ report: { kind: 'SevSnp', value: forged }, commit: reportData.slice(0, 32), policy: policyOf(), nowSeconds: NOW, crypto })).toMatchObject({ palletError: 'EvidenceInvalid' })
    const digest = (one: SnpEvidence): string => toHexPlain(evidenceDigest(crypto, { kind: 'SevSnp', value: one }))
    expect(digest({ ...value, report: setAt(value.report, AT.signature.offset, 9), collateral: undefined })).toBe(digest(value))
    expect(digest({ ...value, report: setAt(value.report, AT.reportData.offset, 9) })).not.toBe(digest(value))
  })

  test('has index 3 on the wire, and its collateral comes apart and together again', () => {
    const evidence: AttestationReport = { kind: 'SevSnp', value: evidenceOf() }
    const bytes = AttestationReport.encode(evidence)
    expect(bytes[0]).toBe(3)
    expect(AttestationReport.decode(bytes)).toEqual(evidence)
    const separated = separateCollateral(evidence)
    expect(separated.report.kind === 'SevSnp' && separated.report.value.collateral).toBe(undefined)
    expect(joinCollateral(separated)).toEqual(evidence)
  })
})

describe('what a report lacks', () => {
  const plan = (evidence: SnpEvidence) => planCollateral({ kind: 'SevSnp', value: evidence })

  test('is nothing when it is whole, and the certificates above its key otherwise', () => {
    const whole = evidenceOf()
    expect(plan(whole)).toBe(undefined)
    const found = plan({ ...whole, collateral: undefined })
    expect(found?.requests.map(({ path }) => path)).toEqual(['vcek/v1/Milan/cert_chain', 'vcek/v1/Milan/crl'])
    const turin = evidenceOf({ product: 'Turin' })
    expect(plan({ ...turin, endorsement: new Uint8Array(0) })?.requests[0]?.path).toMatch(/^vcek\/v1\/Turin\/[0-9a-f]{16}\?fmcSPL=0&blSPL=4&/)
  })

  test('cannot be said of a report that names no processor, or of a lent key', () => {
    const { report } = evidenceOf()
    const bare = (edited: Uint8Array): SnpEvidence => ({ report: edited, endorsement: new Uint8Array(0), collateral: undefined })
    expect(codeOf(() => plan(bare(setAt(setAt(setAt(setAt(report, 0, 2), 0x188, 0), 0x189, 0), 0x18a, 0))))).toBe('ATTESTATION_PRODUCT_MISMATCH')
    expect(codeOf(() => plan(bare(setAt(report, AT.keyInfo.offset, 4))))).toBe('ATTESTATION_SIGNING_KEY')
    expect(codeOf(() => plan(bare(report.slice(1))))).toBe('ATTESTATION_QUOTE_VERSION')
    const found = plan({ ...evidenceOf(), collateral: undefined })
    expect(codeOf(() => found?.assemble([]))).toBe('ATTESTATION_COLLATERAL_ABSENT')
    expect(codeOf(() => found?.assemble([{ headers: {}, body: utf8(formatPem([report])) }, { headers: {}, body: report }]))).toBe('ATTESTATION_CHAIN_LENGTH')
  })
})

describe('products', () => {
  test('lay TCB versions out as their firmware does', () => {
    const tcb = { fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 5 }
    expect(toHexPlain(writeTcb('Milan', tcb))).toBe('0203000000000405')
    expect(toHexPlain(writeTcb('Turin', tcb))).toBe('0102030400000005')
    expect(readTcb('Turin', writeTcb('Turin', tcb))).toEqual(tcb)
    expect(readTcb('Genoa', writeTcb('Genoa', tcb))).toEqual({ ...tcb, fmc: 0 })
    expect(isTcbCanonical('Milan', Uint8Array.of(1, 1, 1, 0, 0, 0, 1, 1))).toBe(false)
  })

  test('are known by processor and by name', () => {
    expect([[0x19, 1], [0x19, 0x11], [0x19, 0xa0], [0x1a, 2], [0x17, 1], [0x19, 0x50]].map(([family = 0, model = 0]) => productOfCpuid({ family, model }))).toEqual(['Milan', 'Genoa', 'Genoa', 'Turin', undefined, undefined])
    expect(['Milan-B0', 'Genoa', 'Siena-A0', 'Turin-B1', 'Rome', ''].map(productOfName)).toEqual(['Milan', 'Genoa', 'Genoa', 'Turin', undefined, undefined])
  })

  test('reports are read without trusting any length', () => {
    const { report } = evidenceOf()
    for (let length = 0; length < report.length; length += 37) expect(codeOf(() => parseSnpReport(report.slice(0, length)))).toMatch(/^ATTESTATION_QUOTE_/)
  })
})
