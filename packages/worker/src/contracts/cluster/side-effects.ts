/**
 * Owns what follows from an execution, in the reference's order: new contracts are installed, events for the worker applied, events and logs kept. Only
 * the system contract may change how the cluster is run.
 */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { LogContent } from '@phalanx/primitives/contracts'
import { isAppError } from '@phalanx/primitives/errors'
import type { Draft } from '../../system/draft.ts'
import type { ExecutionEffects } from '../execution/effects.ts'
import { readConfig } from '../execution/execute.ts'
import { PINK_EVENT_RULES, PinkEvent } from '../execution/pink-event.ts'
import { sayChannelKeys, sayContract } from './channel.ts'
import { chainEvents, type ChainedExecution } from './event-chain.ts'
import { contractKey } from './keyring.ts'
import { appendLogs } from './log-ring.ts'
import { findDeployed, putDeployed, updateRecord } from './records.ts'
import type { ClusterState, DeployedContract } from './state.ts'
import { runningCluster, setCluster, updateCluster } from './work.ts'

/** Newest contract runtime that this worker can be. */
const RUNTIME_MAX: readonly [number, number] = [1, 2]
/** How logs of commands name their mode: as ExecutionMode is numbered. */
const TRANSACTION_MODE = 2

/** Adds to the log of the running cluster. */
export const logContents = (draft: Draft, contents: readonly LogContent[]): void => {
  const cluster = runningCluster(draft)
  if (cluster !== undefined && contents.length > 0) updateCluster(draft, { logs: appendLogs(cluster.logs, { block: draft.block.number, contents }) })
}

/** Says something in the name of the system contract; level 1 Error to 5 Trace. */
export const logAsSystem = (draft: Draft, level: number, message: string): void => {
  const cluster = runningCluster(draft)
  const system = cluster === undefined ? undefined : readConfig(cluster.contracts, draft.crypto).systemContract
  if (system !== undefined)
    logContents(draft, [{ kind: 'Log', value: { contract: system, entry: system, mode: TRANSACTION_MODE, timeMs: draft.block.timeMs, level, message } }])
}

const install = (draft: Draft, { contract, deployer }: ExecutionEffects['instantiated'][number]): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined || findDeployed(cluster, contract) !== undefined) return
  const { publicKey, secret } = contractKey(draft.crypto, cluster, contract)
  secret.reveal().fill(0)
  setCluster(draft, putDeployed(cluster, { id: contract, publicKey, deployer, weight: 0, hook: undefined }))
  sayContract(draft, { contract, pubkey: publicKey, deployer })
  sayChannelKeys(draft, [contract])
}

const change = (draft: Draft, id: Uint8Array, with_: (contract: DeployedContract) => DeployedContract): void => {
  const cluster = runningCluster(draft)
  const contract = cluster === undefined ? undefined : findDeployed(cluster, id)
  if (cluster !== undefined && contract !== undefined) setCluster(draft, putDeployed(cluster, with_(contract)))
}

const upgradeRuntime = (draft: Draft, [major, minor]: readonly [number, number]): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  const [nowMajor, nowMinor] = cluster.runtimeVersion
  const isHigher = major > nowMajor || (major === nowMajor && minor > nowMinor)
  const isKnown = major < RUNTIME_MAX[0] || (major === RUNTIME_MAX[0] && minor <= RUNTIME_MAX[1])
  if (isHigher && isKnown) setCluster(draft, updateRecord(cluster, { runtimeVersion: [major, minor] }))
  else logAsSystem(draft, 2, `the contract runtime stays ${nowMajor}.${nowMinor}: ${major}.${minor} is ${isHigher ? 'unknown' : 'not newer'}`)
}

const decodeEvent = (payload: Uint8Array): PinkEvent | undefined => {
  try {
    return PinkEvent.decode(payload)
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

/** Side programs, log handlers and scripts of the reference have no counterpart here: contracts log to the worker itself. */
const applyPinkEvent = (draft: Draft, cluster: ClusterState, { contract, payload }: ExecutionEffects['pinkEvents'][number]): void => {
  const event = decodeEvent(payload)
  if (event === undefined) return logAsSystem(draft, 2, 'an event for the worker cannot be read')
  const system = readConfig(cluster.contracts, draft.crypto).systemContract
  const isSystem = system !== undefined && bytesEqual(system, contract)
  if (PINK_EVENT_RULES[event.kind].needsSystemContract && !isSystem) return logAsSystem(draft, 2, `${event.kind} counts only from the system contract`)
  switch (event.kind) {
    case 'SetHook': {
      const { contract: id, selector, gasLimit } = event.value
      return change(draft, id, (one) => ({ ...one, hook: { selector, gasLimit } }))
    }
    case 'SetContractWeight': return change(draft, event.value.contract, (one) => ({ ...one, weight: event.value.weight }))
    case 'UpgradeRuntimeTo': return upgradeRuntime(draft, event.value.version)
    case 'CacheOp': draft.effects.push({ kind: 'localCache', value: [{ contract, op: event.value }] }); return
    case 'SetLogHandler':
    case 'SetJsRuntime':
    case 'DeploySidevmTo':
    case 'SidevmMessage':
    case 'StopSidevm':
    case 'ForceStopSidevm':
    case 'SidevmOperation': return
  }
}

/** Applies everything that an execution left. */
export const applyEffects = (draft: Draft, effects: ExecutionEffects, execution: ChainedExecution): void => {
  const before = runningCluster(draft)
  if (before === undefined) return
  const head = chainEvents(draft.crypto, before.eventChain, effects, execution)
  if (head !== before.eventChain) setCluster(draft, updateRecord(before, { eventChain: head }))
  const timeMs = draft.block.timeMs
  logContents(draft, effects.logs.map(({ contract, level, message }) => ({
    kind: 'Log' as const, value: { contract, entry: execution.entry ?? contract, mode: TRANSACTION_MODE, timeMs, level, message },
  })))
  for (const made of effects.instantiated) install(draft, made)
  for (const { contract } of effects.terminated) change(draft, contract, (one) => ({ ...one, hook: undefined }))
  for (const event of effects.pinkEvents) {
    const cluster = runningCluster(draft)
    if (cluster !== undefined) applyPinkEvent(draft, cluster, event)
  }
  logContents(draft, effects.inkEvents.map(({ contract, topics, data }) => ({
    kind: 'Event' as const, value: { contract, topics: topics.filter((topic) => topic.length === 32), payload: data },
  })))
}
