/** Owns the order in which a development network starts to earn: gatekeeper, master key, pool, stake, computing; then every block is watched. Never in the way of "ready". */
import { performance } from 'node:perf_hooks'
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import { phalaComputationStorage as computation } from '@phalanx/runtime/storage'
import { connect } from '@phalanx/sdk/client'
import { prepareMachines } from '@phalanx/worker'
import '../errors.ts'
import { createHttpClient, loadSockets, systemClock, systemRandom } from '../system.ts'
import { POOL_OWNER } from './accounts.ts'
import { startCluster } from './cluster.ts'
import { connectDevChain, untilFound, type DevChain } from './dev-chain.ts'
import type { DevWorker } from './dev-worker.ts'
import { createExampleBuild, deployExample } from './example.ts'
import { isLaunched, listGatekeeper, startGatekeeper, type DevGatekeeper } from './gatekeeper.ts'
import type { Network } from './network.ts'
import { createOutage } from './outage.ts'
import { planStake } from './stake.ts'
import type { DevView } from './view.ts'
import { createEconomyReader, economyEvents, type EconomyPicture, type WatchedWorker } from './watch.ts'

/** What it takes to let the workers of a network earn. */
export interface EconomyParts {
  readonly rpc: string
  readonly workers: readonly DevWorker[]
  readonly view: DevView
  /** Told once nothing more is to be brought up. */
  readonly onSettled: () => void
}

/** What the signal does: nothing until there is somebody to take off. */
interface OutageControl {
  toggle: () => void
}

const RETRY_MS = 1_000
/** Asks the last worker to go offline, or to come back. */
const OUTAGE_SIGNAL = 'SIGUSR2'

const pause = (): Promise<void> => new Promise((resolve) => void systemClock.after(RETRY_MS, resolve))

/** Repeats a step until it succeeds; each new reason is shown once. */
const persist = async <T>(view: DevView, isClosing: () => boolean, attempt: () => Promise<T>): Promise<T> => {
  for (let last = ''; ;) {
    try {
      return await attempt()
    } catch (error) {
      if (isClosing()) throw error
      const text = error instanceof Error ? error.message : String(error)
      if (text !== last) view.trouble(error)
      last = text
      await pause()
    }
  }
}

const identityOf = (worker: DevWorker): Uint8Array => worker.identity() ?? new Uint8Array(0)

/** Brings the pool to where all workers compute; its id. */
const startPool = async (chain: DevChain, workers: readonly DevWorker[]): Promise<bigint> => {
  const owner = chain.account(POOL_OWNER)
  for (;;) {
    const { block } = chain
    const { pid, calls, waiting } = await planStake(chain, owner.accountId, workers.map(identityOf))
    if (waiting === 0) {
      if (calls.length === 0) return pid
      await chain.dispatch(owner, 'stake the workers', calls)
    }
    await chain.after(block)
  }
}

const watchedWorkers = (chain: DevChain, workers: readonly DevWorker[]): Promise<readonly WatchedWorker[]> =>
  Promise.all(workers.map(async (worker) => {
    const identity = identityOf(worker)
    const session = await chain.read(computation.workerBindings, identity)
    if (session === undefined) throw new AppError('CLI_DEV_STEP_REFUSED', { step: 'find the session of a worker', reason: 'it left its pool' })
    return { identity, session }
  }))

/** Shows every block from now on, and plays the outage that was asked for. */
const watch = async (
  network: Network, parts: EconomyParts, found: { readonly chain: DevChain; readonly gatekeeper: DevGatekeeper; readonly pid: bigint; readonly control: OutageControl },
): Promise<void> => {
  const { options, crypto, shutdown } = network
  const { workers, view } = parts
  const { chain, gatekeeper, pid, control } = found
  const http = createHttpClient()
  shutdown.add(() => http.close())
  const read = createEconomyReader({ pid, workers: await watchedWorkers(chain, workers), gatekeeper: gatekeeper.url }, { chain, crypto, http: http.request })
  let last: EconomyPicture = await read()
  view.computing({ gatekeepers: [toHex(gatekeeper.identity)], pool: last.pool, elapsedMs: Math.round(performance.now()), block: last.block, stake: last.stake })
  view.economy(last, economyEvents(undefined, last))
  const outage = createOutage({ offlineAfter: options.offlineAfter, backAfter: options.backAfter }, {
    worker: workers.at(-1) as DevWorker, from: last.block,
    listener: { offline: (event) => view.outage({ event: 'offline', ...event }), online: (event) => view.outage({ event: 'online', ...event }), failed: (error) => view.trouble(error) },
  })
  control.toggle = () => outage.toggle()
  let isReading = false
  const look = async (): Promise<void> => {
    // A picture that takes longer than a block leaves some blocks out.
    if (isReading) return
    isReading = true
    try {
      const now = await read()
      view.economy(now, economyEvents(last, now))
      last = now
      outage.onBlock(now)
    } catch {
      // The next block is another chance; a node that is gone for good ends the command by itself.
    } finally {
      isReading = false
    }
  }
  chain.onBlock(() => void look())
}

/** Brings up the cluster and the example contract. What was there before stays; another example joins it. */
const startContracts = async (
  { base, crypto, logger }: Network, { rpc, workers, view }: EconomyParts, { chain, buildExample }: { readonly chain: DevChain; readonly buildExample: ReturnType<typeof createExampleBuild> },
): Promise<void> => {
  const cluster = await startCluster(chain, workers.map(identityOf))
  const http = createHttpClient()
  const client = await connect({ node: rpc, policy: 'chain', crypto, clock: systemClock, random: systemRandom, logger, http: http.request, createSocket: await loadSockets() })
  try {
    const { contract, commands } = await deployExample(client, cluster, { built: await buildExample(), rpc, folder: base.folder('contracts') })
    view.deployed({ contract, try: commands, elapsedMs: Math.round(performance.now()) })
  } finally {
    client.close()
    http.close()
  }
}

/** Lets the workers of a network earn. Resolves once they are watched; failures are shown and tried again. */
export const startEconomy = async (network: Network, parts: EconomyParts): Promise<void> => {
  const { base, crypto, logger, shutdown } = network
  const { rpc, workers, view } = parts
  const control: OutageControl = { toggle: () => {} }
  // Listened to from the start: unheard it would end the process.
  const onSignal = (): void => control.toggle()
  process.on(OUTAGE_SIGNAL, onSignal)
  shutdown.add(() => void process.off(OUTAGE_SIGNAL, onSignal))
  let isClosing = false
  void shutdown.requested.then(() => (isClosing = true))
  const buildExample = createExampleBuild(crypto)
  if (network.options.contract) {
    // What contracts will need takes its time beside what has to be waited for anyway; whatever fails here is met where it is needed.
    void prepareMachines()
    void buildExample().catch(() => {})
  }
  try {
    const chain = await connectDevChain(rpc, { crypto, clock: systemClock, random: systemRandom, logger })
    shutdown.add(() => chain.close())
    if ((await chain.read(computation.tokenomicParameters)) === undefined) throw new AppError('CLI_DEV_ECONOMY_MISSING', { path: base.path })
    const gatekeeper = await startGatekeeper(network, rpc)
    const patiently = <T>(attempt: () => Promise<T>): Promise<T> => persist(view, () => isClosing, attempt)
    await patiently(() => listGatekeeper(chain, gatekeeper.identity))
    await patiently(() => untilFound(chain, async () => (await isLaunched(chain, gatekeeper.identity)) || undefined))
    const pid = await patiently(() => startPool(chain, workers))
    await patiently(() => watch(network, parts, { chain, gatekeeper, pid, control }))
    if (network.options.contract) await patiently(() => startContracts(network, parts, { chain, buildExample }))
  } catch (error) {
    if (!isClosing) view.trouble(error)
  } finally {
    parts.onSettled()
  }
}
