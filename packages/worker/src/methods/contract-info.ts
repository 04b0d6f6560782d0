/** Owns the handlers that tell of the cluster what anybody may know: contracts by id, roots, counts. */
import { cpus } from 'node:os'
import { keyToBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import { Hash } from '@phalanx/primitives/chain'
import { AppError } from '@phalanx/primitives/errors'
import { contractIdOf } from '@phalanx/primitives/messages'
import type { contractMethods, ContractIdMessage, ContractInfoMessage, ContractParameters, GetClusterInfoResponse, GetContractInfoResponse, StatisticsResponse } from '../api/contracts.ts'
import type { Handlers } from '../api/schema.ts'
import { findDeployed } from '../contracts/cluster/records.ts'
import type { ClusterState, DeployedContract } from '../contracts/cluster/state.ts'
import { inspect, readConfig } from '../contracts/execution/execute.ts'
import type { HttpCount, QueryCount } from '../queries/counters.ts'
import type { MethodContext } from './context.ts'

const MS_PER_SECOND = 1000

const clusterOf = (context: MethodContext): ClusterState | undefined => {
  const state = context.state()
  return state.kind === 'live' ? state.cluster : undefined
}

/** An id of 32 bytes in hex. @throws HEX_MALFORMED, CODEC_ codes */
const parseId = (text: string): Uint8Array => Hash.decode(parseHex(text))

const infoOf = (context: MethodContext, cluster: ClusterState, { id, weight }: DeployedContract): ContractInfoMessage => {
  const info = inspect(cluster.contracts, context.core.crypto).contract(id)
  return { id: toHex(id), codeHash: info === undefined ? '' : toHex(info.codeHash), weight }
}

const getContractInfo = (context: MethodContext, { contracts }: { readonly contracts: readonly string[] }): GetContractInfoResponse => {
  const cluster = clusterOf(context)
  if (cluster === undefined) throw new AppError('QUERY_NO_CLUSTER', {})
  const wanted = contracts.length === 0 ? cluster.deployed : contracts.flatMap((id) => findDeployed(cluster, parseId(id)) ?? [])
  return { contracts: wanted.map((contract) => infoOf(context, cluster, contract)) }
}

const getClusterInfo = (context: MethodContext): GetClusterInfoResponse => {
  const cluster = clusterOf(context)
  if (cluster === undefined) return {}
  const { systemContract } = readConfig(cluster.contracts, context.core.crypto)
  const system = systemContract === undefined ? undefined : toHex(systemContract)
  return {
    info: {
      id: toHex(cluster.id), runtimeVersion: cluster.runtimeVersion.join('.'), stateRoot: toHex(cluster.contracts.root), systemContract: system, loggerContract: system,
      numberOfContracts: BigInt(cluster.deployed.length),
    },
  }
}

const calculateContractId = (context: MethodContext, { deployer, clusterId, codeHash, salt }: ContractParameters): ContractIdMessage => ({
  id: toHex(contractIdOf(context.core.crypto, { deployer: parseId(deployer), clusterId: parseId(clusterId), codeHash: parseId(codeHash), salt: parseHex(salt) })),
})

const queryCount = ({ total, dropped, timeMs }: Readonly<QueryCount>) => ({ total: BigInt(total), dropped: BigInt(dropped), time: BigInt(timeMs) })
const httpCount = ({ requests, failures, byStatus }: Readonly<HttpCount>) => ({
  requests: BigInt(requests), failures: BigInt(failures), byStatusCode: [...byStatus].map(([key, value]) => ({ key, value: BigInt(value) })),
})

/** Counts of the contracts that were named, or of all. */
const entriesOf = <T, R>(counts: ReadonlyMap<string, T>, wanted: ReadonlySet<string> | undefined, tell: (count: T) => R): { readonly key: string; readonly value: R }[] =>
  [...counts].map(([id, count]) => ({ key: toHex(keyToBytes(id)), value: tell(count) })).filter(({ key }) => wanted === undefined || wanted.has(key))

const statistics = (context: MethodContext, { contracts, all }: { readonly contracts: readonly string[]; readonly all: boolean }): StatisticsResponse => {
  const { queries, startedMs } = context.contracts
  const { query, http } = queries.counters
  const wanted = all ? undefined : new Set(contracts.map((id) => toHex(parseId(id))))
  return {
    uptime: BigInt(Math.max(Math.floor((context.nowMs() - startedMs) / MS_PER_SECOND), 0)),
    cores: cpus().length,
    query: { global: queryCount(query.global), byContract: entriesOf(query.byContract, wanted, queryCount) },
    httpEgress: { global: httpCount(http.global), byContract: entriesOf(http.byContract, wanted, httpCount) },
  }
}

/** The telling handlers of `contractMethods`. */
export const contractInfoHandlers: Omit<Handlers<typeof contractMethods, MethodContext>, 'ContractQuery'> = {
  GetContractInfo: getContractInfo, GetClusterInfo: getClusterInfo, CalculateContractId: calculateContractId, Statistics: statistics,
}
