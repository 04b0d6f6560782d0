/** Owns recognising evidence of any kind in a file of any form, and adding collateral from a second file. Judges nothing. */
import { isAppError } from '@phalanx/primitives/errors'
import { bytesOfText, readDetectionInput, type DetectionInput } from '../detection.ts'
import { attestationError } from '../errors.ts'
import { AttestationReport, OptionalAttestationReport, TEE_KIND_NAMES, teeKinds, type TeeKindName } from './index.ts'
import type { TeeKind } from './kind.ts'

/** In which form a file carried evidence: the vendor's own bytes, JSON around them, or this project's SCALE. */
export type EvidenceForm = 'binary' | 'json' | 'scale' | 'text'

/** Evidence found in a file. */
export interface DetectedEvidence {
  readonly kind: TeeKindName
  readonly evidence: AttestationReport
  readonly form: EvidenceForm
}

const kindOf = (name: TeeKindName): TeeKind<TeeKindName, unknown> => teeKinds[name] as unknown as TeeKind<TeeKindName, unknown>

const detectByKind = (input: DetectionInput): AttestationReport | undefined => {
  for (const name of TEE_KIND_NAMES) {
    const value = kindOf(name).detect?.(input)
    if (value !== undefined) return { kind: name, value } as AttestationReport
  }
  return undefined
}

const isCodecError = (error: unknown): boolean => isAppError(error) && error.code.startsWith('CODEC_')

/** The project's own form: a whole `AttestationReport`, or the option that registrations carry. */
const detectScale = (bytes: Uint8Array): AttestationReport | undefined => {
  for (const codec of [AttestationReport, OptionalAttestationReport])
    try {
      return codec.decode(bytes)
    } catch (error) {
      if (!isCodecError(error)) throw error
    }
  return undefined
}

const found = (evidence: AttestationReport | undefined, form: EvidenceForm): DetectedEvidence | undefined =>
  evidence === undefined ? undefined : { kind: evidence.kind, evidence, form }

const detectBinary = (bytes: Uint8Array): DetectedEvidence | undefined =>
  found(detectByKind({ bytes, text: undefined, json: undefined }), 'binary') ?? found(detectScale(bytes), 'scale')

/**
 * Recognises evidence: raw quotes, reports and documents of every kind, the project's SCALE form, JSON in the usual shapes, and any of
 * the binary forms as hex or base64. @throws ATTESTATION_EVIDENCE_UNKNOWN, and ATTESTATION_ codes for JSON that cannot be read
 */
export const detectEvidence = (bytes: Uint8Array): DetectedEvidence => {
  const input = readDetectionInput(bytes)
  const { text, json } = input
  const detected = json !== undefined ? found(detectByKind(input), 'json') : detectBinary(bytes)
  if (detected !== undefined) return detected
  if (text !== undefined && json === undefined) {
    const asText = found(detectByKind(input), 'text')
    const decoded = asText === undefined ? bytesOfText(text) : undefined
    const inner = decoded === undefined ? asText : detectBinary(decoded)
    if (inner !== undefined) return { ...inner, form: 'text' }
  }
  throw attestationError('ATTESTATION_EVIDENCE_UNKNOWN', `${bytes.length} bytes${json === undefined ? '' : ' of JSON'}`)
}

/**
 * Evidence with the collateral of a second file in place of its own. @throws ATTESTATION_COLLATERAL_UNKNOWN when the file is no
 * collateral of this kind, ATTESTATION_JSON_ codes
 */
export const attachCollateral = (evidence: AttestationReport, collateral: Uint8Array): AttestationReport => {
  const value = kindOf(evidence.kind).attachCollateral?.(evidence.value, readDetectionInput(collateral))
  if (value === undefined) throw attestationError('ATTESTATION_COLLATERAL_UNKNOWN', `${collateral.length} bytes for ${evidence.kind} evidence`)
  return { kind: evidence.kind, value } as AttestationReport
}
