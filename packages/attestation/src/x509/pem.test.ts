/** PEM chains as services and quoting libraries write them, and as attackers do. */
import { expect, test } from 'vitest'
import { formatPem, parsePem } from './pem.ts'
import { codeOf } from '@phalanx/primitives/testing'

const one = Uint8Array.from({ length: 100 }, (_, i) => i)
const pem = formatPem([one])

test('reads several blocks, CRLF, blank lines between blocks and a NUL at the end', () => {
  expect(parsePem(formatPem([one, one, one]))).toHaveLength(3)
  expect(parsePem(pem.replaceAll('\n', '\r\n'))).toEqual([one])
  expect(parsePem(`${pem}\n\n${pem}\0`)).toHaveLength(2)
  expect(parsePem(pem.trimEnd())).toEqual([one])
})

test.each([
  ['nothing', ''],
  ['text before the block', `x\n${pem}`],
  ['text after the block', `${pem}x`],
  ['another label', formatPem([one], 'PUBLIC KEY')],
  ['a block that does not end', pem.slice(0, -30)],
  ['an end without begin', pem.slice(pem.indexOf('\n') + 1)],
  ['a header inside', pem.replace('\n', '\nProc-Type: 4,ENCRYPTED\n')],
  ['spaces in a line', pem.replace('AAEC', 'AA EC')],
  ['a NUL inside', pem.replace('AAEC', 'AA\0C')],
  ['more than eight blocks', pem.repeat(9)],
])('refuses %s', (_name, text) => {
  expect(codeOf(() => parsePem(text))).toBe('ATTESTATION_PEM_MALFORMED')
})

test('refuses base64 that is not canonical, and oversized text', () => {
  expect(codeOf(() => parsePem(pem.replace('==\n', '=\n')))).toBe('ATTESTATION_BASE64_MALFORMED')
  expect(codeOf(() => parsePem('\n'.repeat(300_000)))).toBe('ATTESTATION_INPUT_TOO_LARGE')
})
