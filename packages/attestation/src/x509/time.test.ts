/** Dates at their edges. */
import { describe, expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import { DerReader, TAG } from './der.ts'
import { der } from './der-writer.ts'
import { derTimeSeconds, formatDerTime, parseIsoSeconds } from './time.ts'
import { codeOf } from '@phalanx/primitives/testing'

const derText = (tag: number, text: string): number => derTimeSeconds(new DerReader(der(tag, utf8(text))).next())

describe('DER times', () => {
  test.each([
    [TAG.utcTime, '700101000000Z', 0],
    [TAG.utcTime, '491231235959Z', 2_524_607_999],
    [TAG.utcTime, '500101000000Z', -631_152_000],
    [TAG.generalizedTime, '20491231235959Z', 2_524_607_999],
    [TAG.generalizedTime, '21200101000000Z', 4_733_510_400],
    [TAG.utcTime, '240229120000Z', 1_709_208_000],
  ])('tag %i %s', (tag, text, seconds) => {
    expect(derText(tag, text)).toBe(seconds)
  })

  test.each([
    [TAG.utcTime, '230229000000Z'], [TAG.utcTime, '231301000000Z'], [TAG.utcTime, '230132000000Z'], [TAG.utcTime, '230101240000Z'], [TAG.utcTime, '230101006000Z'],
    [TAG.utcTime, '230101000060Z'], [TAG.utcTime, '2301010000Z'], [TAG.utcTime, '230101000000+0000'], [TAG.utcTime, '230101000000'], [TAG.utcTime, '20230101000000Z'],
    [TAG.generalizedTime, '230101000000Z'], [TAG.generalizedTime, '20230101000000.5Z'], [TAG.utcTime, ''], [TAG.utcTime, '23010100000 Z'],
  ])('refuses tag %i %j', (tag, text) => {
    expect(codeOf(() => derText(tag, text))).toBe('ATTESTATION_DATE_MALFORMED')
  })

  test('refuses another tag', () => {
    expect(codeOf(() => derText(TAG.utf8String, '20230101000000Z'))).toBe('ATTESTATION_DER_TAG')
  })

  test('are written as UTCTime through 2049', () => {
    expect(formatDerTime(2_524_607_999)).toEqual({ tag: TAG.utcTime, text: '491231235959Z' })
    expect(formatDerTime(2_524_608_000)).toEqual({ tag: TAG.generalizedTime, text: '20500101000000Z' })
  })
})

describe('ISO times', () => {
  test('cut fractions of a second', () => {
    expect(parseIsoSeconds('2021-09-12T18:06:20.402478Z')).toBe(1_631_469_980)
  })

  test.each(['2021-09-12T18:06:20', '2021-09-12 18:06:20Z', '2021-9-12T18:06:20Z', '2021-02-30T00:00:00Z', '2021-09-12T18:06:20+00:00', 'Z', '', '2021-09-12T18:06:20.Z'])('refuses %j', (text) => {
    expect(codeOf(() => parseIsoSeconds(text))).toBe('ATTESTATION_DATE_MALFORMED')
  })
})
