import { beforeAll, describe, expect, test } from 'vitest'
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { TOPICS, createMessage, messageSigningPayload, palletOrigin, type Message, type MessageOrigin } from '@phalanx/primitives/messages'
import { createEntropy } from './entropy.ts'
import { applyAcks, channelOf, deliver, enqueue, groupSubscribers, replaceMessage, subscribe, waitingMessages, type Egress, type EgressSigner } from './mq.ts'

let crypto: Crypto
let signer: EgressSigner
let publicKey: Uint8Array
let worker: MessageOrigin
beforeAll(async () => {
  crypto = await loadCrypto()
  const pair = crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(1))
  publicKey = pair.publicKey
  worker = { kind: 'Worker', value: publicKey }
  signer = { crypto, secret: pair.secret, entropy: createEntropy(crypto, new Uint8Array(32)) }
})

const say = (text: string, sender = worker): Message => ({ sender, destination: utf8('topic'), payload: utf8(text) })
const queued = (...texts: string[]): Egress => texts.reduce<Egress>((egress, text) => enqueue(egress, say(text), signer), [])
const sequences = (egress: Egress): readonly bigint[] => channelOf(egress, worker).messages.map(({ sequence }) => sequence)
const all = (): boolean => true

describe('egress', () => {
  test('numbers and signs messages', () => {
    const egress = queued('a', 'b')
    expect(sequences(egress)).toEqual([0n, 1n])
    for (const { message, sequence, signature } of channelOf(egress, worker).messages)
      expect(crypto.sr25519.verify(signature, messageSigningPayload(message, sequence), publicKey)).toBe(true)
  })

  test('forgets what is acknowledged and never rewinds', () => {
    let egress = applyAcks(queued('a', 'b', 'c'), [{ sender: worker, next: 2n }], all)
    expect(sequences(egress)).toEqual([2n])
    egress = applyAcks(egress, [{ sender: worker, next: 1n }], all)
    expect(channelOf(egress, worker).sequence).toBe(3n)
    expect(sequences(enqueue(egress, say('d'), signer))).toEqual([2n, 3n])
  })

  test('catches up with a chain that is ahead', () => {
    const egress = applyAcks(queued('old'), [{ sender: worker, next: 7n }], all)
    expect(sequences(enqueue(egress, say('new'), signer))).toEqual([7n])
  })

  test('ignores acks of others', () => {
    const other: MessageOrigin = { kind: 'Worker', value: new Uint8Array(32) }
    const egress = applyAcks(queued('a'), [{ sender: other, next: 5n }], (sender) => sender.kind === 'Worker' && bytesEqual(sender.value, publicKey))
    expect(sequences(egress)).toEqual([0n])
    expect(egress.length).toBe(1)
  })

  test('is sorted by origin and leaves silent senders out', () => {
    const gatekeeper: MessageOrigin = { kind: 'Gatekeeper' }
    const contract: MessageOrigin = { kind: 'Contract', value: new Uint8Array(32).fill(9) }
    let egress: Egress = []
    for (const sender of [gatekeeper, worker, contract]) egress = enqueue(egress, say('x', sender), signer)
    egress = applyAcks(egress, [{ sender: worker, next: 1n }], all)
    expect(waitingMessages(egress).map(([origin]) => origin.kind)).toEqual(['Contract', 'Gatekeeper'])
  })

  test('replaces a waiting message under its sequence', () => {
    const egress = queued('a', 'b', 'c')
    const old = channelOf(egress, worker).messages[1]
    const replaced = replaceMessage(egress, old as NonNullable<typeof old>, say('B'), signer)
    expect(sequences(replaced)).toEqual([0n, 1n, 2n])
    const message = channelOf(replaced, worker).messages[1]
    expect(bytesEqual(message?.message.payload as Uint8Array, utf8('B'))).toBe(true)
    expect(crypto.sr25519.verify(message?.signature as Uint8Array, messageSigningPayload(say('B'), 1n), publicKey)).toBe(true)
  })
})

describe('delivery', () => {
  const heard: string[] = []
  const skipped: string[] = []
  const subscribers = groupSubscribers<string[]>([
    subscribe(TOPICS.registryNotice, (sender) => sender.kind === 'Pallet', (into, notice) => into.push(notice.kind)),
    subscribe(TOPICS.registryNotice, () => true, (into) => into.push('second')),
  ])
  const offer = (message: Message): void => deliver(subscribers, heard, message, (code) => skipped.push(code))

  test('reaches every subscriber of exactly the topic, in order', () => {
    offer(createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, { kind: 'ConsensusVersion', value: 1 }))
    offer({ ...createMessage(palletOrigin('PhalaRegistry'), TOPICS.registryNotice, { kind: 'ConsensusVersion', value: 1 }), destination: utf8('phalanx/registry/notic') })
    expect(heard.splice(0)).toEqual(['ConsensusVersion', 'second'])
  })

  test('does not decode what comes from a wrong sender, and skips what does not decode', () => {
    offer({ sender: worker, destination: TOPICS.registryNotice.topic, payload: Uint8Array.of(99) })
    expect([heard.splice(0), skipped.splice(0)]).toEqual([[], ['CODEC_INVALID_VARIANT']])
    offer({ sender: palletOrigin('x'), destination: TOPICS.registryNotice.topic, payload: new Uint8Array(0) })
    expect([heard.splice(0), skipped.splice(0)]).toEqual([[], ['CODEC_UNEXPECTED_END', 'CODEC_UNEXPECTED_END']])
  })
})
