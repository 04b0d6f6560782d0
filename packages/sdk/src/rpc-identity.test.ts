/** The client refuses a node that comes back as one of another chain, and tells its closing. */
import { codeOfRejection } from '@phalanx/primitives/testing'
import { expect, test } from 'vitest'
import { createRpcClient } from './rpc-client.ts'
import { constantRandom, createFakeClock, createFakeSockets, type FakeSocket } from './testing.ts'

const heads = { method: 'subscribe', unsubscribe: 'unsubscribe', params: [], renew: true } as const
const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

const setUp = () => {
  const clock = createFakeClock()
  const { sockets, createSocket } = createFakeSockets()
  const client = createRpcClient({ url: 'ws://node', connectTimeoutMs: 500, identity: { method: 'who', params: [0] } }, { createSocket, clock, random: constantRandom() })
  const socket = (): FakeSocket => sockets.at(-1) as FakeSocket
  /** Opens the newest socket and answers who is there. */
  const greet = async (identity: unknown): Promise<void> => {
    socket().open()
    socket().answer('who', identity)
    await settled()
  }
  return { clock, client, sockets, socket, greet }
}

test('asks who the node is before anything else, on every connection', async () => {
  const { client, clock, socket } = setUp()
  const asked = client.request('a', [])
  socket().open()
  expect(socket().sent.map(({ method, params }) => [method, params])).toEqual([['who', [0]]])
  expect(client.isConnected()).toBe(false)
  socket().answer('who', '0x01')
  await settled()
  expect(client.isConnected()).toBe(true)
  socket().answer('a', 1)
  expect(await asked).toBe(1)
  const made = client.subscribe(heads, { next() {} })
  socket().answer('subscribe', 's')
  await made
  socket().drop()
  clock.advance(50)
  socket().open()
  expect(socket().sent.map(({ method }) => method)).toEqual(['who'])
  socket().answer('who', '0x01')
  await settled()
  expect(socket().sent.map(({ method }) => method)).toEqual(['who', 'subscribe'])
})

test('sends nothing to a node of another chain, says so to whoever asks, and takes the right one back', async () => {
  const { client, clock, sockets, socket, greet } = setUp()
  await greet('0x01')
  const told: boolean[] = []
  client.onConnection((connected) => void told.push(connected))
  socket().drop()
  clock.advance(50)
  const asked = codeOfRejection(client.request('a', []))
  await greet('0x02')
  expect(await asked).toBe('SDK_CHAIN_DIFFERS')
  await expect(client.request('a', [])).rejects.toMatchObject({ code: 'SDK_CHAIN_DIFFERS', context: { expected: '0x01', got: '0x02' } })
  expect([socket().isClosed, socket().sent.map(({ method }) => method), told]).toEqual([true, ['who'], [false]])
  clock.advance(100)
  expect(sockets).toHaveLength(3)
  await greet('0x01')
  expect([client.isConnected(), told]).toEqual([true, [false, true]])
})

test('gives up a node that does not say who it is, and passes on why one will not', async () => {
  const { client, clock, sockets, socket } = setUp()
  const silent = codeOfRejection(client.request('a', []))
  socket().open()
  clock.advance(500)
  expect([await silent, sockets[0]?.isClosed]).toEqual(['SDK_CONNECTION_FAILED', true])
  clock.advance(50)
  const refused = codeOfRejection(client.request('a', []))
  socket().open()
  socket().receive({ id: socket().sent[0]?.id, error: { code: -32601, message: 'no such method' } })
  expect(await refused).toBe('SDK_RPC_REFUSED')
})

test('tells once that it was closed, also to who comes later', () => {
  const { client } = setUp()
  let calls = 0
  const stop = client.onClose(() => void (calls += 10))
  client.onClose(() => void calls++)
  stop()
  client.close()
  client.close()
  expect(calls).toBe(1)
  client.onClose(() => void calls++)
  expect(calls).toBe(2)
})
