/**
 * Every file of the outside cases, handed to `verifyFile` as somebody with `phalanx verify` would: recognised by itself, its collateral from the
 * same file or one beside it, at the case's time, with the stated outcome. A file that no row knows fails the run, so that none is left out.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { isAppError } from '@phalanx/primitives/errors'
import { toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { describeVectors, readVectorBytes, readVectorJson, vectorsDir } from '../../../tools/vectors.ts'
import { allFailures, referencePolicy, verifyFile, type AttestationPolicy, type TeeKindName } from '../src/index.ts'
import { formatTable, iasCases, readVectorText, type CaseCollateral, type DcapCase, type IasCase } from './cases.ts'
import { crypto, isAsStated, isVerifierDependent, withGenuineList } from './dcap-outcomes.ts'
import { describeVerdict } from './outcomes.ts'
import { gpuExpected, snpMoment, type NitroCase, type SnpCase } from './tee-cases.ts'

/** What a file is asked for and what must come out; `no evidence` where it holds none, with what it is. */
interface Ask {
  readonly label?: string
  readonly file: Uint8Array
  readonly collateral?: Uint8Array | undefined
  readonly at: number
  readonly policy?: Partial<AttestationPolicy>
  readonly stated: string
  readonly kind?: TeeKindName
  readonly remark?: string
  /** Undefined: two outcomes can be defended by the case's own notes. */
  readonly holds: ((outcome: Outcome) => boolean) | undefined
}
type Outcome = { readonly thrown: string } | { readonly kind: TeeKindName; readonly verdict: ReturnType<typeof verifyFile>['verdict'] }

const rows: string[][] = [['file', 'kind', 'stated', 'ours', 'ok', 'remark']]
afterAll(() => {
  if (rows.length === 1) return
  const total = (word: string): number => rows.filter((row) => row[4] === word).length
  console.log(`${formatTable(rows)}\nphalanx verify: ${rows.length - 1} rows, ${total('yes')} as stated, ${total('not judged')} not judged (their notes ask for it), ${total('NO')} otherwise`)
})

const askFor = ({ file, collateral, at, policy = {} }: Ask): Outcome => {
  try {
    const { kind, verdict } = verifyFile({ file, collateral, policy: referencePolicy(policy), nowSeconds: at, crypto })
    return { kind, verdict }
  } catch (error) {
    if (isAppError(error)) return { thrown: error.code }
    throw error
  }
}

const describeOutcome = (outcome: Outcome): string => ('thrown' in outcome ? `no evidence: ${outcome.thrown.slice('ATTESTATION_'.length)}` : describeVerdict(outcome.verdict))

const run = (name: string, ask: Ask): void => {
  const outcome = askFor(ask)
  const kind = 'thrown' in outcome ? '' : outcome.kind
  const good = (ask.holds?.(outcome) ?? !('thrown' in outcome)) && (ask.kind === undefined || kind === ask.kind)
  rows.push([`${name}${ask.label === undefined ? '' : ` (${ask.label})`}`, kind, ask.stated.slice(0, 60), describeOutcome(outcome), !good ? 'NO' : ask.holds === undefined ? 'not judged' : 'yes', ask.remark ?? ''])
  expect(good, `${name}: stated ${ask.stated}, ours ${describeOutcome(outcome)}`).toBe(true)
}

const trusted = (outcome: Outcome): boolean => !('thrown' in outcome) && outcome.verdict.ok
const refused = (outcome: Outcome): boolean => !('thrown' in outcome) && !outcome.verdict.ok
const refusedFor = (code: string) => (outcome: Outcome): boolean => !('thrown' in outcome) && allFailures(outcome.verdict.tree).some(({ errorCode }) => errorCode === code)
const asStated = (good: boolean) => (outcome: Outcome): boolean => (good ? trusted(outcome) : refused(outcome))

const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value))
const statusOf = (status: string) => (outcome: Outcome): boolean => !('thrown' in outcome) && outcome.verdict.ok && outcome.verdict.facts.tcbStatus === status

/** A file without evidence is refused with a code, never with a crash and never silently. */
const noEvidence = (name: string, what: string, code = 'ATTESTATION_EVIDENCE_UNKNOWN'): readonly Ask[] => [
  { file: readVectorBytes(name), at: 0, stated: `no evidence: ${what}`, holds: (outcome) => 'thrown' in outcome && outcome.thrown === code },
]

/** A moment of the altered EPID reports: the day of the genuine one. */
const EPID_INVALID_AT = 1_531_338_000

const EPID_STATUS: Readonly<Record<string, string>> = {
  OK: 'UpToDate', SW_HARDENING_NEEDED: 'SWHardeningNeeded', CONFIGURATION_NEEDED: 'ConfigurationNeeded',
  CONFIGURATION_AND_SW_HARDENING_NEEDED: 'ConfigurationAndSWHardeningNeeded', GROUP_OUT_OF_DATE: 'OutOfDate',
}

const iasRow = (name: string): readonly Ask[] => {
  const one = readVectorJson<IasCase>(name)
  const { quoteStatus = '', debug = false } = one.expected
  const stated = `accepted: ${quoteStatus}`
  const whole = { file: readVectorBytes(name), at: one.verifyAt ?? 0, kind: 'SgxIas' as const }
  return [
    { ...whole, policy: { admitDebug: debug }, stated, holds: statusOf(EPID_STATUS[quoteStatus] ?? ''), remark: debug ? 'debug enclave, admitted by policy' : '' },
    ...(debug ? [{ ...whole, label: 'default policy', stated: 'debug enclave', holds: refusedFor('ATTESTATION_DEBUG_ENCLAVE') }] : []),
  ]
}

const dcapRow = (name: string): readonly Ask[] => {
  const original = readVectorJson<DcapCase>(name)
  const { accepted, tcbStatus = '', error = '', tcbEvaluation } = original.expected
  const stated = accepted === true ? `accepted: ${tcbStatus}` : accepted === false ? `refused: ${error}` : `level ${tcbEvaluation?.platform ?? ''}`
  const kind = name.includes('-tdx-') ? 'Tdx' : 'SgxDcap'
  const given: Ask = { file: readVectorBytes(name), at: original.verifyAt, stated, kind, holds: (outcome) => !('thrown' in outcome) && isAsStated(original, outcome.verdict) }
  if (isVerifierDependent(original)) return [{ ...given, holds: undefined, remark: 'verifier-dependent by its notes' }]
  if (given.holds?.(askFor(given)) === true) return [given]
  const { one, changes, remark } = withGenuineList(original)
  return [
    { ...given, label: 'as given', holds: refusedFor('ATTESTATION_CRL_ISSUER_MISMATCH'), remark: 'exception: its PCK CRL is signed by another authority (docs/attestation-differences.md)' },
    { ...given, label: 'genuine list beside it', collateral: json(one.collateral), policy: changes, remark },
  ]
}

const tamperedRows = (name: string): readonly Ask[] => {
  const { base, verifyAt, variants } = readVectorJson<{ base: string; verifyAt: number; variants: readonly { name: string; why: string; quoteHex?: string; collateralChanges?: Partial<CaseCollateral> }[] }>(name)
  const { quoteHex, collateral } = readVectorJson<DcapCase>(join('2-dcap/invalid', base))
  return variants.map((variant) => ({
    label: variant.name, file: json({ quoteHex: variant.quoteHex ?? quoteHex, collateral: { ...collateral, ...variant.collateralChanges } }), at: verifyAt,
    stated: `refused: ${variant.why}`, holds: (outcome: Outcome) => 'thrown' in outcome || refused(outcome),
  }))
}

/** A raw quote with the collateral of a case beside it. */
const rawQuote = (name: string, caseName: string, rest: Pick<Ask, 'stated' | 'holds'> & Partial<Ask>): readonly Ask[] => {
  const { collateral, verifyAt } = readVectorJson<DcapCase>(`2-dcap/cases/${caseName}.json`)
  return [{ file: readVectorBytes(name), collateral: json(collateral), at: verifyAt, ...rest }]
}
const SGX_BASE = 'v3-sgx-dcapqvl-f8b810-2025-06-19-configurationandswhardeningneeded'
const TDX_BASE = 'v4-tdx-dcapqvl-f1c850-2025-06-19-uptodate'
const UNSUPPORTED = { stated: 'refused: unsupported certification data', holds: refusedFor('ATTESTATION_CERTIFICATION_DATA') }

const snpRow = (name: string): readonly Ask[] => {
  const one = readVectorJson<SnpCase>(name)
  const { reportSignatureValid, certChainValid, report } = one.expected
  const good = reportSignatureValid && certChainValid
  const whole: Ask = { file: readVectorBytes(name), at: snpMoment(one), kind: 'SevSnp', policy: { admitDebug: report.debugAllowed }, stated: good ? 'good' : 'refused', holds: asStated(good), remark: report.debugAllowed ? 'debug guest, admitted by policy' : '' }
  const product = ['milan', 'genoa', 'turin'].map((one) => ({ ...whole, label: `with roots/${one}`, collateral: utf8(readVectorText(`3-other-tee/amd-sev-snp/roots/${one}_ask_ark_asvk.pem`)) }))
  const [strict] = report.debugAllowed ? [{ ...whole, label: 'default policy', policy: {}, stated: 'debug guest', holds: refusedFor('ATTESTATION_DEBUG_ENCLAVE') }] : []
  const beside = product.find((ask) => !('thrown' in askFor(ask)))
  return [whole, ...(beside === undefined ? [] : [beside]), ...(strict === undefined ? [] : [strict])]
}

const nitroRow = (name: string): readonly Ask[] => {
  const one = readVectorJson<NitroCase>(name)
  const { coseSignatureValid, chainToAwsRootValid, validAtTimestamp, debugMode } = one.expected
  const good = coseSignatureValid && chainToAwsRootValid && validAtTimestamp
  const whole: Ask = { file: readVectorBytes(name), at: one.verifyAt, kind: 'Nitro', policy: { admitDebug: debugMode }, stated: good ? 'good' : 'refused', holds: asStated(good), remark: debugMode ? 'debug enclave, admitted by policy' : '' }
  return [whole, ...(debugMode ? [{ ...whole, label: 'default policy', policy: {}, stated: 'debug enclave', holds: refusedFor('ATTESTATION_DEBUG_ENCLAVE') }] : [])]
}

/** The device chains have no end; any moment after the youngest certificate serves. */
const GPU_AT = Date.parse('2026-01-01T00:00:00Z') / 1000

const gpuRow = (name: string): readonly Ask[] => {
  const { spdmSignatureValid, deviceChainValid } = gpuExpected().find(({ file }) => name.endsWith(file)) ?? { spdmSignatureValid: false, deviceChainValid: false }
  const whole: Ask = { file: readVectorBytes(name), at: GPU_AT, kind: 'Nvidia', stated: 'good', holds: asStated(spdmSignatureValid && deviceChainValid) }
  if (name.endsWith('.json')) return [whole]
  const chain = (file: string): Uint8Array => readVectorBytes(`3-other-tee/nvidia/${file}`)
  return [
    { ...whole, label: 'chain beside it', collateral: chain('go-nvtrust-gpuAkCertChain.txt') },
    { ...whole, label: 'invalid chain beside it', collateral: chain('go-nvtrust-invalidCertChain.txt'), stated: 'refused', holds: refused },
    { ...whole, label: 'alone', stated: 'refused: its certificates are in another file', holds: refused },
  ]
}

/** Every file by its path: the first pattern that fits decides. */
const HANDLERS: readonly (readonly [RegExp, (name: string) => readonly Ask[]])[] = [
  [/^1-ias\/parse-only\//, (name) => noEvidence(name, 'a report that nobody signed')],
  [/^1-ias\/simulated\//, (name) => [{ file: readVectorBytes(name), at: 1_718_461_090, kind: 'SgxIas', stated: 'refused: no root of the vendor', holds: refused }]],
  [/^1-ias\/invalid\/.*\.json$/, (name) => [{ file: readVectorBytes(name), at: EPID_INVALID_AT, kind: 'SgxIas', stated: 'refused: bad signature', holds: refusedFor('ATTESTATION_REPORT_SIGNATURE_INVALID') }]],
  [/cert_too_short1\.der$/, (name) => noEvidence(name, 'a certificate cut short')],
  [/^1-ias\/invalid\/.*\.der$/, (name) => [{ file: readVectorBytes(name), at: 1_560_775_600, kind: 'SgxIas', stated: 'refused', holds: refused }]],
  [/integritee-TEST4\.der$/, (name) => [{ file: readVectorBytes(name), at: 1_587_899_800, policy: { admitDebug: true }, kind: 'SgxIas', stated: 'accepted: ConfigurationNeeded', holds: statusOf('ConfigurationNeeded'), remark: 'debug enclave, admitted by policy' }]],
  [/integritee-TEST8-production\.der$/, (name) => [{ file: readVectorBytes(name), at: 1_634_156_700, kind: 'SgxIas', stated: 'accepted: ConfigurationAndSWHardeningNeeded', holds: statusOf('ConfigurationAndSWHardeningNeeded') }]],
  [/secret-hw-v2\.der$/, (name) => [{ file: readVectorBytes(name), at: 1_592_217_800, policy: { admitDebug: true }, kind: 'SgxIas', stated: 'accepted: SWHardeningNeeded', holds: statusOf('SWHardeningNeeded'), remark: 'debug enclave, admitted by policy' }]],
  [/^1-ias\/original\//, (name) => [{ file: readVectorBytes(name), at: originalMoment(name), policy: { admitDebug: true }, kind: 'SgxIas', stated: 'accepted', holds: trusted }]],
  [/^1-ias\/ias-.*\.json$/, iasRow],
  [/^1-ias\/AttestationReportSigning/, (name) => noEvidence(name, 'a certificate of the vendor')],
  [/^2-dcap\/cases(-tcbinfo-v2)?\//, dcapRow],
  [/^2-dcap\/invalid\/tampered-/, tamperedRows],
  [/fortanix-quote_pck_cert_chain_corrupted\.bin$/, (name) => rawQuote(name, SGX_BASE, { stated: 'refused', holds: refused })],
  [/qe_identity_missing_isvsvn\.json$/, (name) => noEvidence(name, 'not even JSON', 'ATTESTATION_JSON_MALFORMED')],
  [/^2-dcap\/invalid\/qe-identity-json\//, (name) => noEvidence(name, 'a QE identity by itself')],
  [/dcap-qvl-published-negative-cases\.json$/, (name) => noEvidence(name, 'a table of names')],
  [/signal-sgx_x509_extension\.der$/, (name) => noEvidence(name, 'a certificate extension')],
  [/^2-dcap\/parse-only\/|eppid\.bin$/, (name) => rawQuote(name, SGX_BASE, UNSUPPORTED)],
  [/^2-dcap\/oasis\/quote_v3_ecdsa_p256_pck_chain\.bin$/, (name) => rawQuote(name, 'v3-sgx-oasis-d2457b-2023-01-18-swhardeningneeded', { stated: 'accepted: SWHardeningNeeded', kind: 'SgxDcap', holds: statusOf('SWHardeningNeeded') })],
  [/^2-dcap\/(oasis|intel-qvl-sample-sgx)\/.*\.(json|pem|der)$/, (name) => noEvidence(name, 'collateral by itself')],
  [/^2-dcap\/intel-qvl-sample-sgx\/quote\.dat$/, (name) => rawQuote(name, SGX_BASE, { stated: 'refused under the vendor\'s root', kind: 'SgxDcap', holds: refused, remark: 'sample PKI; accepted under its own root in sgx-vectors.test.ts' })],
  [/original\/dcap-qvl-sgx_quote$/, (name) => rawQuote(name, SGX_BASE, { collateral: readVectorBytes('2-dcap/original/dcap-qvl-sgx_quote_collateral.json'), stated: 'accepted: ConfigurationAndSWHardeningNeeded', kind: 'SgxDcap', holds: statusOf('ConfigurationAndSWHardeningNeeded') })],
  [/original\/dcap-qvl-tdx_quote$/, (name) => rawQuote(name, TDX_BASE, { collateral: readVectorBytes('2-dcap/original/dcap-qvl-tdx_quote_collateral.json'), stated: 'accepted: UpToDate', kind: 'Tdx', holds: statusOf('UpToDate') })],
  [/original\/phala-dcap_quote$/, (name) => {
    const golden = 'v3-sgx-phala-scale-collateral-2023-11'
    const status = readVectorJson<DcapCase>(`2-dcap/cases/${golden}.json`).expected.tcbStatus ?? ''
    return rawQuote(name, golden, { collateral: readVectorBytes('2-dcap/original/phala-dcap_quote_collateral.scale'), stated: `accepted: ${status}`, kind: 'SgxDcap', holds: statusOf(status) })
  }],
  [/original\/.*collateral/, (name) => noEvidence(name, 'collateral by itself')],
  [/^2-dcap\/crls\.json$/, (name) => noEvidence(name, 'lists of the vendor, beyond any evidence\'s size', 'ATTESTATION_INPUT_TOO_LARGE')],
  [/^2-dcap\/signed-collateral\.json$|IntelSgxRootCA\.der$/, (name) => noEvidence(name, 'documents of the vendor')],
  [/\/amd-sev-snp\/roots\/|aws_nitro_root_cert\.pem$|\.crt$|nvidia_device_root\.pem$|hopper_signing_cert\.pem$|CertChain\.txt$/, (name) => noEvidence(name, 'certificates')],
  [/\/snp-.*\.json$/, snpRow],
  [/\/nitro-.*\.json$/, nitroRow],
  [/\/nvidia\/(hopper_evidence.*\.json|go-nvtrust-attestationReport\.txt)$/, gpuRow],
  [/\.xml$/, (name) => noEvidence(name, 'a reference manifest')],
  [/\/nvidia\/.*\.json$/, (name) => noEvidence(name, 'a parsed report, claims, or an online service\'s token')],
]

const originalMoment = (name: string): number => {
  const id = { 'lcp-001-avr': 'ias-lcp-2024-06-15-3c9031', 'phala-crates-ias_attestation': 'ias-phala-2023-10-18-e5efd0' }[/\/([^/]+)\.json$/.exec(name)?.[1] ?? ''] ?? 'ias-phala-2021-09-12-6fdd11'
  return iasCases('.').find((one) => one.id === id)?.verifyAt ?? 0
}

const FOLDERS = ['1-ias', '2-dcap', '3-other-tee'] as const
const filesOf = (folder: string): readonly string[] =>
  readdirSync(join(vectorsDir() ?? '', folder), { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice((vectorsDir() ?? '').length + 1))
    .sort((a, b) => (a < b ? -1 : 1))

describeVectors('phalanx verify over every outside file', () => {
  test.each(FOLDERS)('%s: each is recognised and comes out as stated', { timeout: 120_000 }, (folder) => {
    const files = filesOf(folder)
    expect(files.length).toBeGreaterThan(25)
    for (const name of files) {
      const handler = HANDLERS.find(([pattern]) => pattern.test(name))?.[1]
      if (handler === undefined) throw new Error(`no row for ${name}`)
      for (const ask of handler(name)) run(name, ask)
    }
  })

  test('a Nitro document is cut out of its container in a file, and is the same evidence', () => {
    const { documentHex, verifyAt } = readVectorJson<NitroCase>('3-other-tee/aws-nitro/nitro-dstack.json')
    const raw = (hex: string): Outcome => askFor({ file: utf8(hex), at: verifyAt, stated: '', holds: trusted })
    expect(raw(documentHex)).toMatchObject({ kind: 'Nitro', verdict: { ok: true } })
    expect(raw(documentHex + toHexPlain(new Uint8Array(16)))).toMatchObject({ kind: 'Nitro', verdict: { ok: true } })
  })
})
