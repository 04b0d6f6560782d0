import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bytesEqual, toHex, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { TOPICS, createMessage, palletOrigin } from '@phalanx/primitives/messages'
import { EgressMessages } from './core/mq.ts'
import { CHECKPOINT_FILES, IDENTITY_FILE } from './index.ts'
import { createHarness, createMemoryBlobStore, createTestChain, type WorkerHarness } from './testing.ts'

let crypto: Crypto
let world: WorkerHarness
beforeAll(async () => {
  crypto = await loadCrypto()
})
beforeEach(async () => {
  world = await createHarness(crypto)
})

const identity = (): string => toHex(world.worker.identity() as Uint8Array)
const key = (): Uint8Array => world.worker.identity() as Uint8Array
const codeOf = async (act: Promise<unknown>): Promise<string> => {
  try {
    await act
    return 'nothing thrown'
  } catch (error) {
    if (error instanceof AppError) return error.code === 'WIRE_CALL_FAILED' ? String((error.context as { code?: string }).code) : error.code
    throw error
  }
}
/** Every message was taken in an unbroken sequence. */
const assertUnbroken = (): void => {
  expect(world.registry.taken(key()).map(({ sequence }) => sequence)).toEqual(Array.from({ length: Number(world.registry.nextSequence(key())) }, (_, i) => BigInt(i)))
}
const anchored = async (): Promise<boolean> => {
  const status = await world.client.PhalanxAPI.Status({})
  return status.state === 'registered' && toHex(world.registry.anchor(key())?.ecdhPubkey as Uint8Array) === status.ecdhPublicKey
}

describe('a restart', () => {
  test('after an orderly stop goes on at its block, with its identity and a fresh anchored key', async () => {
    await world.register()
    const before = { identity: identity(), key: (await world.client.PhalanxAPI.Status({})).ecdhPublicKey, block: world.chain.head.number }
    await world.worker.stop()
    await world.start()
    expect(identity()).toBe(before.identity)
    expect((await world.client.PhactoryAPI.GetInfo({})).blocknum).toBe(before.block + 1)
    expect(world.worker.status()).toMatchObject({ state: 'anchoring', serving: false })
    await world.relay(2)
    expect(await anchored()).toBe(true)
    expect((await world.client.PhalanxAPI.Status({})).ecdhPublicKey).not.toBe(before.key)
    expect(world.registry.anchor(key())?.epoch).toBe(1n)
    assertUnbroken()
  })

  test('without any checkpoint follows the chain from genesis and arrives at the same place', async () => {
    await world.register()
    const before = identity()
    for (const name of CHECKPOINT_FILES) world.blobs.files.delete(name)
    await world.start()
    expect(world.worker.status()).toMatchObject({ state: 'unsealed' })
    await world.init()
    expect(identity()).toBe(before)
    await world.sync()
    await world.relay(3)
    expect(await anchored()).toBe(true)
    assertUnbroken()
  })

  test.each([1, 3, 1000])('from an old checkpoint, fed %i blocks at a time, keeps its sequence unbroken', async (size) => {
    await world.register()
    await world.client.PhactoryAPI.TakeCheckpoint({})
    const old = [...world.blobs.files]
    for (let i = 0; i < 3; i++) {
      await world.start()
      await world.sync()
      await world.relay(3)
      expect(await anchored()).toBe(true)
    }
    world.blobs = createMemoryBlobStore(old)
    await world.start()
    await world.sync(size)
    await world.relay(6)
    expect(await anchored()).toBe(true)
    assertUnbroken()
  })

  test('goes on from the newest of two good checkpoints, whichever file it is in', async () => {
    await world.register()
    for (let i = 0; i < 3; i++) {
      await world.relay(1)
      await world.client.PhactoryAPI.TakeCheckpoint({})
      const { blocknum } = await world.client.PhactoryAPI.GetInfo({})
      await world.start()
      expect((await world.client.PhactoryAPI.GetInfo({})).blocknum).toBe(blocknum)
    }
  })

  test('with one damaged checkpoint uses the other; with both damaged begins anew; files stay as they are', async () => {
    await world.register()
    await world.client.PhactoryAPI.TakeCheckpoint({})
    const earlier = new Map(world.blobs.files)
    await world.relay(1)
    await world.client.PhactoryAPI.TakeCheckpoint({})
    const newest = world.chain.head.number
    const [last, other] = CHECKPOINT_FILES.toSorted((name) => (world.blobs.files.get(name) === earlier.get(name) ? 1 : -1)) as [string, string]
    const damage = (name: string): void => {
      const file = world.blobs.files.get(name) as Uint8Array
      file[file.length - 1] = (file.at(-1) as number) ^ 1
    }
    damage(last)
    await world.start()
    expect((await world.client.PhactoryAPI.GetInfo({})).blocknum).toBe(newest)
    // The start sealed its announcement in the place of the damaged one.
    damage(last)
    damage(other)
    const files = [...world.blobs.files].map(([name, bytes]) => [name, bytes.slice()])
    await world.start()
    expect(world.worker.status().state).toBe('unsealed')
    expect([...world.blobs.files]).toEqual(files)
    await world.init()
    await world.sync()
    await world.relay(3)
    expect(await anchored()).toBe(true)
  })

  test('with a lost identity is another worker and does not use the old one\'s checkpoint', async () => {
    await world.register()
    await world.worker.stop()
    const old = world.chain.head.number
    world.blobs.files.delete(IDENTITY_FILE)
    await world.start()
    expect(world.worker.identity()).toBeUndefined()
    await world.init()
    expect((await world.client.PhactoryAPI.GetInfo({})).blocknum).toBe(1)
    expect(old).toBeGreaterThan(1)
    await world.sync()
    expect(world.worker.status().state).toBe('syncing')
  })

  test('with other code, another machine or an altered identity file refuses, and keeps the file', async () => {
    await world.register()
    const file = world.blobs.files.get(IDENTITY_FILE) as Uint8Array
    expect(await codeOf(world.start({ measurement: new Uint8Array(32).fill(1) }))).toBe('SEAL_FOREIGN')
    const secret = world.blobs.files.get('software-platform.secret') as Uint8Array
    world.blobs.files.set('software-platform.secret', new Uint8Array(32))
    expect(await codeOf(world.start())).toBe('SEAL_TAMPERED')
    world.blobs.files.set('software-platform.secret', secret.slice(1))
    expect(await codeOf(world.start())).toBe('SEAL_KEY_MALFORMED')
    world.blobs.files.set('software-platform.secret', secret)
    world.blobs.files.set(IDENTITY_FILE, file.slice(0, -1))
    expect(await codeOf(world.start())).toBe('SEAL_MALFORMED')
    world.blobs.files.set(IDENTITY_FILE, world.blobs.files.get(CHECKPOINT_FILES[0]) ?? new Uint8Array(0))
    expect(await codeOf(world.start())).toMatch(/^SEAL_/)
    world.blobs.files.set(IDENTITY_FILE, file)
    await world.start()
    expect(bytesEqual(world.blobs.files.get(IDENTITY_FILE) as Uint8Array, file)).toBe(true)
  })

  test('never takes an identity for another chain', async () => {
    await world.init()
    await world.start()

    const genesis = createTestChain(crypto, { salt: 5 }).genesisInfo
    expect(await codeOf(world.client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: genesis, encodedGenesisState: new Uint8Array(0), isParachain: false })))
      .toBe('WORKER_IDENTITY_OTHER_CHAIN')
  })
})

describe('messages that were shown', () => {
  const shown = async () => EgressMessages.decode((await world.client.PhactoryAPI.GetEgressMessages({})).encodedMessages).flatMap(([, messages]) => messages)
  const challenge = (): void => {
    world.chain.add({ messages: [createMessage(palletOrigin('PhalaRegistry'), TOPICS.systemEvent, { kind: 'HeartbeatChallenge', value: { seed: 0n, onlineTarget: (1n << 256n) - 1n } })] })
  }

  test('keep their numbers over a crash; what comes after them is not lost when the chain takes them', async () => {
    await world.register()
    world.registry.tell(key(), { kind: 'Started', value: { sessionId: 1, initV: 0n, initP: 0 } })
    await world.relay(1)
    await world.client.PhactoryAPI.TakeCheckpoint({})
    await world.client.PhalanxAPI.RotateEcdhKey({})
    challenge()
    await world.sync()
    const before = await shown()
    expect(before.map(({ message }) => toHex(message.destination))).toEqual([TOPICS.ecdhKey, TOPICS.workingReport].map(({ topic }) => toHex(topic)))
    await world.start()
    await world.sync()
    challenge()
    await world.sync()
    const after = await shown()
    expect(after.map(({ sequence }) => sequence)).toEqual([...before, 0].map((_, i) => (before[0]?.sequence as bigint) + BigInt(i)))
    expect(after[1]).toEqual(before[1])
    // The chain takes what the former process had shown.
    for (const message of before) expect(world.registry.submit(message)).toBe(true)
    world.registry.seal()
    await world.sync()
    await world.relay(4)
    const reports = world.registry.taken(key()).filter(({ message }) => bytesEqual(message.destination, TOPICS.workingReport.topic))
    expect(reports).toEqual([before[1], after[2]])
    expect(await anchored()).toBe(true)
    assertUnbroken()
  })

  test('are durable first: nobody sees one that is still being sealed', async () => {
    await world.register()
    world.blobs.dropWrites = true
    void world.client.PhalanxAPI.RotateEcdhKey({})
    for (let i = 0; i < 100; i++) await Promise.resolve()
    expect(await shown()).toEqual([])
  })

  test.each([0, 1])('of two checkpoints at one block, the one with more of them is gone on from, after %i others', async (others) => {
    await world.register()
    world.registry.tell(key(), { kind: 'Started', value: { sessionId: 1, initV: 0n, initP: 0 } })
    world.registry.tell(key(), { kind: 'BenchStart', value: { duration: 1 } })
    await world.relay(1)
    for (let i = 0; i < others; i++) await world.client.PhactoryAPI.TakeCheckpoint({})
    // One step answers the challenge; the benchmark's result is another, at the same block.
    challenge()
    await world.sync()
    const before = await shown()
    expect(before.map(({ message }) => toHex(message.destination))).toEqual([TOPICS.workingReport, TOPICS.registryEvent].map(({ topic }) => toHex(topic)))
    await world.start()
    expect((await shown()).slice(0, 2)).toEqual(before)
  })
})

describe('initialisation', () => {
  test('answers only once the identity is durable, and has not happened when sealing fails', async () => {
    world.blobs.failWrites = true
    expect(await codeOf(world.init())).toBe('SEAL_WRITE_FAILED')
    expect(world.worker.identity()).toBeUndefined()
    world.blobs.failWrites = false
    await world.init()
    const made = identity()
    await world.start()
    expect(identity()).toBe(made)
  })

  test('that crashed while sealing leaves no trace', async () => {
    world.blobs.dropWrites = true
    let answered = false
    void world.init().then(() => (answered = true))
    for (let i = 0; i < 100; i++) await Promise.resolve()
    expect(answered).toBe(false)
    world.blobs = createMemoryBlobStore(world.blobs.files)
    await world.start()
    expect(world.worker.identity()).toBeUndefined()
    await world.init()
    expect(world.worker.status().state).toBe('initialised')
  })

  test('and checkpoints asked for are durable before they are answered', async () => {
    await world.init()
    world.blobs.dropWrites = true
    let answered = false
    void world.client.PhactoryAPI.TakeCheckpoint({}).then(() => (answered = true))
    for (let i = 0; i < 100; i++) await Promise.resolve()
    expect(answered).toBe(false)
  })

  test('that is asked for twice at a time happens once', async () => {
    const [first, second] = await Promise.all([codeOf(world.init()), codeOf(world.init())])
    expect([first, second].sort()).toEqual(['WORKER_ALREADY_INITIALIZED', 'nothing thrown'])
    const made = identity()
    await world.start()
    expect(identity()).toBe(made)
  })

  test('happens once', async () => {
    await world.init()
    expect(await codeOf(world.init())).toBe('WORKER_ALREADY_INITIALIZED')
  })
})

describe('the anchor of the ECDH key', () => {
  test('is another key until the chain says so: a start between registering and inclusion announces again', async () => {
    await world.init()
    world.registry.seal()
    await world.sync()
    const { encodedRuntimeInfo } = await world.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: false })
    await world.start()
    await world.init()
    world.registry.register(encodedRuntimeInfo)
    world.registry.seal()
    await world.sync()
    expect(world.worker.status()).toMatchObject({ state: 'anchoring', serving: false })
    await world.relay(2)
    expect(await anchored()).toBe(true)
  })

  test('is announced again when another key lands', async () => {
    await world.register()
    world.registry.notify({ kind: 'EcdhKeyAnchored', value: { pubkey: key(), epoch: 5n, ecdhPubkey: new Uint8Array(32).fill(9) } })
    world.registry.seal()
    await world.sync()
    expect(world.worker.status().state).toBe('anchoring')
    await world.relay(1)
    const last = world.registry.taken(key()).at(-1)
    expect(TOPICS.ecdhKey.payload.decode(last?.message.payload as Uint8Array).epoch).toBe(6n)
    expect(await anchored()).toBe(true)
  })
})

describe('a halted worker', () => {
  test('stays halted over restarts until its checkpoints are deleted, and keeps its identity', async () => {
    await world.register()
    const before = identity()
    const fork = world.chain.forkAt(world.chain.head.number)
    fork.add({ salt: 3 })
    expect(await codeOf(world.client.PhalanxAPI.FeedBlocks({ encodedBlocks: fork.feed(fork.head.number) }))).toBe('WORKER_HALTED')
    expect(world.worker.status()).toMatchObject({ state: 'halted', serving: false })
    world.registry.seal()
    expect(await codeOf(world.sync())).toBe('WORKER_HALTED')
    await world.start()
    expect(world.worker.status().state).toBe('halted')
    for (const name of CHECKPOINT_FILES) world.blobs.files.delete(name)
    await world.start()
    await world.init()
    await world.sync()
    await world.relay(3)
    expect([identity(), world.worker.status().state]).toEqual([before, 'registered'])
  })
})

describe('evidence', () => {
  test('is reused for an hour of chain time, and dropped for an operator or on demand', async () => {
    await world.init()
    const info = (operator?: Uint8Array, forceRefreshRa = false) => world.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa, encodedOperator: operator })
    expect((await info()).attestation).toBeUndefined()
    world.registry.seal()
    await world.sync()
    const first = await info()
    world.registry.seal()
    await world.sync()
    expect((await info()).attestation).toEqual(first.attestation)
    const forced = await info(undefined, true)
    expect(forced.attestation?.timestamp).toBe((first.attestation?.timestamp ?? 0n) + 1n)
    const operated = await info(new Uint8Array(32).fill(4))
    expect(bytesEqual(operated.encodedRuntimeInfo, forced.encodedRuntimeInfo)).toBe(false)
    world.registry.seal({ timeMs: world.chain.head.timeMs + 3_600_000n })
    await world.sync()
    const later = await info()
    expect(later.attestation?.timestamp).toBe((operated.attestation?.timestamp ?? 0n) + 3600n)
    expect(await codeOf(world.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: false, encodedOperator: utf8('short') }))).toMatch(/^CODEC_/)
  })
})

describe('stopping', () => {
  test('through the API ends the worker and keeps the identity', async () => {
    await world.register()
    const before = identity()
    await world.client.PhactoryAPI.Stop({ removeCheckpoints: true })
    world.clock.advance(0)
    await world.worker.stopped
    expect(await codeOf(world.client.PhactoryAPI.GetInfo({}))).toBe('WORKER_STOPPED')
    expect([...world.blobs.files.keys()].sort()).toEqual([IDENTITY_FILE, 'software-platform.secret'])
    await world.start()
    expect(identity()).toBe(before)
  })
})
