/** Owns what `phalanx dev` shows: JSON lines for machines, plain lines for logs, a live picture for terminals. */
import type { RelaySnapshot, WorkerRow } from '@phalanx/relay'
import { createStyle, errorReportOf, printLine, renderTable, stripStyle, toJson, type CliIo, type Style } from '../output.ts'
import { economyLines, eventText, outageText, pha } from './economy-text.ts'
import type { EconomyEvent, EconomyPicture } from './watch.ts'

/** What is known when everything runs. */
export interface DevReady {
  readonly rpc: string
  readonly block: number
  readonly workers: readonly WorkerRow[]
  readonly elapsedMs: number
  readonly basePath: string | undefined
}

/** What is known when all workers compute. Keys in hex; `stake` in plancks. */
export interface DevComputing {
  readonly gatekeepers: readonly string[]
  readonly pool: number
  readonly elapsedMs: number
  readonly block: number
  readonly stake: bigint
}

/** What is known when the example contract can be tried. `try`: a sealed command, and the query whose answer depends on it. */
export interface DevDeployed {
  readonly contract: string
  readonly try: readonly [string, string]
  readonly elapsedMs: number
}

/** A worker was taken off, or started again. */
export interface DevOutage {
  readonly event: 'offline' | 'online'
  readonly worker: string
  readonly block: number
}

/** Told of everything, in order. */
export interface DevView {
  nodeStarted(rpc: string): void
  changed(snapshot: RelaySnapshot): void
  ready(state: DevReady): void
  /** Something on the way to earning failed and is tried again. */
  trouble(error: unknown): void
  computing(state: DevComputing): void
  deployed(state: DevDeployed): void
  /** After every block from then on. */
  economy(picture: EconomyPicture, events: readonly EconomyEvent[]): void
  outage(event: DevOutage): void
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
    trouble: (error) => print({ event: 'trouble', ...errorReportOf(error) }),
    computing: ({ gatekeepers, pool, elapsedMs, block, stake }) => print({ event: 'computing', gatekeepers, pool, elapsedMs, block, stake }),
    deployed: (state) => print({ event: 'deployed', ...state }),
    economy: (_picture, events) => events.forEach(print),
    outage: print,
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

/** What to know once the workers earn. */
const computingLines = (state: DevComputing, style: Style): readonly string[] => [
  `${style.good('computing')} after ${(state.elapsedMs / 1000).toFixed(2)} s   block ${state.block}   pool ${state.pool} with ${pha(state.stake)}`,
  `  gatekeeper          ${state.gatekeepers.map((one) => `${one.slice(0, 10)}…`).join(', ')}`,
  `  silence one         kill -USR2 ${process.pid}   and again to bring it back`,
  '',
]

/** What to try once the example contract runs. */
const deployedLines = ({ contract, try: [command, query], elapsedMs }: DevDeployed, style: Style): readonly string[] => [
  `${style.good('deployed')} after ${(elapsedMs / 1000).toFixed(2)} s   a sealed-bid auction, ${contract.slice(0, 10)}…, with one secret bid in it`,
  '  bid too             ' + command,
  '  then see who won    ' + query,
  '',
]

const troubleText = (error: unknown): string => {
  const { code, cause, fix } = errorReportOf(error)
  return `${code}: ${cause} ${fix}`
}

const createPlainView = (io: CliIo, toAddress: ToAddress): DevView => {
  const changes = createChangeFilter()
  const style = createStyle(io.stdout, io.env)
  return {
    nodeStarted: (rpc) => printLine(io.stdout, `node listens on ${rpc}`),
    changed: (snapshot) => changes(snapshot).forEach((row) => printLine(io.stdout, `worker ${row.url}: ${row.phase}, ${row.reason}${row.fix === undefined ? '' : `; ${row.fix}`}`)),
    ready: (state) => readyLines(state, style, toAddress).forEach((line) => printLine(io.stdout, line)),
    trouble: (error) => printLine(io.stdout, troubleText(error)),
    computing: (state) => computingLines(state, style).forEach((line) => printLine(io.stdout, line)),
    deployed: (state) => deployedLines(state, style).forEach((line) => printLine(io.stdout, line)),
    economy: (_picture, events) => events.forEach((event) => printLine(io.stdout, eventText(event, style))),
    outage: (event) => printLine(io.stdout, outageText(event, style)),
    stopped: () => printLine(io.stdout, 'stopped'),
  }
}

const REDRAW_MS = 80

/** Redraws a block of lines in place; after "ready" only the bottom: the chain, and what the workers earn. */
const createLiveView = (io: CliIo, toAddress: ToAddress): DevView => {
  const style = createStyle(io.stdout, io.env)
  let drawn = 0
  let drawnAtMs = 0
  let rpc = ''
  let isReady = false
  let relayed: RelaySnapshot | undefined
  let picture: EconomyPicture | undefined
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
    const economy = picture === undefined ? [] : economyLines(picture, style)
    return [line, ...economy, ...(troubled === undefined ? [] : [`${style.bad(troubled.phase)} ${troubled.url}: ${troubled.reason}`])]
  }
  const redraw = (): void => {
    drawnAtMs = Date.now()
    if (relayed !== undefined) draw(isReady ? bottom(relayed) : progress(relayed))
  }
  /** Lines that stay, above the picture. */
  const say = (...lines: readonly string[]): void => {
    draw([])
    for (const line of lines) printLine(io.stdout, line)
    redraw()
  }
  return {
    nodeStarted(address) {
      rpc = address
      draw([`${style.bold('chain')}     ${style.link(rpc)}`])
    },
    changed(snapshot) {
      relayed = snapshot
      if (Date.now() - drawnAtMs >= REDRAW_MS) redraw()
    },
    ready(state) {
      draw([])
      isReady = true
      for (const line of readyLines(state, style, toAddress)) printLine(io.stdout, line)
      drawn = 0
    },
    trouble: (error) => say(troubleText(error)),
    computing: (state) => say(...computingLines(state, style)),
    deployed: (state) => say(...deployedLines(state, style)),
    economy(now, events) {
      picture = now
      const told = events.filter(({ event }) => event === 'unresponsive' || event === 'recovered')
      if (told.length > 0) say(...told.map((event) => eventText(event, style)))
      else redraw()
    },
    outage: (event) => say(outageText(event, style)),
    stopped: () => printLine(io.stdout, 'stopped'),
  }
}
