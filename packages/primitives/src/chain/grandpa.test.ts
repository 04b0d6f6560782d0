import { describe, expect, test } from 'vitest'
import { loadCrypto } from '../crypto/node/index.ts'
import { ZERO_HASH } from './basics.ts'
import { GRANDPA_ENGINE, grandpaLogs, GrandpaLog, Justification, precommitPayload, verifyJustification, type AuthoritySet } from './grandpa.ts'
import { headerHash, type Header } from './header.ts'

const crypto = await loadCrypto()
const seeds = Array.from({ length: 4 }, (_, i) => new Uint8Array(32).fill(i + 1))
const authorities: AuthoritySet = { id: 7n, list: seeds.map((seed) => [crypto.ed25519.publicKey(seed), 1n] as const) }
const header = (number: number, parentHash: Uint8Array): Header => ({
  parentHash, number, stateRoot: ZERO_HASH, extrinsicsRoot: ZERO_HASH, digest: { logs: [] },
})
const target = header(10, ZERO_HASH)
const child = header(11, headerHash(crypto, target))
const stranger = header(11, ZERO_HASH)

const justify = (options: { voters: readonly number[]; on?: Header; setId?: bigint; round?: bigint; ancestries?: readonly Header[] }): Justification => {
  const on = options.on ?? target
  const precommit = { targetHash: headerHash(crypto, on), targetNumber: on.number }
  const payload = precommitPayload({ precommit, round: 3n, setId: options.setId ?? 7n })
  return {
    round: options.round ?? 3n,
    commit: {
      targetHash: headerHash(crypto, target),
      targetNumber: target.number,
      precommits: options.voters.map((voter) => {
        const seed = seeds[voter] ?? new Uint8Array(32).fill(99)
        return { precommit, signature: crypto.ed25519.sign(seed, payload), id: crypto.ed25519.publicKey(seed) }
      }),
    },
    votesAncestries: options.ancestries ?? [],
  }
}

const check = (justification: Justification, set = authorities): void =>
  verifyJustification(crypto, { justification, authorities: set, target: { hash: headerHash(crypto, target), number: 10 } })

const refused = expect.objectContaining({ code: 'JUSTIFICATION_INVALID' })

describe('verifyJustification', () => {
  test('accepts more than two thirds of the weight', () => {
    expect(() => check(justify({ voters: [0, 1, 2] }))).not.toThrow()
    expect(() => check(Justification.decode(Justification.encode(justify({ voters: [0, 1, 2, 3] }))))).not.toThrow()
  })

  test('accepts votes for a descendant when the ancestry proves it', () => {
    expect(() => check(justify({ voters: [0, 1, 2], on: child, ancestries: [child] }))).not.toThrow()
  })

  test.each([
    ['two thirds are not enough of four', justify({ voters: [0, 1] })],
    ['a vote counted twice', justify({ voters: [0, 1, 1] })],
    ['a voter from outside', justify({ voters: [0, 1, 9] })],
    ['another set id', justify({ voters: [0, 1, 2], setId: 6n })],
    ['another round than the signed one', justify({ voters: [0, 1, 2], round: 4n })],
    ['a descendant without ancestry', justify({ voters: [0, 1, 2], on: child })],
    ['a block that is no descendant', justify({ voters: [0, 1, 2], on: stranger, ancestries: [stranger] })],
    ['no votes', justify({ voters: [] })],
  ])('refuses %s', (_name, justification) => {
    expect(() => check(justification)).toThrow(refused)
  })

  test('refuses an exact two thirds of an uneven weight and an empty set', () => {
    const list = authorities.list.map(([id], i) => [id, i === 0 ? 2n : 1n] as const).slice(0, 2)
    expect(() => check(justify({ voters: [0] }), { id: 7n, list })).toThrow(refused)
    expect(() => check(justify({ voters: [] }), { id: 7n, list: [] })).toThrow(refused)
  })

  test('refuses a proof for another block', () => {
    const justification = justify({ voters: [0, 1, 2] })
    expect(() => verifyJustification(crypto, { justification, authorities, target: { hash: ZERO_HASH, number: 10 } })).toThrow(refused)
  })

  test('refuses every flipped signature bit it is shown', () => {
    for (let bit = 0; bit < 512; bit += 37) {
      const justification = justify({ voters: [0, 1, 2] })
      const signature = justification.commit.precommits[1]?.signature
      if (signature !== undefined) signature[bit >> 3] = (signature[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(() => check(justification)).toThrow(refused)
    }
  })
})

describe('grandpaLogs', () => {
  test('reads the scheduled change of a header', () => {
    const log: GrandpaLog = { kind: 'ScheduledChange', value: { nextAuthorities: authorities.list, delay: 0 } }
    const logs = grandpaLogs({ ...target, digest: { logs: [{ kind: 'Consensus', value: [GRANDPA_ENGINE, GrandpaLog.encode(log)] }] } })
    expect(logs).toEqual([log])
  })
})
