import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import type { JsonType } from '@phalanx/primitives/ink'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AccountId, bool, bytes, command, constructor, defineContract, event, indexed, option, query, struct, text, tuple, u128, u32, u8, variant, vec } from '../contract/index.ts'
import { encodeEvent } from '../contract/event.ts'
import { contractMetadata } from '../contract/metadata.ts'
import { parseInkMetadata } from './ink-json.ts'
import { findEntry, interfaceOfDefinition, interfaceOfMetadata } from './interface.ts'
import { createTypeCodecs } from './type-codec.ts'

const crypto = await loadCrypto()
const hash = (input: Uint8Array): Uint8Array => crypto.blake2b256(input)

const Order = struct({ itemName: text, unitPrice: u128, giftFor: option(AccountId) })
const Reason = variant('Reason', { Closed: { index: 0 }, TooLow: { index: 3, value: u128 }, Odd: { index: 5, fields: { atBlock: u32, isFinal: bool } } })
const Sold = event('Sold', { buyer: indexed(AccountId), orders: u32 })
const shop = defineContract({
  name: 'shop',
  events: [Sold],
  constructors: { new: constructor({ args: { ownerNames: vec(text) }, run: () => undefined }) },
  messages: {
    placeOrder: command({ args: { order: Order, extras: vec(tuple(u8, bytes)) }, returns: option(Order), errors: Reason, run: () => undefined }),
    close: command({ run: () => undefined }),
    isOpen: query({ returns: bool, run: () => true }),
  },
})
const declared = interfaceOfDefinition(crypto, shop)
const metadata = contractMetadata(shop, hash)
const described = interfaceOfMetadata(parseInkMetadata(metadata))

const order = fc.record({
  itemName: fc.string(), unitPrice: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), giftFor: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 }), { nil: undefined }),
})
const placed = fc.record({ order, extras: fc.array(fc.tuple(fc.integer({ min: 0, max: 255 }), fc.uint8Array()), { maxLength: 4 }) })
const answer = fc.oneof(
  fc.option(order, { nil: undefined }).map((value) => ({ ok: true, value: { ok: true, value } })),
  fc.oneof(
    fc.constant({ kind: 'Closed' }), fc.bigInt({ min: 0n, max: 9n }).map((value) => ({ kind: 'TooLow', value })),
    fc.record({ atBlock: fc.integer({ min: 0, max: 99 }), isFinal: fc.boolean() }).map((value) => ({ kind: 'Odd', value })),
  ).map((error) => ({ ok: true, value: { ok: false, error } })),
)

describe('a contract known by its declaration and by its metadata', () => {
  test('has the same entries', () => {
    const shapeOf = ({ name, label, kind, isPayable, isDefault, args }: (typeof declared.messages)[number]) => ({ name, label, kind, isPayable, isDefault, args })
    expect(described.messages.map(shapeOf)).toEqual(declared.messages.map(shapeOf))
    expect(described.constructors.map(shapeOf)).toEqual(declared.constructors.map(shapeOf))
  })

  test('has the same bytes for the same arguments', () => {
    fc.assert(fc.property(placed, (args) => {
      expect(toHex(findEntry('shop', described.messages, 'placeOrder').encode(args))).toBe(toHex(findEntry('shop', declared.messages, 'place_order').encode(args)))
    }), { numRuns: 100 })
  })

  test('has the same values for the same answers', () => {
    const codec = createTypeCodecs(metadata.types)(metadata.spec.messages[0]?.returnType.type ?? -1)
    fc.assert(fc.property(answer, (given) => {
      const encoded = codec.encode(given)
      expect(described.messages[0]?.decode(encoded)).toEqual(declared.messages[0]?.decode(encoded))
      expect(described.messages[0]?.decode(encoded)).toEqual(given)
    }), { numRuns: 100 })
    expect([declared, described].map(({ messages }) => messages[1]?.decode(Uint8Array.of(0)))).toEqual([{ ok: true, value: { ok: true, value: undefined } }, { ok: true, value: { ok: true, value: undefined } }])
    expect([declared, described].map(({ messages }) => messages[2]?.decode(Uint8Array.of(1, 1)))).toEqual(Array(2).fill({ ok: false, error: { kind: 'CouldNotReadInput' } }))
  })

  test('of ink! may have constructors that hand back one Ok more than their metadata says', () => {
    const made = { ok: true, value: { ok: true, value: undefined } }
    expect([Uint8Array.of(0), Uint8Array.of(0, 0)].map((data) => described.constructors[0]?.decode(data))).toEqual([made, made])
    expect(codeOf(() => described.messages[1]?.decode(Uint8Array.of(0, 0)))).toBe('CODEC_TRAILING_BYTES')
    expect(codeOf(() => described.constructors[0]?.decode(Uint8Array.of(0, 0, 0)))).toBe('CODEC_TRAILING_BYTES')
  })

  test('has the same events, and says of others that it does not know them', () => {
    const buyer = new Uint8Array(32).fill(7)
    const told = encodeEvent(hash, 'shop', { definition: Sold, value: { buyer, orders: 4 } })
    expect([declared.readEvent(told), described.readEvent(told)]).toEqual(Array(2).fill({ kind: 'Sold', value: { buyer, orders: 4 } }))
    const other = { topics: [new Uint8Array(32)], data: Uint8Array.of(1) }
    expect([declared.readEvent(other), described.readEvent(other)]).toEqual(Array(2).fill({ kind: 'Unknown', value: Uint8Array.of(1) }))
    expect(described.readEvent({ topics: told.topics, data: Uint8Array.of(1) }).kind).toBe('Unknown')
  })

  test('names what is wrong with arguments and names', () => {
    for (const { messages } of [declared, described]) {
      const entry = findEntry('shop', messages, 'placeOrder')
      for (const args of [undefined, {}, { order: {}, extras: [] }, { order: { itemName: 'x', unitPrice: 1n }, extras: [[300, new Uint8Array(0)]] }, 7])
        expect(codeOf(() => entry.encode(args))).toBe('SDK_ARGUMENTS_MALFORMED')
      expect(codeOf(() => findEntry('shop', messages, 'sell'))).toBe('SDK_ENTRY_NOT_FOUND')
    }
  })
})

describe('metadata', () => {
  const broken: readonly (readonly [string, unknown])[] = [
    ['no JSON', '{'], ['no object', '[]'], ['no version', JSON.stringify({ ...metadata, version: undefined })], ['another version', { ...metadata, version: 3 }],
    ['no entries', { ...metadata, spec: {} }], ['a type out of order', { ...metadata, types: metadata.types.map((type) => ({ ...type, id: type.id + 1 })) }],
    ['a selector of the wrong length', { ...metadata, spec: { ...metadata.spec, messages: metadata.spec.messages.map((one) => ({ ...one, selector: '0x00' })) } }],
    ['an argument without a type', { ...metadata, spec: { ...metadata.spec, constructors: [{ ...metadata.spec.constructors[0], args: [{ label: 'a' }] }] } }],
    ['code that is no hex', { ...metadata, source: { wasm: '0xzz' } }],
  ]
  test.each(broken)('is refused with %s', (_, file) => {
    expect(codeOf(() => parseInkMetadata(file))).toBe('SDK_INK_METADATA_MALFORMED')
  })

  test('is read as text, bytes and JSON alike', () => {
    const json = JSON.stringify(metadata)
    expect(parseInkMetadata(new TextEncoder().encode(json))).toEqual(parseInkMetadata(json))
    expect(parseInkMetadata(json)).toEqual(parseInkMetadata(JSON.parse(json)))
  })

  test('may hold types that hold themselves, up to a depth', () => {
    const types = [
      { id: 0, type: { path: ['Tree'], def: { composite: { fields: [{ name: 'leaf_value', type: 1 }, { name: 'children', type: 2 }] } } } },
      { id: 1, type: { def: { primitive: 'u8' } } },
      { id: 2, type: { def: { sequence: { type: 0 } } } },
    ] as unknown as readonly JsonType[]
    const codec = createTypeCodecs(types)(0)
    const tree = { leafValue: 1, children: [{ leafValue: 2, children: [] }] }
    expect(codec.decode(codec.encode(tree))).toEqual(tree)
    expect(codeOf(() => codec.decode(new Uint8Array(200).fill(4)))).toBe('CODEC_DEPTH_EXCEEDED')
    expect(codeOf(() => createTypeCodecs(types)(7))).toBe('SDK_INK_METADATA_MALFORMED')
    expect(codeOf(() => createTypeCodecs([{ id: 0, type: { def: { primitive: 'f64' } } }])(0))).toBe('SDK_INK_METADATA_MALFORMED')
  })
})
