/** Owns what the tests of PhalaComputation share: a chain with everything it needs, scored workers, sessions, messages. For tests only. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { balanceToFixed, UNIT } from '@phalanx/primitives/fixed'
import { createMessage, TOPICS, type SettleInfo, type SystemEvent, type WorkingInfoUpdateEvent, type WorkingReportEvent } from '@phalanx/primitives/messages'
import type { PlacedPallet } from '../../frame/calls.ts'
import { signed, type Origin } from '../../frame/origin.ts'
import { createTestChain, devAccount, type TestChain } from '../../frame/testing.ts'
import { balances } from '../balances/pallet.ts'
import { loggedMessages } from '../phala-mq/block-log.ts'
import { phalaMq } from '../phala-mq/pallet.ts'
import { routeMessage } from '../phala-mq/routing.ts'
import { phalaRegistry } from '../phala-registry/pallet.ts'
import { rootWorker } from '../phala-registry/registration.ts'
import { gatekeeperLaunchedAt, workerAddedAt, workers } from '../phala-registry/storage.ts'
import { randomnessCollectiveFlip } from '../randomness-collective-flip/pallet.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { now } from '../timestamp/storage.ts'
import { SUBSIDY_ACCOUNT } from './accounts.ts'
import { phalaComputation } from './pallet.ts'
import { bindSession, startComputing } from './sessions.ts'
import * as storage from './storage.ts'

const START_MS = 1_760_000_000_000n
const LAUNCHED_AT = 1

/** Plancks in the test chain's subsidy wallet. */
const WALLET = 1_000_000n * UNIT
/** A stake that lets a worker of performance 1000 start under the default parameters. */
export const STAKE = 5_000n * UNIT

/** A worker of the tests and the session account that goes with it. */
export interface TestSession {
  readonly worker: Uint8Array
  readonly session: Uint8Array
  readonly operator: Uint8Array
}

/** What a test world may be given: changes of computation's part of the chain spec, and pallets besides with their parts of it. */
export interface ComputationTestbedOptions {
  readonly genesis?: object
  readonly wallet?: bigint
  readonly timeMs?: bigint
  readonly more?: { readonly pallets: readonly PlacedPallet[]; readonly genesis: Readonly<Record<string, unknown>> }
}

/** Starts the test world. */
export const createComputationTestbed = (crypto: Crypto, options: ComputationTestbedOptions = {}) => {
  const chain: TestChain = createTestChain(
    {
      pallets: [
        { index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 27, pallet: randomnessCollectiveFlip },
        { index: 40, pallet: phalaMq }, { index: 41, pallet: phalaRegistry }, { index: 42, pallet: phalaComputation }, ...(options.more?.pallets ?? []),
      ],
      timeMs: options.timeMs ?? START_MS,
      genesis: {
        Balances: { balances: [[`0x${[...SUBSIDY_ACCOUNT].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`, (options.wallet ?? WALLET).toString()]] },
        PhalaRegistry: {},
        PhalaComputation: { checkWorkerRegisterTime: true, ...options.genesis },
        ...options.more?.genesis,
      },
    },
    { crypto },
  )
  chain.nextBlock()
  gatekeeperLaunchedAt.set(chain.ctx, [LAUNCHED_AT, START_MS / 1000n])

  /** A registered worker with a score, not bound yet. */
  const prepare = (name: string, change: { readonly score?: number | undefined; readonly level?: number } = {}): TestSession => {
    const worker = devAccount(crypto, name).publicKey
    const operator = devAccount(crypto, `${name}-operator`).publicKey
    workers.set(chain.ctx, worker, {
      ...rootWorker({ pubkey: worker, ecdhPubkey: devAccount(crypto, `${name}-ecdh`).publicKey }, operator, 1n),
      initialScore: 'score' in change ? change.score : 1000, confidenceLevel: change.level ?? 1,
    })
    workerAddedAt.set(chain.ctx, worker, LAUNCHED_AT + 1)
    return { worker, operator, session: devAccount(crypto, `${name}-session`).publicKey }
  }
  const bound = (name: string, change: { readonly score?: number | undefined; readonly level?: number } = {}): TestSession => {
    const one = prepare(name, change)
    bindSession(chain.ctx, one)
    return one
  }
  const started = (name: string, stake = STAKE): TestSession => {
    const one = bound(name)
    startComputing(chain.ctx, one.session, stake)
    return one
  }
  const info = (one: TestSession) => {
    const found = storage.sessions.get(chain.ctx, one.session)
    if (found === undefined) throw new TypeError('the session exists')
    return found
  }
  const run = (one: TestSession) => {
    const found = storage.sessionRuns.get(chain.ctx, one.session)
    if (found === undefined) throw new TypeError('the session runs')
    return found
  }
  /** A heartbeat to the present run's latest block, with changes. */
  const heartbeat = (one: TestSession, change: { readonly sessionId?: number; readonly challengeBlock?: number; readonly challengeTime?: bigint; readonly iterations?: bigint; readonly nClusters?: number } = {}): void => {
    const event: WorkingReportEvent = {
      kind: 'HeartbeatV2',
      value: {
        sessionId: change.sessionId ?? run(one).sessionId,
        challengeBlock: change.challengeBlock ?? chain.ctx.block.number - 1,
        challengeTime: change.challengeTime ?? now.get(chain.ctx) - 1000n,
        iterations: change.iterations ?? 1000n, nClusters: change.nClusters ?? 0, nContracts: 0,
      },
    }
    routeMessage(chain.ctx, createMessage({ kind: 'Worker', value: one.worker }, TOPICS.workingReport, event))
  }
  /** What the gatekeepers say of the block before this one. */
  const update = (change: Partial<WorkingInfoUpdateEvent>): void => {
    const event = { blockNumber: chain.ctx.block.number - 1, timestampMs: now.get(chain.ctx) - 1000n, offline: [], recoveredToOnline: [], settle: [], ...change }
    routeMessage(chain.ctx, createMessage({ kind: 'Gatekeeper' }, TOPICS.workingUpdate, event))
  }
  const settlement = (one: TestSession, amounts: { readonly v?: bigint; readonly payout?: bigint; readonly treasury?: bigint } = {}): SettleInfo => ({
    pubkey: one.worker, v: amounts.v ?? 1n, payout: balanceToFixed(amounts.payout ?? 0n), treasury: balanceToFixed(amounts.treasury ?? 0n),
  })
  /** System events that the chain sent in this block. */
  const systemEvents = (): readonly SystemEvent[] =>
    loggedMessages(chain.ctx).filter(({ destination }) => bytesEqual(destination, TOPICS.systemEvent.topic)).map(({ payload }) => TOPICS.systemEvent.payload.decode(payload))
  const gatekeeperEvents = () =>
    loggedMessages(chain.ctx).filter(({ destination }) => bytesEqual(destination, TOPICS.gatekeeperEvent.topic)).map(({ payload }) => TOPICS.gatekeeperEvent.payload.decode(payload))
  const names = (): readonly string[] => chain.events().filter(({ pallet }) => pallet === 'PhalaComputation').map(({ name }) => name)
  const operatorOf = (one: TestSession): Origin => signed(one.operator)
  return { chain, prepare, bound, started, info, run, heartbeat, update, settlement, systemEvents, gatekeeperEvents, names, operatorOf }
}

/** The test world. */
export type ComputationTestbed = ReturnType<typeof createComputationTestbed>
