import { toHex, utf8 } from '@phalanx/primitives/bytes'
import { matchesPhlx } from '@phalanx/primitives/chain'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { palletOrigin, TOPICS, type MessageOrigin, type SignedMessage } from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { createRegistryTestbed } from '../phala-registry/testing.ts'
import { loggedAcks, loggedMessages } from './block-log.ts'
import { checkMqSequence, sequenceTag } from './check-sequence.ts'
import { phalaMq } from './pallet.ts'
import * as storage from './storage.ts'

const crypto = await loadCrypto()
const alice = devAccount(crypto, 'Alice')
const anyone = signed(alice.publicKey)
let bed = createRegistryTestbed(crypto)
let w = bed.worker('w')

beforeEach(() => {
  bed = createRegistryTestbed(crypto)
  w = bed.worker('w')
  bed.chain.assertOk(bed.registration(w), anyone)
})

const bench = (sequence: bigint): SignedMessage => bed.signedMessage(w, TOPICS.registryEvent, { kind: 'BenchReport', value: { startTime: 1n, iterations: 1n } }, sequence)
const sync = (signedMessage: SignedMessage) => phalaMq.call('syncOffchainMessage', { signedMessage })
const sender = (): MessageOrigin => ({ kind: 'Worker', value: w.pubkey })

describe('mq.syncOffchainMessage', () => {
  test('takes the messages of a sender in sequence and acks them', () => {
    const { chain } = bed
    chain.assertOk(sync(bench(0n)), anyone)
    chain.assertOk(sync(bench(1n)), anyone)
    expect(storage.offchainIngress.get(chain.ctx, sender())).toBe(2n)
    expect(loggedAcks(chain.ctx)).toEqual([{ sender: sender(), next: 2n }])
    expect(loggedMessages(chain.ctx).filter((message) => message.sender.kind === 'Worker')).toHaveLength(2)
  })

  const change = (signed: SignedMessage, message: Partial<SignedMessage['message']>): SignedMessage => ({ ...signed, message: { ...signed.message, ...message } })
  test.each([
    ['a sequence ahead', () => bench(1n), 'PhalaMq.BadSequence'],
    ['an origin that does not come from outside', () => change(bench(0n), { sender: { kind: 'AccountId', value: alice.publicKey } }), 'PhalaMq.BadSender'],
    ['a pallet\'s name as sender', () => change(bench(0n), { sender: palletOrigin('PhalaRegistry') }), 'PhalaMq.BadSender'],
    ['an invalid topic', () => change(bench(0n), { destination: utf8('~x') }), 'PhalaMq.BadDestination'],
    ['a payload that was not signed', () => change(bench(0n), { payload: Uint8Array.of(1) }), 'PhalaRegistry.InvalidSignature'],
    ['another worker\'s name', () => change(bench(0n), { sender: { kind: 'Worker', value: alice.publicKey } }), 'PhalaRegistry.InvalidSignature'],
    ['a short signature', () => ({ ...bench(0n), signature: new Uint8Array(63) }), 'PhalaRegistry.InvalidSignatureLength'],
    ['a gatekeeper before the launch', () => change(bench(0n), { sender: { kind: 'Gatekeeper' } }), 'PhalaRegistry.MasterKeyUninitialized'],
    ['an unknown cluster', () => change(bench(0n), { sender: { kind: 'Cluster', value: new Uint8Array(32) } }), 'PhalaRegistry.UnknownCluster'],
    ['an unknown contract', () => change(bench(0n), { sender: { kind: 'Contract', value: new Uint8Array(32) } }), 'PhalaRegistry.UnknownContract'],
  ])('refuses %s', (_name, make, error) => bed.chain.assertNoop(sync(make()), anyone, error))

  test('refuses a worker that is not registered', () => {
    w = bed.worker('stranger')
    bed.chain.assertNoop(sync(bench(0n)), anyone, 'PhalaRegistry.WorkerNotFound')
  })

  test('refuses a message that was taken before', () => {
    bed.chain.assertOk(sync(bench(0n)), anyone)
    bed.chain.assertNoop(sync(bench(0n)), anyone, 'PhalaMq.BadSequence')
    bed.chain.assertNoop(sync(bench(1n)), ROOT, 'BadOrigin')
  })

  test('a message that its pallet refuses leaves nothing but its sequence, and still goes out', () => {
    const { chain } = bed
    chain.nextBlock()
    chain.assertOk(sync(bed.signedMessage(w, TOPICS.ecdhKey, { epoch: 0n, ecdhPubkey: w.ecdhPubkey }, 0n)), anyone)
    expect(chain.events().filter(({ pallet }) => pallet === 'PhalaRegistry')).toEqual([])
    chain.nextBlock()
    expect(storage.outboundMessages.decode(chain.head.state.get(storage.outboundMessages.key(crypto)))).toHaveLength(1)
  })

  test('is free for gatekeepers only', () => {
    expect(bed.chain.dispatch(sync(bench(0n)), anyone)).toMatchObject({ ok: true, post: { paysFee: true } })
  })

  test('the worker\'s signature can be checked ahead', () => {
    const message = bench(0n)
    const call = sync(message)
    const checks = phalaMq.signatureChecks?.(call) ?? []
    expect(checks.map(({ publicKey, signature }) => [toHex(publicKey), toHex(signature)])).toEqual([[toHex(w.pubkey), toHex(message.signature)]])
    expect(checks.every((check) => crypto.sr25519.verify(check.signature, check.message, check.publicKey))).toBe(true)
    expect(phalaMq.signatureChecks?.(phalaMq.call('pushMessage', { destination: utf8('x'), payload: utf8('') }))).toEqual([])
  })
})

describe('mq.pushMessage and mq.forcePushPalletMessage', () => {
  test('send in the name of the account, or of the chain', () => {
    const { chain } = bed
    chain.nextBlock()
    chain.assertOk(phalaMq.call('pushMessage', { destination: utf8('hello'), payload: Uint8Array.of(1) }), anyone)
    chain.assertOk(phalaMq.call('forcePushPalletMessage', { destination: utf8('hello'), payload: Uint8Array.of(2) }), ROOT)
    expect(loggedMessages(chain.ctx)).toEqual([
      { sender: { kind: 'AccountId', value: alice.publicKey }, destination: utf8('hello'), payload: Uint8Array.of(1) },
      { sender: palletOrigin('ForcePushed'), destination: utf8('hello'), payload: Uint8Array.of(2) },
    ])
    chain.assertNoop(phalaMq.call('forcePushPalletMessage', { destination: utf8('hello'), payload: Uint8Array.of(2) }), anyone, 'BadOrigin')
    chain.assertNoop(phalaMq.call('pushMessage', { destination: utf8('hello'), payload: Uint8Array.of(2) }), ROOT, 'BadOrigin')
  })
})

describe('the block', () => {
  test('holds the off-chain messages in its state, and all of them in its digest', () => {
    const { chain } = bed
    chain.nextBlock()
    for (const name of ['hello', '^private', '~invalid'])
      chain.assertOk(phalaMq.call('pushMessage', { destination: utf8(name), payload: Uint8Array.of(1) }), anyone)
    chain.assertOk(sync(bench(0n)), anyone)
    const block = { messages: loggedMessages(chain.ctx), acks: loggedAcks(chain.ctx) }
    expect(block.messages).toHaveLength(5)
    chain.nextBlock()
    expect(storage.outboundMessages.decode(chain.head.state.get(storage.outboundMessages.key(crypto))).map(({ destination }) => destination)).toEqual([utf8('hello'), TOPICS.systemEvent.topic])
    expect(matchesPhlx(crypto, chain.head.header, block)).toBe(true)
    chain.nextBlock()
    expect(chain.head.state.get(storage.outboundMessages.key(crypto))).toBeUndefined()
  })

  test('the first block delivers what genesis queued', () => {
    bed = createRegistryTestbed(crypto, { genesis: { workers: [{ pubkey: toHex(w.pubkey), ecdhPubkey: toHex(w.ecdhPubkey), operator: null }] } })
    const events = loggedMessages(bed.chain.ctx).filter(({ destination }) => toHex(destination) === toHex(TOPICS.systemEvent.topic))
    expect(events).toHaveLength(2)
    expect(storage.queuedOutboundMessage.get(bed.chain.ctx)).toBeUndefined()
  })
})

describe('CheckMqSequence', () => {
  const judge = (sequence: bigint) => {
    const transaction = { signer: alice.publicKey, extra: { era: { kind: 'Immortal' }, nonce: 0, tip: 0n }, call: sync(bench(sequence)), info: { weight: { refTime: 0n, proofSize: 0n }, class: 'Normal', paysFee: true }, length: 1 } as const
    return { validity: checkMqSequence.validate?.(bed.chain.ctx, transaction), prepared: checkMqSequence.prepare?.(bed.chain.ctx, transaction) }
  }

  test('stale ones are refused, early ones wait in the pool, the next one runs', () => {
    storage.offchainIngress.set(bed.chain.ctx, sender(), 1n)
    expect(judge(0n)).toMatchObject({ validity: { ok: false, error: { value: { kind: 'Stale' } } }, prepared: { value: { kind: 'Stale' } } })
    expect(judge(1n)).toEqual({ validity: { ok: true, value: { provides: [sequenceTag(sender(), 1n)], requires: [] } }, prepared: undefined })
    expect(judge(2n)).toMatchObject({ validity: { ok: true, value: { requires: [sequenceTag(sender(), 1n)] } }, prepared: { value: { kind: 'Future' } } })
  })

  test('has no opinion on other calls', () => {
    const transaction = { signer: alice.publicKey, extra: { era: { kind: 'Immortal' }, nonce: 0, tip: 0n }, call: phalaMq.call('pushMessage', { destination: utf8('x'), payload: utf8('') }), info: { weight: { refTime: 0n, proofSize: 0n }, class: 'Normal', paysFee: true }, length: 1 } as const
    expect(checkMqSequence.validate?.(bed.chain.ctx, transaction)).toEqual({ ok: true, value: {} })
    expect(checkMqSequence.prepare?.(bed.chain.ctx, transaction)).toBeUndefined()
  })
})
