/** EPID reports by others, at the time each states: Intel's signing certificate has ended since. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors, readVectorBytes, readVectorJson } from '../../../tools/vectors.ts'
import { allFailures, evaluateRegistration, iasRoot, referencePolicy, verifyEvidence, type AttestationPolicy, type AttestationReport, type Verdict } from '../src/index.ts'
import { isAttestationError } from '../src/errors.ts'
import { parseCertificate } from '../src/x509/certificate.ts'
import { formatTable, fromTlsCertificate, iasCases, toIasEvidence, type IasCase } from './cases.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const rows: string[][] = [['report', 'at', 'status', 'confidence', 'debug', 'ours']]
afterAll(() => {
  if (rows.length > 1) console.log(formatTable(rows))
})

/** Two hours after which the reference refuses; the signing certificate ended on 2026-11-20T09:36:58Z. */
const SIGNER_END = 1_795_167_418

/** Confidence by registry.md section 2.5, stated apart from the implementation. */
const LEVEL: Readonly<Record<string, number>> = { OK: 1, SW_HARDENING_NEEDED: 2, GROUP_OUT_OF_DATE: 5 }
const HARMLESS = ['INTEL-SA-00334', 'INTEL-SA-00219', 'INTEL-SA-00381', 'INTEL-SA-00389']
const levelOf = (status: string, advisories: readonly string[]): number => LEVEL[status] ?? (advisories.every((id) => HARMLESS.includes(id)) ? 3 : 4)

const verify = (evidence: AttestationReport, nowSeconds: number, changes: Partial<AttestationPolicy> = {}, expectedReportData?: Uint8Array): Verdict =>
  verifyEvidence({ evidence, policy: referencePolicy({ admitDebug: true, ...changes }), nowSeconds, crypto, expectedReportData })

const codes = (verdict: Verdict): readonly string[] => allFailures(verdict.tree).map(({ errorCode }) => errorCode ?? '')

describeVectors('EPID reports', () => {
  test('genuine ones have the stated status, measurement and data, and the reference\'s confidence', () => {
    const cases = iasCases('.')
    expect(cases.length).toBeGreaterThanOrEqual(31)
    for (const one of cases) {
      const { expected, verifyAt = 0 } = one
      const verdict = verify(toIasEvidence(one), verifyAt)
      if (!verdict.ok) throw new Error(`${one.id}: ${verdict.errorCode} ${verdict.detail}`)
      const { facts } = verdict
      rows.push([one.id, String(verifyAt), expected.quoteStatus ?? '', String(facts.confidenceLevel), String(facts.debug), facts.tcbStatus])
      expect(facts.confidenceLevel, one.id).toBe(levelOf(expected.quoteStatus ?? '', expected.advisoryIDs ?? []))
      expect(facts.advisoryIds, one.id).toEqual(expected.advisoryIDs ?? [])
      expect(toHexPlain(facts.fields['mrEnclave'] as Uint8Array)).toBe(expected.mrEnclave)
      expect(toHexPlain(facts.fields['mrSigner'] as Uint8Array)).toBe(expected.mrSigner)
      expect(toHexPlain(facts.reportData)).toBe(expected.reportData)
      expect(facts.debug).toBe(expected.debug)
      if (one.published?.pruntimeHash !== undefined) expect(toHexPlain(facts.measurement)).toBe(one.published.pruntimeHash)
    }
  })

  test('debug enclaves are refused unless the policy replays history', () => {
    for (const one of iasCases('.').filter(({ expected }) => expected.debug === true)) {
      const verdict = verify(toIasEvidence(one), one.verifyAt ?? 0, { admitDebug: false })
      expect(verdict.ok ? '' : verdict.errorCode, one.id).toBe('ATTESTATION_DEBUG_ENCLAVE')
    }
  })

  test('are refused two hours after the report, and once the signing certificate has ended', () => {
    for (const one of iasCases('.')) {
      const evidence = toIasEvidence(one)
      const first = verify(evidence, one.verifyAt ?? 0)
      const lapse = first.ok ? first.facts.notAfter : 0
      expect(verify(evidence, lapse).ok, one.id).toBe(true)
      const late = verify(evidence, lapse + 1)
      expect(late.ok ? '' : late.errorCode, one.id).toBe('ATTESTATION_REPORT_EXPIRED')
      expect(codes(verify(evidence, SIGNER_END + 1)), one.id).toContain('ATTESTATION_CERTIFICATE_EXPIRED')
      expect(codes(verify(evidence, SIGNER_END)), one.id).not.toContain('ATTESTATION_CERTIFICATE_EXPIRED')
    }
  })

  test('the reference\'s golden sample gives its published outcomes', () => {
    const one = iasCases('.').find(({ id }) => id === 'ias-phala-2021-09-12-6fdd11') as IasCase
    const report = toIasEvidence(one)
    const now = one.published?.verifyAt ?? 0
    const commit = parseHex(one.expected.reportData ?? '').slice(0, 32)
    const hash = parseHex(one.published?.pruntimeHash ?? '')
    const outcome = (nowSeconds: number, measurements: readonly Uint8Array[], data: Uint8Array): string => {
      const result = evaluateRegistration({ report, commit: data, policy: referencePolicy({ enforceMeasurements: true, measurements }), nowSeconds, crypto })
      return result.ok ? `${result.provider.kind} ${result.confidenceLevel}` : result.palletError
    }
    expect(outcome(now, [hash], commit)).toBe('Ias 2')
    expect(outcome(now + 10_000_000, [hash], commit)).toBe('OutdatedIASReport')
    expect(outcome(now, [], commit)).toBe('PRuntimeRejected')
    expect(outcome(now, [hash], new Uint8Array(32))).toBe('InvalidRuntimeInfoHash')
  })

  test('historical registrations commit to their worker info', () => {
    const registrations = iasCases('.').filter(({ encodedWorkerInfo }) => encodedWorkerInfo !== undefined)
    expect(registrations.length).toBeGreaterThanOrEqual(3)
    for (const one of registrations) {
      const info = parseHex(one.encodedWorkerInfo ?? '')
      const long = crypto.blake2b(info, 64)
      const commit = toHexPlain(long) === one.expected.reportData ? long : crypto.blake2b256(info)
      const verdict = verify(toIasEvidence(one), one.verifyAt ?? 0, {}, commit)
      expect(verdict.ok ? 'accepted' : verdict.errorCode, one.id).toBe('accepted')
      const other = verify(toIasEvidence(one), one.verifyAt ?? 0, {}, crypto.blake2b256(info.slice(1)))
      expect(other.ok ? '' : other.errorCode).toBe('ATTESTATION_REPORT_DATA_MISMATCH')
    }
  })

  test('altered reports and signatures are refused', () => {
    for (const one of iasCases('invalid')) {
      const verdict = verify(toIasEvidence(one), 1_531_338_000)
      rows.push([`invalid: ${one.id}`, '', '', '', '', verdict.ok ? 'ACCEPTED' : verdict.errorCode])
      expect(verdict.ok ? '' : verdict.errorCode, one.id).toBe('ATTESTATION_REPORT_SIGNATURE_INVALID')
    }
  })

  test('reports inside certificates of TLS end points are genuine', () => {
    for (const [name, status, at] of [['integritee-TEST4', 'ConfigurationNeeded', 1_587_899_800], ['integritee-TEST8-production', 'ConfigurationAndSWHardeningNeeded', 1_634_156_700], ['secret-hw-v2', 'SWHardeningNeeded', 1_592_217_800]] as const) {
      const verdict = verify(fromTlsCertificate(readVectorBytes(`1-ias/ra-tls/${name}.der`)), at)
      rows.push([`TLS: ${name}`, String(at), '', '', '', verdict.ok ? verdict.facts.tcbStatus : `${verdict.errorCode} ${verdict.detail}`])
      expect(verdict.ok && verdict.facts.tcbStatus, name).toBe(status)
    }
  })

  test('reports inside certificates of TLS end points that were altered are refused for that', () => {
    const outcome = (name: string): string => {
      const verdict = verify(fromTlsCertificate(readVectorBytes(`1-ias/invalid/integritee-${name}.der`)), 1_560_775_600)
      rows.push([`invalid: TLS ${name}`, '', '', '', '', verdict.ok ? 'ACCEPTED' : verdict.errorCode])
      return verdict.ok ? 'accepted' : verdict.errorCode
    }
    // The report was altered; the signing certificate was altered.
    expect(outcome('cert_wrong_platform_blob')).toBe('ATTESTATION_REPORT_SIGNATURE_INVALID')
    expect(outcome('cert_wrong_sig')).toMatch(/^ATTESTATION_(DER|BASE64|CERTIFICATE|REPORT_SIGNATURE)/)
  })

  test('certificates that carry a broken report are no signing certificates', () => {
    for (const name of ['cert_too_short1', 'cert_wrong_platform_blob', 'cert_wrong_sig']) {
      const rawSigningCert = readVectorBytes(`1-ias/invalid/integritee-${name}.der`)
      const verdict = verify({ kind: 'SgxIas', value: { raReport: new Uint8Array(10), signature: new Uint8Array(256), rawSigningCert } }, 1_590_000_000)
      rows.push([`invalid: ${name}`, '', '', '', '', verdict.ok ? 'ACCEPTED' : verdict.errorCode])
      expect(verdict.ok, name).toBe(false)
    }
    let thrown: unknown
    try {
      parseCertificate(readVectorBytes('1-ias/invalid/integritee-cert_too_short1.der'))
    } catch (error) {
      thrown = error
    }
    expect(isAttestationError(thrown) && thrown.code).toBe('ATTESTATION_DER_TRUNCATED')
  })

  test('a report of somebody else\'s simulator does not reach the pinned root', () => {
    const sample = readVectorJson<{ avr: string; signature: string; signing_cert: string }>('1-ias/simulated/lcp-sim-002-001-avr.json')
    const one = { id: 'simulated', report: sample.avr, signatureBase64: sample.signature, signingCertDerBase64: sample.signing_cert, expected: { signatureValid: true } }
    const verdict = verify(toIasEvidence(one), 1_718_461_090)
    rows.push(['simulated: lcp', '', '', '', '', verdict.ok ? 'ACCEPTED' : verdict.errorCode])
    expect(verdict.ok).toBe(false)
  })

  test('only the pinned root counts', () => {
    const one = iasCases('.')[0] as IasCase
    expect(codes(verify(toIasEvidence(one), one.verifyAt ?? 0, { roots: [] }))).toContain('ATTESTATION_ROOT_UNKNOWN')
    expect(verify(toIasEvidence(one), one.verifyAt ?? 0, { roots: [iasRoot] }).ok).toBe(true)
  })
})
