import { describe, expect, test } from 'vitest'
import { utf8 } from '../bytes.ts'
import { isOffchainOrigin, isOffchainTopic, isValidTopic, MessageOrigin } from './message.ts'
import { TOPICS } from './topics.ts'

describe('topics', () => {
  test.each([['topic', true, true], ['^topic', true, false], ['', false, false], ['~x', false, false], ['/x', false, false], ["'x", false, false]])(
    '%s: valid %s, off-chain %s', (name, valid, offchain) => {
      expect(isValidTopic(utf8(name))).toBe(valid)
      expect(isOffchainTopic(utf8(name))).toBe(offchain)
    })

  test('every declared topic is valid and unique', () => {
    const names = Object.values(TOPICS).map(({ topic }) => String.fromCharCode(...topic))
    expect(Object.values(TOPICS).every(({ topic }) => isValidTopic(topic))).toBe(true)
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('origins', () => {
  test.each([
    [{ kind: 'Pallet', value: utf8('x') } as const, 0, false],
    [{ kind: 'Contract', value: new Uint8Array(32) } as const, 1, true],
    [{ kind: 'Worker', value: new Uint8Array(32) } as const, 2, true],
    [{ kind: 'AccountId', value: new Uint8Array(32) } as const, 3, false],
    [{ kind: 'MultiLocation', value: utf8('x') } as const, 4, false],
    [{ kind: 'Gatekeeper' } as const, 5, true],
    [{ kind: 'Cluster', value: new Uint8Array(32) } as const, 6, true],
    [{ kind: 'Reserved' } as const, 255, false],
  ])('%o has index %i and is off-chain: %s', (origin, index, offchain) => {
    expect(MessageOrigin.encode(origin)[0]).toBe(index)
    expect(MessageOrigin.decode(MessageOrigin.encode(origin))).toEqual(origin)
    expect(isOffchainOrigin(origin)).toBe(offchain)
  })
})
