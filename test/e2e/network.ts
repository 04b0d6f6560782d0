/** Owns starting a whole network as its user does (`phalanx dev --json` as a process) and stopping it. Knows nothing of clients. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import WebSocket from 'ws'

const launcher = resolve(import.meta.dirname, '../../apps/cli/bin/phalanx.mjs')

/** A worker as the ready line names it. */
export interface ReadyWorker { readonly identity: string; readonly url: string }

/** A line of `phalanx dev --json`. */
export type Line = { readonly event: string } & Readonly<Record<string, unknown>>

/** A running development network. */
export interface Network {
  readonly rpc: string
  readonly http: string
  readonly workers: readonly ReadyWorker[]
  readonly elapsedMs: number
  /** The first printed line of this event that has not been waited for, now or later. */
  next(event: string, fits?: (line: Line) => boolean): Promise<Line>
  signal(signal: NodeJS.Signals): void
  /** Stops it with a signal; resolves with exit code and how long it took. */
  stop(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly tookMs: number }>
}

/** Ports that were free a moment ago, `count` of them in a row. */
const freePorts = async (count: number): Promise<number> => {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 30_000)
    const servers = await Promise.all(Array.from({ length: count }, (_, i) => tryListen(first + i)))
    await Promise.all(servers.map(async (server) => server?.close()))
    if (servers.every((server) => server !== undefined)) return first
  }
  throw new Error('no free ports found')
}

const tryListen = (port: number): Promise<{ close(): Promise<void> } | undefined> =>
  new Promise((done) => {
    const server = createServer()
    server.once('error', () => done(undefined))
    server.listen(port, '127.0.0.1', () => done({ close: () => new Promise((closed) => server.close(() => closed())) }))
  })

const exited = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null ? Promise.resolve(child.exitCode) : new Promise((done) => child.once('exit', (code) => done(code)))

/** Starts `phalanx dev --json` and waits for its ready line. The base path is removed at stop unless one is given. */
export const startNetwork = async (options: { readonly workers?: number; readonly basePath?: string; readonly args?: readonly string[] } = {}): Promise<Network> => {
  const workers = options.workers ?? 3
  const rpcPort = await freePorts(workers + 1)
  const basePath = options.basePath ?? (await mkdtemp(join(tmpdir(), 'phalanx-e2e-')))
  const child = spawn(process.execPath, [
    launcher, 'dev', '--json', '--workers', String(workers), '--rpc-port', String(rpcPort), '--worker-port', String(rpcPort + 1),
    '--base-path', basePath, ...(options.args ?? []),
  ], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => { stderr += data.toString() })
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  let hasEnded = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as Line)
    for (const look of [...waiting]) look()
  })
  child.once('exit', () => {
    hasEnded = true
    for (const look of [...waiting]) look()
  })
  const next = (event: string, fits: (line: Line) => boolean = () => true): Promise<Line> =>
    new Promise((done, failed) => {
      const look = (): void => {
        const at = lines.findIndex((line) => line.event === event && fits(line))
        if (at < 0 && !hasEnded) return
        waiting.delete(look)
        if (at < 0) failed(new Error(`phalanx dev ended with ${child.exitCode} before "${event}": ${stderr}`))
        else done(lines.splice(at, 1)[0] as Line)
      }
      waiting.add(look)
      look()
    })
  const ready = (await next('ready')) as unknown as { readonly rpc: string; readonly workers: readonly ReadyWorker[]; readonly elapsedMs: number }
  return {
    ...ready,
    http: ready.rpc.replace(/^ws/, 'http'),
    next,
    signal: (name) => void child.kill(name),
    async stop(signal = 'SIGTERM') {
      const started = process.hrtime.bigint()
      child.kill(signal)
      const code = await exited(child)
      const tookMs = Number(process.hrtime.bigint() - started) / 1e6
      if (options.basePath === undefined) await rm(basePath, { recursive: true, force: true })
      return { code, tookMs }
    },
  }
}

/** One JSON-RPC call over HTTP; the whole answer. */
export const rpcCall = async (url: string, method: string, params: readonly unknown[] = []): Promise<{ result?: unknown; error?: { code: number; message: string; data?: unknown } }> => {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
  return (await response.json()) as { result?: unknown; error?: { code: number; message: string } }
}

/** The WebSocket class that clients on Node 20 need handed in. */
export const WebSocketClass = WebSocket as unknown as typeof globalThis.WebSocket
