/**
 * Figures of sealed commands through a whole network (`phalanx dev`: a node, three workers that each run every command, relays): from the first hand-over to the last
 * proven receipt, and of deploying: from the code's upload to where the contract can be sealed to. Gas and deposit are given, so that nothing is tried first.
 */
import { resolve } from 'node:path'
import { concatBytes, parseHex, toHex, utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { Secret } from '@phalanx/primitives/crypto'
import { UNIT } from '@phalanx/primitives/fixed'
import { connect, contractOf, createSigner, deploy, type Network, type Signer, type UntypedHandle } from '@phalanx/sdk/client'
import { buildContract, bundleText, findContract, type BuiltContract } from '../apps/cli/src/contract/build-contract.ts'
import { createHttpClient, loadSockets, systemClock, systemRandom } from '../apps/cli/src/system.ts'
import { silentLogger } from '@phalanx/primitives/ports'
import { startDev } from './dev-network.ts'
import type { Figure } from './goals.ts'
import { note } from './note.ts'

const AUCTION = resolve(import.meta.dirname, '../examples/sealed-bid-auction')
const PORTS = ['--rpc-port', '39400', '--worker-port', '39410']
const SELLER = '//Bob'
const BIDDERS = ['//Charlie', '//Dave', '//Eve', '//Ferdie'] as const
const COMMANDS_EACH = process.env['PHALANX_LONG'] === '1' ? 1_000 : 100
const ONE_BY_ONE = 5
const DEPLOYMENTS = 3
const GAS_LIMIT = 10n ** 11n

const send = async (handle: UntypedHandle, amount: bigint): Promise<void> => {
  await handle.send['bid']?.({ amount }, { gasLimit: GAS_LIMIT, deposit: 0n })
}

/** Commands per second: all bidders at once, each with many under way; and one bidder, each after the receipt of the one before. */
const measureCommands = async (handles: readonly UntypedHandle[]): Promise<{ readonly together: number; readonly oneByOne: number }> => {
  const [first] = handles as readonly [UntypedHandle]
  // Brings what bidders pay with into the cluster.
  for (const handle of handles) await handle.send['bid']?.({ amount: UNIT }, { deposit: 1_000n * UNIT })
  const aloneMs = performance.now()
  for (let i = 0; i < ONE_BY_ONE; i++) await send(first, UNIT)
  const oneByOne = ONE_BY_ONE / ((performance.now() - aloneMs) / 1000)
  const startedMs = performance.now()
  await Promise.all(handles.flatMap((handle) => Array.from({ length: COMMANDS_EACH }, (_, i) => send(handle, UNIT + BigInt(i)))))
  return { together: (COMMANDS_EACH * handles.length) / ((performance.now() - startedMs) / 1000), oneByOne }
}

/** The built contract as code that no cluster has yet. */
const asNew = ({ code, ...built }: BuiltContract, hash: (bytes: Uint8Array) => Uint8Array): string => {
  const other = concatBytes(code, utf8(`\n//${toHex(systemRandom.bytes(8))}`))
  return bundleText({ ...built, code: other, metadata: { ...built.metadata, source: { ...built.metadata.source, hash: toHex(hash(other)) } } })
}

interface World {
  readonly network: Network
  readonly signer: Signer
  readonly cluster: Uint8Array
}

const deployMs = async (bundle: string, { network, signer, cluster }: World): Promise<number> => {
  const startedMs = performance.now()
  await deploy({ bundle, cluster, args: { lot: 'another painting', closesAfter: 0 } }, { network, signer })
  return performance.now() - startedMs
}

/** Measures. */
export const bench = async (): Promise<readonly Figure[]> => {
  const crypto = await loadCrypto()
  const built = await buildContract(findContract(AUCTION), { crypto })
  const dev = startDev(PORTS)
  const http = createHttpClient()
  let network: Network | undefined
  try {
    const { rpc = '' } = await dev.next('ready')
    const { contract = '' } = await dev.next('deployed')
    network = await connect({ node: rpc, policy: 'chain', crypto, clock: systemClock, random: systemRandom, logger: silentLogger, http: http.request, createSocket: await loadSockets() })
    const { cluster } = await (await network.state()).contract(parseHex(contract))
    const signerOf = (suri: string): Signer => createSigner({ suri: new Secret(suri) }, { crypto, random: systemRandom })
    const world: World = { network, cluster, signer: signerOf(SELLER) }
    const code = asNew(built, (bytes) => crypto.blake2b256(bytes))
    const fresh: number[] = []
    const again: number[] = []
    for (let i = 0; i < DEPLOYMENTS; i++) {
      fresh.push(await deployMs(asNew(built, (bytes) => crypto.blake2b256(bytes)), world))
      if (i === 0) await deployMs(code, world)
      again.push(await deployMs(code, world))
    }
    const auction = await deploy({ bundle: code, cluster, args: { lot: 'a third painting', closesAfter: 0 } }, { network, signer: world.signer })
    const handles = BIDDERS.map((bidder) => contractOf({ id: auction.id, metadata: built.metadata }, { network: network as Network, signer: signerOf(bidder) }))
    const { together, oneByOne } = await measureCommands(handles)
    const best = (list: readonly number[]): number => Math.min(...list)
    note(`deployed after ${fresh.map((ms) => (ms / 1000).toFixed(2)).join(', ')} s with new code, ${again.map((ms) => (ms / 1000).toFixed(2)).join(', ')} s with code that was there`)
    return [
      { name: 'commands: sealed, submitted to proven receipt, 4 senders, 3 workers', figure: together, unit: '/s', against: 'each after the receipt of the one before', ratio: together / oneByOne },
      { name: 'commands: one sender, each after the receipt of the one before', figure: 1000 / oneByOne, unit: 'ms', against: 'the distance of blocks in production, 1 s', ratio: oneByOne },
      { name: 'deploy: upload to contract key available, best of 3', figure: best(fresh), unit: 'ms', against: 'a contract of code that the cluster has', ratio: best(again) / best(fresh) },
    ]
  } finally {
    network?.close()
    http.close()
    await dev.stop()
  }
}
