import { beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { codeOfRejection as codeOf } from '@phalanx/primitives/testing'
import { createGuestAgent, noDeviceFiles, noGuestSocket } from '../testing/devices.ts'
import { guestQuote, judgeGuest } from '../testing/guests.ts'
import { createMemoryBlobStore, createTestRandom } from '../testing.ts'
import { dstack } from './dstack.ts'
import { platformCompliance, type Platform, type PlatformUnderTest } from './index.ts'
import type { GuestSocket } from './platform.ts'

let crypto: Crypto
beforeAll(async () => {
  crypto = await loadCrypto()
})

const openWith = (socket: GuestSocket): Promise<Platform> =>
  dstack.open({ crypto, files: noDeviceFiles, socket, blobs: createMemoryBlobStore(), random: createTestRandom(crypto, 'dstack') })

describe.each(['current', 'legacy'] as const)('an application in a dstack guest, %s form', (form) => {
  const agent = (options: { readonly code?: number; readonly instanceId?: string } = {}): GuestSocket => {
    const { code = 1, instanceId = '22'.repeat(20) } = options
    return createGuestAgent({ quote: guestQuote(crypto, code, instanceId), key: new Uint8Array(32).fill(5), form, composeHash: String(code).repeat(64), instanceId })
  }
  const subject: PlatformUnderTest = {
    sealing: 'bound',
    open: () => openWith(agent()),
    openOtherCode: () => openWith(agent({ code: 2 })),
    openOtherMachine: () => openWith(agent({ instanceId: '99'.repeat(20) })),
    verify: (...judged) => judgeGuest(crypto, ...judged),
  }
  test.each(platformCompliance)('$name', ({ run }) => run(subject))

  test('is refused when the agent answers with something else', async () => {
    const good = agent()
    const answering = (match: RegExp, status: number, body: string): GuestSocket => ({ post: (request) => (match.test(request.path) ? Promise.resolve({ status, body: utf8(body) }) : good.post(request)) })
    const cases: readonly (readonly [RegExp, number, string])[] = [
      [/Info/, 200, 'not json'], [/Info/, 200, '[]'], [/Info/, 200, '{}'], [/Info/, 500, '{"error":"broken"}'], [/Info/, 200, '{"compose_hash":"","instance_id":"1"}'],
      [/Quote/, 200, '{"error":"no TDX"}'], [/Quote/, 200, '{"quote":"xyz"}'], [/Quote/, 200, '{"quote":"00ff"}'], [/Quote/, 404, '{}'], [/Quote/, 200, JSON.stringify({ quote: '00'.repeat(70_000) })],
    ]
    for (const [match, status, body] of cases) expect([body.slice(0, 30), await codeOf(openWith(answering(match, status, body)))]).toEqual([body.slice(0, 30), 'PLATFORM_ANSWER_INVALID'])
    for (const key of ['{}', '{"key":"00","k256_key":"00"}', '{"key":7}']) {
      const platform = await openWith(answering(/Key/, 200, key))
      expect(await codeOf(platform.sealingKey?.() ?? Promise.resolve())).toBe('PLATFORM_ANSWER_INVALID')
    }
  })

  test('refuses a quote for other data', async () => {
    const platform = await openWith(createGuestAgent({ quote: () => guestQuote(crypto, 1)(new Uint8Array(64).fill(1)), key: new Uint8Array(32).fill(5), form }))
    expect(await codeOf(platform.quote({ reportData: new Uint8Array(64).fill(2), nowMs: 0n }))).toBe('PLATFORM_ANSWER_INVALID')
  })
})

test('is refused where no agent listens, with the places that were tried', async () => {
  await expect(openWith(noGuestSocket)).rejects.toMatchObject({ code: 'PLATFORM_DEVICE_FAILED', context: { device: expect.stringContaining('/var/run/tappd.sock') } })
})

test('does not hide an agent that refuses its caller behind the next place', async () => {
  const denied: GuestSocket = { post: () => Promise.reject(Object.assign(new Error('denied'), { code: 'EACCES' })) }
  await expect(openWith(denied)).rejects.toMatchObject({ code: 'PLATFORM_DEVICE_FAILED', context: { reason: 'EACCES' } })
})
