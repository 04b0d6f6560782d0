/** Owns putting a relay together: nodes, one account, one driver per worker, and what they report. */
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import type { ChainClient, Signer, WorkerClient } from '@phalanx/sdk'
import './errors.ts'
import { createAccount } from './account.ts'
import { createNodePool } from './node-pool.ts'
import { rowOf, type RelaySnapshot } from './snapshot.ts'
import type { RelayState } from './state.ts'
import { createWorkerDriver, type WorkerDriver } from './worker-driver.ts'

/** One worker to drive. */
export interface RelayedWorker {
  readonly url: string
  /** Public addresses to announce on chain for it. */
  readonly endpoints?: readonly string[]
}

/** What a relay does. */
export interface RelayOptions {
  /** In order of preference. */
  readonly nodes: readonly string[]
  readonly workers: readonly RelayedWorker[]
  readonly signer: Signer
  /** Account that may use the workers. */
  readonly operator?: Uint8Array
  readonly tip?: bigint
  /** Most messages of one worker submitted at once. */
  readonly messagesPerRound?: number
  /** How many blocks behind a worker must be to go on at a checkpoint of the chain; 4,096 unless given. */
  readonly checkpointAfterBlocks?: number
}

/** What a relay works with. */
export interface RelayDependencies {
  readonly connectNode: (url: string) => ChainClient
  readonly connectWorker: (url: string) => WorkerClient
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Completes evidence; without it evidence is passed on as the worker made it. */
  readonly fillCollateral?: (report: Uint8Array) => Promise<Uint8Array>
}

/** A running relay. */
export interface Relay {
  snapshot(): RelaySnapshot
  /** Calls back after every change; returns the way to stop. */
  onChange(listener: (snapshot: () => RelaySnapshot) => void): () => void
  close(): void
}

const MESSAGES_PER_ROUND = 200

/** Starts a relay. It has no state of its own: killing it loses nothing. @throws RELAY_OPTIONS_INVALID */
export const createRelay = (options: RelayOptions, dependencies: RelayDependencies): Relay => {
  if (options.nodes.length === 0) throw new AppError('RELAY_OPTIONS_INVALID', { what: 'no node is given' })
  if (options.workers.length === 0) throw new AppError('RELAY_OPTIONS_INVALID', { what: 'no worker is given' })
  const urls = new Set(options.workers.map(({ url }) => url))
  if (urls.size !== options.workers.length) throw new AppError('RELAY_OPTIONS_INVALID', { what: 'a worker is given twice' })
  const { connectNode, connectWorker, crypto, clock, random, logger, fillCollateral = (report) => Promise.resolve(report) } = dependencies
  const drivers: WorkerDriver[] = []
  const listeners = new Set<(snapshot: () => RelaySnapshot) => void>()
  const account = createAccount({ signer: options.signer, ...(options.tip === undefined ? {} : { tip: options.tip }) }, { crypto, clock })
  const pool = createNodePool(
    { clients: options.nodes.map(connectNode), changed: () => drivers.forEach((driver) => driver.chainChanged()) },
    { clock, logger },
  )
  const snapshot = (): RelaySnapshot => ({
    workers: drivers.map((driver) => rowOf(driver.url, driver.state())), nodes: pool.views(), account: toHex(account.accountId),
  })
  const changed = (_state: RelayState): void => listeners.forEach((listener) => listener(snapshot))
  for (const { url, endpoints = [] } of options.workers) {
    drivers.push(createWorkerDriver(
      { endpoints, messagesPerRound: options.messagesPerRound ?? MESSAGES_PER_ROUND, checkpointAfterBlocks: options.checkpointAfterBlocks, ...(options.operator === undefined ? {} : { operator: options.operator }) },
      { worker: connectWorker(url), pool, account, crypto, clock, random, logger, fillCollateral, changed },
    ))
  }
  return {
    snapshot,
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      listeners.clear()
      for (const driver of drivers) driver.stop()
      pool.close()
    },
  }
}
