/**
 * Owns what the chain has a cluster do besides commands: deployment, code, deposits, instantiation. Its results are not reported on the chain; what went wrong
 * stands in the system contract's log.
 */
import { toHex } from '@phalanx/primitives/bytes'
import { isAppError } from '@phalanx/primitives/errors'
import { systemCalls } from '@phalanx/primitives/ink'
import { TOPICS, type ClusterOperation, type ContractOperation } from '@phalanx/primitives/messages'
import type { Trie } from '@phalanx/primitives/trie'
import { logEffect } from '../../core/effects.ts'
import { send, type Draft } from '../../system/draft.ts'
import type { ExecutionEffects } from '../execution/effects.ts'
import { createContractState, depositBalance, instantiate, uploadCode, writeConfig, writeLatestSystemCode } from '../execution/execute.ts'
import { commandEnv, guardEngine, runTransaction } from './execute.ts'
import { EVENT_CHAIN_START } from './event-chain.ts'
import { openEpochs } from './keyring.ts'
import type { KeyPair } from '../../core/keys.ts'
import { EMPTY_LOG_RING } from './log-ring.ts'
import { withRecord } from './records.ts'
import { applyEffects, logAsSystem } from './side-effects.ts'
import type { Deployment } from './state.ts'
import { runningCluster, setCluster, updateCluster } from './work.ts'

const NO_SALT = new Uint8Array(0)
const GAS_MAX = (1n << 64n) - 1n
const FIRST_RUNTIME: readonly [number, number] = [1, 0]
const REVERT_FLAG = 1
/** What a machine says of code that it does not take. */
const REFUSALS = ['CONTRACT_CODE_REFUSED', 'CONTRACT_IMPORT_UNKNOWN']
const ERROR = 1
const WARNING = 2
const INFO = 3

interface SetUp {
  readonly contracts: Trie
  readonly systemContract: Uint8Array
  readonly effects: ExecutionEffects
}

type Terms = Extract<ClusterOperation, { kind: 'DispatchKeys' }>['value']

/** The first state of a cluster, with its system contract; undefined where the system code does not do. */
const setUp = (draft: Draft, key: KeyPair, { terms, code }: { readonly terms: Terms; readonly code: Uint8Array }): SetUp | undefined => {
  const { crypto } = draft
  const { cluster, owner, deposit, gasPrice, depositPerItem, depositPerByte, treasuryAccount } = terms
  const config = { clusterId: cluster, owner, gasPrice, depositPerItem, depositPerByte, treasury: treasuryAccount, systemContract: undefined }
  const funded = depositBalance(createContractState({ config }, { crypto }), crypto, { who: owner, value: deposit })
  try {
    const { state, codeHash } = guardEngine(() => uploadCode(funded, draft, { owner, code, deterministic: true }), REFUSALS)
    const env = commandEnv(draft, { secret: key.secret, eventChain: EVENT_CHAIN_START })
    const done = runTransaction(() => instantiate(state, env, {
      codeHash, salt: NO_SALT, origin: owner, transfer: 0n, gasLimit: GAS_MAX, gasFree: true, storageDepositLimit: undefined, deposit: 0n, input: systemCalls.construct(),
    }))
    const { result } = done.result
    if (!result.ok || (result.value.result.flags & REVERT_FLAG) !== 0) return undefined
    const systemContract = result.value.accountId
    const configured = writeConfig(done.state, crypto, { ...config, systemContract })
    return { contracts: writeLatestSystemCode(configured, crypto, code), systemContract, effects: done.effects }
  } catch (error) {
    if (isAppError(error) && REFUSALS.includes(error.code)) return undefined
    throw error
  }
}

/** Reports that a cluster does not run here. */
export const reportFailure = (draft: Draft, id: Uint8Array, reason: string): void => {
  draft.effects.push(logEffect('error', 'cluster could not be deployed', { block: draft.block.number, cluster: toHex(id), reason }))
  send(draft, TOPICS.workerClusterReport, { kind: 'ClusterDeploymentFailed', value: { id } })
}

/** Sets a cluster up whose key is held, and reports it. @throws CONTRACT_ENGINE_FAILED */
export const deployCluster = (draft: Draft, key: KeyPair, { terms, systemCode, runtimeVersion, epochs }: Omit<Deployment, 'index'>): void => {
  if (terms.kind !== 'DispatchKeys') return
  const { cluster: id, owner } = terms.value
  if (systemCode === undefined || systemCode.code.length === 0) return reportFailure(draft, id, 'NoPinkSystemCode')
  const made = setUp(draft, key, { terms: terms.value, code: systemCode.code })
  if (made === undefined) return reportFailure(draft, id, 'SystemContractFailed')
  const version = runtimeVersion ?? FIRST_RUNTIME
  const record = {
    publicKey: key.publicKey, runtimeVersion: version, systemCodeVersion: systemCode.version, eventChain: EVENT_CHAIN_START, epochs,
    sequence: 0n,
  }
  setCluster(draft, {
    id, secret: key.secret, publicKey: key.publicKey, epochs: openEpochs(epochs, draft.state.clusterKeys), contracts: withRecord(made.contracts, record), deployed: [], nonces: [],
    receipts: [], logs: EMPTY_LOG_RING, runtimeVersion: version, systemCodeVersion: systemCode.version, eventChain: EVENT_CHAIN_START, reported: [],
    reportedUpTo: 0, agreed: undefined, differsSince: undefined, gaps: [],
  })
  applyEffects(draft, made.effects, { blockNumber: draft.block.number, runtimeVersion: version, callNonce: NO_SALT, entry: made.systemContract, origin: owner })
  draft.cluster.isActive = true
  draft.effects.push(logEffect('info', 'cluster is deployed', { block: draft.block.number, cluster: toHex(id) }))
  send(draft, TOPICS.workerClusterReport, { kind: 'ClusterDeployed', value: { id, pubkey: key.publicKey } })
}

/** The chain has new code for system contracts: the running cluster's owner may have its own take it over from here on. */
export const takeSystemCode = (draft: Draft, code: Uint8Array): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  draft.cluster.isActive = true
  updateCluster(draft, { contracts: writeLatestSystemCode(cluster.contracts, draft.crypto, code) })
}

const upload = (draft: Draft, { origin, resourceType, resourceData }: Extract<ClusterOperation, { kind: 'UploadResource' }>['value']): void => {
  const cluster = runningCluster(draft)
  if (cluster === undefined) return
  if (resourceType.kind === 'SidevmCode') return logAsSystem(draft, WARNING, 'code of side programs is not kept')
  try {
    const { state, codeHash } = guardEngine(
      () => uploadCode(cluster.contracts, draft, { owner: origin, code: resourceData, deterministic: resourceType.kind === 'InkCode' }), REFUSALS)
    updateCluster(draft, { contracts: state })
    logAsSystem(draft, INFO, `code ${toHex(codeHash)} is stored`)
  } catch (error) {
    if (!isAppError(error) || error.code === 'CONTRACT_ENGINE_FAILED') throw error
    logAsSystem(draft, ERROR, `code ${toHex(draft.crypto.blake2b256(resourceData))} is refused: ${error.message}`)
  }
}

/** Does what the chain asks of a running cluster. @throws CONTRACT_ENGINE_FAILED */
export const runOperation = (draft: Draft, operation: ClusterOperation): void => {
  if (operation.kind === 'UploadResource') {
    if (runningCluster(draft, operation.value.clusterId) === undefined) return
    draft.cluster.isActive = true
    upload(draft, operation.value)
  } else if (operation.kind === 'Deposit') {
    const { clusterId, account, amount } = operation.value
    const cluster = runningCluster(draft, clusterId)
    if (cluster === undefined) return
    draft.cluster.isActive = true
    updateCluster(draft, { contracts: depositBalance(cluster.contracts, draft.crypto, { who: account, value: amount }) })
  }
}

/** Makes a contract in the running cluster, if it is for it. @throws CONTRACT_ENGINE_FAILED */
export const runInstantiation = (draft: Draft, { value }: ContractOperation): void => {
  const { contractInfo: { deployer, codeIndex, salt, clusterId, instantiateData }, transfer, gasLimit, storageDepositLimit } = value
  const cluster = runningCluster(draft, clusterId)
  if (cluster === undefined) return
  draft.cluster.isActive = true
  const done = runTransaction(() => instantiate(cluster.contracts, commandEnv(draft, cluster, salt), {
    codeHash: codeIndex.value, salt, origin: deployer, transfer, gasLimit, gasFree: false, storageDepositLimit, deposit: 0n, input: instantiateData,
  }))
  setCluster(draft, { ...cluster, contracts: done.state })
  const { result } = done.result
  const entry = result.ok ? result.value.accountId : undefined
  applyEffects(draft, done.effects, { blockNumber: draft.block.number, runtimeVersion: cluster.runtimeVersion, callNonce: salt, entry, origin: deployer })
  const isMade = result.ok && (result.value.result.flags & REVERT_FLAG) === 0
  if (!isMade) logAsSystem(draft, ERROR, `a contract of code ${toHex(codeIndex.value)} was not made: ${done.failure ?? 'its constructor took everything back'}`)
}

