/** Cases of SEV-SNP, Nitro and NVIDIA evidence by others, each with its stated outcome, in one table. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bytesEqual, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors, readVectorBytes } from '../../../tools/vectors.ts'
import { attachCollateral, detectEvidence, formatVerdict, referencePolicy, vendorRoots, verifyEvidence, type AttestationPolicy, type AttestationReport, type Verdict } from '../src/index.ts'
import { checkManifest, parseManifest } from '../src/kinds/nvidia/manifest.ts'
import { nvidiaRimRoot } from '../src/kinds/nvidia/roots.ts'
import { parseGpuReport } from '../src/kinds/nvidia/spdm.ts'
import { createCheckRecorder, verdictOf } from '../src/verdict.ts'
import { genoaRoot, milanRoot, turinRoot } from '../src/kinds/snp/roots.ts'
import { parseCertificate } from '../src/x509/certificate.ts'
import { checkChain, parseRoots } from '../src/x509/chain.ts'
import { parsePem } from '../src/x509/pem.ts'
import { formatTable } from './cases.ts'
import { gpuExpected, gpuFile, gpuTexts, nitroCases, cutNitroEvidence, snpCases, snpCertificates, snpMoment, teeText, toNitroEvidence, toSnpEvidence } from './tee-cases.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const rows: string[][] = [['case', 'stated', 'ours', 'ok']]
afterAll(() => {
  if (rows.length > 1) console.log(`${formatTable(rows)}\n${rows.length - 1} rows, ${rows.filter((row) => row[3] === 'yes').length} as stated`)
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

describeVectors('published SEV-SNP authorities', () => {
  test.each([['milan', milanRoot], ['genoa', genoaRoot], ['turin', turinRoot]] as const)('of %s hang from the pinned root', (product, pinned) => {
    const [authority, root, lentAuthority] = snpCertificates(product)
    expect(root).toEqual(pinned)
    for (const [name, der] of [['ask', authority], ['asvk', lentAuthority]] as const) {
      const checks = createCheckRecorder()
      const shape = { certificates: [parseCertificate(der as Uint8Array), parseCertificate(pinned)], length: 2, rootPresented: true, leafIsAuthority: true, leafRole: 'SEV-' }
      const stands = checkChain(checks, shape, { roots: parseRoots([pinned], crypto), simulated: false }, crypto) !== undefined
      rows.push([`roots/${product} ${name}`, 'signed by the root', stands ? 'signed by the root' : 'refused', stands ? 'yes' : 'NO'])
      expect(stands).toBe(true)
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
    const pem = teeText('nvidia/trustee-hopper_signing_cert.pem')
    const { value } = gpuFile('hopper_evidence.json')
    const other = verify({ kind: 'Nvidia', value: { ...value, certificates: [...parsePem(pem), ...value.certificates.slice(1)] } }, GPU_MOMENT)
    record('trustee-hopper_signing_cert.pem (as leaf of another GPU)', 'another key', other, !other.ok)
    const broken = verify(gpuTexts('go-nvtrust-attestationReport.txt', 'go-nvtrust-invalidCertChain.txt'), GPU_MOMENT)
    record('go-nvtrust-invalidCertChain.txt', 'refuse', broken, !broken.ok)
  })
})

describeVectors('GPU manifests and tokens by others', () => {
  const judgeManifest = (name: string): Verdict => {
    const checks = createCheckRecorder()
    const trust = { roots: (der: Uint8Array) => parseRoots(vendorRoots.filter((one) => bytesEqual(one, der)), crypto), simulated: false }
    const found = checkManifest(checks, teeText(`nvidia/${name}`), trust, crypto)
    const lasts = found?.certificates.map(({ notAfter }) => notAfter) ?? [0]
    return verdictOf(checks.finish({ name, rule: '' }), { tcbStatus: 'UpToDate', notAfter: Math.min(...lasts), confidenceLevel: 1, lapses: [] })
  }

  test('the genuine manifest stands and the altered one does not', () => {
    const good = judgeManifest('NV_GPU_DRIVER_GH100_550.144.03.xml')
    record('NV_GPU_DRIVER_GH100_550.144.03.xml', 'signature good', good, good.ok)
    const bad = judgeManifest('incorrect_signature_driver_rim.xml')
    record('incorrect_signature_driver_rim.xml', 'refuse', bad, !bad.ok && bad.errorCode === 'ATTESTATION_MANIFEST_SIGNATURE_INVALID')
    const manifest = parseManifest(teeText('nvidia/NV_GPU_DRIVER_GH100_550.144.03.xml'))
    expect([manifest.version, manifest.product, manifest.measurements.length]).toEqual(['550.144.03', 'GH100', 64])
    expect(manifest.measurements.filter(({ active }) => active).length).toBeGreaterThan(5)
  })

  test('a genuine manifest of another driver is refused for a genuine GPU', () => {
    const { value } = gpuFile('hopper_evidence.json')
    const manifests = [teeText('nvidia/NV_GPU_DRIVER_GH100_550.144.03.xml')]
    const verdict = verify({ kind: 'Nvidia', value: { ...value, collateral: { kind: 'Nvidia', value: { manifests } } } }, GPU_MOMENT)
    record('hopper_evidence.json with the manifest of another driver', 'refuse', verdict, !verdict.ok && verdict.errorCode === 'ATTESTATION_REFERENCE_MISMATCH')
  })

  test('no byte of a manifest can change', { timeout: 900_000 }, () => {
    const text = teeText('nvidia/NV_GPU_DRIVER_GH100_550.144.03.xml')
    const pinned = parseRoots([nvidiaRimRoot], crypto)
    const stride = process.env['PHALANX_LONG'] === '1' ? 1 : 211
    const stands = (altered: string): boolean => checkManifest(createCheckRecorder(), altered, { roots: () => pinned, simulated: false }, crypto) !== undefined
    for (let at = 0; at < text.length; at += stride) {
      // Space between attributes and line breaks inside base64 are not content.
      if (' \n'.includes(text[at] ?? '')) continue
      const altered = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
      if (stands(altered)) expect.unreachable(`accepted a manifest with character ${at} altered`)
    }
    expect(stands(text)).toBe(true)
  })

  test('a detached token names the digest of the claims beside it; its key is not among the files, so its signature is not judged', () => {
    const [[, overall], submodules] = JSON.parse(teeText('nvidia/hopperClaimsv3_detached_eat.json')) as [[string, string], Record<string, string>]
    const claimsOf = (token: string): any => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    const token = submodules['GPU-0'] ?? ''
    expect(claimsOf(overall).submods['GPU-0'][1][1]).toBe(toHexPlain(crypto.sha256(utf8(token))))
    expect(claimsOf(token)).toEqual((JSON.parse(teeText('nvidia/hopperClaimsv3_decoded.json')) as Record<string, unknown>)['GPU-0'])
    expect(claimsOf(token).eat_nonce).toBe(gpuExpected().find(({ file }) => file === 'hopper_evidence_cert_hold.json')?.requestNonce)
    rows.push(['hopperClaimsv3_detached_eat.json', 'digest of claims', 'equal; signature not judged (no key given)', 'yes'])
  })

  test('the published parse of a report agrees with what is read', () => {
    const stated = JSON.parse(teeText('nvidia/spdm_parsed_output.json')) as { NumberOfBlocks: number; MeasurementRecordLength: number }
    const { measurements, at, fields } = parseGpuReport(gpuFile('hopper_evidence.json').value.report)
    expect([measurements.length, at.measurements.length]).toEqual([stated.NumberOfBlocks, stated.MeasurementRecordLength])
    expect(fields.get(12)?.length).toBe(256)
    rows.push(['spdm_parsed_output.json', 'form of a report', 'equal form (its report is not among the files)', 'yes'])
  })
})

describeVectors('files of other kinds', () => {
  const detected = (name: string): AttestationReport => detectEvidence(readVectorBytes(`3-other-tee/${name}`)).evidence

  test('are recognised as they are published, as JSON and raw, and completed from a second file', () => {
    for (const one of snpCases().filter(({ chainPem }) => chainPem.length === 2)) {
      expect(detected(`amd-sev-snp/${one.id}.json`)).toEqual(toSnpEvidence(one))
      const { report, endorsement } = toSnpEvidence(one).value
      const raw = detectEvidence(report)
      expect(raw).toEqual({ kind: 'SevSnp', form: 'binary', evidence: { kind: 'SevSnp', value: { report, endorsement: new Uint8Array(0), collateral: undefined } } })
      expect(attachCollateral(raw.evidence, utf8([one.vcekOrVlekPem, ...one.chainPem].map((pem) => pem.trim()).join('\n')))).toEqual(toSnpEvidence(one))
      expect(attachCollateral({ kind: 'SevSnp', value: { report, endorsement, collateral: undefined } }, utf8(one.chainPem.map((pem) => pem.trim()).join('\n')))).toEqual(toSnpEvidence(one))
    }
    for (const one of nitroCases()) {
      expect(detected(`aws-nitro/${one.id}.json`)).toEqual(cutNitroEvidence(one))
      expect(detectEvidence(toNitroEvidence(one).value.document)).toMatchObject({ kind: 'Nitro', form: 'binary' })
    }
    for (const name of ['hopper_evidence.json', 'hopper_evidence_cert_hold.json']) expect(detected(`nvidia/${name}`)).toEqual(gpuFile(name))
    const bare = detected('nvidia/go-nvtrust-attestationReport.txt')
    expect(attachCollateral(bare, utf8(teeText('nvidia/go-nvtrust-gpuAkCertChain.txt')))).toEqual(gpuTexts('go-nvtrust-attestationReport.txt', 'go-nvtrust-gpuAkCertChain.txt'))
    const manifest = teeText('nvidia/NV_GPU_DRIVER_GH100_550.144.03.xml')
    expect(attachCollateral(bare, utf8(manifest))).toMatchObject({ value: { collateral: { value: { manifests: [manifest.trim()] } } } })
  })
})
