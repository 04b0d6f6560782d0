/** Owns the quoting enclave's identity document (Intel PCS API, "Get Quoting Enclave Identity", version 2) and its match with a QE report. */
import { toHexPlain } from '@phalanx/primitives/bytes'
import { attestationError } from '../../errors.ts'
import { asArray, asHex, asInteger, asObject, asText, asTexts, parseJson } from '../../json.ts'
import type { TcbStatus } from '../../status.ts'
import type { CheckRecorder } from '../../verdict.ts'
import { parseIsoSeconds } from '../../x509/time.ts'
import type { EnclaveReport } from './quote.ts'
import { asStatus } from './tcb-info.ts'

/** One level of the quoting enclave. */
export interface QeLevel {
  readonly isvSvn: number
  readonly status: TcbStatus
  readonly advisoryIds: readonly string[]
}

/** The identity document. */
export interface QeIdentity {
  /** `QE`, `TD_QE` or `QVE`. */
  readonly id: string
  readonly issueDate: number
  readonly nextUpdate: number
  readonly evaluationNumber: number
  readonly miscSelect: Uint8Array
  readonly miscSelectMask: Uint8Array
  readonly attributes: Uint8Array
  readonly attributesMask: Uint8Array
  readonly mrSigner: Uint8Array
  readonly isvProdId: number
  readonly levels: readonly QeLevel[]
}

/** Reads an identity document of version 2. @throws ATTESTATION_JSON_ codes, ATTESTATION_QE_IDENTITY_UNSUPPORTED */
export const parseQeIdentity = (text: string): QeIdentity => {
  const root = asObject(parseJson(text), 'qeIdentity')
  const version = asInteger(root.get('version'), 'qeIdentity.version')
  if (version !== 2) throw attestationError('ATTESTATION_QE_IDENTITY_UNSUPPORTED', `version ${version}`)
  const levels = asArray(root.get('tcbLevels'), 'qeIdentity.tcbLevels', 256)
  if (levels.length === 0) throw attestationError('ATTESTATION_JSON_FIELD', 'qeIdentity.tcbLevels is empty')
  return {
    id: asText(root.get('id'), 'qeIdentity.id'),
    issueDate: parseIsoSeconds(asText(root.get('issueDate'), 'qeIdentity.issueDate')),
    nextUpdate: parseIsoSeconds(asText(root.get('nextUpdate'), 'qeIdentity.nextUpdate')),
    evaluationNumber: asInteger(root.get('tcbEvaluationDataNumber'), 'qeIdentity.tcbEvaluationDataNumber'),
    miscSelect: asHex(root.get('miscselect'), 'qeIdentity.miscselect', 4),
    miscSelectMask: asHex(root.get('miscselectMask'), 'qeIdentity.miscselectMask', 4),
    attributes: asHex(root.get('attributes'), 'qeIdentity.attributes', 16),
    attributesMask: asHex(root.get('attributesMask'), 'qeIdentity.attributesMask', 16),
    mrSigner: asHex(root.get('mrsigner'), 'qeIdentity.mrsigner', 32),
    isvProdId: asInteger(root.get('isvprodid'), 'qeIdentity.isvprodid', 65535),
    levels: levels.map((entry, i) => {
      const path = `qeIdentity.tcbLevels[${i}]`
      const level = asObject(entry, path)
      asText(level.get('tcbDate'), `${path}.tcbDate`)
      return {
        isvSvn: asInteger(asObject(level.get('tcb'), `${path}.tcb`).get('isvsvn'), `${path}.tcb.isvsvn`, 65535),
        status: asStatus(asText(level.get('tcbStatus'), `${path}.tcbStatus`), `${path}.tcbStatus`),
        advisoryIds: asTexts(level.get('advisoryIDs'), `${path}.advisoryIDs`),
      }
    }),
  }
}

const maskedEqual = (options: { value: Uint8Array; mask: Uint8Array; expected: Uint8Array }): boolean =>
  options.value.every((byte, i) => (byte & (options.mask[i] as number)) === (options.expected[i] as number))

/** Judges the QE report against the published identity; returns the level that covers it. */
export const checkQeIdentity = (checks: CheckRecorder, identity: QeIdentity, report: EnclaveReport): QeLevel | undefined => {
  const rule = 'Intel PCS API, QE identity: the QE report matches the published identity'
  const code = 'ATTESTATION_QE_MISMATCH' as const
  const { miscSelectMask, attributesMask } = identity
  checks.check(
    { name: 'MRSIGNER', rule, seen: report.mrSigner, expected: identity.mrSigner },
    { pass: toHexPlain(report.mrSigner) === toHexPlain(identity.mrSigner), code, detail: `MRSIGNER ${toHexPlain(report.mrSigner)}` },
  )
  checks.check(
    { name: 'ISVPRODID', rule, seen: report.isvProdId, expected: identity.isvProdId },
    { pass: report.isvProdId === identity.isvProdId, code, detail: `ISVPRODID ${report.isvProdId}` },
  )
  checks.check(
    { name: 'MISCSELECT', rule: `${rule}, under its mask`, seen: report.miscSelect, expected: identity.miscSelect },
    { pass: maskedEqual({ value: report.miscSelect, mask: miscSelectMask, expected: identity.miscSelect }), code, detail: `MISCSELECT ${toHexPlain(report.miscSelect)}` },
  )
  checks.check(
    { name: 'ATTRIBUTES', rule: `${rule}, under its mask (which covers the debug bit)`, seen: report.attributes, expected: identity.attributes },
    { pass: maskedEqual({ value: report.attributes, mask: attributesMask, expected: identity.attributes }), code, detail: `ATTRIBUTES ${toHexPlain(report.attributes)}` },
  )
  const level = identity.levels.find(({ isvSvn }) => report.isvSvn >= isvSvn)
  checks.check(
    { name: 'ISVSVN level', rule: 'Intel PCS API, QE identity: the first level at or below the QE\'s ISVSVN', seen: report.isvSvn, expected: level === undefined ? 'a level' : `level ${level.isvSvn}: ${level.status}` },
    { pass: level !== undefined, code: 'ATTESTATION_QE_LEVEL_NOT_FOUND', detail: `ISVSVN ${report.isvSvn}` },
  )
  return level
}
