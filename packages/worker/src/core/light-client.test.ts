import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bytesEqual, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import {
  type AuthorityList, FollowedBlocks, GRANDPA_ENGINE, GenesisBlockInfo, GrandpaLog, PHLX_ENGINE, PHLX_VERSION, PhlxDigest, type DigestItem, type FollowedBlock, headerHash,
} from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { palletOrigin, type Message } from '@phalanx/primitives/messages'
import { createTestChain, justifyBlock, type TestChain } from '../testing.ts'
import { startAtGenesis } from './genesis.ts'
import { RECENT_BLOCKS_MAX, nextHeader, takeFeed, type FollowState } from './light-client.ts'

let crypto: Crypto
let chain: TestChain
let follow: FollowState
beforeAll(async () => {
  crypto = await loadCrypto()
})
beforeEach(() => {
  chain = createTestChain(crypto)
  follow = startAtGenesis(crypto, chain.genesisInfo)
})

const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'nothing thrown'
  } catch (error) {
    if (error instanceof AppError) return error.code
    throw error
  }
}

const take = (bytes: Uint8Array): readonly number[] => {
  const verdict = takeFeed(crypto, follow, bytes)
  if (verdict.kind === 'conflict') return [-verdict.value.number]
  follow = verdict.value.follow
  return verdict.value.executed.map(({ number }) => number)
}

const encode = (...blocks: readonly FollowedBlock[]): Uint8Array => FollowedBlocks.encode(blocks)
const message = (text: string): Message => ({ sender: palletOrigin('Test'), destination: utf8('topic'), payload: utf8(text) })
const seed = (name: string): Uint8Array => crypto.sha256(utf8(name))

describe('genesis', () => {
  const altered = (change: Partial<GenesisBlockInfo>): Uint8Array => GenesisBlockInfo.encode({ ...GenesisBlockInfo.decode(chain.genesisInfo), ...change })

  test('is taken with its proven authorities', () => {
    expect(follow.head.number).toBe(0)
    expect(bytesEqual(follow.genesisHash, chain.genesisHash)).toBe(true)
    expect(nextHeader(follow)).toBe(1)
  })

  test('is refused with other authorities, another set number, another state root or a cut proof', () => {
    const info = GenesisBlockInfo.decode(chain.genesisInfo)
    const other = createTestChain(crypto, { authorities: [seed('other')] })
    const otherInfo = GenesisBlockInfo.decode(other.genesisInfo)
    for (const change of [
      { authoritySet: otherInfo.authoritySet },
      { authoritySet: { ...info.authoritySet, id: 1n } },
      { authoritySet: { list: [], id: 0n } },
      { blockHeader: { ...info.blockHeader, stateRoot: seed('root') } },
      { blockHeader: { ...info.blockHeader, number: 1 } },
      { proof: [] },
      { proof: otherInfo.proof },
    ])
      expect(codeOf(() => startAtGenesis(crypto, altered(change)))).toBe('LIGHT_GENESIS_INVALID')
    expect(codeOf(() => startAtGenesis(crypto, altered({ blockHeader: { ...info.blockHeader, digest: { logs: [] } } })))).toBe('HEADER_PHLX_MALFORMED')
    expect(codeOf(() => startAtGenesis(crypto, chain.genesisInfo.slice(0, -1)))).toMatch(/^CODEC_/)
  })
})

describe('a feed', () => {
  test('is executed up to its last justified block; the rest waits', () => {
    for (const justify of [false, true, false, false]) chain.add({ justify, messages: [message('m')] })
    expect(take(chain.feed(1))).toEqual([1, 2])
    expect([follow.head.number, nextHeader(follow), follow.pending.length]).toEqual([2, 5, 2])
    chain.add()
    expect(take(chain.feed(5))).toEqual([3, 4, 5])
    expect(follow.pending).toEqual([])
  })

  test('that is tampered with is refused and changes nothing', () => {
    const block = chain.add({ messages: [message('a'), message('b')], acks: [{ sender: palletOrigin('x'), next: 1n }] })
    const { messages, acks } = block.messages
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [encode({ ...block, messages: { messages: [...messages].reverse(), acks } }), 'LIGHT_MESSAGES_MISMATCH'],
      [encode({ ...block, messages: { messages: messages.slice(1), acks } }), 'LIGHT_MESSAGES_MISMATCH'],
      [encode({ ...block, messages: { messages: [...messages, message('c')], acks } }), 'LIGHT_MESSAGES_MISMATCH'],
      [encode({ ...block, messages: { messages, acks: [] } }), 'LIGHT_MESSAGES_MISMATCH'],
      [encode({ ...block, messages: { messages, acks: [{ sender: palletOrigin('x'), next: 2n }] } }), 'LIGHT_MESSAGES_MISMATCH'],
      [encode({ ...block, header: { ...block.header, stateRoot: seed('x') } }), 'JUSTIFICATION_INVALID'],
      [encode({ ...block, justification: justifyBlock(crypto, chain.head, { seeds: [seed('thief')], setId: 0n }) }), 'JUSTIFICATION_INVALID'],
      [encode({ ...block, justification: justifyBlock(crypto, chain.head, { seeds: [seed('test authority')], setId: 1n }) }), 'JUSTIFICATION_INVALID'],
      [encode({ ...block, justification: concatBytes(block.justification as Uint8Array, Uint8Array.of(0)) }), 'CODEC_TRAILING_BYTES'],
      [encode({ ...block, justification: new Uint8Array(0) }), 'CODEC_UNEXPECTED_END'],
      [chain.feed(1).slice(0, -1), 'CODEC_UNEXPECTED_END'],
      [concatBytes(chain.feed(1), Uint8Array.of(0)), 'CODEC_TRAILING_BYTES'],
      [Uint8Array.of(0), 'LIGHT_FEED_EMPTY'],
    ]
    const before = follow
    for (const [bytes, code] of cases) expect(codeOf(() => take(bytes))).toBe(code)
    expect(follow).toBe(before)
    expect(take(chain.feed(1))).toEqual([1])
  })

  test('must hold one readable PHLX item in every header', () => {
    const item = (content: Uint8Array): DigestItem => ({ kind: 'Consensus', value: [PHLX_ENGINE, content] })
    const { header, messages, justification } = chain.add()
    const digest = { version: PHLX_VERSION, timeMs: 1n, messagesHash: seed('m'), acksHash: seed('a') }
    for (const logs of [[], [item(PhlxDigest.encode(digest)), item(PhlxDigest.encode(digest))], [item(Uint8Array.of(1))], [item(PhlxDigest.encode({ ...digest, version: 2 }))]])
      expect(codeOf(() => take(encode({ header: { ...header, digest: { logs } }, justification, messages })))).toBe('HEADER_PHLX_MALFORMED')
  })

  test('that is old, repeated, early, gapped or unordered has its own code', () => {
    for (let i = 0; i < 4; i++) chain.add()
    const [one, two, three, four] = chain.blocks as readonly [FollowedBlock, FollowedBlock, FollowedBlock, FollowedBlock]
    expect(codeOf(() => take(chain.feed(2)))).toBe('LIGHT_FEED_FUTURE')
    expect(codeOf(() => take(encode(one, three)))).toBe('LIGHT_NUMBER_MISMATCH')
    expect(codeOf(() => take(encode(two, one)))).toBe('LIGHT_FEED_FUTURE')
    expect(codeOf(() => take(encode(one, two, two)))).toBe('LIGHT_NUMBER_MISMATCH')
    expect(take(encode(one, two))).toEqual([1, 2])
    expect(codeOf(() => take(encode(one, two)))).toBe('LIGHT_FEED_REPLAYED')
    expect(codeOf(() => take(encode(two, three)))).toBe('LIGHT_FEED_STALE')
    expect(codeOf(() => take(encode(four)))).toBe('LIGHT_FEED_FUTURE')
    expect(take(encode(three, four))).toEqual([3, 4])
  })

  test('of another chain is refused by its genesis', () => {
    const other = createTestChain(crypto, { salt: 1 })
    other.add()
    expect(codeOf(() => take(other.feed(1)))).toBe('LIGHT_GENESIS_MISMATCH')
    expect(codeOf(() => take(encode({ header: GenesisBlockInfo.decode(other.genesisInfo).blockHeader, justification: undefined, messages: { messages: [], acks: [] } })))).toBe('LIGHT_GENESIS_MISMATCH')
  })

  test('of a fork without proof is refused, and never keeps the true chain out', () => {
    chain.add()
    take(chain.feed(1))
    const fork = chain.forkAt(2)
    fork.add({ justify: false, salt: 9 })
    fork.add({ justify: false })
    chain.add()
    chain.add()
    expect(take(fork.feed(2))).toEqual([])
    expect(nextHeader(follow)).toBe(4)
    chain.add()
    expect(codeOf(() => take(chain.feed(4)))).toBe('LIGHT_PARENT_MISMATCH')
    expect(take(chain.feed(2))).toEqual([2, 3, 4])
  })

  test('keeps no more hashes than it needs', () => {
    for (let i = 0; i < RECENT_BLOCKS_MAX + 10; i++) chain.add({ justify: i % 50 === 0 || i === RECENT_BLOCKS_MAX + 9 })
    take(chain.feed(1))
    expect(follow.recent.length).toBe(RECENT_BLOCKS_MAX)
    expect(follow.recent.at(-1)?.number).toBe(follow.head.number)
  })

  test('cannot make more blocks wait than the limit', () => {
    for (let i = 0; i < 4096; i++) chain.add({ justify: false })
    expect(take(chain.feed(1))).toEqual([])
    chain.add({ justify: false })
    expect(codeOf(() => take(chain.feed(4097)))).toBe('LIGHT_PENDING_EXCEEDED')
    chain.add()
    expect(take(chain.feed(4097)).length).toBe(4098)
  })
})

describe('authority changes', () => {
  test('pass with the old set\'s own proof, and the new set takes over', () => {
    chain.add({ nextAuthorities: [seed('a'), seed('b'), seed('c')] })
    chain.add()
    chain.add({ nextAuthorities: [seed('d')] })
    chain.add()
    expect(take(chain.feed(1))).toEqual([1, 2, 3, 4])
    expect([follow.authorities.id, follow.authoritiesSince]).toEqual([2n, 4])
  })

  test('pass while blocks wait', () => {
    chain.add({ justify: false })
    take(chain.feed(1))
    chain.add({ nextAuthorities: [seed('a')] })
    chain.add({ justify: false })
    chain.add()
    expect(take(chain.feed(2, 3))).toEqual([1, 2])
    expect(take(chain.feed(4))).toEqual([3, 4])
  })

  test('without their own proof are refused, even below a proven block', () => {
    chain.add({ justify: false, nextAuthorities: [seed('a')] })
    chain.add()
    expect(codeOf(() => take(chain.feed(1)))).toBe('LIGHT_SET_CHANGE_UNJUSTIFIED')
  })

  test('are not proven by the new set', () => {
    const block = chain.add({ nextAuthorities: [seed('a')] })
    const target = { hash: headerHash(crypto, block.header), number: 1 }
    for (const setId of [0n, 1n])
      expect(codeOf(() => take(encode({ ...block, justification: justifyBlock(crypto, target, { seeds: [seed('a')], setId }) })))).toBe('JUSTIFICATION_INVALID')
  })

  test.each([
    ['a delay', { kind: 'ScheduledChange', value: { nextAuthorities: [], delay: 1 } }],
    ['no authority', { kind: 'ScheduledChange', value: { nextAuthorities: [], delay: 0 } }],
    ['a forced change', { kind: 'ForcedChange', value: { median: 0, nextAuthorities: [], delay: 0 } }],
    ['a pause', { kind: 'Pause', value: 0 }],
    ['a resume', { kind: 'Resume', value: 0 }],
  ] as const)('are refused with %s', (_name, log) => {
    chain.add({ logs: [{ kind: 'Consensus', value: [GRANDPA_ENGINE, GrandpaLog.encode(log)] }] })
    expect(codeOf(() => take(chain.feed(1)))).toBe('LIGHT_SET_CHANGE_REFUSED')
  })

  test('are refused twice in one block, with a doubled authority or without weight', () => {
    const item = (list: AuthorityList): DigestItem => ({ kind: 'Consensus', value: [GRANDPA_ENGINE, GrandpaLog.encode({ kind: 'ScheduledChange', value: { nextAuthorities: list, delay: 0 } })] })
    const id = crypto.ed25519.publicKey(seed('a'))
    for (const logs of [[item([[id, 1n]]), item([[id, 1n]])], [item([[id, 1n], [id, 1n]])], [item([[id, 0n]])]]) {
      const fresh = createTestChain(crypto)
      fresh.add({ logs })
      expect(codeOf(() => take(fresh.feed(1)))).toBe('LIGHT_SET_CHANGE_REFUSED')
    }
  })
})

describe('two final histories', () => {
  const grow = (): TestChain => {
    for (let i = 0; i < 3; i++) chain.add()
    take(chain.feed(1))
    return chain.forkAt(2)
  }

  test('are a conflict at the height where they part', () => {
    const fork = grow()
    fork.add({ salt: 1 })
    expect(take(fork.feed(2))).toEqual([-2])
  })

  test('are a conflict when only a later block of the other one is proven', () => {
    const fork = grow()
    fork.add({ salt: 1, justify: false })
    fork.add({ justify: false })
    fork.add()
    expect(take(fork.feed(2))).toEqual([-2])
    expect(take(fork.feed(4))).toEqual([-3])
  })

  test('are no conflict without a true signature', () => {
    const fork = grow()
    const block = fork.add({ salt: 1 })
    const forged = justifyBlock(crypto, fork.head, { seeds: [seed('thief')], setId: 0n })
    expect(codeOf(() => take(encode({ ...block, justification: forged })))).toBe('JUSTIFICATION_INVALID')
    expect(codeOf(() => take(encode({ ...block, justification: undefined })))).toBe('LIGHT_FEED_REPLAYED')
  })

  test('signed by an earlier set are not heard', () => {
    chain.add()
    const fork = chain.forkAt(1)
    chain.add({ nextAuthorities: [seed('a')] })
    chain.add()
    take(chain.feed(1))
    fork.add({ salt: 1 })
    expect(codeOf(() => take(encode({ ...(fork.blocks[0] as FollowedBlock) })))).toBe('LIGHT_FEED_REPLAYED')
  })
})
