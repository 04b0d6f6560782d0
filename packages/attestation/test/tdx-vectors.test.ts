/** TDX cases by others, quotes of versions 4 and 5: at their times, out of them, tampered, and as published; one table of all. */
import { afterAll, expect, test } from 'vitest'
import { parseHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { describeVectors, readVectorBytes, readVectorJson } from '../../../tools/vectors.ts'
import { attachCollateral, detectEvidence, prepareCollateral, referencePolicy, verifyEvidence, type AttestationReport } from '../src/index.ts'
import { parseQuote } from '../src/kinds/dcap/quote.ts'
import { TDX_CASES, dcapCase, dcapCases, toCollateral, toEvidence, type CaseCollateral } from './cases.ts'
import { crypto, failureCodes, recordCase, recordTampered, recordTimeVariants, verify } from './dcap-outcomes.ts'
import { createOutcomes } from './outcomes.ts'

const outcomes = createOutcomes('TDX')
afterAll(() => {
  outcomes.print()
})

describeVectors('TDX cases', () => {
  test('come out as stated, at their time', () => {
    const cases = dcapCases('cases', 'tdx')
    expect(cases.length).toBeGreaterThanOrEqual(30)
    expect(new Set(cases.map(({ quoteHex }) => parseQuote(parseHex(quoteHex)).bodyKind))).toEqual(new Set(['guest10', 'guest15']))
    for (const one of cases) recordCase(outcomes, one)
  })

  test('are refused at every time outside a window', () => {
    const count = dcapCases('cases', 'tdx').reduce((sum, one) => sum + recordTimeVariants(outcomes, one), 0)
    expect(count).toBeGreaterThanOrEqual(60)
  })

  test('a quote is told from SGX quotes by itself, and collateral judged before gives the same verdict', () => {
    for (const one of dcapCases('cases', 'tdx')) {
      const quote = parseHex(one.quoteHex)
      expect(detectEvidence(quote)).toEqual({ kind: 'Tdx', evidence: { kind: 'Tdx', value: { quote, collateral: undefined } }, form: 'binary' })
      const policy = referencePolicy()
      const prepared = prepareCollateral(toCollateral(one.collateral).value, policy, crypto)
      const bare: AttestationReport = { kind: 'Tdx', value: { quote, collateral: undefined } }
      expect(verifyEvidence({ evidence: bare, policy, nowSeconds: one.verifyAt, crypto, prepared })).toEqual(verify(one, one.verifyAt))
    }
  })

  test('a guest\'s quote does not pass as an enclave\'s, nor an enclave\'s as a guest\'s', () => {
    const guest = dcapCase(TDX_CASES[0])
    const asEnclave = verifyEvidence({ evidence: { kind: 'SgxDcap', value: { quote: parseHex(guest.quoteHex), collateral: toCollateral(guest.collateral) } }, policy: referencePolicy(), nowSeconds: guest.verifyAt, crypto })
    expect(failureCodes(asEnclave)).toContain('ATTESTATION_TEE_TYPE')
    const enclave = dcapCases('cases').find(({ expected }) => expected.accepted === true)
    if (enclave === undefined) throw new Error('no case')
    const asGuest = verifyEvidence({ evidence: { kind: 'Tdx', value: { quote: parseHex(enclave.quoteHex), collateral: toCollateral(enclave.collateral) } }, policy: referencePolicy(), nowSeconds: enclave.verifyAt, crypto })
    expect(failureCodes(asGuest)).toContain('ATTESTATION_TEE_TYPE')
  })
})

describeVectors('tampered TDX forms', () => {
  test.each(TDX_CASES)('of %s are all refused', (id) => {
    expect(recordTampered(outcomes, id)).toBeGreaterThanOrEqual(23)
  })
})

describeVectors('published TDX files', () => {
  test('the original files give the outcome of the case made from them', () => {
    const base = dcapCase(TDX_CASES[0])
    const collateral = readVectorJson<CaseCollateral>('2-dcap/original/dcap-qvl-tdx_quote_collateral.json')
    // The published file has 70 bytes of padding behind the quote: a file is cut there, while evidence on a chain may carry none.
    const file = readVectorBytes('2-dcap/original/dcap-qvl-tdx_quote')
    expect(failureCodes(verify({ quoteHex: toHexPlain(file), collateral }, base.verifyAt))).toEqual(['ATTESTATION_QUOTE_TRAILING_BYTES'])
    const evidence = attachCollateral(detectEvidence(file).evidence, utf8(JSON.stringify(collateral)))
    const verdict = verifyEvidence({ evidence, policy: referencePolicy(), nowSeconds: base.verifyAt, crypto })
    outcomes.record({ name: 'original dcap-qvl-tdx_quote', stated: `accepted: ${base.expected.tcbStatus ?? ''}`, verdict, ok: verdict.ok && verdict.facts.tcbStatus === base.expected.tcbStatus })
  })

  test('the measurement names the guest: the same for two quotes of one guest, another for every changed register', () => {
    const measure = (id: string): string => {
      const verdict = verify(dcapCase(id), dcapCase(id).verifyAt)
      return verdict.ok ? toHexPlain(verdict.facts.measurement) : verdict.errorCode
    }
    const [first, later, other] = ['v4-tdx-dcapqvl-f1c850-2025-06-19-uptodate', 'v4-tdx-dcapqvl-f1c850-2026-08-13-outofdate', 'v5-tdx-gotdx-cf77a6-2026-02-18-uptodate'].map(measure)
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(later).toBe(first)
    expect(other).not.toBe(first)
  })

  test('an allow list may name the guest with or without its run-time register', () => {
    const one = dcapCase(TDX_CASES[0])
    const verdict = verify(one, one.verifyAt)
    if (!verdict.ok) throw new Error(verdict.errorCode)
    const { measurement, bootMeasurement } = verdict.facts
    for (const listed of [measurement, bootMeasurement as Uint8Array]) {
      const again = verifyEvidence({ evidence: toEvidence(parseHex(one.quoteHex), one.collateral), policy: referencePolicy({ enforceMeasurements: true, measurements: [listed] }), nowSeconds: one.verifyAt, crypto })
      expect(again.ok && toHexPlain(again.facts.measurement)).toBe(toHexPlain(listed))
    }
    expect(failureCodes(verify(one, one.verifyAt, { enforceMeasurements: true, measurements: [new Uint8Array(32)] }))).toEqual(['ATTESTATION_MEASUREMENT_REFUSED'])
  })
})
