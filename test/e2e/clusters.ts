/** Owns what tests of clusters share: a development network's cluster, once contracts can be made in it, the example contract, signers. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { clusterIdOf } from '@phalanx/primitives/messages'
import { connect, createSigner, Secret, type Cluster, type Network, type Signer } from '@phalanx/sdk/client'
import { WebSocketClass, type Network as DevNetwork } from './network.ts'

const WAIT_MS = 120_000
const launcher = resolve(import.meta.dirname, '../../apps/cli/bin/phalanx.mjs')
const run = promisify(execFile)

/** A client of a development network: simulated workers count, as its chain says. */
export const openNetwork = (dev: DevNetwork): Promise<Network> => connect({ node: dev.rpc, policy: 'chain', WebSocket: WebSocketClass })

/** A development account. */
export const devSigner = (network: Network, suri: string): Signer => createSigner({ suri: new Secret(suri) }, network.surroundings)

/** The cluster that a development network makes by itself, once its system contract can be spoken to. */
export const readyCluster = async (network: Network): Promise<Cluster> => {
  const id = await network.waitFor({
    what: 'cluster', timeoutMs: WAIT_MS,
    async find(state) {
      // All of it as of one block: the chain's newest may know more.
      const cluster = (await state.clusterCount()) === 0n ? undefined : await state.cluster(clusterIdOf(1n))
      if (cluster === undefined) return undefined
      const system = await state.contract(cluster.systemContract)
      const [key, channel] = await Promise.all([state.contractKey(system.id), state.channelKey(system)])
      return key === undefined || channel === undefined ? undefined : cluster.id
    },
  })
  return network.cluster(id)
}

/** A contract that was built: its bundle's text, and its metadata. */
export interface BuiltExample {
  readonly bundle: string
  readonly metadata: unknown
}

/** The example contract, built from its source as its author would. */
export const buildAuction = async (): Promise<BuiltExample> => {
  const folder = await mkdtemp(join(tmpdir(), 'phalanx-auction-'))
  try {
    await run(process.execPath, [launcher, 'contract', 'build', resolve(import.meta.dirname, '../../examples/sealed-bid-auction'), '--out', folder])
    const [bundle, metadata] = await Promise.all(['contract', 'json'].map((ending) => readFile(join(folder, `sealed_bid_auction.${ending}`), 'utf8')))
    return { bundle: bundle ?? '', metadata: JSON.parse(metadata ?? '') as unknown }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
