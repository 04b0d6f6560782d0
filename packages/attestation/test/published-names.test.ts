/**
 * The peer's published cases: names and errors only, as its own samples are made with throw-away keys. Each is made here by the
 * simulated vendor and must come out as the name states.
 */
import { afterAll, expect, test } from 'vitest'
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import { referencePolicy, verifyEvidence, type AttestationReport, type SgxV30QuoteCollateral, type Verdict } from '../src/index.ts'
import { deriveIssuer } from '../src/kinds/simulated/certificates.ts'
import { createSimulatedVendor, type CollateralOptions, type GuestQuoteOptions, type PlatformOptions, type QuoteOptions } from '../src/kinds/simulated-vendor.ts'
import { formatPem, parsePem } from '../src/x509/pem.ts'
import { createOutcomes } from './outcomes.ts'

const NOW = 1_790_000_000
const DAY = 86_400
const SEED = new Uint8Array(32).fill(7)
const crypto = await loadCrypto()
const vendor = createSimulatedVendor({ seed: SEED, crypto })
const signing = deriveIssuer(SEED, 'tcb signing', 'Simulated SGX TCB Signing', crypto)
const outcomes = createOutcomes('Published names')
afterAll(() => {
  outcomes.print()
})

type Edit = (value: SgxV30QuoteCollateral) => Partial<SgxV30QuoteCollateral>

interface Setup {
  readonly platform?: Partial<PlatformOptions>
  readonly enclave?: Partial<QuoteOptions>
  readonly guest?: Partial<GuestQuoteOptions>
  readonly collateral?: Partial<CollateralOptions>
  readonly editQuote?: (quote: Uint8Array) => Uint8Array
  readonly edit?: Edit
  readonly now?: number
}

/** Documents with words replaced and signed again, so that only their content is at fault. */
const rewrite = (name: 'tcbInfo' | 'qeIdentity', change: (text: string) => string): Edit => (value) => {
  const text = change(value[name])
  expect(text, 'the change changes something').not.toBe(value[name])
  return { [name]: text, [`${name}Signature`]: crypto.p256.sign(signing.secret, utf8(text)) }
}

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte))
const setAt = (at: number, value: number) => (quote: Uint8Array): Uint8Array => quote.map((byte, i) => (i === at ? value : byte))
const leafOnly = (pem: string): string => formatPem(parsePem(pem).slice(0, 1))
/** A chain whose first certificate is an authority. */
const authorityFirst = (value: SgxV30QuoteCollateral): string => value.pckCrlIssuerChain

const judge = (tee: 'SGX' | 'TDX', setup: Setup): Verdict => {
  const platform = vendor.platform({ id: 'one', ...setup.platform })
  const made = tee === 'TDX'
    ? platform.guestQuote({ report: { mrTd: new Uint8Array(48) }, reportData: new Uint8Array(1), ...setup.guest })
    : platform.quote({ report: { mrEnclave: new Uint8Array(32), mrSigner: new Uint8Array(32) }, reportData: new Uint8Array(1), ...setup.enclave })
  const { value } = vendor.collateral({ nowSeconds: NOW, tee, ...setup.collateral })
  const evidence: AttestationReport = {
    kind: tee === 'TDX' ? 'Tdx' : 'SgxDcap',
    value: { quote: setup.editQuote?.(made) ?? made, collateral: { kind: 'SgxV30', value: { ...value, ...setup.edit?.(value) } } },
  }
  return verifyEvidence({ evidence, policy: referencePolicy({ simulated: true, roots: [vendor.rootCertificate] }), nowSeconds: setup.now ?? NOW, crypto })
}

const attributes = (hex: readonly number[]): Setup => ({ guest: { report: { mrTd: new Uint8Array(48), tdAttributes: Uint8Array.from(hex) } } })
const sgx = (setup: Setup = {}) => (): Verdict => judge('SGX', setup)
const tdx = (setup: Setup = {}) => (): Verdict => judge('TDX', setup)
/** Components 1, 2, 3 asked of a platform that has 1, 3, 2 would need distinct SVNs; one component above the platform's is the same rule. */
const oneHigher = rewrite('tcbInfo', (text) => text.replaceAll(/"sgxtcbcomponents":\[\{"svn":\d+\}/g, '"sgxtcbcomponents":[{"svn":99}'))
const guestHigher = rewrite('tcbInfo', (text) => text.replaceAll(/"tdxtcbcomponents":\[(\{"svn":\d+\},\{"svn":\d+\}),\{"svn":\d+\}/g, '"tdxtcbcomponents":[$1,{"svn":99}'))

const CASES: Readonly<Record<string, () => Verdict>> = {
  valid_sgx_v3: sgx(),
  valid_tdx_v4: tdx(),
  invalid_quote_v5: sgx({ editQuote: setAt(0, 5) }),
  tdx_missing_components: tdx({ edit: rewrite('tcbInfo', (text) => text.replaceAll('tdxtcbcomponents', 'others')) }),
  tdx_qe_identity_id_mismatch: tdx({ edit: rewrite('qeIdentity', (text) => text.replace('"TD_QE"', '"QE"')) }),
  tdx_debug_enabled: tdx({ guest: { debug: true } }),
  tdx_sept_ve_disabled: tdx(attributes([0, 0, 0, 0, 0, 0, 0, 0])),
  tdx_reserved_bits_set: tdx(attributes([0, 1, 0, 0x10, 0, 0, 0, 0])),
  tdx_pks_enabled: tdx(attributes([0, 0, 0, 0x50, 0, 0, 0, 0])),
  tdx_kl_enabled: tdx(attributes([0, 0, 0, 0x90, 0, 0, 0, 0])),
  debug_sgx_v3: sgx({ enclave: { debug: true } }),
  invalid_quote_format: sgx({ editQuote: () => utf8('no quote') }),
  truncated_quote: sgx({ editQuote: (quote) => quote.subarray(0, 600) }),
  'unsupported_version_{}': sgx({ editQuote: setAt(0, 2) }),
  'unsupported_key_type_{}': sgx({ editQuote: setAt(2, 3) }),
  tcb_expired: sgx({ now: NOW + 40 * DAY }),
  tcb_issue_date_future: sgx({ now: NOW - 3 * DAY }),
  sgx_tcb_id_mismatch: sgx({ edit: rewrite('tcbInfo', (text) => text.replace('"id":"SGX"', '"id":"TDX"')) }),
  invalid_tcb_json: sgx({ edit: rewrite('tcbInfo', () => '{ invalid') }),
  sgx_component_svn_mismatch: sgx({ edit: oneHigher }),
  tdx_component_svn_mismatch: tdx({ edit: guestHigher }),
  component_svn_all_higher: sgx({ edit: rewrite('tcbInfo', (text) => text.replaceAll(/"svn":\d+/g, '"svn":0')) }),
  short_tcb_chain: sgx({ edit: (value) => ({ tcbInfoIssuerChain: leafOnly(value.tcbInfoIssuerChain) }) }),
  invalid_cert_format: sgx({ edit: () => ({ tcbInfoIssuerChain: 'no certificate' }) }),
  invalid_tcb_signature: sgx({ edit: (value) => ({ tcbInfoSignature: flip(value.tcbInfoSignature) }) }),
  fmspc_mismatch: sgx({ edit: rewrite('tcbInfo', (text) => text.replace('"fmspc":"51', '"fmspc":"52')) }),
  qe_report_hash_mismatch: sgx({ enclave: { fault: 'binding' } }),
  invalid_qe_report_signature: sgx({ enclave: { fault: 'qeReportSignature' } }),
  invalid_quote_signature: sgx({ enclave: { fault: 'quoteSignature' } }),
  qe_identity_expired: sgx({ now: NOW + 40 * DAY }),
  qe_identity_issue_date_future: sgx({ now: NOW - 3 * DAY }),
  invalid_qe_identity_json: sgx({ edit: rewrite('qeIdentity', () => '{ invalid') }),
  short_qe_identity_chain: sgx({ edit: (value) => ({ qeIdentityIssuerChain: leafOnly(value.qeIdentityIssuerChain) }) }),
  invalid_qe_identity_signature: sgx({ edit: (value) => ({ qeIdentitySignature: flip(value.qeIdentitySignature) }) }),
  qe_mrsigner_mismatch: sgx({ enclave: { fault: 'foreignQe' } }),
  qe_isvprodid_mismatch: sgx({ edit: rewrite('qeIdentity', (text) => text.replace(/"isvprodid":\d+/, '"isvprodid":9')) }),
  qe_miscselect_mismatch: sgx({ edit: rewrite('qeIdentity', (text) => text.replace('"miscselect":"00000000"', '"miscselect":"00000001"')) }),
  qe_attributes_mismatch: sgx({ edit: rewrite('qeIdentity', (text) => text.replace('"attributes":"11', '"attributes":"19')) }),
  qe_debug_enabled: sgx({ enclave: { fault: 'qeDebug' } }),
  unknown_tcb_status: sgx({ edit: rewrite('tcbInfo', (text) => text.replace(/"tcbLevels":\[.*\]\}$/, '"tcbLevels":[]}')) }),
  revoked_platform_tcb: sgx({ platform: { svn: 4 } }),
  revoked_qe_tcb: sgx({ platform: { qeIsvSvn: 1 } }),
  cert_type_5_with_pck_chain: sgx(),
  cert_type_3_without_pck_chain: sgx({ editQuote: (quote) => concatBytes(quote.subarray(0, 436 + 576 + 2 + 32), Uint8Array.of(3), quote.subarray(436 + 576 + 2 + 33)) }),
  ca_used_as_end_entity_tcb: sgx({ edit: (value) => ({ tcbInfoIssuerChain: authorityFirst(value) }) }),
  ca_used_as_end_entity_qe: sgx({ edit: (value) => ({ qeIdentityIssuerChain: authorityFirst(value) }) }),
}

/** Names on which we differ, each with the reason. */
const DIFFERENT: Readonly<Record<string, readonly [() => Verdict, string]>> = {
  invalid_sgx_v4: [sgx({ enclave: { version: 4 } }), 'version 4 is a form of the vendor for SGX too, and read here'],
  cert_type_3_with_pck_chain: [CASES['cert_type_3_without_pck_chain'] as () => Verdict, 'the chain must be in the quote: collateral is shared by many machines and carries none'],
}

describeVectors('the peer\'s published cases', () => {
  test('come out as their names state', () => {
    const { cases } = readVectorJson<{ cases: readonly { name: string; expected: 'accept' | 'reject'; expectedError: string | null }[] }>('2-dcap/invalid/dcap-qvl-published-negative-cases.json')
    for (const { name, expected, expectedError } of cases) {
      const stated = expected === 'accept' ? 'accepted' : `refused: ${expectedError ?? ''}`
      const different = DIFFERENT[name]
      if (different !== undefined) {
        const verdict = different[0]()
        outcomes.record({ name, stated, verdict, ok: verdict.ok !== (expected === 'accept'), count: 'differs', remark: different[1] })
        continue
      }
      const make = CASES[name]
      if (make === undefined) throw new Error(`no case is made for ${name}`)
      const verdict = make()
      outcomes.record({ name, stated, verdict, ok: verdict.ok === (expected === 'accept') })
    }
    expect(cases.length).toBeGreaterThanOrEqual(48)
  })
})
