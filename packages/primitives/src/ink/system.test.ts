import { describe, expect, test } from 'vitest'
import { bytesToKey, concatBytes, toHex, utf8 } from '../bytes.ts'
import { text } from '../codec/index.ts'
import { loadCrypto } from '../crypto/node/index.ts'
import { isAppError } from '../errors.ts'
import { decodeArguments, encodeEvent } from './abi.ts'
import { createSystemMetadata, SYSTEM_EVENTS, SYSTEM_MESSAGES, systemCalls } from './system.ts'

const crypto = await loadCrypto()
const ACCOUNT = new Uint8Array(32).fill(7)

describe('calls of system contracts', () => {
  test('are selector and arguments, as clients of the reference write them', () => {
    expect(toHex(systemCalls.construct())).toBe('0xed4b9d1b')
    expect(toHex(systemCalls.encode('version', {}))).toBe('0x87c98a8d')
    expect(toHex(systemCalls.encode('getDriver', { name: 'PinkLogger' }))).toBe(`0x2740cf0a28${toHex(utf8('PinkLogger')).slice(2)}`)
    expect(toHex(systemCalls.encode('setContractWeight', { contractId: ACCOUNT, weight: 258 }))).toBe(`0x45ec9b18${'07'.repeat(32)}02010000`)
  })
  test('are answered with a value, a refusal, or that the input was not read', () => {
    expect(systemCalls.decode('getDriver', concatBytes(Uint8Array.of(0, 1), ACCOUNT))).toEqual({ ok: true, value: ACCOUNT })
    expect(systemCalls.decode('getDriver', Uint8Array.of(0, 0))).toEqual({ ok: true, value: undefined })
    expect(systemCalls.decode('grantAdmin', Uint8Array.of(0, 1, 0))).toEqual({ ok: true, value: { ok: false, error: { kind: 'PermisionDenied' } } })
    expect(systemCalls.decode('grantAdmin', Uint8Array.of(1, 1))).toEqual({ ok: false, error: { kind: 'CouldNotReadInput' } })
  })
  test('and answers that do not fit are refused', () => {
    for (const data of [[], [2], [0, 2], [0, 0, 0], [1, 0]]) {
      expect(() => systemCalls.decode('getDriver', Uint8Array.from(data))).toThrow(expect.toSatisfy((error: unknown) => isAppError(error)))
    }
  })
  test('no two messages share a selector or a label', () => {
    const messages = Object.values(SYSTEM_MESSAGES)
    expect(new Set(messages.map(({ selector }) => selector)).size).toBe(messages.length)
    expect(new Set(messages.map(({ label }) => label)).size).toBe(messages.length)
  })
  test('arguments are read by name, all of them and nothing after them', () => {
    const { args } = SYSTEM_MESSAGES.setDriver
    const encoded = concatBytes(text.encode('x'), ACCOUNT)
    expect(decodeArguments(args, encoded)).toEqual({ name: 'x', contractId: ACCOUNT })
    for (const wrong of [encoded.slice(1), encoded.slice(0, -1), concatBytes(encoded, Uint8Array.of(0))])
      expect(() => decodeArguments(args, wrong)).toThrow(expect.toSatisfy((error: unknown) => isAppError(error)))
  })
})

describe('events', () => {
  test('hold short topics as they are and hash long ones; data begins with the number of the event', () => {
    const added = encodeEvent(crypto, 'System', SYSTEM_EVENTS.AdministratorAdded, { user: ACCOUNT })
    expect(added.topics.map(toHex)).toEqual([`0x00${toHex(utf8('System::AdministratorAdded')).slice(2)}${'00'.repeat(5)}`])
    expect(toHex(added.data)).toBe(`0x01${'07'.repeat(32)}`)
    const changed = encodeEvent(crypto, 'System', SYSTEM_EVENTS.DriverChanged, { name: 'PinkLogger', previous: undefined, current: ACCOUNT })
    expect(changed.topics.map((topic) => topic.length)).toEqual([32, 32])
    expect(bytesToKey(changed.topics[1] ?? ACCOUNT)).toBe(bytesToKey(crypto.blake2b256(concatBytes(text.encode('System::DriverChanged::name'), text.encode('PinkLogger')))))
  })
})

test('metadata names types that it lists, and none twice', () => {
  const { types, spec } = createSystemMetadata(crypto)
  const used = [...spec.messages, ...spec.constructors].flatMap((entry) => [entry.returnType.type, ...entry.args.map(({ type }) => type.type)])
  expect(used.every((id) => types[id]?.id === id)).toBe(true)
  expect(new Set(types.map(({ type }) => JSON.stringify(type))).size).toBe(types.length)
})
