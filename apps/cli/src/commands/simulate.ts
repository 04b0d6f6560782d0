/** Owns `phalanx simulate economy`: reads scenarios, runs each with each of its sets of parameters, prints, writes CSV and chart. */
import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { renderChart } from '../economy/chart.ts'
import { simulateEconomy } from '../economy/engine.ts'
import type { RunOutcome } from '../economy/outcome.ts'
import { economyToCsv, economyToJson, formatRun } from '../economy/report.ts'
import { parseScenario, type Scenario } from '../economy/scenario.ts'
import { createStyle, printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'
import { readInput } from '../verify/input.ts'

interface SimulateOptions {
  readonly seed: number
  readonly csv?: string
  readonly chart?: string
  readonly json: boolean
}

const write = (path: string, text: string): void => {
  try {
    writeFileSync(path, text)
  } catch (cause) {
    throw new AppError('CLI_FILE_UNWRITABLE', { path, reason: (cause as { code?: string }).code ?? 'unwritable' }, { cause })
  }
}

/** Runs of a scenario; where there are several files, the file is part of a run's name. */
const runsOf = (scenario: Scenario, prefix: string): readonly { readonly run: string; readonly set: string }[] =>
  [...scenario.parameterSets.keys()].map((set) => ({ set, run: prefix === '' ? set : `${prefix} ${set}` }))

/** Runs scenarios. */
export const runSimulateEconomy: Runner = async (io, positional, rawOptions) => {
  const options = rawOptions as unknown as SimulateOptions
  const crypto = await loadCrypto()
  const paths = positional.flat().filter((path) => path !== undefined)
  const scenarios: { readonly path: string; readonly scenario: Scenario }[] = []
  for (const path of paths) scenarios.push({ path, scenario: parseScenario(new TextDecoder().decode(await readInput(io, path)), path) })
  const outcomes: RunOutcome[] = []
  for (const { path, scenario } of scenarios) {
    for (const { run, set } of runsOf(scenario, paths.length === 1 ? '' : basename(path, '.json'))) {
      const config = scenario.parameterSets.get(set)
      if (config === undefined) continue
      const outcome = simulateEconomy({ scenario, run, config, seed: options.seed }, { crypto })
      outcomes.push(outcome)
      if (!options.json) printLine(io.stdout, `${outcomes.length === 1 ? '' : '\n'}${formatRun(outcome, createStyle(io.stdout, io.env))}`)
    }
  }
  if (options.csv !== undefined) write(options.csv, economyToCsv(outcomes))
  if (options.chart !== undefined) write(options.chart, renderChart(scenarios.map(({ scenario }) => scenario.title).join(' · '), outcomes))
  if (options.json) printLine(io.stdout, toJson(economyToJson(outcomes)))
  return 0
}
