/** The reference's client as npm has it, unmodified and with the polkadot-js that it works with, in a process of its own: finds workers, asks and commands a contract. */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toHex } from '@phalanx/primitives/bytes'
import { deploy, type Network } from '@phalanx/sdk/client'
import { buildAuction, devSigner, openNetwork, readyCluster } from './clusters.ts'
import { startNetwork, type Network as DevNetwork } from './network.ts'

const folder = resolve(import.meta.dirname, 'phala-sdk')
const INSTALL_MS_MAX = 180_000
const RUN_MS_MAX = 120_000

type Step = { readonly step: string } & Readonly<Record<string, unknown>>

const modifiedMs = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Installs the client where it is missing or older than its lock file. */
const install = (): Promise<void> => {
  if (modifiedMs(join(folder, 'node_modules/.package-lock.json')) >= modifiedMs(join(folder, 'package-lock.json'))) return Promise.resolve()
  console.log('installing the reference\'s client (npm ci in test/e2e/phala-sdk)')
  return new Promise((done, failed) => {
    execFile('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, timeout: INSTALL_MS_MAX }, (error) => (error === null ? done() : failed(error)))
  })
}

/** Runs the client; what it told by step, and everything it wrote besides. */
const runClient = (args: readonly string[]): Promise<{ readonly code: number | null; readonly steps: ReadonlyMap<string, Step>; readonly errors: string }> =>
  new Promise((done) => {
    const child = spawn(process.execPath, ['client.mjs', ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS_MAX })
    let [stdout, errors] = ['', '']
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
    child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
    child.once('exit', (code) => {
      const steps = stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Step)
      done({ code, errors, steps: new Map(steps.map((step) => [step.step, step])) })
    })
  })

let dev: DevNetwork
let network: Network
let metadataFolder = ''
let contract = ''
let clusterId = ''

beforeAll(async () => {
  await install()
  dev = await startNetwork({ workers: 2 })
  network = await openNetwork(dev)
  const cluster = await readyCluster(network)
  const { bundle, metadata } = await buildAuction()
  const { id } = await deploy({ bundle, cluster: cluster.id, args: { lot: 'a boat', closesAfter: 0 } }, { network, signer: devSigner(network, '//Alice') })
  metadataFolder = mkdtempSync(join(tmpdir(), 'phalanx-phala-sdk-'))
  writeFileSync(join(metadataFolder, 'auction.json'), JSON.stringify(metadata))
  contract = toHex(id)
  clusterId = toHex(cluster.id)
}, INSTALL_MS_MAX + 180_000)

afterAll(async () => {
  network?.close()
  await dev?.stop()
  if (metadataFolder !== '') rmSync(metadataFolder, { recursive: true, force: true })
}, 30_000)

test('@phala/sdk connects by URL and by discovery, asks, commands and sees the result', { timeout: RUN_MS_MAX + 10_000 }, async () => {
  const [first] = dev.workers
  const { code, steps, errors } = await runClient([dev.rpc, first?.url ?? '', contract, join(metadataFolder, 'auction.json')])
  expect({ code, last: [...steps.keys()].at(-1), errors: code === 0 ? '' : errors }).toEqual({ code: 0, last: 'observed', errors: '' })
  expect(steps.get('by url')).toMatchObject({ cluster: clusterId, worker: first?.identity.slice(2), hasLogger: true })
  expect(steps.get('by discovery')).toMatchObject({ cluster: clusterId })
  expect(dev.workers.map(({ identity, url }) => `${identity} ${url}`)).toContain(`${String(steps.get('by discovery')?.['worker'])} ${String(steps.get('by discovery')?.['endpoint'])}`)
  expect(steps.get('contract')).toMatchObject({ commands: ['bid', 'close'], queries: ['bid', 'close', 'isOpen', 'myBid', 'result'] })
  expect(steps.get('query')).toMatchObject({ isOpen: { ok: true }, myBid: { ok: 0 } })
  expect(steps.get('estimate')).toMatchObject({ isOk: true })
  expect(steps.get('observed')).toMatchObject({ mine: { ok: 7000 }, others: { ok: 0 } })
})
