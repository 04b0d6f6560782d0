/**
 * Owns what the people around the stake do in the simulated world: a pool owner who keeps his workers at work, delegators who come and go, a
 * vault, and now and then somebody who asks for what he must not get. Knows the chain's calls by name, none of its rules.
 */
import { bytesEqual, parseHex, toHex } from '@phalanx/primitives/bytes'
import { suriToSr25519, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { fixed, fixedToBalance, UNIT } from '@phalanx/primitives/fixed'
import {
  phalaBasePoolStorage, phalaComputationStorage as computation, phalaRegistryStorage as registry, phalaStakePoolV2Storage as stakePool,
} from '@phalanx/runtime/storage'
import type { Node } from '@phalanx/node'
import { readHead, submitOrder } from './orders.ts'
import type { Prng } from './prng.ts'
import type { World } from './world-types.ts'

/** Operates all workers and owns their pool. */
export const OPERATOR = '//Dave'
const DELEGATORS = ['//Ferdie', '//Bob//stash'] as const
const VAULT_OWNER = '//Charlie//stash'
const SCORE_MIN = 50
const MORE_STAKE = 5000
const POOL_MARGIN = 20n
const CALM_STAKE = 100_000n * UNIT

/** A call by its names. */
interface Call {
  readonly pallet: string
  readonly name: string
  readonly args: unknown
}

interface Order {
  readonly calls: readonly Call[]
  readonly by: Sr25519Pair
}

/** The people. */
export interface Economy {
  start(): void
  /** From now on the pool's owner keeps his workers at work, and nobody does anything else. */
  calm(): void
  readonly submitted: number
}

const pool = (name: string, args: unknown): Call => ({ pallet: 'PhalaStakePoolv2', name, args })
const vault = (name: string, args: unknown): Call => ({ pallet: 'PhalaVault', name, args })
const wrap = (amount: bigint): Call => ({ pallet: 'PhalaWrappedBalances', name: 'wrap', args: { amount } })

/** What one sees of the chain before acting. */
class View {
  readonly world: World
  readonly node: Node
  readonly prng: Prng
  private readonly accounts: Map<string, Sr25519Pair>

  constructor(world: World, node: Node, parts: { readonly prng: Prng; readonly accounts: Map<string, Sr25519Pair> }) {
    this.world = world
    this.node = node
    this.prng = parts.prng
    this.accounts = parts.accounts
  }

  read: <K extends readonly unknown[], T>(item: { key(hasher: World['crypto'], ...key: K): Uint8Array; decode(bytes: Uint8Array | undefined): T }, ...key: K) => T =
    (item, ...key) => readHead(this.node, this.world.crypto, item, ...key)

  account(suri: string): Sr25519Pair {
    const known = this.accounts.get(suri) ?? suriToSr25519(this.world.crypto, suri)
    this.accounts.set(suri, known)
    return known
  }

  /** Number of the pool of this kind that an account owns. */
  poolOf(kind: 'StakePool' | 'Vault', owner: Uint8Array): bigint | undefined {
    const count = this.read(phalaBasePoolStorage.poolCount)
    for (let pid = 0n; pid < count; pid++) {
      const found = this.read(phalaBasePoolStorage.pools, pid)
      if (found?.kind === kind && bytesEqual(found.value.basepool.owner, owner)) return pid
    }
    return undefined
  }

  /** Workers of the pool and the state of their sessions. */
  members(pid: bigint): readonly { readonly worker: Uint8Array; readonly state: string }[] {
    const found = this.read(phalaBasePoolStorage.pools, pid)
    if (found?.kind !== 'StakePool') return []
    return found.value.workers.map((worker) => {
      const session = this.read(computation.workerBindings, worker)
      const info = session === undefined ? undefined : this.read(computation.sessions, session)
      return { worker, state: info?.state.kind ?? 'none' }
    })
  }
}

/** Least stake of a worker, and a little more. */
const stakeOf = (view: View, worker: Uint8Array): bigint | undefined => {
  const score = view.read(registry.workers, worker)?.initialScore
  const params = view.read(computation.tokenomicParameters)
  if (score === undefined || score < SCORE_MIN || params === undefined) return undefined
  return fixedToBalance(fixed.mul(params.k, fixed.sqrt(fixed.fromInteger(score)))) + UNIT + BigInt(view.prng.below(1000))
}

/** What the pool owner does without being told: a pool, its workers in it, enough stake, all of them started. */
const tendPool = (view: View): Order | undefined => {
  const by = view.account(OPERATOR)
  if (view.read(registry.gatekeeperMasterPubkey) === undefined) return undefined
  const pid = view.poolOf('StakePool', by.publicKey)
  if (pid === undefined) {
    const amount = 2000n * POOL_MARGIN * UNIT
    const next = view.read(phalaBasePoolStorage.poolCount)
    return { by, calls: [pool('create', {}), wrap(amount), pool('contribute', { pid: next, amount, asVault: undefined }), pool('setPayoutPref', { pid: next, payoutCommission: 50_000 })] }
  }
  const calls: Call[] = []
  for (const name of view.world.auditor.workers.keys()) {
    const worker = view.world.workers.find(({ identity }) => identity === name)
    const pubkey = worker === undefined ? undefined : parseHex(name)
    if (pubkey === undefined || view.read(stakePool.workerAssignments, pubkey) !== undefined) continue
    if (view.read(registry.workers, pubkey)?.initialScore !== undefined) calls.push(pool('addWorker', { pid, pubkey }))
  }
  for (const { worker, state } of view.members(pid)) {
    const stake = state === 'Ready' ? stakeOf(view, worker) : undefined
    const isHere = view.world.workers.some(({ identity }) => identity === toHex(worker))
    if (stake !== undefined && isHere) calls.push(pool('startComputing', { pid, worker, stake }))
  }
  return calls.length === 0 ? undefined : { by, calls }
}

type Deed = (view: View, pid: bigint) => Order | undefined

const someAmount = (prng: Prng): bigint => {
  const kind = prng.below(10)
  if (kind === 0) return BigInt(prng.below(3))
  if (kind === 1) return 10n ** 8n + BigInt(prng.below(3)) - 1n
  if (kind === 2) return (1n << 127n) + BigInt(prng.u32())
  return BigInt(prng.between(1, 3000)) * UNIT + BigInt(prng.u32())
}

const delegate: Deed = (view, pid) => {
  const by = view.account(view.prng.pick(DELEGATORS))
  const amount = someAmount(view.prng)
  return { by, calls: [wrap(amount), pool('contribute', { pid, amount, asVault: undefined })] }
}

const withdraw: Deed = (view, pid) =>
  ({ by: view.account(view.prng.pick([...DELEGATORS, OPERATOR])), calls: [pool('withdraw', { pid, shares: someAmount(view.prng), asVault: undefined })] })

const unwrap: Deed = (view) => ({ by: view.account(view.prng.pick(DELEGATORS)), calls: [{ pallet: 'PhalaWrappedBalances', name: 'unwrap', args: { amount: someAmount(view.prng) } }] })

/** Takes one of the pool's workers to its next state: stopped, free again, out of the pool, or at work with more stake. */
const stirWorker: Deed = (view, pid) => {
  const members = view.members(pid)
  if (members.length === 0) return undefined
  const { worker, state } = view.prng.pick(members)
  const by = view.account(OPERATOR)
  if (state === 'WorkerCoolingDown') return { by, calls: [pool('reclaimPoolWorker', { pid, worker })] }
  if (state === 'Ready') return { by, calls: [pool('removeWorker', { pid, worker })] }
  const isHere = view.world.workers.some(({ identity }) => identity === toHex(worker))
  if (!isHere || view.prng.chance(500)) return { by, calls: [pool('stopComputing', { pid, worker })] }
  const session = view.read(computation.workerBindings, worker)
  const stake = session === undefined ? undefined : view.read(computation.stakes, session)
  return stake === undefined ? undefined : { by, calls: [pool('restartComputing', { pid, worker, stake: stake + BigInt(view.prng.between(0, MORE_STAKE)) })] }
}

/** All that brings the pool's workers back to work: stake enough for all, those freed that have stopped, those started that are free. */
const bringBack = (view: View, pid: bigint, duty: Order | undefined): Order | undefined => {
  const members = view.members(pid)
  const stopped = members.filter(({ state }) => state === 'WorkerCoolingDown').map(({ worker }) => pool('reclaimPoolWorker', { pid, worker }))
  if (stopped.length === 0 && duty === undefined) return undefined
  const more = members.some(({ state }) => state === 'Ready') ? [wrap(CALM_STAKE), pool('contribute', { pid, amount: CALM_STAKE, asVault: undefined })] : []
  return { by: view.account(OPERATOR), calls: [...more, ...(duty?.calls ?? []), ...stopped] }
}

/** The operator takes a worker out of its session without the pool's owner. */
const unbind: Deed = (view, pid) => {
  const [first] = view.members(pid)
  const session = first === undefined ? undefined : view.read(computation.workerBindings, first.worker)
  return session === undefined ? undefined : { by: view.account(OPERATOR), calls: [{ pallet: 'PhalaComputation', name: 'unbind', args: { session } }] }
}

const collect: Deed = (view, pid) => {
  const by = view.account(OPERATOR)
  return { by, calls: [pool('claimOwnerRewards', { pid, target: by.publicKey }), pool('checkAndMaybeForceWithdraw', { pid })] }
}

/** A vault that puts its delegators' money in the pool and takes it out again. */
const tendVault: Deed = (view, pid) => {
  const by = view.account(VAULT_OWNER)
  const own = view.poolOf('Vault', by.publicKey)
  const { prng } = view
  const amount = someAmount(prng)
  if (own === undefined) {
    const next = view.read(phalaBasePoolStorage.poolCount)
    return { by, calls: [vault('create', {}), wrap(amount), vault('contribute', { pid: next, amount })] }
  }
  const calls = [
    [wrap(amount), vault('contribute', { pid: own, amount })],
    [pool('contribute', { pid, amount, asVault: own })],
    [pool('withdraw', { pid, shares: amount, asVault: own })],
    [vault('withdraw', { pid: own, shares: amount })],
    [vault('checkAndMaybeForceWithdraw', { vaultPid: own }), vault('maybeGainOwnerShares', { vaultPid: own })],
  ]
  return { by, calls: prng.pick(calls) }
}

/** Somebody who owns nothing here helps himself. */
const trespass: Deed = (view, pid) => {
  const by = view.account('//Alice//stash')
  const worker = view.members(pid)[0]?.worker ?? new Uint8Array(32)
  const { prng } = view
  return {
    by,
    calls: [prng.pick([
      pool('startComputing', { pid, worker, stake: 0n }), pool('stopComputing', { pid, worker }), pool('claimOwnerRewards', { pid, target: by.publicKey }),
      pool('addWorker', { pid, pubkey: worker }), pool('withdraw', { pid, shares: someAmount(prng), asVault: 0n }), pool('reclaimPoolWorker', { pid: pid + 7n, worker }),
      pool('payOwedReward', { pid: pid + 1n }), pool('setCap', { pid, cap: 0n }),
    ])],
  }
}

const DEEDS: readonly (readonly [weight: number, deed: Deed])[] = [
  [5, delegate], [4, withdraw], [2, unwrap], [6, stirWorker], [1, unbind], [2, collect], [4, tendVault], [2, trespass],
]

/** Prepares the people; somebody acts every `everyMs` on average. */
export const createEconomy = (world: World, options: { readonly everyMs: number }, prng: Prng): Economy => {
  const accounts = new Map<string, Sr25519Pair>()
  let isCalm = false
  let submitted = 0
  /** Some orders stand or fall as one, of others each part counts by itself. */
  const toCall = ({ calls }: Order): Call =>
    calls.length === 1 ? (calls[0] as Call) : { pallet: 'Utility', name: prng.chance(500) && !isCalm ? 'batchAll' : 'forceBatch', args: { calls } }
  const nextOrder = (view: View): Order | undefined => {
    const duty = tendPool(view)
    if (duty !== undefined && !isCalm && prng.chance(700)) return duty
    const pid = view.poolOf('StakePool', view.account(OPERATOR).publicKey)
    if (isCalm) return pid === undefined ? duty : bringBack(view, pid, duty)
    return pid === undefined ? duty : prng.pickWeighted(DEEDS)(view, pid)
  }
  const act = async (): Promise<void> => {
    world.clock.after(1 + prng.below(2 * options.everyMs), () => void act())
    const node = world.node()
    const order = node === undefined ? undefined : nextOrder(new View(world, node, { prng, accounts }))
    if (node === undefined || order === undefined) return
    if (await submitOrder(node, { call: world.encodeCall(toCall(order)), by: order.by }, { crypto: world.crypto, prng })) submitted++
  }
  return {
    get submitted() {
      return submitted
    },
    start() {
      void act()
    },
    calm() {
      isCalm = true
    },
  }
}
