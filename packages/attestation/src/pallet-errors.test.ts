/** Names on chain. */
import { describe, expect, test } from 'vitest'
import { attestationErrors, type AttestationErrorCode } from './errors.ts'
import { APPENDED_PALLET_ERRORS, palletErrorOf } from './pallet-errors.ts'

const codes = Object.keys(attestationErrors) as readonly AttestationErrorCode[]

describe('palletErrorOf', () => {
  test('names every code, and reports keep to the reference\'s names for their signer and form', () => {
    for (const code of codes) {
      expect(palletErrorOf({ code, path: ['signatures'], isReport: false })).toMatch(/^[A-Z]/)
      const report = palletErrorOf({ code, path: ['signing certificate'], isReport: true })
      expect(report).not.toBe('InvalidDCAPQuote')
    }
    expect(palletErrorOf({ code: 'ATTESTATION_CERTIFICATE_EXPIRED', path: ['validity'], isReport: true })).toBe('InvalidIASSigningCert')
    expect(palletErrorOf({ code: 'ATTESTATION_JSON_FIELD', path: ['report', 'form'], isReport: true })).toBe('InvalidReport')
  })

  test('evidence of later kinds has a name of its own where the reference has none', () => {
    expect(palletErrorOf({ code: 'ATTESTATION_QUOTE_SIGNATURE_INVALID', path: ['report signature'], isReport: false, invalidError: 'EvidenceInvalid' })).toBe('EvidenceInvalid')
    expect(palletErrorOf({ code: 'ATTESTATION_ROOT_UNKNOWN', path: ['chain'], isReport: false, invalidError: 'EvidenceInvalid' })).toBe('UntrustedRoot')
    expect(palletErrorOf({ code: 'ATTESTATION_TCB_BELOW_MINIMUM', path: ['platform TCB'], isReport: false, invalidError: 'EvidenceInvalid' })).toBe('PlatformOutdated')
  })

  test('a fault inside the collateral is the collateral\'s', () => {
    expect(palletErrorOf({ code: 'ATTESTATION_DER_TAG', path: ['collateral', 'PCK CRL'], isReport: false })).toBe('CollateralInvalid')
    expect(palletErrorOf({ code: 'ATTESTATION_DER_TAG', path: ['PCK chain'], isReport: false })).toBe('InvalidDCAPQuote')
  })

  test('appended errors follow index 39, each index and name once', () => {
    const indices = APPENDED_PALLET_ERRORS.map(({ index }) => index)
    expect(Math.min(...indices)).toBe(40)
    expect(new Set(indices).size).toBe(indices.length)
    expect(new Set(APPENDED_PALLET_ERRORS.map(({ name }) => name)).size).toBe(indices.length)
  })
})
