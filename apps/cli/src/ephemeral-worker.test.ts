/** A worker on a machine without a sealing key, over real sockets: every start registers another worker, and its relay takes that as it comes. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { silentLogger } from '@phalanx/primitives/ports'
import type { Relay } from '@phalanx/relay'
import { createSigner } from '@phalanx/sdk/signer'
import { software, type PlatformKind } from '@phalanx/worker/platform'
import { developmentSpec } from './chain-specs.ts'
import { startNode, type StartedNode } from './start-node.ts'
import { startRelay } from './start-relay.ts'
import { startWorker, type StartedWorker } from './start-worker.ts'
import { systemClock, systemRandom } from './system.ts'

const ALICE = '//Alice'
const BLOCK_TIME_MS = 200

/** The software platform without its key. */
const keyless: PlatformKind = {
  ...software,
  async open(dependencies) {
    const { sealingKey: _none, ...platform } = await software.open(dependencies)
    return platform
  },
}

let crypto: Crypto
let folder = ''
let chain: StartedNode
beforeAll(async () => {
  crypto = await loadCrypto()
  folder = mkdtempSync(join(tmpdir(), 'phalanx-ephemeral-'))
  chain = await startNode(
    { spec: developmentSpec(crypto, BLOCK_TIME_MS), folder: join(folder, 'node'), blockTimeMs: BLOCK_TIME_MS, rpcPort: 0, isUnsafeRpcAllowed: false, isArchive: true, isDev: true, authority: ALICE, isEager: true },
    { crypto, clock: systemClock, logger: silentLogger, onFatal: () => {} },
  )
}, 60_000)
afterAll(async () => {
  await chain.node.stop()
  rmSync(folder, { recursive: true, force: true })
})

const start = (port: number): Promise<StartedWorker> =>
  startWorker({ folder: join(folder, 'sealed'), port, portOption: '--port' }, { crypto, clock: systemClock, random: systemRandom, logger: silentLogger, platform: keyless })

/** Identity of the relay's worker once it runs and is not `other`. */
const runningIdentity = (relay: Relay, other: string): Promise<string> =>
  new Promise((resolve) => {
    const look = (): void => {
      const [row] = relay.snapshot().workers
      if (row?.phase === 'running' && row.identity !== undefined && row.identity !== other) resolve(row.identity)
    }
    relay.onChange(look)
    look()
  })

test('registers anew after every start, and leaves no file', { timeout: 60_000 }, async () => {
  const signer = createSigner({ suri: new Secret(ALICE) }, { crypto, random: systemRandom })
  const first = await start(0)
  const relay = await startRelay({ nodes: [chain.rpc], workers: [{ url: first.url }], signer, operator: signer.accountId }, { crypto, clock: systemClock, random: systemRandom, logger: silentLogger })
  try {
    const identity = await runningIdentity(relay, '')
    await first.worker.stop()
    const second = await start(Number(new URL(first.url).port))
    expect(await runningIdentity(relay, identity)).not.toBe(identity)
    await second.worker.stop()
    expect(readdirSync(join(folder, 'sealed')).filter((name) => name.endsWith('.seal'))).toEqual([])
  } finally {
    relay.close()
  }
})
