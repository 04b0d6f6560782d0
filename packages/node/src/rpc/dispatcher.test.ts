import { silentLogger } from '@phalanx/primitives/ports'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestClock } from '../testing.ts'
import type { RpcBackend } from './backend.ts'
import { createDispatcher, type Dispatcher, type RpcLimits } from './dispatcher.ts'
import { call, Deferred, subscription, type Sink } from './method.ts'
import { hexBytes, integer, optional } from './params.ts'

const sinks: Sink[] = []
const log: string[] = []

const tables = [
  {
    echo: call({ doc: 'd', params: { number: integer(0, 9), text: optional(hexBytes) }, aliases: ['echo_alias'], handle: (_backend, { number }) => number }),
    nothing: call({ doc: 'd', params: {}, handle: () => undefined }),
    slow: call({ doc: 'd', params: {}, handle: () => new Promise((resolve) => setImmediate(() => resolve('slow'))) }),
    broken: call({ doc: 'd', params: {}, handle: () => { throw new TypeError('secret detail') } }),
    danger: call({ doc: 'd', access: 'unsafe', params: {}, handle: () => 'done' }),
    later: call({ doc: 'd', params: {}, handle: () => new Deferred('now', () => log.push('after')) }),
    watch: subscription({
      doc: 'd', params: {}, notification: 'news', unsubscribe: ['unwatch'],
      start(_backend, _params, sink) {
        sinks.push(sink)
        sink.notify('first')
        return () => log.push(`stopped ${sink.id}`)
      },
    }),
  },
]

const create = (limits: Partial<RpcLimits> = {}, isUnsafeAllowed = false): Dispatcher =>
  createDispatcher({ tables, limits, isUnsafeAllowed }, {
    backend: { clock: createTestClock() } as unknown as RpcBackend, logger: silentLogger, observe: () => undefined, nowMs: () => 0,
  })

const ask = async (dispatcher: Dispatcher, request: unknown): Promise<any> => {
  const text = await dispatcher.handle(typeof request === 'string' ? request : JSON.stringify(request))
  return text === undefined ? undefined : JSON.parse(text)
}
const request = (method: string, params?: unknown, id: unknown = 1): object => ({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) })

beforeEach(() => {
  sinks.length = 0
  log.length = 0
})

describe('envelope', () => {
  test.each([0, 1, -5, 1.5, 'a', '', null])('echoes the id %j', async (id) => {
    expect(await ask(create(), request('echo', [3], id))).toEqual({ jsonrpc: '2.0', id, result: 3 })
  })
  test('answers nothing to a notification but runs it', async () => {
    expect(await ask(create(), { jsonrpc: '2.0', method: 'echo', params: [1] })).toBeUndefined()
  })
  test('takes parameters by name, and aliases', async () => {
    expect((await ask(create(), request('echo_alias', { number: 4 }))).result).toBe(4)
  })
  test('answers batches in order, without the notifications', async () => {
    const batch = [request('slow', [], 'a'), { jsonrpc: '2.0', method: 'nothing' }, request('echo', [2], 0), request('nope', [], 7)]
    const answers = await ask(create(), batch)
    expect(answers.map(({ id }: { id: unknown }) => id)).toEqual(['a', 0, 7])
    expect(answers.map(({ result }: { result: unknown }) => result)).toEqual(['slow', 2, undefined])
  })
  test('answers undefined as null', async () => {
    expect(await ask(create(), request('nothing'))).toEqual({ jsonrpc: '2.0', id: 1, result: null })
  })

  const wrong: readonly (readonly [string, string, number, unknown])[] = [
    ['no JSON', '{"a"', -32700, null],
    ['nothing', '', -32700, null],
    ['a number', '5', -32600, null],
    ['an empty batch', '[]', -32600, null],
    ['no version', '{"id":1,"method":"echo"}', -32600, 1],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"echo"}', -32600, 1],
    ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"echo"}', -32600, null],
    ['a number as method', '{"jsonrpc":"2.0","id":1,"method":5}', -32600, 1],
    ['a text as params', '{"jsonrpc":"2.0","id":1,"method":"echo","params":"x"}', -32600, 1],
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32601, 1],
    ['a number out of range', '{"jsonrpc":"2.0","id":1,"method":"echo","params":[10]}', -32602, 1],
    ['a missing parameter', '{"jsonrpc":"2.0","id":1,"method":"echo"}', -32602, 1],
    ['too many parameters', '{"jsonrpc":"2.0","id":1,"method":"echo","params":[1,"0x",2]}', -32602, 1],
    ['an unknown name', '{"jsonrpc":"2.0","id":1,"method":"echo","params":{"number":1,"x":2}}', -32602, 1],
  ]
  test.each(wrong)('refuses %s', async (_name, text, code, id) => {
    expect(await ask(create(), text)).toMatchObject({ jsonrpc: '2.0', id, error: { code } })
  })
  test('names the field that is wrong, with cause and fix', async () => {
    const { error } = await ask(create(), request('echo', [1, '0x0']))
    expect(error.data).toMatchObject({ code: 'RPC_INVALID_PARAMS', path: 'params[1] text' })
    expect(error.data.fix.length).toBeGreaterThan(0)
  })
  test('hides the details of its own failures', async () => {
    const { error } = await ask(create(), request('broken'))
    expect(error.code).toBe(-32603)
    expect(JSON.stringify(error)).not.toContain('secret detail')
  })
})

describe('access', () => {
  test('refuses unsafe methods unless allowed', async () => {
    expect((await ask(create(), request('danger'))).error.data.code).toBe('RPC_UNSAFE')
    expect((await ask(create({}, true), request('danger'))).result).toBe('done')
  })
  test('refuses subscriptions without a connection', async () => {
    expect((await ask(create(), request('watch'))).error.data.code).toBe('RPC_SUBSCRIPTIONS_UNSUPPORTED')
  })
})

describe('connection', () => {
  const connect = (dispatcher: Dispatcher) => {
    const sent: any[] = []
    const connection = dispatcher.connect({ send: (text) => void sent.push(JSON.parse(text)) })
    return { sent, connection, send: (value: unknown) => connection.receive(JSON.stringify(value)) }
  }
  test('sends notifications only after the response that names the subscription', async () => {
    const { sent, send } = connect(create())
    await send([request('watch', [], 1), request('slow', [], 2)])
    sinks[0]?.notify('second')
    expect(sent[0].map(({ result }: { result: unknown }) => result)).toEqual(['1', 'slow'])
    expect(sent.slice(1).map(({ params }) => params)).toEqual([{ subscription: '1', result: 'first' }, { subscription: '1', result: 'second' }])
    expect(sent[1].method).toBe('news')
  })
  test('runs deferred work after the response', async () => {
    const { sent, send } = connect(create())
    const answered = send(request('later'))
    await answered
    expect(sent[0].result).toBe('now')
    expect(log).toEqual(['after'])
  })
  test('ends a subscription once, by its own method, for its own connection', async () => {
    const dispatcher = create()
    const { sent, send } = connect(dispatcher)
    const other = connect(dispatcher)
    await send(request('watch'))
    await other.send(request('unwatch', ['1']))
    await send(request('unwatch', ['1']))
    await send(request('unwatch', ['1']))
    await send(request('unwatch', [{}]))
    sinks[0]?.notify('late')
    expect(other.sent[0].result).toBe(false)
    expect(sent.slice(2).map(({ result, error }) => result ?? error.code)).toEqual([true, false, -32602])
    expect(log).toEqual(['stopped 1'])
    expect(dispatcher.subscriptions).toBe(0)
  })
  test('ends everything when it closes', async () => {
    const dispatcher = create()
    const { connection, send } = connect(dispatcher)
    await send(request('watch'))
    await send(request('watch'))
    connection.close()
    expect(log).toEqual(['stopped 1', 'stopped 2'])
    expect(dispatcher.subscriptions).toBe(0)
  })
  test('limits subscriptions per connection and in all, batches and pending requests', async () => {
    const dispatcher = create({ subscriptionsPerConnection: 2, subscriptions: 3, batch: 2, pendingPerConnection: 1 })
    const first = connect(dispatcher)
    for (let i = 0; i < 3; i++) await first.send(request('watch', [], i))
    expect(first.sent.find(({ id }) => id === 2).error.data).toMatchObject({ code: 'RPC_SUBSCRIPTION_LIMIT' })
    const second = connect(dispatcher)
    await second.send(request('watch', [], 'fits'))
    await second.send(request('watch', [], 'too many'))
    expect(second.sent.find(({ id }) => id === 'too many').error.data.code).toBe('RPC_SUBSCRIPTION_LIMIT')
    await second.send([1, 2, 3].map((id) => request('nothing', [], id)))
    expect(second.sent.at(-1).error.data.code).toBe('RPC_BATCH_LIMIT')
    await Promise.all([second.send(request('slow', [], 'slow')), second.send(request('nothing', [], 'refused'))])
    expect(second.sent.find(({ id }) => id === 'refused').error.data.code).toBe('RPC_BUSY')
  })
})
