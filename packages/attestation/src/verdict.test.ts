/** Verdict trees: results of groups, first failure, rendering. */
import { describe, expect, test } from 'vitest'
import { attestationErrors, attestationError, fixOf, type AttestationErrorCode } from './errors.ts'
import { isAppError } from '@phalanx/primitives/errors'
import { allFailures, createCheckRecorder, firstFailure, firstFailurePath, formatVerdict, verdictError, verdictOf } from './verdict.ts'

const spec = (name: string) => ({ name, rule: 'a rule' })
const pass = { pass: true, code: 'ATTESTATION_DER_TAG', detail: '' } as const
const fail = (code: AttestationErrorCode) => ({ pass: false, code, detail: 'seen' })

describe('CheckRecorder', () => {
  test('a group fails with its first failing child and passes with all', () => {
    const checks = createCheckRecorder()
    checks.group(spec('good'), (inner) => {
      inner.check(spec('a'), pass)
      inner.skip(spec('b'), 'not needed')
    })
    checks.group(spec('empty'), (inner) => inner.skip(spec('c'), 'why'))
    expect(checks.failed()).toBe(false)
    checks.group(spec('bad'), (inner) => {
      inner.check(spec('d'), fail('ATTESTATION_QE_VENDOR'))
      inner.check(spec('e'), fail('ATTESTATION_TEE_TYPE'))
    })
    expect(checks.failed()).toBe(true)
    const tree = checks.finish(spec('root'))
    expect(tree.children.map(({ result }) => result)).toEqual(['pass', 'skip', 'fail'])
    expect(firstFailure(tree)).toMatchObject({ name: 'd', errorCode: 'ATTESTATION_QE_VENDOR', fix: fixOf('ATTESTATION_QE_VENDOR') })
    expect(firstFailurePath(tree)).toEqual(['bad', 'd'])
    expect(allFailures(tree).map(({ name }) => name)).toEqual(['d', 'e'])
  })

  test('attempt records what a reader throws, with its path, and lets other errors through', () => {
    const checks = createCheckRecorder()
    const thrown = checks.attempt(spec('read'), () => {
      throw attestationError('ATTESTATION_JSON_FIELD', 'wrong', { path: 'a.b' })
    })
    expect(thrown).toBeUndefined()
    expect(checks.finish(spec('x')).children[0]).toMatchObject({ result: 'fail', errorCode: 'ATTESTATION_JSON_FIELD', detail: 'wrong (in a.b)' })
    expect(() => checks.attempt(spec('bug'), () => {
      throw new TypeError('ours')
    })).toThrow(TypeError)
  })
})

describe('Verdict', () => {
  const failing = () => {
    const checks = createCheckRecorder()
    checks.check({ ...spec('bytes'), seen: Uint8Array.of(1, 255), expected: 'more' }, fail('ATTESTATION_DEBUG_ENCLAVE'))
    checks.skip(spec('later'), 'not reached')
    return verdictOf(checks.finish(spec('evidence')), { kind: 'x' })
  }

  test('renders what was seen, expected, the rule and the fix', () => {
    const text = formatVerdict(failing())
    for (const part of ['refused: ATTESTATION_DEBUG_ENCLAVE (seen)', '✘ bytes: 01ff', 'expected: more', 'rule: a rule', fixOf('ATTESTATION_DEBUG_ENCLAVE'), '– later', 'not reached'])
      expect(text).toContain(part)
  })

  test('becomes an error with its code and place', () => {
    const verdict = failing()
    if (verdict.ok) throw new Error('passed')
    const error = verdictError(verdict)
    expect(isAppError(error, 'ATTESTATION_DEBUG_ENCLAVE') && error.path).toBe('bytes')
  })
})

describe('errors', () => {
  test('every code has a sentence with its detail and a remedy', () => {
    for (const [code, { text, fix }] of Object.entries(attestationErrors)) {
      expect(text, code).toMatch(/\{detail\}\.$/)
      expect(fix.length, code).toBeGreaterThan(20)
      expect(fix, code).toMatch(/\.$/)
    }
  })
})
