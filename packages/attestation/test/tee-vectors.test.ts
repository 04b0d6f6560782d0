/** Cases of SEV-SNP, Nitro and NVIDIA evidence by others, each with its stated outcome, in one table. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors } from '../../../tools/vectors.ts'
import { formatVerdict, referencePolicy, verifyEvidence, type AttestationPolicy, type AttestationReport, type Verdict } from '../src/index.ts'
import { formatTable } from './cases.ts'
import { snpCases, snpMoment, toSnpEvidence } from './tee-cases.ts'

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
