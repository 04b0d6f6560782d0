import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PINK_EVENT_RULES, PinkEvent, type PinkEvent as Event } from './pink-event.ts'

const ID = new Uint8Array(32).fill(7)
const ids = '07'.repeat(32)
const CASES: readonly (readonly [Event, string])[] = [
  [{ kind: 'SetHook', value: { hook: { kind: 'OnBlockEnd' }, contract: ID, selector: 0x01020304, gasLimit: 5n } }, `0x0200${ids}040302010500000000000000`],
  [{ kind: 'DeploySidevmTo', value: { contract: ID, codeHash: ID } }, `0x03${ids}${ids}`],
  [{ kind: 'SidevmMessage', value: Uint8Array.of(1, 2) }, '0x04080102'],
  [{ kind: 'CacheOp', value: { kind: 'Set', value: { key: Uint8Array.of(1), value: Uint8Array.of(2, 3) } } }, '0x05000401080203'],
  [{ kind: 'CacheOp', value: { kind: 'SetExpiration', value: { key: Uint8Array.of(1), expiration: 9n } } }, '0x050104010900000000000000'],
  [{ kind: 'CacheOp', value: { kind: 'Remove', value: { key: Uint8Array.of(1) } } }, '0x05020401'],
  [{ kind: 'StopSidevm' }, '0x06'],
  [{ kind: 'ForceStopSidevm', value: { contract: ID } }, `0x07${ids}`],
  [{ kind: 'SetLogHandler', value: ID }, `0x08${ids}`],
  [{ kind: 'SetContractWeight', value: { contract: ID, weight: 300 } }, `0x09${ids}2c010000`],
  [{ kind: 'UpgradeRuntimeTo', value: { version: [1, 2] } }, '0x0a0100000002000000'],
  [
    { kind: 'SidevmOperation', value: { kind: 'Start', value: { contract: ID, codeHash: ID, workers: { kind: 'List', value: [ID] }, config: { maxCodeSize: 1, maxMemoryPages: 2, vitalCapacity: 3n, deadline: 4 } } } },
    `0x0b00${ids}${ids}0104${ids}0100000002000000030000000000000004000000`,
  ],
  [{ kind: 'SidevmOperation', value: { kind: 'SetDeadline', value: { contract: ID, deadline: 4 } } }, `0x0b01${ids}04000000`],
  [{ kind: 'SetJsRuntime', value: ID }, `0x0c${ids}`],
]

describe('events for the worker', () => {
  test.each(CASES)('%o is written as the reference writes it, and read back', (event, hex) => {
    expect(toHex(PinkEvent.encode(event))).toBe(hex)
    expect(PinkEvent.decode(PinkEvent.encode(event))).toEqual(event)
  })
  test('kinds that do not exist, rests and lists longer than their bytes are refused', () => {
    const codeOf = (bytes: Uint8Array): string => {
      try {
        PinkEvent.decode(bytes)
        return 'accepted'
      } catch (error) {
        return isAppError(error) ? error.code : 'crashed'
      }
    }
    expect([0, 1, 13, 255].map((index) => codeOf(Uint8Array.of(index)))).toEqual(new Array(4).fill('CODEC_INVALID_VARIANT'))
    expect(codeOf(Uint8Array.of(6, 0))).toBe('CODEC_TRAILING_BYTES')
    expect(codeOf(concatBytes(Uint8Array.of(11, 0), ID, ID, Uint8Array.of(1, 0xfd, 0x03)))).toBe('CODEC_UNEXPECTED_END')
    expect(codeOf(Uint8Array.of(4, 0xfe, 0xff, 0xff, 0xff))).toBe('CODEC_LENGTH_EXCEEDED')
  })
  test('any bytes are read or refused, and what is read is written equally', () => {
    fc.assert(fc.property(fc.nat(14), fc.uint8Array({ maxLength: 150 }), (index, rest) => {
      const bytes = concatBytes(Uint8Array.of(index), rest)
      try {
        expect(PinkEvent.encode(PinkEvent.decode(bytes))).toEqual(bytes)
      } catch (error) {
        if (!isAppError(error)) throw error
      }
    }), { numRuns: 300 })
  })
  test('what a query may send, what stays out of the chain of events, what only the system contract may send', () => {
    const kindsWhere = (holds: (rule: (typeof PINK_EVENT_RULES)['SetHook']) => boolean): readonly number[] => {
      const { def } = PinkEvent.info()
      const variants = def.kind === 'variant' ? def.variants : []
      return variants.filter(({ name }) => holds(PINK_EVENT_RULES[name as Event['kind']])).map(({ index }) => index)
    }
    expect(kindsWhere((rule) => rule.isAllowedInQuery)).toEqual([3, 4, 5, 6, 7, 11])
    expect(kindsWhere((rule) => rule.isPrivate)).toEqual([4, 5])
    expect(kindsWhere((rule) => rule.needsSystemContract)).toEqual([2, 3, 7, 8, 9, 10, 11, 12])
  })
})
