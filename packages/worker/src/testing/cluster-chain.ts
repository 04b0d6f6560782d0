/**
 * Owns a chain with one cluster on it, for tests of workers' cores: it says what pallets and gatekeepers say, takes what workers send, compares their states.
 * Knows no pallets. Everything handed in takes effect in the next block.
 */
import { bytesEqual, bytesToKey, concatBytes, toHex } from '@phalanx/primitives/bytes'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import {
  BUILTIN_SYSTEM_CODE, clusterIdOf, commandTopicOf, createMessage, messageSigningPayload, MessageOrigin, palletOrigin, TOPICS,
  type ClusterNotice, type ClusterStateReport, type Message, type RegistryNotice, type SignedMessage, type WorkerIdentity,
} from '@phalanx/primitives/messages'
import type { MessageAck } from '@phalanx/primitives/chain'
import type { Random } from '@phalanx/primitives/ports'
import { clusterEpochContext, clusterKeyContext, sealClusterSecret } from '../gatekeeper/cluster-shares.ts'
import { createTestChain, type TestChain } from './chain.ts'

const PHAT = palletOrigin('PhalaPhatContracts')
const REGISTRY = palletOrigin('PhalaRegistry')
const GATEKEEPERS: MessageOrigin = { kind: 'Gatekeeper' }
/** Blocks for which the epochs before another still open commands. */
const GRACE_BLOCKS = 4

const originKey = (origin: MessageOrigin): string => bytesToKey(MessageOrigin.encode(origin))

/** An epoch as clients know it. */
export interface TestEpoch {
  readonly epoch: bigint
  readonly anchor: Uint8Array
}

/** A chain with one cluster. */
export class ClusterChain {
  readonly chain: TestChain
  readonly id = clusterIdOf(1n)
  readonly owner: Uint8Array = new Uint8Array(32).fill(0x11)
  readonly cluster: Sr25519Pair
  members: Uint8Array[] = []
  readonly ecdh = new Map<string, { epoch: bigint; key: Uint8Array }>()
  /** Keys by contract: its own, and by epoch that of the channel. */
  readonly contracts = new Map<string, { readonly pubkey: Uint8Array; readonly channel: Map<bigint, Uint8Array> }>()
  readonly agreed: (ClusterStateReport & { readonly by: number })[] = []
  readonly differing: string[] = []
  readonly reports: { readonly kind: string; readonly worker: string }[] = []
  epoch: TestEpoch | undefined
  private messages: Message[] = []
  private acks = new Map<string, MessageAck>()
  private readonly next = new Map<string, bigint>()
  private readonly states = new Map<number, { root: string; workers: Set<string> }[]>()
  private readonly decided = new Set<number>()
  private isEpochDue = false
  private lastEpoch = 0n
  private readonly crypto: Crypto
  private readonly random: Random

  constructor(crypto: Crypto, random: Random) {
    this.crypto = crypto
    this.random = random
    this.chain = createTestChain(crypto)
    this.cluster = crypto.sr25519.pairFromSeed(random.bytes(32))
    this.notice({ kind: 'Parameters', value: { rotationPeriodBlocks: 100, graceBlocks: GRACE_BLOCKS, reportIntervalBlocks: 10 } })
    this.notice({ kind: 'RuntimeVersion', value: [1, 2] })
    this.notice({ kind: 'SystemCode', value: { version: 1, code: BUILTIN_SYSTEM_CODE } })
  }

  say(message: Message): void {
    this.messages.push(message)
  }

  notice(value: ClusterNotice): void {
    this.say(createMessage(PHAT, TOPICS.clusterNotice, value))
  }

  private registryNotice(value: RegistryNotice): void {
    this.say(createMessage(REGISTRY, TOPICS.registryNotice, value))
  }

  /** Registers a worker; its announced ECDH key is anchored when it says so. */
  register(pubkey: Uint8Array): void {
    this.say(createMessage(REGISTRY, TOPICS.systemEvent, { kind: 'WorkerEvent', value: { pubkey, event: { kind: 'Registered', value: { confidenceLevel: 1 } } } }))
  }

  private identityOf(pubkey: Uint8Array): WorkerIdentity {
    return { pubkey, ecdhPubkey: this.ecdh.get(bytesToKey(pubkey))?.key ?? pubkey }
  }

  private terms() {
    return { owner: this.owner, deposit: 10n ** 24n, gasPrice: 1n, depositPerItem: 1n, depositPerByte: 1n, treasuryAccount: new Uint8Array(32).fill(0x12) }
  }

  private sealed(workers: readonly Uint8Array[], secret: Uint8Array, context: ReturnType<typeof clusterKeyContext>) {
    return workers.toSorted((a, b) => (toHex(a) < toHex(b) ? -1 : 1)).map((pubkey) =>
      [pubkey, sealClusterSecret(this.crypto, { secret, recipient: this.identityOf(pubkey).ecdhPubkey, seed: this.random.bytes(32), context })] as const)
  }

  /** Creates the cluster and hands its key out. */
  create(members: readonly Uint8Array[]): void {
    this.members = [...members]
    this.say(createMessage(PHAT, TOPICS.clusterEvent, { kind: 'DeployCluster', value: { cluster: this.id, workers: members.map((one) => this.identityOf(one)), ...this.terms() } }))
  }

  /** The gatekeepers hand the cluster's key to these workers. */
  dispatch(workers: readonly Uint8Array[] = this.members): void {
    const secretKeys = this.sealed(workers, this.cluster.secret, clusterKeyContext(this.chain.genesisHash, this.id))
    this.say(createMessage(GATEKEEPERS, TOPICS.clusterOperation, { kind: 'DispatchKeys', value: { secretKeys, cluster: this.id, ...this.terms() } }))
  }

  /** Another epoch begins in the next block. */
  rotate(): void {
    this.isEpochDue = true
  }

  private beginEpoch(): void {
    const epoch = ++this.lastEpoch
    const pair = this.crypto.sr25519.pairFromSeed(this.random.bytes(32))
    this.notice({ kind: 'EpochRequested', value: { cluster: this.id, epoch, workers: this.members.map((one) => this.identityOf(one)) } })
    const secretKeys = this.sealed(this.members, pair.secret, clusterEpochContext(this.chain.genesisHash, { cluster: this.id, epoch }))
    this.say(createMessage(PHAT, TOPICS.clusterEpochKeys, { cluster: this.id, epoch, secretKeys }))
    this.notice({ kind: 'EpochBegan', value: { cluster: this.id, epoch, pubkey: pair.publicKey, retireAt: this.chain.head.number + 1 + GRACE_BLOCKS } })
  }

  /** A worker joins the running cluster. */
  add(pubkey: Uint8Array): void {
    this.members = [...this.members, pubkey]
    this.notice({ kind: 'WorkerAdded', value: { cluster: this.id, worker: this.identityOf(pubkey) } })
  }

  /** A worker is removed, and the others get another epoch. */
  remove(worker: Uint8Array): void {
    this.members = this.members.filter((one) => !bytesEqual(one, worker))
    this.say(createMessage(PHAT, TOPICS.clusterOperation, { kind: 'RemoveWorker', value: { clusterId: this.id, worker } }))
    this.rotate()
  }

  destroy(): void {
    this.say(createMessage(PHAT, TOPICS.clusterOperation, { kind: 'DestroyCluster', value: this.id }))
  }

  deposit(account: Uint8Array, amount: bigint): void {
    this.say(createMessage(PHAT, TOPICS.clusterOperation, { kind: 'Deposit', value: { clusterId: this.id, account, amount } }))
  }

  upload(code: Uint8Array, origin = this.owner): Uint8Array {
    this.say(createMessage(PHAT, TOPICS.clusterOperation, { kind: 'UploadResource', value: { origin, clusterId: this.id, resourceType: { kind: 'InkCode' }, resourceData: code } }))
    return this.crypto.blake2b256(code)
  }

  /** Has the cluster make a contract; its id. */
  instantiate(codeHash: Uint8Array, instantiateData: Uint8Array, salt: Uint8Array, deployer = this.owner): Uint8Array {
    const contractInfo = { deployer, codeIndex: { kind: 'WasmCode' as const, value: codeHash }, salt, clusterId: this.id, instantiateData }
    this.say(createMessage(PHAT, TOPICS.contractOperation, { kind: 'InstantiateCode', value: { contractInfo, transfer: 0n, gasLimit: 10n ** 12n, storageDepositLimit: undefined } }))
    return this.crypto.blake2b256(concatBytes(deployer, codeHash, this.id, salt))
  }

  /** An account pushes bytes to a contract's command topic. */
  push(contract: Uint8Array, payload: Uint8Array, sender: MessageOrigin): void {
    this.say({ sender, destination: commandTopicOf(contract).topic, payload })
  }

  /** What a client has to know to seal a command to a contract, once its cluster said so. */
  target(contract: Uint8Array) {
    const publicKey = this.epoch === undefined ? undefined : this.contracts.get(bytesToKey(contract))?.channel.get(this.epoch.epoch)
    return publicKey === undefined || this.epoch === undefined ? undefined : { genesis: this.chain.genesisHash, publicKey, ...this.epoch }
  }

  /** Offers a message as a relay does. False where it is not the next of its sender, or not signed by it. */
  submit(signed: SignedMessage): boolean {
    const { message, sequence, signature } = signed
    const { sender } = message
    const key = originKey(sender)
    const signer = sender.kind === 'Worker' ? sender.value : sender.kind === 'Cluster' && bytesEqual(sender.value, this.id) ? this.cluster.publicKey : undefined
    if (sequence !== (this.next.get(key) ?? 0n) || signer === undefined || !this.crypto.sr25519.verify(signature, messageSigningPayload(message, sequence), signer)) return false
    this.next.set(key, sequence + 1n)
    this.acks.set(key, { sender, next: sequence + 1n })
    this.say(message)
    if (sender.kind === 'Worker') this.onWorker(sender.value, message)
    else this.onCluster(message)
    return true
  }

  private onWorker(pubkey: Uint8Array, { destination, payload }: Message): void {
    const is = (topic: { readonly topic: Uint8Array }): boolean => bytesEqual(topic.topic, destination)
    if (is(TOPICS.ecdhKey)) {
      const { epoch, ecdhPubkey } = TOPICS.ecdhKey.payload.decode(payload)
      this.ecdh.set(bytesToKey(pubkey), { epoch, key: ecdhPubkey })
      this.registryNotice({ kind: 'EcdhKeyAnchored', value: { pubkey, epoch, ecdhPubkey } })
    } else if (is(TOPICS.clusterState)) this.onReport(pubkey, TOPICS.clusterState.payload.decode(payload))
    else if (is(TOPICS.workerClusterReport)) this.reports.push({ kind: TOPICS.workerClusterReport.payload.decode(payload).kind, worker: toHex(pubkey) })
    else if (is(TOPICS.clusterKeyRequest)) {
      this.dispatch([pubkey])
      this.notice({ kind: 'WorkerAdded', value: { cluster: this.id, worker: this.identityOf(pubkey) } })
      this.rotate()
    }
  }

  private onReport(pubkey: Uint8Array, report: ClusterStateReport): void {
    const root = toHex(concatBytes(report.stateRoot, report.receiptsRoot))
    const proposals = this.states.get(report.block) ?? []
    this.states.set(report.block, proposals)
    const found = proposals.find((one) => one.root === root) ?? { root, workers: new Set<string>() }
    if (found.workers.size === 0) proposals.push(found)
    found.workers.add(toHex(pubkey))
    if (proposals.length > 1) this.differing.push(`${report.block} ${toHex(pubkey)}`)
    if (this.decided.has(report.block) || found.workers.size * 2 <= this.members.length) return
    this.decided.add(report.block)
    this.agreed.push({ ...report, by: found.workers.size })
    this.notice({ kind: 'StateAgreed', value: report })
  }

  private onCluster({ destination, payload }: Message): void {
    if (bytesEqual(destination, TOPICS.contractRegistryEvent.topic)) {
      const { contract, pubkey } = TOPICS.contractRegistryEvent.payload.decode(payload).value
      this.contracts.set(bytesToKey(contract), { pubkey, channel: new Map() })
    } else if (bytesEqual(destination, TOPICS.clusterChannel.topic)) {
      const { epoch, keys } = TOPICS.clusterChannel.payload.decode(payload).value
      for (const [contract, pubkey] of keys) this.contracts.get(bytesToKey(contract))?.channel.set(epoch, pubkey)
    }
  }

  /** Seals a block with everything handed in. */
  seal(): void {
    const hadEpoch = this.isEpochDue
    if (hadEpoch) this.beginEpoch()
    this.isEpochDue = false
    this.chain.add({ messages: this.messages, acks: [...this.acks.values()] })
    if (hadEpoch) this.epoch = { epoch: this.lastEpoch, anchor: this.chain.head.hash }
    this.messages = []
    this.acks = new Map()
  }
}
