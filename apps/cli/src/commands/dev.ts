/** Owns `phalanx dev`: node, relay and workers in one process, over real sockets, until a signal ends it; then a gatekeeper, and the workers earn. */
import { performance } from 'node:perf_hooks'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { encodeSs58, Secret } from '@phalanx/primitives/crypto'
import { parseHex } from '@phalanx/primitives/bytes'
import { TOPICS } from '@phalanx/primitives/messages'
import type { Relay, RelaySnapshot } from '@phalanx/relay'
import { createSigner, type Signer } from '@phalanx/sdk/signer'
import { simulatedPlatform } from '@phalanx/worker/platform/table'
import { openBasePath } from '../base-path.ts'
import { developmentSpec, keptSpec } from '../chain-specs.ts'
import { POOL_OWNER, SUDO, WORKERS_PAYER } from '../dev/accounts.ts'
import { createDevWorker, type DevWorker } from '../dev/dev-worker.ts'
import { startEconomy } from '../dev/economy.ts'
import type { DevOptions, Network } from '../dev/network.ts'
import { createDevView, type DevView } from '../dev/view.ts'
import type { Runner } from '../program.ts'
import { settleAll } from '../settle.ts'
import { createShutdown } from '../shutdown.ts'
import { startNode, type StartedNode } from '../start-node.ts'
import { startRelay } from '../start-relay.ts'
import { createLogger, systemClock, systemRandom } from '../system.ts'

const SS58_PREFIX = 30

const startChain = async ({ options, base, crypto, logger, shutdown, onFatal }: Network): Promise<StartedNode> => {
  const spec = keptSpec(base.path, () => developmentSpec(crypto, options.blockTime, options.families))
  const started = await startNode(
    {
      spec, folder: base.folder('node'), blockTimeMs: options.blockTime, rpcPort: options.rpcPort, isUnsafeRpcAllowed: false, isArchive: true,
      isDev: true, authority: SUDO, isEager: true,
    },
    { crypto, clock: systemClock, logger, onFatal },
  )
  shutdown.add(() => started.node.stop())
  return started
}

const startWorkers = ({ options, base, crypto, logger, shutdown }: Network): Promise<readonly DevWorker[]> => {
  const { families = [] } = options
  return settleAll(
    Array.from({ length: options.workers }, async (_, i) => {
      const port = options.workerPort === 0 ? 0 : options.workerPort + i
      const worker = await createDevWorker(
        { folder: base.folder('workers', String(i + 1)), port, portOption: '--worker-port' },
        { crypto, clock: systemClock, random: systemRandom, logger, platform: await simulatedPlatform.load(families[i % families.length]) },
      )
      shutdown.add(() => worker.stop())
      return worker
    }),
  )
}

/** Resolves when every worker runs; tells the view of everything on the way. */
const watchUntilReady = (relay: Relay, view: DevView): Promise<RelaySnapshot> =>
  new Promise((resolve) => {
    let isReady = false
    const look = (snapshot: () => RelaySnapshot): void => {
      const now = snapshot()
      view.changed(now)
      if (isReady || !now.workers.every(({ phase }) => phase === 'running')) return
      isReady = true
      resolve(now)
    }
    relay.onChange(look)
    look(() => relay.snapshot())
  })

const run = async (network: Network, view: DevView): Promise<void> => {
  const { options, base, crypto, logger, shutdown } = network
  const [chain, workers] = await settleAll([startChain(network), startWorkers(network)])
  view.nodeStarted(chain.rpc)
  let last: RelaySnapshot | undefined
  const accountOf = (suri: string): Signer => createSigner({ suri: new Secret(suri) }, { crypto, random: systemRandom })
  if (workers.length > 0) {
    const relay = await startRelay(
      { nodes: [chain.rpc], workers: workers.map(({ url }) => ({ url, endpoints: [url] })), signer: accountOf(WORKERS_PAYER), operator: accountOf(POOL_OWNER).accountId },
      { crypto, clock: systemClock, random: systemRandom, logger },
    )
    shutdown.add(() => relay.close())
    last = await Promise.race([watchUntilReady(relay, view), shutdown.requested.then(() => undefined)])
    if (last === undefined) return
  }
  chain.node.setEager(false)
  // Every heartbeat would hurry a block with the next challenge. Cluster and contract come up as fast as their own messages.
  chain.node.setPatient([TOPICS.workingReport.topic])
  view.ready({
    rpc: chain.rpc, block: chain.node.head().number, workers: last?.workers ?? [], elapsedMs: Math.round(performance.now()),
    basePath: options.basePath === undefined ? undefined : base.path,
  })
  if (workers.length === 0) return
  // From here on the gatekeeper's votes on what each block brings can wait, too. What clusters say about commands cannot: senders wait for it.
  const onSettled = (): void => chain.node.setPatient([TOPICS.workingReport.topic, TOPICS.gatekeeperVote.topic])
  void startEconomy(network, { rpc: chain.rpc, workers, view, onSettled })
}

/** Runs the network until it is told to end. */
export const runDev: Runner = async (io, _positional, given) => {
  const options = given as unknown as DevOptions
  const shutdown = createShutdown()
  let fatal: unknown
  try {
    const base = openBasePath({ path: options.basePath, kind: 'dev' })
    shutdown.add(() => base.close())
    const [crypto, logger] = await Promise.all([loadCrypto(), createLogger({ level: options.logLevel ?? 'silent', name: 'dev' })])
    const view = createDevView(io, { json: options.json, toAddress: (identity) => (identity === '' ? '' : encodeSs58(crypto, { prefix: SS58_PREFIX, payload: parseHex(identity) })) })
    await run({
      options, base, crypto, logger, shutdown,
      onFatal: (error) => {
        fatal = error
        shutdown.request()
      },
    }, view)
    const why = await shutdown.requested
    await shutdown.close()
    view.stopped()
    if (why === 'failure') throw fatal
    return 0
  } finally {
    await shutdown.close()
  }
}
