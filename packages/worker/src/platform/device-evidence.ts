/**
 * Owns what platforms with real devices share: reading back what fresh evidence says before anybody relies on it, and turning the
 * system's errors into ours. Judges nothing: that is the chain's part, with collateral.
 */
import {
  OptionalAttestationReport, detectEvidence, providerOf, referencePolicy, verifyEvidence, type AttestationReport, type DetectedEvidence,
} from '@phalanx/attestation'
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { REPORT_DATA_BYTES, type Platform } from './platform.ts'
import '../errors.ts'

/** Most bytes that evidence of a device may have. */
export const EVIDENCE_BYTES_MAX = 64 * 1024

/** What evidence says of itself. */
export interface EvidenceClaims {
  readonly measurement: Uint8Array
  readonly reportData: Uint8Array
}

/** Measurement and report data that evidence states; undefined where it cannot be read. True only once the evidence was verified. */
const readClaims = (crypto: Crypto, report: AttestationReport): EvidenceClaims | undefined => {
  const verdict = verifyEvidence({ evidence: report, policy: referencePolicy(), nowSeconds: 0, crypto })
  const { measurement, reportData } = verdict.ok ? verdict.facts : verdict.claims
  return measurement === undefined || reportData === undefined ? undefined : { measurement, reportData }
}

/** Evidence out of what a device gave, of the kind that this device makes. @throws PLATFORM_ANSWER_INVALID for anything else */
export const recognizeEvidence = (platform: string, kind: string, bytes: Uint8Array): AttestationReport => {
  let detected: DetectedEvidence
  try {
    detected = detectEvidence(bytes)
  } catch (cause) {
    if (!isAppError(cause)) throw cause
    throw new AppError('PLATFORM_ANSWER_INVALID', { platform, reason: `its ${bytes.length} bytes are no evidence` }, { cause })
  }
  if (detected.kind !== kind) throw new AppError('PLATFORM_ANSWER_INVALID', { platform, reason: `its evidence is ${detected.kind}, not ${kind}` })
  return detected.evidence
}

/** The system's word for an error: its code, or its message. */
export const systemReason = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : error instanceof Error ? error.message : String(error)
}

/** Does something with a device. @throws PLATFORM_DEVICE_FAILED for whatever the system says */
export const withDevice = async <T>(platform: string, device: string, act: () => Promise<T>): Promise<T> => {
  try {
    return await act()
  } catch (cause) {
    if (isAppError(cause)) throw cause
    throw new AppError('PLATFORM_DEVICE_FAILED', { platform, device, reason: systemReason(cause) }, { cause })
  }
}

/** Asks a device for evidence over 64 bytes. */
export type AskDevice = (reportData: Uint8Array) => Promise<AttestationReport>

/** Asks for evidence and reads it back. @throws PLATFORM_ANSWER_INVALID when it cannot be read */
const askClaims = async (crypto: Crypto, name: string, ask: AskDevice, reportData: Uint8Array): Promise<{ readonly report: AttestationReport; readonly claims: EvidenceClaims }> => {
  const report = await ask(reportData)
  const claims = readClaims(crypto, report)
  if (claims === undefined) throw new AppError('PLATFORM_ANSWER_INVALID', { platform: name, reason: 'its evidence cannot be read' })
  return { report, claims }
}

/**
 * A platform around a device that gives evidence. It is asked once at the start: for the measurement, and so that a machine that
 * cannot prove itself fails then, with a reason. One request at a time: devices have one place for report data.
 */
export const createDevicePlatform = async (
  options: { readonly name: string; readonly ask: AskDevice; readonly features: readonly number[]; readonly sealingKey?: (measurement: Uint8Array) => Promise<Uint8Array> },
  dependencies: { readonly crypto: Crypto },
): Promise<Platform> => {
  const { name, ask, features, sealingKey } = options
  const { crypto } = dependencies
  const { report, claims: { measurement } } = await askClaims(crypto, name, ask, new Uint8Array(REPORT_DATA_BYTES))
  const method = providerOf(report.kind).kind.toLowerCase()
  let last: Promise<unknown> = Promise.resolve()
  return {
    name, measurement, features,
    provider: JSON.stringify(method),
    attestationMethods: [method],
    ...(sealingKey === undefined ? {} : { sealingKey: () => sealingKey(measurement) }),
    async quote({ reportData }) {
      assert(reportData.length === REPORT_DATA_BYTES, 'report data is 64 bytes')
      const asked = last.then(() => askClaims(crypto, name, ask, reportData))
      last = asked.catch(() => undefined)
      const answer = await asked
      const invalid = (reason: string): AppError => new AppError('PLATFORM_ANSWER_INVALID', { platform: name, reason })
      if (!bytesEqual(answer.claims.reportData, reportData)) throw invalid('its evidence was made for other data')
      if (!bytesEqual(answer.claims.measurement, measurement)) throw invalid('its evidence names another measurement than at the start')
      return OptionalAttestationReport.encode(answer.report)
    },
  }
}
