/**
 * Owns the simulated world: one node, relays and workers made from the real code, each on a disk that outlives its processes, and what can be
 * done to them from outside (crash, restart, damage). Decides nothing about when: faults.ts and workload.ts do.
 */
import type { SimulatedFamilyName } from '@phalanx/attestation/simulated'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { FollowedBlock } from '@phalanx/primitives/chain'
import { Secret, suriToEd25519Seed, suriToSr25519, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { BlobStore, Logger } from '@phalanx/primitives/ports'
import { createMemoryDisk, createNode, type MemoryDisk, type Node } from '@phalanx/node'
import { createRelay } from '@phalanx/relay'
import { createPhalanxRuntime } from '@phalanx/runtime'
import type { AssembledRuntime } from '@phalanx/runtime/frame'
import { createChainClient, createRpcClient, createSigner, createWorkerClient, type ChainClient } from '@phalanx/sdk'
import { createWorker, type Worker } from '@phalanx/worker'
import { GetEgressMessagesResponse, InitRuntimeResponse, clusterStateMethods } from '@phalanx/worker/api'
import { createBuiltinVm, type CodeVm } from '@phalanx/worker/contracts'
import { loadQuickJs } from '@phalanx/worker/engines/quickjs'
import { createSoftwarePlatform, softwareVendor } from '@phalanx/worker/platform'
import { decodeMessage, encodeMessage } from '@phalanx/worker/wire'
import { createAuditor, type Auditor } from './auditor.ts'
import { createBlobDisk } from './blobs.ts'
import { createVirtualClock, type VirtualClock } from './clock.ts'
import type { SentCommand } from './cluster-commands.ts'
import { OPERATOR } from './economy.ts'
import { createRecorder } from './epoch-closure.ts'
import { withKeptEpochs, withLoggedQueries, withoutEncryption, withoutSealing, withoutSignatures, withOwnBeacon, withPlainReplies, withStrayPlanck } from './broken.ts'
import './errors.ts'
import { anchorOf, measurementOf, measurementsByKind } from './families.ts'
import { compareJoined } from './joiners.ts'
import { alterEgress, withGreed } from './greedy.ts'
import { createLiar } from './liar.ts'
import { createSimNetwork, type SimNetwork } from './network.ts'
import type { Prng } from './prng.ts'
import { createSimProcess, type SimProcess } from './process.ts'
import { createScriptedVm } from './scripted-contract.ts'
import { createSecretHunt, type SecretHunt } from './secrets.ts'
import { createWorldSpec, softwareStatements } from './world-genesis.ts'
import type { RelayPlace, WorkerPlace, World, WorldOptions } from './world-types.ts'

/** The first problems tell; what follows from them does not. */
const PROBLEMS_KEPT = 3
const START_MS = 1_760_000_000_000
const NODE_URL = 'ws://node'
const LIAR_URL = 'ws://liar'
const SAVE_STATE = 'PhactoryAPI.SaveClusterState'
const WEEK_SECONDS = 604_800
const ITERATIONS_PER_SECOND = 40n
const SYNC_MS_MAX = 6
const RELAY_ACCOUNTS = ['//Alice', '//Bob', '//Charlie'] as const

/** Address that a worker announces. */
const announced = (url: string): string => `${url.replace('http:', 'https:')}.example`

/** Builds the world and starts everything in it. */
export const createWorld = async (options: WorldOptions, dependencies: { readonly crypto: Crypto; readonly prng: Prng; readonly log: (line: string) => void }): Promise<World> => {
  // Read from the real disk, it would be there sooner or later than virtual time has it: the same seed gave other runs on a busy machine.
  if (options.clusters?.isReal === true) await loadQuickJs()
  const world = new SimWorld(options, dependencies)
  await world.clock.await(world.start())
  return world
}

class SimWorld implements World {
  readonly clock: VirtualClock
  readonly network: SimNetwork
  readonly crypto: Crypto
  readonly hunt: SecretHunt
  readonly options: WorldOptions
  readonly workers: WorkerPlace[] = []
  readonly relays: RelayPlace[] = []
  readonly measurement: Uint8Array
  readonly finalized: string[] = []
  readonly problems: string[] = []
  readonly commands: SentCommand[] = []
  readonly recorder = createRecorder()
  auditor: Auditor
  liesOn = false
  private readonly prng: Prng
  private readonly log: (line: string) => void
  private readonly disk: MemoryDisk
  private readonly subjectCrypto: Crypto
  private readonly workerCrypto: Crypto
  private readonly runtime: AssembledRuntime
  private readonly spec
  private readonly vendor
  private readonly families: readonly SimulatedFamilyName[]
  private readonly measurements: ReadonlyMap<string, Uint8Array>
  private readonly familyByKey = new Map<string, Uint8Array>()
  private joinedCount = 0
  private nodeProcess: SimProcess | undefined
  private runningNode: Node | undefined

  constructor(options: WorldOptions, { crypto, prng, log }: { readonly crypto: Crypto; readonly prng: Prng; readonly log: (line: string) => void }) {
    this.options = options
    this.crypto = crypto
    this.prng = prng
    this.log = log
    this.clock = createVirtualClock(START_MS)
    this.network = createSimNetwork(this.clock, prng.fork('network'))
    this.hunt = createSecretHunt(crypto)
    this.network.onTraffic = (what) => this.hunt.watch(what)
    this.subjectCrypto = options.broken === 'skip-signature' ? withoutSignatures(crypto) : crypto
    this.workerCrypto = this.cryptoOfWorkers()
    this.vendor = softwareVendor(crypto)
    this.measurement = softwareStatements(crypto)
    this.families = options.families ?? ['sgx-1']
    this.measurements = measurementsByKind(this.vendor, this.families, crypto)
    const disk = prng.fork('node disk')
    this.disk = createMemoryDisk({ sync: (complete) => void this.clock.after(disk.below(SYNC_MS_MAX), complete), dropsSync: options.broken === 'drop-fsync' })
    const runtime = createPhalanxRuntime({ stateVersion: options.stateVersion }, { crypto: this.subjectCrypto })
    this.runtime = options.broken === 'stray-planck' ? withStrayPlanck(runtime, this.subjectCrypto) : runtime
    this.spec = this.runtime.parseChainSpec(createWorldSpec(options, this.listed(), { crypto }), { crypto })
    for (let i = 0; i < options.workers; i++) {
      const disk = createBlobDisk(this.clock, prng.fork(`worker disk ${i}`))
      this.workers.push({ url: `http://worker-${i}`, disk, process: undefined, worker: undefined, platform: undefined, keyDamagedAt: undefined, laggedAt: 0, identity: undefined })
    }
    for (let i = 0; i < options.relays; i++) this.relays.push({ name: `relay ${i}`, process: undefined, relay: undefined })
    this.auditor = undefined as unknown as Auditor
  }

  async start(): Promise<void> {
    await this.startNode()
    const genesisHash = this.runningNode?.genesisHash ?? new Uint8Array(32)
    this.auditor = createAuditor(
      {
        genesisHash, measurements: this.listed(), reattestationSeconds: this.options.renewal?.reattestationSeconds ?? WEEK_SECONDS,
        measurementOf: (report) => measurementOf(report, this.measurements), anchorOf, familyOf: (pubkey) => this.familyByKey.get(toHex(pubkey)),
      },
      { crypto: this.crypto, runtime: this.runtime, commands: this.commands },
    )
    await Promise.all(this.workers.map((place) => this.startWorker(place)))
    for (const place of this.relays) this.startRelay(place)
  }

  /** Measurements that genesis admits. */
  private listed(): readonly Uint8Array[] {
    return [this.measurement, ...[...this.measurements.values()].filter((one) => !bytesEqual(one, this.measurement))]
  }

  familyOf(place: WorkerPlace): SimulatedFamilyName {
    return this.families[this.workers.indexOf(place) % this.families.length] as SimulatedFamilyName
  }

  encodeCall(call: { readonly pallet: string; readonly name: string; readonly args: unknown }): Uint8Array {
    return this.runtime.parts.services.RuntimeCall.encode(call)
  }

  connect(): ChainClient {
    const { crypto, clock } = this
    const random = this.prng.fork('observer')
    const createSocket = this.network.createSocket({ isAlive: () => true })
    return createChainClient(createRpcClient({ url: NODE_URL }, { createSocket, clock, random, logger: this.logger('observer') }), { crypto })
  }

  /** What the workers of this world reckon with. */
  private cryptoOfWorkers(): Crypto {
    const { broken } = this.options
    if (broken === 'skip-signature') return withoutSignatures(this.hunt.crypto)
    if (broken === 'plain-files') return withoutSealing(this.hunt.crypto)
    if (broken === 'kept-epochs') return withKeptEpochs(this.hunt.crypto)
    if (broken === 'plain-replies') return withPlainReplies(this.hunt.crypto)
    if (broken === 'logged-queries') return withLoggedQueries(this.hunt.crypto, (text) => this.logger('a worker').info(`was asked ${text}`))
    return broken === 'plain-shares' ? withoutEncryption(this.hunt.crypto) : this.hunt.crypto
  }

  private cryptoOf(place: WorkerPlace): Crypto {
    if (place !== this.workers[0]) return this.workerCrypto
    if (this.options.broken === 'biased-economy') return withGreed(this.workerCrypto)
    return this.options.broken === 'biased-gatekeeper' ? withOwnBeacon(this.workerCrypto) : this.workerCrypto
  }

  node(): Node | undefined {
    return this.runningNode
  }

  report(problem: string): void {
    if (this.problems.length < PROBLEMS_KEPT) this.problems.push(problem)
    this.log(`PROBLEM ${problem}`)
  }

  private logger(who: string): Logger {
    const write = (level: string) => (message: string, data?: Readonly<Record<string, unknown>>, error?: unknown): void => {
      const line = `${level} ${who}: ${message} ${data === undefined ? '' : JSON.stringify(data)}${error === undefined ? '' : ` ${error instanceof Error ? error.message : String(error)}`}`
      this.hunt.watch(line)
      this.log(line)
    }
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
  }

  async startNode(): Promise<void> {
    const process = createSimProcess(this.clock)
    this.nodeProcess = process
    const node = await createNode(
      {
        chainSpec: this.spec, sealing: { kind: 'interval', blockTimeMs: this.options.blockTimeMs }, threads: 0, hasMetrics: false, isUnsafeRpcAllowed: true,
        authoritySeed: suriToEd25519Seed(this.crypto, '//Alice'), keepStates: 32,
      },
      {
        kv: this.disk.open(), clock: process.clock, crypto: this.subjectCrypto, logger: this.logger('node'), runtime: this.runtime,
        yieldToLoop: () => Promise.resolve(),
        onFatal: (error) => { if (process.isAlive) this.report(`the node gave up: ${error instanceof Error ? error.message : String(error)}`) },
      },
    )
    if (!process.isAlive) return
    this.runningNode = node
    this.checkKept(node)
    node.chain.onBlock((block) => { if (process.isAlive) this.onFinalized(node, block) })
    this.network.nodes.set(NODE_URL, node)
    this.network.nodes.set(LIAR_URL, node)
  }

  /** After a restart every finalised block must still be there. */
  private checkKept(node: Node): void {
    const { number } = node.head()
    if (number < this.finalized.length - 1) this.report(`the node restarted at block ${number}, but block ${this.finalized.length - 1} was final`)
    for (let at = Math.max(0, this.finalized.length - 64); at < this.finalized.length && at <= number; at++) {
      const hash = node.chain.store.hashOf(at)
      if (hash === undefined || toHex(hash) !== this.finalized[at]) this.report(`finalised block ${at} changed over a restart`)
    }
    // A block may have been committed without having been announced: it counts from now on.
    for (let at = this.finalized.length; at <= number; at++) this.audit(node, at)
  }

  private onFinalized(node: Node, block: { readonly number: number; readonly hash: Uint8Array }): void {
    if (block.number !== this.finalized.length) return this.report(`block ${block.number} followed block ${this.finalized.length - 1}`)
    this.audit(node, block.number)
  }

  private audit(node: Node, number: number): void {
    const { store } = node.chain
    const hash = store.hashOf(number)
    if (this.problems.length > 0) {
      // What follows from the first problem tells nothing; the blocks are counted on.
      this.finalized[number] = hash === undefined ? '' : toHex(hash)
      return
    }
    const header = store.header(number)
    const body = store.body(number)
    const followed = store.followed(number)
    for (const bytes of [...(body ?? []), followed ?? new Uint8Array(0)]) this.hunt.watch(bytes, `block ${number}`)
    if (hash === undefined || header === undefined || body === undefined || followed === undefined) return this.report(`block ${number} is incomplete`)
    this.finalized[number] = toHex(hash)
    if (number === 0 || this.auditor === undefined) return
    try {
      const { messages } = FollowedBlock.decode(followed).messages
      this.recorder.hear(messages)
      this.auditor.audit({ number, header, body, state: node.chain.stateAt(hash), messages })
    } catch (error) {
      // Whoever told of the block would swallow it.
      this.report(error instanceof AppError ? error.message : `the auditor failed at block ${number}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    }
  }

  crashNode(): void {
    this.nodeProcess?.kill()
    this.network.nodes.delete(NODE_URL)
    this.network.nodes.delete(LIAR_URL)
    this.network.cut(NODE_URL)
    this.network.cut(LIAR_URL)
    this.runningNode = undefined
    this.disk.crash(this.prng.below(this.disk.unsynced + 1))
  }

  async startWorker(place: WorkerPlace): Promise<void> {
    const process = createSimProcess(this.clock)
    place.process = process
    const blobs = this.watched(place.disk.open(), place)
    const random = this.prng.fork(`${place.url} ${this.clock.fired}`)
    const platform = await createSoftwarePlatform({ family: this.familyOf(place) }, { crypto: this.cryptoOf(place), blobs, random, vendor: this.vendor })
    place.platform = platform
    const worker = await createWorker(
      { checkpointEveryBlocks: this.options.checkpointEveryBlocks, rotateEcdhEveryBlocks: this.options.rotateEcdhEveryBlocks, ecdhGraceBlocks: 10 },
      {
        platform, blobs, random, crypto: this.cryptoOf(place), clock: process.clock, logger: this.logger(place.url), ...this.machinesOf(place),
        benchmark: { start() {}, stop() {}, take: () => 0n, measure: (elapsedMs) => ((elapsedMs < 1000n ? 1000n : elapsedMs) * ITERATIONS_PER_SECOND) / 1000n },
      },
    )
    if (!process.isAlive) return
    place.worker = worker
    const server = {
      handle: async (method: string, request: Uint8Array): Promise<Uint8Array> => {
        const answer = this.greedy(place, method, await worker.handle(method, request))
        if (process.isAlive) this.onWorkerAnswer(place, method, answer)
        if (process.isAlive) await this.auditJoined(worker, method, request)
        return answer
      },
    }
    for (const address of this.addressesOf(place)) this.network.workers.set(address, server)
  }

  /** What a worker writes is seen by its host. */
  private watched(blobs: BlobStore, { url }: WorkerPlace): BlobStore {
    return {
      ...blobs,
      write: (name, bytes) => {
        // The machine's own secret stands for what real machines keep to themselves.
        if (name.endsWith('.seal')) this.hunt.watch(bytes, `${name} of ${url}`)
        return blobs.write(name, bytes)
      },
    }
  }

  /** Machines for contracts: all that the build has, or those that are cheap. */
  private machinesOf(place: WorkerPlace): { readonly vms?: readonly CodeVm[] } {
    if (this.options.clusters?.isReal === true) return {}
    const gossip = (text: string): void => this.logger(place.url).info(`contract says ${text}`)
    return { vms: [createBuiltinVm({ crypto: this.cryptoOf(place) }), this.options.broken === 'gossiping-machine' ? createScriptedVm(gossip) : createScriptedVm()] }
  }

  /** Where a worker listens: for its relays, and where it says that it is. */
  private addressesOf({ url }: WorkerPlace): readonly string[] {
    return [url, announced(url)]
  }

  private greedy(place: WorkerPlace, method: string, answer: Uint8Array): Uint8Array {
    if (this.options.broken !== 'biased-economy' || place !== this.workers[0] || method !== 'PhactoryAPI.GetEgressMessages') return answer
    return encodeMessage(GetEgressMessagesResponse, { encodedMessages: alterEgress(decodeMessage(GetEgressMessagesResponse, answer).encodedMessages) })
  }

  /** The auditor sees a worker's waiting messages as whoever asks sees them. */
  private auditEgress(place: WorkerPlace, answer: Uint8Array): void {
    if (this.problems.length > 0 || place.process === undefined) return
    try {
      this.auditor.noteEgress(place.process, decodeMessage(GetEgressMessagesResponse, answer).encodedMessages)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      this.report(error.message)
    }
  }

  private onWorkerAnswer(place: WorkerPlace, method: string, answer: Uint8Array): void {
    if (method === 'PhactoryAPI.GetRuntimeInfo') this.auditor.noteGenuine(decodeMessage(InitRuntimeResponse, answer).encodedRuntimeInfo)
    if (method === 'PhactoryAPI.GetEgressMessages') this.auditEgress(place, answer)
    if (method === SAVE_STATE) this.recorder.sawState(decodeMessage(clusterStateMethods.SaveClusterState.result, answer).encodedState ?? new Uint8Array(0))
    const identity = place.worker?.identity()
    if (identity === undefined) return
    const key = toHex(identity)
    // Making a machine signs a certificate: once for each worker is enough.
    if (!this.familyByKey.has(key)) this.familyByKey.set(key, this.vendor.machine({ id: 'any', family: this.familyOf(place) }).family)
    if (place.identity === undefined) place.identity = key
    else if (place.identity !== key) this.report(`${place.url} changed its identity from ${place.identity} to ${key}`)
  }

  /** A worker that began at a checkpoint must stand where following every block would have left it. */
  private async auditJoined(worker: Worker, method: string, request: Uint8Array): Promise<void> {
    if (this.runningNode === undefined || this.problems.length > 0) return
    const verdict = await compareJoined({ method, request, worker }, { node: this.runningNode, crypto: this.crypto })
    if (verdict === undefined) return
    this.joinedCount++
    if (verdict.difference !== undefined) this.report(`a worker that went on at a checkpoint knows another thing than the chain told: ${verdict.difference}`)
  }

  joined(): number {
    return this.joinedCount
  }

  crashWorker(place: WorkerPlace): void {
    place.process?.kill()
    place.disk.crash()
    for (const address of this.addressesOf(place)) this.network.workers.delete(address)
    place.worker = undefined
  }

  startRelay(place: RelayPlace): void {
    const process = createSimProcess(this.clock)
    place.process = process
    const random = this.prng.fork(`${place.name} ${this.clock.fired}`)
    const isAlive = (): boolean => process.isAlive
    const tamper = createLiar({ enabled: () => this.liesOn, perMille: this.options.liesPerMille, onLie: () => void this.network.counts.lies++ }, random.fork('lies'))
    const honest = this.network.createSocket({ isAlive })
    const lying = this.network.createSocket({ isAlive, tamper })
    const http = this.network.createHttp({ isAlive })
    const logger = this.logger(place.name)
    const account = RELAY_ACCOUNTS[this.relays.indexOf(place) % RELAY_ACCOUNTS.length] ?? '//Alice'
    place.relay = createRelay(
      {
        nodes: [LIAR_URL, NODE_URL],
        workers: this.workers.map(({ url }) => ({ url, endpoints: [announced(url)] })),
        signer: createSigner({ suri: new Secret(account) }, { crypto: this.crypto, random }),
        checkpointAfterBlocks: this.options.checkpointAfterBlocks,
        operator: suriToSr25519(this.crypto, OPERATOR).publicKey,
      },
      {
        crypto: this.crypto, clock: process.clock, random, logger,
        connectNode: (url) => createChainClient(
          createRpcClient({ url }, { createSocket: url === LIAR_URL ? lying : honest, clock: process.clock, random, logger }), { crypto: this.crypto }),
        connectWorker: (url) => createWorkerClient({ url }, { http }),
      },
    )
  }

  crashRelay(place: RelayPlace): void {
    place.process?.kill()
    place.relay?.close()
    place.relay = undefined
  }
}

