import { describe, expect, test } from 'vitest'
import { isAppError } from '@phalanx/primitives/errors'
import { createRpcClient } from './rpc-client.ts'
import { constantRandom, createFakeClock, createFakeSockets } from './testing.ts'

const setUp = () => {
  const clock = createFakeClock()
  const { sockets, createSocket } = createFakeSockets()
  const client = createRpcClient({ url: 'ws://node', requestTimeoutMs: 1000, connectTimeoutMs: 500 }, { createSocket, clock, random: constantRandom() })
  const socket = (): (typeof sockets)[number] => {
    const last = sockets[sockets.length - 1]
    if (last === undefined) throw new Error('no socket was made')
    return last
  }
  return { clock, client, sockets, socket }
}

const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
    return 'none'
  } catch (error) {
    return isAppError(error) ? error.code : 'other'
  }
}

const heads = { method: 'subscribe', unsubscribe: 'unsubscribe', params: [], renew: true } as const

describe('requests', () => {
  test('wait for the first connection and get the answer with their id', async () => {
    const { client, socket } = setUp()
    const first = client.request('a', [1])
    const second = client.request('b', [])
    expect(socket().sent).toEqual([])
    socket().open()
    socket().answer('b', 'B')
    socket().answer('a', 'A')
    expect(await Promise.all([first, second])).toEqual(['A', 'B'])
  })

  test('carry the node\'s refusal with code, words and data', async () => {
    const { client, socket } = setUp()
    socket().open()
    const asked = client.request('a', [])
    socket().receive({ id: socket().sent[0]?.id, error: { code: 1010, message: 'Invalid', data: 'Stale' } })
    await expect(asked).rejects.toMatchObject({ code: 'SDK_RPC_REFUSED', context: { method: 'a', rpcCode: 1010, reason: 'Invalid: Stale' } })
  })

  test('end after their time, and a connection on which nothing came is given up', async () => {
    const { client, socket, clock, sockets } = setUp()
    socket().open()
    const asked = codeOf(client.request('a', []))
    clock.advance(1000)
    expect(await asked).toBe('SDK_REQUEST_TIMEOUT')
    expect(sockets[0]?.isClosed).toBe(true)
  })

  test('keep a connection on which other answers came', async () => {
    const { client, socket, clock, sockets } = setUp()
    socket().open()
    const asked = codeOf(client.request('slow', []))
    const other = client.request('fast', [])
    socket().answer('fast', 1)
    await other
    clock.advance(1000)
    expect(await asked).toBe('SDK_REQUEST_TIMEOUT')
    expect(sockets[0]?.isClosed).toBe(false)
  })

  test('fail at once when the connection goes, and while there is none', async () => {
    const { client, socket } = setUp()
    socket().open()
    const asked = codeOf(client.request('a', []))
    socket().drop('gone')
    expect(await asked).toBe('SDK_CONNECTION_LOST')
    expect(await codeOf(client.request('b', []))).toBe('SDK_CONNECTION_FAILED')
  })

  test('survive answers to nobody, and a connection that talks nonsense is dropped', async () => {
    const { client, socket, clock, sockets } = setUp()
    socket().open()
    socket().receive({ id: 77, result: 1 })
    socket().receive('[null, 3, {"params": 5}]')
    const asked = codeOf(client.request('a', []))
    socket().receive('not json')
    expect(await asked).toBe('SDK_CONNECTION_LOST')
    clock.advance(100)
    expect(sockets.length).toBe(2)
  })
})

describe('reconnection', () => {
  test('tries again after waits that grow, and starts over once connected', () => {
    const { socket, clock, sockets } = setUp()
    const waits: number[] = []
    for (let i = 0; i < 4; i++) {
      socket().drop('refused')
      const made = sockets.length
      let waited = 0
      while (sockets.length === made) {
        clock.advance(1)
        waited++
      }
      waits.push(waited)
    }
    expect(waits).toEqual([50, 100, 200, 400])
    socket().open()
    socket().drop()
    clock.advance(50)
    expect(sockets.length).toBe(6)
  })

  test('gives up a connection attempt that hangs', () => {
    const { clock, sockets } = setUp()
    clock.advance(500 + 50)
    expect(sockets.length).toBe(2)
    expect(sockets[0]?.isClosed).toBe(true)
  })

  test('never connects again once closed', async () => {
    const { client, socket, clock, sockets } = setUp()
    socket().open()
    const asked = codeOf(client.request('a', []))
    client.close()
    expect(await asked).toBe('SDK_CLIENT_CLOSED')
    clock.advance(100_000)
    expect(sockets.length).toBe(1)
    expect(await codeOf(client.request('a', []))).toBe('SDK_CLIENT_CLOSED')
  })
})

describe('subscriptions', () => {
  test('deliver what came before their id was known, in order', async () => {
    const { client, socket } = setUp()
    socket().open()
    const seen: unknown[] = []
    const made = client.subscribe(heads, { next: (value) => seen.push(value) })
    socket().receive({ method: 'x', params: { subscription: 's1', result: 1 } })
    socket().answer('subscribe', 's1')
    await made
    socket().receive({ method: 'x', params: { subscription: 's1', result: 2 } })
    expect(seen).toEqual([1, 2])
  })

  test('are made again after a reconnect, once', async () => {
    const { client, socket, clock } = setUp()
    const seen: unknown[] = []
    const made = client.subscribe(heads, { next: (value) => seen.push(value) })
    socket().open()
    expect(socket().sent.length).toBe(1)
    socket().answer('subscribe', 's1')
    await made
    socket().drop()
    clock.advance(50)
    socket().open()
    expect(socket().sent.map(({ method }) => method)).toEqual(['subscribe'])
    socket().answer('subscribe', 's1')
    await Promise.resolve()
    await Promise.resolve()
    socket().receive({ method: 'x', params: { subscription: 's1', result: 3 } })
    expect(seen).toEqual([3])
  })

  test('that are not to be renewed tell their loss', async () => {
    const { client, socket } = setUp()
    socket().open()
    const lost: unknown[] = []
    const made = client.subscribe({ ...heads, renew: false }, { next() {}, lost: (error) => lost.push(error) })
    socket().answer('subscribe', 9)
    await made
    socket().drop()
    expect(lost.map((error) => isAppError(error) && error.code)).toEqual(['SDK_CONNECTION_LOST'])
  })

  test('are ended at the node, even when their id comes after they were ended', async () => {
    const { client, socket } = setUp()
    socket().open()
    const made = client.subscribe(heads, { next() {} })
    socket().answer('subscribe', 's1')
    ;(await made).unsubscribe()
    expect(socket().sent.at(-1)).toMatchObject({ method: 'unsubscribe', params: ['s1'] })
  })

  test('refuse an answer that is no id', async () => {
    const { client, socket } = setUp()
    socket().open()
    const made = codeOf(client.subscribe({ ...heads, renew: false }, { next() {} }))
    socket().answer('subscribe', { no: 'id' })
    expect(await made).toBe('SDK_RESPONSE_MALFORMED')
  })
})
