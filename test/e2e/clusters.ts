/** Owns what tests of clusters share: a development network's cluster, once contracts can be made in it, the example contract, signers. */
import { resolve } from 'node:path'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { connect, createSigner, type Cluster, type Network, type Signer } from '@phalanx/sdk/client'
import { buildContract, bundleText, findContract, type BuiltContract } from '../../apps/cli/src/contract/build-contract.ts'
import { WebSocketClass, type Network as DevNetwork } from './network.ts'

const WAIT_MS = 120_000
/** A client of a development network: simulated workers count, as its chain says. */
export const openNetwork = (dev: DevNetwork): Promise<Network> => connect({ node: dev.rpc, policy: 'chain', WebSocket: WebSocketClass })

/** A development account. */
export const devSigner = (network: Network, suri: string): Signer => createSigner({ suri: new Secret(suri) }, network.surroundings)

/** The cluster that a development network makes by itself, once its system contract can be spoken to. */
export const readyCluster = async (network: Network): Promise<Cluster> => {
  const id = await network.waitFor({
    what: 'cluster', timeoutMs: WAIT_MS,
    async find(state) {
      const [cluster] = await network.clusters()
      const system = cluster?.systemContract
      if (cluster === undefined || system === undefined) return undefined
      const [key, channel] = await Promise.all([state.contractKey(system), state.channelKey(await state.contract(system))])
      return key === undefined || channel === undefined ? undefined : cluster.id
    },
  })
  return network.cluster(id)
}

/** The example contract, built from its source. */
export const buildAuction = async (crypto: Pick<Crypto, 'blake2b256'>): Promise<BuiltContract & { readonly bundle: string }> => {
  const built = await buildContract(findContract(resolve(import.meta.dirname, '../../examples/sealed-bid-auction')), { crypto })
  return { ...built, bundle: bundleText(built) }
}
