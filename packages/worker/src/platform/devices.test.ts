import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '@phalanx/primitives/bytes'
import { readFeatures, systemDeviceFiles, systemGuestSocket } from './devices.ts'

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'phalanx-devices-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const codeOf = async (act: Promise<unknown>): Promise<unknown> => act.then(() => 'nothing thrown', (error: unknown) => (error as { code?: unknown }).code)

describe('device files', () => {
  test('are read to their end, up to a bound', async () => {
    const path = join(folder, 'quote')
    writeFileSync(path, new Uint8Array(200_000).fill(3))
    expect(await systemDeviceFiles.read(path, 200_000)).toEqual(new Uint8Array(200_000).fill(3))
    expect(await codeOf(systemDeviceFiles.read(path, 199_999))).toBe('PLATFORM_DEVICE_ANSWER')
    expect(await codeOf(systemDeviceFiles.read('/dev/zero', 1_000_000))).toBe('PLATFORM_DEVICE_ANSWER')
    expect(await systemDeviceFiles.read('/dev/null', 10)).toEqual(new Uint8Array(0))
  })

  test('are written as they are, neither made nor cut', async () => {
    const path = join(folder, 'inblob')
    expect(await codeOf(systemDeviceFiles.write(path, utf8('new')))).toBe('ENOENT')
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, 'longer than that')
    await systemDeviceFiles.write(path, utf8('NEW'))
    expect(readFileSync(path, 'utf8')).toBe('NEWger than that')
  })

  test('stand in folders that are made and removed one at a time', async () => {
    const path = join(folder, 'report')
    await systemDeviceFiles.makeFolder(path)
    expect(await codeOf(systemDeviceFiles.makeFolder(path))).toBe('EEXIST')
    await systemDeviceFiles.removeFolder(path)
    expect(await codeOf(systemDeviceFiles.removeFolder(path))).toBe('ENOENT')
  })
})

describe('a guest agent\'s socket', () => {
  let server: Server
  let asked: { readonly path: string | undefined; readonly method: string | undefined; readonly body: string }[] = []
  const socket = (): string => join(folder, 'agent.sock')
  beforeAll(async () => {
    server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        asked.push({ path: request.url, method: request.method, body: Buffer.concat(parts).toString() })
        if (request.url === '/hang-up') request.socket.destroy()
        else response.writeHead(request.url === '/missing' ? 404 : 200).end(request.url === '/large' ? 'x'.repeat(5000) : '{"ok":true}')
      })
    })
    await new Promise<void>((done) => server.listen(socket(), done))
  })
  afterAll(() => new Promise<void>((done) => void server.close(() => done())))

  test('is asked by POST with JSON, and answers with status and body', async () => {
    asked = []
    const answer = await systemGuestSocket.post({ socket: socket(), path: '/GetQuote', body: '{"report_data":"00"}', maxBytes: 100 })
    expect([answer.status, new TextDecoder().decode(answer.body)]).toEqual([200, '{"ok":true}'])
    expect(asked).toEqual([{ path: '/GetQuote', method: 'POST', body: '{"report_data":"00"}' }])
    expect((await systemGuestSocket.post({ socket: socket(), path: '/missing', body: '{}', maxBytes: 100 })).status).toBe(404)
  })

  test('is refused when it is not there, says too much or hangs up', async () => {
    const post = (place: string, path: string): Promise<unknown> => systemGuestSocket.post({ socket: place, path, body: '{}', maxBytes: 1000 })
    expect(await codeOf(post(join(folder, 'none.sock'), '/'))).toBe('ENOENT')
    expect(await codeOf(post(socket(), '/large'))).toBe('PLATFORM_DEVICE_ANSWER')
    expect(await codeOf(post(socket(), '/hang-up'))).toBe('ECONNRESET')
  })
})

describe('features', () => {
  const of = (text: string | undefined): Promise<readonly [number, number]> => readFeatures({ read: () => (text === undefined ? Promise.reject(new Error('none')) : Promise.resolve(utf8(text))) })
  test.each([
    ['processor\t: 0\nflags : sse avx2 avx512f\nprocessor\t: 1\n', [2, 3]],
    ['processor\t: 0\nflags : sse avx2\n', [1, 2]],
    ['processor\t: 0\nflags : sse avx512f\n', [1, 1]],
    ['', [1, 1]],
    [undefined, [1, 1]],
  ] as const)('of %j are %j', async (text, features) => {
    expect(await of(text)).toEqual(features)
  })
})
