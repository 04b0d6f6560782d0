/** Owns the pallet's part of the chain spec: the least stake, how clusters are kept, the system code. */
import { AppError } from '@phalanx/primitives/errors'
import { BUILTIN_SYSTEM_CODE, RESOURCE_BYTES_MAX, TOPICS, type ClusterParameters } from '@phalanx/primitives/messages'
import { jsonBigint, jsonDefault, jsonHex, jsonInteger, jsonObject, jsonOptional, jsonTuple, type JsonOf } from '../../frame/json.ts'
import { queuePalletMessage } from '../phala-mq/push.ts'
import { PHAT_CONTRACTS, type PhatContext } from './declaration.ts'
import * as storage from './storage.ts'
import { writeSystemCode } from './system-code.ts'

const U32_MAX = 0xffff_ffff
/** So many blocks ahead at most, lest block numbers run out. */
const BLOCKS_MAX = 10_000_000

/** Shape of the `PhalaPhatContracts` object of a chain spec; everything has a default. */
export const phatGenesisShape = jsonObject({
  /** Plancks; above zero. */
  clusterMinStake: jsonDefault(jsonBigint(128), storage.CLUSTER_MIN_STAKE),
  rotationPeriodBlocks: jsonDefault(jsonInteger(1, BLOCKS_MAX), storage.CLUSTER_PARAMETERS.rotationPeriodBlocks),
  graceBlocks: jsonDefault(jsonInteger(1, BLOCKS_MAX), storage.CLUSTER_PARAMETERS.graceBlocks),
  reportIntervalBlocks: jsonDefault(jsonInteger(1, BLOCKS_MAX), storage.CLUSTER_PARAMETERS.reportIntervalBlocks),
  /** The system contract built into workers unless told otherwise; none where empty. */
  systemCode: jsonDefault(jsonHex(), BUILTIN_SYSTEM_CODE),
  runtimeVersion: jsonOptional(jsonTuple(jsonInteger(0, U32_MAX), jsonInteger(0, U32_MAX))),
})

/** Parsed form of the shape. */
export type PhatGenesis = JsonOf<typeof phatGenesisShape>

/** The configuration where a chain spec says nothing. */
export const DEFAULT_PHAT_GENESIS: PhatGenesis = phatGenesisShape.parse({}, PHAT_CONTRACTS, { parseAddress: () => new Uint8Array(0) })

const inconsistent = (field: string, reason: string): AppError => new AppError('CHAIN_SPEC_INCONSISTENT', { field: `${PHAT_CONTRACTS}.${field}`, reason })

/** Whether clusters can be kept so: keys last longer than their predecessors' grace. */
export const isSaneClusterParameters = ({ rotationPeriodBlocks, graceBlocks, reportIntervalBlocks }: ClusterParameters): boolean =>
  [rotationPeriodBlocks, graceBlocks, reportIntervalBlocks].every((blocks) => blocks > 0 && blocks <= BLOCKS_MAX) && graceBlocks < rotationPeriodBlocks

/** Writes the genesis state; workers hear of the system code in block 1. @throws CHAIN_SPEC_INCONSISTENT */
export const buildPhatGenesis = (ctx: PhatContext, config: PhatGenesis): void => {
  const { clusterMinStake, rotationPeriodBlocks, graceBlocks, reportIntervalBlocks, systemCode, runtimeVersion } = config
  if (clusterMinStake === 0n) throw inconsistent('clusterMinStake', 'the least stake is above zero')
  const parameters = { rotationPeriodBlocks, graceBlocks, reportIntervalBlocks }
  if (!isSaneClusterParameters(parameters)) throw inconsistent('graceBlocks', 'grace is shorter than the period')
  if (systemCode.length > RESOURCE_BYTES_MAX) throw inconsistent('systemCode', 'a code has 2 MiB at most')
  storage.clusterMinStake.set(ctx, clusterMinStake)
  storage.clusterParameters.set(ctx, parameters)
  queuePalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'Parameters', value: parameters })
  if (runtimeVersion !== undefined) {
    storage.pinkRuntimeVersion.set(ctx, runtimeVersion)
    queuePalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'RuntimeVersion', value: runtimeVersion })
  }
  if (systemCode.length === 0) return
  const { version } = writeSystemCode(ctx, systemCode)
  queuePalletMessage(ctx, PHAT_CONTRACTS, TOPICS.clusterNotice, { kind: 'SystemCode', value: { version, code: systemCode } })
}
