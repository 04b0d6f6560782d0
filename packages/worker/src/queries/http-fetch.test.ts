import { createSocket, type Socket } from 'node:dgram'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseUtf8, utf8 } from '@phalanx/primitives/bytes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HttpAnswer, HttpRequest } from '../contracts/execution/http.ts'
import '../errors.ts'
import { isPublicAddress } from './addresses.ts'
import { createHttpFetch } from './http-fetch.ts'

const MIB = 1024 * 1024

const respond = (request: IncomingMessage, response: ServerResponse): void => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://local')
  const redirect = (status: number, location: string): void => void response.writeHead(status, { Location: location }).end()
  switch (pathname) {
    case '/echo': {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('end', () => response.end(JSON.stringify({ method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString() })))
      return
    }
    case '/large': response.end(Buffer.alloc(Number(searchParams.get('bytes')))); return
    case '/endless': {
      const chunk = Buffer.alloc(65_536)
      const more = (): void => { while (response.write(chunk)); }
      response.on('drain', more)
      more()
      return
    }
    case '/slow': response.write('a'); return
    case '/silent': return
    case '/headers': {
      for (let i = 0; i < Number(searchParams.get('count')); i++) response.appendHeader(`x-${i}`, 'v')
      response.end()
      return
    }
    case '/away': redirect(302, searchParams.get('to') ?? '/'); return
    case '/stay': redirect(307, '/echo'); return
    case '/circle': redirect(302, '/circle'); return
    case '/missing': response.writeHead(404).end('no'); return
    default: response.end('ok')
  }
}

let server: Server
let other: Server
let base: string
beforeAll(async () => {
  const open = (): Promise<Server> => new Promise((resolve) => {
    const made = createServer(respond)
    made.listen(0, '127.0.0.1', () => resolve(made))
  })
  ;[server, other] = [await open(), await open()]
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  for (const each of [server, other]) {
    each.closeAllConnections()
    each.close()
  }
})

const anywhere = createHttpFetch({ isAllowed: () => true })
const outside = createHttpFetch()
const ask = (path: string, change: Partial<HttpRequest> = {}, timeoutMs = 5000): Promise<HttpAnswer> =>
  anywhere({ url: path.startsWith('/') ? base + path : path, method: 'GET', headers: [], body: new Uint8Array(0), ...change }, { timeoutMs })
const errorOf = (answer: HttpAnswer): string => (answer.ok ? `status ${answer.value.statusCode}` : answer.error.kind)
const bodyOf = (answer: HttpAnswer): string => (answer.ok ? parseUtf8(answer.value.body) : answer.error.kind)

describe('requests of contracts', () => {
  test('carry method, headers and body', async () => {
    const answer = await ask('/echo', { method: 'post', headers: [['X-Own', 'value'], ['Content-Type', 'text/plain']], body: utf8('hello') })
    const seen = JSON.parse(bodyOf(answer)) as { method: string; headers: Record<string, string>; body: string }
    expect(seen).toMatchObject({ method: 'POST', body: 'hello', headers: { 'x-own': 'value', 'content-length': '5' } })
  })
  test('tell the status as it is', async () => {
    expect(errorOf(await ask('/missing'))).toBe('status 404')
  })
  test('take bodies up to two MiB, announced or not', async () => {
    expect(errorOf(await ask(`/large?bytes=${2 * MIB}`))).toBe('status 200')
    expect(errorOf(await ask(`/large?bytes=${2 * MIB + 1}`))).toBe('ResponseTooLarge')
    expect(errorOf(await ask('/endless'))).toBe('ResponseTooLarge')
  })
  test('take 256 headers, no more', async () => {
    expect(errorOf(await ask('/headers?count=200'))).toBe('status 200')
    expect(errorOf(await ask('/headers?count=300'))).toBe('TooManyHeaders')
  })
  test('end in time, whether nothing comes or not all', async () => {
    expect(errorOf(await ask('/silent', {}, 100))).toBe('Timeout')
    expect(errorOf(await ask('/slow', {}, 100))).toBe('Timeout')
  })
  test('end when nobody waits', async () => {
    const controller = new AbortController()
    const answer = anywhere({ url: `${base}/silent`, method: 'GET', headers: [], body: new Uint8Array(0) }, { timeoutMs: 10_000, signal: controller.signal })
    controller.abort()
    expect(errorOf(await answer)).toBe('NetworkError')
  })
  test('follow redirects, a few', async () => {
    expect(bodyOf(await ask('/away?to=/'))).toBe('ok')
    expect(errorOf(await ask('/circle'))).toBe('NetworkError')
    const kept = JSON.parse(bodyOf(await ask('/stay', { method: 'POST', body: utf8('again') }))) as { method: string; body: string }
    expect(kept).toMatchObject({ method: 'POST', body: 'again' })
    const changed = JSON.parse(bodyOf(await ask('/away?to=/echo', { method: 'POST', body: utf8('once') }))) as { method: string; body: string }
    expect(changed).toMatchObject({ method: 'GET', body: '' })
  })
  test('carry no credentials to another origin', async () => {
    const { port } = other.address() as AddressInfo
    const headers = [['Authorization', 'secret'], ['X-Own', 'value']] as const
    const seen = JSON.parse(bodyOf(await ask(`/away?to=${encodeURIComponent(`http://127.0.0.1:${port}/echo`)}`, { headers }))) as { headers: Record<string, string> }
    expect([seen.headers['authorization'], seen.headers['x-own']]).toEqual([undefined, 'value'])
  })
  test.each([
    ['no URL', { url: 'nonsense' }, 'InvalidUrl'], ['another scheme', { url: 'ftp://example.com/' }, 'InvalidUrl'], ['a file', { url: 'file:///etc/passwd' }, 'InvalidUrl'],
    ['a side program', { url: `sidevm://${'00'.repeat(32)}` }, 'InvalidUrl'],
    ['a method that opens tunnels', { method: 'CONNECT' }, 'InvalidMethod'], ['a method with a line end', { method: 'GET\r\n' }, 'InvalidMethod'],
    ['a header name with a colon', { headers: [['a:b', 'c']] }, 'InvalidHeaderName'], ['a header of the connection', { headers: [['Transfer-Encoding', 'chunked']] }, 'InvalidHeaderName'],
    ['another host', { headers: [['Host', 'internal']] }, 'InvalidHeaderName'], ['a header value with a line end', { headers: [['a', 'b\r\nc: d']] }, 'InvalidHeaderValue'],
    ['too many headers', { headers: Array.from({ length: 257 }, (_, i) => [`h${i}`, 'v'] as const) }, 'TooManyHeaders'],
  ] as const)('with %s are refused', async (_name, change, error) => {
    expect(errorOf(await ask('/', change))).toBe(error)
  })
  test('to where nobody listens come back as unreachable', async () => {
    expect(errorOf(await ask('http://127.0.0.1:1/'))).toBe('status 523')
  })
})

/** A name server that knows addresses of some names, by number of the question, and says nothing of `silent.test`. */
const openNameServer = async (records: Readonly<Record<string, readonly string[]>>): Promise<{ readonly socket: Socket; readonly address: string; readonly asked: string[] }> => {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const labels: string[] = []
    let at = 12
    while ((question[at] ?? 0) > 0) {
      const length = question[at] as number
      labels.push(question.subarray(at + 1, at + 1 + length).toString())
      at += length + 1
    }
    const name = labels.join('.').toLowerCase()
    asked.push(name)
    if (name === 'silent.test') return
    const isV4 = question.readUInt16BE(at + 1) === 1
    const answers = isV4 ? records[name] ?? [] : []
    const head = Buffer.from([question[0] as number, question[1] as number, 0x81, records[name] === undefined ? 0x83 : 0x80, 0, 1, 0, answers.length, 0, 0, 0, 0])
    const bodies = answers.map((each) => Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...each.split('.').map(Number)]))
    socket.send(Buffer.concat([head, question.subarray(12, at + 5), ...bodies]), port, address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  return { socket, address: `127.0.0.1:${socket.address().port}`, asked }
}

describe('names', () => {
  let names: Awaited<ReturnType<typeof openNameServer>>
  beforeAll(async () => {
    names = await openNameServer({ 'inside.test': ['10.0.0.1', '169.254.169.254'], 'here.test': ['127.0.0.1'], 'mixed.test': ['10.0.0.1', '127.0.0.1'] })
  })
  afterAll(() => void names.socket.close())
  const get = (name: string, isAllowed?: (address: string) => boolean, timeoutMs = 2000): Promise<HttpAnswer> => {
    const { port } = server.address() as AddressInfo
    const fetch = createHttpFetch({ nameServers: [names.address], ...(isAllowed === undefined ? {} : { isAllowed }) })
    return fetch({ url: `http://${name}:${port}/`, method: 'GET', headers: [], body: new Uint8Array(0) }, { timeoutMs })
  }
  test('of private addresses only are not asked', async () => {
    expect(errorOf(await get('inside.test'))).toBe('NotAllowed')
    expect(errorOf(await get('here.test'))).toBe('NotAllowed')
    expect(errorOf(await get('deep.localhost', () => false))).toBe('NotAllowed')
  })
  test('are connected to at those of their addresses that are allowed', async () => {
    expect(bodyOf(await get('mixed.test', (address) => address === '127.0.0.1'))).toBe('ok')
  })
  test('that nobody knows are unreachable', async () => {
    expect(errorOf(await get('nobody.test'))).toBe('status 523')
  })
  test('are looked up for each connection, so that what was checked is what is connected to', async () => {
    const before = names.asked.filter((name) => name === 'here.test').length
    for (let i = 0; i < 2; i++) await get('here.test', () => true)
    expect(names.asked.filter((name) => name === 'here.test').length).toBe(before + 4)
  })
  test('whose server is silent delay nobody else', async () => {
    const ended: string[] = []
    const silent = Array.from({ length: 40 }, () => get('silent.test', () => true, 400).then((answer) => ended.push(errorOf(answer))))
    await get('here.test', () => true).then((answer) => ended.push(bodyOf(answer)))
    await Promise.all(silent)
    expect(ended).toEqual(['ok', ...silent.map(() => 'Timeout')])
  })
})

describe('private addresses', () => {
  test.each(['http://127.0.0.1/', 'http://localhost/', 'http://[::1]/', 'http://10.1.2.3/', 'http://169.254.169.254/latest', 'http://192.168.1.1/', 'http://[::ffff:127.0.0.1]/',
    'http://[fe80::1]/', 'http://[fd00::1]/', 'http://0.0.0.0/', 'http://2130706433/', 'http://0x7f.1/', 'http://127.1/'])('%s is not asked', async (url) => {
    const answer = await outside({ url, method: 'GET', headers: [], body: new Uint8Array(0) }, { timeoutMs: 2000 })
    expect(errorOf(answer)).toBe('NotAllowed')
  })
  test('a redirect to one is not followed', async () => {
    const { port } = other.address() as AddressInfo
    // Only the first server counts as outside here; what it sends on to is checked like any other.
    let asked = 0
    const first = createHttpFetch({ isAllowed: () => asked++ === 0 })
    const answer = await first({ url: `${base}/away?to=${encodeURIComponent(`http://127.0.0.1:${port}/`)}`, method: 'GET', headers: [], body: new Uint8Array(0) }, { timeoutMs: 2000 })
    expect(errorOf(answer)).toBe('NotAllowed')
  })
  test.each([
    ['8.8.8.8', true], ['1.1.1.1', true], ['2606:4700::1111', true], ['100.64.0.1', false], ['172.16.0.1', false], ['172.32.0.1', true], ['198.18.0.1', false], ['224.0.0.1', false],
    ['255.255.255.255', false], ['::', false], ['::1', false], ['::ffff:10.0.0.1', false], ['::ffff:0a00:0001', false], ['::ffff:8.8.8.8', true], ['fc00::1', false], ['fe80::1', false],
    ['ff02::1', false], ['2001:db8::1', false], ['2002:7f00:1::', false], ['64:ff9b::7f00:1', false], ['no address', false],
    ['168.63.129.16', false], ['2606:4700::1111%lo', false], ['fe80::1%eth0', false], ['fd00:ec2::254', false], ['64:ff9b:1::7f00:1', false],
  ] as const)('%s is public: %s', (address, isPublic) => {
    expect(isPublicAddress(address)).toBe(isPublic)
  })
})
