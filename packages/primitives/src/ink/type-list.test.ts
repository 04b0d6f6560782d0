import { describe, expect, test } from 'vitest'
import { bool, bytes, compactU64, fixedBytes, late, named, option, result, struct, tuple, u32, u8, unit, variant, vec, type Codec } from '../codec/index.ts'
import { createTypeList, type JsonType } from './type-list.ts'

const listOf = (...codecs: readonly Codec<never>[]): { readonly ids: readonly number[]; readonly types: readonly JsonType[] } => {
  const list = createTypeList()
  const ids = codecs.map((codec) => list.idOf(codec.info()))
  return { ids, types: list.finish() }
}
const codecs = (...list: readonly unknown[]): readonly Codec<never>[] => list as readonly Codec<never>[]

describe('the list of types', () => {
  test('numbers types where they are first used, what they are made of after them', () => {
    const { ids, types } = listOf(...codecs(tuple(u8, vec(u32)), u32))
    expect(ids).toEqual([0, 3])
    expect(types.map(({ type }) => type.def)).toEqual([{ tuple: [1, 2] }, { primitive: 'u8' }, { sequence: { type: 3 } }, { primitive: 'u32' }])
  })
  test('gives equal types one number, and types under other names another', () => {
    const pair = () => struct({ left: u8, right: bool })
    const { ids } = listOf(...codecs(pair(), pair(), named('some::Pair', pair()), struct({ left: u8, other: bool })))
    expect(ids[0]).toBe(ids[1])
    expect(new Set(ids).size).toBe(3)
  })
  test('writes every kind of type as the JSON has it', () => {
    const { types } = listOf(...codecs(option(unit), result(fixedBytes(4), compactU64), variant('Empty', {}), named('a::B', variant('B', { One: { index: 3, value: bytes }, Two: { index: 9, fields: { some: u8 } } }))))
    expect(types.find(({ type }) => type.path?.[0] === 'Option')?.type).toEqual({
      path: ['Option'], params: [{ name: 'T', type: 1 }], def: { variant: { variants: [{ name: 'None', index: 0 }, { name: 'Some', index: 1, fields: [{ type: 1 }] }] } },
    })
    expect(types.map(({ type }) => type.def)).toContainEqual({ array: { len: 4, type: 4 } })
    expect(types.map(({ type }) => type.def)).toContainEqual({ compact: { type: 6 } })
    expect(types.map(({ type }) => type.def)).toContainEqual({ variant: {} })
    expect(types.find(({ type }) => type.path?.[1] === 'B')?.type.def).toEqual({
      variant: { variants: [{ name: 'One', index: 3, fields: [{ type: 9 }] }, { name: 'Two', index: 9, fields: [{ name: 'some', type: 4 }] }] },
    })
  })
  test('ends at types that hold themselves, also where one is entered at two places', () => {
    interface Tree { readonly children: readonly Tree[] }
    const tree: Codec<Tree> = named('a::Tree', struct({ children: vec(late(() => tree)) })) as Codec<Tree>
    const { ids, types } = listOf(...codecs(tree, vec(tree)))
    expect(ids).toEqual([0, 2])
    expect(types.map(({ type }) => type.def)).toEqual([{ composite: { fields: [{ name: 'children', type: 1 }] } }, { sequence: { type: 0 } }, { sequence: { type: 0 } }])
  })
})
