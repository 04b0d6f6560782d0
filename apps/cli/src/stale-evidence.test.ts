/** Evidence that names a block which the chain has forgotten: refused under a name of its own, and its relay has it made anew. Over real sockets. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger, type Logger } from '@phalanx/primitives/ports'
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

const relayOf = (suri: string, logger: Logger): Promise<Relay> =>
  startRelay({ nodes: [chain.rpc], workers: [{ url: worker.url, endpoints: [] }], signer: createSigner({ suri: new Secret(suri) }, { crypto, random: systemRandom }) }, { crypto, clock: systemClock, random: systemRandom, logger })

/** Resolves when the worker's row is as asked. Only for what stays so or comes again: what was there in between, another may have covered. */
const until = (relay: Relay, holds: (row: RelaySnapshot['workers'][number]) => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      const [row] = relay.snapshot().workers
      if (row !== undefined && holds(row)) resolve()
    }
    relay.onChange(look)
    look()
  })

/** Why the chain refused registrations: all of them in order, whatever else the relay had to say meanwhile. */
const createRefusalLog = (): { readonly refusals: string[]; readonly logger: Logger } => {
  const refusals: string[] = []
  const debug: Logger['debug'] = (_message, data) => {
    if (data?.['code'] === 'RELAY_REGISTRATION_REFUSED') refusals.push(String(data['reason']))
  }
  return { refusals, logger: { ...silentLogger, debug } }
}

test('is refused by its own name, made anew and registered', { timeout: 60_000 }, async () => {
  // The worker follows the chain and makes its evidence; nobody pays for handing it in. Until there is a block to follow it has none to hand in.
  const poor = await relayOf(POOR, silentLogger)
  await until(poor, ({ code }) => code === 'RELAY_FEES_TOO_LOW')
  poor.close()
  for (let i = 0; i < FORGOTTEN_BLOCKS; i++) await chain.node.seal()
  const { refusals, logger } = createRefusalLog()
  const relay = await relayOf(ALICE, logger)
  await until(relay, ({ phase }) => phase === 'running')
  relay.close()
  expect(refusals).toEqual([expect.stringContaining('PhalaRegistry.UnknownAnchor')])
})
