/** Owns what `phalanx dev` shows: JSON lines for machines, plain lines for logs, a live picture for terminals. */
import type { RelaySnapshot, WorkerRow } from '@phalanx/relay'
import { createStyle, printLine, renderTable, stripStyle, toJson, type CliIo, type Style } from '../output.ts'

/** What is known when everything runs. */
export interface DevReady {
  readonly rpc: string
  readonly block: number
  readonly workers: readonly WorkerRow[]
  readonly elapsedMs: number
  readonly basePath: string | undefined
}

/** Told of everything, in order. */
export interface DevView {
  nodeStarted(rpc: string): void
  changed(snapshot: RelaySnapshot): void
  ready(state: DevReady): void
  stopped(): void
}

/** Encodes an identity (hex) as the address people see. */
export type ToAddress = (identity: string) => string

/** The view that fits where the output goes. */
export const createDevView = (io: CliIo, options: { readonly json: boolean; readonly toAddress: ToAddress }): DevView => {
  if (options.json) return createJsonView(io)
  return io.stdout.isTTY === true ? createLiveView(io, options.toAddress) : createPlainView(io, options.toAddress)
}

/** Tells phase changes apart from repetitions. */
const createChangeFilter = (): ((snapshot: RelaySnapshot) => readonly WorkerRow[]) => {
  const seen = new Map<string, string>()
  return (snapshot) =>
    snapshot.workers.filter((row) => {
      const key = `${row.phase} ${row.code ?? ''}`
      if (seen.get(row.url) === key) return false
      seen.set(row.url, key)
      return true
    })
}

const createJsonView = (io: CliIo): DevView => {
  const changes = createChangeFilter()
  const print = (value: object): void => printLine(io.stdout, toJson(value))
  return {
    nodeStarted: (rpc) => print({ event: 'node', rpc }),
    changed: (snapshot) => changes(snapshot).forEach(({ url, identity, phase, reason, code, fix, block }) => print({ event: 'worker', url, identity, phase, reason, code, fix, block })),
    ready: ({ rpc, block, workers, elapsedMs, basePath }) =>
      print({ event: 'ready', rpc, workers: workers.map(({ identity, url }) => ({ identity, url })), elapsedMs, block, basePath }),
    stopped: () => print({ event: 'stopped' }),
  }
}

const phaseText = (style: Style, { phase, code }: WorkerRow): string => {
  const text = code === undefined ? phase : `${phase} ${code}`
  if (phase === 'running') return style.good(text)
  return phase === 'degraded' || phase === 'halted' ? style.bad(text) : style.warn(text)
}

const readyLines = (state: DevReady, style: Style, toAddress: ToAddress): readonly string[] => {
  const rows = state.workers.map((row, i) => [
    String(i + 1), toAddress(row.identity ?? ''), `${(row.identity ?? '').slice(0, 10)}…`, phaseText(style, row), String(row.confidence), style.link(row.url),
  ])
  const [first] = state.workers
  return [
    '',
    `${style.good('ready')} in ${(state.elapsedMs / 1000).toFixed(2)} s   block ${state.block}   RPC ${style.link(state.rpc)}`,
    '',
    ...renderTable(['#', 'worker', 'identity', 'state', 'confidence', 'url'], rows, style),
    '',
    style.bold('next steps'),
    `  look at the chain   ${style.link(`https://polkadot.js.org/apps/?rpc=${encodeURIComponent(state.rpc)}#/explorer`)}`,
    ...(first === undefined ? [] : [`  ask a worker        curl -s ${first.url}/prpc/PhactoryAPI.GetInfo`, `  its state           curl -s ${first.url}/prpc/PhalanxAPI.Status`]),
    `  metrics             curl -s ${state.rpc.replace(/^ws/, 'http')}/metrics`,
    state.basePath === undefined ? '  keep it             phalanx dev --base-path ./my-network' : `  resume it           phalanx dev --base-path ${state.basePath}`,
    `  stop                Ctrl-C`,
    '',
  ]
}

const createPlainView = (io: CliIo, toAddress: ToAddress): DevView => {
  const changes = createChangeFilter()
  const style = createStyle(io.stdout, io.env)
  return {
    nodeStarted: (rpc) => printLine(io.stdout, `node listens on ${rpc}`),
    changed: (snapshot) => changes(snapshot).forEach((row) => printLine(io.stdout, `worker ${row.url}: ${row.phase}, ${row.reason}${row.fix === undefined ? '' : `; ${row.fix}`}`)),
    ready: (state) => readyLines(state, style, toAddress).forEach((line) => printLine(io.stdout, line)),
    stopped: () => printLine(io.stdout, 'stopped'),
  }
}

const REDRAW_MS = 80

/** Redraws a block of lines in place; after "ready" only one line at the bottom. */
const createLiveView = (io: CliIo, toAddress: ToAddress): DevView => {
  const style = createStyle(io.stdout, io.env)
  let drawn = 0
  let drawnAtMs = 0
  let rpc = ''
  let isReady = false
  /** A line that wraps would spoil the counting of lines; cut ones lose their colours. */
  const cut = (line: string): string => {
    const columns = io.stdout.columns === undefined || io.stdout.columns < 20 ? 120 : io.stdout.columns
    const plain = stripStyle(line)
    return plain.length < columns ? line : `${plain.slice(0, columns - 2)}…`
  }
  const draw = (lines: readonly string[]): void => {
    const up = drawn > 0 ? `\u001b[${drawn}A` : ''
    io.stdout.write(`${up}${lines.map((line) => `\r\u001b[2K${cut(line)}\n`).join('')}\u001b[J`)
    drawn = lines.length
  }
  const progress = (snapshot: RelaySnapshot): readonly string[] => [
    `${style.bold('chain')}     block ${snapshot.nodes[0]?.head ?? 0}   ${style.link(rpc)}`,
    ...snapshot.workers.map((row, i) => `${style.bold(`worker ${i + 1}`)}  ${phaseText(style, row)}  ${style.dim(row.reason)}`),
  ]
  const bottom = (snapshot: RelaySnapshot): readonly string[] => {
    const running = snapshot.workers.filter(({ phase }) => phase === 'running').length
    const troubled = snapshot.workers.find(({ phase }) => phase === 'degraded' || phase === 'halted')
    const line = `${style.dim('block')} ${snapshot.nodes[0]?.head ?? 0}   ${running} of ${snapshot.workers.length} workers running`
    return troubled === undefined ? [line] : [line, `${style.bad(troubled.phase)} ${troubled.url}: ${troubled.reason}`]
  }
  return {
    nodeStarted(address) {
      rpc = address
      draw([`${style.bold('chain')}     ${style.link(rpc)}`])
    },
    changed(snapshot) {
      const nowMs = Date.now()
      if (nowMs - drawnAtMs < REDRAW_MS) return
      drawnAtMs = nowMs
      draw(isReady ? bottom(snapshot) : progress(snapshot))
    },
    ready(state) {
      draw([])
      isReady = true
      for (const line of readyLines(state, style, toAddress)) printLine(io.stdout, line)
      drawn = 0
    },
    stopped: () => printLine(io.stdout, 'stopped'),
  }
}
