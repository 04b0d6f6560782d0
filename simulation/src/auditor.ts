/**
 * Owns an independent, small model of queue and registry: it reads the finalised blocks' extrinsics, decides by itself what each must
 * have done, and compares with the chain's storage. Shares wire types with the chain, none of its rules, and always uses honest crypto.
 */
import { OptionalAttestationReport } from '@phalanx/attestation'
import { bytesEqual, parseHex, toHex } from '@phalanx/primitives/bytes'
import { ByteReader, bytesUpTo, compactU32, type TypeOf } from '@phalanx/primitives/codec'
import { decodeExtrinsic, headerHash, readPhlx, type Header } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import {
  isOffchainOrigin, isValidTopic, MessageOrigin, messageSigningPayload, SignedMessage, TOPICS, WorkerEndpointPayload, WorkerRegistrationInfoV2,
  wrapSignedContent, type Message, type RegistryEvent,
} from '@phalanx/primitives/messages'
import type { State } from '@phalanx/primitives/trie'
import { phalaMqStorage, phalaRegistryStorage } from '@phalanx/runtime/storage'
import type { AssembledRuntime } from '@phalanx/runtime/frame'
import { createClusterAudit, type ClusterAudit } from './cluster-audit.ts'
import type { SentCommand } from './cluster-commands.ts'
import { createEconomyAudit, type EconomyAudit } from './economy-audit.ts'
import { createEgressAudit } from './egress-audit.ts'
import './errors.ts'

/** What the model knows of a worker. */
interface ModelWorker {
  ecdhPubkey: Uint8Array
  epoch: bigint
  score: number | undefined
  version: number
  readonly addedAt: number
  endpoints: readonly string[] | undefined
  /** Last second at which its evidence counts. */
  validUntil: bigint
  isEvicted: boolean
}

/** A finalised block as the auditor is shown it. */
export interface AuditedBlock {
  readonly number: number
  readonly header: Header
  readonly body: readonly Uint8Array[]
  readonly state: State
  /** All that was said in the block. */
  readonly messages: readonly Message[]
}

/** The auditor. */
export interface Auditor {
  /** A worker of the world showed this registration info: only such may register. */
  noteGenuine(info: Uint8Array): void
  /** A process of a worker answered with its waiting messages. @throws SIM_INVARIANT_BROKEN */
  noteEgress(life: object, encoded: Uint8Array): void
  /** A worker's checkpoints were damaged or put back. */
  noteDamage(pubkey: Uint8Array): void
  /** What was compared of the economy. */
  readonly economy: Pick<EconomyAudit, 'counts' | 'decidedTo'>
  /** What was compared of clusters, and workers that are looked into. */
  readonly clusters: Omit<ClusterAudit, 'follow'>
  /** @throws SIM_INVARIANT_BROKEN where chain and model differ */
  audit(block: AuditedBlock): void
  /** Identities that must be registered now. */
  readonly workers: ReadonlyMap<string, { readonly epoch: bigint; readonly ecdhPubkey: Uint8Array }>
  /** Votes of gatekeepers that were compared with each other. */
  readonly votes: number
  /** Messages of workers that the chain took. */
  readonly messages: number
}

const PALLET_UTILITY = 2
const PALLET_SUDO = 22
const PALLET_MQ = 40
const PALLET_REGISTRY = 41
const FORCE_BATCH = 4
const REGISTER_V2 = 7
const UPDATE_ENDPOINT = 8
const ADD_MEASUREMENT = 9
const REMOVE_MEASUREMENT = 10
const REVOKE_FAMILY = 18
const RESTORE_FAMILY = 19
/** Blocks whose hash evidence may carry. */
const ANCHOR_BLOCKS = 256
/** Level of a worker whose evidence counts no longer. */
const EVICTED_LEVEL = 255
const familyBytes = bytesUpTo(32)
const ENDPOINT_LIFE_MS = 14_400_000n
const signatureBytes = bytesUpTo(256)

/** What the auditor knows of the world besides its blocks. */
export interface AuditorOptions {
  readonly genesisHash: Uint8Array
  readonly measurements: readonly Uint8Array[]
  /** Seconds that evidence counts. */
  readonly reattestationSeconds: number
  measurementOf(report: Uint8Array): Uint8Array | undefined
  /** Hash of the block that the evidence was made at. */
  anchorOf(report: Uint8Array): Uint8Array | undefined
  /** Platform family of a worker's machine, by its public key. */
  familyOf(pubkey: Uint8Array): Uint8Array | undefined
}

/** Starts with the workers, measurements and sequences of genesis: none but the listed measurements. */
export const createAuditor = (
  options: AuditorOptions,
  dependencies: { readonly crypto: Crypto; readonly runtime: AssembledRuntime; readonly commands: readonly SentCommand[] },
): Auditor => new ModelAuditor(options, dependencies)

class ModelAuditor implements Auditor {
  readonly workers = new Map<string, ModelWorker>()
  messages = 0
  votes = 0
  /** First hash that a gatekeeper reported of an outcome. */
  private readonly outcomes = new Map<string, string>()
  private readonly options: AuditorOptions
  private readonly crypto: Crypto
  private readonly genuine = new Set<string>()
  private readonly sequences = new Map<string, bigint>()
  private readonly usedEvidence = new Set<string>()
  private measurements: Uint8Array[]
  private readonly revoked = new Set<string>()
  /** Hashes of the blocks so far, genesis first. */
  private readonly hashes: Uint8Array[]
  /** The chain's clock at the end of the block before, in seconds: what a block's beginning goes by. */
  private lastSeconds = 0n
  private next = 1

  readonly economy: EconomyAudit
  readonly clusters: ClusterAudit
  private readonly runtime: AssembledRuntime
  private readonly egress

  constructor(options: AuditorOptions, { crypto, runtime, commands }: { readonly crypto: Crypto; readonly runtime: AssembledRuntime; readonly commands: readonly SentCommand[] }) {
    this.options = options
    this.crypto = crypto
    this.runtime = runtime
    this.economy = createEconomyAudit({ crypto, runtime })
    this.clusters = createClusterAudit({ crypto, commands })
    this.egress = createEgressAudit({ crypto })
    this.measurements = [...options.measurements]
    this.hashes = [options.genesisHash]
  }

  noteGenuine(info: Uint8Array): void {
    this.genuine.add(toHex(info))
  }

  noteEgress(life: object, encoded: Uint8Array): void {
    this.require(this.egress.show(life, encoded), this.next)
  }

  noteDamage(pubkey: Uint8Array): void {
    this.egress.forget(pubkey)
  }

  private require(wrong: string | undefined, number: number): void {
    if (wrong !== undefined) this.broken(number, wrong)
  }

  audit(block: AuditedBlock): void {
    if (block.number !== this.next) this.broken(block.number, `block ${this.next} is missing`)
    this.next++
    this.evict()
    for (const bytes of block.body) {
      const extrinsic = decodeExtrinsic(bytes)
      if (extrinsic.signed !== undefined) this.apply(extrinsic.call, block, false)
    }
    this.compare(block)
    this.require(this.economy.follow(block), block.number)
    this.require(this.clusters.follow(block), block.number)
    this.hashes.push(headerHash(this.crypto, block.header))
    this.lastSeconds = readPhlx(block.header).timeMs / 1000n
  }

  /** What a block begins with: evidence that lapsed and families that were revoked count no longer. */
  private evict(): void {
    for (const [name, worker] of this.workers) {
      const family = this.options.familyOf(parseHex(name))
      if (worker.validUntil < this.lastSeconds || (family !== undefined && this.revoked.has(toHex(family)))) worker.isEvicted = true
    }
  }

  private isRecent(report: Uint8Array, block: AuditedBlock): boolean {
    const anchor = this.options.anchorOf(report)
    return anchor !== undefined && this.hashes.slice(Math.max(0, block.number - ANCHOR_BLOCKS)).some((hash) => bytesEqual(hash, anchor))
  }

  private apply(call: Uint8Array, block: AuditedBlock, isRoot: boolean): void {
    const input = new ByteReader(call)
    const [pallet, index] = [input.u8(), input.u8()]
    if (pallet === PALLET_SUDO && index === 0) return this.apply(call.subarray(2), block, true)
    if (pallet === PALLET_UTILITY && index === FORCE_BATCH) return this.applyBatch(input, block)
    if (pallet === PALLET_MQ && index === 0) return this.applyMessage(SignedMessage.read(input), block)
    if (pallet !== PALLET_REGISTRY) return
    if (index === REGISTER_V2) this.applyRegistration(WorkerRegistrationInfoV2.read(input), input, block)
    else if (index === UPDATE_ENDPOINT) this.applyEndpoint(WorkerEndpointPayload.read(input), signatureBytes.read(input), block)
    else if (index === REVOKE_FAMILY && isRoot) this.revoked.add(toHex(familyBytes.read(input)))
    else if (index === RESTORE_FAMILY && isRoot) this.revoked.delete(toHex(familyBytes.read(input)))
    else if (index === ADD_MEASUREMENT && isRoot) this.addMeasurement(phalaRegistryStorage.Measurement.read(input))
    else if (index === REMOVE_MEASUREMENT && isRoot) {
      const removed = phalaRegistryStorage.Measurement.read(input)
      this.measurements = this.measurements.filter((one) => !bytesEqual(one, removed))
    }
  }

  /** Relays hand messages in together; each stands for itself. */
  private applyBatch(input: ByteReader, block: AuditedBlock): void {
    const { RuntimeCall } = this.runtime.parts.services
    for (let left = compactU32.read(input); left > 0; left--) this.apply(RuntimeCall.encode(RuntimeCall.read(input)), block, false)
  }

  private addMeasurement(measurement: Uint8Array): void {
    if (measurement.length > 0 && !this.measurements.some((one) => bytesEqual(one, measurement))) this.measurements.push(measurement)
  }

  private applyRegistration(info: WorkerRegistrationInfoV2, input: ByteReader, block: AuditedBlock): void {
    const start = input.offset
    const report = OptionalAttestationReport.read(input)
    const evidence = toHex(input.bytes.subarray(start, input.offset))
    const measurement = this.options.measurementOf(OptionalAttestationReport.encode(report))
    const isListed = measurement !== undefined && this.measurements.some((one) => bytesEqual(one, measurement))
    if (!this.genuine.has(toHex(WorkerRegistrationInfoV2.encode(info))) || report === undefined || !isListed) return
    if (this.usedEvidence.has(evidence) || !bytesEqual(info.genesisBlockHash, this.options.genesisHash)) return
    const family = this.options.familyOf(info.pubkey)
    if (!this.isRecent(OptionalAttestationReport.encode(report), block) || (family !== undefined && this.revoked.has(toHex(family)))) return
    this.usedEvidence.add(evidence)
    const name = toHex(info.pubkey)
    const known = this.workers.get(name)
    const validUntil = readPhlx(block.header).timeMs / 1000n + BigInt(this.options.reattestationSeconds)
    if (known !== undefined) Object.assign(known, { version: info.version, validUntil, isEvicted: false })
    else this.workers.set(name, { validUntil, isEvicted: false, ecdhPubkey: info.ecdhPubkey, epoch: 0n, score: undefined, version: info.version, addedAt: block.number, endpoints: undefined })
  }

  private applyMessage(signed: TypeOf<typeof SignedMessage>, block: AuditedBlock): void {
    const { message, sequence, signature } = signed
    const { sender, destination, payload } = message
    if (!isOffchainOrigin(sender) || !isValidTopic(destination)) return
    const key = this.keyOf(sender, block)
    if (key === undefined) return
    const name = toHex(MessageOrigin.encode(sender))
    if (sequence !== (this.sequences.get(name) ?? 0n)) return
    if (!this.crypto.sr25519.verify(signature, messageSigningPayload(message, sequence), key)) return
    this.sequences.set(name, sequence + 1n)
    this.messages++
    this.require(this.egress.take(signed), block.number)
    if (sender.kind !== 'Worker') return
    const worker = this.workers.get(toHex(sender.value))
    if (bytesEqual(destination, TOPICS.gatekeeperVote.topic)) this.compareVote(sender.value, payload, block.number)
    if (worker === undefined) return
    if (bytesEqual(destination, TOPICS.ecdhKey.topic)) this.applyEcdhKey(worker, sender.value, payload)
    if (bytesEqual(destination, TOPICS.registryEvent.topic)) this.applyRegistryEvent(worker, payload, block)
  }

  /** Key that a sender's messages are signed with. Clusters' keys are the gatekeepers' word, which other audits judge. */
  private keyOf(sender: MessageOrigin, { state }: AuditedBlock): Uint8Array | undefined {
    if (sender.kind === 'Worker') return sender.value
    return sender.kind === 'Cluster' ? phalaRegistryStorage.clusterKeys.decode(state.get(phalaRegistryStorage.clusterKeys.key(this.crypto, sender.value))) : undefined
  }

  /** Whoever was asked, and whenever: of the same outcome every gatekeeper must say the same bytes. */
  private compareVote(gatekeeper: Uint8Array, payload: Uint8Array, number: number): void {
    const vote = decodeOrNothing(() => TOPICS.gatekeeperVote.payload.decode(payload))
    if (vote === undefined) return
    this.votes++
    this.require(this.economy.judgeVote(vote), number)
    const name = `${vote.block}.${vote.index}`
    const content = `${toHex(vote.destination)} ${toHex(vote.payload)}`
    const known = this.outcomes.get(name)
    if (known === undefined) this.outcomes.set(name, content)
    else if (known !== content) this.broken(number, `gatekeeper ${toHex(gatekeeper)} found ${content} as outcome ${name}, another gatekeeper ${known}`)
  }

  private applyEcdhKey(worker: ModelWorker, identity: Uint8Array, payload: Uint8Array): void {
    const announcement = decodeOrNothing(() => TOPICS.ecdhKey.payload.decode(payload))
    if (announcement === undefined || announcement.epoch <= worker.epoch) return
    if (bytesEqual(announcement.ecdhPubkey, identity) || !this.crypto.sr25519.isValidPoint(announcement.ecdhPubkey)) return
    worker.epoch = announcement.epoch
    worker.ecdhPubkey = announcement.ecdhPubkey
  }

  private applyRegistryEvent(worker: ModelWorker, payload: Uint8Array, block: AuditedBlock): void {
    const event: RegistryEvent | undefined = decodeOrNothing(() => TOPICS.registryEvent.payload.decode(payload))
    if (event?.kind !== 'BenchReport') return
    const elapsedMs = readPhlx(block.header).timeMs - event.value.startTime
    if (elapsedMs <= 0n) return
    const seconds = elapsedMs < 1000n ? 1n : elapsedMs / 1000n
    const raw = BigInt.asUintN(32, (event.value.iterations / seconds) * 6n)
    worker.score = raw > 6000n ? 6000 : Number(raw)
  }

  private applyEndpoint(payload: WorkerEndpointPayload, signature: Uint8Array, block: AuditedBlock): void {
    const worker = this.workers.get(toHex(payload.pubkey))
    const nowMs = readPhlx(block.header).timeMs
    if (worker === undefined || payload.signingTime >= nowMs || nowMs > payload.signingTime + ENDPOINT_LIFE_MS) return
    if (!this.crypto.sr25519.verify(signature, wrapSignedContent('endpointInfo', WorkerEndpointPayload.encode(payload)), payload.pubkey)) return
    worker.endpoints = payload.versionedEndpoints.value
  }

  /** Every item of queue and registry that the model knows must be as the model has it. */
  private compare({ number, state }: AuditedBlock): void {
    const registry = phalaRegistryStorage
    const expect = (what: string, holds: boolean): void => { if (!holds) this.broken(number, what) }
    const stored = [...state.entries(registry.workers.prefix(this.crypto))].map(([, value]) => registry.workers.decode(value))
    expect(`the chain has ${stored.length} workers, the model ${this.workers.size}`, stored.length === this.workers.size)
    for (const entry of stored) {
      if (entry === undefined) continue
      const name = toHex(entry.pubkey)
      const model = this.workers.get(name)
      if (model === undefined) throw this.failure(number, `${name} registered without genuine evidence`)
      expect(`ECDH key of ${name}`, bytesEqual(entry.ecdhPubkey, model.ecdhPubkey))
      expect(`score of ${name}: chain ${entry.initialScore}, model ${model.score}`, entry.initialScore === model.score)
      expect(`standing of ${name}: level ${entry.confidenceLevel} on the chain, ${model.isEvicted ? 'evicted' : 'good'} in the model`, (entry.confidenceLevel === EVICTED_LEVEL) === model.isEvicted)
      expect(`version of ${name}`, entry.runtimeVersion === model.version)
      const epoch = registry.ecdhEpoch.decode(state.get(registry.ecdhEpoch.key(this.crypto, entry.pubkey)))
      expect(`epoch of ${name}: chain ${epoch}, model ${model.epoch}`, epoch === model.epoch)
      const endpoints = registry.endpoints.decode(state.get(registry.endpoints.key(this.crypto, entry.pubkey)))
      expect(`endpoints of ${name}`, JSON.stringify(endpoints?.value) === JSON.stringify(model.endpoints))
    }
    const ingress = [...state.entries(phalaMqStorage.offchainIngress.prefix(this.crypto))]
    expect(`the chain has ${ingress.length} senders, the model ${this.sequences.size}`, ingress.length === this.sequences.size)
    for (const [name, next] of this.sequences) {
      const key = phalaMqStorage.offchainIngress.key(this.crypto, MessageOrigin.decode(parseHex(name)))
      expect(`sequence of ${name}`, phalaMqStorage.offchainIngress.decode(state.get(key)) === next)
    }
    const list = registry.allowList.decode(state.get(registry.allowList.key(this.crypto)))
    expect('the measurement list', list.length === this.measurements.length && list.every((one, i) => bytesEqual(one, this.measurements[i] as Uint8Array)))
  }

  private failure(block: number, what: string): AppError {
    return new AppError('SIM_INVARIANT_BROKEN', { what, block })
  }

  private broken(block: number, what: string): never {
    throw this.failure(block, what)
  }
}



const decodeOrNothing = <T>(decode: () => T): T | undefined => {
  try {
    return decode()
  } catch (error) {
    if (isAppError(error)) return undefined
    throw error
  }
}
