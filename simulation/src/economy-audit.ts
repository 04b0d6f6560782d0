/**
 * Owns an independent account of the economy: the plain oracle reckons every block from the chain's messages, and what gatekeepers vote for, what
 * takes effect, what each session is worth and what leaves the subsidy wallet must follow from that alone. Shares no arithmetic with the replay.
 */
import { AssertionError } from '@phalanx/primitives/assert'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { ByteReader, compactU32 } from '@phalanx/primitives/codec'
import { readPhlx } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { fixedToBalance } from '@phalanx/primitives/fixed'
import { TOPICS, type GatekeeperVote, type Message, type WorkingInfoUpdateEvent } from '@phalanx/primitives/messages'
import type { AssembledRuntime, RuntimeEvent } from '@phalanx/runtime/frame'
import { assetsStorage, phalaComputationStorage as computation, phalaWrappedBalancesStorage as wrapped, systemStorage } from '@phalanx/runtime/storage'
import { PlainEconomics } from '@phalanx/worker/testing'
import type { AuditedBlock } from './auditor.ts'

/** Account that rewards come from. */
const SUBSIDY_ACCOUNT = new Uint8Array(32)
SUBSIDY_ACCOUNT.set(new TextEncoder().encode('modlphala/pp'))
/** PHA that the reserve holds from genesis on. */
const RESERVE_ENDOWMENT = 10n ** 10n
/** Blocks between two looks at all that must hold. */
const FULL_CHECK_BLOCKS = 20

/** A session's worth as the messages told it. */
interface ModelSession {
  v: bigint
  /** Seconds at which V was last set. */
  updatedAt: bigint
  isComputing: boolean
  isUnresponsive: boolean
}

/** Counts of what was compared. */
export interface EconomyCounts {
  settlements: number
  offline: number
  recovered: number
  /** Blocks in which a settlement was decided and the wallet's loss was known to the planck. */
  walletChecks: number
  fullChecks: number
}

/** The account. */
export interface EconomyAudit {
  readonly counts: Readonly<EconomyCounts>
  /** Newest block whose update took effect. */
  readonly decidedTo: number
  /** What a gatekeeper says of a block's economy. Says what is wrong, if anything. */
  judgeVote(vote: GatekeeperVote): string | undefined
  /** Takes the next block. Says what is wrong, if anything. */
  follow(block: AuditedBlock): string | undefined
}

interface Parts {
  readonly crypto: Crypto
  readonly runtime: AssembledRuntime
}

/** Starts at genesis. */
export const createEconomyAudit = (parts: Parts): EconomyAudit => new ModelEconomy(parts)

const isTopic = (message: Message, { topic }: { readonly topic: Uint8Array }): boolean => bytesEqual(message.destination, topic)
/** Phases of a block in the encoding of events. */
const APPLY_EXTRINSIC = 0
const INITIALIZATION = 2
/** One of these tells of each settlement that reached a bound session. */
const SETTLEMENT_EVENTS = ['SessionSettled', 'SessionSettlementDropped', 'InternalErrorWorkerSettleFailed']
const AMOUNT_EVENTS = ['RewardDismissedNotInPool', 'RewardDismissedDust', 'RewardDismissedNoShare', 'RewardOwed']

class ModelEconomy implements EconomyAudit {
  readonly counts: EconomyCounts = { settlements: 0, offline: 0, recovered: 0, walletChecks: 0, fullChecks: 0 }
  decidedTo = 0
  private readonly parts: Parts
  private readonly plain: PlainEconomics
  private isLaunched = false
  private wallet: bigint | undefined
  /** Time of the block before. */
  private previousMs = 0n
  /** What the gatekeepers must say of each block, where they must say anything. */
  private readonly expected = new Map<number, Uint8Array>()
  private readonly decided = new Set<number>()
  private readonly sessions = new Map<string, ModelSession>()
  /** Workers in a session after the last block. */
  private bound: ReadonlySet<string> = new Set()

  constructor(parts: Parts) {
    this.parts = parts
    this.plain = new PlainEconomics(parts.crypto)
  }

  judgeVote({ block, destination, payload }: GatekeeperVote): string | undefined {
    if (!bytesEqual(destination, TOPICS.workingUpdate.topic)) return undefined
    const expected = this.expected.get(block)
    if (expected === undefined) return `a vote for an update of block ${block}, of which there is nothing to say`
    return bytesEqual(expected, payload) ? undefined : `a vote for ${toHex(payload)} as the update of block ${block}, by the formulas it is ${toHex(expected)}`
  }

  follow(block: AuditedBlock): string | undefined {
    const nowMs = readPhlx(block.header).timeMs
    this.reckon(block, nowMs)
    const problem = this.takeEffects(block, nowMs) ?? this.compareSessions(block, nowMs) ?? (block.number % FULL_CHECK_BLOCKS === 0 ? this.checkAll(block) : undefined)
    this.previousMs = nowMs
    return problem
  }

  private reckon({ number, messages }: AuditedBlock, nowMs: bigint): void {
    this.isLaunched ||= messages.some((message) =>
      message.sender.kind === 'Pallet' && isTopic(message, TOPICS.gatekeeperLaunch) && TOPICS.gatekeeperLaunch.payload.decode(message.payload).kind === 'MasterPubkeyOnChain')
    if (!this.isLaunched) return
    const update = this.plain.run({ block: number, nowMs }, messages)
    if (update !== undefined) this.expected.set(number, TOPICS.workingUpdate.payload.encode(update))
  }

  /** What the block's messages did to sessions and wallet. */
  private takeEffects(block: AuditedBlock, nowMs: bigint): string | undefined {
    const updates: WorkingInfoUpdateEvent[] = []
    let treasury = 0n
    // What takes effect because a gatekeeper left does so at the start of a block, whose time the chain does not know yet.
    let early = this.eventsOf(block).filter(({ name, phase }) => phase === INITIALIZATION && SETTLEMENT_EVENTS.includes(name)).length
    for (const message of block.messages) {
      if (message.sender.kind === 'Pallet' && isTopic(message, TOPICS.systemEvent)) this.noteWorkerEvent(message, nowMs)
      if (message.sender.kind !== 'Gatekeeper' || !isTopic(message, TOPICS.workingUpdate)) continue
      const update = TOPICS.workingUpdate.payload.decode(message.payload)
      const expected = this.expected.get(update.blockNumber)
      if (expected === undefined || !bytesEqual(expected, message.payload)) return `an update of block ${update.blockNumber} took effect that does not follow from it`
      if (this.decided.has(update.blockNumber)) return `the update of block ${update.blockNumber} took effect twice`
      this.decided.add(update.blockNumber)
      this.decidedTo = Math.max(this.decidedTo, update.blockNumber)
      updates.push(update)
      treasury += this.applyUpdate(update, early > 0 ? this.previousMs : nowMs)
      early -= update.settle.length
    }
    return this.checkWallet(block, updates, treasury)
  }

  private noteWorkerEvent(message: Message, nowMs: bigint): void {
    const event = TOPICS.systemEvent.payload.decode(message.payload)
    if (event.kind !== 'WorkerEvent') return
    const name = toHex(event.value.pubkey)
    const { event: what } = event.value
    if (what.kind === 'Started') this.sessions.set(name, { v: what.value.initV, updatedAt: nowMs / 1000n, isComputing: true, isUnresponsive: false })
    const session = this.sessions.get(name)
    if (what.kind === 'Stopped' && session !== undefined) session.isComputing = false
  }

  /** Returns what the treasury gets. */
  private applyUpdate({ offline, recoveredToOnline, settle, timestampMs }: WorkingInfoUpdateEvent, nowMs: bigint): bigint {
    const mark = (pubkeys: readonly Uint8Array[], isUnresponsive: boolean): void => {
      for (const pubkey of pubkeys) Object.assign(this.sessions.get(toHex(pubkey)) ?? {}, { isUnresponsive })
    }
    mark(offline, true)
    mark(recoveredToOnline, false)
    this.counts.offline += offline.length
    this.counts.recovered += recoveredToOnline.length
    this.counts.settlements += settle.length
    let treasury = 0n
    for (const entry of settle) {
      const session = this.sessions.get(toHex(entry.pubkey))
      if (session === undefined || session.updatedAt >= timestampMs / 1000n) continue
      Object.assign(session, { v: entry.v, updatedAt: nowMs / 1000n })
      treasury += fixedToBalance(entry.treasury)
    }
    return treasury
  }

  /** The wallet loses what was paid, less what the chain says it did not pay out. */
  private checkWallet(block: AuditedBlock, updates: readonly WorkingInfoUpdateEvent[], treasury: bigint): string | undefined {
    const { crypto } = this.parts
    const now = systemStorage.account.decode(block.state.get(systemStorage.account.key(crypto, SUBSIDY_ACCOUNT))).data.free
    const before = this.wallet ?? now
    this.wallet = now
    if (updates.length === 0) return before === now ? undefined : `the subsidy wallet went from ${before} to ${now} without a settlement`
    const events = this.eventsOf(block)
    // A session that loses its worker in this very block may be settled before or after.
    if (events.some(({ name }) => name === 'SessionUnbound')) return undefined
    const payouts = updates.flatMap(({ settle }) => settle).reduce((sum, { payout }) => sum + fixedToBalance(payout), 0n)
    const kept = events.filter(({ name }) => AMOUNT_EVENTS.includes(name)).reduce((sum, { value }) => sum + (value as { readonly amount: bigint }).amount, 0n)
    this.counts.walletChecks++
    return before - now === payouts - kept + treasury ? undefined : `the subsidy wallet lost ${before - now}, the settlements come to ${payouts} - ${kept} + ${treasury}`
  }

  private eventsOf({ state }: AuditedBlock): readonly (RuntimeEvent & { readonly phase: number })[] {
    const { crypto, runtime } = this.parts
    const input = new ByteReader(systemStorage.events.decode(state.get(systemStorage.events.key(crypto))))
    return Array.from({ length: compactU32.read(input) }, () => {
      // Only events of an extrinsic name it.
      const phase = input.u8()
      if (phase === APPLY_EXTRINSIC) input.raw(4)
      const event = runtime.parts.services.RuntimeEvent.read(input)
      input.raw(32 * compactU32.read(input))
      return { ...event, phase }
    })
  }

  /** Every session's V and standing must be what the messages made of them. */
  private compareSessions({ state }: AuditedBlock, nowMs: bigint): string | undefined {
    const { crypto } = this.parts
    const before = this.bound
    const bound = new Set<string>()
    this.bound = bound
    for (const [key, pubkey] of state.entries(computation.sessionBindings.prefix(crypto))) {
      const worker = toHex(pubkey)
      bound.add(worker)
      const isStarted = this.sessions.get(worker)?.isComputing === true
      if (!before.has(worker) && !isStarted) this.sessions.set(worker, { v: 0n, updatedAt: nowMs / 1000n, isComputing: false, isUnresponsive: false })
      const model = this.sessions.get(worker)
      const session = key.subarray(-32)
      const info = computation.sessions.decode(state.get(computation.sessions.key(crypto, session)))
      if (info === undefined || info.state.kind === 'Ready') continue
      if (model === undefined) return `${worker} computes and was never started`
      if (info.v !== model.v) return `V of ${worker} is ${info.v}, by the formulas ${model.v}`
      const standing = !model.isComputing ? 'WorkerCoolingDown' : model.isUnresponsive ? 'WorkerUnresponsive' : 'WorkerIdle'
      if (info.state.kind !== standing) return `${worker} is ${info.state.kind}, by the messages ${standing}`
    }
    for (const worker of before) if (!bound.has(worker)) this.sessions.delete(worker)
    return undefined
  }

  /** The invariants of all pallets, and every planck behind wrapped PHA. */
  private checkAll({ state, header }: AuditedBlock): string | undefined {
    const { crypto, runtime } = this.parts
    this.counts.fullChecks++
    const ctx = runtime.contextAt({ state, at: header, env: { crypto } })
    try {
      for (const { pallet } of runtime.parts.pallets) pallet.tryState?.(pallet.in(ctx))
    } catch (error) {
      if (error instanceof AssertionError) return `it does not hold that ${error.message}`
      throw error
    }
    const reserve = systemStorage.account.decode(state.get(systemStorage.account.key(crypto, wrapped.WPHA_ACCOUNT))).data.free
    const supply = assetsStorage.asset.decode(state.get(assetsStorage.asset.key(crypto, wrapped.WPHA_ASSET_ID)))?.supply ?? 0n
    const dust = wrapped.unmintableDust.decode(state.get(wrapped.unmintableDust.key(crypto)))
    return reserve === supply + dust + RESERVE_ENDOWMENT ? undefined : `the reserve of ${reserve} stands behind ${supply} wrapped and ${dust} of dust`
  }
}
