/** Metadata: byte-identical through two foreign libraries, real chains' metadata through our codec, indices as real chains have them, a golden summary. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { metadata as foreignMetadata } from '@polkadot-api/substrate-bindings'
import { Metadata as PolkadotMetadata, TypeRegistry } from '@polkadot/types'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { describeVectors, readVectorBytes, readVectorJson, vectorsDir } from '../../../../tools/vectors.ts'
import { createPhalanxRuntime } from '../../src/runtime.ts'
import { Metadata, type MetadataV15 } from '../../src/frame/metadata/codec.ts'

const crypto = await loadCrypto()
const runtime = createPhalanxRuntime({ stateVersion: 1 }, { crypto })

const v15 = (): MetadataV15 => {
  const { content } = Metadata.decode(runtime.metadata(15))
  if (content.kind !== 'V15') throw new Error('version 15 decodes as such')
  return content.value
}

interface NamedIndex {
  readonly name: string
  readonly index: number
}
interface PalletSummary {
  readonly name: string
  readonly index: number
  readonly calls: readonly NamedIndex[]
  readonly events: readonly NamedIndex[]
  readonly errors: readonly NamedIndex[]
}

const variantsOf = ({ types }: MetadataV15, id: number | undefined): readonly NamedIndex[] => {
  const def = id === undefined ? undefined : types[id]?.def
  return def?.kind === 'variant' ? def.value.map(({ name, index }) => ({ name, index })) : []
}

const typeName = ({ types }: MetadataV15, id: number): string => {
  const type = types[id]
  if (type === undefined) return '?'
  const name = (inner: number): string => typeName(v, inner)
  const v = { types } as MetadataV15
  if (type.path.length > 0 && type.def.kind !== 'sequence') {
    const params = type.params.flatMap(({ type: inner }) => (inner === undefined ? [] : [name(inner)]))
    const isGeneric = ['Option', 'Result', 'BTreeMap'].includes(type.path.at(-1) ?? '')
    return isGeneric ? `${type.path.at(-1)}<${params.join(', ')}>` : (type.path.at(-1) ?? '')
  }
  switch (type.def.kind) {
    case 'primitive': return type.def.value.kind
    case 'sequence': return `Vec<${name(type.def.value)}>`
    case 'array': return `[${name(type.def.value.element)}; ${type.def.value.length}]`
    case 'tuple': return `(${type.def.value.map(name).join(', ')})`
    case 'compact': return `Compact<${name(type.def.value)}>`
    case 'composite': return `{${type.def.value.map((field) => `${field.name}: ${name(field.type)}`).join(', ')}}`
    default: return type.def.kind
  }
}

/** What a reviewer wants to see change. */
const summaryOf = (metadata: MetadataV15): unknown => {
  const fields = (id: number | undefined): readonly string[] => {
    const def = id === undefined ? undefined : metadata.types[id]?.def
    if (def?.kind !== 'variant') return []
    return def.value.map((one) => `${one.index} ${one.name}(${one.fields.map((field) => `${field.name === undefined ? '' : `${field.name}: `}${typeName(metadata, field.type)}`).join(', ')})`)
  }
  return {
    extensions: metadata.extrinsic.signedExtensions.map(({ identifier }) => identifier),
    pallets: metadata.pallets.map((pallet) => ({
      name: pallet.name, index: pallet.index,
      calls: fields(pallet.calls), events: fields(pallet.events), errors: fields(pallet.errors),
      storage: (pallet.storage?.items ?? []).map(({ name, modifier, type }) =>
        `${name}: ${type.kind === 'Plain' ? typeName(metadata, type.value) : `${type.value.hashers.map(({ kind }) => kind).join('+')} ${typeName(metadata, type.value.key)} -> ${typeName(metadata, type.value.value)}`} (${modifier.kind})`),
      constants: pallet.constants.map(({ name, type, value }) => `${name}: ${typeName(metadata, type)} = ${toHex(value).slice(0, 42)}`),
    })),
    apis: metadata.apis.flatMap((api) => api.methods.map((method) =>
      `${api.name}_${method.name}(${method.inputs.map((input) => `${input.name}: ${typeName(metadata, input.type)}`).join(', ')}) -> ${typeName(metadata, method.output)}`)),
  }
}

describe('our metadata', () => {
  test.each([14, 15, 16] as const)('version %i is byte-identical after decoding and encoding by substrate-bindings', (version) => {
    const bytes = runtime.metadata(version)
    const decoded = foreignMetadata.dec(bytes)
    expect(decoded.metadata.tag).toBe(`v${version}`)
    expect(toHex(foreignMetadata.enc(decoded))).toBe(toHex(bytes))
  })

  test.each([14, 15, 16] as const)('version %i loads into polkadot-js and back', (version) => {
    const registry = new TypeRegistry()
    const metadata = new PolkadotMetadata(registry, runtime.metadata(version))
    registry.setMetadata(metadata)
    expect(toHex(metadata.toU8a())).toBe(toHex(runtime.metadata(version)))
    expect(registry.createType('Call', { callIndex: [7, 0], args: { dest: new Uint8Array(32), value: 5 } }).toHex()).toBe(`0x070000${'00'.repeat(32)}14`)
  })

  test('numbers no structure twice', () => {
    const { types } = v15()
    const seen = new Set(types.map(({ id: _id, ...rest }) => JSON.stringify(rest, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))))
    expect(seen.size).toBe(types.length)
    expect(types.map(({ id }) => id)).toEqual(types.map((_, i) => i))
  })

  test('gives every call, event, error, storage item, constant and API a sentence', () => {
    const metadata = v15()
    const bare: string[] = []
    for (const pallet of metadata.pallets) {
      for (const id of [pallet.calls, pallet.events, pallet.errors]) {
        const def = id === undefined ? undefined : metadata.types[id]?.def
        if (def?.kind === 'variant') for (const one of def.value) if ((one.docs[0] ?? '') === '') bare.push(`${pallet.name}.${one.name}`)
      }
      for (const item of [...(pallet.storage?.items ?? []), ...pallet.constants]) if ((item.docs[0] ?? '') === '') bare.push(`${pallet.name}.${item.name}`)
    }
    for (const api of metadata.apis) for (const method of api.methods) if ((method.docs[0] ?? '') === '') bare.push(`${api.name}.${method.name}`)
    expect(bare).toEqual([])
  })

  test('has the paths that clients look for', () => {
    const paths = new Set(v15().types.map(({ path }) => path.join('::')))
    for (const path of ['sp_core::crypto::AccountId32', 'sp_runtime::generic::era::Era', 'phalanx_runtime::RuntimeCall', 'phalanx_runtime::RuntimeEvent',
      'sp_runtime::multiaddress::MultiAddress', 'sp_runtime::MultiSignature', 'frame_system::EventRecord', 'primitive_types::H256']) expect(paths).toContain(path)
  })

  test('equals its golden summary (UPDATE_GOLDEN=1 rewrites it)', () => {
    const file = join(import.meta.dirname, 'metadata.golden.json')
    const summary = `${JSON.stringify(summaryOf(v15()), undefined, 2)}\n`
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, summary)
    expect(summary).toBe(readFileSync(file, 'utf8'))
  })
})

describeVectors('metadata of real chains', () => {
  const files = vectorsDir() === undefined ? [] : readdirSync(join(vectorsDir() as string, '5-wire/metadata')).filter((name) => name.endsWith('.scale'))

  test.each(files)('%s is byte-identical through our codec, or of a version we refuse', (name) => {
    const bytes = readVectorBytes(`5-wire/metadata/${name}`)
    if ((bytes[4] as number) < 14) {
      expect(() => Metadata.decode(bytes)).toThrow(expect.objectContaining({ code: 'CODEC_INVALID_VARIANT' }))
      return
    }
    expect(toHex(Metadata.encode(Metadata.decode(bytes)))).toBe(toHex(bytes))
    expect(() => Metadata.decode(bytes.subarray(0, bytes.length - 1))).toThrow(expect.objectContaining({ code: 'CODEC_UNEXPECTED_END' }))
  })

  const judges: readonly { readonly file: string; readonly pallets: readonly string[] }[] = [
    { file: 'pjs-v14-polkadot', pallets: ['System', 'Utility', 'Timestamp', 'Balances', 'TransactionPayment', 'Proxy'] },
    { file: 'pjs-v15-substrate', pallets: ['Sudo', 'Grandpa'] },
    { file: 'khala-2023-08-prb', pallets: ['PhalaMq', 'PhalaComputation', 'RandomnessCollectiveFlip', 'Utility', 'Proxy'] },
  ]
  test.each(judges)('calls, events and errors have the indices of $file', ({ file, pallets }) => {
    const theirs = readVectorJson<{ pallets: readonly PalletSummary[] }>(`5-wire/metadata/${file}.summary.json`).pallets
    const metadata = v15()
    let compared = 0
    for (const name of pallets) {
      const own = metadata.pallets.find((pallet) => pallet.name === name)
      const other = theirs.find((pallet) => pallet.name === name)
      if (own === undefined || other === undefined) continue
      for (const part of ['calls', 'events', 'errors'] as const) {
        for (const { name: item, index } of variantsOf(metadata, own[part])) {
          const published = (other[part] ?? []).find((one) => one.name === item)
          if (published === undefined) continue
          expect(`${name}.${item} ${index}`).toBe(`${name}.${item} ${published.index}`)
          compared++
        }
      }
    }
    expect(compared).toBeGreaterThan(5)
  })
})
