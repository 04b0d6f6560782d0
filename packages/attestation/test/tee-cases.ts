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
