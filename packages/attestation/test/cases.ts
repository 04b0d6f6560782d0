/** Owns reading the outside DCAP and EPID cases for tests. Their data stays where it is. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import type { AttestationReport, Collateral } from '../src/index.ts'
import { readVectorBytes, readVectorJson, vectorsDir } from '../../../tools/vectors.ts'
import { parseCertificate } from '../src/x509/certificate.ts'
import { parseRevocationList } from '../src/x509/crl.ts'
import { parsePem } from '../src/x509/pem.ts'

/** Collateral as the case files write it. */
export interface CaseCollateral {
  readonly pck_crl_issuer_chain: string
  readonly root_ca_crl: string
  readonly pck_crl: string
  readonly tcb_info_issuer_chain: string
  readonly tcb_info: string
  readonly tcb_info_signature: string
  readonly qe_identity_issuer_chain: string
  readonly qe_identity: string
  readonly qe_identity_signature: string
}

/** One case file. */
export interface DcapCase {
  readonly id: string
  readonly file: string
  readonly quoteHex: string
  readonly collateral: CaseCollateral
  readonly verifyAt: number
  readonly expected: {
    readonly accepted?: boolean
    readonly tcbStatus?: string
    readonly advisoryIds?: readonly string[]
    readonly error?: string
    readonly signatures?: Readonly<Record<'quoteSig' | 'qeReportSig' | 'qeBinding' | 'chain', boolean>>
    readonly tcbEvaluation?: { readonly platform: string; readonly advisories: readonly string[]; readonly qe: string; readonly qeAdvisories: readonly string[]; readonly tdxModule?: string | null }
    readonly quote?: Readonly<Record<string, string | number | boolean>> & { readonly reportData: string; readonly fmspc?: string; readonly debug: boolean }
  }
  readonly notes?: readonly string[]
  readonly timeVariants?: readonly { readonly at: number; readonly when: string; readonly outOfWindow: readonly string[] }[]
}

/** Collateral of a case as evidence carries it. */
export const toCollateral = (collateral: CaseCollateral): Collateral => ({
  kind: 'SgxV30',
  value: {
    pckCrlIssuerChain: collateral.pck_crl_issuer_chain,
    rootCaCrl: collateral.root_ca_crl,
    pckCrl: collateral.pck_crl,
    tcbInfoIssuerChain: collateral.tcb_info_issuer_chain,
    tcbInfo: collateral.tcb_info,
    tcbInfoSignature: parseHex(collateral.tcb_info_signature),
    qeIdentityIssuerChain: collateral.qe_identity_issuer_chain,
    qeIdentity: collateral.qe_identity,
    qeIdentitySignature: parseHex(collateral.qe_identity_signature),
  },
})

/** Evidence of a case: of the kind that the quote's TEE type says. */
export const toEvidence = (quote: Uint8Array, collateral: CaseCollateral): AttestationReport => ({ kind: quote[4] === 0x81 ? 'Tdx' : 'SgxDcap', value: { quote, collateral: toCollateral(collateral) } })

/** All cases of a folder of `2-dcap` about SGX or TDX. */
export const dcapCases = (folder: 'cases' | 'cases-tcbinfo-v2', tee: 'sgx' | 'tdx' = 'sgx'): readonly DcapCase[] =>
  readdirSync(join(vectorsDir() ?? '', '2-dcap', folder))
    .filter((file) => file.includes(`-${tee}-`))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((file) => ({ ...readVectorJson<DcapCase>(`2-dcap/${folder}/${file}`), file }))

/** The cases that the tampered forms start from: SGX version 3, TDX versions 4 and 5. */
export const BASE_CASE = 'v3-sgx-dcapqvl-f8b810-2025-06-19-configurationandswhardeningneeded'
export const TDX_CASES = ['v4-tdx-dcapqvl-f1c850-2025-06-19-uptodate', 'v5-tdx-gotdx-cf77a6-2026-02-18-uptodate'] as const

/** Reads one case by id. */
export const dcapCase = (id: string): DcapCase => ({ ...readVectorJson<DcapCase>(`2-dcap/cases/${id}.json`), file: `${id}.json` })

interface ListedCrl {
  readonly der: string
  readonly issuer: string
  readonly thisUpdate: number
  readonly nextUpdate: number
}

/**
 * The newest genuine list, issued by the key of the case's PCK authority at or before a time. Some cases were paired with the list
 * of Intel's sample PKI, which has the same names and another key.
 */
export const genuinePckList = (collateral: CaseCollateral, at: number): { readonly hex: string; readonly overdueSeconds: number } | undefined => {
  const authority = parseCertificate(parsePem(collateral.pck_crl_issuer_chain)[0] as Uint8Array)
  const lists = readVectorJson<readonly ListedCrl[]>('2-dcap/crls.json')
    .filter(({ der, thisUpdate }) => {
      const list = parseRevocationList(parseHex(der))
      return thisUpdate <= at && toHexPlain(list.authorityKeyId ?? new Uint8Array()) === toHexPlain(authority.subjectKeyId ?? new Uint8Array())
    })
    .sort((a, b) => b.thisUpdate - a.thisUpdate)
  const list = lists[0]
  return list === undefined ? undefined : { hex: list.der, overdueSeconds: Math.max(0, at - list.nextUpdate) }
}

/** One EPID case file. */
export interface IasCase {
  readonly id: string
  readonly report: string
  readonly signatureBase64: string
  readonly signingCertDerBase64: string
  readonly verifyAt?: number
  readonly expected: {
    readonly signatureValid: boolean
    readonly quoteStatus?: string
    readonly advisoryIDs?: readonly string[]
    readonly mrEnclave?: string
    readonly mrSigner?: string
    readonly reportData?: string
    readonly debug?: boolean
  }
  readonly encodedWorkerInfo?: string
  readonly published?: { readonly verifyAt?: number; readonly pruntimeHash?: string }
}

/** EPID cases of a folder of `1-ias` (`.` for the genuine ones). */
export const iasCases = (folder: '.' | 'invalid'): readonly IasCase[] =>
  readdirSync(join(vectorsDir() ?? '', '1-ias', folder))
    .filter((file) => file.endsWith('.json'))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((file) => readVectorJson<IasCase>(join('1-ias', folder, file)))

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

/** Evidence of an EPID case. */
export const toIasEvidence = (one: IasCase): AttestationReport => ({
  kind: 'SgxIas',
  value: { raReport: new TextEncoder().encode(one.report), signature: fromBase64(one.signatureBase64), rawSigningCert: fromBase64(one.signingCertDerBase64) },
})

/** A file of the vectors as text. */
export const readVectorText = (name: string): string => new TextDecoder().decode(readVectorBytes(name))

/** The exact signed text and the signature inside a service's envelope `{"<key>":{…},"signature":"…"}`. */
export const openEnvelope = (text: string, key: string): { readonly text: string; readonly signature: string } => {
  const start = text.indexOf(`"${key}":`) + key.length + 3
  const end = text.lastIndexOf(',"signature":"')
  return { text: text.slice(start, end), signature: text.slice(end + 14, end + 14 + 128) }
}

/** A table as aligned text. */
export const formatTable = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()).join('\n')
}
