import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseHex, toHexPlain, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { wrapSignedContent } from '@phalanx/primitives/messages'
import { AppError } from '@phalanx/primitives/errors'
import { silentLogger, type Clock } from '@phalanx/primitives/ports'
import { InitRuntimeRequest, PhactoryInfo, PrpcError } from '../api/index.ts'
import { createWorker, type Worker } from '../create-worker.ts'
import { createSoftwarePlatform } from '../platform/software.ts'
import { createMemoryBlobStore, createTestBenchmark, createTestChain, createTestRandom } from '../testing.ts'
import { decodeMessage, encodeMessage } from '../wire/index.ts'
import { listen, type Listening } from './listen.ts'

const realClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

let crypto: Crypto
let worker: Worker
let listening: Listening

beforeAll(async () => {
  crypto = await loadCrypto()
  const random = createTestRandom(crypto, 'http')
  const blobs = createMemoryBlobStore()
  const platform = await createSoftwarePlatform({}, { crypto, blobs, random })
  worker = await createWorker({}, { platform, blobs, random, crypto, clock: realClock, logger: silentLogger, benchmark: createTestBenchmark() })
  listening = await worker.listen({ port: 0, publicPort: 0, publicAddress: '127.0.0.1', allowCors: true, bodyTimeoutMs: 100 })
  const genesis = createTestChain(crypto).genesisInfo
  await worker.handle('PhactoryAPI.InitRuntime', encodeMessage(InitRuntimeRequest, { skipRa: false, encodedGenesisInfo: genesis, encodedGenesisState: new Uint8Array(0), isParachain: false }))
})
afterAll(() => worker.stop())

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: Uint8Array
  readonly text: string
}

const call = (path: string, options: { port?: number; method?: string; headers?: Record<string, string | number>; body?: Uint8Array | string } = {}): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ port: options.port ?? listening.port, host: '127.0.0.1', path, method: options.method ?? 'POST', headers: options.headers ?? {}, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const body = new Uint8Array(Buffer.concat(chunks))
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: Buffer.from(body).toString() })
      })
    })
    request.on('error', reject)
    request.end(options.body)
  })

const alive = async (): Promise<void> => {
  expect((await call('/prpc/PhactoryAPI.GetInfo')).status).toBe(200)
}

/** Another worker on ports of its own. */
const open = async (options: Parameters<Worker['listen']>[0]): Promise<{ worker: Worker; listening: Promise<Listening> }> => {
  const random = createTestRandom(crypto, 'other')
  const blobs = createMemoryBlobStore()
  const platform = await createSoftwarePlatform({}, { crypto, blobs, random })
  const other = await createWorker({}, { platform, blobs, random, crypto, clock: realClock, logger: silentLogger, benchmark: createTestBenchmark() })
  return { worker: other, listening: other.listen(options) }
}

describe('a caller that leaves', () => {
  test('is told to the method that it waits for, and only then', async () => {
    let begin = (_signal: AbortSignal): void => {}
    const begun = new Promise<AbortSignal>((resolve) => (begin = resolve))
    const server = await listen({ port: 0 }, {
      clock: realClock, logger: silentLogger, sign: () => undefined,
      call: (name, _read, signal) => new Promise((_resolve, reject) => {
        if (signal === undefined) return reject(new AppError('WORKER_METHOD_UNKNOWN', { method: name }))
        begin(signal)
        signal.addEventListener('abort', () => reject(new AppError('QUERY_CANCELLED', {})))
      }),
    })
    const socket = connect(server.port, '127.0.0.1')
    socket.write('POST /prpc/PhactoryAPI.GetInfo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n')
    const signal = await begun
    expect(signal.aborted).toBe(false)
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    socket.destroy()
    await aborted
    await server.close()
  })
})

describe('the listeners', () => {
  test('say when a port is taken, and leave no half open', async () => {
    const { worker: other, listening: opening } = await open({ port: 0, publicPort: listening.port, publicAddress: '127.0.0.1' })
    await expect(opening).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await other.stop()
  })

  test('take no more connections than allowed, and go on when one ends', async () => {
    const { worker: other, listening: opening } = await open({ port: 0, connectionsMax: 2 })
    const { port } = await opening
    const idle = await Promise.all([0, 1].map(() => new Promise<Socket>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(socket))
    })))
    await expect(call('/prpc/PhactoryAPI.GetInfo', { port })).rejects.toThrow()
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.on('close', resolve).destroy())))
    for (;;) {
      const status = await call('/prpc/PhactoryAPI.GetInfo', { port }).then((reply) => reply.status, () => 0)
      if (status === 200) break
    }
    await other.stop()
  })

  test('do not let web pages in unless told to, and change nothing on GET', async () => {
    const { worker: other, listening: opening } = await open({ port: 0 })
    const { port } = await opening
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { 'sec-fetch-site': 'cross-site' }] as Record<string, string>[])
      expect((await call('/prpc/PhactoryAPI.Stop', { port, headers })).status).toBe(403)
    for (const method of ['PhactoryAPI.Stop', 'PhactoryAPI.TakeCheckpoint', 'PhactoryAPI.GetRuntimeInfo', 'PhalanxAPI.FeedBlocks'])
      expect((await call(`/prpc/${method}`, { port, method: 'GET' })).status).toBe(405)
    expect((await call('/prpc/PhactoryAPI.GetInfo', { port })).status).toBe(200)
    await other.stop()
  })

  test('close when the worker is stopped through its API', async () => {
    const { worker: other, listening: opening } = await open({ port: 0 })
    const { port } = await opening
    expect((await call('/prpc/PhactoryAPI.Stop', { port })).status).toBe(200)
    await other.stopped
    await expect(call('/prpc/PhactoryAPI.GetInfo', { port })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('serve many requests over one connection', async () => {
    const text = await new Promise<string>((resolve) => {
      let seen = ''
      const socket = connect(listening.port, '127.0.0.1', () => socket.write('GET /info HTTP/1.1\r\nHost: x\r\n\r\nGET /help HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
      socket.on('data', (chunk) => (seen += chunk.toString()))
      socket.on('close', () => resolve(seen))
    })
    expect(text.match(/HTTP\/1\.1 200 OK/g)?.length).toBe(2)
  })
})

describe('the HTTP door', () => {
  test('answers protobuf to protobuf', async () => {
    const reply = await call('/prpc/PhactoryAPI.GetInfo')
    expect(reply.status).toBe(200)
    expect(reply.headers['content-type']).toBe('application/octet-stream')
    expect(reply.headers['x-request-id']).toMatch(/^\d+$/)
    expect(reply.headers['x-cost-time']).toMatch(/^\d+ms$/)
    const info = decodeMessage(PhactoryInfo, reply.body)
    expect(info.publicKey).toBe(toHexPlain(worker.identity() as Uint8Array))
    expect(info.blocknum).toBe(1)
  })

  test.each([
    ['GET', '/prpc/PhactoryAPI.GetInfo', {}],
    ['POST', '/prpc/PhactoryAPI.GetInfo?json=true', {}],
    ['POST', '/prpc/PhactoryAPI.GetInfo', { 'content-type': 'application/json; charset=utf-8' }],
    ['GET', '/info', {}],
    ['GET', '/get_info', {}],
  ])('answers JSON to %s %s', async (method, path, headers) => {
    const reply = await call(path, { method, headers })
    expect(reply.status).toBe(200)
    expect(reply.headers['content-type']).toBe('application/json')
    expect(JSON.parse(reply.text)).toMatchObject({ initialized: true, registered: false, genesis_block_hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string, system: { gatekeeper: { role: 0 } } })
  })

  test('takes bytes in JSON as numbers or as 0x text', async () => {
    for (const body of ['{"echo_msg":[1,2,255]}', '{"echo_msg":"0x0102ff"}'])
      expect((await call('/prpc/PhactoryAPI.Echo?json=true', { body })).text).toBe('{"echo_msg":[1,2,255]}')
  })

  test.each([
    ['unknown method', '/prpc/PhactoryAPI.Nothing', {}, 404, 'WORKER_METHOD_UNKNOWN'],
    ['unknown service', '/prpc/Other.GetInfo', {}, 404, 'WORKER_METHOD_UNKNOWN'],
    ['a name from the prototype', '/prpc/PhactoryAPI.constructor', {}, 404, 'WORKER_METHOD_UNKNOWN'],
    ['a method of a later version', '/prpc/PhactoryAPI.UploadSidevmCode', {}, 500, 'WORKER_METHOD_NOT_OFFERED'],
    ['truncated protobuf', '/prpc/PhactoryAPI.Echo', { body: Uint8Array.of(0x0a, 5, 1) }, 400, 'DecodeError(WIRE_PROTOBUF_MALFORMED'],
    ['wrong wire type', '/prpc/PhactoryAPI.Echo', { body: Uint8Array.of(0x08, 5) }, 400, 'DecodeError(WIRE_PROTOBUF_MALFORMED'],
    ['an endless varint', '/prpc/PhactoryAPI.Stop', { body: new Uint8Array(20).fill(0xff) }, 400, 'DecodeError(WIRE_PROTOBUF_MALFORMED'],
    ['bad genesis bytes', '/prpc/PhactoryAPI.AddEndpoint', { body: Uint8Array.of(0x0a, 0) }, 500, 'CODEC_UNEXPECTED_END'],
    ['a feed that is none', '/prpc/PhalanxAPI.FeedBlocks', { body: Uint8Array.of(0x0a, 1, 0) }, 500, 'LIGHT_FEED_EMPTY'],
    ['another worker\'s state', '/prpc/PhactoryAPI.GetWorkerState', {}, 500, 'WORKER_NOT_GATEKEEPER'],
  ] as const)('answers %s in binary', async (_name, path, options, status, text) => {
    const reply = await call(path, options)
    expect(reply.status).toBe(status)
    expect(decodeMessage(PrpcError, reply.body).message.startsWith(text)).toBe(true)
    await alive()
  })

  test.each([
    ['no object', '[]'],
    ['a number for text', '{"echo_msg":5}'],
    ['a byte out of range', '{"echo_msg":[256]}'],
    ['a fractional byte', '{"echo_msg":[1.5]}'],
    ['an unknown field', '{"echo":[1]}'],
    ['a prototype', '{"__proto__":{"echo_msg":[1]}}'],
    ['bad hex', '{"echo_msg":"0x0"}'],
    ['bad UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d)],
    ['no JSON', '{'],
    ['deep nesting', '['.repeat(100_000)],
  ])('refuses JSON with %s', async (_name, body) => {
    const reply = await call('/prpc/PhactoryAPI.Echo?json=true', { body })
    expect(reply.status).toBe(400)
    expect((JSON.parse(reply.text) as { error: string }).error).toMatch(/^ProtoError \{ message: "DecodeError\(WIRE_JSON_MALFORMED/)
    await alive()
  })

  test('refuses bodies over the limit of the method, declared or not', async () => {
    const declared = await call('/prpc/PhactoryAPI.GetInfo', { body: new Uint8Array(1025) })
    expect([declared.status, declared.text]).toEqual([413, 'Entity too large'])
    const streamed = await call('/prpc/PhactoryAPI.GetInfo', { headers: { 'transfer-encoding': 'chunked' }, body: new Uint8Array(5000) })
    expect(streamed.status).toBe(413)
    expect((await call('/prpc/PhactoryAPI.GetInfo', { body: new Uint8Array(1024) })).status).toBe(400)
    expect((await call('/prpc/PhactoryAPI.LoadChainState', { headers: { 'content-length': 100_000_000 } })).status).toBe(413)
    await alive()
  })

  test('gives up on a body that does not come', async () => {
    const reply = await new Promise<string>((resolve) => {
      const socket = connect(listening.port, '127.0.0.1', () => socket.write('POST /prpc/PhactoryAPI.Echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc'))
      let text = ''
      socket.on('data', (chunk) => (text += chunk.toString()))
      socket.on('close', () => resolve(text))
    })
    expect(reply).toMatch(/^HTTP\/1\.1 503 /)
    expect(reply.endsWith('Read body failed')).toBe(true)
    await alive()
  })

  test('survives what is not HTTP', async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(listening.port, '127.0.0.1', () => socket.end(Buffer.from([0, 255, 1, 2, 13, 10, 13, 10])))
      socket.on('error', () => {})
      socket.on('close', () => resolve())
    })
    await alive()
  })

  test.each([['PUT', 405], ['DELETE', 405]])('refuses %s', async (method, status) => {
    expect((await call('/prpc/PhactoryAPI.GetInfo', { method })).status).toBe(status)
  })

  test('serves public methods only on the public listener, and signs every answer there', async () => {
    const port = listening.publicPort as number
    const reply = await call('/prpc/PhactoryAPI.GetInfo', { port })
    expect(reply.status).toBe(200)
    const signature = parseHex(String(reply.headers['x-phactory-signature']))
    expect(crypto.sr25519.verify(signature, wrapSignedContent('rpcResponse', reply.body), worker.identity() as Uint8Array)).toBe(true)
    for (const method of ['InitRuntime', 'GetRuntimeInfo', 'GetEgressMessages', 'Stop', 'Echo', 'AddEndpoint', 'SignEndpointInfo', 'LoadChainState'])
      expect((await call(`/prpc/PhactoryAPI.${method}`, { port })).status).toBe(403)
    expect((await call('/prpc/PhalanxAPI.FeedBlocks', { port })).status).toBe(403)
    expect((await call('/prpc/PhactoryAPI.GetInfo')).headers['x-phactory-signature']).toBeUndefined()
  })

  test('describes itself, and answers browsers where allowed', async () => {
    const help = await call('/help', { method: 'GET' })
    expect(help.text).toContain('rpc FeedBlocks(FeedRequest) returns (SyncedTo) {}')
    expect(help.text).toContain('  optional string genesis_block_hash = 4;')
    const preflight = await call('/prpc/PhactoryAPI.GetInfo', { method: 'OPTIONS', headers: { origin: 'http://a.example' } })
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, 'http://a.example'])
  })

  test('answers pages that call public methods, and no others, where only those are allowed', async () => {
    const { worker: other, listening: opening } = await open({ port: 0, allowCors: 'public' })
    const { port } = await opening
    const headers = { origin: 'https://app.example' }
    const preflight = await call('/prpc/PhalanxAPI.Status', { port, method: 'OPTIONS', headers })
    const answered = await call('/prpc/PhalanxAPI.Status', { port, headers })
    expect([preflight.status, answered.status, answered.headers['access-control-allow-origin']]).toEqual([204, 200, 'https://app.example'])
    for (const path of ['/prpc/PhactoryAPI.GetEgressMessages', '/prpc/PhalanxAPI.FeedBlocks', '/info', '/help', '/prpc/PhactoryAPI.None']) {
      const refused = await call(path, { port, headers })
      expect([path, refused.status, refused.headers['access-control-allow-origin']]).toEqual([path, 403, undefined])
      expect((await call(path, { port, method: 'OPTIONS', headers })).headers['access-control-allow-origin']).toBeUndefined()
    }
    await other.stop()
  })

  test('takes no keys from outside', async () => {
    const body = encodeMessage(InitRuntimeRequest, { skipRa: true, encodedGenesisInfo: utf8('x'), debugSetKey: new Uint8Array(32), encodedGenesisState: new Uint8Array(0), isParachain: false })
    const reply = await call('/prpc/PhactoryAPI.InitRuntime', { body })
    expect(reply.status).toBe(500)
    expect(decodeMessage(PrpcError, reply.body).message).toMatch(/^WORKER_DEBUG_KEY_REFUSED/)
  })
})
