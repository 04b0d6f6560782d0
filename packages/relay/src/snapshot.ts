/** Owns the relay's account of itself: rows for people, JSON and Prometheus text for machines. Pure. */
import type { CourierStats } from './courier.ts'
import type { CacheView } from './feed-sources.ts'
import type { CacheStats, NodeView } from './node-pool.ts'
import { PHASES, type Phase, type RelayState } from './state.ts'

/** One worker's line. Keys in hex. */
export interface WorkerRow {
  readonly name: string
  readonly pool: string | undefined
  readonly url: string
  readonly identity: string | undefined
  readonly phase: Phase
  readonly reason: string
  readonly code: string | undefined
  readonly fix: string | undefined
  readonly sinceMs: number
  /** Last block it has. */
  readonly block: number
  readonly head: number | undefined
  readonly registered: boolean
  readonly confidence: number
  readonly score: number
  readonly pendingMessages: number
  readonly version: string | undefined
}

/** What one account carried and paid. */
export interface AccountRow extends CourierStats {
  /** Hex account id. */
  readonly account: string
  readonly extrinsics: number
  /** Decimal, in the chain's smallest unit. */
  readonly fees: string
}

/** The relay at one moment. */
export interface RelaySnapshot {
  readonly workers: readonly WorkerRow[]
  readonly nodes: readonly NodeView[]
  /** Other relays' caches that it asks for blocks. */
  readonly caches: readonly CacheView[]
  /** Its own cache. */
  readonly cache: CacheStats
  /** Hex account id that pays for workers without an account of their own, or the first. */
  readonly account: string
  readonly accounts: readonly AccountRow[]
}

/** Line of a state. */
export const rowOf = (who: { readonly name: string; readonly pool: string | undefined; readonly url: string }, state: RelayState): WorkerRow => {
  const { worker, chain, status } = state
  return {
    ...who, identity: worker?.identity, phase: status.phase, reason: status.reason, code: status.code, fix: status.fix === '' ? undefined : status.fix,
    sinceMs: state.sinceMs, block: Math.max(0, state.next - 1), head: chain.kind === 'at' ? chain.head : undefined,
    registered: worker?.registered === true, confidence: worker?.confidence ?? 0, score: worker?.score ?? 0,
    pendingMessages: worker?.pendingMessages ?? 0, version: worker?.version,
  }
}

/** Whether every worker runs. */
const isHealthy = (snapshot: RelaySnapshot): boolean => snapshot.workers.every(({ phase }) => phase === 'running')

const escapeLabel = (value: string): string => value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | string]

const metric = (name: string, help: string, lines: readonly Sample[], type: 'gauge' | 'counter' = 'gauge'): string => {
  const samples = lines.map(([labels, value]) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`).join(',')
    return `${name}${text === '' ? '' : `{${text}}`} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples].join('\n')
}

const workerMetrics = (workers: readonly WorkerRow[]): readonly string[] => {
  const labels = ({ url, name, pool }: WorkerRow): Record<string, string> => ({ worker: url, ...(name === url ? {} : { name }), ...(pool === undefined ? {} : { pool }) })
  const perWorker = (value: (row: WorkerRow) => number): readonly Sample[] => workers.map((row) => [labels(row), value(row)] as const)
  return [
    metric('phalanx_relay_worker_phase', 'Phase of the worker: 1 for the one it is in.',
      workers.flatMap((row) => PHASES.map((phase) => [{ ...labels(row), phase }, phase === row.phase ? 1 : 0] as const))),
    metric('phalanx_relay_workers', 'Workers by phase.', PHASES.map((phase) => [{ phase }, workers.filter((row) => row.phase === phase).length] as const)),
    metric('phalanx_relay_worker_block', 'Last block the worker has.', perWorker((row) => row.block)),
    metric('phalanx_relay_worker_lag_blocks', 'Finalised blocks the worker does not have yet.', perWorker((row) => Math.max(0, (row.head ?? row.block) - row.block))),
    metric('phalanx_relay_worker_pending_messages', 'Messages of the worker that the chain has not acknowledged.', perWorker((row) => row.pendingMessages)),
    metric('phalanx_relay_worker_confidence_level', 'Confidence level the chain gave the worker, 0 while unknown.', perWorker((row) => row.confidence)),
  ]
}

/** Prometheus text, version 0.0.4. */
const toMetrics = ({ workers, nodes, caches, cache, accounts }: RelaySnapshot): string => {
  const perAccount = (value: (row: AccountRow) => number | string): readonly Sample[] => accounts.map((row) => [{ account: row.account }, value(row)] as const)
  return [
    ...workerMetrics(workers),
    metric('phalanx_relay_node_connected', 'Whether the node is connected.', nodes.map((node) => [{ node: node.url }, node.connected ? 1 : 0] as const)),
    metric('phalanx_relay_node_head', 'Last finalised block the node told of.', nodes.map((node) => [{ node: node.url }, node.head ?? 0] as const)),
    metric('phalanx_relay_source_trouble', 'Whether the cache of another relay is in trouble.', caches.map(({ url, trouble }) => [{ cache: url }, trouble === undefined ? 0 : 1] as const)),
    metric('phalanx_relay_cache_blocks', 'Blocks kept for workers and other relays.', [[{}, cache.blocks]]),
    metric('phalanx_relay_cache_bytes', 'Memory that these blocks take.', [[{}, cache.bytes]]),
    metric('phalanx_relay_cache_hits_total', 'Batches of blocks handed out that were in memory or on their way.', [[{}, cache.hits]], 'counter'),
    metric('phalanx_relay_cache_misses_total', 'Questions for blocks to nodes and caches.', [[{}, cache.misses]], 'counter'),
    metric('phalanx_relay_account_extrinsics_total', 'Extrinsics of the account that got into blocks.', perAccount((row) => row.extrinsics), 'counter'),
    metric('phalanx_relay_account_fees_total', 'Fees the account paid, in the smallest unit.', perAccount((row) => row.fees), 'counter'),
    metric('phalanx_relay_account_messages_total', 'Messages that the account carried to the chain.', perAccount((row) => row.delivered), 'counter'),
    metric('phalanx_relay_account_messages_refused_total', 'Messages that the chain refused.', perAccount((row) => row.refused), 'counter'),
    metric('phalanx_relay_account_batches_total', 'Extrinsics that carried messages.', perAccount((row) => row.batches), 'counter'),
    metric('phalanx_relay_account_messages_waiting', 'Messages that wait for the account or for a block.', perAccount((row) => row.queued + row.underWay)),
    '',
  ].join('\n')
}

/** Answer of the status endpoint. */
export interface StatusAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** Routes `/`, `/status`, `/health` and `/metrics`. */
export const answerStatus = (path: string, snapshot: RelaySnapshot): StatusAnswer => {
  const json = (status: number, value: unknown): StatusAnswer => ({ status, contentType: 'application/json', body: `${JSON.stringify(value, undefined, 2)}\n` })
  switch (path) {
    case '/':
    case '/status': return json(200, snapshot)
    case '/health': {
      const troubled = snapshot.workers.filter(({ phase }) => phase !== 'running').map(({ name, url, phase, reason }) => ({ name, url, phase, reason }))
      return json(isHealthy(snapshot) ? 200 : 503, { healthy: isHealthy(snapshot), workers: snapshot.workers.length, troubled })
    }
    case '/metrics': return { status: 200, contentType: 'text/plain; version=0.0.4', body: toMetrics(snapshot) }
    default: return json(404, { error: 'RELAY_PATH_UNKNOWN', fix: 'Ask for /status, /health or /metrics.' })
  }
}
