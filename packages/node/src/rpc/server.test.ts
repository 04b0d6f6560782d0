import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { connect } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Node } from '../create-node.ts'
import { createTestChain, createTestNode, wallClock, type TestChain } from '../testing.ts'

let chain: TestChain
let node: Node
let port: number
beforeAll(async () => {
  chain = createTestChain(await loadCrypto())
})
beforeEach(async () => {
  node = await createTestNode(chain, { hasMetrics: true }, { clock: wallClock })
  ;({ port } = await node.listen({ port: 0, payloadBytesMax: 20_000, connectionsMax: 4, unsentBytesMax: 50_000, corsOrigins: ['https://good.example'] }))
})
afterEach(() => node.stop())

const post = (body: string, headers: Record<string, string> = {}): Promise<Response> => fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, headers })
const opened = (options: { origin?: string } = {}): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, options)
    socket.on('open', () => resolve(socket))
    socket.on('error', reject)
  })
const ask = (socket: WebSocket, text: string): Promise<any> =>
  new Promise((resolve) => {
    socket.once('message', (data) => resolve(JSON.parse(String(data))))
    socket.send(text)
  })
const request = (method: string, params: unknown = [], id: unknown = 1): string => JSON.stringify({ jsonrpc: '2.0', id, method, params })

describe('one port', () => {
  test('answers over HTTP', async () => {
    const response = await post(request('system_chain'))
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 1, result: 'Phalanx Development' })
    expect((await post(JSON.stringify({ jsonrpc: '2.0', method: 'system_chain' }))).status).toBe(204)
  })
  test('answers over WebSocket, texts and binary frames', async () => {
    const socket = await opened()
    expect((await ask(socket, request('system_chain', [], 0))).id).toBe(0)
    const answer = new Promise((resolve) => socket.once('message', (data) => resolve(JSON.parse(String(data)))))
    socket.send(Buffer.from(request('system_name')))
    expect(await answer).toMatchObject({ result: 'phalanx' })
    socket.close()
  })
  test('serves health, readiness and metrics', async () => {
    const get = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`)
    expect((await get('/health')).status).toBe(200)
    expect((await get('/ready')).status).toBe(200)
    const metrics = await (await get('/metrics')).text()
    for (const name of ['phalanx_block_height', 'phalanx_block_finalized', 'phalanx_block_execution_seconds', 'phalanx_pool_ready', 'phalanx_rpc_call_seconds', 'phalanx_rpc_connections', 'phalanx_event_loop_lag_seconds', 'phalanx_memory_resident_bytes', 'phalanx_workers_standing 0', 'phalanx_workers_fallen 0', 'phalanx_gatekeeper_alarms_total{event="OutcomeDiffers"} 0'])
      expect(metrics).toContain(name)
    expect((await get('/nothing')).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'PUT' })).status).toBe(405)
  })
})

describe('limits', () => {
  test('refuse long requests and keep serving', async () => {
    const response = await post(request('state_getStorage', [`0x${'00'.repeat(20_000)}`])).catch(() => undefined)
    expect(response === undefined || response.status === 413).toBe(true)
    const socket = await opened()
    const closed = new Promise((resolve) => socket.on('close', resolve))
    socket.on('error', () => undefined)
    socket.send('x'.repeat(30_000))
    expect(await closed).toBe(1009)
    expect((await post(request('system_chain'))).status).toBe(200)
  })
  test('refuse more connections than allowed', async () => {
    const sockets = await Promise.all([1, 2, 3, 4].map(() => opened()))
    await expect(opened()).rejects.toBeDefined()
    const [first] = sockets
    first?.terminate()
    let again: WebSocket | undefined
    while (again === undefined) again = await opened().catch(() => undefined)
    sockets.push(again)
    for (const socket of sockets) socket.terminate()
  })
  test('drop a client that does not read', async () => {
    const slow = connect(port, '127.0.0.1')
    slow.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n')
    await new Promise((resolve) => slow.once('data', resolve))
    slow.pause()
    const closed = new Promise((resolve) => slow.on('close', resolve))
    slow.on('error', () => undefined)
    const text = request('state_getMetadata')
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)])
    for (let i = 0; i < 300; i++) slow.write(frame)
    slow.resume()
    slow.pause()
    setTimeout(() => slow.resume(), 500)
    await closed
    expect((await post(request('system_chain'))).status).toBe(200)
  })
  test('garbage on the socket closes that socket only', async () => {
    const raw = connect(port, '127.0.0.1')
    raw.on('error', () => undefined)
    const closed = new Promise((resolve) => raw.on('close', resolve))
    raw.write('\x00\x01\x02garbage\r\n\r\n')
    await closed
    expect((await post(request('system_chain'))).status).toBe(200)
  })
})

describe('browsers', () => {
  test('may call from the allowed origins only', async () => {
    const good = await post(request('system_chain'), { origin: 'https://good.example' })
    expect(good.headers.get('access-control-allow-origin')).toBe('https://good.example')
    const bad = await post(request('system_chain'), { origin: 'https://bad.example' })
    expect(bad.headers.get('access-control-allow-origin')).toBeNull()
    const preflight = await fetch(`http://127.0.0.1:${port}/`, { method: 'OPTIONS', headers: { origin: 'https://good.example' } })
    expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type')
    await expect(opened({ origin: 'https://bad.example' })).rejects.toBeDefined()
    ;(await opened({ origin: 'https://good.example' })).close()
  })
})

describe('stopping', () => {
  test('ends open connections and frees the port', async () => {
    const socket = await opened()
    const closed = new Promise((resolve) => socket.on('close', resolve))
    await node.stop()
    await closed
    const again = await createTestNode(chain)
    expect((await again.listen({ port })).port).toBe(port)
    await again.stop()
  })
  test('a used port is an error with a fix', async () => {
    const other = await createTestNode(chain)
    await expect(other.listen({ port })).rejects.toMatchObject({ code: 'RPC_LISTEN_FAILED' })
    await other.stop()
  })
})
