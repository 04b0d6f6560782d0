/** Canonical base64 only. */
import { expect, test } from 'vitest'
import { isAppError } from '@phalanx/primitives/errors'
import { parseBase64 } from './base64.ts'

test.each(['a', 'ab', 'abc', 'ab==c', 'a===', '====', 'YR==', 'YWJ=', 'YW Jj', 'YWJj\n', 'YW-_', 'é==='])('refuses %j', (text) => {
  let code = 'none'
  try {
    parseBase64(text)
  } catch (error) {
    code = isAppError(error) ? error.code : String(error)
  }
  expect(code).toBe('ATTESTATION_BASE64_MALFORMED')
})

test('decodes padded and unpadded lengths', () => {
  expect(new TextDecoder().decode(parseBase64('YQ=='))).toBe('a')
  expect(new TextDecoder().decode(parseBase64('YWI='))).toBe('ab')
  expect(new TextDecoder().decode(parseBase64('YWJj'))).toBe('abc')
  expect(parseBase64('')).toEqual(new Uint8Array(0))
})
