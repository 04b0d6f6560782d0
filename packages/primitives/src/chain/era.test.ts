import { describe, expect, test } from 'vitest'
import { createMortalEra, Era, eraBirth, eraDeath } from './era.ts'

describe('era', () => {
  test.each([
    [{ kind: 'Immortal' } as const, [0]],
    [{ kind: 'Mortal', period: 64, phase: 42 } as const, [0xa5, 0x02]],
    [{ kind: 'Mortal', period: 32768, phase: 20000 } as const, [0x4e, 0x9c]],
    [{ kind: 'Mortal', period: 4, phase: 3 } as const, [0x31, 0x00]],
  ])('%o has its known bytes', (era, bytes) => {
    expect([...Era.encode(era)]).toEqual(bytes)
    expect(Era.decode(Uint8Array.from(bytes))).toEqual(era)
  })

  test.each([[{ kind: 'Mortal', period: 3, phase: 0 } as const], [{ kind: 'Mortal', period: 4, phase: 4 } as const], [{ kind: 'Mortal', period: 65536, phase: 1 } as const]])(
    'refuses to encode %o', (era) => expect(() => Era.encode(era)).toThrow(expect.objectContaining({ code: 'CODEC_OUT_OF_RANGE' })))

  test('refuses a phase outside the period', () => {
    expect(() => Era.decode(Uint8Array.of(0x41, 0x00))).toThrow(expect.objectContaining({ code: 'CODEC_OUT_OF_RANGE' }))
  })

  test('every two bytes are refused or come back as themselves', () => {
    for (let encoded = 1; encoded < 0x10000; encoded++) {
      const bytes = Uint8Array.of(encoded & 0xff, encoded >> 8)
      if ((encoded & 0xff) === 0) continue
      let era: Era | undefined
      try {
        era = Era.decode(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'CODEC_OUT_OF_RANGE' })
      }
      if (era !== undefined) expect(Era.encode(era)).toEqual(bytes)
    }
  })

  test('lives from its birth to one period later', () => {
    const era = createMortalEra({ period: 64, current: 1000 })
    expect(eraBirth(era, 1000)).toBe(1000)
    expect(eraBirth(era, 1063)).toBe(1000)
    expect(eraDeath(era, 1063)).toBe(1064)
    expect(eraBirth({ kind: 'Immortal' }, 5)).toBe(0)
    expect(eraDeath({ kind: 'Immortal' }, 5)).toBeUndefined()
  })
})
