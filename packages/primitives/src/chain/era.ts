/** Owns the mortality of extrinsics (two-byte era, as Substrate writes it). */
import { AppError } from '../errors.ts'
import { createCodec, u8, type Codec } from '../codec/index.ts'
import type { TypeInfo } from '../codec/type-info.ts'

/** Immortal, or valid for `period` blocks (a power of two, 4 to 65536) from the block congruent to `phase`. */
export type Era = { readonly kind: 'Immortal' } | { readonly kind: 'Mortal'; readonly period: number; readonly phase: number }

const eraInfo: TypeInfo = {
  path: ['sp_runtime', 'generic', 'era', 'Era'],
  params: [],
  docs: [],
  def: {
    kind: 'variant',
    variants: [
      { name: 'Immortal', index: 0, fields: [] },
      ...Array.from({ length: 255 }, (_, i) => ({ name: `Mortal${i + 1}`, index: i + 1, fields: [{ type: u8.info }] })),
    ],
  },
}

const quantizeFactor = (period: number): number => Math.max(1, period >> 12)
const malformed = (got: string): AppError => new AppError('CODEC_OUT_OF_RANGE', { expected: 'an era', got })

/** Era of an extrinsic. */
export const Era: Codec<Era> = createCodec<Era>({
  info: () => eraInfo,
  minSize: 1,
  write(out, era) {
    if (era.kind === 'Immortal') return out.u8(0)
    const { period, phase } = era
    const exponent = 31 - Math.clz32(period)
    const factor = quantizeFactor(period)
    if (period < 4 || period > 65536 || 1 << exponent !== period || phase < 0 || phase >= period || phase % factor !== 0)
      throw malformed(`period ${period}, phase ${phase}`)
    out.u16(Math.min(15, Math.max(1, exponent - 1)) | ((phase / factor) << 4))
  },
  read(input) {
    const first = input.u8()
    if (first === 0) return { kind: 'Immortal' }
    const encoded = first | (input.u8() << 8)
    const period = 2 << (encoded & 15)
    const phase = (encoded >> 4) * quantizeFactor(period)
    if (period < 4 || phase >= period) throw malformed(`period ${period}, phase ${phase}`)
    return { kind: 'Mortal', period, phase }
  },
})

/** The mortal era that begins at `current`; `period` is rounded up to a power of two within 4..65536. */
export const createMortalEra = (options: { readonly period: number; readonly current: number }): Era => {
  let period = 4
  while (period < options.period && period < 65536) period *= 2
  const factor = quantizeFactor(period)
  const phase = Math.floor((options.current % period) / factor) * factor
  return { kind: 'Mortal', period, phase }
}

/** First block at which an extrinsic with this era is valid, as seen from block `current`. */
export const eraBirth = (era: Era, current: number): number =>
  era.kind === 'Immortal' ? 0 : Math.floor((Math.max(current, era.phase) - era.phase) / era.period) * era.period + era.phase

/** First block at which it is no longer valid; undefined for immortal eras. */
export const eraDeath = (era: Era, current: number): number | undefined =>
  era.kind === 'Immortal' ? undefined : eraBirth(era, current) + era.period
