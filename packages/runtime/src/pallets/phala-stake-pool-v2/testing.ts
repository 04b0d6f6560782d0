/** Owns what the tests of the stake pallets share: a chain with all of them, people with wrapped PHA, registered workers, rewards. For tests only. */
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { RuntimeCall, RuntimeEvent } from '../../frame/context.ts'
import type { PlacedPallet } from '../../frame/calls.ts'
import { signed } from '../../frame/origin.ts'
import { createTestChain, devAccount, type TestChain } from '../../frame/testing.ts'
import { assets } from '../assets/pallet.ts'
import { balances } from '../balances/pallet.ts'
import { phalaBasePool } from '../phala-base-pool/pallet.ts'
import { freeSharesOf } from '../phala-base-pool/nfts.ts'
import { basePoolOf, stakePoolOf } from '../phala-base-pool/pools.ts'
import { SUBSIDY_ACCOUNT } from '../phala-computation/accounts.ts'
import { phalaComputation } from '../phala-computation/pallet.ts'
import { phalaMq } from '../phala-mq/pallet.ts'
import { phalaRegistry } from '../phala-registry/pallet.ts'
import { rootWorker } from '../phala-registry/registration.ts'
import { workers } from '../phala-registry/storage.ts'
import { phalaVault } from '../phala-vault/pallet.ts'
import { createWrappedBalances } from '../phala-wrapped-balances/pallet.ts'
import { DEMOCRACY, type Referenda } from '../phala-wrapped-balances/referenda.ts'
import { wphaBalance } from '../phala-wrapped-balances/wpha.ts'
import { randomnessCollectiveFlip } from '../randomness-collective-flip/pallet.ts'
import { rmrkCore } from '../rmrk-core/pallet.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { now } from '../timestamp/storage.ts'
import { uniques } from '../uniques/pallet.ts'
import { stakePoolListener } from './listener.ts'
import { phalaStakePoolV2 } from './pallet.ts'

/** Plancks of one PHA. */
export const UNIT = 1_000_000_000_000n
/** Seconds of the tests' cool-down. */
export const COOL_DOWN_SEC = 604_800n
/** Score of a worker; under the tests' parameters its least stake is 0.001 PHA. */
const SCORE = 100

/** What a test world starts from. */
export interface StakeTestbedOptions {
  /** Accounts with PHA, and how much. */
  readonly people?: readonly (readonly [who: Uint8Array, pha: bigint])[]
  /** Genesis of wrapped PHA. */
  readonly wrapped?: Readonly<Record<string, string>>
  readonly computation?: object
  readonly wallet?: bigint
  readonly referenda?: Referenda
  readonly timeMs?: bigint
  /** Pallets besides. */
  readonly pallets?: readonly PlacedPallet[]
}

/** A chain with the stake pallets, where workers need next to no stake unless told otherwise. */
export const createStakeTestbed = (crypto: Crypto, options: StakeTestbedOptions = {}) => {
  const wrapped = createWrappedBalances(options.referenda ?? DEMOCRACY)
  const endowed = [[SUBSIDY_ACCOUNT, options.wallet ?? 1_000_000n * UNIT] as const, ...(options.people ?? [])].filter(([, pha]) => pha > 0n)
  const chain: TestChain = createTestChain({
    pallets: [
      { index: 0, pallet: assets }, { index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances },
      { index: 27, pallet: randomnessCollectiveFlip }, { index: 40, pallet: phalaMq }, { index: 41, pallet: phalaRegistry },
      { index: 42, pallet: phalaComputation }, { index: 43, pallet: phalaStakePoolV2 }, { index: 45, pallet: phalaVault }, { index: 46, pallet: wrapped },
      { index: 47, pallet: phalaBasePool }, { index: 104, pallet: uniques }, { index: 105, pallet: rmrkCore }, ...(options.pallets ?? []),
    ],
    ...(options.timeMs === undefined ? {} : { timeMs: options.timeMs }),
    genesis: {
      Balances: { balances: endowed.map(([who, pha]) => [toHex(who), pha.toString()]) },
      PhalaRegistry: {},
      PhalaComputation: { tokenomic: { k: '0.0001' }, coolDownPeriodSec: COOL_DOWN_SEC.toString(), checkWorkerRegisterTime: false, ...options.computation },
      ...(options.wrapped === undefined ? {} : { PhalaWrappedBalances: options.wrapped }),
    },
  }, { crypto })

  /** Registers a worker with a benchmark. */
  const register = (worker: Uint8Array, operator: Uint8Array | undefined, options: { readonly unscored?: boolean } = {}): void =>
    workers.set(chain.ctx, worker, {
      ...rootWorker({ pubkey: worker, ecdhPubkey: worker }, operator, 1n), initialScore: options.unscored === true ? undefined : SCORE, confidenceLevel: 1,
    })
  /** Events of a call that succeeds. */
  const ok = (call: RuntimeCall, who: Uint8Array): readonly RuntimeEvent[] => chain.assertOk(call, signed(who))
  const refused = (call: RuntimeCall, who: Uint8Array, error: string): void => chain.assertNoop(call, signed(who), error)
  return {
    chain, wrapped, register, ok, refused,
    wrap: (who: Uint8Array, amount: bigint) => ok(wrapped.call('wrap', { amount }), who),
    /** Lets time pass within the block. */
    pass: (seconds: bigint): void => now.mutate(chain.ctx, (ms) => ms + seconds * 1000n),
    /** Pays a worker's reward, fixed point bits. */
    reward(worker: Uint8Array, payout: bigint): readonly RuntimeEvent[] {
      const before = chain.events().length
      stakePoolListener.onReward?.(chain.ctx, [{ pubkey: worker, v: 0n, payout, treasury: 0n }])
      chain.tryState()
      return chain.events().slice(before)
    },
    pool: (pid: bigint) => stakePoolOf(chain.ctx, pid),
    base: (pid: bigint) => basePoolOf(chain.ctx, pid),
    wpha: (who: Uint8Array): bigint => wphaBalance(chain.ctx, who),
    shares: (pid: bigint, who: Uint8Array): bigint => freeSharesOf(chain.ctx, basePoolOf(chain.ctx, pid).cid, who),
  }
}

/** Public keys of development accounts. */
export const people = (crypto: Crypto, ...names: readonly string[]): readonly Uint8Array[] => names.map((name) => devAccount(crypto, name).publicKey)
