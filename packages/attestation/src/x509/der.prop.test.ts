/** Any bytes: a value or one of our errors, in every reader. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isAttestationError } from '../errors.ts'
import { parseBase64, toBase64 } from '../base64.ts'
import { parseJson } from '../json.ts'
import { parseCertificate } from './certificate.ts'
import { parseRevocationList } from './crl.ts'
import { DerReader } from './der.ts'
import { derUnsigned } from './der-writer.ts'
import { formatPem, parsePem } from './pem.ts'
import { derTimeSeconds, formatIsoSeconds, parseIsoSeconds } from './time.ts'
import { derTime } from './der-writer.ts'

const totalOver = (run: (bytes: Uint8Array) => unknown) => (bytes: Uint8Array): void => {
  try {
    run(bytes)
  } catch (error) {
    expect(isAttestationError(error)).toBe(true)
  }
}

describe('readers of outside bytes', () => {
  test.each([
    ['certificate', totalOver(parseCertificate)],
    ['revocation list', totalOver(parseRevocationList)],
    ['PEM', totalOver((bytes) => parsePem(String.fromCharCode(...bytes)))],
    ['JSON', totalOver((bytes) => parseJson(String.fromCharCode(...bytes)))],
  ])('%s: a value or an error of ours', (_name, run) => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), run), { numRuns: 500 })
  })

  test('JSON of other writers is read with the same meaning', () => {
    const plain = (value: unknown): unknown =>
      value instanceof Map ? Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)])) : Array.isArray(value) ? value.map(plain) : value
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value)
      fc.pre(!text.includes('__proto__'))
      expect(plain(parseJson(text))).toEqual(JSON.parse(text))
    }), { numRuns: 300 })
  })

  test('base64 and PEM come back', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(parseBase64(toBase64(bytes))).toEqual(bytes)
      if (bytes.length > 0) expect(parsePem(formatPem([bytes, bytes]))).toEqual([bytes, bytes])
    }), { numRuns: 200 })
  })

  test('times come back', () => {
    fc.assert(fc.property(fc.integer({ min: -600_000_000, max: 250_000_000_000 }), (seconds) => {
      expect(parseIsoSeconds(formatIsoSeconds(seconds))).toBe(seconds)
      expect(formatIsoSeconds(seconds)).toBe(new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'))
      expect(derTimeSeconds(new DerReader(derTime(seconds)).next())).toBe(seconds)
    }), { numRuns: 500 })
  })

  test('any unsigned integer is written minimal', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      expect(() => new DerReader(derUnsigned(bytes)).next()).not.toThrow()
    }), { numRuns: 200 })
  })
})
