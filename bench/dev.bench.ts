/**
 * Measures `phalanx dev` as its user starts it: a new process, an empty folder, three workers. Cold means that nothing runs yet; the
 * bundle of the sources is there, as it is from the second start on. The alternative is the same command with its sources loaded by tsx.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { assert, unreachable } from '@phalanx/primitives/assert'
import type { Figure } from './goals.ts'

const root = resolve(import.meta.dirname, '..')
const LAUNCHER = ['apps/cli/bin/phalanx.mjs']
const LOADER = ['--import', 'tsx', '-e', 'const { main } = await import("./apps/cli/src/main.ts"); process.exitCode = await main(process.argv.slice(1))', '--']
const ROUNDS = 5
const POLL_MS = 10

interface Start {
  readonly blocksMs: number
  readonly readyMs: number
}

interface DevEvent {
  readonly event: string
  readonly rpc?: string
  readonly workers?: readonly unknown[]
}

const heightOf = async (rpc: string): Promise<number> => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'chain_getHeader', params: [] })
  const answer = (await (await fetch(rpc.replace(/^ws/, 'http'), { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()) as { result: { number: string } }
  return Number(answer.result.number)
}

const firstBlock = async (rpc: string): Promise<void> => {
  while ((await heightOf(rpc)) === 0) await new Promise((done) => setTimeout(done, POLL_MS))
}

const stop = (child: ChildProcess): Promise<void> => new Promise((done) => {
  child.once('exit', () => done())
  child.kill('SIGINT')
})

/** One start, from before the process exists to the ready line. */
const startOnce = async (command: readonly string[], ports: { readonly rpc: number; readonly worker: number }): Promise<Start> => {
  const began = performance.now()
  const child = spawn(process.execPath, [...command, 'dev', '--json', '--rpc-port', String(ports.rpc), '--worker-port', String(ports.worker)], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let blocks: Promise<number> | undefined
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const event = JSON.parse(line) as DevEvent
      if (event.rpc !== undefined) blocks ??= firstBlock(event.rpc).then(() => performance.now() - began)
      if (event.event !== 'ready') continue
      const readyMs = performance.now() - began
      assert(event.workers?.length === 3, 'three workers are registered')
      return { readyMs, blocksMs: (await blocks) ?? readyMs }
    }
  } finally {
    await stop(child)
  }
  return unreachable(undefined as never)
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1] ?? 0

const measure = async (command: readonly string[], rounds: number): Promise<Start> => {
  const starts: Start[] = []
  for (let round = 0; round < rounds; round++) starts.push(await startOnce(command, { rpc: 39_000 + round, worker: 39_100 + 10 * round }))
  return { blocksMs: median(starts.map(({ blocksMs }) => blocksMs)), readyMs: median(starts.map(({ readyMs }) => readyMs)) }
}

/** Median of five starts; the first one, which may build the bundle, is not counted. */
export const bench = async (): Promise<readonly Figure[]> => {
  await startOnce(LAUNCHER, { rpc: 38_999, worker: 39_090 })
  const ours = await measure(LAUNCHER, ROUNDS)
  const loaded = await measure(LOADER, 3)
  const against = 'the same with sources loaded by tsx'
  return [
    { name: 'dev: process start to producing blocks', figure: ours.blocksMs / 1000, unit: 's', against, ratio: loaded.blocksMs / ours.blocksMs },
    { name: 'dev: process start to ready, 3 workers registered', figure: ours.readyMs / 1000, unit: 's', against, ratio: loaded.readyMs / ours.readyMs },
  ]
}
