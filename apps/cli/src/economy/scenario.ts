/** Owns the file that `phalanx simulate economy` reads: its shape, bounds and defaults. Everything in it is untrusted; errors name the field. */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import {
  budgetPerBlock, computationGenesisShape, genesisParameters, isBudgetSchedule, isSlashParameters, jsonBool, jsonDefault, jsonInteger, jsonList, jsonObject, jsonOneOf,
  jsonText, type ComputationGenesis, type JsonOf, type JsonShape, type JsonTools,
} from '@phalanx/runtime/economy'
import '../errors.ts'

const DAYS_MAX = 3650
const STEP_SECONDS_MAX = 86_400
const WORKERS_MAX = 20_000
const SETS_MAX = 4
const POPULATIONS_MAX = 20
const PPM_MAX = 1_000_000
const HOURS_MAX = 10_000
const NAME = /^[\w .+-]{1,40}$/
const PHA_TEXT = /^(\d{1,12})(?:\.(\d{1,12}))?$/
const PHA_DIGITS = 12

const expectedAt = (field: string, expected: string): AppError => new AppError('CHAIN_SPEC_MALFORMED', { field, expected })

/** An amount of PHA as decimal text; plancks. */
const jsonPha: JsonShape<bigint> = {
  parse(value, at, tools) {
    const found = PHA_TEXT.exec(jsonText.parse(value, at, tools))
    if (found === null) throw expectedAt(at, 'an amount of PHA as text, such as "5000" or "0.02"')
    return BigInt(`${found[1] ?? '0'}${(found[2] ?? '').padEnd(PHA_DIGITS, '0')}`)
  },
}

const jsonName: JsonShape<string> = {
  parse(value, at, tools) {
    const name = jsonText.parse(value, at, tools)
    if (!NAME.test(name)) throw expectedAt(at, 'a name of 1 to 40 letters, digits, spaces, points or dashes')
    return name
  },
}

const computing = {
  name: jsonName,
  workers: jsonInteger(1, WORKERS_MAX),
  /** Benchmark score of a worker (of a whole machine, for sybils). */
  score: jsonInteger(1, 100_000),
  confidence: jsonDefault(jsonInteger(1, 5), 1),
  /** PHA behind a worker (behind a whole machine, for sybils). */
  stake: jsonPha,
  pools: jsonDefault(jsonInteger(1, 200), 1),
  commissionPpm: jsonDefault(jsonInteger(0, PPM_MAX), 0),
  startDay: jsonDefault(jsonInteger(0, DAYS_MAX), 0),
  hostsContracts: jsonDefault(jsonBool, false),
} as const
const kind = <const T extends string>(name: T) => ({ strategy: jsonOneOf(name) })

/** One shape per strategy. */
const STRATEGIES = {
  honest: jsonObject({ ...kind('honest'), ...computing }),
  flapping: jsonObject({ ...kind('flapping'), ...computing, onlineHours: jsonInteger(1, HOURS_MAX), offlineHours: jsonInteger(1, HOURS_MAX) }),
  lazy: jsonObject({ ...kind('lazy'), ...computing, effortPpm: jsonInteger(0, PPM_MAX) }),
  sybil: jsonObject({ ...kind('sybil'), ...computing, split: jsonInteger(2, 100) }),
  sniper: jsonObject({ ...kind('sniper'), name: jsonName, capital: jsonPha, targets: jsonList(jsonName), fee: jsonDefault(jsonPha, 0n) }),
} as const
type Strategy = keyof typeof STRATEGIES

/** A population: equal participants with one strategy. Amounts in plancks. */
export type Population = { [K in Strategy]: JsonOf<(typeof STRATEGIES)[K]> }[Strategy]
/** A population that runs workers. */
export type ComputingPopulation = Exclude<Population, { readonly strategy: 'sniper' }>
/** A delegator who is in a pool only when it is paid. */
export type SniperPopulation = Extract<Population, { readonly strategy: 'sniper' }>

const jsonPopulation: JsonShape<Population> = {
  parse(value, at, tools) {
    const name = typeof value === 'object' && value !== null ? (value as { strategy?: unknown }).strategy : undefined
    const strategy = jsonOneOf(...(Object.keys(STRATEGIES) as Strategy[])).parse(name, `${at}.strategy`, tools)
    return STRATEGIES[strategy].parse(value, at, tools) as Population
  },
}

/** Sets of parameters by name: each the `PhalaComputation` object of a chain spec. */
const jsonSets: JsonShape<ReadonlyMap<string, ComputationGenesis>> = {
  parse(value, at, tools) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw expectedAt(at, 'an object of named sets')
    const names = Object.keys(value)
    if (names.length < 1 || names.length > SETS_MAX) throw expectedAt(at, `1 to ${SETS_MAX} named sets`)
    return new Map(names.map((name) => {
      jsonName.parse(name, `${at}.${name}`, tools)
      return [name, computationGenesisShape.parse((value as Record<string, unknown>)[name], `${at}.${name}`, tools)]
    }))
  },
}

const shape = jsonObject({
  title: jsonDefault(jsonText, 'Economy'),
  days: jsonInteger(1, DAYS_MAX),
  /** Seconds between challenges; the block time for an exact replay. */
  stepSeconds: jsonDefault(jsonInteger(1, STEP_SECONDS_MAX), 3600),
  sampleHours: jsonDefault(jsonInteger(1, HOURS_MAX), 24),
  /** Unix seconds of the first block. */
  startTime: jsonDefault(jsonInteger(1, 0xffff_ffff), 1_700_000_000),
  /** How many workers of the network each simulated one stands for. */
  scale: jsonDefault(jsonInteger(1, 10_000), 1),
  parameterSets: jsonSets,
  populations: jsonList(jsonPopulation),
})

/** A parsed file. */
export type Scenario = JsonOf<typeof shape>

const checkSet = (scenario: Scenario, name: string, config: ComputationGenesis): void => {
  const at = `parameterSets.${name}`
  try {
    genesisParameters(config)
  } catch {
    throw expectedAt(`${at}.tokenomic`, 'parameters within the ranges that the chain takes')
  }
  if (config.budgetSchedule !== undefined && !isBudgetSchedule(config.budgetSchedule)) throw expectedAt(`${at}.budgetSchedule`, 'a schedule that the chain takes')
  if (config.slash !== undefined && !isSlashParameters(config.slash)) throw expectedAt(`${at}.slash`, 'levels that the chain takes')
  if (scenario.stepSeconds % config.blockTimeSec !== 0) throw expectedAt('stepSeconds', `a multiple of the block time of ${name}, ${config.blockTimeSec} seconds`)
  if (budgetPerBlock(1n << 64n, config.blockTimeSec) === 0n) throw expectedAt(`${at}.blockTimeSec`, 'a block time')
}

/** What shapes cannot say: names that refer to each other, sums. */
const checkWhole = (scenario: Scenario): void => {
  const { populations, parameterSets } = scenario
  if (populations.length < 1 || populations.length > POPULATIONS_MAX) throw expectedAt('populations', `1 to ${POPULATIONS_MAX} populations`)
  const names = populations.map(({ name }) => name)
  populations.forEach((one, i) => {
    const at = `populations[${i}]`
    if (names.indexOf(one.name) !== i) throw expectedAt(`${at}.name`, 'a name that no other population has')
    if (one.strategy === 'sniper') {
      if (one.targets.length === 0) throw expectedAt(`${at}.targets`, 'at least one population')
      one.targets.forEach((target, j) => {
        if (!populations.some(({ name, strategy }) => name === target && strategy !== 'sniper')) throw expectedAt(`${at}.targets[${j}]`, 'the name of a population with workers')
      })
    } else if (one.pools > one.workers) throw expectedAt(`${at}.pools`, 'at most as many pools as workers')
  })
  const workers = populations.reduce((sum, one) => sum + (one.strategy === 'sniper' ? 0 : one.workers * (one.strategy === 'sybil' ? one.split : 1)), 0)
  if (workers < 1 || workers > WORKERS_MAX) throw expectedAt('populations', `1 to ${WORKERS_MAX} workers in all; let one stand for more with scale`)
  for (const [name, config] of parameterSets) checkSet(scenario, name, config)
}

/** Reads a scenario from text; `path` names it in errors. @throws SIM_SCENARIO_MALFORMED */
export const parseScenario = (text: string, path: string): Scenario => {
  const tools: JsonTools = { parseAddress: () => { throw expectedAt('contractAccount', '0x and 64 hex digits') } }
  const refuse = (field: string, expected: string, cause?: unknown): AppError => new AppError('SIM_SCENARIO_MALFORMED', { path, field, expected }, { cause })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw refuse('the file', 'JSON', cause)
  }
  try {
    const scenario = shape.parse(value, '', tools)
    checkWhole(scenario)
    return scenario
  } catch (error) {
    if (!isAppError(error)) throw error
    const { field, expected } = error.context as { field?: string; expected?: string }
    throw refuse(field ?? 'the file', expected ?? 'to go: there is no such field', error)
  }
}
