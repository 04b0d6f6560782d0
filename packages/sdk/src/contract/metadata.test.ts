import { Abi } from '@polkadot/api-contract'
import { TypeRegistry } from '@polkadot/types'
import { encodeAddress } from '@polkadot/util-crypto'
import { toHex, toHexPlain } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOf } from '@phalanx/primitives/testing'
import { describe, expect, test } from 'vitest'
import { answerCodec, encodeInput, selectorOf } from './abi.ts'
import { encodeEvent } from './event.ts'
import {
  AccountId, Balance, bool, bytes, command, constructor, defineContract, defineStorage, event, indexed, list, map, named, option, query, result, sortedMap, struct, text,
  tuple, u32, u8, value, variant, vec, type AnyEntry, type Codec,
} from './index.ts'
import { contractMetadata } from './metadata.ts'

const { blake2b256 } = await loadCrypto()
const Problem = named('zoo::Problem', variant('Problem', { Closed: { index: 0 }, TooLow: { index: 4, fields: { least: Balance, given: Balance } } }))
const Tree: Codec<unknown> = named('zoo::Tree', struct({ label: text, leaves: vec(u8), next: option(vec(tuple(u32, bool))) })) as Codec<unknown>
const Moved = event('Moved', { from: indexed(option(AccountId)), to: indexed(AccountId), what: indexed(text), amountPaid: Balance }, 'Something moved.')
const Quiet = event('Quiet', {})

const Zoo = defineContract({
  name: 'zoo', version: '1.2.3', authors: ['A. Author'], docs: 'Every type that there is.',
  events: [Moved, Quiet],
  storage: defineStorage({ owner: value(AccountId), count: value(u32, 0), balances: map(AccountId, Balance), names: list(text) }),
  constructors: {
    new: constructor({ args: { firstName: text, supply: Balance }, payable: true, default: true, docs: ['One.', 'Two.'], run: () => {} }),
    fallible: constructor({ errors: Problem, run: () => {} }),
  },
  messages: {
    plain: command({ run: () => {} }),
    placeBid: command({ args: { amount: Balance, sealedNote: bytes, who: AccountId }, returns: u32, errors: Problem, payable: true, run: () => 1 }),
    show: query({ args: { tree: Tree, pairs: sortedMap(u32, text), either: result(u8, text) }, returns: vec(Tree), run: () => [] }),
    chosen: query({ selector: '0xcafebabe', default: true, returns: option(AccountId), run: () => undefined }),
  },
})

const metadata = contractMetadata(Zoo, blake2b256)
const registry = new TypeRegistry()
const abi = new Abi(JSON.stringify({ source: { hash: toHex(new Uint8Array(32)), language: 'x 1.0.0', compiler: 'y 1.0.0' }, ...metadata }), registry.getChainProperties())
const ALICE = new Uint8Array(32).fill(7)
const ADDRESS = encodeAddress(ALICE, 42)

describe('metadata in the layout of ink! 5', () => {
  test('is read by polkadot-js', () => {
    expect(abi.info.contract.name.toString()).toBe('zoo')
    expect(abi.constructors.map((each) => [each.method, each.isPayable, each.isDefault, toHex(each.selector.toU8a(true))])).toEqual([
      ['new', true, true, '0x9bae9d5e'], ['fallible', false, false, toHex(selectorOf(blake2b256, 'fallible', Zoo.constructors.fallible))],
    ])
    expect(abi.messages.map((each) => [each.method, each.isMutating, each.isPayable])).toEqual([
      ['plain', true, false], ['placeBid', true, true], ['show', false, false], ['chosen', false, false],
    ])
    expect(abi.findMessage('chosen').selector.toHex()).toBe('0xcafebabe')
    expect(abi.events.map(({ identifier }) => identifier)).toEqual(['zoo::Moved', 'zoo::Quiet'])
    expect(metadata.spec.messages[1]?.label).toBe('place_bid')
  })

  test('lists every type once, and no number leads nowhere', () => {
    const shapes = metadata.types.map(({ type }) => JSON.stringify(type))
    expect(new Set(shapes).size).toBe(shapes.length)
    expect(metadata.types.map(({ id }) => id)).toEqual(metadata.types.map((_, at) => at))
    for (const [, id] of JSON.stringify(metadata).matchAll(/"(?:type|ty)":(\d+)/g)) expect(Number(id)).toBeLessThan(metadata.types.length)
  })

  test('is equal for equal declarations', () => {
    expect(JSON.stringify(contractMetadata(Zoo, blake2b256))).toBe(JSON.stringify(metadata))
  })

  test('names two entries that have one selector', () => {
    const twice = defineContract({ name: 'twice', constructors: { new: constructor({ run: () => {} }) }, messages: { one: query({ run: () => {} }), other: query({ selector: `0x${toHexPlain(selectorOf(blake2b256, 'one', { selector: undefined }))}`, run: () => {} }) } })
    expect(codeOf(() => contractMetadata(twice, blake2b256))).toBe('SDK_CONTRACT_MALFORMED')
  })
})

describe('bytes of calls', () => {
  const inputs: readonly [string, AnyEntry, Record<string, unknown>, readonly unknown[]][] = [
    ['plain', Zoo.messages.plain, {}, []],
    ['placeBid', Zoo.messages.placeBid, { amount: 10n ** 20n, sealedNote: new Uint8Array([1, 2]), who: ALICE }, [10n ** 20n, '0x0102', ALICE]],
    [
      'show', Zoo.messages.show,
      { tree: { label: 'oak', leaves: [1, 2], next: [[7, true]] }, pairs: [[1, 'a'], [2, 'b']], either: { ok: false, error: 'no' } },
      [{ label: 'oak', leaves: [1, 2], next: [[7, true]] }, new Map([[1, 'a'], [2, 'b']]), { Err: 'no' }],
    ],
    ['chosen', Zoo.messages.chosen, {}, []],
  ]
  test.each(inputs)('of %s are those of polkadot-js', (name, entry, args, theirs) => {
    const ours = encodeInput(blake2b256, { name, entry, args })
    expect(toHex(ours)).toBe(toHex(abi.findMessage(name).toU8a([...theirs]).subarray(ours.length < 64 ? 1 : 2)))
  })

  test('of constructors, too', () => {
    const ours = encodeInput(blake2b256, { name: 'new', entry: Zoo.constructors.new, args: { firstName: 'Zoë', supply: 5n } })
    expect(toHex(ours)).toBe(toHex(abi.findConstructor('new').toU8a(['Zoë', 5n]).subarray(1)))
  })

  const decoded = (name: string, data: Uint8Array): unknown => {
    const type = abi.findMessage(name).returnType
    return abi.registry.createType(type?.lookupName ?? type?.type ?? '', data).toJSON()
  }
  test('of answers are read by polkadot-js', () => {
    const bid = answerCodec(Zoo.messages.placeBid)
    expect(decoded('placeBid', bid.encode({ ok: true, value: { ok: true, value: 3 } }))).toEqual({ ok: { ok: 3 } })
    expect(decoded('placeBid', bid.encode({ ok: true, value: { ok: false, error: { kind: 'TooLow', value: { least: 2n, given: 1n } } } }))).toEqual({ ok: { err: { tooLow: { least: 2, given: 1 } } } })
    expect(decoded('placeBid', bid.encode({ ok: false, error: { kind: 'CouldNotReadInput' } }))).toEqual({ err: 'CouldNotReadInput' })
    expect(decoded('chosen', answerCodec(Zoo.messages.chosen).encode({ ok: true, value: { ok: true, value: ALICE } }))).toEqual({ ok: ADDRESS })
    expect(decoded('plain', answerCodec(Zoo.messages.plain).encode({ ok: true, value: { ok: true, value: undefined } }))).toEqual({ ok: null })
  })

  test('come back as they went', () => {
    for (const [entry, answer] of [
      [Zoo.messages.placeBid, { ok: true, value: { ok: false, error: { kind: 'Closed' } } }], [Zoo.messages.placeBid, { ok: false, error: { kind: 'CouldNotReadInput' } }],
      [Zoo.messages.chosen, { ok: true, value: { ok: true, value: undefined } }], [Zoo.messages.chosen, { ok: false, error: { kind: 'CouldNotReadInput' } }],
    ] as const) {
      const codec = answerCodec(entry)
      expect(codec.decode(codec.encode(answer))).toEqual(answer)
    }
  })
})

describe('bytes of events', () => {
  const decode = ({ topics, data }: { readonly topics: readonly Uint8Array[]; readonly data: Uint8Array }) => {
    const record = { event: { data: [undefined, abi.registry.createType('Bytes', [...data])] }, topics: topics.map((topic) => abi.registry.createType('Hash', topic)) }
    return abi.decodeEvent(record as never)
  }

  test('are read by polkadot-js', () => {
    const told = encodeEvent(blake2b256, 'zoo', { definition: Moved, value: { from: undefined, to: ALICE, what: 'x'.repeat(40), amountPaid: 9n } })
    const { event: found, args } = decode(told)
    expect([found.identifier, args.map((arg) => arg.toJSON())]).toEqual(['zoo::Moved', [null, ADDRESS, 'x'.repeat(40), 9]])
    expect(told.topics.slice(1).map(toHex)).toEqual([toHex(new Uint8Array(32)), toHex(ALICE), toHex(blake2b256(Uint8Array.of(160, ...new Array<number>(40).fill(120))))])
    expect(decode(encodeEvent(blake2b256, 'zoo', { definition: Quiet, value: {} })).event.identifier).toBe('zoo::Quiet')
  })

  test('hold what is in an option as a topic, not the option', () => {
    const { topics } = encodeEvent(blake2b256, 'zoo', { definition: Moved, value: { from: ALICE, to: ALICE, what: '', amountPaid: 0n } })
    expect(toHex(topics[1] as Uint8Array)).toBe(toHex(ALICE))
  })
})

describe('declarations', () => {
  const nothing = { constructors: { new: constructor({ run: () => {} }) }, messages: { go: command({ run: () => {} }) } }
  test.each([
    ['without a name', { ...nothing, name: '' }], ['with a name of two words', { ...nothing, name: 'two words' }], ['without constructors', { ...nothing, name: 'a', constructors: {} }],
    ['without messages', { ...nothing, name: 'a', messages: {} }], ['with a message in PascalCase', { ...nothing, name: 'a', messages: { Go: nothing.messages.go } }],
    ['with an argument in snake_case', { ...nothing, name: 'a', messages: { go: command({ args: { to_whom: u8 }, run: () => {} }) } }],
    ['with a selector of five bytes', { ...nothing, name: 'a', messages: { go: command({ selector: '0x0102030405', run: () => {} }) } }],
    ['with two defaults', { ...nothing, name: 'a', messages: { go: command({ default: true, run: () => {} }), stop: command({ default: true, run: () => {} }) } }],
    ['with one event twice', { ...nothing, name: 'a', events: [Quiet, event('Quiet', { a: u8 })] }],
  ])('%s are refused', (_what, options) => {
    expect(codeOf(() => defineContract(options))).toBe('SDK_CONTRACT_MALFORMED')
  })
})
