import { describe, expect, test } from 'vitest'
import { toHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import { dcapRoot } from './kinds/dcap/roots.ts'
import { referencePolicy } from './kinds/index.ts'
import { parsePolicy, policyToJson } from './policy-json.ts'
import { AttestationPolicy } from './policy.ts'
import { formatPem } from './x509/pem.ts'

const read = (json: unknown): AttestationPolicy => parsePolicy(utf8(typeof json === 'string' ? json : JSON.stringify(json)))
const codeOf = (json: unknown): unknown => {
  try {
    read(json)
  } catch (error) {
    return [(error as { code?: unknown }).code, (error as { path?: unknown }).path]
  }
  return 'nothing thrown'
}

const FULL = referencePolicy({
  version: 7, simulated: true, enforceMeasurements: true, measurements: [new Uint8Array(68).fill(1)], acceptedStatuses: ['UpToDate'], refusedAdvisories: ['SA-1'],
  confidenceLevelMax: 2, evaluationNumberMin: 17, sameEvaluationNumber: true, allowedFamilies: [new Uint8Array(6).fill(4)], blockedFamilies: [new Uint8Array(6).fill(5)],
  admitDebug: true, collateralGraceSeconds: 1, revocationGraceSeconds: 2, reportAgeSecondsMax: 3, familyMinimums: [{ family: new Uint8Array(6), tcb: new Uint8Array(8) }],
})

describe('a policy file', () => {
  test('of JSON changes what it names and leaves the rest to the reference', () => {
    expect(read({})).toEqual(referencePolicy())
    expect(read({ confidenceLevelMax: 1, acceptedStatuses: ['UpToDate'] })).toEqual(referencePolicy({ confidenceLevelMax: 1, acceptedStatuses: ['UpToDate'] }))
  })

  test('comes back from its JSON and its SCALE, every field', () => {
    expect(read(policyToJson(FULL))).toEqual(FULL)
    expect(parsePolicy(AttestationPolicy.encode(FULL))).toEqual(FULL)
    expect(read(toHex(AttestationPolicy.encode(FULL)))).toEqual(FULL)
    expect(Object.keys(policyToJson(FULL) as object).sort()).toEqual(Object.keys(FULL).sort())
  })

  test('takes roots as PEM or hex', () => {
    expect(read({ roots: [formatPem([dcapRoot]), toHexPlain(dcapRoot)] }).roots).toEqual([dcapRoot, dcapRoot])
  })

  test.each([
    [{ confidenceLevelMin: 1 }, 'ATTESTATION_POLICY_MALFORMED', 'confidenceLevelMin'],
    [{ constructor: 1 }, 'ATTESTATION_POLICY_MALFORMED', 'constructor'],
    ['{"__proto__":1}', 'ATTESTATION_POLICY_MALFORMED', '__proto__'],
    [{ roots: ['xyz'] }, 'ATTESTATION_POLICY_MALFORMED', 'roots[0]'],
    [{ acceptedStatuses: ['Fine'] }, 'ATTESTATION_POLICY_MALFORMED', 'acceptedStatuses[0]'],
    [{ simulated: 'yes' }, 'ATTESTATION_POLICY_MALFORMED', 'simulated'],
    [{ confidenceLevelMax: 256 }, 'ATTESTATION_JSON_FIELD', 'confidenceLevelMax'],
    [{ familyMinimums: [{ family: '00' }] }, 'ATTESTATION_JSON_FIELD', 'familyMinimums[0].tcb'],
    [{ kinds: Array.from({ length: 17 }, () => 'SgxDcap') }, 'ATTESTATION_POLICY_MALFORMED', expect.any(String)],
    ['{"version":1,"version":2}', 'ATTESTATION_JSON_DUPLICATE_KEY', expect.any(String)],
    ['{', 'ATTESTATION_JSON_MALFORMED', expect.any(String)],
    ['0x00', 'ATTESTATION_POLICY_MALFORMED', expect.any(String)],
    ['', 'ATTESTATION_POLICY_MALFORMED', expect.any(String)],
  ])('%j is refused', (json, code, path) => {
    expect(codeOf(json)).toEqual([code, path])
  })
})
