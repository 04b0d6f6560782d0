/** Owns `phalanx contract deploy`. */
import { existsSync } from 'node:fs'
import { assert } from '@phalanx/primitives/assert'
import { toHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { deploy, findEntry, interfaceOfMetadata, parseInkMetadata, type DeployStage, type EntryInterface, type Network } from '@phalanx/sdk/client'
import { nodeWords, printNext, printRows, shellWord } from '../contract-client/describe.ts'
import '../contract-client/errors.ts'
import { withNetwork, type NetworkOptions, type Reach, type Reached } from '../contract-client/open-network.ts'
import { readMetadataText } from '../contract-client/reference.ts'
import { parseArguments, sampleArguments } from '../contract-client/values.ts'
import { createStyle, printLine, toJson, type CliIo } from '../output.ts'
import type { Runner } from '../program.ts'

interface DeployOptions extends NetworkOptions {
  readonly constructor: unknown
  readonly cluster?: Uint8Array
  readonly value?: bigint
  readonly salt?: Uint8Array
}

/** What is deployed, as it was typed. */
interface Typed {
  readonly path: string
  readonly bundle: string
  readonly entry: EntryInterface
  readonly messages: readonly EntryInterface[]
  readonly args: Readonly<Record<string, unknown>>
}

const readTyped = async (path: string, text: string | undefined, options: DeployOptions): Promise<Typed> => {
  const bundle = readMetadataText(path)
  const { name, constructors, messages } = interfaceOfMetadata(parseInkMetadata(bundle))
  // An own property: every object has an inherited `constructor`.
  const wanted = Object.hasOwn(options, 'constructor') && typeof options.constructor === 'string' ? options.constructor : undefined
  const chosen = wanted ?? (constructors.find(({ isDefault }) => isDefault) ?? constructors[0])?.name ?? 'new'
  const entry = findEntry(name, constructors, chosen)
  return { path, bundle, entry, messages, args: parseArguments(await loadCrypto(), entry, text) }
}

/** The cluster that was named, or the only one. @throws CLI_CLUSTER_UNCLEAR */
const chooseCluster = async (network: Network, given: Uint8Array | undefined): Promise<Uint8Array> => {
  if (given !== undefined) return given
  const clusters = await network.clusters()
  const [only] = clusters
  if (only !== undefined && clusters.length === 1) return only.id
  const list = clusters.length === 0 ? '' : `: ${clusters.map(({ id }) => toHex(id)).join(', ')}`
  throw new AppError('CLI_CLUSTER_UNCLEAR', { url: network.chain.url, count: clusters.length, clusters: list })
}

const tellStage = (io: CliIo, stage: DeployStage): void => {
  const style = createStyle(io.stdout, io.env)
  if (stage.kind === 'uploaded') printLine(io.stdout, `${style.good('code')}      ${toHex(stage.value.codeHash)} ${stage.value.isNew ? 'is in the cluster now' : 'was in the cluster already'}`)
  else printLine(io.stdout, `${style.good('included')}  in block ${toHex(stage.value.blockHash)}; the workers make the contract`)
}

/** The account as it may be shown: never a secret that was typed, development's excepted. */
const signerWord = (signer: string): string => (signer.startsWith('//') ? signer : existsSync(signer) ? shellWord(signer) : '<file>')

/** Commands to type next: one that changes something, one that asks. */
const nextSteps = (contract: string, { path, messages }: Typed, options: DeployOptions): readonly string[] => {
  const line = (verb: string, kind: EntryInterface['kind']): string[] => messages.filter((message) => message.kind === kind).slice(0, 1).map((message) => {
    const args = message.args.length === 0 ? '' : ` '${sampleArguments(message)}'`
    return `npx phalanx contract ${verb} ${contract} ${message.name}${args} --signer ${signerWord(options.signer ?? '')} --metadata ${shellWord(path)}${nodeWords(options.node)}`
  })
  return [...line('call', 'command'), ...line('query', 'query')]
}

const make = async (io: CliIo, { network, signer, isSimulated }: Reached, typed: Typed, options: DeployOptions): Promise<number> => {
  assert(signer !== undefined, 'the grammar asks for a signer')
  const { clock } = network.surroundings
  const startMs = clock.nowMs()
  const cluster = await chooseCluster(network, options.cluster)
  let codeHash: Uint8Array | undefined
  const onStage = (stage: DeployStage): void => {
    if (stage.kind === 'uploaded') codeHash = stage.value.codeHash
    if (!options.json) tellStage(io, stage)
  }
  const { bundle, entry, args } = typed
  const { id } = await deploy(
    { bundle, cluster, entry: entry.name, args, value: options.value ?? 0n, onStage, ...(options.salt === undefined ? {} : { salt: options.salt }) }, { network, signer },
  )
  const elapsedMs = Math.round(clock.nowMs() - startMs)
  const next = nextSteps(toHex(id), typed, options)
  if (options.json) {
    printLine(io.stdout, toJson({ event: 'deployed', contract: toHex(id), cluster: toHex(cluster), codeHash: codeHash === undefined ? null : toHex(codeHash), simulated: isSimulated, next, elapsedMs }))
    return 0
  }
  const style = createStyle(io.stdout, io.env)
  printLine(io.stdout, `${style.good('deployed')}  ${style.bold(toHex(id))} ${style.dim(`after ${(elapsedMs / 1000).toFixed(2)} s`)}`)
  printRows(io, [['cluster', toHex(cluster)], ...(isSimulated ? [['', style.warn('simulated: nothing is secret on this chain')] as const] : [])], style)
  printNext(io, next)
  return 0
}

/** The command over a network that is reached so. */
export const createDeploy = (reach: Reach): Runner => async (io, [path = '', args], given) => {
  const options = given as unknown as DeployOptions
  const typed = await readTyped(path, args, options)
  return reach(io, options, (reached) => make(io, reached, typed, options))
}

/** Deploys a contract. */
export const runDeploy = createDeploy(withNetwork)
