import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { textUpTo, vecUpTo } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { AppError } from '@phalanx/primitives/errors'
import { WorkerEndpointPayload, wrapSignedContent } from '@phalanx/primitives/messages'
import type { GetEndpointResponse } from '../api/index.ts'
import { createHarness, type WorkerHarness } from '../testing.ts'

let crypto: Crypto
let world: WorkerHarness
beforeAll(async () => {
  crypto = await loadCrypto()
})
beforeEach(async () => {
  world = await createHarness(crypto)
  await world.init()
  world.registry.seal()
  await world.sync()
})

const HTTP = Uint8Array.of(1)
const I2P = Uint8Array.of(0)
const add = (encodedEndpointType: Uint8Array, endpoint: string): Promise<GetEndpointResponse> => world.client.PhactoryAPI.AddEndpoint({ encodedEndpointType, endpoint })
const open = ({ encodedEndpointPayload, signature }: GetEndpointResponse): { urls: readonly string[]; signingTime: bigint } => {
  const payload = encodedEndpointPayload as Uint8Array
  expect(crypto.sr25519.verify(signature as Uint8Array, wrapSignedContent('endpointInfo', payload), world.worker.identity() as Uint8Array)).toBe(true)
  const { versionedEndpoints, signingTime, pubkey } = WorkerEndpointPayload.decode(payload)
  expect(pubkey).toEqual(world.worker.identity())
  return { urls: versionedEndpoints.value, signingTime }
}
const codeOf = (act: Promise<unknown>): Promise<string> => act.then(() => 'nothing thrown', (error: AppError<'WIRE_CALL_FAILED'>) => error.context.code)

describe('endpoints', () => {
  test('are kept one per type, signed with the time of the last block', async () => {
    expect(await world.client.PhactoryAPI.GetEndpointInfo({})).toEqual({})
    await add(HTTP, 'https://a.example')
    await add(I2P, 'http://b.i2p')
    const signed = await add(HTTP, 'https://c.example')
    expect(open(signed)).toEqual({ urls: ['http://b.i2p', 'https://c.example'], signingTime: 1_800_000_001_000n })
    expect(await world.client.PhactoryAPI.GetEndpointInfo({})).toEqual(signed)
    world.registry.seal()
    await world.sync()
    expect(open(await world.client.PhactoryAPI.GetEndpointInfo({})).signingTime).toBe(1_800_000_001_000n)
    expect(open(await world.client.PhactoryAPI.RefreshEndpointSigningTime({})).signingTime).toBe(1_800_000_002_000n)
  })

  test('come back after a restart', async () => {
    const signed = await add(HTTP, 'https://a.example')
    await world.worker.stop()
    await world.start()
    expect(await world.client.PhactoryAPI.GetEndpointInfo({})).toEqual(signed)
  })

  test('of a list are signed without being kept', async () => {
    const encodedEndpoints = vecUpTo(textUpTo(100), 10).encode(['https://x.example', 'https://y.example'])
    expect(open(await world.client.PhactoryAPI.SignEndpointInfo({ encodedEndpoints })).urls).toEqual(['https://x.example', 'https://y.example'])
    expect(await world.client.PhactoryAPI.GetEndpointInfo({})).toEqual({})
  })

  test('are refused when they are none', async () => {
    for (const url of ['', 'ftp://a', 'https://', 'https://a b', 'javascript:alert(1)', 'https://a\n', `https://${'a'.repeat(3000)}`])
      expect(await codeOf(add(HTTP, url))).toBe('WORKER_ENDPOINT_INVALID')
    expect(await codeOf(add(Uint8Array.of(2), 'https://a.example'))).toBe('WORKER_ENDPOINT_INVALID')
    expect(await codeOf(add(Uint8Array.of(1, 1), 'https://a.example'))).toBe('CODEC_TRAILING_BYTES')
    expect(await codeOf(world.client.PhactoryAPI.RefreshEndpointSigningTime({}))).toBe('WORKER_ENDPOINT_NONE')
    const encodedEndpoints = vecUpTo(textUpTo(2048), 10).encode([`https://${'a'.repeat(1500)}`, `https://${'b'.repeat(1500)}`])
    expect(await codeOf(world.client.PhactoryAPI.SignEndpointInfo({ encodedEndpoints }))).toBe('WORKER_ENDPOINT_INVALID')
  })
})
