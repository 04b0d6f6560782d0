/** Owns the relay's status as people read it: a table of workers, then nodes, caches and accounts. */
import type { RelaySnapshot, WorkerRow } from '@phalanx/relay'
import { renderTable, type Style } from './output.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** How long something has lasted, in one short word. */
const age = (ms: number): string => {
  if (ms < 2 * MINUTE_MS) return `${Math.max(0, Math.floor(ms / 1000))}s`
  if (ms < 2 * HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m`
  return ms < 48 * HOUR_MS ? `${Math.floor(ms / HOUR_MS)}h` : `${Math.floor(ms / (24 * HOUR_MS))}d`
}

const paintPhase = ({ phase }: WorkerRow, style: Style): string =>
  phase === 'running' ? style.good(phase) : phase === 'degraded' ? style.warn(phase) : phase === 'halted' ? style.bad(phase) : phase

const lagOf = ({ head, block }: WorkerRow): string => (head === undefined ? '–' : String(Math.max(0, head - block)))

/** Lines of a snapshot taken at `nowMs`: those in trouble come first, with their reasons. */
export const renderRelayStatus = (snapshot: RelaySnapshot, nowMs: number, style: Style): readonly string[] => {
  const rank = ({ phase }: WorkerRow): number => ['halted', 'degraded', 'connecting', 'initialising', 'syncing', 'registering', 'announcing', 'running'].indexOf(phase)
  const workers = [...snapshot.workers].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
  const running = workers.filter(({ phase }) => phase === 'running').length
  const rows = workers.map((row) => [
    row.name, row.pool ?? '–', paintPhase(row, style), age(nowMs - row.sinceMs), String(row.block), lagOf(row), String(row.pendingMessages), String(row.score), row.code ?? '', row.reason,
  ])
  const nodes = snapshot.nodes.map((node) => [node.url, node.connected ? style.good('connected') : style.bad('away'), node.head === undefined ? '–' : String(node.head), node.trouble ?? ''])
  const caches = snapshot.caches.map((cache) => [cache.url, cache.trouble === undefined ? style.good('cache') : style.warn('cache'), '–', cache.trouble ?? ''])
  const accounts = snapshot.accounts.map((row) => [row.account, String(row.delivered), String(row.refused), String(row.queued + row.underWay), String(row.batches), row.fees])
  const { cache } = snapshot
  return [
    `${running} of ${workers.length} workers running`,
    '',
    ...renderTable(['worker', 'pool', 'phase', 'for', 'block', 'lag', 'pending', 'score', 'code', 'reason'], rows, style),
    '',
    ...renderTable(['source', 'state', 'head', 'trouble'], [...nodes, ...caches], style),
    '',
    ...renderTable(['account', 'messages', 'refused', 'waiting', 'batches', 'fees'], accounts, style),
    '',
    `cache: ${cache.blocks} blocks, ${(cache.bytes / (1024 * 1024)).toFixed(1)} MiB, ${cache.hits} hits, ${cache.misses} misses`,
  ]
}
