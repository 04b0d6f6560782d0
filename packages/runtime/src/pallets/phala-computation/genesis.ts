/** Owns computation's part of the chain spec: the economy's parameters, challenges, slashing, the budget schedule. */
import { AppError } from '@phalanx/primitives/errors'
import { fixed } from '@phalanx/primitives/fixed'
import { isSaneParameters, TOPICS, type TokenomicParameters } from '@phalanx/primitives/messages'
import {
  jsonAccount, jsonBigint, jsonBool, jsonDefault, jsonInteger, jsonObject, jsonOptional, jsonText, type JsonOf, type JsonShape,
} from '../../frame/json.ts'
import { queuePalletMessage } from '../phala-mq/push.ts'
import { isBudgetSchedule } from './budget.ts'
import { COMPUTATION, type ComputationContext } from './declaration.ts'
import { defaultParameters } from './parameters.ts'
import { isSlashParameters } from './slashing.ts'
import * as storage from './storage.ts'

const U32_MAX = 0xffff_ffff
const PPM_MAX = 1_000_000
const BLOCK_TIME_SEC = 12
const SECONDS_PER_HOUR = 3600
const COOL_DOWN_SEC = 604_800n
const HALVING_SECONDS = 15_552_000n

/** A decimal number as fixed point bits. */
const jsonFixed: JsonShape<bigint> = {
  parse(value, at, tools) {
    const bits = fixed.parse(jsonText.parse(value, at, tools))
    if (bits === undefined) throw new AppError('CHAIN_SPEC_MALFORMED', { field: at, expected: 'a decimal number as text' })
    return bits
  },
}

const rate = jsonOptional(jsonFixed)

const scheduleShape = jsonObject({
  /** Unix seconds; 0: the chain's first block. */
  anchor: jsonDefault(jsonBigint(64), 0n),
  periodAtAnchor: jsonDefault(jsonInteger(0, U32_MAX), 0),
  periodSeconds: jsonDefault(jsonBigint(64), HALVING_SECONDS),
  budgetPerDay: jsonDefault(jsonFixed, fixed.fromInteger(720_000)),
  share: jsonDefault(jsonFixed, fixed.fromInteger(1)),
  factor: jsonDefault(jsonFixed, fixed.divInteger(fixed.fromInteger(3), 4)),
})
const slashShape = jsonObject({
  enabled: jsonDefault(jsonBool, true),
  level1PerHour: jsonDefault(jsonInteger(0, PPM_MAX), 1000),
  level2: jsonDefault(jsonInteger(0, PPM_MAX), 10_000),
  level3: jsonDefault(jsonInteger(0, PPM_MAX), 100_000),
  level4: jsonDefault(jsonInteger(0, PPM_MAX), 1_000_000),
  intervalBlocks: jsonDefault(jsonInteger(1, U32_MAX), 25),
})

/** Shape of the `PhalaComputation` object of a chain spec. Everything has a default; rates are per block. */
export const computationGenesisShape = jsonObject({
  /** Seconds per block that defaults, challenges and the budget reckon with. */
  blockTimeSec: jsonDefault(jsonInteger(1, 3600), BLOCK_TIME_SEC),
  heartbeatPaused: jsonDefault(jsonBool, false),
  expectedHeartbeatCount: jsonOptional(jsonInteger(1, 10_000)),
  /** Most heartbeats asked of a worker in an hour: a development chain asks often. */
  heartbeatsPerWorkerHour: jsonDefault(jsonInteger(1, SECONDS_PER_HOUR), storage.HEARTBEATS_PER_WORKER_HOUR),
  coolDownPeriodSec: jsonDefault(jsonBigint(32), COOL_DOWN_SEC),
  /** Whether workers must register after the gatekeepers' launch, as the reference demands: ours are told of earlier ones. */
  checkWorkerRegisterTime: jsonDefault(jsonBool, false),
  contractAccount: jsonOptional(jsonAccount),
  /** Differences from the default parameters. */
  tokenomic: jsonDefault(
    jsonObject({
      phaRate: rate, rho: rate, budgetPerBlock: rate, vMax: rate, costK: rate, costB: rate, slashRate: rate, treasuryRatio: rate,
      heartbeatWindow: jsonOptional(jsonInteger(1, U32_MAX)), rigK: rate, rigB: rate, re: rate, k: rate, kappa: rate,
    }),
    undefined,
  ),
  /** `null` for none. */
  budgetSchedule: jsonDefault(jsonOptional(scheduleShape), scheduleShape.parse({}, 'budgetSchedule', { parseAddress: () => new Uint8Array(32) })),
  slash: jsonDefault(slashShape, undefined),
})

/** Parsed form of the shape. */
export type ComputationGenesis = JsonOf<typeof computationGenesisShape>

/** The configuration where a chain spec says nothing. */
export const DEFAULT_COMPUTATION_GENESIS: ComputationGenesis = computationGenesisShape.parse({}, COMPUTATION, { parseAddress: () => new Uint8Array(32) })

const defined = <T extends object>(values: T | undefined): Partial<T> =>
  Object.fromEntries(Object.entries(values ?? {}).filter(([, value]) => value !== undefined)) as Partial<T>

const inconsistent = (field: string): AppError => new AppError('CHAIN_SPEC_INCONSISTENT', { field: `${COMPUTATION}.${field}`, reason: 'a value is out of its range' })

/** The economy's parameters that a configuration comes to. @throws CHAIN_SPEC_INCONSISTENT */
export const genesisParameters = (config: ComputationGenesis): TokenomicParameters => {
  const params: TokenomicParameters = { ...defaultParameters(config.blockTimeSec), ...(defined(config.tokenomic) as Partial<TokenomicParameters>) }
  if (!isSaneParameters(params)) throw inconsistent('tokenomic')
  return params
}

/** Writes the genesis state; the gatekeepers hear of the parameters in block 1. @throws CHAIN_SPEC_INCONSISTENT */
export const buildComputationGenesis = (ctx: ComputationContext, config: ComputationGenesis): void => {
  const params = genesisParameters(config)
  storage.tokenomicParameters.set(ctx, params)
  queuePalletMessage(ctx, COMPUTATION, TOPICS.gatekeeperEvent, { kind: 'TokenomicParametersChanged', value: params })
  storage.blockTimeSec.set(ctx, config.blockTimeSec)
  storage.heartbeatPaused.set(ctx, config.heartbeatPaused)
  storage.heartbeatsPerWorkerHour.set(ctx, config.heartbeatsPerWorkerHour)
  storage.coolDownPeriod.set(ctx, config.coolDownPeriodSec)
  storage.checkWorkerRegisterTime.set(ctx, config.checkWorkerRegisterTime)
  if (config.expectedHeartbeatCount !== undefined) storage.expectedHeartbeatCount.set(ctx, config.expectedHeartbeatCount)
  if (config.contractAccount !== undefined) storage.contractAccount.set(ctx, config.contractAccount)
  if (config.blockTimeSec !== BLOCK_TIME_SEC)
    storage.maxBudgetLimit.mutate(ctx, (limit) => fixed.divInteger(fixed.mulInteger(limit, config.blockTimeSec), BLOCK_TIME_SEC))
  if (config.slash !== undefined) {
    if (!isSlashParameters(config.slash)) throw inconsistent('slash')
    storage.slashParameters.set(ctx, config.slash)
  }
  if (config.budgetSchedule !== undefined) {
    if (!isBudgetSchedule(config.budgetSchedule)) throw inconsistent('budgetSchedule')
    storage.budgetSchedule.set(ctx, config.budgetSchedule)
  }
}
