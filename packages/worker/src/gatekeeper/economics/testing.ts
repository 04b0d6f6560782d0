/**
 * Owns the economy written plainly, formula by formula as computation.md section 9 has them: nothing remembered, nothing left out, every share
 * summed in every block. The oracle of the replay's tests and of the simulator, and the alternative of its benchmark. Answers that nobody waits for are
 * ignored, those out of turn give up the challenges before them; any other input must be one that the reference survives.
 */
import { bytesToKey, compareBytes } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { confidenceScore, fixed, fixedOf, FIXED_ONE } from '@phalanx/primitives/fixed'
import {
  createMessage, palletOrigin, TOPICS, type Message, type SettleInfo, type SystemEvent, type WorkerEvent, type WorkingInfoUpdateEvent, type WorkingReportEvent,
} from '@phalanx/primitives/messages'
import { INITIAL_PARAMETERS, toEconomicsParameters, type EconomicsParameters } from './parameters.ts'

/** A worker of the plain economy. */
export interface PlainWorker {
  readonly pubkey: Uint8Array
  readonly hash: bigint
  session: { readonly id: number; paused: boolean } | undefined
  waiting: number[]
  unresponsive: boolean
  heartbeat: boolean
  confidenceLevel: number
  v: bigint
  deductible: bigint
  updateBlock: number
  iterationLast: bigint
  challengeTimeLast: bigint
  pBench: bigint
  pInstant: bigint
  contractRunning: boolean
}

const bigEndian = (raw: Uint8Array): bigint => BigInt(`0x${[...raw].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`)

const root = (n: bigint): bigint => {
  if (n < 2n) return n
  let x = 1n << BigInt((n.toString(2).length + 1) >> 1)
  for (let next = (x + n / x) >> 1n; next < x; next = (x + n / x) >> 1n) x = next
  return x
}

const p = (worker: PlainWorker): bigint => (worker.contractRunning ? worker.pBench : worker.pInstant)

const share = (worker: PlainWorker): bigint => {
  const part = fixed.mul(fixed.mul(fixed.fromInteger(2), p(worker)), confidenceScore(worker.confidenceLevel))
  return root(fixed.mul(worker.v, worker.v) + fixed.mul(part, part)) << 32n
}

/** The plain economy. */
export class PlainEconomics {
  readonly workers = new Map<string, PlainWorker>()
  parameters: EconomicsParameters = INITIAL_PARAMETERS
  private readonly crypto: Pick<Crypto, 'blake2b256'>
  private block = 0
  private nowMs = 0n
  private sumShare = 0n
  private settle: SettleInfo[] = []

  constructor(crypto: Pick<Crypto, 'blake2b256'>) {
    this.crypto = crypto
  }

  private ordered(): PlainWorker[] {
    return [...this.workers.values()].sort((a, b) => compareBytes(a.pubkey, b.pubkey))
  }

  /** Runs a block and returns what the gatekeepers say of it. */
  run(at: { readonly block: number; readonly nowMs: bigint }, messages: readonly Message[]): WorkingInfoUpdateEvent | undefined {
    this.block = at.block
    this.nowMs = at.nowMs
    this.settle = []
    this.sumShare = 0n
    for (const worker of this.ordered()) {
      if (worker.session !== undefined && !worker.unresponsive) this.sumShare += share(worker)
      worker.heartbeat = false
    }
    for (const message of messages) this.take(message)
    return this.close()
  }

  private take({ sender, destination, payload }: Message): void {
    const topic = String.fromCharCode(...destination)
    if (topic === 'phala/mining/report' && sender.kind === 'Worker') this.heartbeat(sender.value, TOPICS.workingReport.payload.decode(payload))
    else if (topic === 'phala/system/event') this.system(TOPICS.systemEvent.payload.decode(payload))
    else if (topic === 'phala/gatekeeper/event') {
      const event = TOPICS.gatekeeperEvent.payload.decode(payload)
      if (event.kind === 'TokenomicParametersChanged') this.parameters = toEconomicsParameters(event.value)
    }
  }

  private system(event: SystemEvent): void {
    if (event.kind === 'HeartbeatChallenge') {
      for (const worker of this.ordered()) {
        if (worker.session?.paused === false && (worker.hash ^ event.value.seed) <= event.value.onlineTarget) worker.waiting.push(this.block)
      }
    } else this.worker(event.value.pubkey, event.value.event)
  }

  private worker(pubkey: Uint8Array, event: WorkerEvent): void {
    const key = bytesToKey(pubkey)
    const worker = this.workers.get(key)
    if (event.kind === 'Registered' && worker === undefined) {
      this.workers.set(key, {
        pubkey, hash: bigEndian(this.crypto.blake2b256(pubkey)), session: undefined, waiting: [], unresponsive: false, heartbeat: false,
        confidenceLevel: event.value.confidenceLevel, v: 0n, deductible: 0n, updateBlock: 0, iterationLast: 0n, challengeTimeLast: 0n, pBench: 0n, pInstant: 0n,
        contractRunning: false,
      })
    }
    if (worker === undefined) return
    if (event.kind === 'Registered') worker.confidenceLevel = event.value.confidenceLevel
    if (event.kind === 'Started') {
      const { sessionId, initV, initP } = event.value
      Object.assign(worker, {
        session: { id: sessionId, paused: false }, unresponsive: false, v: initV, deductible: 0n, updateBlock: this.block, iterationLast: 0n,
        challengeTimeLast: this.nowMs, pBench: fixed.fromInteger(initP), pInstant: fixed.fromInteger(initP), contractRunning: false,
      })
    }
    if (event.kind === 'Stopped') {
      worker.session = undefined
      this.settle.push({ pubkey, v: worker.v, payout: 0n, treasury: 0n })
    }
    if (event.kind === 'EnterUnresponsive' && worker.session !== undefined) worker.session.paused = true
    if (event.kind === 'ExitUnresponsive' && worker.session !== undefined) worker.session.paused = false
  }

  private heartbeat(pubkey: Uint8Array, event: WorkingReportEvent): void {
    const worker = this.workers.get(bytesToKey(pubkey))
    if (worker === undefined) return
    const { challengeBlock, sessionId, iterations, challengeTime } = event.value
    // The reference panics over an answer that nobody waits for, or out of turn.
    const at = worker.waiting.indexOf(challengeBlock)
    if (at < 0) return
    worker.waiting = worker.waiting.slice(at + 1)
    if (worker.session?.id !== sessionId) return
    worker.heartbeat = true
    worker.contractRunning = event.kind === 'HeartbeatV2' && event.value.nClusters > 0
    if (this.nowMs > worker.challengeTimeLast) {
      if (iterations < worker.iterationLast) worker.iterationLast = iterations
      const dt = ((this.nowMs - worker.challengeTimeLast) << 64n) / 1000n
      const measured = fixed.mulInteger(fixed.div((iterations - worker.iterationLast) << 64n, dt), 6)
      const most = fixed.mul(worker.pBench, fixedOf('1.2'))
      worker.pInstant = measured < most ? measured : most
    }
    worker.challengeTimeLast = challengeTime
    worker.iterationLast = iterations
    if (worker.unresponsive) {
      worker.deductible = 0n
      worker.updateBlock = this.block
      return
    }
    this.pay(worker)
  }

  private pay(worker: PlainWorker): void {
    const { budgetPerBlock, payoutRatio, treasuryRatio } = this.parameters
    const mine = share(worker)
    let [payout, treasury] = [0n, 0n]
    if (this.sumShare !== 0n && worker.deductible !== 0n && mine !== 0n && this.block > worker.updateBlock) {
      const budget = fixed.mul(fixed.div(mine, this.sumShare), budgetPerBlock) * BigInt(this.block - worker.updateBlock)
      payout = fixed.mul(budget, payoutRatio)
      treasury = fixed.mul(budget, treasuryRatio)
      worker.v -= worker.deductible < payout ? worker.deductible : payout
      worker.deductible = 0n
      worker.updateBlock = this.block
    }
    this.settle.push({ pubkey: worker.pubkey, v: worker.v, payout, treasury })
  }

  private close(): WorkingInfoUpdateEvent | undefined {
    const { rho, slashRate, costK, costB, vMax, heartbeatWindow } = this.parameters
    const offline: Uint8Array[] = []
    const recoveredToOnline: Uint8Array[] = []
    for (const worker of this.ordered()) {
      if (worker.session === undefined) continue
      if (worker.unresponsive && worker.heartbeat) {
        worker.unresponsive = false
        recoveredToOnline.push(worker.pubkey)
      } else if (!worker.unresponsive && worker.waiting[0] !== undefined && this.block - worker.waiting[0] > heartbeatWindow) {
        worker.unresponsive = true
        offline.push(worker.pubkey)
      }
      if (worker.unresponsive) {
        worker.v -= fixed.mul(worker.v, slashRate)
        worker.deductible = 0n
      } else if (!worker.heartbeat) {
        const multiplier = worker.pBench === 0n ? FIXED_ONE : fixed.div(p(worker), worker.pBench)
        const gain = fixed.mul(multiplier, fixed.mul(rho - FIXED_ONE, worker.v) + fixed.mul(costK, worker.pBench) + costB)
        worker.v = worker.v + gain < vMax ? worker.v + gain : vMax
        worker.deductible += gain
      }
    }
    const { settle } = this
    return offline.length + recoveredToOnline.length + settle.length === 0
      ? undefined : { blockNumber: this.block, timestampMs: this.nowMs, offline, recoveredToOnline, settle }
  }
}

/** Messages of the chain for tests of the economy. */
export const economyMessages = {
  worker: (pubkey: Uint8Array, event: WorkerEvent): Message =>
    createMessage(palletOrigin('PhalaComputation'), TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey, event } }),
  registered: (pubkey: Uint8Array, confidenceLevel: number): Message =>
    economyMessages.worker(pubkey, { kind: 'Registered', value: { confidenceLevel } }),
  started: (pubkey: Uint8Array, value: { readonly sessionId: number; readonly initV: bigint; readonly initP: number }): Message =>
    economyMessages.worker(pubkey, { kind: 'Started', value }),
  challenge: (seed: bigint, onlineTarget: bigint): Message =>
    createMessage(palletOrigin('PhalaComputation'), TOPICS.systemEvent, { kind: 'HeartbeatChallenge', value: { seed, onlineTarget } }),
  /** A challenge that this worker alone must answer. */
  challengeTo: (crypto: Pick<Crypto, 'blake2b256'>, pubkey: Uint8Array): Message => economyMessages.challenge(bigEndian(crypto.blake2b256(pubkey)), 0n),
  heartbeat: (pubkey: Uint8Array, value: Extract<WorkingReportEvent, { kind: 'HeartbeatV2' }>['value']): Message =>
    createMessage({ kind: 'Worker', value: pubkey }, TOPICS.workingReport, { kind: 'HeartbeatV2', value }),
} as const
