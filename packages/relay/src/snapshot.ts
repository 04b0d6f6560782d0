/** Owns the relay's account of itself: rows for people, JSON and Prometheus text for machines. Pure. */
import type { NodeView } from './node-pool.ts'
import { PHASES, type Phase, type RelayState } from './state.ts'

/** One worker's line. Keys in hex. */
export interface WorkerRow {
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

/** The relay at one moment. */
export interface RelaySnapshot {
  readonly workers: readonly WorkerRow[]
  readonly nodes: readonly NodeView[]
  /** Hex account id that pays the fees. */
  readonly account: string
}

/** Line of a state. */
export const rowOf = (url: string, state: RelayState): WorkerRow => {
  const { worker, chain, status } = state
  return {
    url, identity: worker?.identity, phase: status.phase, reason: status.reason, code: status.code, fix: status.fix === '' ? undefined : status.fix,
    sinceMs: state.sinceMs, block: Math.max(0, state.next - 1), head: chain.kind === 'at' ? chain.head : undefined,
    registered: worker?.registered === true, confidence: worker?.confidence ?? 0, score: worker?.score ?? 0,
    pendingMessages: worker?.pendingMessages ?? 0, version: worker?.version,
  }
}

/** Whether every worker runs. */
const isHealthy = (snapshot: RelaySnapshot): boolean => snapshot.workers.every(({ phase }) => phase === 'running')

const escapeLabel = (value: string): string => value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))

const metric = (name: string, help: string, lines: readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[]): string => {
  const samples = lines.map(([labels, value]) => {
    const text = Object.entries(labels).map(([key, label]) => `${key}="${escapeLabel(label)}"`).join(',')
    return `${name}{${text}} ${value}`
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...samples].join('\n')
}

/** Prometheus text, version 0.0.4. */
const toMetrics = ({ workers, nodes }: RelaySnapshot): string => {
  const perWorker = (value: (row: WorkerRow) => number): (readonly [Record<string, string>, number])[] =>
    workers.map((row) => [{ worker: row.url }, value(row)] as const)
  return [
    metric('phalanx_relay_worker_phase', 'Phase of the worker: 1 for the one it is in.',
      workers.flatMap((row) => PHASES.map((phase) => [{ worker: row.url, phase }, phase === row.phase ? 1 : 0] as const))),
    metric('phalanx_relay_worker_block', 'Last block the worker has.', perWorker((row) => row.block)),
    metric('phalanx_relay_worker_lag_blocks', 'Finalised blocks the worker does not have yet.', perWorker((row) => Math.max(0, (row.head ?? row.block) - row.block))),
    metric('phalanx_relay_worker_pending_messages', 'Messages of the worker that the chain has not acknowledged.', perWorker((row) => row.pendingMessages)),
    metric('phalanx_relay_worker_confidence_level', 'Confidence level the chain gave the worker, 0 while unknown.', perWorker((row) => row.confidence)),
    metric('phalanx_relay_node_connected', 'Whether the node is connected.', nodes.map((node) => [{ node: node.url }, node.connected ? 1 : 0] as const)),
    metric('phalanx_relay_node_head', 'Last finalised block the node told of.', nodes.map((node) => [{ node: node.url }, node.head ?? 0] as const)),
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
      const troubled = snapshot.workers.filter(({ phase }) => phase !== 'running').map(({ url, phase, reason }) => ({ url, phase, reason }))
      return json(isHealthy(snapshot) ? 200 : 503, { healthy: isHealthy(snapshot), workers: snapshot.workers.length, troubled })
    }
    case '/metrics': return { status: 200, contentType: 'text/plain; version=0.0.4', body: toMetrics(snapshot) }
    default: return json(404, { error: 'RELAY_PATH_UNKNOWN', fix: 'Ask for /status, /health or /metrics.' })
  }
}
