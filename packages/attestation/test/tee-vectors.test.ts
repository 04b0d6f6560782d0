/** Cases of SEV-SNP, Nitro and NVIDIA evidence by others, each with its stated outcome, in one table. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors } from '../../../tools/vectors.ts'
import { formatVerdict, referencePolicy, verifyEvidence, type AttestationPolicy, type AttestationReport, type Verdict } from '../src/index.ts'
import { formatTable } from './cases.ts'
import { gpuExpected, gpuFile, gpuTexts, nitroCases, cutNitroEvidence, snpCases, snpMoment, toNitroEvidence, toSnpEvidence } from './tee-cases.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const rows: string[][] = [['case', 'stated', 'ours', 'ok']]
afterAll(() => {
  if (rows.length > 1) console.log(formatTable(rows))
})

const describeVerdict = (verdict: Verdict): string => (verdict.ok ? `accepted, ${verdict.facts.tcbStatus}` : `refused: ${verdict.errorCode.slice(12)}`)

const record = (name: string, stated: string, verdict: Verdict, ok: boolean): void => {
  rows.push([name, stated, describeVerdict(verdict), ok ? 'yes' : 'NO'])
  expect(ok, `${name}: ${formatVerdict(verdict)}`).toBe(true)
}

const verify = (evidence: AttestationReport, at: number, changes: Partial<AttestationPolicy> = {}): Verdict =>
  verifyEvidence({ evidence, policy: referencePolicy(changes), nowSeconds: at, crypto })

describeVectors('SEV-SNP reports by others', () => {
  test.each(snpCases().map((one) => [one.id, one] as const))('%s comes out as stated', (_id, one) => {
    const { expected } = one
    const good = expected.reportSignatureValid && expected.certChainValid
    const verdict = verify(toSnpEvidence(one), snpMoment(one), { admitDebug: expected.report.debugAllowed })
    record(one.id, good ? 'signature and chain good' : 'refuse', verdict, verdict.ok === good)
    const facts = verdict.ok ? verdict.facts : verdict.claims
    for (const name of ['familyId', 'imageId', 'measurement', 'hostData', 'idKeyDigest', 'authorKeyDigest', 'reportId', 'chipId', 'platformInfo'] as const)
      expect(toHexPlain(facts.fields?.[name] as Uint8Array)).toBe(expected.report[name])
    expect(toHexPlain(facts.reportData as Uint8Array)).toBe(expected.report.reportData)
    expect(facts.fields).toMatchObject({ version: expected.report.version, guestSvn: expected.report.guestSvn, vmpl: expected.report.vmpl, smt: expected.report.smtAllowed })
    expect(facts.debug).toBe(expected.report.debugAllowed)
    if (!expected.report.debugAllowed) return
    const strict = verify(toSnpEvidence(one), snpMoment(one))
    record(`${one.id} (debug guest, not admitted)`, 'refuse', strict, !strict.ok && strict.errorCode === 'ATTESTATION_DEBUG_ENCLAVE')
  })

  test('each holds exactly as long as its key', () => {
    for (const one of snpCases().filter(({ expected }) => expected.certChainValid)) {
      const at = (text: string, offset: number): Verdict => verify(toSnpEvidence(one), Date.parse(text) / 1000 + offset, { admitDebug: true })
      expect(at(one.expected.keyNotBefore, 0).ok).toBe(true)
      expect(at(one.expected.keyNotAfter, 0).ok).toBe(true)
      expect(at(one.expected.keyNotBefore, -1)).toMatchObject({ errorCode: 'ATTESTATION_CERTIFICATE_NOT_YET_VALID' })
      expect(at(one.expected.keyNotAfter, 1)).toMatchObject({ errorCode: 'ATTESTATION_CERTIFICATE_EXPIRED' })
    }
  })
})

describeVectors('Nitro documents by others', () => {
  test.each(nitroCases().map((one) => [one.id, one] as const))('%s comes out as stated', (_id, one) => {
    const { expected } = one
    const good = expected.coseSignatureValid && expected.chainToAwsRootValid && expected.validAtTimestamp
    const { document } = toNitroEvidence(one).value
    if (cutNitroEvidence(one).value.document.length < document.length) {
      const whole = verify(toNitroEvidence(one), one.verifyAt, { admitDebug: true })
      record(`${one.id} (with the rest of its container)`, 'refuse', whole, !whole.ok && whole.errorCode === 'ATTESTATION_CBOR_TRAILING_BYTES')
    }
    const verdict = verify(cutNitroEvidence(one), one.verifyAt, { admitDebug: expected.debugMode })
    record(one.id, good ? 'signature and chain good' : 'refuse', verdict, verdict.ok === good)
    const facts = verdict.ok ? verdict.facts : verdict.claims
    const hex = (name: string): string | null => (facts.fields?.[name] instanceof Uint8Array ? toHexPlain(facts.fields[name] as Uint8Array) || null : null)
    expect(facts.fields).toMatchObject({ moduleId: expected.moduleId, timestampMs: expected.timestamp })
    expect(Object.fromEntries(Object.keys(expected.pcrs).map((index) => [index, hex(`pcr${index}`)]))).toEqual(expected.pcrs)
    expect([hex('userData'), hex('nonce'), hex('publicKey')]).toEqual([expected.userData, expected.nonce, expected.publicKey])
    expect(facts.debug).toBe(expected.debugMode)
    if (!expected.debugMode) return
    const strict = verify(cutNitroEvidence(one), one.verifyAt)
    record(`${one.id} (debug enclave, not admitted)`, 'refuse', strict, !strict.ok && strict.errorCode === 'ATTESTATION_DEBUG_ENCLAVE')
  })

  test('each holds exactly as long as its certificate, and no longer than policy admits', () => {
    for (const one of nitroCases().filter(({ expected }) => expected.coseSignatureValid && expected.chainToAwsRootValid)) {
      const at = (seconds: number, reportAgeSecondsMax = 1_000_000): Verdict => verify(cutNitroEvidence(one), seconds, { admitDebug: true, reportAgeSecondsMax })
      const [from, until] = [Date.parse(one.expected.leafNotBefore) / 1000, Date.parse(one.expected.leafNotAfter) / 1000]
      expect(at(from).ok).toBe(true)
      expect(at(until)).toMatchObject({ ok: true, facts: { notAfter: until } })
      expect(at(from - 1)).toMatchObject({ errorCode: 'ATTESTATION_CERTIFICATE_NOT_YET_VALID' })
      expect(at(until + 1)).toMatchObject({ errorCode: 'ATTESTATION_CERTIFICATE_EXPIRED' })
      expect(at(one.verifyAt + 59, 60)).toMatchObject({ ok: true, facts: { notAfter: one.verifyAt + 59 } })
      expect(at(one.verifyAt + 60, 60)).toMatchObject({ errorCode: 'ATTESTATION_REPORT_EXPIRED' })
    }
  })
})

/** The device chains have no end; any moment after the youngest certificate serves. */
const GPU_MOMENT = Date.parse('2026-01-01T00:00:00Z') / 1000

describeVectors('GPU evidence by others', () => {
  test('comes out as stated', () => {
    for (const { file, spdmSignatureValid, deviceChainValid, requestNonce } of gpuExpected()) {
      const evidence = file.endsWith('.json') ? gpuFile(file) : gpuTexts(file, 'go-nvtrust-gpuAkCertChain.txt')
      const verdict = verify(evidence, GPU_MOMENT)
      const good = spdmSignatureValid && deviceChainValid
      record(file, good ? 'signature and chain good' : 'refuse', verdict, verdict.ok === good)
      const facts = verdict.ok ? verdict.facts : verdict.claims
      expect(toHexPlain(facts.reportData as Uint8Array)).toBe(requestNonce)
      expect(facts.fields?.['measurements']).toBe(64)
    }
    const broken = verify(gpuTexts('go-nvtrust-attestationReport.txt', 'go-nvtrust-invalidCertChain.txt'), GPU_MOMENT)
    record('go-nvtrust-invalidCertChain.txt', 'refuse', broken, !broken.ok)
  })
})
