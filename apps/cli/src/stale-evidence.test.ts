/** Evidence that names a block which the chain has forgotten: refused under a name of its own, and its relay has it made anew. Over real sockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger } from '@phalanx/primitives/ports'
import type { Relay, RelaySnapshot } from '@phalanx/relay'
import { createSigner } from '@phalanx/sdk/signer'
import { simulatedPlatform } from '@phalanx/worker/platform/table'
import { developmentSpec } from './chain-specs.ts'
import { startNode, type StartedNode } from './start-node.ts'
import { startRelay } from './start-relay.ts'
import { startWorker, type StartedWorker } from './start-worker.ts'
import { systemClock, systemRandom } from './system.ts'

const ALICE = '//Alice'
/** An account that no genesis endows. */
const POOR = '//Nobody in particular'
const BLOCK_TIME_MS = 60_000
/** More blocks than the chain remembers for evidence. */
const FORGOTTEN_BLOCKS = 260

let crypto: Crypto
let folder = ''
let chain: StartedNode
let worker: StartedWorker
beforeAll(async () => {
  crypto = await loadCrypto()
  folder = mkdtempSync(join(tmpdir(), 'phalanx-stale-'))
  const parts = { crypto, clock: systemClock, random: systemRandom, logger: silentLogger }
  chain = await startNode(
    { spec: developmentSpec(crypto, BLOCK_TIME_MS), folder: join(folder, 'node'), blockTimeMs: BLOCK_TIME_MS, rpcPort: 0, isUnsafeRpcAllowed: false, isArchive: true, isDev: true, authority: ALICE, isEager: false },
    { ...parts, onFatal: () => {} },
  )
  worker = await startWorker({ folder: join(folder, 'sealed'), port: 0, portOption: '--port' }, { ...parts, platform: await simulatedPlatform.load() })
}, 60_000)
afterAll(async () => {
  await worker.worker.stop()
  await chain.node.stop()
  rmSync(folder, { recursive: true, force: true })
})

const relayOf = (suri: string): Promise<Relay> =>
  startRelay({ nodes: [chain.rpc], workers: [{ url: worker.url, endpoints: [] }], signer: createSigner({ suri: new Secret(suri) }, { crypto, random: systemRandom }) }, { crypto, clock: systemClock, random: systemRandom, logger: silentLogger })

/** Resolves when the worker's row is as asked; what it showed on the way. */
const until = (relay: Relay, holds: (row: RelaySnapshot['workers'][number]) => boolean): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const shown: string[] = []
    const look = (): void => {
      const [row] = relay.snapshot().workers
      if (row === undefined) return
      shown.push(`${row.phase} ${row.code ?? ''} ${row.reason}`)
      if (holds(row)) resolve(shown)
    }
    relay.onChange(look)
    look()
  })

test('is refused by its own name, made anew and registered', { timeout: 60_000 }, async () => {
  // The worker follows the chain and makes its evidence; nobody pays for handing it in.
  const poor = await relayOf(POOR)
  await until(poor, ({ code }) => code !== undefined)
  poor.close()
  for (let i = 0; i < FORGOTTEN_BLOCKS; i++) await chain.node.seal()
  const relay = await relayOf(ALICE)
  const shown = await until(relay, ({ phase }) => phase === 'running')
  relay.close()
  expect(shown.filter((one) => one.includes('UnknownAnchor')).length).toBeGreaterThan(0)
  expect(shown.at(-1)).toMatch(/^running/)
})
