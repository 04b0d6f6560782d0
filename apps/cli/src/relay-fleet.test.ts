import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import type { Crypto } from '@phalanx/primitives/crypto'
import { silentLogger } from '@phalanx/primitives/ports'
import { createRelay, type Relay } from '@phalanx/relay'
import { createFakeChain, createFakeNode, createFakeWorker } from '@phalanx/relay/testing'
import { constantRandom, createFakeClock } from '@phalanx/sdk/testing'
import { createStyle } from './output.ts'
import { parseRelayConfig } from './relay-config.ts'
import { orderRelay, serveControl } from './relay-control.ts'
import { createFleet, createSecretReader, settleRelay, type RelayGiven, type RelaySettings } from './relay-fleet.ts'
import { createServant } from './relay-servant.ts'
import { renderRelayStatus } from './relay-table.ts'
import { serveCache } from './start-relay.ts'
import { processIo } from './system.ts'
import { runCli } from './testing.ts'

let crypto: Crypto
beforeAll(async () => void (crypto = await loadCrypto()))

let folder = ''
let file = ''
const closers: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'phalanx-fleet-'))
  file = join(folder, 'relay.json')
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})

const NODE = 'ws://127.0.0.1:9944'
const WORKERS = [{ name: 'n1', url: 'http://worker1', pool: 'north' }, { name: 's1', url: 'http://worker2', pool: 'south' }]
const CONFIG = { nodes: [NODE], pools: { north: { signer: { env: 'NORTH' } }, south: { signer: { file: './south.key' } } }, workers: WORKERS }
const write = (value: unknown): void => writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value))

describe('the configuration of a fleet', () => {
  test('names a secret by file or environment, relative to its folder', () => {
    const found = parseRelayConfig(JSON.stringify({ ...CONFIG, controlSocket: './r.sock' }), join(folder, 'relay.json'))
    expect(found.pools).toEqual({ north: { signer: { env: 'NORTH' } }, south: { signer: { file: join(folder, 'south.key') } } })
    expect(found.controlSocket).toBe(join(folder, 'r.sock'))
  })

  test('is explained by an example that is right', () => {
    const [, example = ''] = /## Fleets[\s\S]*?```json\n([\s\S]*?)```/.exec(readFileSync(join(import.meta.dirname, '../../../docs/operators.md'), 'utf8')) ?? []
    expect(parseRelayConfig(example, file).workers).toHaveLength(3)
  })

  test.each([
    [{ pools: { north: {} } }, 'pools.north.signer is missing'], [{ pools: { 'no name': { signer: '//A' } } }, 'pools.no name must be a name'], [{ pools: [] }, 'pools must be an object'],
    [{ pools: { a: { signer: { file: 'x', env: 'Y' } } } }, 'pools.a.signer must have either'], [{ pools: { a: { signer: { env: '1-2' } } } }, 'pools.a.signer.env'],
    [{ pools: { a: { signer: { key: 'x' } } } }, 'pools.a.signer.key is not a known field'], [{ pools: { a: { signer: '//A', autoStart: true } } }, 'pools.a.autoStart is not a known field'],
    [{ workers: [{ url: 'http://a', pool: 'west' }] }, 'workers[0].pool is not among pools'], [{ workers: [{ url: 'http://a' }, { url: 'http://a' }] }, 'workers[1].url is that of workers[0]'],
    [{ workers: [{ url: 'http://a', name: 'x' }, { url: 'http://b', name: 'x' }] }, 'workers[1].name is that of workers[0]'], [{ workers: [{ url: 'http://a', name: '../x' }] }, 'workers[0].name must be a name'],
    [{ nodes: ['http://a'] }, 'nodes[0] and all others are caches'], [{ nodes: [NODE, NODE] }, 'nodes[1] is given twice'], [{ cache: { megabytes: 0 } }, 'cache.megabytes must be a whole number'],
    [{ cache: { port: 70_000 } }, 'cache.port must be a port'], [{ limits: { messagesPerBatch: 1.5 } }, 'limits.messagesPerBatch'], [{ controlSocket: 5 }, 'controlSocket must be a text'],
  ])('%j is refused with its field', (wrong, reason) => {
    expect(() => parseRelayConfig(JSON.stringify(wrong), 'relay.json')).toThrowError(
      expect.objectContaining({ code: 'CLI_CONFIG_MALFORMED', context: expect.objectContaining({ reason: expect.stringContaining(reason) as string }) as object }) as Error)
  })

  test('takes an empty environment variable for a missing secret', async () => {
    const read = createSecretReader({ ...processIo(), env: { NORTH: ' ' } })
    await expect(read({ env: 'NORTH' }, 'secret')).rejects.toMatchObject({ code: 'CLI_SECRET_MISSING' })
    await expect(read({ env: 'SOUTH' }, 'secret')).rejects.toMatchObject({ code: 'CLI_SECRET_MISSING' })
  })
})

/** A relay over fakes with its door open, as the command makes it. */
const setUp = async (): Promise<{ readonly relay: Relay; readonly socket: string }> => {
  write(CONFIG)
  writeFileSync(join(folder, 'south.key'), '//South\n')
  const chain = createFakeChain()
  const given: RelayGiven = { config: file, signerType: 'sr25519' }
  const random = constantRandom()
  const fleetOf = (settings: RelaySettings) => createFleet(settings, { crypto, random, readSecret: createSecretReader({ ...processIo(), env: { NORTH: '//North' } }) })
  const running = settleRelay(given)
  const relay = createRelay(await fleetOf(running), {
    crypto, random, clock: createFakeClock(1_000_000), logger: silentLogger, connectNode: (url) => createFakeNode(chain, url).client, connectWorker: (url) => createFakeWorker(url, 1).client,
  })
  const socket = `${file}.sock`
  const control = await serveControl(socket, createServant(relay, { given, running, fleetOf }))
  closers.push(() => relay.close(), () => control.close())
  return { relay, socket }
}

const names = (relay: Relay): readonly string[] => relay.snapshot().workers.map(({ name }) => name)

describe('a running relay', () => {
  test('is told what to do through a socket that is its owner\'s alone', async () => {
    const { relay, socket } = await setUp()
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    expect((await runCli(['relay', '--config', file, 'remove', 'n1'])).stdout).toBe('remove: n1\n')
    expect(names(relay)).toEqual(['s1'])
    expect((await runCli(['relay', '--config', file, 'restart', 's1', '--json'])).stdout).toBe('{"restart":"s1"}\n')
    expect((await runCli(['relay', 'add', 'n1', '--config', file])).exitCode).toBe(0)
    expect(names(relay)).toEqual(['s1', 'n1'])
    write({ ...CONFIG, workers: [WORKERS[0], { name: 's2', url: 'http://worker3', pool: 'south' }] })
    expect((await runCli(['relay', '--config', file, 'reload'])).stdout).toBe('reloaded: 1 added, 1 removed, 0 restarted, 1 untouched\n')
    expect(names(relay)).toEqual(['n1', 's2'])
  })

  test('shows its workers as a table and as JSON', async () => {
    const { relay } = await setUp()
    const table = await runCli(['relay', 'status', '--config', file])
    expect(table.stdout).toContain('0 of 2 workers running')
    expect(table.stdout).toMatch(/\nn1 +north +registering /)
    expect(JSON.parse((await runCli(['relay', 'status', '--config', file, '--json'])).stdout)).toMatchObject({ workers: [{ name: 'n1', pool: 'north' }, { name: 's1' }], accounts: [{ delivered: 0 }, {}] })
    expect(renderRelayStatus(relay.snapshot(), 1_060_000, createStyle({}, {})).join('\n')).toContain('60s')
  })

  test.each([
    ['text that is no JSON', '{', 'CLI_CONFIG_MALFORMED'], ['a pool that is not there', { ...CONFIG, pools: {} }, 'CLI_CONFIG_MALFORMED'], ['another status port', { ...CONFIG, statusPort: 1 }, 'CLI_RELAY_NEEDS_RESTART'],
    ['a key that cannot be read', { ...CONFIG, pools: { ...CONFIG.pools, south: { signer: { file: './none' } } } }, 'CLI_FILE_UNREADABLE'], ['no worker', { ...CONFIG, workers: [] }, 'CLI_USAGE'],
    ['a secret that is none', { ...CONFIG, pools: { ...CONFIG.pools, south: { signer: { file: './relay.json' } } } }, 'CRYPTO_INVALID_SURI'], ['a cache where none may be', { ...CONFIG, nodes: [NODE, 'http://cache'] }, 'RELAY_OPTIONS_INVALID'],
  ])('refuses a reload with %s as a whole', async (_name, wrong, code) => {
    const { relay } = await setUp()
    write(wrong)
    const { exitCode, stderr } = await runCli(['relay', '--config', file, 'reload'])
    expect(exitCode).toBe(1)
    expect(stderr).toContain(code)
    expect(names(relay)).toEqual(['n1', 's1'])
    // It still obeys, whatever the file says by now.
    expect((await runCli(['relay', '--config', file, 'restart', 'n1'])).exitCode).toBe(0)
  })

  test('names what it does not know', async () => {
    await setUp()
    expect((await runCli(['relay', '--config', file, 'remove', 'nobody'])).stderr).toContain('RELAY_WORKER_UNKNOWN')
    expect((await runCli(['relay', '--config', file, 'add', 'nobody'])).stderr).toContain('CLI_RELAY_WORKER_UNKNOWN')
    expect((await runCli(['relay', '--config', file, 'add', 'n1'])).stderr).toContain('RELAY_OPTIONS_INVALID')
  })

  test.each([[['fly']], [['remove']], [['status', 'n1']], [['reload', 'n1']]])('takes %j for wrong usage', async (words) => {
    write(CONFIG)
    expect((await runCli(['relay', '--config', file, ...words])).exitCode).toBe(2)
    expect((await runCli(['relay', ...words])).exitCode).toBe(2)
  })

  test('is missed with a fix where none runs, and its socket left behind is no obstacle', async () => {
    write(CONFIG)
    expect((await runCli(['relay', '--config', file, 'status'])).stderr).toContain('CLI_RELAY_NOT_RUNNING')
    const { socket } = await setUp()
    await expect(serveControl(socket, () => Promise.resolve({}))).rejects.toMatchObject({ code: 'CLI_RELAY_RUNNING' })
    await expect(serveControl(join(folder, 'x'.repeat(120)), () => Promise.resolve({}))).rejects.toMatchObject({ code: 'CLI_RELAY_SOCKET_UNUSABLE' })
    await expect(serveControl(join(folder, 'none', 'x'), () => Promise.resolve({}))).rejects.toMatchObject({ code: 'CLI_RELAY_SOCKET_UNUSABLE' })
  })

  test('takes the place of a file that is no socket for unusable, and leaves it', async () => {
    const path = join(folder, 'precious')
    writeFileSync(path, 'mine')
    chmodSync(path, 0o600)
    await expect(serveControl(path, () => Promise.resolve({}))).rejects.toMatchObject({ code: 'CLI_RELAY_SOCKET_UNUSABLE' })
    expect(existsSync(path)).toBe(true)
  })

  test('refuses orders that are none', async () => {
    const { socket } = await setUp()
    for (const order of [{ action: 'stop' }, { action: 'add', worker: 5 }, { action: 'remove', worker: 'x'.repeat(5_000) }]) await expect(orderRelay(socket, order as never)).rejects.toMatchObject({ code: 'CLI_RELAY_REFUSED' })
  })
})

describe('the cache endpoint', () => {
  test('answers questions and refuses what is too long or no question', async () => {
    const { relay } = await setUp()
    const cache = await serveCache(relay, { host: '127.0.0.1', port: 0 })
    closers.push(() => cache.close())
    const ask = (body: string, method = 'POST') => fetch(`http://127.0.0.1:${cache.port}`, method === 'POST' ? { method, body } : { method })
    expect(await (await ask('{"id":1,"method":"phalanx_getBlocks","params":[1,1]}')).json()).toEqual({ jsonrpc: '2.0', id: 1, result: '0x00' })
    expect((await ask('', 'GET')).status).toBe(405)
    expect((await ask('x'.repeat(2_000))).status).toBe(413)
    const other = createServer()
    closers.push(() => new Promise((done) => other.close(done)))
    await expect(serveCache(relay, { host: '127.0.0.1', port: cache.port })).rejects.toMatchObject({ code: 'CLI_PORT_IN_USE' })
  })
})
