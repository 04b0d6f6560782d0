/** Owns the example contract of a development network: built from its source, deployed, with one sealed bid in it, and the two commands that find the rest out. */
import { join, resolve } from 'node:path'
import { toHex, utf8 } from '@phalanx/primitives/bytes'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { UNIT } from '@phalanx/primitives/fixed'
import { contractIdOf } from '@phalanx/primitives/messages'
import { contractOf, createSigner, deploy, type Network, type Signer } from '@phalanx/sdk/client'
import { buildContract, bundleText, findContract, metadataText, type BuiltContract } from '../contract/build-contract.ts'
import { systemRandom } from '../system.ts'
import { writeTextFile } from '../write-file.ts'
import { POOL_OWNER } from './accounts.ts'

const SOURCE = resolve(import.meta.dirname, '../../../../examples/sealed-bid-auction')
/** Bids first, so that an answer depends on two senders. */
const FIRST_BIDDER = '//Charlie'
const FIRST_BID = 120n * UNIT
/** Whom the commands to try act for, and what that account offers: more, so that the price is the other's secret bid. */
const NEXT_BIDDER = '//Dave'
const NEXT_BID = 150n * UNIT
/** The same at every start, so that a network that goes on finds its example again. */
const SALT = utf8('example')
const DEFAULT_PORT = '9944'

/** Builds the example's source when it is asked first, and again only after a failure. */
export const createExampleBuild = (crypto: Crypto): (() => Promise<BuiltContract>) => {
  let building: Promise<BuiltContract> | undefined
  return () => {
    if (building !== undefined) return building
    building = buildContract(findContract(SOURCE), { crypto })
    building.catch(() => (building = undefined))
    return building
  }
}

/** What is deployed, where its description is kept, and the node that knows it. */
export interface ExampleParts {
  readonly built: BuiltContract
  readonly rpc: string
  /** Folder for the description, made where it is missing. */
  readonly folder: string
}

/** A deployed example. */
export interface DeployedExample {
  readonly contract: string
  /** A sealed bid, and the question whose answer depends on it and on the bid that was placed before. */
  readonly commands: readonly [string, string]
}

const commandsFor = (contract: string, { rpc, metadata }: { readonly rpc: string; readonly metadata: string }): readonly [string, string] => {
  const node = new URL(rpc).port === DEFAULT_PORT ? '' : ` --node ${rpc}`
  const rest = `--signer ${NEXT_BIDDER} --metadata ${metadata}${node}`
  return [`npx phalanx contract call ${contract} bid '{"amount": "${NEXT_BID}"}' ${rest}`, `npx phalanx contract query ${contract} result ${rest}`]
}

/** Deploys the example where it is not there yet, and places the first bid unless it was placed. @throws SDK_ codes */
export const deployExample = async (network: Network, cluster: Uint8Array, { built, rpc, folder }: ExampleParts): Promise<DeployedExample> => {
  const { crypto } = network.surroundings
  const signerOf = (suri: string): Signer => createSigner({ suri: new Secret(suri) }, { crypto, random: systemRandom })
  const metadata = join(folder, `${built.definition.name}.json`)
  writeTextFile(metadata, metadataText(built))
  const seller = signerOf(POOL_OWNER)
  const id = contractIdOf(crypto, { deployer: seller.accountId, codeHash: built.codeHash, clusterId: cluster, salt: SALT })
  if ((await (await network.state()).contractKey(id)) === undefined)
    await deploy({ bundle: bundleText(built), cluster, salt: SALT, args: { lot: 'a painting', closesAfter: 2 } }, { network, signer: seller })
  const auction = contractOf({ id, metadata: built.metadata }, { network, signer: signerOf(FIRST_BIDDER) })
  if ((await auction.query['myBid']?.({})) === 0n) await auction.send['bid']?.({ amount: FIRST_BID })
  return { contract: toHex(id), commands: commandsFor(toHex(id), { rpc, metadata }) }
}
