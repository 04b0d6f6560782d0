/** Owns making a fuzz target out of a codec: valid bytes from its type description as seeds, and "re-encodes equal" as the property. */
import { assert } from '@phalanx/primitives/assert'
import { bytesEqual, concatBytes, toHex } from '@phalanx/primitives/bytes'
import { compactU32, compactU128, type Codec, type PrimitiveName, type TypeInfo } from '@phalanx/primitives/codec'
import type { FuzzTarget } from './fuzzer.ts'
import { createRng, type Rng } from './mutate.ts'

const WIDTHS: Readonly<Record<Exclude<PrimitiveName, 'str' | 'bool' | 'char'>, number>> = {
  u8: 1, u16: 2, u32: 4, u64: 8, u128: 16, u256: 32, i8: 1, i16: 2, i32: 4, i64: 8, i128: 16, i256: 32,
}
const DEPTH_MAX = 8

const randomBytes = (rng: Rng, length: number): Uint8Array => Uint8Array.from({ length }, () => rng.below(256))

const samplePrimitive = (rng: Rng, name: PrimitiveName): Uint8Array => {
  if (name === 'bool') return Uint8Array.of(rng.below(2))
  if (name === 'char') return Uint8Array.of(65 + rng.below(26), 0, 0, 0)
  if (name === 'str') {
    const length = rng.below(12)
    return concatBytes(compactU32.encode(length), Uint8Array.from({ length }, () => 97 + rng.below(26)))
  }
  return randomBytes(rng, WIDTHS[name])
}

const sampleList = (rng: Rng, element: () => TypeInfo, options: { readonly count: number; readonly depth: number }): Uint8Array =>
  concatBytes(...Array.from({ length: options.count }, () => sampleBytes(rng, element(), options.depth + 1)))

/** Bytes of a random value of a described type; variants at the depth limit take their shortest case. */
export const sampleBytes = (rng: Rng, info: TypeInfo, depth = 0): Uint8Array => {
  const { def } = info
  switch (def.kind) {
    case 'primitive': return samplePrimitive(rng, def.name)
    case 'composite': return concatBytes(...def.fields.map(({ type }) => sampleBytes(rng, type(), depth + 1)))
    case 'tuple': return concatBytes(...def.elements.map((type) => sampleBytes(rng, type(), depth + 1)))
    case 'array': return sampleList(rng, def.element, { count: def.length, depth })
    case 'sequence': {
      const count = depth > DEPTH_MAX ? 0 : rng.below(4)
      return concatBytes(compactU32.encode(count), sampleList(rng, def.element, { count, depth }))
    }
    case 'compact': return rng.below(2) === 0 ? compactU128.encode(BigInt(rng.below(200))) : compactU32.encode(rng.below(65_536))
    case 'bitSequence': return Uint8Array.of(0)
    case 'variant': {
      const fewest = [...def.variants].sort((a, b) => a.fields.length - b.fields.length)[0]
      const chosen = depth > DEPTH_MAX ? fewest : def.variants[rng.below(def.variants.length)]
      if (chosen === undefined) return new Uint8Array()
      return concatBytes(Uint8Array.of(chosen.index), ...chosen.fields.map(({ type }) => sampleBytes(rng, type(), depth + 1)))
    }
  }
}

/** Seeds for a codec: `count` random values, drawn from its own name. */
export const sampleSeeds = (name: string, codec: Codec<any>, count = 12): readonly Uint8Array[] => {
  const rng = createRng(1, name)
  return Array.from({ length: count }, () => sampleBytes(rng, codec.info()))
}

/** A target that decodes and demands that an accepted value has exactly the bytes it came from. */
export const codecTarget = (name: string, codec: Codec<any>, seeds: readonly Uint8Array[] = []): FuzzTarget => ({
  name,
  seeds: [...seeds, ...sampleSeeds(name, codec)],
  run(bytes) {
    const again = codec.encode(codec.decode(bytes))
    assert(bytesEqual(again, bytes), `re-encodes as ${toHex(again)}`)
  },
})
