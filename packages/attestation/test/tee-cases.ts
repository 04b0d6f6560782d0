/** Owns reading the outside cases of SEV-SNP, Nitro and NVIDIA evidence for tests. Their data stays where it is. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseHex } from '@phalanx/primitives/bytes'
import type { AttestationReport } from '../src/index.ts'
import { parsePem } from '../src/x509/pem.ts'
import { readVectorBytes, readVectorJson, vectorsDir } from '../../../tools/vectors.ts'

const FOLDER = '3-other-tee'

/** A SEV-SNP case as published. */
export interface SnpCase {
  readonly id: string
  readonly reportHex: string
  readonly vcekOrVlekPem: string
  readonly chainPem: readonly string[]
  readonly expected: {
    readonly reportSignatureValid: boolean
    readonly certChainValid: boolean
    readonly keyNotBefore: string
    readonly keyNotAfter: string
    readonly report: Readonly<Record<'familyId' | 'imageId' | 'reportData' | 'measurement' | 'hostData' | 'idKeyDigest' | 'authorKeyDigest' | 'reportId' | 'chipId' | 'platformInfo', string>> & {
      readonly version: number
      readonly guestSvn: number
      readonly vmpl: number
      readonly debugAllowed: boolean
      readonly smtAllowed: boolean
    }
  }
}

const jsonFiles = (folder: string, prefix: string): readonly string[] =>
  readdirSync(join(vectorsDir() ?? '', FOLDER, folder))
    .filter((name) => name.startsWith(prefix) && name.endsWith('.json'))
    .sort((a, b) => (a < b ? -1 : 1))

/** All SEV-SNP cases. */
export const snpCases = (): readonly SnpCase[] => jsonFiles('amd-sev-snp', 'snp-').map((name) => readVectorJson<SnpCase>(`${FOLDER}/amd-sev-snp/${name}`))

/** A file of the folder as text. */
export const teeText = (name: string): string => new TextDecoder().decode(readVectorBytes(`${FOLDER}/${name}`))

/** A product's certificates as published: intermediate (ASK), root (ARK), intermediate of lent keys (ASVK). */
export const snpCertificates = (product: 'milan' | 'genoa' | 'turin'): readonly Uint8Array[] => parsePem(teeText(`amd-sev-snp/roots/${product}_ask_ark_asvk.pem`))

/** Evidence of a SEV-SNP case; the published intermediate where the case carries the root only. */
export const toSnpEvidence = (one: SnpCase): Extract<AttestationReport, { kind: 'SevSnp' }> => {
  const chain = one.chainPem.flatMap((pem) => parsePem(pem))
  const [authority, root] = chain.length === 2 ? chain : snpCertificates('milan')
  return {
    kind: 'SevSnp',
    value: {
      report: parseHex(one.reportHex),
      endorsement: parsePem(one.vcekOrVlekPem)[0] as Uint8Array,
      collateral: { kind: 'SevSnp', value: { authority: authority as Uint8Array, root: root as Uint8Array, revocationList: undefined } },
    },
  }
}

/** A moment inside a SEV-SNP case's certificate: a day after it begins. */
export const snpMoment = (one: SnpCase): number => Date.parse(one.expected.keyNotBefore) / 1000 + 86_400

/** A Nitro case as published. */
export interface NitroCase {
  readonly id: string
  readonly documentHex: string
  readonly verifyAt: number
  readonly expected: {
    readonly leafNotBefore: string
    readonly leafNotAfter: string
    readonly coseSignatureValid: boolean
    readonly chainToAwsRootValid: boolean
    readonly validAtTimestamp: boolean
    readonly moduleId: string
    readonly timestamp: number
    readonly pcrs: Readonly<Record<string, string>>
    readonly userData: string | null
    readonly nonce: string | null
    readonly publicKey: string | null
    readonly debugMode: boolean
  }
}

/** All Nitro cases. */
export const nitroCases = (): readonly NitroCase[] => jsonFiles('aws-nitro', 'nitro-').map((name) => readVectorJson<NitroCase>(`${FOLDER}/aws-nitro/${name}`))

/** Evidence of a Nitro case, exactly as given. */
export const toNitroEvidence = (one: NitroCase): Extract<AttestationReport, { kind: 'Nitro' }> => ({ kind: 'Nitro', value: { document: parseHex(one.documentHex) } })

/** Length of the document itself: two files go on with the rest of the container that they were cut from. */
const nitroLength = (document: Uint8Array): number => {
  const head = 1 + 5 + 1 + 3
  return head + (((document[8] as number) << 8) | (document[9] as number)) + 2 + 96
}

/** The same without what follows the document. */
export const cutNitroEvidence = (one: NitroCase): Extract<AttestationReport, { kind: 'Nitro' }> => {
  const document = parseHex(one.documentHex)
  return { kind: 'Nitro', value: { document: document.slice(0, nitroLength(document)) } }
}

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'))

/** GPU evidence of a file of the SDK's form: the first device in it. */
export const gpuFile = (name: string): Extract<AttestationReport, { kind: 'Nvidia' }> => {
  const [device] = readVectorJson<readonly { evidence: string; certificate: string }[]>(`${FOLDER}/nvidia/${name}`)
  return { kind: 'Nvidia', value: { report: fromBase64(device?.evidence ?? ''), certificates: parsePem(new TextDecoder().decode(fromBase64(device?.certificate ?? ''))), collateral: undefined } }
}

/** GPU evidence of a report in hex and a chain in PEM. */
export const gpuTexts = (report: string, chain: string): Extract<AttestationReport, { kind: 'Nvidia' }> => ({
  kind: 'Nvidia', value: { report: parseHex(teeText(`nvidia/${report}`).trim()), certificates: parsePem(teeText(`nvidia/${chain}`)), collateral: undefined },
})

/** What is stated of the GPU files. */
export const gpuExpected = (): readonly { readonly file: string; readonly spdmSignatureValid: boolean; readonly deviceChainValid: boolean; readonly requestNonce: string }[] =>
  readVectorJson<{ results: readonly { file: string; spdmSignatureValid: boolean; deviceChainValid: boolean; requestNonce: string }[] }>(`${FOLDER}/nvidia/expected.json`).results
