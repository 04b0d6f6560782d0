import fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { referencePolicy } from './kinds/index.ts'
import { parsePolicy, policyToJson } from './policy-json.ts'
import { AttestationPolicy } from './policy.ts'
import { TCB_STATUSES } from './status.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength })
const u32 = fc.integer({ min: 0, max: 0xffff_ffff })

const changes = fc.record(
  {
    version: u32, simulated: fc.boolean(), kinds: fc.array(fc.constantFrom('SgxDcap', 'Tdx', 'Other'), { maxLength: 16 }), roots: fc.array(bytes(60), { maxLength: 3 }),
    measurements: fc.array(bytes(80), { maxLength: 4 }), acceptedStatuses: fc.subarray([...TCB_STATUSES]), refusedAdvisories: fc.array(fc.string({ maxLength: 16 }), { maxLength: 3 }),
    confidenceLevelMax: fc.integer({ min: 0, max: 255 }), allowedFamilies: fc.array(bytes(32), { maxLength: 3 }), reportAgeSecondsMax: u32,
  },
  { requiredKeys: [] },
)

test('a policy comes back from its JSON as it was', () => {
  fc.assert(fc.property(changes, (some) => {
    const policy = referencePolicy(some)
    expect(parsePolicy(utf8(JSON.stringify(policyToJson(policy))))).toEqual(policy)
  }), { numRuns: 200 })
})

test('whatever stands in a policy file, it is a policy or an error with a code', () => {
  const base = AttestationPolicy.encode(referencePolicy())
  const mutated = fc.tuple(fc.nat(base.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => base.map((byte, i) => (i === at ? byte ^ flip : byte)))
  const texts = fc.oneof(fc.json(), fc.string(), fc.dictionary(fc.constantFrom('version', 'roots', 'kinds', 'familyMinimums', 'simulated', '__proto__'), fc.jsonValue()).map((value) => JSON.stringify(value))).map(utf8)
  fc.assert(fc.property(fc.oneof(mutated, texts, bytes(200)), (file) => {
    try {
      expect(AttestationPolicy.decode(AttestationPolicy.encode(parsePolicy(file)))).toBeTruthy()
    } catch (error) {
      if (!isAppError(error)) throw error
      expect(error.code).toMatch(/^ATTESTATION_/)
    }
  }), { numRuns: 500 })
})
