/** Owns what the chain makes of heartbeats (computation.md section 5): performance, liveness, and whether the worker hosts contracts. */
import type { WorkingReportEvent } from '@phalanx/primitives/messages'
import { workers } from '../phala-registry/storage.ts'
import { now } from '../timestamp/storage.ts'
import type { ComputationContext } from './declaration.ts'
import { instantPerformance } from './formulas.ts'
import { isComputing } from './sessions.ts'
import * as storage from './storage.ts'
import type { Benchmark, HeartbeatRefusal, SessionInfo, SessionRun } from './types.ts'

type Heartbeat = WorkingReportEvent['value']

interface Hit {
  readonly session: Uint8Array
  readonly info: SessionInfo
  readonly run: SessionRun
}

/** What the chain knows of a heartbeat's session, or why the heartbeat has no effect. Late ones count: the answer to a missed challenge brings a worker back. */
const judge = (ctx: ComputationContext, worker: Uint8Array, heartbeat: Heartbeat): Hit | HeartbeatRefusal['kind'] => {
  if (!workers.has(ctx, worker)) return 'WorkerNotRegistered'
  const session = storage.workerBindings.get(ctx, worker)
  if (session === undefined) return 'WorkerNotBound'
  const info = storage.sessions.get(ctx, session)
  const run = storage.sessionRuns.get(ctx, session)
  if (info === undefined || run === undefined || !isComputing(info.state)) return 'NotComputing'
  if (heartbeat.sessionId !== run.sessionId) return 'OtherSession'
  if (heartbeat.challengeBlock >= ctx.block.number || heartbeat.challengeTime > now.get(ctx)) return 'FromTheFuture'
  if (heartbeat.challengeBlock < run.startedAt) return 'BeforeSession'
  if (run.lastChallenge !== undefined && heartbeat.challengeBlock <= run.lastChallenge) return 'Repeated'
  if (now.get(ctx) / 1000n <= info.benchmark.challengeTimeLast) return 'TooEarly'
  return { session, info, run }
}

/** Performance after a heartbeat. A counter that fell back begins there again. `challengeTimeMs` becomes the last challenge's. */
export const updateBenchmark = (
  benchmark: Benchmark, heartbeat: { readonly nowSeconds: bigint; readonly challengeSeconds: bigint; readonly iterations: bigint },
): Benchmark => {
  const { iterations, nowSeconds } = heartbeat
  const since = iterations < benchmark.iterations ? iterations : benchmark.iterations
  const pInstant = instantPerformance({ iterations: iterations - since, seconds: nowSeconds - benchmark.challengeTimeLast, pInit: benchmark.pInit })
  return { ...benchmark, pInstant, challengeTimeLast: heartbeat.challengeSeconds, iterations }
}

/** A worker's heartbeat: takes effect, or is refused with an event that says why. */
export const onHeartbeat = (ctx: ComputationContext, worker: Uint8Array, event: WorkingReportEvent): void => {
  const hit = judge(ctx, worker, event.value)
  if (typeof hit === 'string') {
    ctx.emit('HeartbeatRefused', { worker, reason: { kind: hit } })
    return
  }
  const { session, info, run } = hit
  const { iterations, challengeTime, challengeBlock } = event.value
  const benchmark = updateBenchmark(info.benchmark, { nowSeconds: now.get(ctx) / 1000n, challengeSeconds: challengeTime / 1000n, iterations })
  storage.sessions.set(ctx, session, { ...info, benchmark })
  storage.sessionRuns.set(ctx, session, {
    ...run, lastChallenge: challengeBlock, lastHeartbeatAt: ctx.block.number, hostsContracts: event.kind === 'HeartbeatV2' && event.value.nClusters > 0,
  })
  ctx.emit('BenchmarkUpdated', { session, pInstant: benchmark.pInstant })
}
