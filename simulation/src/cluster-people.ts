/**
 * Owns what the people of the simulated world do with a cluster: its owner makes it of workers that compute, brings a contract, takes members in and out and changes
 * keys; senders command the contract. A cluster that nobody runs any more is given up for another.
 */
import { bytesEqual, parseHex, toHex } from '@phalanx/primitives/bytes'
import { suriToSr25519, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { UNIT } from '@phalanx/primitives/fixed'
import { contractIdOf } from '@phalanx/primitives/messages'
import { phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import type { Node } from '@phalanx/node'
import { makeCommand, type SentCommand } from './cluster-commands.ts'
import { candidatesOf, clusterOf, maySpareCluster, placeOf, runsAt, sessionOf, targetsOf, type ClusterOnChain } from './cluster-view.ts'
import { readHead, submitOrder } from './orders.ts'
import type { Prng } from './prng.ts'
import { JAVASCRIPT_CODE, SCRIPTED_CODE } from './scripted-contract.ts'
import type { World } from './world-types.ts'

/** The people. */
export interface ClusterPeople {
  start(): void
  /** From now on only what keeps the cluster going, and commands until there were enough to tell something. */
  calm(): void
  readonly submitted: number
  /** Clusters that were given up. */
  readonly abandoned: number
  /** Whether enough commands were sent. */
  readonly isContent: boolean
}

interface Call {
  readonly pallet: string
  readonly name: string
  readonly args: unknown
}

/** Owns the cluster and its contract. */
export const OWNER = '//Dave//stash'
const ROOT = '//Alice'
/** Pays for others' commands: not who they are from. */
const COURIERS = ['//Eve//stash', '//Ferdie//stash'] as const
/** Command the contract, and ask it. */
export const SENDERS = ['//Sender//0', '//Sender//1', '//Sender//2'] as const
const MONEY = 100_000n * UNIT
const COMMANDS_MAX = 3
/** Blocks after which what did not come about is tried again, or given up. */
const PATIENCE_BLOCKS = 60
/** Commands, and receipts that two workers gave, of a run that tells something. */
const COMMANDS_ENOUGH = 6
const COMPARED_ENOUGH = 4

const phat = (name: string, args: unknown): Call => ({ pallet: 'PhalaPhatContracts', name, args })

/** Prepares the people; somebody acts every `everyMs` on average. */
export const createClusterPeople = (world: World, options: { readonly everyMs: number }, prng: Prng): ClusterPeople => new People(world, options, prng)

class People implements ClusterPeople {
  submitted = 0
  private readonly world: World
  private readonly everyMs: number
  private readonly prng: Prng
  /** Clusters that were given up. */
  private readonly dead = new Set<string>()
  private readonly accounts = new Map<string, Sr25519Pair>()
  private readonly code: Uint8Array
  private isCalm = false
  /** Since when, in blocks, nobody runs the cluster. */
  private idleSince: number | undefined
  /** The contract that was asked for, and when. */
  private wanted: { readonly cluster: Uint8Array; readonly contract: Uint8Array; readonly since: number } | undefined
  private salt = 0

  constructor(world: World, { everyMs }: { readonly everyMs: number }, prng: Prng) {
    this.world = world
    this.everyMs = everyMs
    this.prng = prng
    this.code = world.options.clusters?.isReal === true ? JAVASCRIPT_CODE : SCRIPTED_CODE
  }

  get abandoned(): number {
    return this.dead.size
  }

  get isContent(): boolean {
    const { world } = this
    const node = world.node()
    const members = node === undefined ? 0 : clusterOf(world, node)?.members.length ?? 0
    return world.commands.length >= COMMANDS_ENOUGH && (members < 2 || world.auditor.clusters.counts.comparedReceipts >= COMPARED_ENOUGH)
  }

  start(): void {
    void this.act()
  }

  calm(): void {
    this.isCalm = true
  }

  private account(suri: string): Sr25519Pair {
    const known = this.accounts.get(suri) ?? suriToSr25519(this.world.crypto, suri)
    this.accounts.set(suri, known)
    return known
  }

  private async act(): Promise<void> {
    const { world, prng } = this
    world.clock.after(1 + prng.below(2 * this.everyMs), () => void this.act())
    const node = world.node()
    if (node === undefined || world.problems.length > 0) return
    const cluster = clusterOf(world, node)
    const duty = this.duty(node, cluster)
    if (duty !== undefined) return this.submit(node, [duty.call], duty.by)
    if (cluster === undefined || !cluster.isOpen) return
    const setUp = this.bringContract(node, cluster)
    if (setUp.length > 0) return this.submit(node, setUp, OWNER)
    if (!this.isCalm && prng.chance(40)) return this.stir(node, cluster)
    if (!this.isCalm || !this.isContent) await this.command(node, cluster)
  }

  private async submit(node: Node, calls: readonly Call[], by: string): Promise<void> {
    const { world, prng } = this
    const call = calls.length === 1 ? (calls[0] as Call) : { pallet: 'Utility', name: 'forceBatch', args: { calls } }
    if (await submitOrder(node, { call: world.encodeCall(call), by: this.account(by) }, { crypto: world.crypto, prng })) this.submitted++
  }

  /** What keeps a cluster going. */
  private duty(node: Node, cluster: ClusterOnChain | undefined): { readonly call: Call; readonly by: string } | undefined {
    const { world } = this
    const size = world.options.clusters?.size ?? 0
    const candidates = candidatesOf(world, node)
    if (cluster === undefined) {
      this.idleSince = undefined
      // In the end one worker is a cluster, too: others may be in no state to compute again.
      return candidates.length < (this.isCalm ? 1 : Math.min(2, size)) || size === 0 ? undefined : { call: this.create(candidates.slice(0, size)), by: ROOT }
    }
    if (this.isDead(node, cluster)) {
      // Said at every turn until the cluster is gone: a relay signs for the same account, and the order that comes second is refused.
      this.dead.add(toHex(cluster.id))
      return { call: { pallet: 'Sudo', name: 'sudo', args: { call: phat('clusterDestroy', { cluster: cluster.id }) } }, by: ROOT }
    }
    const gone = cluster.members.find((member) => placeOf(world, member) === undefined)
    if (gone !== undefined && cluster.members.length > 1) return { call: phat('removeWorkerFromCluster', { workerPubkey: gone, clusterId: cluster.id }), by: OWNER }
    const [next] = candidates
    if (next === undefined || cluster.members.length >= size || !cluster.isOpen || !this.prng.chance(300)) return undefined
    return { call: phat('addWorkerToCluster', { workerPubkey: next, clusterId: cluster.id }), by: OWNER }
  }

  private isDead(node: Node, { id, members }: ClusterOnChain): boolean {
    if (this.world.auditor.clusters.isBereft(toHex(id))) return true
    const { number } = node.head()
    if (members.some((member) => runsAt(placeOf(this.world, member), id))) this.idleSince = undefined
    else this.idleSince ??= number
    return this.idleSince !== undefined && (members.length === 0 || number - this.idleSince > PATIENCE_BLOCKS)
  }

  private create(workers: readonly Uint8Array[]): Call {
    const owner = this.account(OWNER).publicKey
    const args = {
      owner, permission: { kind: 'Public' }, deployWorkers: workers, deposit: MONEY, gasPrice: 1n, depositPerItem: 1000n, depositPerByte: 10n, treasuryAccount: owner,
    }
    return { pallet: 'Sudo', name: 'sudo', args: { call: phat('addCluster', args) } }
  }

  /** Brings code, contract and money where they are not there yet. */
  private bringContract(node: Node, { id }: ClusterOnChain): readonly Call[] {
    const { world } = this
    const { number } = node.head()
    const isThere = this.contractKey(node, id) !== undefined
    const isAsked = this.wanted !== undefined && bytesEqual(this.wanted.cluster, id) && number - this.wanted.since <= PATIENCE_BLOCKS
    if (isThere || isAsked) return []
    const codeHash = world.crypto.blake2b256(this.code)
    const salt = Uint8Array.of(++this.salt)
    this.wanted = { cluster: id, since: number, contract: contractIdOf(world.crypto, { deployer: this.account(OWNER).publicKey, codeHash, clusterId: id, salt }) }
    const deposits = [...SENDERS, ...COURIERS].map((suri) => phat('transferToCluster', { amount: MONEY, clusterId: id, destAccount: this.account(suri).publicKey }))
    return [
      phat('clusterUploadResource', { clusterId: id, resourceType: { kind: 'InkCode' }, resourceData: this.code }),
      phat('instantiateContract', {
        codeIndex: { kind: 'WasmCode', value: codeHash }, data: new Uint8Array(0), salt, clusterId: id, transfer: 0n, gasLimit: 1_000_000_000_000n, storageDepositLimit: undefined, deposit: MONEY,
      }),
      ...deposits,
    ]
  }

  private contractKey(node: Node, cluster: Uint8Array): Uint8Array | undefined {
    return this.wanted === undefined || !bytesEqual(this.wanted.cluster, cluster) ? undefined : readHead(node, this.world.crypto, registry.contractKeys, this.wanted.contract)
  }

  /** The owner changes keys, or lets a member go that the others can do without. */
  private async stir(node: Node, { id, members }: ClusterOnChain): Promise<void> {
    const { prng, world } = this
    if (prng.chance(500)) return this.submit(node, [phat('rotateClusterEpoch', { clusterId: id })], OWNER)
    const member = prng.pick(members)
    const place = placeOf(world, member)
    if (place === undefined || !maySpareCluster(world, place)) return
    await this.submit(node, [phat('removeWorkerFromCluster', { workerPubkey: member, clusterId: id })], OWNER)
  }

  private async command(node: Node, { id, systemContract }: ClusterOnChain): Promise<void> {
    const { world, prng } = this
    const publicKey = this.contractKey(node, id)
    const otherKey = readHead(node, world.crypto, registry.contractKeys, systemContract)
    if (publicKey === undefined || otherKey === undefined || this.wanted === undefined) return
    const { contract } = this.wanted
    const to = { contract, publicKey, otherKey, targets: targetsOf(world, node, { cluster: id, contract }), genesis: node.genesisHash, block: node.head().number }
    const senders = SENDERS.map((suri) => this.account(suri))
    const made: SentCommand[] = []
    for (let i = prng.between(1, COMMANDS_MAX); i > 0; i--) {
      const command = makeCommand({ crypto: world.crypto, prng, hunt: world.hunt }, to, { senders, sent: world.commands })
      if (command !== undefined) made.push(command)
    }
    if (made.length === 0) return
    world.commands.push(...made.filter(({ hash }) => !world.commands.some((known) => known.hash === hash)))
    await this.submit(node, made.map(({ payload }) => phat('pushContractMessage', { contractId: contract, payload, deposit: 0n })), prng.pick(COURIERS))
  }
}

/** Whether a cluster, where there can be one, runs on all its members, and they agree on a state after the last command. */
export const isClusterSettled = (world: World, people: ClusterPeople): boolean => {
  const node = world.node()
  if (node === undefined) return false
  const { lastCommandBlock, lastAgreedBlock } = world.auditor.clusters
  const cluster = clusterOf(world, node)
  if (cluster === undefined) return candidatesOf(world, node).length === 0
  if (cluster.members.length === 0) return false
  const isRunning = cluster.members.every((member) => runsAt(placeOf(world, member), cluster.id))
  return people.isContent && isRunning && (lastAgreedBlock ?? -1) >= lastCommandBlock
}

/** The cluster for a report. */
export const describeCluster = (world: World): string => {
  const node = world.node()
  const cluster = node === undefined ? undefined : clusterOf(world, node)
  if (node === undefined) return 'the node is down'
  if (cluster === undefined) {
    const sessions = world.workers.map(({ url, identity }) => `${url} ${identity === undefined ? 'unknown' : sessionOf(world, node, parseHex(identity))}`)
    return `there is no cluster; sessions: ${sessions.join(', ')}`
  }
  const standings = cluster.members.map((member) => {
    const place = placeOf(world, member)
    const state = place?.worker?.inspect()
    const joining = state?.kind === 'live' ? state.joining : undefined
    return `${place?.url ?? toHex(member)} ${runsAt(place, cluster.id) ? 'runs it' : joining?.why ?? 'does not'}`
  })
  return `cluster ${toHex(cluster.id)} is ${cluster.isOpen ? 'open' : 'not open'}: ${standings.join('; ')}`
}
