/**
 * Owns what people are told of the running economy: a picture after every block, and what changed since the last one. The chain says state,
 * heartbeats and rewards; V and P as they are between two payouts only the gatekeeper knows.
 */
import { toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { fixed } from '@phalanx/primitives/fixed'
import type { HttpClient } from '@phalanx/sdk'
import { phalaBasePoolStorage, phalaComputationStorage as computation } from '@phalanx/runtime/storage'
import { createWorkerClient } from '@phalanx/worker/wire'
import type { DevChain } from './dev-chain.ts'

/** A worker's work. `v` in decimal with all digits, `p` whole, rewards in plancks. */
export interface WorkerPicture {
  readonly worker: string
  /** State of its session on the chain. */
  readonly state: string
  readonly v: string
  readonly p: number
  readonly lastHeartbeat: number | undefined
  readonly missedChallenge: number | undefined
  readonly totalReward: bigint
}

/** The economy after a block. `stake`: what the pool is worth, plancks. */
export interface EconomyPicture {
  readonly block: number
  readonly pool: number
  readonly stake: bigint
  readonly workers: readonly WorkerPicture[]
}

/** What happened to a worker. `amount` in plancks. */
export type EconomyEvent =
  | { readonly event: 'earned'; readonly worker: string; readonly block: number; readonly amount: bigint; readonly totalReward: bigint; readonly v: string }
  | { readonly event: 'unresponsive'; readonly worker: string; readonly block: number; readonly missedChallenge: number | undefined; readonly v: string }
  | { readonly event: 'penalty'; readonly worker: string; readonly block: number; readonly v: string }
  | { readonly event: 'recovered'; readonly worker: string; readonly block: number; readonly v: string }

/** A worker's session account. */
export interface WatchedWorker {
  readonly identity: Uint8Array
  readonly session: Uint8Array
}

const UNRESPONSIVE = 'WorkerUnresponsive'
const DECIMALS = 20
const TIMEOUT_MS = 2_000
const ANSWER_BYTES_MAX = 64 * 1024

/** What changed between two pictures. */
export const economyEvents = (before: EconomyPicture | undefined, now: EconomyPicture): readonly EconomyEvent[] => {
  const { block } = now
  const out: EconomyEvent[] = []
  for (const { worker, state, v, totalReward, missedChallenge } of now.workers) {
    const last = before?.workers.find((one) => one.worker === worker)
    const wasSilent = last?.state === UNRESPONSIVE
    const isSilent = state === UNRESPONSIVE
    if (last !== undefined && totalReward > last.totalReward) out.push({ event: 'earned', worker, block, amount: totalReward - last.totalReward, totalReward, v })
    if (isSilent && !wasSilent) out.push({ event: 'unresponsive', worker, block, missedChallenge, v })
    else if (isSilent && last !== undefined && v !== last.v) out.push({ event: 'penalty', worker, block, v })
    else if (!isSilent && wasSilent) out.push({ event: 'recovered', worker, block, v })
  }
  return out
}

/** A reader of pictures. */
export const createEconomyReader = (
  target: { readonly pid: bigint; readonly workers: readonly WatchedWorker[]; readonly gatekeeper: string },
  dependencies: { readonly chain: DevChain; readonly crypto: Crypto; readonly http: HttpClient },
): (() => Promise<EconomyPicture>) => {
  const { chain, crypto, http } = dependencies
  const { pid, workers, gatekeeper } = target
  const { PhactoryAPI } = createWorkerClient((path, body) => http({
    method: 'POST', url: `${gatekeeper}${path}`, body, timeoutMs: TIMEOUT_MS, maxBytes: ANSWER_BYTES_MAX, headers: { 'content-type': 'application/octet-stream' },
  }))
  const keys = [
    phalaBasePoolStorage.pools.key(crypto, pid),
    ...workers.flatMap(({ session }) => [computation.sessions.key(crypto, session), computation.sessionRuns.key(crypto, session)]),
  ]
  /** V and P by the gatekeeper's reckoning; undefined while it does not answer. */
  const reckoned = async (publicKey: Uint8Array): Promise<{ readonly v: string; readonly pInstant: string } | undefined> => {
    try {
      return (await PhactoryAPI.GetWorkerState({ publicKey })).tokenomicInfo
    } catch {
      return undefined
    }
  }
  return async () => {
    const [{ block, values }, latest] = await Promise.all([chain.readMany(keys), Promise.all(workers.map(({ identity }) => reckoned(identity)))])
    return {
      block, pool: Number(pid), stake: phalaBasePoolStorage.pools.decode(values[0])?.value.basepool.totalValue ?? 0n,
      workers: workers.map(({ identity }, i) => {
        const info = computation.sessions.decode(values[1 + 2 * i])
        const run = computation.sessionRuns.decode(values[2 + 2 * i])
        return {
          worker: toHex(identity), state: info?.state.kind ?? 'none', v: latest[i]?.v ?? fixed.toText(info?.v ?? 0n, DECIMALS),
          p: Math.floor(Number(latest[i]?.pInstant ?? info?.benchmark.pInstant ?? 0)), lastHeartbeat: run?.lastHeartbeatAt, missedChallenge: run?.missedChallenge,
          totalReward: info?.stats.totalReward ?? 0n,
        }
      }),
    }
  }
}
