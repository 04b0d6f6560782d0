/**
 * Owns putting a relay together: nodes, accounts that pay, one driver per worker, and what they report. Workers come, go and are
 * restarted one by one while it runs; a new list is taken as a whole or not at all.
 */
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import type { ChainClient, Signer, WorkerClient } from '@phalanx/sdk'
import './errors.ts'
import { createAccount, type Account } from './account.ts'
import type { BlockServer, CacheClient } from './cache-client.ts'
import { BATCH_LIMITS, createCourier, type BatchLimits, type Courier } from './courier.ts'
import { createNodePool, type PoolSources } from './node-pool.ts'
import { rowOf, type AccountRow, type RelaySnapshot, type WorkerRow } from './snapshot.ts'
import { createWorkerDriver, type WorkerDriver } from './worker-driver.ts'

/** One worker to drive. */
export interface RelayedWorker {
  readonly url: string
  /** What people call it; its address unless given. */
  readonly name?: string
  /** Pool that it belongs to, for people. */
  readonly pool?: string
  /** Public addresses to announce on chain for it. */
  readonly endpoints?: readonly string[]
  /** Account that pays for it, where it is not the relay's. */
  readonly signer?: Signer
  /** Account that may use it, where it is not the relay's. */
  readonly operator?: Uint8Array
}

/** Whom a relay serves, and through whom: what may change while it runs. */
export interface RelayFleet {
  /** Nodes in order of preference: WebSocket addresses; HTTP ones are caches, used for blocks only. */
  readonly nodes: readonly string[]
  readonly workers: readonly RelayedWorker[]
  /** Pays for workers that have no signer of their own. */
  readonly signer?: Signer
  /** Account that may use the workers. */
  readonly operator?: Uint8Array
}

/** What a relay does. */
export interface RelayOptions extends RelayFleet {
  readonly tip?: bigint
  /** Most messages of one worker offered at once. */
  readonly messagesPerRound?: number
  /** How many blocks behind a worker must be to go on at a checkpoint of the chain; 4,096 unless given. */
  readonly checkpointAfterBlocks?: number
  /** Memory for blocks that are fetched once for all; 64 MiB unless given, at least 1 MiB. */
  readonly cacheBytes?: number
  /** Bounds of one extrinsic with messages. */
  readonly batchLimits?: BatchLimits
  /** Reads of one node at a time; 16 unless given. */
  readonly requestsPerNode?: number
}

/** What a relay works with. */
export interface RelayDependencies {
  readonly connectNode: (url: string) => ChainClient
  readonly connectWorker: (url: string) => WorkerClient
  /** Needed where caches are listed among the nodes. */
  readonly connectCache?: (url: string) => CacheClient
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Completes evidence; without it evidence is passed on as the worker made it. */
  readonly fillCollateral?: (report: Uint8Array) => Promise<Uint8Array>
}

/** What taking a new list did, by name. */
export interface FleetChange {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly restarted: readonly string[]
  readonly kept: number
}

/** A running relay. */
export interface Relay {
  snapshot(): RelaySnapshot
  /** One worker's line; undefined where it drives none of that name. */
  row(name: string): WorkerRow | undefined
  /** Calls back after every change, with the name of the worker that changed; returns the way to stop. */
  onChange(listener: (snapshot: () => RelaySnapshot, name: string) => void): () => void
  /** Drives one more. @throws RELAY_OPTIONS_INVALID */
  add(worker: RelayedWorker): void
  /** Stops driving one; the worker itself goes on. @throws RELAY_WORKER_UNKNOWN */
  remove(name: string): void
  /** Forgets what is known of one and begins anew. @throws RELAY_WORKER_UNKNOWN */
  restart(name: string): void
  /** Takes a new list: only what differs is touched. Refused as a whole, with nothing changed. @throws RELAY_OPTIONS_INVALID */
  use(fleet: RelayFleet): FleetChange
  /** Blocks for other relays. */
  readonly server: BlockServer
  close(): void
}

const MESSAGES_PER_ROUND = 200
const CACHE_BYTES = 64 * 1024 * 1024
const CACHE_BYTES_MIN = 1024 * 1024
const REQUESTS_PER_NODE = 16
/** A batch for one worker: all workers' batches together stay within the memory for the cache, as long as these bounds allow. */
const BATCH_BYTES_MIN = 64 * 1024
const BATCH_BYTES_MAX = 8 * 1024 * 1024
/** Batches that a driver may hold. */
const BATCHES_HELD = 3

/** Name of a worker. */
export const nameOf = ({ name, url }: RelayedWorker): string => name ?? url

const isCacheUrl = (url: string): boolean => url.startsWith('http:') || url.startsWith('https:')

/** @throws RELAY_OPTIONS_INVALID */
const checkFleet = ({ nodes, workers, signer }: RelayFleet): void => {
  const refuse = (what: string): AppError => new AppError('RELAY_OPTIONS_INVALID', { what })
  if (nodes.every(isCacheUrl)) throw refuse('no node is given')
  if (new Set(nodes).size !== nodes.length) throw refuse('a node is given twice')
  if (workers.length === 0) throw refuse('no worker is given')
  const urls = new Set<string>()
  const names = new Set<string>()
  for (const worker of workers) {
    const name = nameOf(worker)
    if (urls.has(worker.url) || names.has(name)) throw refuse(`the worker ${name} is given twice`)
    if ((worker.signer ?? signer) === undefined) throw refuse(`nobody pays for the worker ${name}`)
    urls.add(worker.url)
    names.add(name)
  }
}

const sourcesOf = (nodes: readonly string[]): PoolSources => ({ nodes: nodes.filter((url) => !isCacheUrl(url)), caches: nodes.filter(isCacheUrl) })

interface Payer {
  readonly account: Account
  readonly courier: Courier
}

interface Driven {
  readonly spec: RelayedWorker
  /** Everything that a change of makes it begin anew. */
  readonly print: string
  readonly driver: WorkerDriver
}

/** Starts a relay. It has no state of its own: killing it loses nothing. @throws RELAY_OPTIONS_INVALID */
export const createRelay = (options: RelayOptions, dependencies: RelayDependencies): Relay => {
  checkFleet(options)
  if ((options.cacheBytes ?? CACHE_BYTES) < CACHE_BYTES_MIN) throw new AppError('RELAY_OPTIONS_INVALID', { what: `the cache has less than ${CACHE_BYTES_MIN} bytes` })
  const fleet = new Fleet(options, dependencies)
  // Methods of their own, which may be handed on one by one.
  return {
    snapshot: () => fleet.snapshot(), row: (name) => fleet.row(name), onChange: (listener) => fleet.onChange(listener),
    add: (worker) => fleet.add(worker), remove: (name) => fleet.remove(name), restart: (name) => fleet.restart(name), use: (wanted) => fleet.use(wanted),
    server: fleet.server, close: () => fleet.close(),
  }
}

class Fleet implements Relay {
  readonly server: BlockServer
  private readonly options: RelayOptions
  private readonly outside: RelayDependencies
  private readonly pool: ReturnType<typeof createNodePool>
  private readonly driven = new Map<string, Driven>()
  private readonly payers = new Map<string, Payer>()
  private readonly listeners = new Set<(snapshot: () => RelaySnapshot, name: string) => void>()
  private fleet: RelayFleet

  constructor(options: RelayOptions, dependencies: RelayDependencies) {
    this.options = options
    this.outside = dependencies
    this.fleet = options
    const { clock, logger, connectNode, connectCache } = dependencies
    const cacheBytes = options.cacheBytes ?? CACHE_BYTES
    this.pool = createNodePool(
      {
        sources: sourcesOf(options.nodes), connectNode, cacheBytes, requestsPerNode: options.requestsPerNode ?? REQUESTS_PER_NODE,
        connectCache: (url) => {
          if (connectCache === undefined) throw new AppError('RELAY_OPTIONS_INVALID', { what: `caches are not used here: ${url}` })
          return connectCache(url)
        },
        changed: () => this.chainChanged(),
        maxBatchBytes: () => Math.min(BATCH_BYTES_MAX, Math.max(BATCH_BYTES_MIN, Math.floor(cacheBytes / (BATCHES_HELD * Math.max(1, this.driven.size))))),
      },
      { clock, logger },
    )
    this.server = this.pool.server
    for (const worker of options.workers) this.drive(worker)
  }

  snapshot(): RelaySnapshot {
    const payer = this.fleet.signer === undefined ? [...this.payers.values()][0]?.account.accountId : this.fleet.signer.accountId
    return {
      workers: [...this.driven.values()].map((each) => this.rowOf(each)), nodes: this.pool.views(), caches: this.pool.cacheViews(), cache: this.pool.cacheStats(),
      account: payer === undefined ? '' : toHex(payer), accounts: this.accountRows(),
    }
  }

  row(name: string): WorkerRow | undefined {
    const found = this.driven.get(name)
    return found === undefined ? undefined : this.rowOf(found)
  }

  onChange(listener: (snapshot: () => RelaySnapshot, name: string) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  add(worker: RelayedWorker): void {
    const workers = [...[...this.driven.values()].map(({ spec }) => spec), worker]
    checkFleet({ ...this.fleet, workers })
    this.drive(worker)
  }

  remove(name: string): void {
    this.find(name).driver.stop()
    this.driven.delete(name)
    this.dismissPayers()
  }

  restart(name: string): void {
    const { spec, driver } = this.find(name)
    driver.stop()
    this.drive(spec)
  }

  use(fleet: RelayFleet): FleetChange {
    checkFleet(fleet)
    if (this.outside.connectCache === undefined && fleet.nodes.some(isCacheUrl)) throw new AppError('RELAY_OPTIONS_INVALID', { what: 'caches are not used here' })
    const wanted = new Map(fleet.workers.map((worker) => [nameOf(worker), worker]))
    const removed = [...this.driven.keys()].filter((name) => !wanted.has(name))
    this.fleet = fleet
    for (const name of removed) {
      this.find(name).driver.stop()
      this.driven.delete(name)
    }
    const added: string[] = []
    const restarted: string[] = []
    for (const [name, worker] of wanted) {
      const known = this.driven.get(name)
      if (known?.print === this.printOf(worker)) continue
      known?.driver.stop()
      ;(known === undefined ? added : restarted).push(name)
      this.drive(worker)
    }
    this.dismissPayers()
    this.pool.use(sourcesOf(fleet.nodes))
    return { added, removed, restarted, kept: this.driven.size - added.length - restarted.length }
  }

  close(): void {
    this.listeners.clear()
    for (const { driver } of this.driven.values()) driver.stop()
    for (const { courier } of this.payers.values()) courier.close()
    this.pool.close()
  }

  private chainChanged(): void {
    for (const { driver } of this.driven.values()) driver.chainChanged()
  }

  private find(name: string): Driven {
    const found = this.driven.get(name)
    if (found === undefined) throw new AppError('RELAY_WORKER_UNKNOWN', { name })
    return found
  }

  private signerOf(worker: RelayedWorker): Signer {
    const signer = worker.signer ?? this.fleet.signer
    if (signer === undefined) throw new AppError('RELAY_OPTIONS_INVALID', { what: `nobody pays for the worker ${nameOf(worker)}` })
    return signer
  }

  private printOf(worker: RelayedWorker): string {
    const operator = worker.operator ?? this.fleet.operator
    return JSON.stringify([worker.url, worker.pool ?? '', worker.endpoints ?? [], toHex(this.signerOf(worker).accountId), operator === undefined ? '' : toHex(operator)])
  }

  /** Workers of one account share its count of nonces, whichever pools they belong to. */
  private payerOf(signer: Signer): Payer {
    const key = toHex(signer.accountId)
    const known = this.payers.get(key)
    if (known !== undefined) return known
    const { crypto, clock, logger } = this.outside
    const { tip, batchLimits = BATCH_LIMITS } = this.options
    const account = createAccount({ signer, ...(tip === undefined ? {} : { tip }) }, { crypto, clock })
    const courier = createCourier({ account, limits: batchLimits, pick: (genesis) => this.pool.pick(genesis) }, { clock, logger })
    const payer = { account, courier }
    this.payers.set(key, payer)
    return payer
  }

  /** Lets go of accounts that no worker has any more. */
  private dismissPayers(): void {
    const used = new Set([...this.driven.values()].map(({ spec }) => toHex(this.signerOf(spec).accountId)))
    for (const [key, { courier }] of this.payers) {
      if (used.has(key)) continue
      courier.close()
      this.payers.delete(key)
    }
  }

  private drive(worker: RelayedWorker): void {
    const { connectWorker, crypto, clock, random, logger, fillCollateral = (report) => Promise.resolve(report) } = this.outside
    const { messagesPerRound = MESSAGES_PER_ROUND, checkpointAfterBlocks } = this.options
    const name = nameOf(worker)
    const operator = worker.operator ?? this.fleet.operator
    const changed = (): void => this.listeners.forEach((listener) => listener(() => this.snapshot(), name))
    const driver = createWorkerDriver(
      { endpoints: worker.endpoints ?? [], messagesPerRound, checkpointAfterBlocks, ...(operator === undefined ? {} : { operator }) },
      { worker: connectWorker(worker.url), pool: this.pool, ...this.payerOf(this.signerOf(worker)), crypto, clock, random, logger, fillCollateral, changed, connectWorker, peers: () => this.identities() },
    )
    this.driven.set(name, { spec: worker, print: this.printOf(worker), driver })
  }

  /** Workers driven here whose identity is known. */
  private identities(): readonly { readonly identity: string; readonly url: string }[] {
    return [...this.driven.values()].flatMap(({ driver }) => {
      const identity = driver.state().worker?.identity
      return identity === undefined ? [] : [{ identity, url: driver.url }]
    })
  }

  private rowOf({ spec, driver }: Driven): WorkerRow {
    return rowOf({ name: nameOf(spec), pool: spec.pool, url: driver.url }, driver.state())
  }

  private accountRows(): readonly AccountRow[] {
    return [...this.payers].map(([account, payer]) => {
      const { extrinsics, fees } = payer.account.spent()
      return { account, extrinsics, fees: fees.toString(), ...payer.courier.stats() }
    })
  }
}
