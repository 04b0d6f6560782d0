import { describe, expect, test } from 'vitest'
import { loadCrypto } from '../crypto/node/index.ts'
import { createMessage, palletOrigin, TOPICS } from '../messages/index.ts'
import { ZERO_HASH } from './basics.ts'
import type { DigestItem, Header } from './header.ts'
import { BlockMessages, createPhlxItem, encodedAcksHash, encodedMessagesHash, matchesPhlx, PHLX_ENGINE, PhlxDigest, readPhlx } from './phlx.ts'

const crypto = await loadCrypto()
const header = (...logs: DigestItem[]): Header => ({ parentHash: ZERO_HASH, number: 5, stateRoot: ZERO_HASH, extrinsicsRoot: ZERO_HASH, digest: { logs } })
const message = createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, { kind: 'ConsensusVersion', value: 1 })
const other = createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, { kind: 'ConsensusVersion', value: 2 })
const block: BlockMessages = { messages: [message, other], acks: [{ sender: { kind: 'Gatekeeper' }, next: 4n }] }
const item = createPhlxItem(crypto, { number: 5, timeMs: 1234n, ...block })
const malformed = expect.objectContaining({ code: 'HEADER_PHLX_MALFORMED' })

describe('the PHLX digest', () => {
  test('carries the time and commits to messages and acks', () => {
    expect(readPhlx(header(item)).timeMs).toBe(1234n)
    expect(matchesPhlx(crypto, header(item), block)).toBe(true)
  })

  test.each([
    ['a message left out', { ...block, messages: [message] }],
    ['messages in another order', { ...block, messages: [other, message] }],
    ['an added message', { ...block, messages: [message, other, other] }],
    ['another ack', { ...block, acks: [{ sender: { kind: 'Gatekeeper' } as const, next: 5n }] }],
    ['no acks', { ...block, acks: [] }],
  ])('refuses %s', (_name, changed) => expect(matchesPhlx(crypto, header(item), changed)).toBe(false))

  test('commits to messages and acks as the bytes they came in', () => {
    const { messagesHash, acksHash } = readPhlx(header(item))
    const encoded = BlockMessages.encode(block)
    const [messages, acks] = [encoded.subarray(0, BlockMessages.encode({ ...block, acks: [] }).length - 1), BlockMessages.encode({ ...block, messages: [] }).subarray(1)]
    expect(encodedMessagesHash(crypto, 5, messages)).toEqual(messagesHash)
    expect(encodedAcksHash(crypto, 5, acks)).toEqual(acksHash)
    expect(encodedMessagesHash(crypto, 5, Uint8Array.of(...messages, 0))).not.toEqual(messagesHash)
  })

  test('binds the block number', () => {
    expect(matchesPhlx(crypto, { ...header(item), number: 6 }, block)).toBe(false)
  })

  test.each([
    ['no item', header()],
    ['two items', header(item, item)],
    ['an item that does not decode', header({ kind: 'Consensus', value: [PHLX_ENGINE, Uint8Array.of(1, 2)] })],
    ['another version', header({ kind: 'Consensus', value: [PHLX_ENGINE, PhlxDigest.encode({ ...readPhlx(header(item)), version: 2 })] })],
    ['a pre-runtime item in its place', header({ kind: 'PreRuntime', value: [PHLX_ENGINE, new Uint8Array(73)] })],
  ])('refuses a header with %s', (_name, bad) => expect(() => readPhlx(bad)).toThrow(malformed))
})
