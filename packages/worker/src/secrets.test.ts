import { inspect } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { toHexPlain } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Logger } from '@phalanx/primitives/ports'
import { createEntropy, ENTROPY_BYTES } from './core/entropy.ts'
import { createKey } from './core/keys.ts'
import { EMPTY_STATE, assertLive, step } from './core/step.ts'
import { createWorker } from './create-worker.ts'
import { routes } from './methods/index.ts'
import { SOFTWARE_SECRET_FILE, createSoftwarePlatform } from './platform/software.ts'
import { guardLogger } from './server/guarded-logger.ts'
import { createDirectClient, createMemoryBlobStore, createTestBenchmark, createTestChain, createTestClock, createTestCore, createTestRandom } from './testing.ts'
import { decodeMessage, encodeJson } from './wire/index.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

/** Every way in which bytes end up in text. */
const forms = (secret: Uint8Array): readonly string[] => [
  toHexPlain(secret), Buffer.from(secret).toString('base64'), Buffer.from(secret).toString('base64url'), [...secret].join(','), [...secret].join(', '), Buffer.from(secret).toString('latin1'),
]

const captureLogger = (lines: string[]): Logger => {
  const log = (message: string, data?: unknown, error?: unknown): void => {
    lines.push(inspect([message, data, error], { depth: 20, maxArrayLength: null, maxStringLength: null, showHidden: true }))
  }
  return { debug: log, info: log, warn: log, error: log }
}

describe('secrets', () => {
  test('never appear in logs, answers, errors or printed state', async () => {
    const lines: string[] = []
    const seeds: Uint8Array[] = []
    const source = createTestRandom(crypto, 'secrets')
    const random = { bytes: (length: number) => (seeds.push(source.bytes(length)), seeds.at(-1)?.slice() as Uint8Array) }
    const blobs = createMemoryBlobStore()
    const platform = await createSoftwarePlatform({}, { crypto, blobs, random })
    const worker = await createWorker({}, { platform, blobs, random, crypto, clock: createTestClock(), logger: captureLogger(lines), benchmark: createTestBenchmark() })
    const client = createDirectClient(worker)
    const chain = createTestChain(crypto)
    const record = async (act: Promise<unknown>): Promise<void> => {
      try {
        lines.push(inspect(await act, { depth: 20, maxArrayLength: null }))
      } catch (error) {
        lines.push(inspect(error, { depth: 20, maxArrayLength: null, showHidden: true }), String(error))
      }
    }
    await record(client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: chain.genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false }))
    chain.add()
    await record(client.PhalanxAPI.FeedBlocks({ encodedBlocks: chain.feed(1) }))
    await record(client.PhactoryAPI.AddEndpoint({ encodedEndpointType: Uint8Array.of(1), endpoint: 'https://worker.example' }))
    await record(client.PhactoryAPI.AddEndpoint({ encodedEndpointType: Uint8Array.of(9), endpoint: 'https://worker.example' }))
    for (const [name, { method }] of routes) {
      if (name.endsWith('.Stop')) continue
      await record(worker.handle(name, new Uint8Array(0)).then((body) => encodeJson(method.result, decodeMessage(method.result, body))))
    }
    lines.push(inspect(worker, { depth: 20, showHidden: true, maxArrayLength: null }), JSON.stringify(worker.status()))

    const secrets: Uint8Array[] = [blobs.files.get(SOFTWARE_SECRET_FILE) as Uint8Array, await platform.sealingKey()]
    for (const seed of seeds.filter(({ length }) => length === 32)) {
      const entropy = createEntropy(crypto, seed)
      const pairs = [createKey(crypto, entropy, 'identity'), createKey(crypto, entropy, 'ecdh'), createKey(crypto, createEntropy(crypto, seed), 'ecdh')]
      secrets.push(seed, ...pairs.flatMap(({ secret }) => [secret.reveal(), secret.reveal().slice(0, 32), secret.reveal().slice(32)]))
    }
    const identities = seeds.filter(({ length }) => length === 32).map((seed) => toHexPlain(createKey(crypto, createEntropy(crypto, seed), 'identity').publicKey))
    expect(identities).toContain(toHexPlain(worker.identity() as Uint8Array))
    const text = lines.join('\n')
    expect(text).not.toContain('withheld')
    expect(text).toContain(toHexPlain(worker.identity() as Uint8Array))
    for (const secret of secrets) for (const form of forms(secret)) expect(text.includes(form)).toBe(false)
  })

  test('leave no randomness behind from which they were made, whether their step was taken or refused', async () => {
    const given: Uint8Array[] = []
    const source = createTestRandom(crypto, 'forgotten')
    const random = { bytes: (length: number) => (given.push(source.bytes(length)), given.at(-1) as Uint8Array) }
    const blobs = createMemoryBlobStore()
    const platform = await createSoftwarePlatform({}, { crypto, blobs, random: createTestRandom(crypto, 'platform') })
    const worker = await createWorker({}, { platform, blobs, random, crypto, clock: createTestClock(), logger: captureLogger([]), benchmark: createTestBenchmark() })
    const client = createDirectClient(worker)
    const chain = createTestChain(crypto)
    await client.PhactoryAPI.InitRuntime({ skipRa: false, encodedGenesisInfo: chain.genesisInfo, encodedGenesisState: new Uint8Array(0), isParachain: false })
    chain.add()
    await client.PhalanxAPI.FeedBlocks({ encodedBlocks: chain.feed(1) })
    await expect(client.PhalanxAPI.FeedBlocks({ encodedBlocks: Uint8Array.of(1) })).rejects.toThrow()
    const entropy = given.filter(({ length }) => length === ENTROPY_BYTES)
    expect(entropy.length).toBeGreaterThanOrEqual(3)
    for (const bytes of entropy) expect(bytes).toEqual(new Uint8Array(ENTROPY_BYTES))
  })

  test('are overwritten when the worker stops', async () => {
    const core = createTestCore(crypto)
    const { state } = step(core, EMPTY_STATE, { kind: 'init', value: { genesis: createTestChain(crypto).genesisInfo, operator: undefined, entropy: new Uint8Array(32) } })
    const { identity, ecdh } = assertLive(state).keys
    const secrets = [identity.secret.reveal(), ecdh.secret.reveal()]
    expect(secrets.every((secret) => secret.some((byte) => byte !== 0))).toBe(true)
    expect(step(core, state, { kind: 'stop' }).state).toBe(EMPTY_STATE)
    expect(secrets.every((secret) => secret.every((byte) => byte === 0))).toBe(true)
  })
})

describe('the log filter', () => {
  test('lets listed lines and fields with plain values through, and of errors only code or class and place', () => {
    const lines: string[] = []
    const log = guardLogger(captureLogger(lines))
    log.info('resumed from a checkpoint', { block: 7, secret: 'hush', identity: { nested: 'hush' } }, new TypeError('hush hush'))
    log.error('hush', { block: 7 })
    const line = lines.join()
    expect(line).toContain('block: 7')
    expect(line).toContain('TypeError')
    expect(line).not.toContain('hush')
    expect(line).toContain('[withheld]')
  })
})
