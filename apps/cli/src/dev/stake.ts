/** Owns the stake of a development network: one pool with all its workers, as much stake as they need, all of them started. Every step can be repeated. */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { option, struct, u128, u64 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { fixed, fixedToBalance, UNIT } from '@phalanx/primitives/fixed'
import {
  phalaBasePoolStorage, phalaComputationStorage as computation, phalaRegistryStorage as registry, phalaStakePoolV2Storage,
} from '@phalanx/runtime/storage'
import '../errors.ts'
import type { DevCall, DevChain } from './dev-chain.ts'

/** Least score that may compute (PhalaComputation.BenchmarkTooLow). */
const SCORE_MIN = 50
const NOTHING = new Uint8Array(0)

const addWorkerArgs = struct({ pid: u64, pubkey: Sr25519Public })
const startArgs = struct({ pid: u64, worker: Sr25519Public, stake: u128 })
const contributeArgs = struct({ pid: u64, amount: u128, asVault: option(u64) })
const stakePool = (call: string, args: Uint8Array = NOTHING): DevCall => ({ pallet: 'PhalaStakePoolv2', call, args })

/** The pool that the account owns, and the id that a new one would get. */
const findPool = async (chain: DevChain, owner: Uint8Array): Promise<{ readonly pid: bigint; readonly exists: boolean }> => {
  const count = await chain.read(phalaBasePoolStorage.poolCount)
  for (let pid = 0n; pid < count; pid++) {
    const pool = await chain.read(phalaBasePoolStorage.pools, pid)
    if (pool?.kind === 'StakePool' && bytesEqual(pool.value.basepool.owner, owner)) return { pid, exists: true }
  }
  return { pid: count, exists: false }
}

/** Session account and state of a worker; undefined for one that is in no pool. */
const sessionOf = async (chain: DevChain, worker: Uint8Array): Promise<{ readonly session: Uint8Array; readonly state: string } | undefined> => {
  const session = await chain.read(computation.workerBindings, worker)
  const info = session === undefined ? undefined : await chain.read(computation.sessions, session)
  return session === undefined || info === undefined ? undefined : { session, state: info.state.kind }
}

/** What the pool needs to have all workers computing. `waiting`: workers that the chain does not take yet. */
export interface StakePlan {
  readonly pid: bigint
  readonly calls: readonly DevCall[]
  readonly waiting: number
}

/** Whether the gatekeepers were asked for the worker's evidence and have not answered. */
const isUnjudged = async (chain: DevChain, worker: Uint8Array): Promise<boolean> =>
  (await chain.read(registry.evidenceSentAt, worker)) !== undefined && (await chain.read(registry.gatekeeperVerdicts, worker)) === undefined

/** Least stake of a worker of this score, rounded up to whole PHA. */
const stakeFor = (k: bigint, score: number): bigint => {
  const least = fixedToBalance(fixed.mul(k, fixed.sqrt(fixed.fromInteger(score))))
  return (least / UNIT + 1n) * UNIT
}

/** Looks at the chain and says what is missing. @throws CLI_DEV_WORKER_TOO_SLOW */
export const planStake = async (chain: DevChain, owner: Uint8Array, workers: readonly Uint8Array[]): Promise<StakePlan> => {
  const params = await chain.read(computation.tokenomicParameters)
  const { pid, exists } = await findPool(chain, owner)
  const joining: DevCall[] = []
  const starting: DevCall[] = []
  let stake = 0n
  let waiting = 0
  for (const worker of workers) {
    const found = await sessionOf(chain, worker)
    if (found !== undefined && found.state !== 'Ready') continue
    const score = (await chain.read(registry.workers, worker))?.initialScore
    if (params === undefined || score === undefined || (await isUnjudged(chain, worker))) {
      waiting++
      continue
    }
    if (score < SCORE_MIN) throw new AppError('CLI_DEV_WORKER_TOO_SLOW', { worker: toHex(worker), score, least: SCORE_MIN })
    if ((await chain.read(phalaStakePoolV2Storage.workerAssignments, worker)) === undefined) joining.push(stakePool('add_worker', addWorkerArgs.encode({ pid, pubkey: worker })))
    const amount = stakeFor(params.k, score)
    stake += amount
    starting.push(stakePool('start_computing', startArgs.encode({ pid, worker, stake: amount })))
  }
  const funding: readonly DevCall[] = stake === 0n ? [] : [
    { pallet: 'PhalaWrappedBalances', call: 'wrap', args: u128.encode(stake) },
    stakePool('contribute', contributeArgs.encode({ pid, amount: stake, asVault: undefined })),
  ]
  return { pid, waiting, calls: [...(exists ? [] : [stakePool('create')]), ...joining, ...funding, ...starting] }
}
