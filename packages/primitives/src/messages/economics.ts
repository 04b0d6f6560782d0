/** Owns what chain and gatekeepers say to each other about earnings: tokenomic parameters, the gatekeepers' events, their settlements (mq.md section 7). */
import { fixedBytes, named, struct, u128, u32, u64, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Sr25519Public } from '../chain/basics.ts'

/** Parameters of the economy. Numbers are 64.64 fixed point bits except `heartbeatWindow`, which counts blocks; rates are per block. */
export const TokenomicParameters = named(
  'phala_types::messaging::TokenomicParameters',
  struct({
    phaRate: u128,
    rho: u128,
    budgetPerBlock: u128,
    vMax: u128,
    costK: u128,
    costB: u128,
    slashRate: u128,
    treasuryRatio: u128,
    heartbeatWindow: u32,
    rigK: u128,
    rigB: u128,
    re: u128,
    k: u128,
    kappa: u128,
  }),
)
export type TokenomicParameters = TypeOf<typeof TokenomicParameters>

/** A value of the gatekeepers' random beacon and the one before it. */
export const RandomNumberEvent = named(
  'phala_types::messaging::RandomNumberEvent',
  struct({ blockNumber: u32, randomNumber: fixedBytes(32), lastRandomNumber: fixedBytes(32) }),
)
export type RandomNumberEvent = TypeOf<typeof RandomNumberEvent>

/** Payload of `phala/gatekeeper/event`. The reserved events of the reference are read and ignored. */
export const GatekeeperEvent = named(
  'phala_types::messaging::GatekeeperEvent',
  variant('GatekeeperEvent', {
    NewRandomNumber: { index: 0, value: RandomNumberEvent },
    TokenomicParametersChanged: { index: 1, value: TokenomicParameters },
    _RepairV: { index: 2 },
    _PhalaLaunched: { index: 3 },
    _UnrespFix: { index: 4 },
  }),
)
export type GatekeeperEvent = TypeOf<typeof GatekeeperEvent>

/** Most workers in one list of an update: more than a network ever has. */
const WORKERS_MAX = 65_536

/** What a worker earned and what its V is now; fixed point bits. */
export const SettleInfo = named('phala_types::messaging::SettleInfo', struct({ pubkey: Sr25519Public, v: u128, payout: u128, treasury: u128 }))
export type SettleInfo = TypeOf<typeof SettleInfo>

/** Payload of `^phala/mining/update`: what a block changed among the computing workers. */
export const WorkingInfoUpdateEvent = named(
  'phala_types::messaging::WorkingInfoUpdateEvent',
  struct({
    blockNumber: u32,
    timestampMs: u64,
    offline: vecUpTo(Sr25519Public, WORKERS_MAX),
    recoveredToOnline: vecUpTo(Sr25519Public, WORKERS_MAX),
    settle: vecUpTo(SettleInfo, WORKERS_MAX),
  }),
)
export type WorkingInfoUpdateEvent = TypeOf<typeof WorkingInfoUpdateEvent>
