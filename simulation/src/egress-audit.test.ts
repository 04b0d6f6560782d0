import { beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createMessage, TOPICS, type MessageOrigin, type SignedMessage } from '@phalanx/primitives/messages'
import type { TypeOf } from '@phalanx/primitives/codec'
import { EgressMessages } from '@phalanx/worker/testing'
import { createEgressAudit } from './egress-audit.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const pubkey = new Uint8Array(32).fill(1)
const saying = (text: string, sequence: bigint): TypeOf<typeof SignedMessage> => ({
  message: { sender: { kind: 'Worker', value: pubkey }, destination: utf8('topic'), payload: utf8(text) }, sequence, signature: new Uint8Array(64),
})
const encode = (...messages: TypeOf<typeof SignedMessage>[]): Uint8Array => EgressMessages.encode([[{ kind: 'Worker', value: pubkey }, messages]])

test('a message displaced by one of an earlier life is lost, unless a disk was damaged after that one was shown', () => {
  const [first, second] = [{}, {}]
  for (const isDamaged of [false, true]) {
    const audit = createEgressAudit({ crypto })
    audit.show(first, encode(saying('a', 0n)))
    if (isDamaged) audit.forget(pubkey)
    audit.show(second, encode(saying('b', 0n), saying('c', 1n)))
    expect(audit.take(saying('a', 0n)) === undefined).toBe(isDamaged)
    // What was first shown after the damage is held to as ever.
    audit.show(first, encode(saying('d', 1n)))
    expect(audit.take(saying('c', 1n))).toMatch(/lost/)
  }
})

describe('members of a cluster', () => {
  const cluster: MessageOrigin = { kind: 'Cluster', value: new Uint8Array(32).fill(2) }
  const telling = (sequence: bigint, key?: number): TypeOf<typeof SignedMessage> => {
    const keys = key === undefined ? [] : [[new Uint8Array(32), new Uint8Array(32).fill(key)] as const]
    return { message: createMessage(cluster, TOPICS.clusterChannel, { kind: 'ContractPubkeys', value: { epoch: 1n, keys } }), sequence, signature: new Uint8Array(64) }
  }
  const show = (audit: ReturnType<typeof createEgressAudit>, one: TypeOf<typeof SignedMessage>): string | undefined => audit.show({}, EgressMessages.encode([[cluster, [one]]]))

  test('may give a number up that another uses, and either may be heard', () => {
    for (const heard of [telling(0n, 7), telling(0n)]) {
      const audit = createEgressAudit({ crypto })
      expect([show(audit, telling(0n, 7)), show(audit, telling(0n)), audit.take(heard)]).toEqual([undefined, undefined, undefined])
    }
  })

  test('may not say different things under one number, nor be heard with what none of them showed', () => {
    const audit = createEgressAudit({ crypto })
    expect([show(audit, telling(0n, 7)), show(audit, telling(0n, 7))]).toEqual([undefined, undefined])
    expect(show(audit, telling(0n, 8))).toMatch(/different things/)
    expect(audit.take(telling(1n, 7))).toMatch(/never showed/)
  })
})
