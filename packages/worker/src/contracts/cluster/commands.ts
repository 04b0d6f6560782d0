/**
 * Owns commands: opened in any of their three forms, checked, run, answered by a receipt that is the same on every worker. A command that is refused or fails
 * leaves nothing behind; one that this worker alone cannot open ends its part in the cluster until it has another member's state.
 */
import { bytesEqual, parseHex, parseUtf8, startsWith, toHex, utf8 } from '@phalanx/primitives/bytes'
import {
  ContractExecResult, openCommand, verifyInvocation, type CommandKeys, type OpenedCommand, type Receipt,
} from '@phalanx/primitives/contracts'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { contractCommandTopic, type Message } from '@phalanx/primitives/messages'
import type { Draft } from '../../system/draft.ts'
import { callContract, readConfig, type Executed } from '../execution/execute.ts'
import { commandEnv, runTransaction } from './execute.ts'
import { isOpenAt } from './epochs.ts'
import { contractChannelKey, contractKey } from './keyring.ts'
import { beginWaiting, waitFor } from './joining.ts'
import { sealOutcome, withinLimits, type ReceiptKeys } from './receipts.ts'
import { findDeployed, isSeen, rememberInvocation, storeCluster } from './records.ts'
import { applyEffects, logContents } from './side-effects.ts'
import type { ClusterState, DeployedContract } from './state.ts'
import { isLone, membershipOf, runningCluster, setCluster } from './work.ts'

const TOPIC_START = utf8('phala/contract/')
const ID_AT = TOPIC_START.length
const ID_DIGITS = 64

/** The running cluster's contract whose command topic this is. */
const contractOfTopic = (cluster: ClusterState, topic: Uint8Array): DeployedContract | undefined => {
  if (topic.length <= ID_AT + ID_DIGITS || !startsWith(topic, TOPIC_START)) return undefined
  try {
    const id = parseHex(`0x${parseUtf8(topic.subarray(ID_AT, ID_AT + ID_DIGITS))}`)
    return bytesEqual(contractCommandTopic(id), topic) ? findDeployed(cluster, id) : undefined
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

/** Keys of a contract as commands need them, erased after use. `lost`: the epoch of a command whose key this worker should have. */
interface OpeningKeys extends CommandKeys {
  lost: bigint | undefined
  readonly own: ReceiptKeys['own']
  erase(): void
}

const openingKeys = (draft: Draft, cluster: ClusterState, contract: DeployedContract): OpeningKeys => {
  const { crypto } = draft
  const made: Uint8Array[] = []
  const revealed = ({ publicKey, secret }: ReturnType<typeof contractKey>) => {
    made.push(secret.reveal())
    return { publicKey, secret: secret.reveal() }
  }
  const own = revealed(contractKey(crypto, cluster, contract.id))
  const keys: OpeningKeys = {
    lost: undefined, own, genesis: draft.state.follow.genesisHash, contractKey: own,
    channelOf(epoch) {
      const membership = membershipOf(draft, cluster.id)
      const fact = membership?.epochs.find((one) => one.epoch === epoch)
      if (fact === undefined || membership === undefined || !isOpenAt(fact, draft.block.number)) return undefined
      const held = cluster.epochs.find((one) => one.epoch === epoch)
      // Where there is nobody else, nobody else can give it.
      if (held === undefined && !isLone(draft)) keys.lost = epoch
      return held === undefined ? undefined : { pair: revealed(contractChannelKey(crypto, held.key, contract.id)), anchor: held.anchor }
    },
    erase: () => made.forEach((secret) => secret.fill(0)),
  }
  return keys
}

/** A command that may run. */
interface Accepted {
  readonly opened: OpenedCommand
  readonly caller: Uint8Array
  readonly isGasFree: boolean
}

/** Who calls: an account, or by a pallet the system contract, which pays no gas. @throws COMMAND_ORIGIN_REFUSED */
const callerOf = (draft: Draft, cluster: ClusterState, { sender }: Message, opened: OpenedCommand): Pick<Accepted, 'caller' | 'isGasFree'> => {
  if (sender.kind === 'AccountId') return { caller: opened.kind === 'Sealed' ? opened.value.invocation.from : sender.value, isGasFree: false }
  const system = readConfig(cluster.contracts, draft.crypto).systemContract
  if (sender.kind !== 'Pallet' || opened.kind === 'Sealed' || system === undefined) throw new AppError('COMMAND_ORIGIN_REFUSED', { origin: sender.kind })
  return { caller: system, isGasFree: true }
}

/** Checks an opened command; an invocation is remembered from here on. @throws INVOCATION_ codes, COMMAND_ORIGIN_REFUSED */
const accept = (draft: Draft, contract: DeployedContract, message: Message, opened: OpenedCommand): Accepted => {
  const cluster = runningCluster(draft) as ClusterState
  const who = callerOf(draft, cluster, message, opened)
  if (opened.kind !== 'Sealed') return { opened, ...who }
  const { invocation } = opened.value
  verifyInvocation(draft.crypto, invocation, { genesis: draft.state.follow.genesisHash, to: contract.publicKey, blockNumber: draft.block.number })
  if (isSeen(draft.crypto, cluster, invocation)) throw new AppError('INVOCATION_REPLAYED', { from: toHex(invocation.from) })
  setCluster(draft, rememberInvocation(draft.crypto, cluster, invocation))
  return { opened, ...who }
}

/** Runs an accepted command and applies what follows from it. */
const run = (draft: Draft, contract: DeployedContract, { opened, caller, isGasFree }: Accepted): Executed<ContractExecResult> => {
  const cluster = runningCluster(draft) as ClusterState
  const { nonce, message: input, transfer, gasLimit, storageDepositLimit } = opened.value.command.value
  const done = runTransaction(() => callContract(cluster.contracts, commandEnv(draft, cluster, nonce), {
    contract: contract.id, origin: caller, transfer, gasLimit, gasFree: isGasFree, storageDepositLimit, deposit: 0n, input,
  }))
  setCluster(draft, { ...cluster, contracts: done.state })
  applyEffects(draft, done.effects, { blockNumber: draft.block.number, runtimeVersion: cluster.runtimeVersion, callNonce: nonce, entry: contract.id, origin: caller })
  logContents(draft, [{ kind: 'Output', value: { origin: caller, contract: contract.id, nonce, output: ContractExecResult.encode(done.result) } }])
  return done
}

const outcomeOf = (done: Executed<ContractExecResult>): Pick<Receipt, 'outcome' | 'failure' | 'logs' | 'events' | 'gas'> => withinLimits({
  outcome: { kind: 'Executed', value: ContractExecResult.encode(done.result) }, failure: done.failure, logs: done.effects.logs,
  events: done.effects.inkEvents, gas: done.result.gasConsumed.refTime,
})

/** What an error names. Its sentence is for people and may be another in every version, so it has no place where workers compare bytes. */
const contextOf = ({ context }: AppError): string => Object.entries(context).map(([name, value]) => `${name}: ${String(value)}`).join(', ')

const refusalOf = (error: AppError): Pick<Receipt, 'outcome' | 'failure' | 'logs' | 'events' | 'gas'> =>
  withinLimits({ outcome: { kind: 'Refused', value: { code: error.code, reason: contextOf(error) } }, failure: undefined, logs: [], events: [], gas: 0n })

/** The message has the command of a contract: opens, runs, answers. @throws CONTRACT_ENGINE_FAILED */
const runCommand = (draft: Draft, contract: DeployedContract, message: Message): void => {
  const cluster = runningCluster(draft) as ClusterState
  const { crypto } = draft
  const commandHash = crypto.blake2b256(message.payload)
  const keys = openingKeys(draft, cluster, contract)
  try {
    let result: ReturnType<typeof outcomeOf>
    let opened: OpenedCommand | undefined
    try {
      opened = openCommand(crypto, keys, message.payload)
      result = outcomeOf(run(draft, contract, accept(draft, contract, message, opened)))
    } catch (error) {
      if (!isAppError(error) || error.code === 'CONTRACT_ENGINE_FAILED') throw error
      result = refusalOf(error)
    }
    if (keys.lost !== undefined) return fallBehind(draft, keys.lost)
    const receipt: Receipt = { contract: contract.id, commandHash, block: draft.block.number, index: draft.cluster.receipts.length, ...result }
    draft.cluster.receipts.push({ contract: contract.id, commandHash, envelope: sealOutcome(crypto, receipt, { payload: message.payload, opened, keys }) })
    draft.cluster.isActive = true
  } finally {
    keys.erase()
  }
}

/** The block cannot be done here before another member gives the epoch's key, or a later state: everything of it is taken back and kept for then. */
const fallBehind = (draft: Draft, needs: bigint): void => {
  const { before } = draft.cluster
  const { cluster } = draft.state
  if (cluster === undefined) return
  beginWaiting(draft, waitFor({
    cluster: cluster.id, since: draft.block.number, state: before === undefined ? undefined : storeCluster(before), needs, why: `a command was sealed for epoch ${needs}, whose key was not received here`,
  }))
}

/** Offers a message to the contracts of the running cluster. @throws CONTRACT_ENGINE_FAILED */
export const deliverCommand = (draft: Draft, message: Message): void => {
  const cluster = runningCluster(draft)
  const contract = cluster === undefined ? undefined : contractOfTopic(cluster, message.destination)
  if (contract !== undefined) runCommand(draft, contract, message)
}
