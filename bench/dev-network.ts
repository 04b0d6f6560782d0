/** Owns running `phalanx dev` for a benchmark, in a process of its own: its events as they come, and its end. */
import { spawn, type ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { assert } from '@phalanx/primitives/assert'

/** Root of the repository. */
export const ROOT: string = resolve(import.meta.dirname, '..')
const LAUNCHER = ['apps/cli/bin/phalanx.mjs']

/** An event, and when its line came: milliseconds after the process was started. */
export interface DevEvent {
  readonly event: string
  readonly atMs: number
  readonly rpc?: string
  readonly workers?: readonly unknown[]
  readonly contract?: string
  readonly try?: readonly string[]
}

/** A network that runs. */
export interface DevNetwork {
  /** Resolves with the event, also where it came before. Shows what went wrong on the way. */
  next(event: string): Promise<DevEvent>
  stop(): Promise<void>
}

const ended = (child: ChildProcess): Promise<void> => new Promise((done) => void child.once('exit', () => done()))

/** Starts a network. `command` starts the command line otherwise than the launcher does. */
export const startDev = (args: readonly string[], { command = LAUNCHER, onEvent = () => {} }: { readonly command?: readonly string[]; readonly onEvent?: (event: DevEvent) => void } = {}): DevNetwork => {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [...command, 'dev', '--json', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = ended(child)
  const seen = new Map<string, DevEvent>()
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const event: DevEvent = { ...(JSON.parse(line) as Omit<DevEvent, 'atMs'>), atMs: performance.now() - startedMs }
    if (event.event === 'trouble') process.stderr.write(`${line}\n`)
    seen.set(event.event, seen.get(event.event) ?? event)
    onEvent(event)
    for (const look of [...waiting]) look()
  })
  return {
    next: (name) => new Promise((done, reject) => {
      const look = (): void => {
        const found = seen.get(name)
        if (found === undefined) return
        waiting.delete(look)
        done(found)
      }
      waiting.add(look)
      look()
      void exit.then(() => reject(new Error(`the network ended before ${name}`)))
    }),
    async stop() {
      if (child.exitCode === null) child.kill('SIGINT')
      await exit
    },
  }
}

/** Runs a line that the network printed in a shell, as its reader would; milliseconds, and what it printed. */
export const runLine = async (line: string): Promise<{ readonly tookMs: number; readonly text: string }> => {
  const startedMs = performance.now()
  const child = spawn(line, { cwd: ROOT, shell: true, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  await ended(child)
  assert(child.exitCode === 0, `this succeeds: ${line}`)
  return { tookMs: performance.now() - startedMs, text }
}
