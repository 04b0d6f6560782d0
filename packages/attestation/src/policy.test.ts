/** Policies as data. */
import { describe, expect, test } from 'vitest'
import { referencePolicy, TEE_KIND_NAMES } from './kinds/index.ts'
import { AttestationPolicy, REFERENCE_STATUSES, createPolicy } from './policy.ts'
import { codeOf } from '@phalanx/primitives/testing'

describe('AttestationPolicy', () => {
  test('comes back from its bytes', () => {
    const policy = referencePolicy({
      simulated: true, enforceMeasurements: true, measurements: [new Uint8Array(68)], refusedAdvisories: ['SA-1'], allowedFamilies: [new Uint8Array(6)], gatekeeperConfidenceMax: 1, reattestationSeconds: 9, renewalWindowSeconds: 8, admitUnanchored: false, collateralDelayBlocks: 7,
      blockedFamilies: [new Uint8Array(6).fill(1)], evaluationNumberMin: 17, sameEvaluationNumber: true, collateralGraceSeconds: 5, revocationGraceSeconds: 6, acceptedStatuses: ['Revoked', 'UpToDate'],
    })
    expect(AttestationPolicy.decode(AttestationPolicy.encode(policy))).toEqual(policy)
  })

  test('refuses an unknown status and an overlong family', () => {
    const bytes = AttestationPolicy.encode(createPolicy({ kinds: [], roots: [], acceptedStatuses: ['UpToDate'] }))
    // One status: compact length 4, then its index.
    const at = bytes.indexOf(4)
    expect(codeOf(() => AttestationPolicy.decode(bytes.map((byte, i) => (i === at + 1 ? 9 : byte))))).toBe('CODEC_INVALID_VARIANT')
    expect(codeOf(() => AttestationPolicy.encode(createPolicy({ kinds: [], roots: [], allowedFamilies: [new Uint8Array(33)] })))).toBe('CODEC_LENGTH_EXCEEDED')
  })

  test('the reference\'s policy admits all kinds and every status that earns confidence', () => {
    const policy = referencePolicy()
    expect(policy.kinds).toEqual(TEE_KIND_NAMES)
    expect(policy.acceptedStatuses).toEqual(REFERENCE_STATUSES)
    expect(policy).toMatchObject({ simulated: false, admitDebug: false, reportAgeSecondsMax: 7200, collateralGraceSeconds: 0 })
  })
})
