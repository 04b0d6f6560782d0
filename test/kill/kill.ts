/**
 * Owns the kill test: node, relay and workers as processes of their own, killed at random instants (SIGKILL) and started again.
 * Afterwards no finalised block and no key may be lost, the registry must be consistent and everything must go on.
 * `npx tsx test/kill/kill.ts --kills 20 --seed anything` runs it by hand; the same seed draws the same victims and moments.
 */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createPart, fetchJson, freePort, until, type Part } from './processes.ts'

/** What to do. */
export interface KillOptions {
  readonly kills: number
  readonly seed: string
  readonly workers?: number
  readonly log?: (line: string) => void
}

/** What came of it. */
export interface KillReport {
  readonly passed: number
  readonly failures: readonly string[]
  readonly summary: string
}

interface WorkerAnswer {
  readonly state: string
  readonly public_key: string
  readonly ecdh_public_key: string
  readonly ecdh_epoch: number | null
  readonly block_number: number
}

/** Draws numbers from a seed: SHA-256 in counter mode. */
const createDice = (seed: string): ((below: number) => number) => {
  let count = 0
  return (below) => createHash('sha256').update(`${seed}/${count++}`).digest().readUInt32LE(0) % below
}

const WORKERS_PREFIX_ITEMS = ['PhalaRegistry', 'Workers'] as const
/** twox128 of pallet and item; the node answers keys, so nothing has to be hashed here but these two names. */
const registryPrefix = async (): Promise<string> => {
  const { loadCrypto } = await import('@phalanx/primitives/crypto/node')
  const crypto = await loadCrypto()
  return `0x${WORKERS_PREFIX_ITEMS.map((name) => Buffer.from(crypto.twox128(Buffer.from(name))).toString('hex')).join('')}`
}

class Network {
  readonly parts: readonly Part[]
  readonly workerUrls: readonly string[]
  readonly folder: string
  private readonly rpcUrl: string
  private readonly statusUrl: string
  /** Hash of every finalised block that was ever seen, by number. */
  readonly finalised = new Map<number, string>()
  readonly identities = new Map<string, string>()

  constructor(folder: string, ports: { readonly rpc: number; readonly status: number; readonly workers: readonly number[] }) {
    this.folder = folder
    this.rpcUrl = `http://127.0.0.1:${ports.rpc}`
    this.statusUrl = `http://127.0.0.1:${ports.status}/status`
    this.workerUrls = ports.workers.map((port) => `http://127.0.0.1:${port}`)
    const node = createPart({
      name: 'node', isUp: async () => (await this.head()) !== undefined,
      args: ['node', '--dev', '--json', '--log-level', 'error', '--block-time', '250', '--base-path', join(folder, 'node'), '--rpc-port', String(ports.rpc)],
    })
    const workers = ports.workers.map((port, i) => createPart({
      name: `worker ${i + 1}`, isUp: async () => (await this.worker(this.workerUrls[i] ?? '')).state !== '',
      args: ['worker', '--json', '--log-level', 'error', '--base-path', join(folder, `worker-${i + 1}`), '--port', String(port)],
    }))
    const relay = createPart({
      name: 'relay', isUp: async () => (await fetchJson(this.statusUrl)) !== undefined,
      args: ['relay', '--json', '--log-level', 'error', '--signer', '//Alice', '--node', `ws://127.0.0.1:${ports.rpc}`, '--status-port', String(ports.status),
        ...this.workerUrls.flatMap((url) => ['--worker', url])],
    })
    this.parts = [node, relay, ...workers]
  }

  async rpc<T>(method: string, params: readonly unknown[] = []): Promise<T> {
    const answer = (await fetchJson(this.rpcUrl, { jsonrpc: '2.0', id: 1, method, params })) as { result?: T; error?: { message: string } }
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result as T
  }

  async head(): Promise<{ readonly number: number; readonly hash: string }> {
    const hash = await this.rpc<string>('chain_getFinalizedHead')
    const { number } = await this.rpc<{ number: string }>('chain_getHeader', [hash])
    return { hash, number: Number(number) }
  }

  worker(url: string): Promise<WorkerAnswer> {
    return fetchJson(`${url}/prpc/PhalanxAPI.Status`) as Promise<WorkerAnswer>
  }

  /** Waits until every worker is registered with its present key and near the head. */
  async settled(): Promise<void> {
    for (const url of this.workerUrls) {
      await until(`${url} runs`, async () => {
        const [answer, { number }] = await Promise.all([this.worker(url), this.head()])
        if (answer.state !== 'registered' || answer.block_number + 8 < number) throw new Error(`it is ${answer.state} at block ${answer.block_number} of ${number}`)
        return true
      }, 90_000)
    }
  }

  /** Remembers what must never change again. */
  async remember(): Promise<void> {
    const { hash, number } = await this.head()
    this.finalised.set(number, hash)
  }

  /** Blocks that were final once and are another or none now. */
  async lostBlocks(numbers: readonly number[]): Promise<readonly string[]> {
    const lost: string[] = []
    for (const number of numbers) {
      const hash = await this.rpc<string | null>('chain_getBlockHash', [number])
      if (hash !== this.finalised.get(number)) lost.push(`block ${number} was ${this.finalised.get(number)}, is ${hash ?? 'missing'}`)
    }
    return lost
  }

  /** Workers whose identity is not what it was. */
  async lostKeys(): Promise<readonly string[]> {
    const lost: string[] = []
    for (const url of this.workerUrls) {
      const { public_key: key } = await this.worker(url)
      const known = this.identities.get(url)
      if (known === undefined) this.identities.set(url, key)
      else if (known !== key) lost.push(`${url} was ${known}, is ${key}`)
    }
    return lost
  }

  /** What is wrong with the registry: it must hold exactly these workers, each with the key it uses now. */
  async registryFaults(): Promise<readonly string[]> {
    const prefix = await registryPrefix()
    const keys = await this.rpc<string[]>('state_getKeysPaged', [prefix, 100, prefix])
    const identities = [...this.identities.values()].sort()
    const listed = keys.map((key) => `0x${key.slice(-64)}`).sort()
    if (listed.join() !== identities.join()) return [`the registry lists ${listed.join()}, the workers are ${identities.join()}`]
    const faults: string[] = []
    for (const url of this.workerUrls) {
      const { public_key: identity, ecdh_public_key: ecdh } = await this.worker(url)
      const value = await this.rpc<string>('state_getStorage', [keys.find((key) => key.endsWith(identity.slice(2)))])
      // WorkerInfoV2 begins with identity and ECDH key, 32 bytes each.
      if (value.slice(2, 66) !== identity.slice(2)) faults.push(`the entry of ${identity} is another's`)
      if (value.slice(66, 130) !== ecdh.slice(2)) faults.push(`the chain has ECDH key ${value.slice(66, 130)} of ${identity}, the worker uses ${ecdh}`)
    }
    return faults
  }

  async stop(): Promise<void> {
    await Promise.all(this.parts.map((part) => part.kill()))
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Kills one or several parts at a random instant and starts them again in random order. */
const strike = async (network: Network, dice: (below: number) => number): Promise<string> => {
  const count = dice(4) === 0 ? 2 : 1
  const victims = new Set<Part>()
  while (victims.size < count) victims.add(network.parts[dice(network.parts.length)] as Part)
  // The instant is what is random here; nothing waits for it.
  await new Promise((done) => setTimeout(done, dice(400)))
  await Promise.all([...victims].map((part) => part.kill()))
  const order = dice(2) === 0 ? [...victims] : [...victims].reverse()
  await Promise.all(order.map((part) => part.start()))
  return [...victims].map(({ name }) => name).join(' and ')
}

/** Runs the test. Failures are collected, so that one does not hide others. */
export const runKillTest = async (options: KillOptions): Promise<KillReport> => {
  const { kills, seed, workers = 2, log = () => {} } = options
  const dice = createDice(seed)
  const startedMs = Date.now()
  const ports = { rpc: await freePort(), status: await freePort(), workers: await Promise.all(Array.from({ length: workers }, freePort)) }
  const network = new Network(mkdtempSync(join(tmpdir(), 'phalanx-kill-')), ports)
  const failures: string[] = []
  let passed = 0
  const check = async (what: string, faults: () => Promise<readonly string[]>): Promise<void> => {
    try {
      const found = await faults()
      if (found.length === 0) passed++
      failures.push(...found.map((fault) => `${what}: ${fault}`))
    } catch (error) {
      failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  try {
    await Promise.all(network.parts.map((part) => part.start()))
    await network.settled()
    await network.lostKeys()
    for (let i = 1; i <= kills && failures.length === 0; i++) {
      await network.remember()
      const recent = [...network.finalised.keys()].slice(-3)
      await check(`kill ${i}`, async () => {
        log(`kill ${i}: ${await strike(network, dice)}`)
        return [...(await network.lostBlocks(recent)), ...(await network.lostKeys())]
      })
      // Sometimes everything settles in between, sometimes the next blow falls during recovery.
      if (dice(3) === 0) await check(`recovery after kill ${i}`, async () => (await network.settled(), []))
    }
    await check('recovery', async () => (await network.settled(), []))
    await check('finalised blocks', () => network.lostBlocks([...network.finalised.keys()]))
    await check('keys', () => network.lostKeys())
    await check('registry', () => network.registryFaults())
    await check('progress', async () => {
      const { number } = await network.head()
      await until('three more blocks', async () => ((await network.head()).number >= number + 3 ? true : undefined))
      await network.settled()
      return []
    })
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error))
  } finally {
    if (failures.length > 0) for (const part of network.parts) log(`--- ${part.name}\n${part.tail()}`)
    await network.stop()
  }
  const summary = `kill test: ${kills} kills, seed ${seed}, ${network.finalised.size} finalised blocks and ${network.identities.size} identities watched, ${((Date.now() - startedMs) / 1000).toFixed(1)} s`
  return { passed, failures, summary }
}

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(name)
  return at < 0 ? undefined : process.argv[at + 1]
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { summary, passed, failures } = await runKillTest({
    kills: Number(option('--kills') ?? '20'), seed: option('--seed') ?? String(Date.now()), log: (line) => console.log(line),
  })
  for (const failure of failures) console.log(`failed: ${failure}`)
  console.log(`${summary}\n${passed} passed, ${failures.length} failed`)
  process.exitCode = failures.length === 0 ? 0 : 1
}
