/** DER against the ways in which BER and broken writers differ from it. */
import { describe, expect, test } from 'vitest'
import { concatBytes, parseHex, toHexPlain } from '@phalanx/primitives/bytes'
import { DerReader, TAG, assertNull, bitStringBytes, booleanOf, contentOf, integerBytes, namedBits, oidText, readDer, smallInteger, unsignedBytes, type DerElement } from './der.ts'
import { der, derInteger, derOid, derSequence, derUnsigned } from './der-writer.ts'
import { codeOf } from '@phalanx/primitives/testing'

const element = (hex: string): DerElement => new DerReader(parseHex(hex)).next()

describe('DerReader', () => {
  test.each([
    ['empty input', '', 'ATTESTATION_DER_TRUNCATED'],
    ['a tag without length', '30', 'ATTESTATION_DER_TRUNCATED'],
    ['content cut', '300401', 'ATTESTATION_DER_TRUNCATED'],
    ['length bytes cut', '3082', 'ATTESTATION_DER_TRUNCATED'],
    ['indefinite length', '30800000', 'ATTESTATION_DER_LENGTH'],
    ['short length in long form', '308101ff', 'ATTESTATION_DER_LENGTH'],
    ['padded long length', `30820080${'00'.repeat(128)}`, 'ATTESTATION_DER_LENGTH'],
    ['length of four bytes', '308400000001ff', 'ATTESTATION_DER_LENGTH'],
    ['multi-byte tag', '1f8101', 'ATTESTATION_DER_TAG'],
    ['another tag', '0500', 'ATTESTATION_DER_TAG'],
  ])('refuses %s', (_name, hex, code) => {
    expect(codeOf(() => new DerReader(parseHex(hex)).next(TAG.sequence))).toBe(code)
  })

  test('refuses bytes after the value and inside it', () => {
    expect(codeOf(() => readDer(parseHex('300000'), TAG.sequence, () => 0))).toBe('ATTESTATION_DER_TRAILING_BYTES')
    expect(codeOf(() => readDer(parseHex('30020500'), TAG.sequence, () => 0))).toBe('ATTESTATION_DER_TRAILING_BYTES')
  })

  test('refuses nesting beyond sixteen levels', () => {
    let bytes = derInteger(1)
    for (let i = 0; i < 20; i++) bytes = derSequence(bytes)
    const descend = (reader: DerReader): unknown => (reader.peek() === TAG.sequence ? descend(reader.enter()) : 'bottom')
    expect(codeOf(() => descend(new DerReader(bytes)))).toBe('ATTESTATION_DER_DEPTH_EXCEEDED')
  })

  test('an inner element never reaches beyond its container', () => {
    const outer = new DerReader(parseHex('3003020201000000'))
    const inner = outer.enter()
    expect(codeOf(() => inner.next())).toBe('ATTESTATION_DER_TRUNCATED')
  })

  test('reads long lengths in their shortest form', () => {
    for (const length of [0, 127, 128, 255, 256, 70_000]) expect(contentOf(new DerReader(der(TAG.octetString, new Uint8Array(length))).next()).length).toBe(length)
  })
})

describe('primitive values', () => {
  test.each([
    ['empty integer', () => integerBytes(element('0200'))],
    ['padded positive integer', () => integerBytes(element('02020001'))],
    ['padded negative integer', () => integerBytes(element('0202ff80'))],
    ['negative where unsigned is due', () => unsignedBytes(element('0201ff'))],
    ['integer too large for a number', () => smallInteger(element('02080102030405060708'))],
    ['boolean of another byte', () => booleanOf(element('010101'))],
    ['boolean of two bytes', () => booleanOf(element('0102ffff'))],
    ['bit string with unused bits', () => bitStringBytes(element('030204f0'))],
    ['bit string without its count', () => bitStringBytes(element('0300'))],
    ['named bits with a trailing zero bit', () => namedBits(element('030205c0'))],
    ['named bits with set unused bits', () => namedBits(element('030206c1'))],
    ['named bits with set unused bits, trailing zeros admitted', () => namedBits(element('030206c1'), { untrimmed: true })],
    ['named bits without their count, trailing zeros admitted', () => namedBits(element('0300'), { untrimmed: true })],
    ['empty object identifier', () => oidText(element('0600'))],
    ['object identifier cut', () => oidText(element('06022a86'))],
    ['object identifier with padding', () => oidText(element('06032a8001'))],
    ['NULL with content', () => assertNull(element('050100'))],
  ])('refuses %s', (_name, run) => {
    expect(codeOf(run)).toBe('ATTESTATION_DER_VALUE')
  })

  test('reads what the standard writes', () => {
    expect(smallInteger(element('0203010001'))).toBe(65537)
    expect(toHexPlain(unsignedBytes(element('020200ff')))).toBe('ff')
    expect(booleanOf(element('0101ff'))).toBe(true)
    expect(namedBits(element('03020106'))).toEqual([false, false, false, false, false, true, true])
    expect(namedBits(element('030100'))).toEqual([])
    expect(namedBits(element('03020104'), { untrimmed: true })).toEqual([false, false, false, false, false, true, false])
  })

  test.each(['1.2.840.113741.1.13.1', '2.5.29.15', '2.25.106880214516607592973477126514678002789', '1.3.132.0.34', '0.9.2342', '2.999.3'])('object identifier %s comes back', (text) => {
    expect(oidText(new DerReader(derOid(text)).next())).toBe(text)
  })

  test('integers come back from any unsigned bytes', () => {
    for (const hex of ['00', '01', '7f', '80', 'ff00', '0001', '00ff']) {
      const back = unsignedBytes(new DerReader(derUnsigned(parseHex(hex))).next())
      expect(BigInt(`0x${toHexPlain(back)}`)).toBe(BigInt(`0x${hex}`))
    }
    expect(concatBytes(derInteger(0))).toEqual(parseHex('020100'))
  })
})
