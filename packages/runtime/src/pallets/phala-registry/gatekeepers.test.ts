import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import {
  createMessage, MasterKeyRotationPayload, messageSigningPayload, TOPICS, wrapSignedContent, type GatekeeperNotice, type GatekeeperVote, type MasterKeyRotationEvent, type Message,
  type RegistrationVerdict, type TopicOf,
} from '@phalanx/primitives/messages'
import { beforeEach, describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { devAccount } from '../../frame/testing.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { phalaMq } from '../phala-mq/pallet.ts'
import { latestBeacon } from './beacon.ts'
import { ensureMayServe, mayServe } from './duties.ts'
import { dismissGatekeeper } from './gatekeepers.ts'
import { OUTCOME_WINDOW_BLOCKS, quorumSize } from './outcomes.ts'
import { phalaRegistry } from './pallet.ts'
import { registryParts } from './declaration.ts'
import * as storage from './storage.ts'
import { createRegistryTestbed, type TestWorker } from './testing.ts'

const crypto = await loadCrypto()
const anyone = signed(devAccount(crypto, 'Alice').publicKey)
const MASTER = devAccount(crypto, 'master')
let bed = createRegistryTestbed(crypto)
let [a, b, c] = ['a', 'b', 'c'].map((name) => bed.worker(name)) as [TestWorker, TestWorker, TestWorker]
let salt = 0
const sequences = new Map<string, bigint>()

const events = (name: string): readonly unknown[] => bed.chain.events().filter((event) => event.name === name).map(({ value }) => value)
const said = <T>(to: TopicOf<T>): readonly T[] =>
  loggedMessages(bed.chain.ctx).filter(({ destination }) => toHex(destination) === toHex(to.topic)).map(({ payload }) => to.payload.decode(payload))
const fromGatekeepers = (): readonly Message[] => loggedMessages(bed.chain.ctx).filter(({ sender }) => sender.kind === 'Gatekeeper')
const send = <T>(who: TestWorker, to: TopicOf<T>, payload: T): void => {
  const name = toHex(who.pubkey)
  const sequence = sequences.get(name) ?? 0n
  sequences.set(name, sequence + 1n)
  bed.chain.assertOk(phalaMq.call('syncOffchainMessage', { signedMessage: bed.signedMessage(who, to, payload, sequence) }), anyone)
}
const register = (who: TestWorker): void => void bed.chain.assertOk(bed.registration(who, { salt: salt++ }), anyone)
const list = (who: TestWorker): void => void bed.chain.assertOk(phalaRegistry.call('registerGatekeeper', { gatekeeper: who.pubkey }), ROOT)
const confirm = (who: TestWorker, masterPubkey = MASTER.publicKey): void => send(who, TOPICS.registryEvent, { kind: 'MasterPubkey', value: { masterPubkey } })
const random = (fill: number, blockNumber = 1): Pick<GatekeeperVote, 'destination' | 'payload'> => {
  const value = { blockNumber, randomNumber: new Uint8Array(32).fill(fill), lastRandomNumber: new Uint8Array(32) }
  return { destination: TOPICS.gatekeeperEvent.topic, payload: TOPICS.gatekeeperEvent.payload.encode({ kind: 'NewRandomNumber', value }) }
}
const vote = (who: TestWorker, block: number, index: number, what: Pick<GatekeeperVote, 'destination' | 'payload'>): void =>
  send(who, TOPICS.gatekeeperVote, { block, index, ...what })
const decided = (): readonly GatekeeperNotice[] => said(TOPICS.gatekeeperNotice).filter(({ kind }) => kind === 'Decided')
/** Gatekeepers `a` and others up to `count`, confirmed, in the next block. */
const launch = (count: number): void => {
  for (const who of [a, b, c]) register(who)
  list(a)
  confirm(a)
  for (const who of [b, c].slice(0, count - 1)) {
    list(who)
    confirm(who)
  }
  bed.chain.nextBlock()
  bed.chain.nextBlock()
}
const at = (): number => bed.chain.ctx.block.number - 1

beforeEach(() => {
  bed = createRegistryTestbed(crypto)
  ;[a, b, c] = ['a', 'b', 'c'].map((name) => bed.worker(name)) as [TestWorker, TestWorker, TestWorker]
  sequences.clear()
  salt = 0
})

describe('registry.registerGatekeeper', () => {
  test('refuses a confidence level that the policy does not trust with the key', () => {
    register(a)
    storage.attestationPolicy.mutate(bed.chain.ctx, (policy) => ({ ...policy, gatekeeperConfidenceMax: 1 }))
    storage.workers.mutate(bed.chain.ctx, a.pubkey, (worker) => worker && { ...worker, confidenceLevel: 2 })
    bed.chain.assertNoop(phalaRegistry.call('registerGatekeeper', { gatekeeper: a.pubkey }), ROOT, 'PhalaRegistry.InsufficientConfidence')
    storage.workers.mutate(bed.chain.ctx, a.pubkey, (worker) => worker && { ...worker, confidenceLevel: 1 })
    list(a)
  })

  test('refuses a worker whose evidence the gatekeepers have not accepted', () => {
    register(a)
    list(a)
    confirm(a)
    register(b)
    bed.chain.assertNoop(phalaRegistry.call('registerGatekeeper', { gatekeeper: b.pubkey }), ROOT, 'PhalaRegistry.WorkerNotVouchedFor')
  })
})

describe('votes of gatekeepers', () => {
  test('of one take effect at once, of two when both agree, of three when two do', () => {
    for (const count of [1, 2, 3]) {
      bed = createRegistryTestbed(crypto)
      sequences.clear()
      launch(count)
      const needed = Math.floor(count / 2) + 1
      expect(quorumSize(bed.chain.ctx)).toBe(needed)
      for (const [i, who] of [a, b, c].slice(0, needed).entries()) {
        expect(fromGatekeepers()).toEqual([])
        vote(who, at(), 0, random(5, at()))
        expect(decided()).toHaveLength(i + 1 === needed ? 1 : 0)
      }
      expect(fromGatekeepers()).toEqual([{ sender: { kind: 'Gatekeeper' }, ...random(5, at()) }])
      expect(latestBeacon(bed.chain.ctx)).toEqual({ round: at(), value: new Uint8Array(32).fill(5) })
      expect(events('OutcomeDiffers')).toEqual([])
    }
  })

  test('that differ raise an alarm and decide nothing; late ones are compared with what was decided', () => {
    launch(3)
    vote(a, at(), 0, random(1))
    vote(b, at(), 0, random(2))
    expect(fromGatekeepers()).toEqual([])
    expect(events('OutcomeDiffers')).toEqual([{ block: at(), index: 0, gatekeeper: b.pubkey }])
    vote(c, at(), 0, random(1))
    expect(fromGatekeepers()).toHaveLength(1)
    vote(a, at(), 1, random(3))
    vote(b, at(), 1, random(3))
    vote(c, at(), 1, random(4))
    expect(events('OutcomeDiffers').at(-1)).toEqual({ block: at(), index: 1, gatekeeper: c.pubkey })
    expect(fromGatekeepers()).toHaveLength(2)
  })

  test('count once for each gatekeeper', () => {
    launch(3)
    vote(a, at(), 0, random(1))
    vote(a, at(), 0, random(1))
    vote(a, at(), 0, random(2))
    expect(fromGatekeepers()).toEqual([])
    expect(storage.outcomes.get(bed.chain.ctx, at(), 0)?.proposals.map(({ voters }) => voters)).toEqual([[a.pubkey]])
  })

  test('of strangers, for a block that has not ended, or for one before the gatekeeper was confirmed change nothing', () => {
    launch(2)
    const { number } = bed.chain.ctx.block
    const before = bed.chain.events().length
    vote(c, at(), 0, random(1))
    vote(a, number, 0, random(1))
    vote(a, 1, 0, random(1))
    expect([...storage.outcomes.entries(bed.chain.ctx)]).toEqual([])
    expect(bed.chain.events().slice(before).filter(({ pallet }) => pallet === 'PhalaRegistry')).toEqual([])
  })

  test('that do not decode, or come from an account, change nothing', () => {
    launch(1)
    send(a, { ...TOPICS.gatekeeperVote, payload: TOPICS.gatekeeperKeyRequest.payload } as never, { ecdhPubkey: new Uint8Array(32) } as never)
    bed.chain.assertOk(phalaMq.call('pushMessage', { destination: TOPICS.gatekeeperVote.topic, payload: TOPICS.gatekeeperVote.payload.encode({ block: at(), index: 0, ...random(1) }) }), anyone)
    expect([...storage.outcomes.entries(bed.chain.ctx)]).toEqual([])
  })

  test('are forgotten after the window', () => {
    launch(3)
    vote(a, at(), 0, random(1))
    const block = at()
    for (let i = 0; i <= OUTCOME_WINDOW_BLOCKS; i++) bed.chain.nextBlock()
    expect(storage.outcomes.has(bed.chain.ctx, block, 0)).toBe(false)
    vote(b, block, 0, random(1))
    expect(storage.outcomes.has(bed.chain.ctx, block, 0)).toBe(false)
  })

  test('travel free of charge for gatekeepers only', () => {
    launch(1)
    const paid = (who: TestWorker): boolean | undefined => {
      const sequence = sequences.get(toHex(who.pubkey)) ?? 0n
      sequences.set(toHex(who.pubkey), sequence + 1n)
      const signedMessage = bed.signedMessage(who, TOPICS.gatekeeperVote, { block: at(), index: Number(sequence), ...random(1) }, sequence)
      return bed.chain.dispatch(phalaMq.call('syncOffchainMessage', { signedMessage }), anyone).post.paysFee
    }
    expect([paid(a), paid(b)]).toEqual([false, true])
  })
})

describe('the reference\'s form of a gatekeeper message', () => {
  const asGatekeeper = (who: { readonly secret: Uint8Array }, sequence: bigint) => {
    const message = createMessage({ kind: 'Gatekeeper' }, TOPICS.gatekeeperEvent, { kind: 'NewRandomNumber', value: { blockNumber: 9, randomNumber: new Uint8Array(32).fill(9), lastRandomNumber: new Uint8Array(32) } })
    const signature = crypto.sr25519.sign(who.secret, messageSigningPayload(message, sequence), new Uint8Array(32))
    return phalaMq.call('syncOffchainMessage', { signedMessage: { message, sequence, signature } })
  }

  test('is accepted while one gatekeeper is the quorum', () => {
    bed.chain.assertNoop(asGatekeeper(MASTER, 0n), anyone, 'PhalaRegistry.MasterKeyUninitialized')
    launch(1)
    bed.chain.assertNoop(asGatekeeper(a, 0n), anyone, 'PhalaRegistry.InvalidSignature')
    expect(bed.chain.dispatch(asGatekeeper(MASTER, 0n), anyone)).toMatchObject({ ok: true, post: { paysFee: false } })
    expect(latestBeacon(bed.chain.ctx)?.round).toBe(9)
  })

  test('is refused as soon as more must agree', () => {
    launch(2)
    bed.chain.assertNoop(asGatekeeper(MASTER, 0n), anyone, 'PhalaMq.BadSender')
  })
})

describe('a gatekeeper that leaves', () => {
  test('lets what the rest agreed on take effect in the next block', () => {
    launch(2)
    vote(a, at(), 0, random(7))
    bed.chain.assertOk(phalaRegistry.call('unregisterGatekeeper', { gatekeeper: b.pubkey }), ROOT)
    expect(fromGatekeepers()).toEqual([])
    bed.chain.nextBlock()
    expect(fromGatekeepers()).toHaveLength(1)
    expect(latestBeacon(bed.chain.ctx)?.value).toEqual(new Uint8Array(32).fill(7))
    expect(storage.confirmedGatekeepers.get(bed.chain.ctx)).toEqual([[a.pubkey, 1]])
  })

  test('is not the only one that holds the key', () => {
    launch(1)
    storage.gatekeeper.set(bed.chain.ctx, [a.pubkey, b.pubkey])
    bed.chain.assertNoop(phalaRegistry.call('unregisterGatekeeper', { gatekeeper: a.pubkey }), ROOT, 'PhalaRegistry.LastKeyHolder')
    bed.chain.assertOk(phalaRegistry.call('unregisterGatekeeper', { gatekeeper: b.pubkey }), ROOT)
    bed.chain.assertNoop(phalaRegistry.call('unregisterGatekeeper', { gatekeeper: a.pubkey }), ROOT, 'PhalaRegistry.CannotRemoveLastGatekeeper')
  })

  test('because it lost its standing takes a rotation with it; the last one stays without a vote', () => {
    launch(2)
    bed.chain.assertOk(phalaRegistry.call('rotateMasterKey'), ROOT)
    dismissGatekeeper(registryParts.in(bed.chain.ctx), b.pubkey)
    expect([storage.gatekeeper.get(bed.chain.ctx), storage.masterKeyRotationLock.get(bed.chain.ctx)]).toEqual([[a.pubkey], undefined])
    dismissGatekeeper(registryParts.in(bed.chain.ctx), a.pubkey)
    expect([storage.gatekeeper.get(bed.chain.ctx), storage.confirmedGatekeepers.get(bed.chain.ctx)]).toEqual([[a.pubkey], []])
  })
})

describe('a request for the master key', () => {
  const changes = () => said(TOPICS.gatekeeperChange)

  test('suspends the gatekeeper and has the others share the key for its present ECDH key', () => {
    launch(2)
    vote(a, at(), 0, random(7))
    send(b, TOPICS.gatekeeperKeyRequest, { ecdhPubkey: b.ecdhPubkey })
    expect(changes()).toEqual([{ kind: 'Registered', value: { pubkey: b.pubkey, ecdhPubkey: b.ecdhPubkey } }])
    expect(said(TOPICS.gatekeeperNotice)).toContainEqual({ kind: 'Suspended', value: { pubkey: b.pubkey } })
    bed.chain.nextBlock()
    expect(fromGatekeepers()).toHaveLength(1)
    confirm(b)
    expect(storage.confirmedGatekeepers.get(bed.chain.ctx).map(([pubkey]) => pubkey)).toEqual([a.pubkey, b.pubkey])
  })

  test('of a stranger, for another key, or of the last that holds the key changes nothing', () => {
    launch(2)
    send(c, TOPICS.gatekeeperKeyRequest, { ecdhPubkey: c.ecdhPubkey })
    send(b, TOPICS.gatekeeperKeyRequest, { ecdhPubkey: c.ecdhPubkey })
    expect(changes()).toEqual([])
    send(b, TOPICS.gatekeeperKeyRequest, { ecdhPubkey: b.ecdhPubkey })
    send(a, TOPICS.gatekeeperKeyRequest, { ecdhPubkey: a.ecdhPubkey })
    expect(changes()).toHaveLength(1)
    expect(storage.confirmedGatekeepers.get(bed.chain.ctx).map(([pubkey]) => pubkey)).toEqual([a.pubkey])
  })

  test('a confirmation with another key is none', () => {
    launch(1)
    list(a)
    storage.gatekeeper.set(bed.chain.ctx, [a.pubkey, b.pubkey])
    confirm(b, b.pubkey)
    expect(storage.confirmedGatekeepers.get(bed.chain.ctx)).toHaveLength(1)
  })
})

describe('registry.rotateMasterKey and registry.cancelMasterKeyRotation', () => {
  const candidate = (who: TestWorker, change: Partial<MasterKeyRotationEvent> = {}): MasterKeyRotationEvent => {
    const key = { ecdhPubkey: MASTER.publicKey, encryptedKey: new Uint8Array(80), iv: new Uint8Array(12) }
    const dests = [a, b].map(({ pubkey }) => pubkey).sort((x, y) => (toHex(x) < toHex(y) ? -1 : 1))
    const body = { rotationId: 1n, secretKeys: dests.map((dest) => [dest, key] as const), sender: who.pubkey, ...change }
    const sig = crypto.sr25519.sign(who.secret, wrapSignedContent('masterKeyRotation', MasterKeyRotationPayload.encode(body)), new Uint8Array(32))
    return { sig, ...body }
  }
  const start = (): void => {
    launch(2)
    bed.chain.assertOk(phalaRegistry.call('rotateMasterKey'), ROOT)
  }
  const rotated = (rotationId: bigint, masterPubkey: Uint8Array) => ({
    destination: TOPICS.gatekeeperRegistryEvent.topic, payload: TOPICS.gatekeeperRegistryEvent.payload.encode({ kind: 'RotatedMasterPubkey', value: { rotationId, masterPubkey } }),
  })

  test('pass the first candidate on, and take the new key once a quorum holds it', () => {
    start()
    send(b, TOPICS.rotationCandidate, candidate(b))
    send(a, TOPICS.rotationCandidate, candidate(a))
    expect(said(TOPICS.keyDistribution)).toEqual([{ kind: 'MasterKeyRotation', value: candidate(b) }])
    expect(fromGatekeepers()).toHaveLength(1)
    bed.chain.nextBlock()
    vote(a, at(), 0, rotated(1n, c.pubkey))
    expect(storage.gatekeeperMasterPubkey.get(bed.chain.ctx)).toEqual(MASTER.publicKey)
    vote(b, at(), 0, rotated(1n, c.pubkey))
    expect(storage.gatekeeperMasterPubkey.get(bed.chain.ctx)).toEqual(c.pubkey)
    expect(storage.masterKeyRotationLock.get(bed.chain.ctx)).toBeUndefined()
    expect(said(TOPICS.gatekeeperLaunch)).toEqual([{ kind: 'MasterPubkeyRotated', value: { masterPubkey: c.pubkey } }])
    bed.chain.assertEvents([{ pallet: 'PhalaRegistry', name: 'MasterKeyRotated', value: { rotationId: 1n, masterPubkey: c.pubkey } }])
  })

  const voters = (): readonly Uint8Array[] => storage.confirmedGatekeepers.get(bed.chain.ctx).map(([pubkey]) => pubkey)
  const unregister = (who: TestWorker) => phalaRegistry.call('unregisterGatekeeper', { gatekeeper: who.pubkey })

  test('take the vote from those that did not show to hold the new key, until they do', () => {
    launch(3)
    bed.chain.assertOk(phalaRegistry.call('rotateMasterKey'), ROOT)
    bed.chain.nextBlock()
    for (const who of [a, b]) vote(who, at(), 0, rotated(1n, MASTER.publicKey))
    expect(voters()).toEqual([a.pubkey, b.pubkey])
    expect(said(TOPICS.gatekeeperNotice)).toContainEqual({ kind: 'Suspended', value: { pubkey: c.pubkey } })
    bed.chain.assertOk(unregister(a), ROOT)
    bed.chain.assertNoop(unregister(b), ROOT, 'PhalaRegistry.LastKeyHolder')
    confirm(c)
    bed.chain.assertOk(unregister(b), ROOT)
    expect(voters()).toEqual([c.pubkey])
  })

  test('know who holds the new key also where a departure decides', () => {
    start()
    bed.chain.nextBlock()
    vote(a, at(), 0, rotated(1n, c.pubkey))
    send(b, TOPICS.gatekeeperKeyRequest, { ecdhPubkey: b.ecdhPubkey })
    expect(storage.gatekeeperMasterPubkey.get(bed.chain.ctx)).toEqual(MASTER.publicKey)
    bed.chain.nextBlock()
    expect(storage.gatekeeperMasterPubkey.get(bed.chain.ctx)).toEqual(c.pubkey)
    expect(voters()).toEqual([a.pubkey])
    expect(storage.rotatedKeyHolders.has(bed.chain.ctx)).toBe(false)
  })

  test.each<[string, () => MasterKeyRotationEvent]>([
    ['for another rotation', () => candidate(a, { rotationId: 2n })],
    ['in another\'s name', () => candidate(a, { sender: b.pubkey })],
    ['that leaves a gatekeeper out', () => candidate(a, { secretKeys: candidate(a).secretKeys.slice(1) })],
    ['with a wrong signature', () => ({ ...candidate(a), sig: new Uint8Array(64) })],
    ['with a short signature', () => ({ ...candidate(a), sig: new Uint8Array(63) })],
  ])('drop a candidate %s', (_what, make) => {
    start()
    send(a, TOPICS.rotationCandidate, make())
    expect(storage.rotationCandidate.has(bed.chain.ctx)).toBe(false)
    expect(fromGatekeepers()).toEqual([])
  })

  test('drop a candidate of one that has no vote', () => {
    start()
    send(c, TOPICS.rotationCandidate, candidate(c))
    expect(storage.rotationCandidate.has(bed.chain.ctx)).toBe(false)
  })

  test('give a rotation up, after which its key is not taken', () => {
    const cancel = phalaRegistry.call('cancelMasterKeyRotation')
    launch(2)
    bed.chain.assertNoop(cancel, anyone, 'BadOrigin')
    bed.chain.assertNoop(cancel, ROOT, 'PhalaRegistry.MasterKeyNotInRotation')
    bed.chain.assertOk(phalaRegistry.call('rotateMasterKey'), ROOT)
    send(a, TOPICS.rotationCandidate, candidate(a))
    bed.chain.assertOk(cancel, ROOT)
    expect(said(TOPICS.gatekeeperNotice)).toContainEqual({ kind: 'RotationCancelled', value: { rotationId: 1n } })
    bed.chain.nextBlock()
    for (const who of [a, b]) vote(who, at(), 0, rotated(1n, c.pubkey))
    expect(storage.gatekeeperMasterPubkey.get(bed.chain.ctx)).toEqual(MASTER.publicKey)
    expect(events('MasterKeyRotationFailed')).toEqual([{ rotationLock: undefined, gatekeeperRotationId: 1n }])
    bed.chain.assertOk(phalaRegistry.call('rotateMasterKey'), ROOT)
    expect(storage.masterKeyRotationLock.get(bed.chain.ctx)).toBe(2n)
  })
})

describe('verdicts of gatekeepers', () => {
  const verdictOn = (who: TestWorker, change: Partial<RegistrationVerdict> = {}): Pick<GatekeeperVote, 'destination' | 'payload'> => {
    const kept = storage.evidence.get(bed.chain.ctx, who.pubkey)
    const evidence = crypto.blake2b256(concatBytes(kept?.info ?? new Uint8Array(0), kept?.report ?? new Uint8Array(0)))
    const verdict = { pubkey: who.pubkey, registeredAt: storage.evidenceSentAt.get(bed.chain.ctx, who.pubkey) ?? 0, evidence, accepted: true, confidenceLevel: 1, code: '', ...change }
    return { destination: TOPICS.registrationVerdict.topic, payload: TOPICS.registrationVerdict.payload.encode(verdict) }
  }
  const d = bed.worker('d')

  test('are asked for from the launch on; before it the chain\'s own verdict suffices', () => {
    register(a)
    expect([said(TOPICS.registrationEvidence), mayServe(bed.chain.ctx, a.pubkey)]).toEqual([[], true])
    list(a)
    confirm(a)
    register(d)
    const [sent] = said(TOPICS.registrationEvidence)
    expect(sent?.pubkey).toEqual(d.pubkey)
    expect(sent?.attachments.map((bytes) => crypto.blake2b256(bytes))).toEqual([sent?.collateral, sent?.policy])
    expect([mayServe(bed.chain.ctx, a.pubkey), mayServe(bed.chain.ctx, d.pubkey), mayServe(bed.chain.ctx, b.pubkey)]).toEqual([true, false, false])
    register(a)
    expect(said(TOPICS.registrationEvidence).at(-1)?.attachments).toEqual([])
    expect(mayServe(bed.chain.ctx, a.pubkey)).toBe(false)
  })

  test('admit a worker to duties, or keep it out with an alarm', () => {
    launch(1)
    register(d)
    bed.chain.nextBlock()
    expect(() => ensureMayServe(bed.chain.ctx, d.pubkey)).toThrow()
    vote(a, at(), 0, verdictOn(d))
    expect(mayServe(bed.chain.ctx, d.pubkey)).toBe(true)
    ensureMayServe(bed.chain.ctx, d.pubkey)
    expect(events('VerdictDiffers')).toEqual([])
    register(d)
    expect(mayServe(bed.chain.ctx, d.pubkey)).toBe(true)
    bed.chain.nextBlock()
    vote(a, at(), 0, verdictOn(d, { accepted: false, confidenceLevel: 0, code: 'ATTESTATION_QUOTE_MALFORMED' }))
    expect(mayServe(bed.chain.ctx, d.pubkey)).toBe(false)
    expect(events('VerdictDiffers')).toEqual([{ pubkey: d.pubkey, accepted: false, confidenceLevel: 0 }])
  })

  test('on other evidence than the last, or of a worker alone, count for nothing', () => {
    launch(1)
    register(d)
    bed.chain.nextBlock()
    vote(a, at(), 0, verdictOn(d, { registeredAt: 1 }))
    vote(a, at(), 1, verdictOn(d, { evidence: new Uint8Array(32) }))
    vote(a, at(), 2, verdictOn(bed.worker('nobody')))
    send(b, TOPICS.registrationVerdict, TOPICS.registrationVerdict.payload.decode(verdictOn(d).payload))
    expect(storage.gatekeeperVerdicts.has(bed.chain.ctx, d.pubkey)).toBe(false)
  })

  test('are asked for again where nobody could or can give them: at the launch itself, or after a change of gatekeepers', () => {
    const pass = (blocks: number): void => { for (let i = 0; i < blocks; i++) bed.chain.nextBlock() }
    register(a)
    list(a)
    confirm(a)
    register(d)
    const first = bed.chain.ctx.block.number
    vote(a, first, 0, verdictOn(d))
    pass(31)
    expect(said(TOPICS.registrationEvidence)).toEqual([])
    pass(1)
    expect(said(TOPICS.registrationEvidence).map(({ pubkey }) => toHex(pubkey))).toEqual([toHex(d.pubkey)])
    register(b)
    list(a)
    storage.gatekeeper.set(bed.chain.ctx, [a.pubkey, b.pubkey])
    confirm(b)
    bed.chain.assertOk(phalaRegistry.call('unregisterGatekeeper', { gatekeeper: a.pubkey }), ROOT)
    pass(32)
    const asked = said(TOPICS.registrationEvidence)
    expect(asked.map(({ pubkey }) => toHex(pubkey)).sort()).toEqual([toHex(b.pubkey), toHex(d.pubkey)].sort())
    bed.chain.nextBlock()
    vote(b, at(), 0, verdictOn(d))
    expect(mayServe(bed.chain.ctx, d.pubkey)).toBe(true)
    pass(31)
    expect(said(TOPICS.registrationEvidence)).toEqual([])
    expect([...storage.evidenceAwaited.entries(bed.chain.ctx)].map(([[, pubkey]]) => toHex(pubkey))).toEqual([toHex(b.pubkey)])
  })

  test('send collateral and policy again when a gatekeeper joins', () => {
    launch(1)
    register(d)
    bed.chain.nextBlock()
    register(d)
    expect(said(TOPICS.registrationEvidence).at(-1)?.attachments).toHaveLength(0)
    list(b)
    bed.chain.nextBlock()
    register(d)
    expect(said(TOPICS.registrationEvidence).at(-1)?.attachments).toHaveLength(2)
  })
})
