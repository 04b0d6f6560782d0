/** Owns what tests of platforms for guests share: quotes of the simulated vendor, and their judgement. For tests only. */
import { OptionalAttestationReport, referencePolicy, verifyEvidence } from '@phalanx/attestation'
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Platform } from '../platform/platform.ts'
import { softwareVendor } from '../platform/software.ts'

/** Quotes of a guest on a machine of the simulated vendor; `code` fills its measurement. */
export const guestQuote = (crypto: Crypto, code: number, machine = 'one'): ((reportData: Uint8Array) => Uint8Array) => {
  const platform = softwareVendor(crypto).platform({ id: machine })
  return (reportData) => platform.guestQuote({ report: { mrTd: new Uint8Array(48).fill(code) }, reportData })
}

/** Judges a guest's evidence as a chain does that admits the simulated vendor. */
export const judgeGuest = (crypto: Crypto, platform: Platform, evidence: Uint8Array, nowMs: bigint): Promise<Uint8Array> => {
  const report = OptionalAttestationReport.decode(evidence)
  assert(report?.kind === 'Tdx', 'evidence is a guest\'s quote')
  const nowSeconds = Number(nowMs / 1000n)
  const vendor = softwareVendor(crypto)
  const complete = { kind: report.kind, value: { ...report.value, collateral: vendor.collateral({ nowSeconds, tee: 'TDX' }) } }
  const verdict = verifyEvidence({ evidence: complete, policy: referencePolicy({ simulated: true, roots: [vendor.rootCertificate] }), nowSeconds, crypto })
  assert(verdict.ok && bytesEqual(verdict.facts.measurement, platform.measurement), 'evidence verifies and names the measurement')
  return Promise.resolve(verdict.facts.reportData)
}
