/** Owns the chart of a simulated economy: one HTML file with SVG, without scripts or anything from elsewhere. Runs stand side by side. */
import type { RunOutcome, Sample } from './outcome.ts'

const WIDTH = 460
const HEIGHT = 220
const LEFT = 74
const BOTTOM = 26
const TOP = 12
const RIGHT = 10
const TICKS = 4
const HOURS_PER_DAY = 24
const PERCENT = 100
const FIXED_SCALE = 2 ** 64
const PLANCK_SCALE = 1e12
const COLOURS = ['#1b6ca8', '#c0392b', '#1e8449', '#8e44ad', '#b9770e', '#117a8b', '#6c3483', '#515a5a', '#d35400', '#2c3e50'] as const

interface Metric {
  readonly title: string
  value(sample: Sample): number | undefined
}

const ofPlanck = (amount: bigint): number => Number(amount) / PLANCK_SCALE
const ofFixed = (bits: bigint): number => Number(bits) / FIXED_SCALE

const METRICS: readonly Metric[] = [
  { title: 'Mean V of a computing worker, PHA', value: ({ meanV }) => (meanV === 0n ? undefined : ofFixed(meanV)) },
  { title: 'Rewards so far, PHA', value: ({ rewards }) => ofPlanck(rewards) },
  { title: 'Share price of the first pool, PHA', value: ({ sharePrice }) => (sharePrice === undefined ? undefined : ofFixed(sharePrice)) },
  { title: 'Time without answer since the sample before, percent', value: ({ silentShare, computing }) => (computing === 0 ? undefined : silentShare * PERCENT) },
  { title: 'Stake slashed so far, PHA', value: ({ slashedStake, computing }) => (computing === 0 ? undefined : ofPlanck(slashedStake)) },
]

const escape = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

const compact = (value: number): string => {
  const [size, suffix] = Math.abs(value) >= 1e9 ? [1e9, 'G'] : Math.abs(value) >= 1e6 ? [1e6, 'M'] : Math.abs(value) >= 1e4 ? [1e3, 'k'] : [1, '']
  return `${Number((value / size).toPrecision(4))}${suffix}`
}

interface Frame {
  readonly lastHour: number
  readonly least: number
  readonly most: number
}

/** The same frame for every run, so that they compare by eye. */
const frameOf = (runs: readonly RunOutcome[], metric: Metric): Frame => {
  const frame = { lastHour: 1, least: Infinity, most: -Infinity }
  for (const { samples } of runs) for (const sample of samples) {
    const value = metric.value(sample)
    if (value === undefined) continue
    frame.lastHour = Math.max(frame.lastHour, sample.hour)
    frame.least = Math.min(frame.least, value)
    frame.most = Math.max(frame.most, value)
  }
  if (frame.least > frame.most) return { ...frame, least: 0, most: 1 }
  return frame.least === frame.most ? { ...frame, least: Math.min(0, frame.least), most: frame.most === 0 ? 1 : frame.most * 1.1 } : frame
}

const xOf = (hour: number, { lastHour }: Frame): number => LEFT + ((WIDTH - LEFT - RIGHT) * hour) / lastHour
const yOf = (value: number, { least, most }: Frame): number => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - least) / (most - least))

const axes = (frame: Frame): string => {
  const parts: string[] = []
  for (let i = 0; i <= TICKS; i++) {
    const value = frame.least + ((frame.most - frame.least) * i) / TICKS
    const y = yOf(value, frame).toFixed(1)
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" class="grid"/><text x="${LEFT - 6}" y="${y}" dy="4" text-anchor="end">${compact(value)}</text>`)
    const hour = (frame.lastHour * i) / TICKS
    parts.push(`<text x="${xOf(hour, frame).toFixed(1)}" y="${HEIGHT - 8}" text-anchor="${i === TICKS ? 'end' : 'middle'}">${compact(hour / HOURS_PER_DAY)}${i === TICKS ? ' d' : ''}</text>`)
  }
  return parts.join('')
}

const lineOf = (samples: readonly Sample[], metric: Metric, frame: Frame, population: string): string =>
  samples.flatMap((sample) => {
    const value = sample.population === population ? metric.value(sample) : undefined
    return value === undefined ? [] : [`${xOf(sample.hour, frame).toFixed(1)},${yOf(value, frame).toFixed(1)}`]
  }).join(' ')

const panel = (run: RunOutcome, metric: Metric, frame: Frame, colourOf: (population: string) => string): string => {
  const lines = run.populations.map(({ name }) => {
    const points = lineOf(run.samples, metric, frame, name)
    return points === '' ? '' : `<polyline points="${points}" stroke="${colourOf(name)}"><title>${escape(name)}</title></polyline>`
  })
  return `<figure><figcaption>${escape(run.run)}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(`${metric.title}, ${run.run}`)}">${axes(frame)}${lines.join('')}</svg></figure>`
}

const STYLE = `body{font:15px system-ui,sans-serif;margin:2rem;color:#222;background:#fff}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}.runs{display:flex;flex-wrap:wrap;gap:1rem}
figure{margin:0;flex:1 1 ${WIDTH}px;max-width:${WIDTH * 1.5}px}figcaption{color:#555}svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:#555}
polyline{fill:none;stroke-width:1.6}.grid{stroke:#ddd}.key span{display:inline-block;margin-right:1.2rem}.key i{display:inline-block;width:1.2em;height:.25em;margin-right:.4em;vertical-align:middle}`

/** The chart of runs as one HTML document. */
export const renderChart = (title: string, runs: readonly RunOutcome[]): string => {
  const names = [...new Set(runs.flatMap(({ populations }) => populations.map(({ name }) => name)))]
  const colourOf = (name: string): string => COLOURS[names.indexOf(name) % COLOURS.length] as string
  const key = names.map((name) => `<span><i style="background:${colourOf(name)}"></i>${escape(name)}</span>`).join('')
  const sections = METRICS.map((metric) => {
    const frame = frameOf(runs, metric)
    return `<h2>${escape(metric.title)}</h2><div class="runs">${runs.map((run) => panel(run, metric, frame, colourOf)).join('')}</div>`
  })
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${escape(title)}</title><style>${STYLE}</style></head>\n<body><h1>${escape(title)}</h1><p class="key">${key}</p>\n${sections.join('\n')}\n</body></html>\n`
}
