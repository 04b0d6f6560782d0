/** Owns the processes of the kill test: spawning the real binary, waiting for conditions, killing by process id. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createServer } from 'node:net'
import { resolve } from 'node:path'

const BINARY = resolve(import.meta.dirname, '../../apps/cli/bin/phalanx.mjs')

/** A part of the network that can die and be started again with the same arguments. */
export interface Part {
  readonly name: string
  start(): Promise<void>
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>
  /** What it printed last, for reports. */
  tail(): string
}

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((done, failed) => {
    const server = createServer()
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** Asks again and again until the answer is not undefined. Errors count as "not yet" and are told when time is up. */
export const until = async <T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> => {
  const end = Date.now() + timeoutMs
  let last: unknown = 'the condition stayed false'
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined) return answer
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`${what}: ${last instanceof Error ? last.message : String(last)}`)
    await pause(25)
  }
}

const TAIL_BYTES = 4_000

/** A part that runs `phalanx` with these arguments; `isUp` says when it answers. */
export const createPart = (options: { readonly name: string; readonly args: readonly string[]; readonly isUp: () => Promise<boolean> }): Part => {
  let child: ChildProcess | undefined
  let printed = ''
  const keep = (chunk: Buffer): void => void (printed = (printed + chunk.toString()).slice(-TAIL_BYTES))
  return {
    name: options.name,
    tail: () => printed,
    async start() {
      const started = spawn(process.execPath, [BINARY, ...options.args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } })
      child = started
      started.stdout.on('data', keep)
      started.stderr.on('data', keep)
      const ended = new Promise<never>((_done, failed) => started.once('exit', (code) => failed(new Error(`${options.name} ended with ${code} while starting: ${printed}`))))
      ended.catch(() => {})
      await Promise.race([ended, until(`${options.name} starts`, async () => ((await options.isUp()) ? true : undefined))])
    },
    async kill() {
      const dying = child
      child = undefined
      if (dying === undefined || dying.exitCode !== null || dying.signalCode !== null) return
      const gone = new Promise((done) => dying.once('exit', done))
      dying.kill('SIGKILL')
      await gone
    },
  }
}

/** JSON over HTTP with a time limit. */
export const fetchJson = async (url: string, body?: unknown): Promise<unknown> => {
  const answer = await fetch(url, {
    signal: AbortSignal.timeout(5_000),
    ...(body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  return answer.json()
}
