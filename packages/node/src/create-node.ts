/**
 * Owns the assembly of a node from its parts, and its start and stop. Time, database and crypto are handed in, so that the simulator
 * runs the same node under virtual time; sockets and threads exist only where `listen` is called and `threads` is above 0.
 */
import { toHex } from '@phalanx/primitives/bytes'
import { readPhlx, type Header } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Clock, Kv, Logger } from '@phalanx/primitives/ports'
import { createEventReader, createPhalanxRuntime, type AssembledRuntime } from '@phalanx/runtime'
import type { Runtime, RuntimeEnv, SignatureCheck } from '@phalanx/runtime/frame'
import { createChain, type Chain, type ChainBlock } from './chain.ts'
import { createBlockExecutor } from './engine/block-executor.ts'
import { createEmbeddedEngine } from './engine/embedded.ts'
import type { Engine } from './engine/engine.ts'
import { createAttestation, joinAttestations, readAuthorities } from './engine/finality.ts'
import { createBlockImporter, type BlockImporter } from './engine/import.ts'
import { ensureGenesis } from './genesis.ts'
import { createMetrics, type NodeMetrics } from './metrics/metrics.ts'
import { createRegistryWatch, type RegistryWatch } from './metrics/registry-watch.ts'
import { assertOptions, defaultThreads, KEEP_STATES, type NodeOptions } from './options.ts'
import { createPatience, type Patience } from './patience.ts'
import { createDispatcher, type Client, type Dispatcher, type OpenConnection } from './rpc/dispatcher.ts'
import type { RpcBackend } from './rpc/backend.ts'
import { METHOD_TABLES } from './rpc/methods/index.ts'
import { startRpcServer, type Page, type RpcServer, type ServerOptions } from './rpc/server.ts'
import { startThread } from './start-thread.ts'
import { openBlockStore, type BlockStore } from './storage/block-store.ts'
import { createTxPool, type TxPool } from './txpool/pool.ts'
import { createSignatureChecker, type CheckerThread, type SignatureChecker } from './verify/checker.ts'
import { createVerifiedCache, type VerifiedCache } from './verify/verified-cache.ts'

/** What a node is given of the outside world. */
export interface NodeDependencies {
  readonly kv: Kv
  readonly clock: Clock
  readonly crypto: Crypto
  readonly logger: Logger
  /** Another runtime than the chain's own, for tests. */
  readonly runtime?: AssembledRuntime
  /** Lets other work go on during a long block; default: the next turn of the event loop. */
  readonly yieldToLoop?: () => Promise<void>
  /** Told when the node cannot go on, for example because the disk is full. It has stopped authoring then. */
  readonly onFatal?: (error: unknown) => void
}

/** A running node. */
export interface Node {
  readonly chain: Chain
  readonly pool: TxPool
  readonly runtime: Runtime
  readonly genesisHash: Uint8Array
  head(): { readonly number: number; readonly hash: Uint8Array }
  /** Answers one JSON-RPC message without a socket. */
  handle(text: string): Promise<string | undefined>
  /** Opens an in-process JSON-RPC connection, subscriptions included. */
  connect(client: Client): OpenConnection
  submit(extrinsic: Uint8Array): Promise<Uint8Array>
  /** Authors a block now; its number. */
  seal(): Promise<number>
  /** While eager, blocks follow each other 50 ms apart. */
  setEager(isEager: boolean): void
  /** In dev mode transactions with nothing but messages of these topics wait for the next block that comes anyway: they hurry none. */
  setPatient(topics: readonly Uint8Array[]): void
  readonly importer: BlockImporter
  /** Serves JSON-RPC, metrics and health. @throws RPC_LISTEN_FAILED */
  listen(options?: Partial<ServerOptions>): Promise<{ readonly port: number }>
  /** Ends everything; what was committed stays. Takes well under a second. */
  stop(): Promise<void>
}

const VERIFIED_MAX = 65_536
/** Without a block for this long (plus three block times) an authoring node is not ready. */
const STALL_MS = 60_000

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Parts {
  readonly options: NodeOptions
  readonly dependencies: NodeDependencies
  readonly runtime: AssembledRuntime
  readonly store: BlockStore
  readonly chain: Chain
  readonly checker: SignatureChecker
  readonly verified: VerifiedCache
  readonly env: RuntimeEnv
}

const createPool = ({ options, dependencies, runtime, chain, checker, verified, env }: Parts): TxPool => {
  const { crypto, clock } = dependencies
  const prepare = async (extrinsic: Uint8Array): Promise<readonly SignatureCheck[]> => {
    const number = chain.head().number + 1
    const checks = runtime.signatureChecksOf(extrinsic, {
      crypto, genesisHash: chain.genesisHash, number, blockHash: (wanted) => (wanted < number ? chain.store.hashOf(wanted) : undefined),
    })
    verified.add(checks, await checker.check(checks))
    return checks
  }
  return createTxPool({ ...(options.poolLimits === undefined ? {} : { limits: options.poolLimits }) }, {
    crypto, clock, prepare,
    headNumber: () => chain.head().number,
    forget: (checks) => verified.remove(checks),
    validate(extrinsic, source) {
      const { state, header } = chain.head()
      return runtime.validateTransaction({ state, parent: header, extrinsic, source, env })
    },
  })
}

/** After a crash between commit and finality proof the proof of the head is made again: the same bytes. */
const proveHead = ({ options, dependencies, chain, store, runtime, env }: Parts): void => {
  const { number, hash } = chain.head()
  const { authoritySeed: seed } = options
  if (number === 0 || seed === undefined || store.justification(number) !== undefined) return
  const parent = { state: store.state(number - 1), header: store.header(number - 1) as Header }
  const target = { hash, number }
  const attestation = createAttestation(dependencies.crypto, { seed, authorities: readAuthorities(runtime, parent, env), target })
  if (attestation !== undefined) store.justify(number, joinAttestations(target, [attestation]))
}

const json = (status: number, value: unknown): Page => ({ status, contentType: 'application/json', body: JSON.stringify(value) })

const createPages = (parts: Parts, engine: Engine, metrics: NodeMetrics | undefined, state: { readonly isStopping: () => boolean; readonly hasFailed: () => boolean }) => async (path: string): Promise<Page | undefined> => {
  const { chain, options, dependencies } = parts
  const { isStopping, hasFailed } = state
  const head = { number: chain.head().number, hash: toHex(chain.head().hash) }
  if (path === '/health') return json(200, { status: 'alive', head })
  if (path === '/ready') {
    const { isAuthoring, lastBlockMs, lastError } = engine.health()
    const patienceMs = STALL_MS + ('blockTimeMs' in options.sealing ? 3 * options.sealing.blockTimeMs : 0)
    const isStalled = isAuthoring && options.sealing.kind !== 'manual' && lastBlockMs !== undefined && dependencies.clock.nowMs() - lastBlockMs > patienceMs
    const reason = isStopping() ? 'the node is stopping' : hasFailed() ? 'the database failed' : isStalled ? 'no block was sealed for a while' : undefined
    return json(reason === undefined ? 200 : 503, { status: reason === undefined ? 'ready' : 'not ready', reason, lastError, head })
  }
  if (path !== '/metrics' || metrics === undefined) return undefined
  const { contentType, body } = await metrics.render()
  return { status: 200, contentType, body }
}

const openParts = async (options: NodeOptions, dependencies: NodeDependencies): Promise<Parts> => {
  const { kv, crypto, logger } = dependencies
  const folder = options.folder ?? 'memory'
  const { chainSpec } = options
  const runtime = dependencies.runtime ?? createPhalanxRuntime({ stateVersion: chainSpec.stateVersion }, { crypto })
  const store = openBlockStore({ folder, keepStates: options.isArchive === true ? 'archive' : (options.keepStates ?? KEEP_STATES) }, { kv, crypto })
  const verified = createVerifiedCache({ max: VERIFIED_MAX })
  const env: RuntimeEnv = { crypto, verified: (check) => verified.lookup(check) }
  const genesisHash = await ensureGenesis({ spec: chainSpec, folder }, { store, runtime, env, crypto })
  const chain = createChain({ genesisHash }, { store, runtime, env, onListenerError: (error) => logger.error('a block listener failed', {}, error) })
  const checker = createSignatureChecker(
    { threads: options.threads ?? defaultThreads() },
    { crypto, logger, startThread: () => startThread(new URL('./verify/check.thread.ts', import.meta.url)) as unknown as CheckerThread },
  )
  return { options, dependencies, runtime, store, chain, checker, verified, env }
}

const createBackend = (parts: Parts, rest: { pool: TxPool; engine: Engine; methodNames: () => readonly string[] }): RpcBackend => {
  const { options, dependencies, chain, runtime, env } = parts
  const { name, id, chainType, properties } = options.chainSpec
  return {
    chain, runtime, env, ...rest, crypto: dependencies.crypto, clock: dependencies.clock, logger: dependencies.logger,
    info: { name, id, chainType, properties }, name: options.name ?? 'phalanx', version: options.version ?? '0.1.0',
  }
}

/**
 * Opens the database, writes genesis into a new one, and starts the engine.
 * @throws STORAGE_ codes, OPTIONS_INVALID
 */
export const createNode = async (options: NodeOptions, dependencies: NodeDependencies): Promise<Node> => {
  assertOptions(options)
  const { kv, clock, crypto, logger } = dependencies
  const parts = await openParts(options, dependencies).catch(async (error: unknown) => {
    await kv.close()
    throw error
  })
  const { runtime, chain, checker, store, env } = parts
  const pool = createPool(parts)
  let isStopping = false
  let hasFailed = false
  let server: RpcServer | undefined
  let mayWait: Patience | undefined
  const hasHurriedTransactions = (): boolean => {
    if (mayWait === undefined) return pool.size.ready > 0
    for (const transaction of pool.ready()) if (!mayWait(transaction)) return true
    return false
  }
  const engine = createEmbeddedEngine({ sealing: options.sealing }, {
    clock, logger, hasTransactions: hasHurriedTransactions,
    onFatal: (error) => {
      hasFailed = true
      logger.error('the node cannot go on', {}, error)
      dependencies.onFatal?.(error)
    },
  })
  let dispatcher: Dispatcher
  const metrics: NodeMetrics | undefined = options.hasMetrics === false ? undefined : createMetrics({
    height: () => chain.head().number, pool: () => pool.size, subscriptions: () => dispatcher.subscriptions, checkersReplaced: () => checker.replaced,
    lastBlockAgeMs: () => {
      const { lastBlockMs } = engine.health()
      return lastBlockMs === undefined ? undefined : clock.nowMs() - lastBlockMs
    },
    workers: () => watch?.counts(Number(readPhlx(chain.head().header).timeMs / 1000n)) ?? { standing: 0, renewalDue: 0, fallen: 0 },
  })
  const watch: RegistryWatch | undefined = metrics === undefined ? undefined : createRegistryWatch({ state: chain.head().state }, { crypto, readEvents: createEventReader(runtime), onAlarm: metrics.onAlarm })
  const nowMs = (): number => (options.hasMetrics === false ? clock.nowMs() : performance.now())
  const onExecuted = (durationMs: number): void => metrics?.onExecuted(durationMs)
  const backend = createBackend(parts, { pool, engine, methodNames: () => dispatcher.methodNames })
  dispatcher = createDispatcher(
    { tables: METHOD_TABLES, isUnsafeAllowed: options.isUnsafeRpcAllowed === true, ...(options.rpcLimits === undefined ? {} : { limits: options.rpcLimits }) },
    { backend, logger, observe: (call) => metrics?.onCall(call), nowMs },
  )
  const onBlock = (block: ChainBlock): void => {
    metrics?.onBlock({ extrinsics: block.body.length })
    watch?.onBlock({ changes: block.changes, state: chain.head().state })
    logger.debug('block added', { number: block.number, hash: toHex(block.hash), extrinsics: block.body.length })
    pool.onBlock(block)
  }
  chain.onBlock(onBlock)
  pool.onReady(() => engine.onTransaction())
  const executor = createBlockExecutor({ authoritySeed: options.authoritySeed }, {
    runtime, chain, pool, env, crypto, logger, yieldToLoop: dependencies.yieldToLoop ?? nextTurn, onExecuted, nowMs,
  })
  proveHead(parts)
  await engine.start(executor)
  return {
    chain, pool, runtime,
    genesisHash: chain.genesisHash,
    head: () => chain.head(),
    handle: (text) => dispatcher.handle(text),
    connect: (client) => dispatcher.connect(client),
    submit: (extrinsic) => pool.submit(extrinsic, 'Local'),
    seal: () => engine.seal(),
    setEager: (isEager) => engine.setEager(isEager),
    setPatient: (topics) => void (mayWait = createPatience(topics, runtime.parts.services)),
    importer: createBlockImporter({ runtime, chain, crypto, checker, nowMs, onExecuted }),
    async listen(given = {}) {
      server = await startRpcServer(given, {
        dispatcher, logger, page: createPages(parts, engine, metrics, { isStopping: () => isStopping, hasFailed: () => hasFailed }), onConnections: (count) => metrics?.onConnections(count),
      })
      return { port: server.port }
    },
    async stop() {
      if (isStopping) return
      isStopping = true
      await engine.stop()
      dispatcher.close()
      await server?.close()
      await checker.close()
      metrics?.close()
      await store.close().catch((error: unknown) => logger.error('the database did not close', {}, error))
    },
  }
}
