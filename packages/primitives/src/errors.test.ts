import { expect, test } from 'vitest'
import { AppError, allErrors, atPath, isAppError, primitivesErrors } from './errors.ts'

test('an error says code, place, cause and fix', () => {
  const error = new AppError('CODEC_LENGTH_EXCEEDED', { length: 9, max: 3 }, { path: 'tags' })
  expect(error.message).toBe('CODEC_LENGTH_EXCEEDED at tags: A length of 9 exceeds the limit of 3. Send fewer elements.')
  expect(error.fix).toBe('Send fewer elements.')
  expect(error.name).toBe('AppError')
  expect(error).toBeInstanceOf(Error)
})

test('keeps the cause it was made from, and has none otherwise', () => {
  const cause = new Error('disk')
  expect(new AppError('CODEC_INVALID_UTF8', {}, { cause }).cause).toBe(cause)
  expect('cause' in new AppError('CODEC_INVALID_UTF8', {})).toBe(false)
})

test('a placeholder without context stays readable', () => {
  expect(new AppError('CODEC_UNEXPECTED_END', { needed: 4 } as never).message).toContain('4 needed, {left} left')
})

test('isAppError tells codes apart', () => {
  const error: unknown = new AppError('HEX_MALFORMED', { length: 3 })
  expect(isAppError(error)).toBe(true)
  expect(isAppError(error, 'HEX_MALFORMED')).toBe(true)
  expect(isAppError(error, 'CODEC_INVALID_UTF8')).toBe(false)
  expect(isAppError(new Error('HEX_MALFORMED'))).toBe(false)
})

test('atPath puts names and indices in front, and leaves other errors alone', () => {
  const error = new AppError('CODEC_INVALID_UTF8', {})
  for (const segment of ['name', 3, 'features', 'registration']) atPath(error, segment)
  expect(error.path).toBe('registration.features[3].name')
  const other = new Error('x')
  expect(atPath(other, 'name')).toBe(other)
})

test('every code has the grammar AREA_WHAT, a sentence and a fix', () => {
  const all = allErrors()
  expect(all.map(({ code }) => code)).toEqual(expect.arrayContaining(Object.keys(primitivesErrors)))
  for (const { code, text, fix } of all) {
    expect(code).toMatch(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/)
    expect(text).toMatch(/^[^a-z].*\.$/s)
    expect(fix).toMatch(/\.$/)
  }
})
