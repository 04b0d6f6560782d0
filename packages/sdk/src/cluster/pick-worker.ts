/**
 * Owns the choice of a worker by what it proves: its evidence, fetched from the chain, is judged here; whoever answers at its address must hold the ECDH key that the
 * chain has for it. One that cannot be reached or is refused is passed over.
 */
import { referencePolicy, type AttestationPolicy } from '@phalanx/attestation'
import { bytesEqual, bytesToKey, parseHex, toHex } from '@phalanx/primitives/bytes'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { createWorkerClient, type WorkerClient as WireClient } from '@phalanx/worker/wire'
import '../errors.ts'
import { randomFraction } from '../back-off.ts'
import { fetchPolicy } from '../evidence.ts'
import { verifyWorker, type VerifiedWorker } from '../verify-worker.ts'
import type { AnchoredKey } from './chain-state.ts'
import type { Cluster, Network } from './network.ts'
import { isOutage } from './patience.ts'

/** Which worker is wanted. */
export interface PickOptions {
  /** Workers (identity keys) that were tried already. */
  readonly except?: readonly Uint8Array[]
  /** How long one call of the worker may take. */
  readonly timeoutMs?: number
}

/** A worker that may be asked. */
export interface PickedWorker {
  readonly cluster: Uint8Array
  /** Identity key: replies are signed by it. */
  readonly publicKey: Uint8Array
  readonly endpoint: string
  /** The key that queries are sealed to. */
  readonly key: AnchoredKey
  /** What it proved. */
  readonly proof: VerifiedWorker
  readonly api: WireClient
}

/** Chooses workers. */
export interface WorkerChoice {
  /** @throws SDK_WORKER_NONE, SDK_CLUSTER_NOT_FOUND and connection codes */
  pick(cluster: Uint8Array, options: PickOptions): Promise<PickedWorker>
  forget(worker: PickedWorker): void
}

/** How long a worker that was examined is used without asking again. */
const PICK_AGE_MS_MAX = 10_000
/** How long a verdict is used again. */
const VERDICT_AGE_MS_MAX = 600_000
const MS_PER_SECOND = 1000
const ANSWER_BYTES_MAX = 24 * 1024 * 1024
const TIMEOUT_MS = 30_000
/** How often it is looked again, after other blocks, where keys are just changing. */
const KEY_ATTEMPTS = 4
const KEY_WAIT_MS = 10_000

interface KeptVerdict {
  readonly proof: VerifiedWorker
  readonly untilMs: number
}

/** A worker's whole API over HTTP. Calls reject with SDK_WORKER_UNREACHABLE, or WIRE_CALL_FAILED with the worker's own code. */
const createWorkerApi = (network: Pick<Network, 'surroundings'>, options: { readonly url: string; readonly timeoutMs: number }): WireClient => {
  const url = options.url.replace(/\/+$/, '')
  return createWorkerClient(async (path, body) => {
    try {
      const headers = { 'content-type': 'application/octet-stream' }
      return await network.surroundings.http({ method: 'POST', url: `${url}${path}`, body, timeoutMs: options.timeoutMs, maxBytes: ANSWER_BYTES_MAX, headers })
    } catch (cause) {
      throw new AppError('SDK_WORKER_UNREACHABLE', { url, reason: cause instanceof Error ? cause.message : 'no answer' }, { cause })
    }
  })
}

/** The policy by which workers are judged; measurements that the chain lists count in any case. */
const policyOf = async ({ policy, chain }: Network): Promise<AttestationPolicy | 'chain'> => {
  if (policy !== 'vendors') return policy
  const { enforceMeasurements, measurements } = await fetchPolicy(chain)
  return referencePolicy({ enforceMeasurements, measurements })
}

const judge = async (network: Network, publicKey: Uint8Array): Promise<KeptVerdict> => {
  const { chain, surroundings: { clock, crypto } } = network
  const nowMs = clock.nowMs()
  const proof = await verifyWorker(chain, publicKey, { policy: await policyOf(network), nowSeconds: Math.floor(nowMs / MS_PER_SECOND) }, { crypto })
  const { verdict } = proof.file
  if (!verdict.ok) throw new AppError('SDK_WORKER_UNTRUSTED', { pubkey: toHex(publicKey), code: verdict.errorCode, reason: verdict.detail })
  return { proof, untilMs: nowMs + VERDICT_AGE_MS_MAX }
}

/** In one list with others: the code, and the reason where the error has one. */
const reasonOf = (error: unknown): string => {
  if (!isAppError(error)) return String(error)
  const { url, pubkey, reason } = error.context as { readonly url?: string; readonly pubkey?: string; readonly reason?: string }
  return `${url ?? pubkey ?? ''} ${error.code}${reason === undefined ? '' : ` (${reason.split('. ', 1)[0] ?? ''})`}`.trim()
}

/** Trouble that may be over in a moment: a worker that starts again, or one whose key is just changing. */
const isMomentary = (error: unknown): boolean => isAppError(error, 'SDK_WORKER_UNREACHABLE') || isAppError(error, 'SDK_WORKER_KEY_DIFFERS')

/** Whether no worker could be used, but one that did not answer may do so in a moment. */
export const isMomentaryNone = (error: unknown): boolean => isAppError(error, 'SDK_WORKER_NONE') && isMomentary(error.cause)

/** Chooses workers for a network, and remembers what they proved and which one answered last. */
export const createWorkerChoice = (network: Network): WorkerChoice => new RememberingChoice(network)

class RememberingChoice implements WorkerChoice {
  private readonly network: Network
  private readonly verdicts = new Map<string, KeptVerdict>()
  private readonly last = new Map<string, { readonly worker: PickedWorker; readonly untilMs: number }>()

  constructor(network: Network) {
    this.network = network
  }

  async pick(id: Uint8Array, options: PickOptions): Promise<PickedWorker> {
    const { network } = this
    const known = this.last.get(bytesToKey(id))
    const isExcepted = options.except?.some((tried) => known !== undefined && bytesEqual(tried, known.worker.publicKey)) ?? false
    if (known !== undefined && !isExcepted && network.surroundings.clock.nowMs() < known.untilMs) return known.worker
    for (let attempt = 1; ; attempt++) {
      const found = await this.tryAll(await network.cluster(id), options)
      if ('api' in found) return found
      const isChanging = found.some((error) => isAppError(error, 'SDK_WORKER_KEY_DIFFERS'))
      if (!isChanging || attempt === KEY_ATTEMPTS) {
        const reasons = found.length === 0 ? 'it has none that published an address' : found.map(reasonOf).join('; ')
        throw new AppError('SDK_WORKER_NONE', { cluster: toHex(id), reasons }, { cause: found.find(isMomentary) ?? found[0] })
      }
      const { number } = (await network.state()).block
      await network.waitFor({ what: 'further block', timeoutMs: KEY_WAIT_MS, find: (state) => Promise.resolve(state.block.number > number ? true : undefined) })
    }
  }

  forget({ cluster, publicKey }: PickedWorker): void {
    const known = this.last.get(bytesToKey(cluster))
    if (known !== undefined && bytesEqual(known.worker.publicKey, publicKey)) this.last.set(bytesToKey(cluster), { ...known, untilMs: 0 })
  }

  /** The order in which workers are tried: the one that answered last, then from anywhere on, so that clients spread. */
  private orderOf(cluster: Cluster, except: readonly Uint8Array[]): Cluster['workers'] {
    const known = this.last.get(bytesToKey(cluster.id))?.worker
    const fresh = cluster.workers.filter(({ publicKey }) => !except.some((tried) => bytesEqual(tried, publicKey)))
    const start = Math.floor(randomFraction(this.network.surroundings.random) * fresh.length)
    const turned = [...fresh.slice(start), ...fresh.slice(0, start)]
    const isLast = ({ publicKey }: { readonly publicKey: Uint8Array }): boolean => known !== undefined && bytesEqual(publicKey, known.publicKey)
    return [...turned.filter(isLast), ...turned.filter((worker) => !isLast(worker))]
  }

  /** The first worker that does, or what is wrong with each. */
  private async tryAll(cluster: Cluster, { except = [], timeoutMs = TIMEOUT_MS }: PickOptions): Promise<PickedWorker | readonly unknown[]> {
    const errors: unknown[] = []
    for (const { publicKey, endpoints } of this.orderOf(cluster, except)) {
      for (const url of endpoints) {
        try {
          const worker = await this.examine(cluster.id, publicKey, { url, timeoutMs })
          this.last.set(bytesToKey(cluster.id), { worker, untilMs: this.network.surroundings.clock.nowMs() + PICK_AGE_MS_MAX })
          return worker
        } catch (error) {
          // That the node went away says nothing about the worker.
          if (!isAppError(error) || isOutage(error)) throw error
          errors.push(error)
          // Its other addresses would show the same evidence.
          if (isAppError(error, 'SDK_WORKER_UNTRUSTED')) break
        }
      }
    }
    return errors
  }

  /** Judges a worker, and compares who answers with what the chain holds. @throws SDK_WORKER_UNTRUSTED, SDK_WORKER_KEY_DIFFERS, SDK_WORKER_UNREACHABLE */
  private async examine(cluster: Uint8Array, publicKey: Uint8Array, place: { readonly url: string; readonly timeoutMs: number }): Promise<PickedWorker> {
    const { network } = this
    const api = createWorkerApi(network, place)
    const [proof, status] = await Promise.all([this.proofOf(publicKey), api.PhalanxAPI.Status({})])
    const key = await (await network.state()).workerKey(publicKey)
    const claimed = status.ecdhPublicKey
    const isSame = key !== undefined && claimed !== undefined && bytesEqual(parseHex(claimed), key.publicKey) && status.ecdhEpoch === key.epoch
    if (!isSame) throw new AppError('SDK_WORKER_KEY_DIFFERS', { pubkey: toHex(publicKey), url: place.url })
    return { cluster, publicKey, endpoint: place.url, key, proof, api }
  }

  private async proofOf(publicKey: Uint8Array): Promise<VerifiedWorker> {
    const kept = this.verdicts.get(bytesToKey(publicKey))
    if (kept !== undefined && this.network.surroundings.clock.nowMs() < kept.untilMs) return kept.proof
    const fresh = await judge(this.network, publicKey)
    this.verdicts.set(bytesToKey(publicKey), fresh)
    return fresh.proof
  }
}
