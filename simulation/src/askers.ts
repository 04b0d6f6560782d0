/** Owns who asks the cluster of the simulated world, whom, and when: as clients do, by what the chain says about a member, over the network that loses things. */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { suriToSr25519, type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { phalaRegistryStorage as registry } from '@phalanx/runtime/storage'
import type { Node } from '@phalanx/node'
import type { HttpClient } from '@phalanx/sdk'
import { createWorkerClient } from '@phalanx/worker/wire'
import { cryptoOfAskers } from './broken.ts'
import { OWNER, SENDERS } from './cluster-people.ts'
import { makeQuery, sendQuery, type QueryAddressee, type SentQuery } from './cluster-queries.ts'
import { clusterOf, liveOf, placeOf, type ClusterOnChain } from './cluster-view.ts'
import { readHead } from './orders.ts'
import type { Prng } from './prng.ts'
import { createQueryAudit, type QueryAudit, type QueryCounts } from './query-audit.ts'
import { canariesOf, DEEDS } from './scripted-contract.ts'
import type { World } from './world-types.ts'

/** Those who ask. */
export interface Askers {
  start(): void
  /** From now on only proper queries, until every member of the cluster answered enough. */
  calm(): void
  readonly counts: Readonly<QueryCounts>
  /** Says which of the cluster's members have not answered enough since calm, if any. */
  unanswered(): string | undefined
}

const TIMEOUT_MS = 5_000
const ANSWER_BYTES_MAX = 1 << 24
/** Blocks by which a client may be behind the newest one. */
const KNOWN_BLOCKS_BACK = 6
const ANSWERED_KEPT = 32
/** Answers of each member that tell something. */
const ANSWERS_ENOUGH = 4

/** Prepares those who ask; somebody does every `everyMs` on average. */
export const createAskers = (world: World, options: { readonly everyMs: number }, prng: Prng): Askers => new People(world, options, prng)

class People implements Askers {
  private readonly world: World
  private readonly everyMs: number
  private readonly prng: Prng
  private readonly crypto: Crypto
  private readonly http: HttpClient
  private readonly senders: readonly Sr25519Pair[]
  private readonly owner: Sr25519Pair
  private readonly audit: QueryAudit
  private readonly answered: SentQuery[] = []
  /** Answers of members since calm, and how each did with the last query. */
  private readonly heard = new Map<string, number>()
  private readonly ends = new Map<string, string>()
  private isCalm = false

  constructor(world: World, { everyMs }: { readonly everyMs: number }, prng: Prng) {
    this.world = world
    this.everyMs = everyMs
    this.prng = prng
    this.crypto = cryptoOfAskers(world.crypto, world.options.broken)
    this.http = world.network.createHttp({ isAlive: () => true })
    this.senders = SENDERS.map((suri) => suriToSr25519(world.crypto, suri))
    this.owner = suriToSr25519(world.crypto, OWNER)
    this.audit = createQueryAudit({ clusters: world.auditor.clusters, commands: world.commands, finalized: world.finalized, owner: this.owner.publicKey })
  }

  get counts(): Readonly<QueryCounts> {
    return this.audit.counts
  }

  start(): void {
    void this.act()
  }

  calm(): void {
    this.isCalm = true
  }

  unanswered(): string | undefined {
    const silent = this.silent()
    return silent.length === 0 ? undefined : `too few queries were answered by ${silent.map((member) => `${this.nameOf(member)} (${this.ends.get(toHex(member)) ?? 'never asked'})`).join(', ')}`
  }

  /** Members that have not answered enough since calm. */
  private silent(): readonly Uint8Array[] {
    const node = this.world.node()
    const cluster = node === undefined ? undefined : clusterOf(this.world, node)
    return cluster?.isOpen === true ? cluster.members.filter((member) => (this.heard.get(toHex(member)) ?? 0) < ANSWERS_ENOUGH) : []
  }

  private nameOf(member: Uint8Array): string {
    return placeOf(this.world, member)?.url ?? toHex(member)
  }

  private async act(): Promise<void> {
    const { world, prng } = this
    world.clock.after(1 + prng.below(2 * this.everyMs), () => void this.act())
    const node = world.node()
    if (node === undefined || world.problems.length > 0) return
    const cluster = clusterOf(world, node)
    const wanted = this.isCalm ? this.silent() : cluster?.members ?? []
    if (cluster === undefined || !cluster.isOpen || wanted.length === 0) return
    await this.ask(node, cluster, prng.pick(wanted))
  }

  private async ask(node: Node, cluster: ClusterOnChain, member: Uint8Array): Promise<void> {
    const { world, crypto, prng, senders, owner, answered } = this
    const to = this.addresseeOf(node, cluster, member)
    const url = readHead(node, world.crypto, registry.endpoints, member)?.value[0]
    if (to === undefined || url === undefined) return
    const sent = makeQuery({ crypto, prng, hunt: world.hunt }, to, { senders, owner, answered, keys: this.keysOf(to.contract) }, { isProper: this.isCalm })
    const api = createWorkerClient((path, body) => this.http({ method: 'POST', url: `${url}${path}`, body, timeoutMs: TIMEOUT_MS, maxBytes: ANSWER_BYTES_MAX }))
    try {
      const end = await sendQuery(api, crypto, sent)
      this.ends.set(toHex(member), end.kind === 'Refused' ? end.value : end.kind)
      // A disk was replaced: who listens there now has never heard of the one that was asked.
      const isElsewhere = end.kind === 'Refused' && placeOf(world, member) === undefined
      const problem = isElsewhere ? undefined : this.audit.judge(this.nameOf(member), sent, end)
      if (problem !== undefined && !this.isBereft(member, sent)) return world.report(problem)
      if (end.kind === 'Answered') this.note(member, sent)
    } catch (error) {
      if (!isAppError(error)) throw error
      world.report(`the reply of ${this.nameOf(member)} to a query is none: ${error.message}`)
    }
  }

  /** Whether the model of the cluster ended, as a look at the member shows: what it answers then is its own. */
  private isBereft(member: Uint8Array, { cluster }: SentQuery): boolean {
    const { clusters } = this.world.auditor
    const place = placeOf(this.world, member)
    const live = place === undefined ? undefined : liveOf(place)
    if (place !== undefined && live !== undefined) clusters.observe(place.url, live)
    return clusters.isBereft(toHex(cluster))
  }

  private note(member: Uint8Array, sent: SentQuery): void {
    if (this.isCalm) this.heard.set(toHex(member), (this.heard.get(toHex(member)) ?? 0) + 1)
    this.answered.push(sent)
    if (this.answered.length > ANSWERED_KEPT) this.answered.shift()
  }

  /** The member and its key as the chain has them. */
  private addresseeOf(node: Node, cluster: ClusterOnChain, member: Uint8Array): QueryAddressee | undefined {
    const { world, prng } = this
    const epoch = readHead(node, world.crypto, registry.ecdhEpoch, member)
    const record = epoch === undefined ? undefined : readHead(node, world.crypto, registry.ecdhKeys, member, epoch)
    const head = node.head().number
    const number = Math.max(1, head - prng.below(KNOWN_BLOCKS_BACK))
    const [anchor, hash] = [world.finalized[record?.announcedAt ?? 0], world.finalized[number]]
    if (epoch === undefined || record === undefined || anchor === undefined || hash === undefined) return undefined
    return {
      worker: member, cluster: cluster.id, head, known: { number, hash: parseHex(hash) }, contract: this.contractOf(cluster),
      key: { genesis: node.genesisHash, epoch, anchor: parseHex(anchor), publicKey: record.ecdhPubkey },
    }
  }

  /** The contract that commands go to. */
  private contractOf({ id }: ClusterOnChain): Uint8Array | undefined {
    const { commands, auditor } = this.world
    return commands.findLast(({ contract }) => auditor.clusters.clusterOf(contract) === toHex(id))?.contract
  }

  /** Under these the contract holds something, as far as commands came through. */
  private keysOf(contract: Uint8Array | undefined): readonly Uint8Array[] {
    if (contract === undefined) return []
    return this.world.commands.flatMap(({ contract: to, input }) =>
      toHex(to) === toHex(contract) && (input?.[0] === DEEDS.keep || input?.[0] === DEEDS.derive) ? [canariesOf(input)[0]] : [])
  }
}
