/** `phalanx policy` against a chain of its own with workers of three platform families: what it predicts is what happens. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger } from '@phalanx/primitives/ports'
import type { Relay } from '@phalanx/relay'
import { phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import { createSigner } from '@phalanx/sdk/signer'
import { simulatedPlatform } from '@phalanx/worker/platform/table'
import { ALL_FAMILIES, developmentSpec } from '../chain-specs.ts'
import { connectDevChain, type DevChain } from '../dev/dev-chain.ts'
import { startNode, type StartedNode } from '../start-node.ts'
import { startRelay } from '../start-relay.ts'
import { startWorker, type StartedWorker } from '../start-worker.ts'
import { systemClock, systemRandom } from '../system.ts'
import { runCli, type CliRun } from '../testing.ts'

const ALICE = '//Alice'
const BLOCK_TIME_MS = 200
const FAMILIES = ['sgx-1', 'snp-milan', 'tdx-1'] as const
/** Confidence level of a worker that was taken off. */
const CONFIDENCE_NONE = 255

let crypto: Crypto
let folder = ''
let chain: StartedNode
let workers: readonly StartedWorker[] = []
let relay: Relay
let view: DevChain

/** Resolves when every worker runs. */
const running = (): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (relay.snapshot().workers.every(({ phase }) => phase === 'running')) resolve()
    }
    relay.onChange(look)
    look()
  })

beforeAll(async () => {
  crypto = await loadCrypto()
  folder = mkdtempSync(join(tmpdir(), 'phalanx-policy-'))
  const parts = { crypto, clock: systemClock, random: systemRandom, logger: silentLogger }
  chain = await startNode(
    { spec: developmentSpec(crypto, BLOCK_TIME_MS, ALL_FAMILIES), folder: join(folder, 'node'), blockTimeMs: BLOCK_TIME_MS, rpcPort: 0, isUnsafeRpcAllowed: false, isArchive: true, isDev: true, authority: ALICE, isEager: true },
    { ...parts, onFatal: () => {} },
  )
  workers = await Promise.all(FAMILIES.map(async (family) => startWorker({ folder: join(folder, family), port: 0, portOption: '--port' }, { ...parts, platform: await simulatedPlatform.load(family) })))
  relay = await startRelay({ nodes: [chain.rpc], workers: workers.map(({ url }) => ({ url, endpoints: [] })), signer: createSigner({ suri: new Secret(ALICE) }, { crypto, random: systemRandom }) }, parts)
  await running()
  relay.close()
  view = await connectDevChain(chain.rpc, parts)
}, 60_000)
afterAll(async () => {
  view.close()
  await Promise.all(workers.map(({ worker }) => worker.stop()))
  await chain.node.stop()
  rmSync(folder, { recursive: true, force: true })
})

const policy = (...args: readonly string[]): Promise<CliRun> => runCli(['policy', ...args, '--node', chain.rpc])
const withFile = (command: string, change: object | string, ...rest: readonly string[]): Promise<CliRun> => {
  const path = join(folder, 'change.json')
  writeFileSync(path, typeof change === 'string' ? change : JSON.stringify(change))
  return policy(command, '--policy', path, ...rest)
}
const keyOf = (i: number): string => toHex(workers[i]?.worker.identity() ?? new Uint8Array(0))
const family = async (i: number): Promise<Uint8Array> => (await view.read(registry.attestations, parseHex(keyOf(i))))?.family ?? new Uint8Array(0)
const levels = (): Promise<readonly (number | undefined)[]> => Promise.all(FAMILIES.map(async (_, i) => (await view.read(registry.workers, parseHex(keyOf(i))))?.confidenceLevel))

describe('phalanx policy', () => {
  test('shows the policy in force, in the form that it reads', async () => {
    const { exitCode, stdout } = await policy('show', '--json')
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, simulated: true, confidenceLevelMax: 5, blockedFamilies: [] })
    expect(JSON.parse((await policy('show')).stdout)).toEqual(JSON.parse(stdout))
    const whole = await withFile('dry-run', { ...(JSON.parse(stdout) as object), version: 2 }, '--json')
    expect([whole.exitCode, JSON.parse(whole.stdout)]).toEqual([0, { examined: 3, evictions: [] }])
  })

  test('says that a policy which changes nothing evicts nobody, and ends with 0', async () => {
    const { exitCode, stdout } = await withFile('dry-run', { evaluationNumberMin: 0 })
    expect([exitCode, stdout.trim()]).toEqual([0, '0 of 3 workers would be evicted.'])
  })

  test('names whom a blocked family and a stricter level would evict, by which rule, and ends with 1', async () => {
    const blocked = await withFile('dry-run', { blockedFamilies: [toHex(await family(2))] }, '--json')
    expect(blocked.exitCode).toBe(1)
    expect(JSON.parse(blocked.stdout)).toMatchObject({ examined: 3, evictions: [{ pubkey: keyOf(2), error: 'PlatformFamilyRefused', code: 'ATTESTATION_FMSPC_REFUSED' }] })
    const stricter = await withFile('dry-run', { confidenceLevelMax: 1 })
    expect(stricter.exitCode).toBe(1)
    expect(stricter.stdout).toContain(`${keyOf(1)}  `)
    expect(stricter.stdout).toContain('ATTESTATION_CONFIDENCE_TOO_LOW')
    expect(stricter.stdout).toContain('1 of 3 workers would be evicted.')
  })

  test.each([
    ['no policy', 'nothing', 'ATTESTATION_POLICY_MALFORMED'],
    ['a field that is none', { colour: 'red' }, 'ATTESTATION_POLICY_MALFORMED'],
  ])('refuses a file with %s', async (_name, change, code) => {
    for (const command of ['dry-run', 'call']) {
      const { exitCode, stdout } = await withFile(command, change, '--json')
      expect([command, exitCode, (JSON.parse(stdout) as { code?: unknown }).code]).toEqual([command, 1, code])
    }
  })

  test('says that the chain would refuse a policy, and with which error, instead of judging anybody by it', async () => {
    const { exitCode, stdout } = await withFile('dry-run', { roots: ['0x3000'] }, '--json')
    expect([exitCode, JSON.parse(stdout)]).toEqual([1, expect.objectContaining({ code: 'SDK_POLICY_REFUSED' })])
  })

  test('refuses a missing file, and a node that is not there', async () => {
    expect(JSON.parse((await policy('call', '--policy', join(folder, 'none.json'), '--json')).stdout)).toMatchObject({ code: 'CLI_FILE_UNREADABLE' })
    expect(JSON.parse((await runCli(['policy', 'show', '--node', 'ws://127.0.0.1:1', '--json'])).stdout)).toMatchObject({ code: expect.stringMatching(/^SDK_/) })
  })

  test('prints the call that governance submits; it evicts whom the dry run named, and nobody else', { timeout: 30_000 }, async () => {
    const change = { blockedFamilies: [toHex(await family(2))] }
    const predicted = JSON.parse((await withFile('dry-run', change, '--json')).stdout) as { readonly evictions: readonly { readonly pubkey: string }[] }
    const { exitCode, stdout } = await withFile('call', change, '--json')
    expect(exitCode).toBe(0)
    const printed = JSON.parse(stdout) as { readonly version: number; readonly call: string }
    expect(printed.version).toBe(2)
    expect((await withFile('call', change)).stdout.trim()).toBe(printed.call)
    const before = await levels()
    await view.dispatch(view.account(ALICE), 'set the policy', [{ pallet: 'Sudo', call: 'sudo', args: parseHex(printed.call) }])
    while ((await levels())[2] !== CONFIDENCE_NONE) await view.after(view.block)
    expect(predicted.evictions.map(({ pubkey }) => pubkey)).toEqual([keyOf(2)])
    expect(await levels()).toEqual([before[0], before[1], CONFIDENCE_NONE])
    expect((await policy('show', '--json')).stdout).toContain('"version":2')
  })
})
