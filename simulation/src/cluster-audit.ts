/**
 * Owns an independent, small model of clusters: from the chain's messages alone it decides what becomes of every command, and compares with the receipts and states
 * of all workers. Workers of a cluster must hold equal states at equal blocks and give equal receipts, each command one; nobody may raise an alarm.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { u64 } from '@phalanx/primitives/codec'
import { ContractExecResult, INVOCATION_LIFE_BLOCKS, openReceipt, type Receipt } from '@phalanx/primitives/contracts'
import type { Crypto } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { contractCommandTopic, TOPICS, type ClusterNotice, type Message } from '@phalanx/primitives/messages'
import type { LiveState } from '@phalanx/worker/testing'
import type { AuditedBlock } from './auditor.ts'
import type { SentCommand } from './cluster-commands.ts'
import { canariesOf, DEEDS, endOfDeed, type DeedEnd } from './scripted-contract.ts'

/** Counts of what was compared. */
export interface ClusterCounts {
  /** Commands on the chain that must have a receipt, those that must have run, and those that must have been refused. */
  commands: number
  executed: number
  refused: number
  /** Receipts that were opened by their senders, and all that were compared with another worker's. */
  receipts: number
  comparedReceipts: number
  /** States of one block that were compared with another source's. */
  states: number
  agreed: number
  epochs: number
  clusters: number
  /** Members that came into a running cluster. */
  joined: number
}

/** The model. */
export interface ClusterAudit {
  readonly counts: Readonly<ClusterCounts>
  /** Block of the latest command, and of the latest state of its cluster that was agreed on. */
  readonly lastCommandBlock: number
  readonly lastAgreedBlock: number | undefined
  /** All epochs that began: cluster (hex), number, and the last block in which commands of it count. */
  readonly epochs: readonly ModelEpoch[]
  /** Takes the next block. Says what is wrong, if anything. */
  follow(block: AuditedBlock): string | undefined
  /** Looks into a worker. Says what is wrong, if anything. */
  observe(name: string, live: LiveState): string | undefined
  /** Whether a cluster (hex) has only one member left, which lacks an epoch's key: what was sealed for that epoch nobody can do any more, and the model ends there. */
  isBereft(cluster: string): boolean
  /** Cluster of a contract, in hex. */
  clusterOf(contract: Uint8Array): string | undefined
  /** A worker, called `name`, answered a question for this state. Says what is wrong, if anything. */
  noteAnswer(name: string, point: { readonly cluster: string; readonly block: number; readonly stateRoot: Uint8Array }): string | undefined
  /** What a contract holds after a block, by the commands until then. */
  heldAt(contract: Uint8Array, block: number): Holdings
  /** At the end: says which commands nobody was seen to answer, if any. */
  unanswered(): string | undefined
}

/** What a contract holds. */
export interface Holdings {
  /** Commands that counted. */
  readonly count: bigint
  /** What somebody read under a key. Says what is wrong, if anything. */
  judgeRead(key: Uint8Array, value: Uint8Array): string | undefined
}

/** An epoch of a cluster's channel keys. */
export interface ModelEpoch {
  readonly cluster: string
  readonly epoch: bigint
  readonly since: number
  retireAt: number | undefined
}

/** What must become of a command: `code` of a refusal, or how it ran. */
interface Expected {
  readonly sent: SentCommand
  readonly code: string | undefined
  readonly end: DeedEnd | undefined
  /** What the contract has counted then. */
  readonly count: bigint
}

interface ModelContract {
  readonly cluster: string
  count: bigint
  readonly seen: Set<string>
  /** Commands that counted, in order. */
  readonly counted: { readonly block: number; readonly input: Uint8Array }[]
}

interface Point {
  readonly value: string
  readonly by: string
}

type BlockReceipts = NonNullable<LiveState['cluster']>['receipts'][number]

const ANY_REFUSAL = 'any'
const NO_KEY = 'COMMAND_EPOCH_UNKNOWN'
const NOTHING = new Uint8Array(0)
/** Deeds that leave something under their first canary. */
const KEEPING: readonly number[] = [DEEDS.keep, DEEDS.derive]

/** Starts without clusters. `commands` are all that the people sent, to be read as they come. */
export const createClusterAudit = (dependencies: { readonly crypto: Crypto; readonly commands: readonly SentCommand[] }): ClusterAudit => new ModelClusters(dependencies)

class ModelClusters implements ClusterAudit {
  readonly counts: ClusterCounts = { commands: 0, executed: 0, refused: 0, receipts: 0, comparedReceipts: 0, states: 0, agreed: 0, epochs: 0, clusters: 0, joined: 0 }
  lastCommandBlock = 0
  lastAgreedBlock: number | undefined
  readonly epochs: ModelEpoch[] = []
  private readonly crypto: Crypto
  private readonly commands: readonly SentCommand[]
  private taken = 0
  private readonly byHash = new Map<string, SentCommand>()
  private readonly contracts = new Map<string, ModelContract>()
  /** Contract by its command topic. */
  private readonly topics = new Map<string, Uint8Array>()
  private readonly ended = new Set<string>()
  private readonly bereft = new Set<string>()
  /** By cluster: its members, and those that were once its only one. */
  private readonly members = new Map<string, Set<string>>()
  private readonly everAlone = new Map<string, Set<string>>()
  /** By cluster and block: what must have become of its commands, in order. */
  private readonly expected = new Map<string, Map<number, Expected[]>>()
  /** By cluster and block: envelopes that the first worker gave. */
  private readonly given = new Map<string, Point>()
  private readonly points = new Map<string, Point>()

  constructor({ crypto, commands }: { readonly crypto: Crypto; readonly commands: readonly SentCommand[] }) {
    this.crypto = crypto
    this.commands = commands
  }

  follow(block: AuditedBlock): string | undefined {
    for (; this.taken < this.commands.length; this.taken++) this.learn(this.commands[this.taken] as SentCommand)
    for (const message of block.messages) {
      const problem = this.hear(message, block)
      if (problem !== undefined) return problem
    }
    return undefined
  }

  private learn(sent: SentCommand): void {
    this.byHash.set(sent.hash, sent)
    this.topics.set(toHex(contractCommandTopic(sent.contract)), sent.contract)
  }

  private hear(message: Message, block: AuditedBlock): string | undefined {
    const { sender, destination, payload } = message
    const contract = this.topics.get(toHex(destination))
    if (contract !== undefined && sender.kind === 'AccountId') return this.judge(contract, payload, block)
    if (bytesEqual(destination, TOPICS.clusterState.topic) && sender.kind === 'Worker') {
      const { cluster, block: of, ...roots } = TOPICS.clusterState.payload.decode(payload)
      return this.noteState(toHex(cluster), of, roots, `the report of ${toHex(sender.value)}`)
    }
    if (sender.kind !== 'Pallet') return undefined
    if (bytesEqual(destination, TOPICS.clusterNotice.topic)) return this.hearNotice(TOPICS.clusterNotice.payload.decode(payload), block)
    if (bytesEqual(destination, TOPICS.clusterEvent.topic)) {
      const { cluster, workers } = TOPICS.clusterEvent.payload.decode(payload).value
      this.counts.clusters++
      this.changeMembers(toHex(cluster), (members) => workers.forEach(({ pubkey }) => members.add(toHex(pubkey))))
    }
    if (bytesEqual(destination, TOPICS.clusterOperation.topic)) {
      const operation = TOPICS.clusterOperation.payload.decode(payload)
      if (operation.kind === 'DestroyCluster') this.ended.add(toHex(operation.value))
      if (operation.kind === 'RemoveWorker') this.changeMembers(toHex(operation.value.clusterId), (members) => members.delete(toHex(operation.value.worker)))
    }
    if (bytesEqual(destination, TOPICS.contractOperation.topic)) {
      const { contractInfo: { deployer, codeIndex, clusterId, salt } } = TOPICS.contractOperation.payload.decode(payload).value
      const id = this.crypto.blake2b256(Uint8Array.from([...deployer, ...codeIndex.value, ...clusterId, ...salt]))
      this.contracts.set(toHex(id), { cluster: toHex(clusterId), count: 0n, seen: new Set(), counted: [] })
    }
    return undefined
  }

  private changeMembers(cluster: string, change: (members: Set<string>) => unknown): void {
    const members = this.members.get(cluster) ?? new Set()
    this.members.set(cluster, members)
    change(members)
    if (members.size === 1) this.everAlone.set(cluster, new Set([...(this.everAlone.get(cluster) ?? []), ...members]))
  }

  private hearNotice(notice: ClusterNotice, { number }: AuditedBlock): string | undefined {
    if (notice.kind === 'WorkerAdded') {
      this.counts.joined++
      this.changeMembers(toHex(notice.value.cluster), (members) => members.add(toHex(notice.value.worker.pubkey)))
    }
    if (notice.kind === 'EpochBegan') {
      const { cluster, epoch, retireAt } = notice.value
      for (const one of this.epochs) if (one.cluster === toHex(cluster)) one.retireAt = Math.min(one.retireAt ?? retireAt, retireAt)
      this.epochs.push({ cluster: toHex(cluster), epoch, since: number, retireAt: undefined })
      this.counts.epochs++
    }
    if (notice.kind !== 'StateAgreed') return undefined
    const { cluster, block, ...roots } = notice.value
    this.counts.agreed++
    if (block > (this.lastAgreedBlock ?? 0)) this.lastAgreedBlock = block
    return this.noteState(toHex(cluster), block, roots, 'the state that was agreed on')
  }

  /** What must become of a command that stands in a block. */
  private judge(contract: Uint8Array, payload: Uint8Array, { number }: AuditedBlock): string | undefined {
    const sent = this.byHash.get(toHex(this.crypto.blake2b256(payload)))
    const model = this.contracts.get(toHex(contract))
    if (sent === undefined) return `a command to ${toHex(contract)} is on the chain that nobody sent`
    if (model === undefined || this.isOver(model.cluster)) return undefined
    const code = this.refusalOf(sent, model, number)
    const end = code === undefined && sent.input !== undefined ? endOfDeed(sent.input) : undefined
    if (end === 'counts' && sent.input !== undefined) {
      model.count++
      model.counted.push({ block: number, input: sent.input })
    }
    const blocks = this.expected.get(model.cluster) ?? new Map<number, Expected[]>()
    this.expected.set(model.cluster, blocks)
    blocks.set(number, [...(blocks.get(number) ?? []), { sent, code, end, count: model.count }])
    this.counts.commands++
    if (code === undefined) this.counts.executed++
    else this.counts.refused++
    this.lastCommandBlock = number
    return undefined
  }

  private refusalOf({ input, invocation, target, flaw }: SentCommand, model: ModelContract, number: number): string | undefined {
    if (input === undefined) return ANY_REFUSAL
    if (invocation === undefined || target === undefined) return undefined
    const epoch = this.epochs.find((one) => one.cluster === model.cluster && one.epoch === target.epoch)
    if (epoch === undefined || number < epoch.since || (epoch.retireAt !== undefined && number > epoch.retireAt)) return NO_KEY
    if (flaw === 'SEALED_NOT_OPENED' || flaw === 'INVOCATION_RECIPIENT_MISMATCH') return flaw
    if (invocation.block > number) return 'INVOCATION_FROM_FUTURE'
    if (invocation.block + INVOCATION_LIFE_BLOCKS < number) return 'INVOCATION_EXPIRED'
    if (flaw !== undefined) return flaw
    const nonce = `${toHex(invocation.from)} ${toHex(invocation.nonce)}`
    if (model.seen.has(nonce)) return 'INVOCATION_REPLAYED'
    model.seen.add(nonce)
    return undefined
  }

  private noteState(cluster: string, block: number, roots: { readonly stateRoot: Uint8Array; readonly receiptsRoot?: Uint8Array }, by: string): string | undefined {
    if (this.bereft.has(cluster)) return undefined
    return this.note(`state root of ${cluster} at block ${block}`, toHex(roots.stateRoot), by)
      ?? (roots.receiptsRoot === undefined ? undefined : this.note(`receipts root of ${cluster} at block ${block}`, toHex(roots.receiptsRoot), by))
  }

  private note(what: string, value: string, by: string): string | undefined {
    const known = this.points.get(what)
    if (known === undefined) {
      this.points.set(what, { value, by })
      return undefined
    }
    this.counts.states++
    return known.value === value ? undefined : `the ${what} is ${value} by ${by}, ${known.value} by ${known.by}`
  }

  observe(name: string, { cluster, follow, keys }: LiveState): string | undefined {
    if (cluster === undefined) return undefined
    const id = toHex(cluster.id)
    const wasAlone = this.everAlone.get(id)?.has(toHex(keys.identity.publicKey)) === true
    if (wasAlone && cluster.receipts.some((block) => this.lacksKey(id, block))) this.bereft.add(id)
    if (this.bereft.has(id)) return undefined
    if (cluster.differsSince !== undefined) return `${name} says that it differs from the other workers since block ${cluster.differsSince}`
    let problem = this.noteState(id, follow.head.number, { stateRoot: cluster.contracts.root }, name)
    for (const point of cluster.reported) problem ??= this.noteState(id, point.block, point, name)
    for (const block of cluster.receipts) problem ??= this.compareReceipts(name, id, block)
    return problem ?? this.missingOf(name, id, cluster.receipts, follow.head.number)
  }

  isBereft(cluster: string): boolean {
    return this.bereft.has(cluster)
  }

  private isOver(cluster: string): boolean {
    return this.ended.has(cluster) || this.bereft.has(cluster)
  }

  /** Whether a command of a block was refused for want of a key that there is. */
  private lacksKey(cluster: string, { block, receipts }: BlockReceipts): boolean {
    if (this.given.get(`${cluster} ${block}`)?.value === this.digestOf(receipts)) return false
    const expected = this.expected.get(cluster)?.get(block) ?? []
    return receipts.some(({ envelope }, i) => {
      const sent = expected[i]?.sent
      if (sent === undefined || expected[i]?.code === ANY_REFUSAL || expected[i]?.code === NO_KEY) return false
      const receipt = this.open(envelope, sent)
      return typeof receipt !== 'string' && receipt.outcome.kind === 'Refused' && receipt.outcome.value.code === NO_KEY
    })
  }

  private digestOf(receipts: BlockReceipts['receipts']): string {
    return receipts.map(({ envelope }) => toHex(this.crypto.blake2b256(envelope))).join(' ')
  }

  private open(envelope: Uint8Array, { own, target, hash, payload }: SentCommand): Receipt | string {
    try {
      return openReceipt(this.crypto, envelope, { commandHash: this.crypto.blake2b256(payload), own, target })
    } catch (error) {
      if (!isAppError(error)) throw error
      return `does not open for the sender of ${hash}: ${error.message}`
    }
  }

  private compareReceipts(name: string, cluster: string, { block, root, receipts }: BlockReceipts): string | undefined {
    const key = `${cluster} ${block}`
    const value = this.digestOf(receipts)
    const known = this.given.get(key)
    if (known !== undefined) {
      this.counts.comparedReceipts += known.by === name ? 0 : receipts.length
      return known.value === value ? undefined : `receipts of block ${block} differ on ${name} and ${known.by}`
    }
    this.given.set(key, { value, by: name })
    const wrong = this.note(`receipts root of ${cluster} at block ${block}`, toHex(root), name)
    if (wrong !== undefined) return wrong
    const expected = this.expected.get(cluster)?.get(block) ?? []
    if (expected.length !== receipts.length) return `${name} has ${receipts.length} receipts of block ${block}, in which ${expected.length} commands are`
    for (const [i, one] of expected.entries()) {
      const receipt = receipts[i]
      const problem = receipt === undefined || toHex(receipt.commandHash) !== one.sent.hash ? 'is of another command' : this.judgeReceipt(receipt.envelope, one, { block, index: i })
      if (problem !== undefined) return `receipt ${i} of block ${block} on ${name} ${problem}`
    }
    return undefined
  }

  /** A sender opens the receipt and finds in it what the model says. */
  private judgeReceipt(envelope: Uint8Array, expected: Expected, place: { readonly block: number; readonly index: number }): string | undefined {
    const { sent, code, end, count } = expected
    const { contract, input } = sent
    const receipt = this.open(envelope, sent)
    if (typeof receipt === 'string') return receipt
    this.counts.receipts++
    if (receipt.block !== place.block || receipt.index !== place.index || !bytesEqual(receipt.contract, contract)) return 'names another place'
    if (receipt.outcome.kind === 'Refused') return code === ANY_REFUSAL || code === receipt.outcome.value.code ? undefined : `says ${receipt.outcome.value.code}, not ${code ?? `that it ${end}`}`
    if (code !== undefined) return `says that it ran, not ${code}`
    const { result } = ContractExecResult.decode(receipt.outcome.value)
    if (!result.ok) return end === 'fails' ? undefined : `says that it failed (${receipt.failure ?? 'no reason'}), not that it ${end}`
    const wanted = end === 'counts' ? u64.encode(count) : input === undefined ? NOTHING : canariesOf(input)[0]
    if (end === 'fails' || result.value.flags !== (end === 'reverts' ? 1 : 0)) return `ended with flags ${result.value.flags}, not so that it ${end}`
    return bytesEqual(result.value.data, wanted) ? undefined : `returned ${toHex(result.value.data)}, not ${toHex(wanted)}`
  }

  /** From the first block with commands that a worker knows on it must know all. */
  private missingOf(name: string, cluster: string, receipts: readonly { readonly block: number }[], head: number): string | undefined {
    const first = receipts[0]?.block
    const has = new Set(receipts.map(({ block }) => block))
    for (const block of this.expected.get(cluster)?.keys() ?? [])
      if (first !== undefined && block >= first && block <= head && !has.has(block)) return `${name} has no receipts of block ${block}`
    return undefined
  }

  clusterOf(contract: Uint8Array): string | undefined {
    return this.contracts.get(toHex(contract))?.cluster
  }

  noteAnswer(name: string, { cluster, block, stateRoot }: { readonly cluster: string; readonly block: number; readonly stateRoot: Uint8Array }): string | undefined {
    return this.noteState(cluster, block, { stateRoot }, `the answer of ${name}`)
  }

  heldAt(contract: Uint8Array, block: number): Holdings {
    const counted = (this.contracts.get(toHex(contract))?.counted ?? []).filter((one) => one.block <= block)
    return {
      count: BigInt(counted.length),
      judgeRead: (key, value) => {
        const deed = counted.find(({ input }) => bytesEqual(canariesOf(input)[0], key) && KEEPING.includes(input[0] ?? 0))
        // A key that the contract derived is not known here: it must be one, and the same whoever tells it.
        if (deed?.input[0] === DEEDS.derive) return value.length === 0 ? 'finds no derived key' : this.note(`what is derived of ${toHex(key)}`, toHex(value), 'an answer')
        const wanted = deed === undefined ? NOTHING : canariesOf(deed.input)[1]
        return bytesEqual(value, wanted) ? undefined : `finds ${toHex(value)}, not ${toHex(wanted)}`
      },
    }
  }

  unanswered(): string | undefined {
    for (const [cluster, blocks] of this.expected)
      for (const block of blocks.keys()) if (!this.isOver(cluster) && !this.given.has(`${cluster} ${block}`)) return `no worker was seen to answer the commands of block ${block}`
    return undefined
  }
}
