/** Owns the cluster of a development network: all its workers, made by root, owned by the pool's owner. Every step can be repeated. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import { AccountId, Sr25519Public } from '@phalanx/primitives/chain'
import { struct, u128, variant, vec } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { UNIT } from '@phalanx/primitives/fixed'
import { clusterIdOf } from '@phalanx/primitives/messages'
import { phalaPhatContractsStorage as contracts, phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import '../errors.ts'
import { POOL_OWNER, SUDO } from './accounts.ts'
import { untilFound, type DevChain } from './dev-chain.ts'

/** What the owner has in the cluster from the start. */
const DEPOSIT = 100n * UNIT
/** Prices of the reference's public cluster: gas 5 plancks of 10^-12, a KiB about one PHA, an item 0.03. */
const PRICES = { gasPrice: 5n, depositPerItem: (UNIT * 30_517_578_125n) / 10n ** 12n, depositPerByte: UNIT / 1_023n }

/** Anybody may bring contracts: the only variant that is sent from here. */
const Permission = variant('ClusterPermission', { Public: { index: 0 } })
const addClusterArgs = struct({
  owner: AccountId, permission: Permission, deployWorkers: vec(Sr25519Public), deposit: u128, gasPrice: u128, depositPerItem: u128, depositPerByte: u128,
  treasuryAccount: AccountId,
})

/** The cluster that the workers are in, if any is. */
const clusterOf = async (chain: DevChain, workers: readonly Uint8Array[]): Promise<Uint8Array | undefined> => {
  for (const worker of workers) {
    const cluster = await chain.read(contracts.clusterByWorkers, worker)
    if (cluster !== undefined) return cluster
  }
  return undefined
}

const create = async (chain: DevChain, workers: readonly Uint8Array[]): Promise<void> => {
  const owner = chain.account(POOL_OWNER).accountId
  const args = addClusterArgs.encode({ owner, permission: { kind: 'Public' }, deployWorkers: workers, deposit: DEPOSIT, ...PRICES, treasuryAccount: owner })
  const call = await chain.encode({ pallet: 'PhalaPhatContracts', call: 'add_cluster', args })
  await chain.dispatch(chain.account(SUDO), 'create the cluster', [{ pallet: 'Sudo', call: 'sudo', args: call }])
  if ((await chain.read(contracts.clusters, clusterIdOf(await chain.read(contracts.clusterCounter)))) === undefined)
    throw new AppError('CLI_DEV_STEP_REFUSED', { step: 'create the cluster', reason: 'root\'s call failed' })
}

/**
 * Resolves with the id of the workers' cluster once contracts can be sealed to: its system contract runs and an epoch has begun. @throws CLI_DEV_STEP_REFUSED
 */
export const startCluster = async (chain: DevChain, workers: readonly Uint8Array[]): Promise<Uint8Array> => {
  if ((await clusterOf(chain, workers)) === undefined) await create(chain, workers)
  return untilFound(chain, async () => {
    const cluster = await clusterOf(chain, workers)
    const system = cluster === undefined ? undefined : (await chain.read(contracts.clusters, cluster))?.systemContract
    if (cluster === undefined || system === undefined) return undefined
    const listed = await chain.read(contracts.clusterContracts, cluster)
    const key = await chain.read(registry.contractKeys, system)
    const epoch = await chain.read(contracts.clusterEpoch, cluster)
    const isOpen = epoch !== undefined && epoch.current > 0n && (await chain.read(contracts.contractChannelKeys, system, epoch.current)) !== undefined
    return key !== undefined && isOpen && listed.some((one) => bytesEqual(one, system)) ? cluster : undefined
  })
}
