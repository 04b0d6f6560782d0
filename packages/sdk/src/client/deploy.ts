/** Owns making a contract: code into the cluster, a trial that names what would fail, the instantiation, its keys. Waits by blocks and by what workers say, never by the clock. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { ContractInstantiateResult, type ClusterQuery } from '@phalanx/primitives/contracts'
import { AppError } from '@phalanx/primitives/errors'
import { systemCalls } from '@phalanx/primitives/ink'
import { contractIdOf } from '@phalanx/primitives/messages'
import type { AnySigner } from '../account.ts'
import { instantiateContract, uploadCode } from '../cluster/calls.ts'
import type { Cluster, Network } from '../cluster/network.ts'
import type { AbortSignalLike, Limits } from '../cluster/patience.ts'
import type { ConstructorArgsOf, ConstructorNames, ContractDefinition } from '../contract/define.ts'
import '../errors.ts'
import { askCluster } from './ask.ts'
import { createHandle, type HandleOf } from './contract-of.ts'
import { parseInkMetadata, type InkContract } from './ink-json.ts'
import { findEntry, interfaceOfDefinition, interfaceOfMetadata, type ContractInterface, type EntryInterface } from './interface.ts'
import { readLogs } from './logs.ts'
import { gasLimitOf } from './messages.ts'
import { valueOf } from './outcome.ts'
import { Session } from './session.ts'
import { calledOf, ESTIMATE_LOAN, findTarget, fundingCalls } from './target.ts'

/** How far a deployment has come. */
export type DeployStage =
  | { readonly kind: 'uploaded'; readonly value: { readonly codeHash: Uint8Array; readonly isNew: boolean } }
  | { readonly kind: 'instantiating'; readonly value: { readonly contract: Uint8Array; readonly blockHash: Uint8Array } }

/** A contract to make. Amounts in the smallest unit, gas in picoseconds. */
export interface DeployOptions<D extends ContractDefinition> {
  /** `.contract` file of the build: text, bytes or parsed JSON. */
  readonly bundle: unknown
  /** The declaration, for a TypeScript contract whose source is at hand. */
  readonly definition?: D
  /** Name of the constructor; the default or the first one where left out. */
  readonly entry?: ContractDefinition extends D ? string : ConstructorNames<D>
  readonly args?: ContractDefinition extends D ? Readonly<Record<string, unknown>> : ConstructorArgsOf<D, ConstructorNames<D>>
  /** Id of the cluster. */
  readonly cluster: Uint8Array
  readonly value?: bigint
  /** Tells contracts of one deployer and code apart; random where left out. */
  readonly salt?: Uint8Array
  readonly gasLimit?: bigint
  readonly storageDepositLimit?: bigint
  /** Moved to the deployer's account in the cluster first; what is missing there where left out. */
  readonly deposit?: bigint
  /** Longest wait for each of its steps. */
  readonly timeoutMs?: number
  /** Ends waiting at once. What was handed to the node by then is not taken back. */
  readonly signal?: AbortSignalLike
  readonly onStage?: (stage: DeployStage) => void
}

const TIMEOUT_MS = 120_000
const SALT_BYTES = 16
const LOGS_LOOKED_AT = 16

interface Plan {
  readonly session: Session
  readonly cluster: Cluster
  readonly bundle: InkContract
  readonly interface: ContractInterface
  readonly constructor: EntryInterface
  readonly code: Uint8Array
  readonly codeHash: Uint8Array
  readonly limits: Limits
}

/** Asks what a deployment needs, again where the node goes away meanwhile. */
const patiently = <T>({ session, interface: { name }, limits }: Plan, ask: () => Promise<T>): Promise<T> =>
  session.network.holdOut({ what: `answer to what the deployment of ${name} needs`, from: 'outage', ...limits }, ask)

/** Whether the cluster has the code. */
const hasCode = async ({ session, cluster, codeHash }: Plan): Promise<boolean> => {
  const input = systemCalls.encode('codeExists', { codeHash, codeType: { kind: 'Ink' } })
  const query: ClusterQuery = { kind: 'Call', value: { contract: cluster.systemContract, input, transfer: 0n, deposit: 0n } }
  const { result: { result } } = calledOf(await askCluster(session, { cluster: cluster.id, query, entry: 'system.codeExists' }), 'system.codeExists')
  if (!result.ok) return false
  const found = systemCalls.decode('codeExists', result.value.data)
  return found.ok && found.value
}

/** What the cluster said about code that it refused; only its owner may read that. */
const refusalOf = async ({ session, cluster, codeHash }: Plan): Promise<string | undefined> => {
  const refused = `code ${toHex(codeHash)} is refused: `
  for await (const { content } of readLogs({ session, cluster: cluster.id, contract: cluster.systemContract, interface: undefined }, { last: LOGS_LOOKED_AT }))
    if (content.kind === 'Log' && content.value.message.startsWith(refused)) return content.value.message.slice(refused.length)
  return undefined
}

/** Sends the code unless it is there, and waits until workers have it. @throws SDK_CODE_REFUSED, SDK_EXTRINSIC_ codes */
const ensureCode = async (plan: Plan): Promise<boolean> => {
  const { session, cluster, code, codeHash, limits } = plan
  const { network } = session
  if (await patiently(plan, () => hasCode(plan))) return false
  // Answers over this connection are from the block with the code from now on, or later: whether it is there then is the cluster's last word.
  const { blockNumber: number } = await network.submit(session.assertAccount(), [uploadCode({ cluster: cluster.id, bytes: code })], limits)
  await network.waitFor({ what: 'final block with the code', ...limits, find: (state) => Promise.resolve(state.block.number >= number ? true : undefined) })
  if (await patiently(plan, () => hasCode(plan))) return true
  const isOwner = bytesEqual(cluster.owner, session.assertAccount().accountId)
  throw new AppError('SDK_CODE_REFUSED', { codeHash: toHex(codeHash), reason: (isOwner ? await refusalOf(plan) : undefined) ?? 'only the cluster\'s owner may read why, in the system contract\'s log' })
}

interface Making {
  readonly data: Uint8Array
  readonly salt: Uint8Array
  readonly value: bigint
}

/** Tries the constructor. @throws SDK_MESSAGE_ codes */
const tryConstructor = async (plan: Plan, { data, salt, value }: Making): Promise<{ readonly gasLimit: bigint; readonly storageDeposit: bigint }> => {
  const { session, cluster, codeHash, constructor, interface: contract } = plan
  const entry = `${contract.name}.${constructor.name}`
  const query: ClusterQuery = { kind: 'EstimateInstantiate', value: { codeHash, salt, input: data, transfer: value, deposit: ESTIMATE_LOAN } }
  const { answer } = await askCluster(session, { cluster: cluster.id, query, entry })
  if (answer.kind !== 'Instantiated') throw new AppError('SDK_MESSAGE_REFUSED', { entry, code: 'REPLY_MISMATCH', reason: 'the reply is to another question', receipt: undefined })
  const { result, ...figures } = ContractInstantiateResult.decode(answer.value.output)
  valueOf({ ...figures, result: result.ok ? { ok: true, value: result.value.result } : result }, { entry, interface: constructor, failure: answer.value.failure })
  const { gasRequired, storageDeposit } = figures
  return { gasLimit: gasLimitOf(gasRequired.refTime), storageDeposit: storageDeposit.kind === 'Charge' ? storageDeposit.value : 0n }
}

const constructorOf = (contract: ContractInterface, name: string | undefined): EntryInterface => {
  const chosen = contract.constructors.find(({ isDefault }) => isDefault) ?? contract.constructors[0]
  return findEntry(contract.name, contract.constructors, name ?? chosen?.name ?? 'new')
}

const planOf = async <D extends ContractDefinition>(options: DeployOptions<D>, { network, signer }: { readonly network: Network; readonly signer: AnySigner }): Promise<Plan> => {
  const { crypto } = network.surroundings
  const bundle = parseInkMetadata(options.bundle)
  const { code, codeHash } = bundle
  if (code === undefined) throw new AppError('SDK_BUNDLE_WITHOUT_CODE', { contract: bundle.name })
  const contract = options.definition === undefined ? interfaceOfMetadata(bundle) : interfaceOfDefinition(crypto, options.definition)
  const actual = crypto.blake2b256(code)
  if (codeHash !== undefined && !bytesEqual(codeHash, actual)) throw new AppError('SDK_INK_METADATA_MALFORMED', { what: `its code has the hash ${toHex(actual)}, not ${toHex(codeHash)}` })
  return {
    session: new Session(network, signer), cluster: await network.cluster(options.cluster), bundle, interface: contract, constructor: constructorOf(contract, options.entry), code,
    codeHash: actual, limits: { timeoutMs: options.timeoutMs ?? TIMEOUT_MS, signal: options.signal },
  }
}

/**
 * Makes a contract and waits until it can be spoken to.
 * @throws SDK_BUNDLE_WITHOUT_CODE, SDK_INK_METADATA_MALFORMED, SDK_CODE_REFUSED, SDK_ARGUMENTS_MALFORMED, SDK_MESSAGE_REVERTED and SDK_MESSAGE_FAILED of the constructor,
 * SDK_EXTRINSIC_ codes, SDK_WAIT_TIMEOUT
 */
export const deploy = async <D extends ContractDefinition = ContractDefinition>(
  options: DeployOptions<D>, parts: { readonly network: Network; readonly signer: AnySigner },
): Promise<HandleOf<D>> => {
  const { network } = parts
  const { crypto, random } = network.surroundings
  const plan = await planOf(options, parts)
  const { session, cluster, codeHash, constructor } = plan
  const account = session.assertAccount()
  const making: Making = { data: constructor.encode(options.args), salt: options.salt ?? random.bytes(SALT_BYTES), value: options.value ?? 0n }
  const isNew = await ensureCode(plan)
  options.onStage?.({ kind: 'uploaded', value: { codeHash, isNew } })
  const tried = await patiently(plan, () => tryConstructor(plan, making))
  const gasLimit = options.gasLimit ?? tried.gasLimit
  const cost = { gasLimit, storageDeposit: tried.storageDeposit, value: making.value }
  const funding = await patiently(plan, () => fundingCalls(session, cluster.id, account, { cost, amount: options.deposit, isVisible: true }))
  const id = contractIdOf(crypto, { deployer: account.accountId, codeHash, clusterId: cluster.id, salt: making.salt })
  const call = instantiateContract({ codeHash, ...making, cluster: cluster.id, gasLimit, storageDepositLimit: options.storageDepositLimit, deposit: 0n })
  const { blockHash } = await network.submit(account, [...funding, call], plan.limits)
  options.onStage?.({ kind: 'instantiating', value: { contract: id, blockHash } })
  await findTarget(session, id, plan.limits)
  return createHandle(session, id, plan.interface) as unknown as HandleOf<D>
}
