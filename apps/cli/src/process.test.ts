import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const BINARY = resolve(import.meta.dirname, '../bin/phalanx.mjs')

interface Ready {
  readonly event: string
  readonly rpc: string
  readonly workers: readonly { readonly identity: string; readonly url: string }[]
  readonly elapsedMs: number
}

/** A port that was free a moment ago; workers take the ones behind it, so the caller asks for few. */
const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

const children = new Set<ChildProcess>()

const startDev = async (args: readonly string[]): Promise<{ readonly ready: Ready; stop(signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }> }> => {
  const child = spawn(process.execPath, [BINARY, 'dev', '--json', '--workers', '1', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  let printed = ''
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const ready = await new Promise<Ready>((done, failed) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      printed += `${line}\n`
      const event = JSON.parse(line) as Ready
      if (event.event === 'ready') done(event)
    })
    void ended.then((code) => failed(new Error(`it ended with ${code}: ${printed}`)))
  })
  return {
    ready,
    async stop(signal) {
      const from = Date.now()
      child.kill(signal)
      const code = await ended
      children.delete(child)
      return { code, tookMs: Date.now() - from }
    },
  }
}

/** Runs to the end; the error a machine is told. */
const failing = (args: readonly string[]): { readonly status: number | null; readonly code: string; readonly cause: string; readonly fix: string } => {
  const { status, stdout } = spawnSync(process.execPath, [BINARY, ...args, '--json'], { encoding: 'utf8', timeout: 50_000 })
  const line = stdout.trim().split('\n').at(-1) ?? ''
  return { status, ...(JSON.parse(line) as { code: string; cause: string; fix: string }) }
}

const blockHash = async (rpc: string, number: number): Promise<string> => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'chain_getBlockHash', params: [number] })
  const answer = await fetch(rpc.replace('ws:', 'http:'), { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return ((await answer.json()) as { result: string }).result
}

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'phalanx-process-'))))
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

describe('phalanx dev', () => {
  test('is ready, ends on SIGINT within two seconds with 0, and resumes the same chain with the same identities', async () => {
    const basePath = join(folder, 'network')
    const args = async (): Promise<readonly string[]> => ['--base-path', basePath, '--rpc-port', String(await freePort()), '--worker-port', String(await freePort())]
    const first = await startDev(await args())
    expect(first.ready.workers).toEqual([{ identity: expect.stringMatching(/^0x[0-9a-f]{64}$/), url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) }])
    expect(first.ready.elapsedMs).toBeGreaterThan(0)
    const hash = await blockHash(first.ready.rpc, 1)

    expect(failing(['dev', '--base-path', basePath, '--rpc-port', '0', '--worker-port', '0'])).toMatchObject({ status: 1, code: 'CLI_BASE_PATH_IN_USE', fix: expect.stringContaining('--base-path') })
    const rpcPort = first.ready.rpc.split(':').at(-1) ?? ''
    expect(failing(['dev', '--rpc-port', rpcPort, '--worker-port', '0'])).toMatchObject({ status: 1, code: 'CLI_PORT_IN_USE', fix: expect.stringContaining('--rpc-port') })
    expect(failing(['dev', '--rpc-port', '0', '--workers', '1', '--worker-port', rpcPort])).toMatchObject({ status: 1, code: 'CLI_PORT_IN_USE', fix: expect.stringContaining('--worker-port') })
    expect(failing(['worker', '--base-path', join(folder, 'w'), '--port', rpcPort])).toMatchObject({ status: 1, code: 'CLI_PORT_IN_USE', fix: expect.stringContaining('--port') })

    const stopped = await first.stop('SIGINT')
    expect(stopped.code).toBe(0)
    expect(stopped.tookMs).toBeLessThan(2_000)

    const second = await startDev(await args())
    expect(second.ready.workers.map(({ identity }) => identity)).toEqual(first.ready.workers.map(({ identity }) => identity))
    expect(await blockHash(second.ready.rpc, 1)).toBe(hash)
    expect((await second.stop('SIGTERM')).code).toBe(0)
  })

  test('refuses folders of other programs, of newer versions and damaged ones, and leaves them as they are', () => {
    const ports = ['--rpc-port', '0', '--worker-port', '0']
    writeFileSync(join(folder, 'somebody.txt'), 'mine')
    expect(failing(['dev', '--base-path', folder, ...ports])).toMatchObject({ status: 1, code: 'CLI_BASE_PATH_FOREIGN' })
    const newer = mkdtempSync(join(folder, 'newer-'))
    writeFileSync(join(newer, 'phalanx.json'), '{"format":99,"kind":"dev"}')
    expect(failing(['dev', '--base-path', newer, ...ports])).toMatchObject({ status: 1, code: 'CLI_BASE_PATH_VERSION' })
    expect(readFileSync(join(newer, 'phalanx.json'), 'utf8')).toBe('{"format":99,"kind":"dev"}')
    writeFileSync(join(newer, 'phalanx.json'), '{"format":')
    expect(failing(['dev', '--base-path', newer, ...ports])).toMatchObject({ status: 1, code: 'CLI_BASE_PATH_MALFORMED' })
    writeFileSync(join(newer, 'phalanx.json'), '{"format":1,"kind":"worker"}')
    expect(failing(['dev', '--base-path', newer, ...ports])).toMatchObject({ status: 1, code: 'CLI_BASE_PATH_FOREIGN' })
    expect(failing(['dev', '--base-path', '/proc/phalanx', ...ports])).toMatchObject({ status: 1, code: 'CLI_BASE_PATH_UNUSABLE' })
  })
})

describe('phalanx node --chain', () => {
  const spec = (): string => join(folder, 'chain.json')
  beforeAll(() => {
    writeFileSync(spec(), spawnSync(process.execPath, [BINARY, 'chain-spec', 'dev']).stdout)
    writeFileSync(join(folder, 'authority.key'), '//Alice\n')
  })

  test('authors with the key that the chain names, given in a file', async () => {
    const port = await freePort()
    const child = spawn(process.execPath, [
      BINARY, 'node', '--chain', spec(), '--authority', join(folder, 'authority.key'), '--block-time', '100', '--rpc-port', String(port), '--json',
    ], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      await new Promise((started) => child.stdout.once('data', started))
      await vi.waitFor(async () => expect(await blockHash(`ws://127.0.0.1:${port}`, 2)).toMatch(/^0x/), { timeout: 20_000 })
    } finally {
      child.kill('SIGTERM')
    }
  })

  test('refuses a key that is no authority', () => {
    expect(failing(['node', '--chain', spec(), '--authority', '//Bob', '--rpc-port', '0'])).toMatchObject({ status: 1, code: 'CLI_NOT_AN_AUTHORITY' })
  })
})
