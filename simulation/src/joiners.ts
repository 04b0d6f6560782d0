/**
 * Owns the audit of workers that begin in the middle of the chain: another core follows every block since genesis, and both must know the same.
 */
import { bytesEqual, parseHex, toHex } from '@phalanx/primitives/bytes'
import { ChainCheckpoint, FollowedBlock, FollowedBlocks } from '@phalanx/primitives/chain'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { TOPICS } from '@phalanx/primitives/messages'
import type { Node } from '@phalanx/node'
import type { Worker } from '@phalanx/worker'
import { InitRuntimeRequest, SkipRequest } from '@phalanx/worker/api'
import { comparableState, createTestCore, encodeCheckpoint, replayFromGenesis } from '@phalanx/worker/testing'
import { decodeMessage } from '@phalanx/worker/wire'

/** A call that a worker has answered. */
export interface AnsweredCall {
  readonly method: string
  readonly request: Uint8Array
  readonly worker: Worker
}

/** What came out; undefined `difference` where both know the same. */
export interface JoinVerdict {
  readonly difference: string | undefined
}

type Comparable = Readonly<Record<string, unknown>>

const plain = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (inner instanceof Uint8Array ? toHex(inner) : typeof inner === 'bigint' ? `${inner}n` : inner)) ?? 'nothing'

const checkpointIn = ({ method, request }: AnsweredCall): Uint8Array | undefined => {
  if (method === 'PhactoryAPI.InitRuntime') return decodeMessage(InitRuntimeRequest, request).encodedCheckpoint
  return method === 'PhalanxAPI.SkipToCheckpoint' ? decodeMessage(SkipRequest, request).encodedCheckpoint : undefined
}

const followedTo = (node: Node, last: number): Uint8Array => {
  const blocks = Array.from({ length: last }, (_, i) => FollowedBlock.decode(node.chain.store.followed(i + 1) ?? new Uint8Array(0)))
  return FollowedBlocks.encode(blocks)
}

interface ComparedClusters {
  readonly membership?: { readonly cluster: string }
}

/**
 * Of its cluster each knows by its own secrets and its own past: a member that joined hears of epochs and other members with what follows, one at a checkpoint is told. What
 * the chain told of clusters, and in which one the worker is, both must know.
 */
const withoutCluster = ({ cluster: _cluster, joining: _joining, clusters, ...rest }: Comparable): Comparable => {
  const { membership, ...facts } = clusters as ComparedClusters
  return { ...rest, clusters: { ...facts, membership: membership?.cluster } }
}

/** What a worker that skipped ahead may know besides: what it counted, queued and set by itself. */
const withoutOwn = (state: Comparable): Comparable => {
  const { egress: _egress, endpoints: _endpoints, operator: _operator, system, ...rest } = state
  const { bench: _bench, session: _session, announcedAt: _announcedAt, iterations: _iterations, ...chain } = system as Comparable
  return { ...rest, system: chain }
}

interface Waiting {
  readonly messages: readonly { readonly destination: Uint8Array; readonly sequence: bigint }[]
}

const isHeartbeat = ({ destination }: { readonly destination: Uint8Array }): boolean => bytesEqual(destination, TOPICS.workingReport.topic)

/**
 * The result of a benchmark that was asked for may be there already, or not yet: neither counts. Challenges before the checkpoint go unanswered, since
 * a checkpoint does not tell of them; the next answer leaves them behind. Numbers follow from what is left out,
 * and a sender with nothing to say is none.
 */
const withoutBenchResult = (state: Comparable): Comparable => {
  const { bench, ...system } = state['system'] as Comparable & { readonly bench?: { readonly asked: boolean } }
  const waiting = (state['egress'] as readonly Waiting[]).map(({ messages }) => messages
    .filter((message) => !bytesEqual(message.destination, TOPICS.registryEvent.topic) && !isHeartbeat(message) && !bytesEqual(message.destination, TOPICS.clusterKeyRequest.topic))
    .map((message) => ({ ...message, sequence: undefined }))).filter((messages) => messages.length > 0)
  return { ...state, operator: undefined, egress: waiting, system: { ...system, bench: bench?.asked === true ? undefined : bench } }
}

/** Names the fields that differ, those of the system by themselves. */
const differenceOf = (got: Comparable, expected: Comparable): string | undefined => {
  const flat = (state: Comparable): Comparable => ({ ...state, ...(state['system'] as Comparable), system: undefined })
  const [ours, theirs] = [flat(got), flat(expected)]
  const names = Object.keys({ ...ours, ...theirs }).filter((name) => plain(ours[name]) !== plain(theirs[name]))
  return names.length === 0 ? undefined : names.map((name) => `${name} is ${plain(ours[name])} instead of ${plain(theirs[name])}`).join('; ')
}

/** Compares, where the call let the worker go on at a checkpoint and it still stands there. */
export const compareJoined = async (call: AnsweredCall, { node, crypto }: { readonly node: Node; readonly crypto: Crypto }): Promise<JoinVerdict | undefined> => {
  const checkpoint = checkpointIn(call)
  const exported = call.worker.exportState()
  const identity = call.worker.identity()
  if (checkpoint === undefined || exported === undefined || identity === undefined) return undefined
  const { header } = ChainCheckpoint.decode(checkpoint)
  const ours = withoutCluster(comparableState(exported) as Comparable)
  if ((ours['follow'] as { readonly head: { readonly number: number } }).head.number !== header.number) return undefined
  const { result } = JSON.parse((await node.handle('{"jsonrpc":"2.0","id":1,"method":"phalanx_genesisInfo","params":[]}')) ?? '{}') as { readonly result?: string }
  if (result === undefined) return undefined
  // Its secret stays inside; signatures are not compared.
  const stranger = { publicKey: identity, secret: new Secret(crypto.sr25519.pairFromSeed(new Uint8Array(32)).secret) }
  const replayed = replayFromGenesis(
    createTestCore(crypto), { genesisInfo: parseHex(result), genesisHash: node.genesisHash, blocks: followedTo(node, header.number) }, stranger)
  const theirs = withoutCluster(comparableState(encodeCheckpoint(replayed)) as Comparable)
  const isFresh = call.method === 'PhactoryAPI.InitRuntime'
  const [got, expected] = isFresh ? [withoutBenchResult(ours), withoutBenchResult(theirs)] : [withoutOwn(ours), withoutOwn(theirs)]
  return { difference: differenceOf(got, expected) }
}
