import { beforeAll, expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { SignedMessage } from '@phalanx/primitives/messages'
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
