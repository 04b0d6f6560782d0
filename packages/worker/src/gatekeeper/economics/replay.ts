/**
 * Owns the economy's replay (computation.md section 9): blocks and messages in, the block's settlements out. Deterministic: equal messages
 * give equal bytes on every gatekeeper. Pure: it works on a draft of the state, and nothing that a message says makes it fail.
 */
import { bytesEqual, bytesToKey, compareBytes } from '@phalanx/primitives/bytes'
import type { Codec } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { fixed, FIXED_MAX, FIXED_ONE } from '@phalanx/primitives/fixed'
import {
  isSaneParameters, TOPICS, type HeartbeatChallenge, type Message, type SettleInfo, type SystemEvent, type TokenomicParameters, type WorkerEvent,
  type WorkingInfoUpdateEvent, type WorkingReportEvent,
} from '@phalanx/primitives/messages'
import { toEconomicsParameters, type EconomicsParameters } from './parameters.ts'
import { shareOf, sumShares } from './shares.ts'
import { activePositions, type EconomicsState } from './state.ts'
import { instantPerformance, newWorker, WAITING_MAX, withRates, type Worker, type WorkerRecord } from './worker-record.ts'

/** What a gatekeeper should tell its operator of: an input that the reference dies of, and which rule met it. */
export type EconomicsAlarm =
  /** An answer to a challenge that nobody waits for: ignored. */
  | { readonly kind: 'unknownChallenge'; readonly pubkey: Uint8Array; readonly challengeBlock: number }
  /** An answer that leaves older challenges behind: those count as given up. */
  | { readonly kind: 'skippedChallenges'; readonly pubkey: Uint8Array; readonly challengeBlock: number; readonly count: number }
  /** Parameters out of their ranges: the old ones stay. */
  | { readonly kind: 'parametersRefused' }
  /** Too many challenges wait for the worker: this one was not noted. */
  | { readonly kind: 'challengesFull'; readonly pubkey: Uint8Array }

/** The block being replayed. Only this file changes it. */
export interface EconomicsBlock {
  readonly before: EconomicsState
  readonly block: number
  readonly nowMs: bigint
  readonly crypto: Pick<Crypto, 'blake2b256'>
  launched: boolean
  parameters: EconomicsParameters
  workers: Worker[]
  v: bigint[]
  deductible: bigint[]
  positions: Map<string, number>
  /** Undefined while sessions changed since it was made. */
  active: readonly number[] | undefined
  /** Sum of shares as the block began, once somebody asks. */
  sumShare: bigint | undefined
  readonly heartbeats: Set<number>
  readonly settle: SettleInfo[]
  readonly alarms: EconomicsAlarm[]
}

/** What a block came to. `update` is sent by the gatekeepers to the chain. */
export interface EconomicsOutcome {
  readonly state: EconomicsState
  readonly update: WorkingInfoUpdateEvent | undefined
  readonly alarms: readonly EconomicsAlarm[]
}

/** Begins a block of this number and time. */
export const beginBlock = (
  state: EconomicsState, at: { readonly block: number; readonly nowMs: bigint }, dependencies: { readonly crypto: Pick<Crypto, 'blake2b256'> },
): EconomicsBlock => ({
  before: state, ...at, crypto: dependencies.crypto, launched: state.launched, parameters: state.parameters, workers: state.workers.slice(), v: state.v.slice(),
  deductible: state.deductible.slice(), positions: state.positions as Map<string, number>, active: state.active, sumShare: undefined, heartbeats: new Set(), settle: [],
  alarms: [],
})

const activeOf = (draft: EconomicsBlock): readonly number[] => (draft.active ??= activePositions(draft.workers))

/** The shares that the block's payouts are part of: of the state before its messages. Blocks without payouts never ask. */
const sumShareOf = (draft: EconomicsBlock): bigint => {
  const { workers, v, active, launched } = draft.before
  return (draft.sumShare ??= launched ? sumShares(workers, v, active) : 0n)
}

const toBigEndian = (raw: Uint8Array): bigint => raw.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)

/** Changes a worker; `rated` where p or confidence may have changed. */
const change = (draft: EconomicsBlock, at: number, fields: Partial<WorkerRecord>): void => {
  const worker = draft.workers[at] as Worker
  draft.workers[at] = { ...worker, ...fields }
}
const changeRated = (draft: EconomicsBlock, at: number, fields: Partial<WorkerRecord>): void => {
  draft.workers[at] = withRates({ ...(draft.workers[at] as Worker), ...fields }, draft.parameters)
}

const register = (draft: EconomicsBlock, pubkey: Uint8Array, confidenceLevel: number): void => {
  const key = bytesToKey(pubkey)
  const known = draft.positions.get(key)
  if (known !== undefined) return changeRated(draft, known, { confidenceLevel })
  if (draft.positions === draft.before.positions) draft.positions = new Map(draft.before.positions)
  draft.positions.set(key, draft.workers.length)
  draft.workers.push(withRates(newWorker({ pubkey, hash: toBigEndian(draft.crypto.blake2b256(pubkey)), confidenceLevel }), draft.parameters))
  draft.v.push(0n)
  draft.deductible.push(0n)
}

const start = (draft: EconomicsBlock, at: number, { sessionId, initV, initP }: { readonly sessionId: number; readonly initV: bigint; readonly initP: number }): void => {
  const p = fixed.fromInteger(initP)
  changeRated(draft, at, {
    session: { sessionId, paused: false }, unresponsive: false, missedChallenge: undefined, vInit: initV, vUpdateAt: draft.nowMs, vUpdateBlock: draft.block,
    iterationLast: 0n, challengeTimeLast: draft.nowMs, pBench: p, pInstant: p, contractRunning: false,
  })
  draft.v[at] = initV
  draft.deductible[at] = 0n
  draft.active = undefined
}

const stop = (draft: EconomicsBlock, at: number): void => {
  change(draft, at, { session: undefined })
  draft.active = undefined
  if (draft.launched) draft.settle.push({ pubkey: (draft.workers[at] as Worker).pubkey, v: draft.v[at] as bigint, payout: 0n, treasury: 0n })
}

const setPaused = (draft: EconomicsBlock, at: number, paused: boolean): void => {
  const { session } = draft.workers[at] as Worker
  if (session !== undefined) change(draft, at, { session: { ...session, paused } })
}

const onWorkerEvent = (draft: EconomicsBlock, pubkey: Uint8Array, event: WorkerEvent): void => {
  if (event.kind === 'Registered') return register(draft, pubkey, event.value.confidenceLevel)
  const at = draft.positions.get(bytesToKey(pubkey))
  if (at === undefined) return
  switch (event.kind) {
    case 'Started': return start(draft, at, event.value)
    case 'Stopped': return stop(draft, at)
    case 'EnterUnresponsive': return setPaused(draft, at, true)
    case 'ExitUnresponsive': return setPaused(draft, at, false)
    case 'BenchStart':
    case 'BenchScore': return
  }
}

const TOP_SHIFT = 224n

/** Notes the challenge for each worker that it hits. The first 32 bits decide for nearly all. */
const onChallenge = (draft: EconomicsBlock, { seed, onlineTarget }: HeartbeatChallenge): void => {
  const seedTop = Number(seed >> TOP_SHIFT)
  const targetTop = Number(onlineTarget >> TOP_SHIFT)
  for (const at of activeOf(draft)) {
    const worker = draft.workers[at] as Worker
    const distanceTop = (worker.hashTop ^ seedTop) >>> 0
    if (distanceTop > targetTop || worker.session?.paused !== false) continue
    if (distanceTop === targetTop && (worker.hash ^ seed) > onlineTarget) continue
    if (worker.waiting.length >= WAITING_MAX) draft.alarms.push({ kind: 'challengesFull', pubkey: worker.pubkey })
    else change(draft, at, { waiting: [...worker.waiting, draft.block] })
  }
}

const onSystemEvent = (draft: EconomicsBlock, event: SystemEvent): void => {
  if (event.kind === 'WorkerEvent') onWorkerEvent(draft, event.value.pubkey, event.value.event)
  else if (draft.launched) onChallenge(draft, event.value)
}

/** Takes the answered challenge off the queue; false where nobody waits for it. */
const answer = (draft: EconomicsBlock, at: number, challengeBlock: number): boolean => {
  const { waiting, pubkey } = draft.workers[at] as Worker
  const index = waiting.indexOf(challengeBlock)
  if (index < 0) {
    draft.alarms.push({ kind: 'unknownChallenge', pubkey, challengeBlock })
    return false
  }
  if (index > 0) draft.alarms.push({ kind: 'skippedChallenges', pubkey, challengeBlock, count: index })
  change(draft, at, { waiting: waiting.slice(index + 1) })
  return true
}

/** Pays a worker for the blocks since its last payout; nothing, and its state untouched, where there is nothing to pay for. */
const payOut = (draft: EconomicsBlock, at: number): Pick<SettleInfo, 'payout' | 'treasury'> => {
  const worker = draft.workers[at] as Worker
  const { parameters, block, nowMs } = draft
  const v = draft.v[at] as bigint
  const deductible = draft.deductible[at] as bigint
  const sumShare = sumShareOf(draft)
  const share = shareOf(worker, v)
  if (sumShare === 0n || deductible === 0n || share === 0n || block <= worker.vUpdateBlock) return { payout: 0n, treasury: 0n }
  const budget = fixed.mulInteger(fixed.mul(fixed.div(share, sumShare), parameters.budgetPerBlock), block - worker.vUpdateBlock)
  const payout = fixed.mul(budget, parameters.payoutRatio)
  draft.v[at] = fixed.sub(v, deductible < payout ? deductible : payout)
  draft.deductible[at] = 0n
  change(draft, at, { vUpdateAt: nowMs, vUpdateBlock: block })
  return { payout, treasury: fixed.mul(budget, parameters.treasuryRatio) }
}

const onHeartbeat = (draft: EconomicsBlock, pubkey: Uint8Array, event: WorkingReportEvent): void => {
  const at = draft.positions.get(bytesToKey(pubkey))
  if (at === undefined || !draft.launched) return
  const { challengeBlock, sessionId, iterations, challengeTime } = event.value
  if (!answer(draft, at, challengeBlock)) return
  const worker = draft.workers[at] as Worker
  if (worker.session?.sessionId !== sessionId) return
  draft.heartbeats.add(at)
  changeRated(draft, at, {
    pInstant: instantPerformance(worker, { nowMs: draft.nowMs, iterations }), challengeTimeLast: challengeTime, iterationLast: iterations,
    contractRunning: event.kind === 'HeartbeatV2' && event.value.nClusters > 0,
  })
  if (worker.unresponsive) {
    draft.deductible[at] = 0n
    change(draft, at, { vUpdateAt: draft.nowMs, vUpdateBlock: draft.block })
    return
  }
  const paid = payOut(draft, at)
  draft.settle.push({ pubkey: worker.pubkey, v: draft.v[at] as bigint, ...paid })
}

/** New parameters, and with them every worker's cost. */
const setParameters = (draft: EconomicsBlock, params: TokenomicParameters): void => {
  if (!isSaneParameters(params)) {
    draft.alarms.push({ kind: 'parametersRefused' })
    return
  }
  draft.parameters = toEconomicsParameters(params)
  draft.workers = draft.workers.map((worker) => withRates(worker, draft.parameters))
}

/** The launch: sessions that began before it are reckoned from here on. */
const launch = (draft: EconomicsBlock): void => {
  if (draft.launched) return
  draft.launched = true
  for (const at of activeOf(draft)) change(draft, at, { vUpdateAt: draft.nowMs, vUpdateBlock: draft.block, challengeTimeLast: draft.nowMs })
}

/** The payload, or undefined for one that cannot be read, which every gatekeeper skips. */
const decoded = <T>(codec: Codec<T>, { payload }: Message): T | undefined => {
  try {
    return codec.decode(payload)
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}

/** Takes a message of the block, in the block's order; others than the economy's pass. */
export const onEconomicsMessage = (draft: EconomicsBlock, message: Message): void => {
  const { sender, destination } = message
  if (bytesEqual(destination, TOPICS.workingReport.topic)) {
    const event = sender.kind === 'Worker' ? decoded(TOPICS.workingReport.payload, message) : undefined
    if (event !== undefined && sender.kind === 'Worker') onHeartbeat(draft, sender.value, event)
  } else if (sender.kind !== 'Pallet') return
  else if (bytesEqual(destination, TOPICS.systemEvent.topic)) {
    const event = decoded(TOPICS.systemEvent.payload, message)
    if (event !== undefined) onSystemEvent(draft, event)
  } else if (bytesEqual(destination, TOPICS.gatekeeperEvent.topic)) {
    const event = decoded(TOPICS.gatekeeperEvent.payload, message)
    if (event?.kind === 'TokenomicParametersChanged') setParameters(draft, event.value)
  } else if (bytesEqual(destination, TOPICS.gatekeeperLaunch.topic)) {
    const event = decoded(TOPICS.gatekeeperLaunch.payload, message)
    if (event?.kind === 'MasterPubkeyOnChain') launch(draft)
  }
}

const FRACTION_BITS = 64n

/** Growth of every answering worker's V in a block without heartbeat, loss of every silent one's; who fell silent and who came back. */
const closeWorkers = (draft: EconomicsBlock): { readonly offline: Uint8Array[]; readonly recovered: Uint8Array[] } => {
  const { parameters, block, v, deductible } = draft
  const { vMax, slashRate, heartbeatWindow } = parameters
  const growth = parameters.rho - FIXED_ONE
  const offline: Uint8Array[] = []
  const recovered: Uint8Array[] = []
  for (const at of activeOf(draft)) {
    const worker = draft.workers[at] as Worker
    const oldest = worker.waiting[0]
    let { unresponsive } = worker
    if (unresponsive && draft.heartbeats.has(at)) {
      unresponsive = false
      recovered.push(worker.pubkey)
      change(draft, at, { unresponsive, missedChallenge: undefined })
    } else if (!unresponsive && oldest !== undefined && block - oldest > heartbeatWindow) {
      unresponsive = true
      offline.push(worker.pubkey)
      change(draft, at, { unresponsive, missedChallenge: oldest })
    }
    const before = v[at] as bigint
    if (unresponsive) {
      v[at] = before - ((before * slashRate) >> FRACTION_BITS)
      deductible[at] = 0n
    } else if (!draft.heartbeats.has(at)) {
      const gain = (worker.rates.multiplier * (((growth * before) >> FRACTION_BITS) + worker.rates.cost)) >> FRACTION_BITS
      const grown = before + gain
      const owed = (deductible[at] as bigint) + gain
      v[at] = grown < vMax ? grown : vMax
      deductible[at] = owed < FIXED_MAX ? owed : FIXED_MAX
    }
  }
  return { offline: offline.sort(compareBytes), recovered: recovered.sort(compareBytes) }
}

/** Ends a block. The draft must not be used afterwards. */
export const endBlock = (draft: EconomicsBlock): EconomicsOutcome => {
  const { offline, recovered } = draft.launched ? closeWorkers(draft) : { offline: [], recovered: [] }
  const { launched, parameters, workers, v, deductible, positions, settle, alarms, block, nowMs } = draft
  const isNews = offline.length + recovered.length + settle.length > 0
  return {
    state: { launched, parameters, workers, v, deductible, positions, active: activeOf(draft) },
    update: isNews ? { blockNumber: block, timestampMs: nowMs, offline, recoveredToOnline: recovered, settle } : undefined,
    alarms,
  }
}
