/** Rotation of the ECDH key, over the worker's real methods: on a schedule, on demand, with a grace for what is on its way. */
import { beforeAll, describe, expect, test } from 'vitest'
import { bytesEqual, parseHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { EgressMessages } from './core/mq.ts'
import { EMPTY_STATE, assertLive, step } from './core/step.ts'
import type { LiveState } from './core/state.ts'
import { keyOfEpoch } from './system/rotation.ts'
import { createHarness, createTestChain, createTestCore, createTestRegistry, type StartOptions } from './testing.ts'
import { codeOf } from '@phalanx/primitives/testing'

let crypto: Crypto
/** Secret halves of every key pair that was made, in order, by reference: what is in memory is what is here. */
let secrets: Uint8Array[]
beforeAll(async () => {
  const real = await loadCrypto()
  crypto = {
    ...real,
    sr25519: {
      ...real.sr25519,
      pairFromSeed(seed) {
        const pair = real.sr25519.pairFromSeed(seed)
        secrets.push(pair.secret)
        return pair
      },
    },
  }
})

const GRACE = 5
const start = async (options: StartOptions = {}) => {
  secrets = []
  const harness = await createHarness(crypto, { ecdhGraceBlocks: GRACE, ...options })
  await harness.register()
  const status = () => harness.client.PhalanxAPI.Status({})
  return { harness, status, rotate: () => harness.client.PhalanxAPI.RotateEcdhKey({}), identity: harness.worker.identity() as Uint8Array }
}

describe('on demand', () => {
  test('the next key is announced at once and in force when its announcement is final; the worker serves all the while', async () => {
    const { harness, status, rotate, identity } = await start()
    const before = await status()
    expect([before.serving, before.ecdhEpoch]).toEqual([true, 0n])
    const announced = await rotate()
    expect(announced.epoch).toBe(1n)
    expect(await rotate()).toEqual(announced)
    expect([(await status()).serving, (await status()).ecdhPublicKey]).toEqual([true, before.ecdhPublicKey])
    await harness.relay()
    const after = await status()
    expect([after.serving, after.ecdhEpoch, after.ecdhPublicKey]).toEqual([true, 1n, announced.ecdhPublicKey])
    expect(bytesEqual(harness.registry.anchor(identity)?.ecdhPubkey as Uint8Array, parseHex(announced.ecdhPublicKey))).toBe(true)
  })

  test('nothing rotates before the first key is final', async () => {
    secrets = []
    const harness = await createHarness(crypto)
    await harness.init()
    await expect(harness.client.PhalanxAPI.RotateEcdhKey({})).rejects.toMatchObject({ context: { code: 'WORKER_ECDH_NOT_ANCHORED' } })
  })

  test('evidence is made anew for the key in force', async () => {
    const { harness, rotate } = await start()
    const old = await harness.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: false })
    await rotate()
    await harness.relay()
    const fresh = await harness.client.PhactoryAPI.GetRuntimeInfo({ forceRefreshRa: false })
    expect(fresh.encodedEcdhPublicKey).not.toEqual(old.encodedEcdhPublicKey)
    expect(fresh.attestation?.encodedReport).not.toEqual(old.attestation?.encodedReport)
  })

  test('a crash before it is final leaves another key of the next start, under the next epoch', async () => {
    const { harness, rotate, status } = await start()
    const lost = await rotate()
    await harness.client.PhactoryAPI.TakeCheckpoint({})
    await harness.start({ ecdhGraceBlocks: GRACE })
    await harness.relay(4)
    const after = await status()
    expect(after.serving).toBe(true)
    expect(after.ecdhPublicKey).not.toBe(lost.ecdhPublicKey)
  })
})

describe('on a schedule', () => {
  test('a key rotates after so many blocks, again and again', async () => {
    const { harness, status } = await start({ rotateEcdhEveryBlocks: 6 })
    const seen = new Set<string | undefined>()
    for (let i = 0; i < 30; i++) {
      await harness.relay()
      const { serving, ecdhPublicKey } = await status()
      expect(serving).toBe(true)
      seen.add(ecdhPublicKey)
    }
    expect(seen.size).toBeGreaterThanOrEqual(4)
    expect((await status()).ecdhEpoch).toBeGreaterThanOrEqual(3n)
  })
})

describe('a former key', () => {
  test('is nowhere in memory nor on disk once its grace is over, and before that only in memory', async () => {
    const { harness, rotate } = await start()
    const old = secrets[1] as Uint8Array
    const oldHex = toHexPlain(old)
    await rotate()
    await harness.relay()
    await harness.client.PhactoryAPI.TakeCheckpoint({})
    expect(toHexPlain(old)).toBe(oldHex)
    await harness.relay(GRACE)
    await harness.client.PhactoryAPI.TakeCheckpoint({})
    expect(old.every((byte) => byte === 0)).toBe(true)
    expect(secrets.filter((secret) => secret.some((byte) => byte !== 0)).length).toBe(2)
    // What is sealed is the identity and a state without secrets.
    const exported = harness.worker.exportState() as Uint8Array
    expect(toHexPlain(exported).includes(oldHex.slice(0, 64))).toBe(false)
    await harness.worker.stop()
    expect(secrets.every((secret) => secret.every((byte) => byte === 0))).toBe(true)
  })
})

describe('by epoch', () => {
  const build = { ecdhGraceBlocks: 3 }
  const entropy = (n: number): Uint8Array => new Uint8Array(32).fill(n)

  /** A registered core that has rotated once; `at` is the block in which the second key came into force. */
  const rotated = () => {
    secrets = []
    const core = createTestCore(crypto, build)
    const chain = createTestChain(crypto)
    const registry = createTestRegistry(crypto, chain)
    let state = assertLive(step(core, EMPTY_STATE, { kind: 'init', value: { genesis: chain.genesisInfo, operator: undefined, entropy: entropy(1) } }).state)
    const erased: unknown[] = []
    const seal = (): void => {
      for (const [, messages] of EgressMessages.decode(EgressMessages.encode(state.egress.map(([origin, { messages }]) => [origin, messages] as const))))
        for (const message of messages) registry.submit(message)
      registry.seal()
      const { number } = chain.head
      const fed = step(core, state, { kind: 'feed', value: { blocks: chain.feed(number, number), genesisHash: undefined, iterations: 0n, entropy: entropy(number) } })
      state = assertLive(fed.state)
      erased.push(...fed.effects.filter(({ kind }) => kind === 'eraseKeys'))
    }
    const { identity, ecdh } = state.keys
    registry.notify({ kind: 'EcdhKeyAnchored', value: { pubkey: identity.publicKey, epoch: 4n, ecdhPubkey: ecdh.publicKey } })
    seal()
    state = assertLive(step(core, state, { kind: 'rotateEcdh', value: { entropy: entropy(99) } }).state)
    registry.notify({ kind: 'EcdhKeyAnchored', value: { pubkey: identity.publicKey, epoch: 5n, ecdhPubkey: (state.keys.nextEcdh as { publicKey: Uint8Array }).publicKey } })
    seal()
    return { seal, state: (): LiveState => state, first: ecdh, erased }
  }

  test('what was sealed to the epoch before opens within the grace and not after', () => {
    const { seal, state, first, erased } = rotated()
    expect(keyOfEpoch(state(), 5n)).toBe(state().keys.ecdh)
    const sender = crypto.sr25519.pairFromSeed(utf8('s'.repeat(32)))
    const agreed = crypto.sr25519.agree(sender.secret, first.publicKey)
    expect(crypto.sr25519.agree(keyOfEpoch(state(), 4n).secret.reveal(), sender.publicKey)).toEqual(agreed)
    seal()
    seal()
    expect(keyOfEpoch(state(), 4n)).toBe(first)
    seal()
    expect(codeOf(() => keyOfEpoch(state(), 4n))).toBe('WORKER_ECDH_EPOCH_UNKNOWN')
    expect(codeOf(() => keyOfEpoch(state(), 6n))).toBe('WORKER_ECDH_EPOCH_UNKNOWN')
    expect(erased).toEqual([{ kind: 'eraseKeys', value: [first] }])
  })
})
