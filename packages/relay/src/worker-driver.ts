/**
 * Owns one worker's machine at work: performs the effects of step.ts against worker and nodes, and feeds the answers back.
 * Does not decide anything.
 */
import { concatBytes, parseHex, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { bytes as lengthPrefixed } from '@phalanx/primitives/codec'
import { Sr25519Public } from '@phalanx/primitives/chain'
import { type SignedMessage, VersionedWorkerEndpoints, WorkerEndpointPayload } from '@phalanx/primitives/messages'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import { phalaRegistryStorage, timestampStorage } from '@phalanx/runtime/storage'
import { randomFraction, type WorkerClient, type WorkerInfo } from '@phalanx/sdk'
import type { Account } from './account.ts'
import type { Courier, Delivery } from './courier.ts'
import { describeSender, EgressMessages, selectMessages } from './egress.ts'
import { failureOf, isPoison, isRefusal } from './failure.ts'
import { joinCluster } from './join-cluster.ts'
import type { NodePool } from './node-pool.ts'
import type { Effect, Evidence, Failure, Happening, RelayState, WorkerView } from './state.ts'
import { createRelayState, step, wakeAtMs } from './step.ts'

/** Seconds beyond every date: no renewal is asked for. */
const NEVER_SECONDS = 1n << 53n

/** What a driver is told once. */
export interface WorkerDriverOptions {
  readonly endpoints: readonly string[]
  /** Account that may use the worker, announced with its registration. */
  readonly operator?: Uint8Array
  readonly messagesPerRound: number
  readonly checkpointAfterBlocks?: number | undefined
}

/** What a driver works with. */
export interface WorkerDriverDependencies {
  readonly worker: WorkerClient
  readonly pool: NodePool
  readonly account: Account
  readonly courier: Courier
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Completes evidence with what its verification needs and it lacks; SCALE Option<AttestationReport> both ways. */
  readonly fillCollateral: (report: Uint8Array) => Promise<Uint8Array>
  readonly changed: (state: RelayState) => void
  /** Workers at hand by identity in hex, and how to reach any. */
  readonly peers: () => readonly { readonly identity: string; readonly url: string }[]
  readonly connectWorker: (url: string) => WorkerClient
}

/** A running machine. */
export interface WorkerDriver {
  readonly url: string
  state(): RelayState
  /** The nodes' views may have changed. */
  chainChanged(): void
  stop(): void
}

/** Starts driving a worker. */
export const createWorkerDriver = (options: WorkerDriverOptions, dependencies: WorkerDriverDependencies): WorkerDriver => {
  const driver = new Driver(options, dependencies)
  driver.start()
  return driver
}

const viewOf = (info: WorkerInfo): WorkerView => {
  const { initialized, registered, anchored, state, reason, nextBlock, pendingMessages, score, confidence, version, clusterAwaited } = info
  return {
    initialized, registered, anchored, state, reason, nextBlock, pendingMessages, score, confidence, version,
    genesis: info.genesisHash === undefined ? undefined : toHex(info.genesisHash),
    identity: info.identity === undefined ? undefined : toHex(info.identity),
    clusterAwaited: clusterAwaited === undefined ? undefined : toHex(clusterAwaited),
  }
}

class Driver implements WorkerDriver {
  readonly url: string
  private readonly options: WorkerDriverOptions
  private readonly outside: WorkerDriverDependencies
  private current: RelayState
  private cancelTimer: () => void = () => {}
  private isStopped = false
  /** Node that was last asked for a genesis or a checkpoint. */
  private askedNode: string | undefined
  /** Messages on their way into a block. */
  private underWay = 0

  constructor(options: WorkerDriverOptions, dependencies: WorkerDriverDependencies) {
    this.url = dependencies.worker.url
    this.options = options
    this.outside = dependencies
    this.current = createRelayState({ endpoints: options.endpoints, nowMs: dependencies.clock.nowMs(), checkpointAfterBlocks: options.checkpointAfterBlocks })
  }

  start(): void {
    this.chainChanged()
  }

  state(): RelayState {
    return this.current
  }

  chainChanged(): void {
    this.tell({ kind: 'chain', view: this.outside.pool.view(this.current.worker?.genesis) })
  }

  stop(): void {
    this.isStopped = true
    this.cancelTimer()
  }

  private tell(happening: Happening): void {
    if (this.isStopped) return
    const { clock, random, logger, changed } = this.outside
    const before = this.current
    const nowMs = clock.nowMs()
    const [after, effects] = step(before, { ...happening, nowMs, fraction: randomFraction(random) })
    this.current = after
    const { status } = after
    if (status.phase !== before.status.phase || status.code !== before.status.code) {
      const data = { worker: this.url, phase: status.phase, reason: status.reason, ...(status.code === undefined ? {} : { code: status.code }) }
      if (status.phase === 'degraded' || status.phase === 'halted') logger.warn('worker state changed', data)
      else logger.info('worker state changed', data)
    }
    changed(after)
    for (const effect of effects) void this.perform(effect)
    this.cancelTimer()
    this.cancelTimer = clock.after(Math.max(10, wakeAtMs(after, nowMs) - nowMs), () => this.tell({ kind: 'tick' }))
  }

  private async perform(effect: Effect): Promise<void> {
    try {
      this.tell(await this.run(effect))
    } catch (error) {
      const failure = failureOf(error)
      const refused = isRefusal(error)
      this.outside.logger.debug('effect failed', { worker: this.url, effect: effect.kind, code: failure.code, reason: failure.reason })
      const node = refused && isPoison(failure.code) ? this.sourceOf(effect) : undefined
      if (node !== undefined) {
        const refused = effect.kind === 'feed' ? { genesis: this.current.worker?.genesis, batch: effect.batch } : undefined
        this.outside.pool.blame(node, `the worker ${this.url} refused what it gave from block ${this.current.next} on: ${failure.reason}`, refused)
      }
      this.tell({ kind: 'failed', effect: effect.kind, failure, isRefusal: refused, ...(node === undefined ? {} : { node }) })
    }
  }

  /** The node that gave what an effect hands to the worker. */
  private sourceOf(effect: Effect): string | undefined {
    if (effect.kind === 'feed') return effect.batch.node
    return effect.kind === 'init' || effect.kind === 'skip' ? this.askedNode : undefined
  }

  /** A checkpoint with what its state says of the worker, where the worker has an identity already. */
  private checkpointOf(node: ReturnType<NodePool['pick']>): Promise<Uint8Array> {
    const identity = this.current.worker?.identity
    return node.checkpoint(identity === undefined ? undefined : parseHex(identity))
  }

  private async initialize(effect: Effect & { kind: 'init' }): Promise<Happening> {
    const { worker, pool } = this.outside
    const node = pool.pick(this.current.worker?.genesis, effect.avoid)
    this.askedNode = node.url
    const genesisInfo = await node.genesisInfo()
    const checkpoint = effect.isAtCheckpoint ? { checkpoint: await this.checkpointOf(node) } : {}
    await worker.initRuntime({ genesisInfo, ...checkpoint, ...this.operator() })
    return { kind: 'initialized' }
  }

  private async skip(effect: Effect & { kind: 'skip' }): Promise<Happening> {
    const { worker, pool } = this.outside
    const node = pool.pick(this.current.worker?.genesis, effect.avoid)
    this.askedNode = node.url
    return { kind: 'skipped', syncedTo: await worker.skipToCheckpoint(await this.checkpointOf(node)) }
  }

  private async run(effect: Effect): Promise<Happening> {
    const { worker, pool } = this.outside
    const genesis = this.current.worker?.genesis
    switch (effect.kind) {
      case 'getInfo': {
        const view = viewOf(await worker.getInfo())
        // The worker's chain decides which nodes count.
        if (view.genesis !== genesis) this.tell({ kind: 'chain', view: pool.view(view.genesis) })
        return { kind: 'info', worker: view }
      }
      case 'init': return this.initialize(effect)
      case 'skip': return this.skip(effect)
      case 'fetch': {
        const view = this.current.chain
        const batch = await pool.fetch({ genesis: genesis ?? (view.kind === 'at' ? view.genesis : ''), from: effect.from, limit: effect.limit, avoid: effect.avoid })
        return { kind: 'fetched', batch }
      }
      case 'feed': {
        const syncedTo = await worker.feedBlocks(effect.batch.bytes)
        pool.approve(genesis, effect.batch, syncedTo)
        return { kind: 'fed', syncedTo }
      }
      case 'attest': {
        const { runtimeInfo, report } = await worker.getRuntimeInfo({ refresh: effect.refresh, ...this.operator() })
        return { kind: 'attested', runtimeInfo, report }
      }
      case 'egress': return this.offerMessages(effect)
      case 'standing': return this.readStanding()
      case 'register': return this.register(effect.evidence)
      case 'endpoints': return this.announceEndpoints(effect.urls)
      case 'join': return this.join(effect.cluster)
    }
  }

  private operator(): { readonly operator?: Uint8Array } {
    return this.options.operator === undefined ? {} : { operator: this.options.operator }
  }

  private async register({ runtimeInfo, report }: Evidence): Promise<Happening> {
    const { account, pool, fillCollateral, logger } = this.outside
    const args = concatBytes(runtimeInfo, await fillCollateral(report))
    const { included } = await account.submit(pool.pick(this.current.worker?.genesis), { pallet: 'PhalaRegistry', call: 'register_worker_v2', args })
    const { outcome } = await included
    if (!outcome.ok) throw new AppError('RELAY_REGISTRATION_REFUSED', { name: outcome.name, docs: outcome.docs })
    logger.info('worker registered', { worker: this.url })
    return { kind: 'registered' }
  }

  /** How long until the worker's evidence should be renewed, by the chain's own clock. */
  private async readStanding(): Promise<Happening> {
    const { pool, crypto } = this.outside
    const { genesis, identity } = this.current.worker ?? {}
    if (identity === undefined) return { kind: 'standing', renewInMs: undefined }
    const node = pool.pick(genesis)
    const metadata = await node.metadata()
    const id = parseHex(identity)
    const kept = await node.storage(concatBytes(metadata.storagePrefix('PhalaRegistry', 'Attestations'), crypto.twox64(id), id))
    const record = phalaRegistryStorage.attestations.decode(kept)
    if (record === undefined || record.eviction !== undefined || record.renewFrom >= NEVER_SECONDS) return { kind: 'standing', renewInMs: undefined }
    const nowMs = timestampStorage.now.decode(await node.storage(metadata.storagePrefix('Timestamp', 'Now')))
    return { kind: 'standing', renewInMs: Number(record.renewFrom * 1000n - nowMs) }
  }

  private async join(cluster: string): Promise<Happening> {
    const { worker, pool, crypto, random, peers, connectWorker, logger } = this.outside
    const { genesis, identity = '' } = this.current.worker ?? {}
    await joinCluster({ cluster: parseHex(cluster), identity }, { worker, node: pool.pick(genesis), crypto, peers, connectWorker, fraction: randomFraction(random) })
    logger.info('worker was given what it lacked of its cluster', { worker: this.url })
    return { kind: 'joined' }
  }

  private async announceEndpoints(urls: readonly string[]): Promise<Happening> {
    const { account, pool, worker, crypto } = this.outside
    const node = pool.pick(this.current.worker?.genesis)
    const { payload, signature } = await worker.signEndpoints(urls)
    const { pubkey, versionedEndpoints } = WorkerEndpointPayload.decode(payload)
    const prefix = (await node.metadata()).storagePrefix('PhalaRegistry', 'Endpoints')
    const id = Sr25519Public.encode(pubkey)
    const known = await node.storage(concatBytes(prefix, crypto.twox64(id), id))
    if (known !== undefined && toHex(known) === toHex(VersionedWorkerEndpoints.encode(versionedEndpoints))) return { kind: 'endpointsSet' }
    const args = concatBytes(payload, lengthPrefixed.encode(signature))
    const { included } = await account.submit(node, { pallet: 'PhalaRegistry', call: 'update_worker_endpoint', args })
    const { outcome } = await included
    if (!outcome.ok) throw new AppError('RELAY_POOL_REFUSED', { reason: `${outcome.name} ${outcome.docs}`.trim() })
    return { kind: 'endpointsSet' }
  }

  /** Offers every message that chain, pool and courier do not have; what becomes of them comes later. */
  private async offerMessages(effect: Effect & { kind: 'egress' }): Promise<Happening> {
    const { worker, pool, courier } = this.outside
    const genesis = this.current.worker?.genesis
    const node = pool.pick(genesis)
    const channels = EgressMessages.decode(await worker.getEgressMessages())
    let room = this.options.messagesPerRound
    let gap: Failure | undefined
    for (const [sender, messages] of channels) {
      const name = describeSender(sender, toHex)
      if (messages.length === 0 || effect.held.includes(name)) continue
      const next = await node.nextMessageSequence(sender)
      const chosen = selectMessages(messages, { next, limit: effect.careful.includes(name) ? Math.min(1, room) : room })
      if (chosen.kind === 'gap') {
        const context = { sender: name, expected: String(next), first: String(chosen.first) }
        gap = failureOf(new AppError('RELAY_EGRESS_GAP', context))
        continue
      }
      room -= chosen.messages.length
      for (const message of chosen.messages)
        if (courier.offer({ message, genesis, settled: (delivery) => this.settled(message, delivery) })) this.underWay++
    }
    return { kind: 'egressed', underWay: this.underWay, gap }
  }

  private settled({ message, sequence }: SignedMessage, delivery: Delivery): void {
    this.underWay--
    const sender = describeSender(message.sender, toHex)
    switch (delivery.kind) {
      case 'delivered': return this.tell({ kind: 'messageDelivered', sender })
      case 'passed': return
      case 'lost': return delivery.failure === undefined ? undefined : this.tell({ kind: 'messageRefused', failure: delivery.failure })
      case 'refused': {
        const context = { sender, sequence: String(sequence), name: `${delivery.name} ${delivery.docs}`.trim() }
        this.tell({ kind: 'messageRefused', sender, failure: failureOf(new AppError('RELAY_EGRESS_REFUSED', context)) })
      }
    }
  }
}
