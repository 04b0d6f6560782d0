/** The interface of system contracts against published metadata; events against published records. */
import { concatBytes, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { option, u128 } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createSystemMetadata, encodeEvent, event, InkAccountId, SYSTEM_MESSAGES, type InkMetadata } from '@phalanx/primitives/ink'
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'

const crypto = await loadCrypto()

/** Without what is for people only, and with what may be left out written out. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const left = Object.entries(value).filter(([key]) => key !== 'docs' && key !== 'typeName').map(([key, inner]) => [key, plain(inner)] as const)
  return Object.fromEntries(left)
}

describeVectors('interface of system contracts', () => {
  const own = createSystemMetadata(crypto)
  test('metadata is the published one: messages, types and their numbers, events, storage', () => {
    const published = readVectorJson<InkMetadata>('7-contracts/metadata/phala/system.json')
    expect(plain(own.spec)).toEqual(plain(published.spec))
    expect(plain(own.types)).toEqual(plain(published.types))
    expect(plain(own.storage)).toEqual(plain(published.storage))
    expect([own.version, own.contract.name, own.contract.version]).toEqual([published.version, published.contract.name, published.contract.version])
  })
  test('it has everything that the client library expects of a system contract', () => {
    const { spec } = readVectorJson<InkMetadata>('7-contracts/metadata/phala/system-sdk.json')
    const shape = ({ messages }: InkMetadata['spec']) => messages.map(({ label, selector, mutates, args }) => [label, selector, mutates, args.map((arg) => [arg.label, arg.type.displayName])])
    const ours = shape(own.spec)
    for (const entry of shape(spec)) expect(ours).toContainEqual(entry)
    expect(spec.messages.length).toBeGreaterThan(20)
  })
  test('selectors follow from the names', () => {
    for (const { label, selector } of Object.values(SYSTEM_MESSAGES)) {
      const name = label.startsWith('System::') ? `pink_system::${label}` : label
      if (label !== 'ContractDeposit::change_deposit' && label !== 'System::grant_admin') expect([label, selector]).toEqual([label, toHex(crypto.blake2b256(utf8(name)).slice(0, 4))])
    }
  })
  test('an event has the topics and the data of a published record', () => {
    const { eventRecords } = readVectorJson<{ eventRecords: readonly Record<'event record', string>[] }>('7-contracts/codec.json')
    const record = eventRecords[0]?.['event record'] ?? ''
    const account = (hex: string) => ({ codec: option(InkAccountId), value: parseHex(hex), displayName: [] })
    const [from, to] = [account('0xd43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d'), account('0x8eaf04151687736326c9fea17e25fc5287613693c912909cb226aa4794f26a48')]
    const transfer = event({ label: 'Transfer', index: 0, args: { from, to, value: { codec: u128, displayName: [] } }, indexed: ['from', 'to'] })
    const { topics, data } = encodeEvent(crypto, 'Erc20', transfer, { from: from.value, to: to.value, value: 123_456_789_000_000_000_000n })
    expect(record).toContain(toHex(data).slice(2))
    expect(record.endsWith(toHex(concatBytes(...topics)).slice(2))).toBe(true)
  })
})
