/**
 * Owns the proof that what is over stays closed: with all secrets that are left anywhere (in every worker, on every disk opened with its machine's key), and all that these
 * open of what was recorded on its way, no recorded command of an epoch that is over must open.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { bytesUpTo, fixedBytes, struct, u32, u8 } from '@phalanx/primitives/codec'
import { openCommand } from '@phalanx/primitives/contracts'
import { createChannel, Secret, type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { TOPICS, type EncryptedKey, type Message } from '@phalanx/primitives/messages'
import { clusterEpochContext, contractChannelKey, openBytes, openClusterSecret, type KeyPair } from '@phalanx/worker/testing'
import type { ModelEpoch } from './cluster-audit.ts'
import type { SentCommand } from './cluster-commands.ts'
import { liveOf } from './cluster-view.ts'
import type { World, WorkerPlace } from './world-types.ts'

/** Whoever records everything. */
export interface Recorder {
  /** Hears all that the chain says. */
  hear(messages: readonly Message[]): void
  /** Saw a state of a cluster go from one member to another. */
  sawState(sealed: Uint8Array): void
  readonly shares: readonly RecordedShare[]
  readonly states: readonly Uint8Array[]
}

interface RecordedShare {
  readonly cluster: Uint8Array
  readonly epoch: bigint
  readonly sealed: EncryptedKey
}

const SealedState = struct({ version: u8, block: u32, from: fixedBytes(32), iv: fixedBytes(12), data: bytesUpTo(1 << 28) })
const STATE_PURPOSE = 'phalanx/cluster-state'
const SECRET_BYTES_MIN = 32
/** Blocks that a worker takes to replace its ECDH key, and to let go of the former one, once it has caught up with the chain. */
const REPLACED_AFTER_BLOCKS = 16
const ECDH_KEYS = /^\.keys\.(ecdh|nextEcdh|formerEcdh)\b/

/** Starts with nothing recorded. */
export const createRecorder = (): Recorder => {
  const shares: RecordedShare[] = []
  const states: Uint8Array[] = []
  return {
    shares,
    states,
    hear(messages) {
      for (const { destination, payload } of messages) {
        const to = [TOPICS.clusterEpochKeys, TOPICS.clusterEpochCandidate].find(({ topic }) => bytesEqual(destination, topic))
        if (to === undefined) continue
        const { cluster, epoch, secretKeys } = to.payload.decode(payload)
        for (const [, sealed] of secretKeys) shares.push({ cluster, epoch, sealed })
      }
    },
    sawState: (sealed) => void states.push(sealed),
  }
}

interface Found {
  readonly path: string
  readonly bytes: Uint8Array
}

/** What is inside a value that is no bytes, by names. A cluster's state is left out: it is in what `exportState` gives. */
const insideOf = (value: object): readonly (readonly [name: string, inner: unknown])[] => {
  if (value instanceof Secret) return [['secret', value.reveal()]]
  if (value instanceof Map) return [...value].flatMap(([key, inner], i) => [[`key ${i}`, key] as const, [`${i}`, inner] as const])
  if (value instanceof Set) return [...value].map((inner, i) => [`${i}`, inner] as const)
  return Object.entries(value).filter(([name]) => name !== 'contracts')
}

/** All bytes that some value holds, secrets included, long enough for a key. */
const bytesIn = (root: unknown): readonly Found[] => {
  const out: Found[] = []
  const seen = new Set<unknown>()
  const waiting: { readonly path: string; readonly value: unknown }[] = [{ path: '', value: root }]
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const { path, value } = one
    if (value instanceof Uint8Array) {
      if (value.length >= SECRET_BYTES_MIN) out.push({ path, bytes: value })
      continue
    }
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    for (const [name, inner] of insideOf(value)) waiting.push({ path: `${path}.${name}`, value: inner })
  }
  return out
}

/** Contents of a disk's sealed files, as far as they are what the worker wrote last. */
const sealedContents = async ({ disk, platform }: WorkerPlace, crypto: Crypto): Promise<readonly { readonly name: string; readonly content: Uint8Array }[]> => {
  if (platform === undefined) return []
  const sealingKey = await platform.sealingKey()
  return disk.names().filter((name) => name.endsWith('.seal') && disk.isAsWritten(name)).flatMap((name) => {
    const file = disk.peek(name)
    try {
      return file === undefined ? [] : [{ name, content: openBytes(crypto, { platform, sealingKey, name, file }) }]
    } catch (error) {
      // A file that does not open gives nothing away.
      if (!isAppError(error)) throw error
      return []
    }
  })
}

interface Held {
  readonly pair: Sr25519Pair
  readonly where: string
}

/** The key pairs that are left anywhere. */
const heldAnywhere = async (world: World): Promise<readonly Held[]> => {
  const out = new Map<string, Held>()
  const add = (bytes: Uint8Array, where: string): void => {
    for (const pair of world.hunt.heldIn(bytes)) if (!out.has(toHex(pair.publicKey))) out.set(toHex(pair.publicKey), { pair, where })
  }
  for (const place of world.workers) {
    const live = liveOf(place)
    // The time of a worker that the chain passed by stood still.
    const isBack = place.laggedAt + REPLACED_AFTER_BLOCKS < (live?.follow.head.number ?? 0)
    for (const { bytes, path } of bytesIn(live)) if (isBack || !ECDH_KEYS.test(path)) add(bytes, `${path.slice(1)} of ${place.url}`)
    const exported = place.worker?.exportState()
    if (exported !== undefined) add(exported, `the exported state of ${place.url}`)
    for (const { name, content } of await sealedContents(place, world.crypto)) add(content, `${name} of ${place.url}`)
  }
  return [...out.values()]
}

const openState = (crypto: Crypto, pair: Sr25519Pair, sealed: Uint8Array, terms: { readonly genesis: Uint8Array; readonly cluster: Uint8Array }): Uint8Array | undefined => {
  try {
    const { version, from, iv, data } = SealedState.decode(sealed)
    const channel = createChannel({ own: pair, theirPublicKey: from }, { purpose: STATE_PURPOSE, epoch: 0n, genesis: terms.genesis, anchor: terms.cluster }, crypto)
    return channel.open({ iv, header: Uint8Array.of(version), ciphertext: data })
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

const keyOf = ({ publicKey, secret }: Sr25519Pair): KeyPair => ({ publicKey, secret: new Secret(secret.slice()) })

/** All that follows from the held secrets by what was recorded. */
const withRecorded = (world: World, { shares, states }: Recorder, held: readonly Held[], genesis: Uint8Array): readonly Held[] => {
  const { crypto } = world
  const out = new Map(held.map((one) => [toHex(one.pair.publicKey), one]))
  const waiting = [...held]
  const add = (pair: Sr25519Pair, where: string): void => {
    if (out.has(toHex(pair.publicKey))) return
    const one = { pair, where }
    out.set(toHex(pair.publicKey), one)
    waiting.push(one)
  }
  const clusters = [...new Map(shares.map(({ cluster }) => [toHex(cluster), cluster])).values()]
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const { pair, where } = one
    for (const { cluster, epoch, sealed } of shares) {
      const secret = openClusterSecret(crypto, { keys: [keyOf(pair)], sealed, context: clusterEpochContext(genesis, { cluster, epoch }) })
      if (secret !== undefined) add(crypto.sr25519.pairFromSecret(secret), `what was sent to ${where}`)
    }
    for (const sealed of states)
      for (const cluster of clusters) {
        const content = openState(crypto, pair, sealed, { genesis, cluster })
        if (content !== undefined) for (const found of world.hunt.heldIn(content)) add(found, `the state that was given to ${where}`)
      }
  }
  return [...out.values()]
}

const opens = (crypto: Crypto, { contract, payload, target, invocation }: SentCommand, pair: Sr25519Pair): boolean => {
  if (target === undefined || invocation === undefined) return false
  const derived = contractChannelKey(crypto, keyOf(pair), contract)
  const own = [pair, { publicKey: derived.publicKey, secret: derived.secret.reveal() }].find(({ publicKey }) => bytesEqual(publicKey, target.publicKey))
  if (own === undefined) return false
  try {
    return openCommand(crypto, { genesis: target.genesis, contractKey: own, channelOf: () => ({ pair: own, anchor: target.anchor }) }, payload).kind === 'Sealed'
  } catch (error) {
    if (!isAppError(error)) throw error
    return false
  }
}

/** What is left that should not be. */
export interface ClosureResult {
  /** Commands of closed epochs that were tried with everything. */
  readonly tried: number
  /** Secrets that are left, and follow from those. */
  readonly secrets: number
  readonly problem: string | undefined
}

/** Tries to open what must be closed. `epochs` are those whose time, with the grace of the ECDH keys, is over; `clusterOf` names a contract's cluster in hex. */
export const tryClosedEpochs = async (
  world: World, recorder: Recorder, asked: { readonly epochs: readonly ModelEpoch[]; readonly genesis: Uint8Array; readonly clusterOf: (contract: Uint8Array) => string | undefined },
): Promise<ClosureResult> => {
  const { epochs, genesis, clusterOf } = asked
  const closed = world.commands.filter(({ contract, target, invocation, flaw }) =>
    invocation !== undefined && flaw !== 'SEALED_NOT_OPENED' && epochs.some((one) => one.cluster === clusterOf(contract) && one.epoch === target?.epoch))
  if (closed.length === 0) return { tried: 0, secrets: 0, problem: undefined }
  const held = withRecorded(world, { ...recorder, shares: recorder.shares.filter((share) => epochs.some(({ cluster, epoch }) => cluster === toHex(share.cluster) && epoch === share.epoch)) }, await heldAnywhere(world), genesis)
  for (const { pair, where } of held)
    for (const command of newestOf(closed))
      if (opens(world.crypto, command, pair))
        return { tried: closed.length, secrets: held.length, problem: `${where} still opens a command of epoch ${command.target?.epoch ?? 0n}, which is over` }
  return { tried: closed.length, secrets: held.length, problem: undefined }
}

/** One command of each channel key: what opens it opens them all. */
const newestOf = (commands: readonly SentCommand[]): readonly SentCommand[] =>
  [...new Map(commands.map((command) => [toHex(command.target?.publicKey ?? new Uint8Array(0)), command])).values()]
