/** EPID reports by others, at the time each states: Intel's signing certificate has ended since. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import { describeVectors, readVectorBytes, readVectorJson } from '../../../tools/vectors.ts'
import { allFailures, detectEvidence, evaluateRegistration, iasRoot, referencePolicy, verifyEvidence, type AttestationPolicy, type AttestationReport, type Verdict } from '../src/index.ts'
import { parseCertificate } from '../src/x509/certificate.ts'
import { iasCases, toIasEvidence, type IasCase } from './cases.ts'
import { createOutcomes } from './outcomes.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const outcomes = createOutcomes('SGX EPID')
afterAll(() => {
  outcomes.print()
})

/** Two hours after which the reference refuses; the signing certificate ended on 2026-11-20T09:36:58Z. */
const SIGNER_END = 1_795_167_418

/** Confidence by registry.md section 2.5, stated apart from the implementation. */
const LEVEL: Readonly<Record<string, number>> = { OK: 1, SW_HARDENING_NEEDED: 2, GROUP_OUT_OF_DATE: 5 }
const HARMLESS = ['INTEL-SA-00334', 'INTEL-SA-00219', 'INTEL-SA-00381', 'INTEL-SA-00389']
const STATUS: Readonly<Record<string, string>> = {
  OK: 'UpToDate', SW_HARDENING_NEEDED: 'SWHardeningNeeded', CONFIGURATION_NEEDED: 'ConfigurationNeeded',
  CONFIGURATION_AND_SW_HARDENING_NEEDED: 'ConfigurationAndSWHardeningNeeded', GROUP_OUT_OF_DATE: 'OutOfDate',
}
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
      const level = levelOf(expected.quoteStatus ?? '', expected.advisoryIDs ?? [])
      const debug = expected.debug === true ? ', debug' : ''
      outcomes.record({
        name: one.id, stated: `accepted: ${expected.quoteStatus ?? ''}, confidence ${level}${debug}`, verdict,
        ok: facts.tcbStatus === STATUS[expected.quoteStatus ?? ''] && facts.confidenceLevel === level && facts.debug === expected.debug,
      })
      expect(facts.advisoryIds, one.id).toEqual(expected.advisoryIDs ?? [])
      expect(toHexPlain(facts.fields['mrEnclave'] as Uint8Array)).toBe(expected.mrEnclave)
      expect(toHexPlain(facts.fields['mrSigner'] as Uint8Array)).toBe(expected.mrSigner)
      expect(toHexPlain(facts.reportData)).toBe(expected.reportData)
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
      outcomes.record({ name: `invalid: ${one.id}`, stated: 'refused: bad signature', verdict, ok: !verdict.ok && verdict.errorCode === 'ATTESTATION_REPORT_SIGNATURE_INVALID' })
    }
  })

  test('reports inside certificates of TLS end points are genuine', () => {
    for (const [name, status, at] of [['integritee-TEST4', 'ConfigurationNeeded', 1_587_899_800], ['integritee-TEST8-production', 'ConfigurationAndSWHardeningNeeded', 1_634_156_700], ['secret-hw-v2', 'SWHardeningNeeded', 1_592_217_800]] as const) {
      const verdict = verify(detectEvidence(readVectorBytes(`1-ias/ra-tls/${name}.der`)).evidence, at)
      outcomes.record({ name: `TLS: ${name}`, stated: `accepted: ${status}`, verdict, ok: verdict.ok && verdict.facts.tcbStatus === status })
    }
  })

  test('reports inside certificates of TLS end points that were altered are refused for that', () => {
    const outcome = (name: string): string => {
      const verdict = verify(detectEvidence(readVectorBytes(`1-ias/invalid/integritee-${name}.der`)).evidence, 1_560_775_600)
      outcomes.record({ name: `invalid: TLS ${name}`, stated: 'refused', verdict, ok: !verdict.ok })
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
      outcomes.record({ name: `invalid: ${name}`, stated: 'refused', verdict, ok: !verdict.ok })
    }
    expect(codeOf(() => parseCertificate(readVectorBytes('1-ias/invalid/integritee-cert_too_short1.der')))).toBe('ATTESTATION_DER_TRUNCATED')
  })

  test('a report of somebody else\'s simulator does not reach the pinned root', () => {
    const sample = readVectorJson<{ avr: string; signature: string; signing_cert: string }>('1-ias/simulated/lcp-sim-002-001-avr.json')
    const one = { id: 'simulated', report: sample.avr, signatureBase64: sample.signature, signingCertDerBase64: sample.signing_cert, expected: { signatureValid: true } }
    const verdict = verify(toIasEvidence(one), 1_718_461_090)
    outcomes.record({ name: 'simulated: lcp', stated: 'refused: no root of the vendor', verdict, ok: !verdict.ok })
  })

  test('files as published are recognised, and are the cases made from them', () => {
    for (const [file, id] of [['lcp-001-avr', 'ias-lcp-2024-06-15-3c9031'], ['phala-crates-ias_attestation', 'ias-phala-2023-10-18-e5efd0'], ['phala-pallets-ias_attestation', 'ias-phala-2021-09-12-6fdd11']] as const) {
      const one = iasCases('.').find((other) => other.id === id) as IasCase
      const { evidence } = detectEvidence(readVectorBytes(`1-ias/original/${file}.json`))
      expect(evidence, file).toEqual(toIasEvidence(one))
      expect(detectEvidence(readVectorBytes(`1-ias/${id}.json`))).toEqual({ kind: 'SgxIas', evidence, form: 'json' })
      const verdict = verify(evidence, one.verifyAt ?? 0)
      outcomes.record({ name: `original: ${file}`, stated: `accepted: ${one.expected.quoteStatus ?? ''}`, verdict, ok: verdict.ok && verdict.facts.tcbStatus === STATUS[one.expected.quoteStatus ?? ''] })
    }
  })

  test('reports that nobody signed are no evidence', () => {
    for (const name of ['config', 'config_sw_334_615', 'ok']) expect(codeOf(() => detectEvidence(readVectorBytes(`1-ias/parse-only/mobilecoin-ias_${name}.json`)))).toBe('ATTESTATION_EVIDENCE_UNKNOWN')
  })

  test('only the pinned root counts', () => {
    const one = iasCases('.')[0] as IasCase
    expect(codes(verify(toIasEvidence(one), one.verifyAt ?? 0, { roots: [] }))).toContain('ATTESTATION_ROOT_UNKNOWN')
    expect(verify(toIasEvidence(one), one.verifyAt ?? 0, { roots: [iasRoot] }).ok).toBe(true)
  })
})
