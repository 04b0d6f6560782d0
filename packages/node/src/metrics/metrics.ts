/** Owns the Prometheus metrics of the node. The only door to the metrics library. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { ALARM_EVENTS, type AlarmEvent, type WorkerCounts } from './registry-watch.ts'

/** What is read when the metrics are fetched. */
export interface MetricSources {
  readonly height: () => number
  readonly pool: () => { readonly ready: number; readonly future: number; readonly bytes: number }
  readonly subscriptions: () => number
  readonly checkersReplaced: () => number
  readonly lastBlockAgeMs: () => number | undefined
  readonly workers: () => WorkerCounts
}

/** Metrics of one node. */
export interface NodeMetrics {
  onExecuted(durationMs: number): void
  onBlock(block: { readonly extrinsics: number }): void
  onCall(call: { readonly method: string; readonly durationMs: number; readonly isError: boolean }): void
  onConnections(count: number): void
  onAlarm(alarm: AlarmEvent): void
  /** Text in Prometheus' format. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>
  close(): void
}

const SECOND_MS = 1000
const NANOSECONDS = 1e9
const LATENCY_BUCKETS = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5]

const gauge = (registry: Registry, name: string, help: string, read: () => number): void => {
  new Gauge({
    name, help, registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

const observeProcess = (registry: Registry): (() => void) => {
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const seconds = (value: number): number => (Number.isFinite(value) ? value / NANOSECONDS : 0)
  gauge(registry, 'phalanx_event_loop_lag_seconds', 'Longest delay of the event loop since the last fetch.', () => {
    const max = seconds(delay.max)
    delay.reset()
    return max
  })
  gauge(registry, 'phalanx_event_loop_lag_mean_seconds', 'Mean delay of the event loop since the last fetch.', () => seconds(delay.mean))
  gauge(registry, 'phalanx_memory_resident_bytes', 'Resident memory.', () => process.memoryUsage.rss())
  gauge(registry, 'phalanx_memory_heap_bytes', 'Used heap.', () => process.memoryUsage().heapUsed)
  gauge(registry, 'phalanx_uptime_seconds', 'Time since the process started.', () => process.uptime())
  return () => delay.disable()
}

const observeNode = (registry: Registry, sources: MetricSources): void => {
  gauge(registry, 'phalanx_block_height', 'Number of the newest block.', sources.height)
  gauge(registry, 'phalanx_block_finalized', 'Number of the newest finalised block.', sources.height)
  gauge(registry, 'phalanx_block_age_seconds', 'Time since the newest block was sealed.', () => (sources.lastBlockAgeMs() ?? 0) / SECOND_MS)
  gauge(registry, 'phalanx_pool_ready', 'Transactions ready for the next block.', () => sources.pool().ready)
  gauge(registry, 'phalanx_pool_future', 'Transactions that wait for others.', () => sources.pool().future)
  gauge(registry, 'phalanx_pool_bytes', 'Bytes of all waiting transactions.', () => sources.pool().bytes)
  gauge(registry, 'phalanx_rpc_subscriptions', 'Open subscriptions.', sources.subscriptions)
  gauge(registry, 'phalanx_signature_checkers_replaced', 'Signature checker threads that died and were replaced.', sources.checkersReplaced)
}

const observeWorkers = (registry: Registry, workers: MetricSources['workers']): void => {
  gauge(registry, 'phalanx_workers_standing', 'Attested workers whose evidence counts.', () => workers().standing)
  gauge(registry, 'phalanx_workers_renewal_due', 'Of those, workers in their renewal window: their evidence is about to lapse.', () => workers().renewalDue)
  gauge(registry, 'phalanx_workers_fallen', 'Attested workers whose evidence lapsed or was taken back.', () => workers().fallen)
}

/** Metrics in a registry of their own. */
export const createMetrics = (sources: MetricSources): NodeMetrics => {
  const registry = new Registry()
  const registers = [registry]
  const close = observeProcess(registry)
  observeNode(registry, sources)
  observeWorkers(registry, sources.workers)
  const execution = new Histogram({ name: 'phalanx_block_execution_seconds', help: 'Time to execute a block.', buckets: LATENCY_BUCKETS, registers })
  const blocks = new Counter({ name: 'phalanx_blocks_total', help: 'Blocks added since the start.', registers })
  const extrinsics = new Counter({ name: 'phalanx_extrinsics_total', help: 'Extrinsics in those blocks.', registers })
  const calls = new Histogram({ name: 'phalanx_rpc_call_seconds', help: 'Time to answer a request.', labelNames: ['method'], buckets: LATENCY_BUCKETS, registers })
  const failures = new Counter({ name: 'phalanx_rpc_errors_total', help: 'Requests answered with an error.', labelNames: ['method'], registers })
  const connections = new Gauge({ name: 'phalanx_rpc_connections', help: 'Open connections.', registers })
  const alarms = new Counter({ name: 'phalanx_gatekeeper_alarms_total', help: 'Alarm events since the start: gatekeepers that differ from each other or from the chain.', labelNames: ['event'], registers })
  for (const event of ALARM_EVENTS) alarms.inc({ event }, 0)
  return {
    onAlarm: (event) => alarms.inc({ event }),
    onExecuted: (durationMs) => execution.observe(durationMs / SECOND_MS),
    onBlock(block) {
      blocks.inc()
      extrinsics.inc(block.extrinsics)
    },
    onCall({ method, durationMs, isError }) {
      calls.observe({ method }, durationMs / SECOND_MS)
      if (isError) failures.inc({ method })
    },
    onConnections: (count) => connections.set(count),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    close,
  }
}
