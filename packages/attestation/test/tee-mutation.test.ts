/** No mutation of signed content verifies: one case of each kind here, a sample of its bytes; with PHALANX_LONG=1 every byte of every valid case. */
import { beforeAll, expect, test } from 'vitest'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors } from '../../../tools/vectors.ts'
import { evidenceDigest, referencePolicy, verifyEvidence, type AttestationReport } from '../src/index.ts'
import { flipAt } from './signed-parts.ts'
import { cutNitroEvidence, gpuFile, gpuTexts, nitroCases, snpCases, snpMoment, toSnpEvidence } from './tee-cases.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const isLong = process.env['PHALANX_LONG'] === '1'
/** Bytes from one mutation to the next; a prime, so that the sample meets every field. */
const STRIDE = isLong ? 1 : 13
const MASKS = isLong ? [0x01, 0x80] : [0x01]

/** One signed part of evidence and the way to put other bytes in its place. */
interface Part {
  readonly name: string
  readonly bytes: Uint8Array
  replace(bytes: Uint8Array): AttestationReport
}

const policy = referencePolicy({ admitDebug: true })

const mutateAll = (name: string, evidence: AttestationReport, nowSeconds: number, parts: readonly Part[]): void => {
  const accepts = (report: AttestationReport): boolean => verifyEvidence({ evidence: report, policy, nowSeconds, crypto }).ok
  expect(accepts(evidence), `${name} unchanged`).toBe(true)
  let count = 0
  for (const part of parts) {
    expect(accepts(part.replace(part.bytes)), `${part.name} unchanged`).toBe(true)
    for (let at = 0; at < part.bytes.length; at += STRIDE)
      for (const mask of MASKS) {
        count++
        if (accepts(part.replace(flipAt(part.bytes, at, mask)))) expect.unreachable(`${name}: accepted ${part.name} with byte ${at} ^ ${mask}`)
      }
  }
  console.log(`${name}: ${count} mutations of ${parts.length} signed parts, all refused`)
}

const some = <T>(cases: readonly T[]): readonly T[] => (isLong ? cases : cases.slice(0, 1))

describeVectors('mutated evidence of other kinds', () => {
  test('no byte of a SEV-SNP report or of a certificate above it can change', { timeout: 3_600_000 }, () => {
    for (const one of some(snpCases().filter(({ expected }) => expected.certChainValid))) {
      const evidence = toSnpEvidence(one)
      const { value } = evidence
      const chain = value.collateral?.value
      if (chain === undefined) throw new Error('the case has certificates')
      const withChain = (changes: Partial<typeof chain>): AttestationReport => ({ kind: 'SevSnp', value: { ...value, collateral: { kind: 'SevSnp', value: { ...chain, ...changes } } } })
      mutateAll(one.id, evidence, snpMoment(one), [
        { name: 'report', bytes: value.report, replace: (report) => ({ kind: 'SevSnp', value: { ...value, report } }) },
        { name: 'endorsement', bytes: value.endorsement, replace: (endorsement) => ({ kind: 'SevSnp', value: { ...value, endorsement } }) },
        { name: 'authority', bytes: chain.authority, replace: (authority) => withChain({ authority }) },
        { name: 'root', bytes: chain.root, replace: (root) => withChain({ root }) },
      ])
    }
  })

  test('no byte of a Nitro document can change', { timeout: 3_600_000 }, () => {
    for (const one of some(nitroCases().filter(({ expected }) => expected.coseSignatureValid && expected.chainToAwsRootValid))) {
      const evidence = cutNitroEvidence(one)
      mutateAll(one.id, evidence, one.verifyAt, [{ name: 'document', bytes: evidence.value.document, replace: (document) => ({ kind: 'Nitro', value: { document } }) }])
    }
  })

  test('no byte of a GPU report or of a certificate above it can change', { timeout: 3_600_000 }, () => {
    const files = [['hopper_evidence.json', gpuFile('hopper_evidence.json')], ['hopper_evidence_cert_hold.json', gpuFile('hopper_evidence_cert_hold.json')], ['go-nvtrust-attestationReport.txt', gpuTexts('go-nvtrust-attestationReport.txt', 'go-nvtrust-gpuAkCertChain.txt')]] as const
    for (const [name, evidence] of some(files)) {
      const { value } = evidence
      mutateAll(name, evidence, 1_767_225_600, [
        { name: 'report', bytes: value.report, replace: (report) => ({ kind: 'Nvidia', value: { ...value, report } }) },
        ...value.certificates.map((bytes, i): Part => ({
          name: `certificate ${i}`, bytes, replace: (altered) => ({ kind: 'Nvidia', value: { ...value, certificates: value.certificates.map((one, j) => (i === j ? altered : one)) } }),
        })),
      ])
    }
  })

  test('digests follow signed content only', () => {
    const [snp] = snpCases()
    if (snp === undefined) throw new Error('there is a case')
    const evidence = toSnpEvidence(snp)
    const digest = (report: Uint8Array): string => String(evidenceDigest(crypto, { kind: 'SevSnp', value: { ...evidence.value, report } }))
    expect(digest(flipAt(evidence.value.report, 0x2a0, 1))).toBe(digest(evidence.value.report))
    expect(digest(flipAt(evidence.value.report, 0x29f, 1))).not.toBe(digest(evidence.value.report))
  })
})
