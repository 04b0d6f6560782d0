import { describe, expect, test } from 'vitest'
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AttestationReport, OptionalAttestationReport, referencePolicy } from './kinds/index.ts'
import { createSimulatedVendor } from './kinds/simulated-vendor.ts'
import { Collateral } from './kinds/dcap/wire.ts'
import { formatVerifiedFile, verifiedFileToJson, verifyFile, type VerifiedFile } from './verify-file.ts'

const NOW = 1_790_000_000
const crypto = await loadCrypto()
const vendor = createSimulatedVendor({ seed: new Uint8Array(32).fill(3), crypto })
const policy = referencePolicy({ simulated: true, roots: [vendor.rootCertificate] })
const reportData = new Uint8Array(64).map((_, i) => i)
const platform = vendor.platform({ id: 'a' })
const quote = (debug = false): Uint8Array => platform.quote({ report: { mrEnclave: new Uint8Array(32).fill(1), mrSigner: new Uint8Array(32).fill(2) }, reportData, debug })
const collateral = vendor.collateral({ nowSeconds: NOW })
const whole = (debug = false): Uint8Array => AttestationReport.encode({ kind: 'SgxDcap', value: { quote: quote(debug), collateral } })

const verify = (file: Uint8Array, options: { readonly collateral?: Uint8Array; readonly nowSeconds?: number; readonly reportData?: Uint8Array } = {}): VerifiedFile =>
  verifyFile({ file, policy, nowSeconds: NOW, crypto, ...options })
const codeOf = (act: () => unknown): unknown => {
  try {
    act()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return 'nothing thrown'
}

describe('a file of evidence', () => {
  test('gets the same verdict in every form', () => {
    const collateralFile = Collateral.encode(collateral)
    const files: readonly (readonly [Uint8Array, Uint8Array | undefined])[] = [
      [whole(), undefined],
      [Uint8Array.of(1, ...whole()), undefined],
      [utf8(`0x${toHexPlain(whole())}\n`), undefined],
      [quote(), collateralFile],
      [utf8(toHexPlain(quote())), collateralFile],
      [utf8(JSON.stringify({ quote: toHexPlain(quote()) })), collateralFile],
    ]
    const verdicts = files.map(([file, second]) => verify(file, second === undefined ? {} : { collateral: second }).verdict)
    for (const verdict of verdicts) expect(verdict).toEqual(verdicts[0])
    expect(verdicts[0]?.ok).toBe(true)
    expect(OptionalAttestationReport.decode(Uint8Array.of(1, ...whole()))?.kind).toBe('SgxDcap')
  })

  test('is refused without collateral, after its time and for other report data, each for its own reason', () => {
    const codes = [verify(quote()), verify(whole(), { nowSeconds: NOW + 40 * 86_400 }), verify(whole(), { reportData: new Uint8Array(32).fill(5) })].map(({ verdict }) => (verdict.ok ? '' : verdict.errorCode))
    expect(codes).toEqual(['ATTESTATION_COLLATERAL_ABSENT', expect.stringMatching(/EXPIRED$/), 'ATTESTATION_REPORT_DATA_MISMATCH'])
    expect(verify(whole(), { reportData: reportData.slice(0, 20) }).verdict.ok).toBe(true)
  })

  test('that is none, and collateral that is none, throw', () => {
    expect(codeOf(() => verify(utf8('hello')))).toBe('ATTESTATION_EVIDENCE_UNKNOWN')
    expect(codeOf(() => verify(new Uint8Array(0)))).toBe('ATTESTATION_EVIDENCE_UNKNOWN')
    expect(codeOf(() => verify(utf8('{"a":1,"a":2}')))).toBe('ATTESTATION_JSON_DUPLICATE_KEY')
    expect(codeOf(() => verify(quote(), { collateral: utf8('hello') }))).toBe('ATTESTATION_COLLATERAL_UNKNOWN')
  })
})

describe('the text for people', () => {
  test('shows every check with its rule, the bytes it looked at, and what ends first', () => {
    const file = verify(whole())
    const text = formatVerifiedFile(file)
    expect(text).toMatch(/^SgxDcap evidence \(scale\), judged for 2026-09-21T/)
    expect(text).toContain('trusted: status UpToDate, confidence 1, from a simulated vendor')
    expect(text).toMatch(/Lapses first: .+, \d{4}-/)
    expect(text).toContain('✔ version [0..2)  3')
    expect(text.match(/rule: /g)?.length).toBeGreaterThan(30)
    expect(text).not.toContain('What to do')
  })

  test('says what to do about each failure, and that claims are not facts', () => {
    const text = formatVerifiedFile(verify(whole(true), { nowSeconds: NOW + 40 * 86_400 }))
    expect(text).toContain('not trusted: ATTESTATION_')
    expect(text).toContain('not what is true')
    const failed = text.match(/^\s*✘ /gm)?.length ?? 0
    expect(failed).toBeGreaterThan(3)
    expect(text).toMatch(/What to do \([2-9]\):\n1\. .+: ATTESTATION_\w+ \(.+\)\n {3}\S.+/)
    expect(text).toMatch(/ATTESTATION_DEBUG_ENCLAVE/)
  })

  test('is painted by meaning', () => {
    const mark = (name: string) => (text: string): string => `<${name}>${text}</${name}>`
    const text = formatVerifiedFile(verify(whole(true)), { good: mark('good'), bad: mark('bad'), dim: mark('dim'), bold: mark('bold') })
    expect(text).toContain('<bad>not trusted</bad>')
    expect(text).toContain('<good>✔</good> version')
  })
})

test('the JSON says kind, form and time beside the verdict', () => {
  const json = verifiedFileToJson(verify(whole())) as Record<string, unknown>
  expect(JSON.parse(JSON.stringify(json))).toEqual(json)
  expect(json).toMatchObject({ kind: 'SgxDcap', form: 'scale', at: { seconds: NOW, iso: '2026-09-21T14:13:20Z' }, format: 1, trusted: true, failures: [] })
})
