/** SGX cases by others: genuine quotes with collateral, at their times, tampered, and of other test roots; one table of all. */
import { afterAll, expect, test } from 'vitest'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { codeOf } from '@phalanx/primitives/testing'
import { describeVectors, readVectorBytes, readVectorJson } from '../../../tools/vectors.ts'
import { SgxV30QuoteCollateral, dcapRoot, referencePolicy, verifyEvidence, type AttestationErrorCode, type AttestationPolicy, type Verdict } from '../src/index.ts'
import { parseQeIdentity } from '../src/kinds/dcap/qe-identity.ts'
import { parseQuote } from '../src/kinds/dcap/quote.ts'
import { BASE_CASE, dcapCase, dcapCases, genuinePckList, openEnvelope, readVectorText, toCollateral, type CaseCollateral } from './cases.ts'
import { crypto, failureCodes, recordCase, recordTampered, recordTimeVariants, verify, withGenuineList } from './dcap-outcomes.ts'
import { createOutcomes } from './outcomes.ts'

const outcomes = createOutcomes('SGX DCAP')
afterAll(() => {
  outcomes.print()
})

describeVectors('SGX cases', () => {
  test('come out as stated, at their time', () => {
    const cases = dcapCases('cases')
    expect(cases.length).toBeGreaterThanOrEqual(41)
    for (const one of cases) recordCase(outcomes, one)
  })

  test('a chain that the case calls broken fails in the chain', () => {
    for (const original of dcapCases('cases').filter(({ expected }) => expected.signatures?.chain === false)) {
      const { one, changes } = withGenuineList(original)
      const chain = verify(one, one.verifyAt, changes).tree.children.find(({ name }) => name === 'PCK chain')
      expect(chain?.result, one.id).toBe('fail')
    }
  })

  test('a list of another authority under the same name is refused by its key', () => {
    const foreign = dcapCases('cases').filter((one) => withGenuineList(one).remark !== '')
    expect(foreign.length).toBeGreaterThan(0)
    for (const one of foreign) expect(failureCodes(verify(one, one.verifyAt)), one.id).toEqual(expect.arrayContaining(['ATTESTATION_CRL_ISSUER_MISMATCH', 'ATTESTATION_CRL_SIGNATURE_INVALID']))
  })

  test('are refused at every time outside a window', () => {
    const count = dcapCases('cases').reduce((sum, one) => sum + recordTimeVariants(outcomes, one), 0)
    expect(count).toBeGreaterThanOrEqual(100)
  })

  test('with TCB info of version 2 have the stated levels', () => {
    for (const original of dcapCases('cases-tcbinfo-v2')) {
      recordCase(outcomes, original)
      const judged = withGenuineList(original)
      const verdict = verify(judged.one, judged.one.verifyAt, judged.changes)
      const facts = verdict.ok ? verdict.facts : verdict.claims
      expect(facts.tcbStatus).toBe(judged.one.expected.tcbEvaluation?.platform)
      expect(failureCodes(verdict).filter((code) => code !== 'ATTESTATION_DEBUG_ENCLAVE')).toEqual([])
    }
  })
})

describeVectors('tampered SGX forms', () => {
  test('are all refused', () => {
    expect(recordTampered(outcomes, BASE_CASE)).toBeGreaterThanOrEqual(23)
  })

  test('a quote whose certificate chain was corrupted is refused', () => {
    const quote = readVectorBytes('2-dcap/invalid/fortanix-quote_pck_cert_chain_corrupted.bin')
    const base = dcapCase(BASE_CASE)
    const verdict = verify({ quoteHex: toHexPlain(quote), collateral: base.collateral }, base.verifyAt)
    outcomes.record({ name: 'fortanix-quote_pck_cert_chain_corrupted', stated: 'refused', verdict, ok: !verdict.ok })
    expect(verdict.tree.children.find(({ name }) => name === 'PCK chain')?.result).toBe('fail')
  })

  test('QE identities that lack a field are refused, complete ones are read', () => {
    const fields = ['attributes', 'id', 'issuedate', 'isvsvn', 'miscselect', 'mrsigner', 'nextupdate', 'tcb_date', 'tcb_levels', 'tcb_status']
    const inner = /"enclaveIdentity":\s*([\s\S]*?)(?:,\s*"signature"[\s\S]*|\}\s*)$/
    const parse = (name: string) => parseQeIdentity(inner.exec(readVectorText(`2-dcap/invalid/qe-identity-json/qe_identity_${name}.json`))?.[1] ?? '')
    for (const field of fields) {
      // The file without isvsvn is no JSON at all.
      expect(codeOf(() => parse(`missing_${field}`)), field).toBe(field === 'isvsvn' ? 'ATTESTATION_JSON_MALFORMED' : 'ATTESTATION_JSON_FIELD')
    }
    expect(parse('ok').id).toBe('QE')
    expect(parse('with_advisoryids').levels.some(({ advisoryIds }) => advisoryIds.length > 0)).toBe(true)
  })
})

describeVectors('published files and outcomes of others', () => {
  test('the original files give the outcome of the case made from them', () => {
    const base = dcapCase(BASE_CASE)
    const collateral = readVectorJson<CaseCollateral>('2-dcap/original/dcap-qvl-sgx_quote_collateral.json')
    const quoteHex = toHexPlain(readVectorBytes('2-dcap/original/dcap-qvl-sgx_quote'))
    const verdict = verify({ quoteHex, collateral }, base.verifyAt)
    outcomes.record({ name: 'original dcap-qvl-sgx_quote', stated: `accepted: ${base.expected.tcbStatus ?? ''}`, verdict, ok: verdict.ok && verdict.facts.tcbStatus === base.expected.tcbStatus })
  })

  test('the reference\'s golden sample has its runtime hash, status and confidence', () => {
    const quoteHex = toHexPlain(readVectorBytes('2-dcap/original/phala-dcap_quote'))
    const value = SgxV30QuoteCollateral.decode(readVectorBytes('2-dcap/original/phala-dcap_quote_collateral.scale'))
    const one = dcapCase('v3-sgx-phala-scale-collateral-2023-11')
    expect(value).toEqual(toCollateral(one.collateral).value)
    const at = (nowSeconds: number): Verdict =>
      verifyEvidence({ evidence: { kind: 'SgxDcap', value: { quote: parseHex(quoteHex), collateral: { kind: 'SgxV30', value } } }, policy: referencePolicy(), nowSeconds, crypto })
    const verdict = at(one.verifyAt)
    if (!verdict.ok) throw new Error(verdict.errorCode)
    expect(toHexPlain(verdict.facts.measurement)).toBe('33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb00000000815f42f11cf64430c30bab7816ba596a1da0130c3b028b673133a66cf9a3e0e6')
    outcomes.record({ name: 'original phala-dcap_quote (golden sample)', stated: `accepted: ${one.expected.tcbStatus ?? ''}`, verdict, ok: verdict.facts.tcbStatus === one.expected.tcbStatus })
    expect(new TextDecoder().decode(verdict.facts.reportData).replace(/\0+$/, '')).toBe('Hello, world!')
    expect(verdict.facts.confidenceLevel).toBe(4)
    // The reference's own test runs before the collateral was issued and passes there only because it ignores issue dates.
    expect(failureCodes(at(1_699_301_000))).toContain('ATTESTATION_TCB_INFO_NOT_YET_VALID')
  })

  interface OasisOutcome {
    readonly at?: number
    readonly expect: string
    readonly policy?: string
    readonly change?: string
  }

  /** The set has no revocation lists; the nearest genuine ones are taken, and the policy bears with their age. */
  const oasisCollateral = (at: number): { collateral: CaseCollateral; graceSeconds: number } => {
    const tcb = openEnvelope(readVectorText('2-dcap/oasis/tcb_info_v3_fmspc_00606A000000.json'), 'tcbInfo')
    const qe = openEnvelope(readVectorText('2-dcap/oasis/qe_identity_v2.json'), 'enclaveIdentity')
    const chain = readVectorText('2-dcap/oasis/tcb_info_v3_fmspc_00606A000000_certs.pem')
    const donor = dcapCases('cases').find(({ id }) => id.startsWith('v3-sgx-oasis-d2457b-2023-01-18'))?.collateral as CaseCollateral
    const list = genuinePckList(donor, at) as { hex: string; overdueSeconds: number }
    const root = readVectorJson<readonly { der: string; issuer: string; thisUpdate: number }[]>('2-dcap/crls.json').find(({ thisUpdate }) => thisUpdate === 1_650_357_078)
    return {
      collateral: {
        ...donor, tcb_info: tcb.text, tcb_info_signature: tcb.signature, tcb_info_issuer_chain: chain,
        qe_identity: qe.text, qe_identity_signature: qe.signature, qe_identity_issuer_chain: chain,
        pck_crl: list.hex, root_ca_crl: root?.der ?? '',
      },
      graceSeconds: 400 * 86_400,
    }
  }

  const OASIS_CODES: readonly [RegExp, AttestationErrorCode][] = [
    [/chain expired/, 'ATTESTATION_CERTIFICATE_EXPIRED'],
    [/not yet valid/, 'ATTESTATION_CERTIFICATE_NOT_YET_VALID'],
    [/issue date in the future/, 'ATTESTATION_QE_IDENTITY_NOT_YET_VALID'],
    [/QE identity expired/, 'ATTESTATION_QE_IDENTITY_EXPIRED'],
    [/evaluation data number/, 'ATTESTATION_EVALUATION_NUMBER_LOW'],
    [/listed/, 'ATTESTATION_FMSPC_REFUSED'],
    [/chain length/, 'ATTESTATION_PEM_MALFORMED'],
    [/TCB signature verification/, 'ATTESTATION_TCB_INFO_SIGNATURE_INVALID'],
    [/TCB info signature/, 'ATTESTATION_TCB_INFO_SIGNATURE_INVALID'],
    [/QE identity signature/, 'ATTESTATION_QE_IDENTITY_SIGNATURE_INVALID'],
  ]

  const oasisPolicy = (policy: string | undefined): Partial<AttestationPolicy> => {
    if (policy === undefined) return {}
    if (policy.startsWith('TCB validity')) return { collateralGraceSeconds: 60 * 86_400 }
    if (policy.startsWith('minimum')) return { evaluationNumberMin: 100 }
    const family = parseHex(/\[(\w+)\]/.exec(policy)?.[1] ?? '')
    return policy.includes('whitelist') ? { allowedFamilies: [family] } : { blockedFamilies: [family] }
  }

  const oasisChange = (collateral: CaseCollateral, change: string | undefined): CaseCollateral => {
    const setAt = (text: string, i: number): string => `${text.slice(0, i)}x${text.slice(i + 1)}`
    if (change === undefined) return collateral
    if (change.startsWith('no TCB')) return { ...collateral, tcb_info_issuer_chain: '' }
    if (change.startsWith('tcbInfo JSON')) return { ...collateral, tcb_info: setAt(collateral.tcb_info, 16) }
    if (change.startsWith('enclaveIdentity')) return { ...collateral, qe_identity: setAt(collateral.qe_identity, 22) }
    return { ...collateral, tcb_info_issuer_chain: readVectorText('2-dcap/oasis/tcb_info_v3_fmspc_00606A000000_certs_bad.pem') }
  }

  test('the outcomes published by oasis-core are ours', () => {
    const published = readVectorJson<{ outcomes: readonly OasisOutcome[] }>('2-dcap/oasis/outcomes.json')
    const quoteHex = toHexPlain(readVectorBytes('2-dcap/oasis/quote_v3_ecdsa_p256_pck_chain.bin'))
    for (const outcome of published.outcomes) {
      if (outcome.at === undefined) continue
      const { collateral, graceSeconds } = oasisCollateral(1_671_497_404)
      const verdict = verify({ quoteHex, collateral: oasisChange(collateral, outcome.change) }, outcome.at, { revocationGraceSeconds: graceSeconds, ...oasisPolicy(outcome.policy) })
      const code = OASIS_CODES.find(([pattern]) => pattern.test(outcome.expect))?.[1]
      // A chain signed by another key may already fail as a chain, before the document under it.
      const isReason = outcome.change?.includes('certs_bad') === true || failureCodes(verdict).includes(code)
      outcomes.record({ name: `oasis @${outcome.at} ${outcome.policy ?? outcome.change ?? ''}`, stated: outcome.expect, verdict, ok: outcome.expect === 'ok' ? verdict.ok : !verdict.ok && isReason })
    }
  })

  test('encrypted-PPID certification data is read and refused as unsupported', () => {
    for (const name of ['oasis/quote_v3_ecdsa_p256_eppid.bin', 'parse-only/fortanix-quote_raw_tcb-type3.bin', 'parse-only/quote-ppid-clear-type1.dat']) {
      const quote = readVectorBytes(`2-dcap/${name}`)
      expect([1, 3]).toContain(parseQuote(quote).authentication.certificationType)
      const verdict = verify({ quoteHex: toHexPlain(quote), collateral: dcapCase(BASE_CASE).collateral }, dcapCase(BASE_CASE).verifyAt)
      outcomes.record({ name, stated: 'parses; refused: unsupported certification data', verdict, ok: failureCodes(verdict).includes('ATTESTATION_CERTIFICATION_DATA') })
    }
  })

  test('Intel\'s sample under its own root is accepted with that root pinned, and refused under the real one', () => {
    const file = (name: string): string => `2-dcap/intel-qvl-sample-sgx/${name}`
    const tcb = openEnvelope(readVectorText(file('tcbInfo.json')), 'tcbInfo')
    const qe = openEnvelope(readVectorText(file('qeIdentity.json')), 'enclaveIdentity')
    const signChain = readVectorText(file('tcbSignChain.pem'))
    const pckChain = readVectorText(file('pckSignChain.pem'))
    const collateral: CaseCollateral = {
      pck_crl_issuer_chain: pckChain, root_ca_crl: toHexPlain(readVectorBytes(file('rootCaCrl.der'))), pck_crl: toHexPlain(readVectorBytes(file('intermediateCaCrl.der'))),
      tcb_info_issuer_chain: signChain, tcb_info: tcb.text, tcb_info_signature: tcb.signature,
      qe_identity_issuer_chain: signChain, qe_identity: qe.text, qe_identity_signature: qe.signature,
    }
    // The sample keeps its PCK certificate outside the quote; certification data is unsigned, so the chain can be put in.
    const quote = readVectorBytes(file('quote.dat'))
    const pem = new TextEncoder().encode(readVectorText(file('pckCert.pem')).trimEnd() + '\n' + pckChain)
    const head = quote.subarray(0, 436 + 576 + 2)
    const spliced = new Uint8Array([...head, 5, 0, pem.length & 0xff, (pem.length >> 8) & 0xff, 0, 0, ...pem])
    new DataView(spliced.buffer).setUint32(432, spliced.length - 436, true)
    const root = new Uint8Array(Buffer.from(readVectorText(file('trustedRootCaCert.pem')).replace(/-----[^-]+-----|\s/g, ''), 'base64'))
    const at = 1_600_000_000
    const one = { quoteHex: toHexPlain(spliced), collateral }
    const own = verify(one, at, { roots: [root], admitDebug: true })
    outcomes.record({ name: 'intel-qvl-sample-sgx', stated: 'accepted under its own root', verdict: own, ok: own.ok })
    expect(failureCodes(verify(one, at, { roots: [dcapRoot] }))).toContain('ATTESTATION_ROOT_UNKNOWN')
  })
})
