/**
 * Owns the handing of a running cluster to a member that has none of its state: a request signed by that member's identity, answered by another with the latest
 * state that more than half agreed on, sealed to the member's ECDH key. It is taken only where its root is one that the chain said was agreed on.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { bytesUpTo, fixedBytes, struct, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { createChannel, type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { wrapSignedContent } from '@phalanx/primitives/messages'
import type { Entropy } from '../../core/entropy.ts'
import type { KeyPair } from '../../core/keys.ts'
import type { LiveState } from '../../core/state.ts'
import { isAnchored } from '../../system/anchor.ts'
import type { Draft } from '../../system/draft.ts'
import { openingKeys } from '../../system/rotation.ts'
import { keyFromSecret, type ClusterKeyring } from './keyring.ts'
import { contractsFrom, entriesOf, readCluster } from './records.ts'
import { replayWaiting } from './replay.ts'
import { runCluster } from './restore.ts'
import { SecretBytes, StoredEntries, type JoiningCluster } from './state.ts'
import { setCluster } from './work.ts'

const VERSION = 1
const PURPOSE = 'phalanx/cluster-state'
/** Blocks for which a request counts, on either side of the answering worker's head. */
const REQUEST_LIFE_BLOCKS = 128
const EPOCHS_MAX = 64
/** Longest snapshot. */
const SNAPSHOT_BYTES_MAX = 96 * 1024 * 1024

const Request = struct({
  genesis: Hash, cluster: Hash, worker: Sr25519Public, ecdhPubkey: Sr25519Public,
  /** Least block of the state that is of use, and the asking worker's head. */
  atLeast: u32, block: u32,
})
/** A member's request for its cluster's state. */
export const ClusterStateRequest = struct({ request: Request, signature: fixedBytes(64) })
export type ClusterStateRequest = TypeOf<typeof ClusterStateRequest>

const Content = struct({
  version: u8, cluster: Hash, block: u32, entries: StoredEntries, secret: SecretBytes,
  epochs: vecUpTo(struct({ epoch: u64, secret: SecretBytes }), EPOCHS_MAX),
})

/** A state sealed to a member: `from` was made for it. */
const SealedClusterState = struct({ version: u8, block: u32, from: Sr25519Public, iv: fixedBytes(12), data: bytesUpTo(SNAPSHOT_BYTES_MAX) })

const refuse = (reason: string): AppError => new AppError('CLUSTER_STATE_REFUSED', { reason })

const context = (genesis: Uint8Array, cluster: Uint8Array) => ({ purpose: PURPOSE, epoch: 0n, genesis, anchor: cluster })

/** What a member that waits for its cluster's state asks for; SCALE ClusterStateRequest. @throws CLUSTER_STATE_REFUSED */
export const requestClusterState = (crypto: Pick<Crypto, 'sr25519'>, state: LiveState, entropy: Entropy): { readonly encoded: Uint8Array; readonly atLeast: number } => {
  const { joining, keys, follow } = state
  if (joining === undefined) throw refuse('this worker waits for no cluster')
  if (!isAnchored(state)) throw refuse('its ECDH key is not final on the chain yet')
  const atLeast = Math.max(joining.since - 1, 0)
  const request = { genesis: follow.genesisHash, cluster: joining.cluster, worker: keys.identity.publicKey, ecdhPubkey: keys.ecdh.publicKey, atLeast, block: follow.head.number }
  const signature = crypto.sr25519.sign(keys.identity.secret.reveal(), wrapSignedContent('clusterStateRequest', Request.encode(request)), entropy.next('cluster-state'))
  return { encoded: ClusterStateRequest.encode({ request, signature }), atLeast }
}

const assertRequest = (crypto: Pick<Crypto, 'sr25519'>, state: LiveState, { request, signature }: ClusterStateRequest): void => {
  const { cluster, clusters: { membership }, follow } = state
  if (!bytesEqual(request.genesis, follow.genesisHash)) throw refuse('it is of another chain')
  if (cluster === undefined || !bytesEqual(request.cluster, cluster.id)) throw refuse('the cluster does not run here')
  if (cluster.differsSince !== undefined) throw refuse('this worker\'s state is not the one that was agreed on')
  if (bytesEqual(request.worker, state.keys.identity.publicKey) || membership?.members.some((one) => bytesEqual(one, request.worker)) !== true) throw refuse('whoever asks is no other member of the cluster')
  if (Math.abs(request.block - follow.head.number) > REQUEST_LIFE_BLOCKS) throw refuse(`it was made at block ${request.block}, this worker is at ${follow.head.number}`)
  if (!crypto.sr25519.verify(signature, wrapSignedContent('clusterStateRequest', Request.encode(request)), request.worker)) throw refuse('it is not signed by the worker that it names')
}

/** The latest agreed state, sealed to whoever asks. @throws CLUSTER_STATE_REFUSED, CLUSTER_STATE_NOT_YET, CODEC_ codes */
export const saveClusterState = (crypto: Crypto, state: LiveState, encoded: Uint8Array, entropy: Entropy): { readonly block: number; readonly sealed: Uint8Array } => {
  const asked = ClusterStateRequest.decode(encoded)
  assertRequest(crypto, state, asked)
  const { agreed, id, secret, epochs } = state.cluster as NonNullable<LiveState['cluster']>
  const { request } = asked
  if (agreed?.contracts === undefined || agreed.block < request.atLeast) throw new AppError('CLUSTER_STATE_NOT_YET', { wanted: request.atLeast, agreed: agreed?.block ?? 0 })
  const seed = entropy.next('cluster-state-key')
  const own = crypto.sr25519.pairFromSeed(seed)
  const channel = createChannel({ own, theirPublicKey: request.ecdhPubkey }, context(request.genesis, id), crypto)
  const plaintext = Content.encode({
    version: VERSION, cluster: id, block: agreed.block, entries: entriesOf(agreed.contracts), secret: secret.reveal(),
    epochs: epochs.map(({ epoch, key }) => ({ epoch, secret: key.secret.reveal() })),
  })
  const iv = entropy.next('cluster-state-iv').subarray(0, 12)
  const data = channel.seal({ iv, header: Uint8Array.of(VERSION), plaintext })
  channel.wipe()
  for (const bytes of [plaintext, seed, own.secret]) bytes.fill(0)
  return { block: agreed.block, sealed: SealedClusterState.encode({ version: VERSION, block: agreed.block, from: own.publicKey, iv, data }) }
}

const openWith = (crypto: Crypto, own: Sr25519Pair, sealed: TypeOf<typeof SealedClusterState>, terms: ReturnType<typeof context>): Uint8Array | undefined => {
  if (bytesEqual(own.publicKey, sealed.from)) return undefined
  try {
    const channel = createChannel({ own, theirPublicKey: sealed.from }, terms, crypto)
    try {
      return channel.open({ iv: sealed.iv, header: Uint8Array.of(VERSION), ciphertext: sealed.data })
    } finally {
      channel.wipe()
    }
  } catch (error) {
    if (!isAppError(error)) throw error
    return undefined
  }
}

const openState = (crypto: Crypto, state: LiveState, cluster: Uint8Array, encoded: Uint8Array): TypeOf<typeof Content> => {
  const sealed = SealedClusterState.decode(encoded)
  if (sealed.version !== VERSION) throw refuse(`it has the version ${sealed.version}`)
  const terms = context(state.follow.genesisHash, cluster)
  for (const { publicKey, secret } of openingKeys(state.keys)) {
    const plaintext = openWith(crypto, { publicKey, secret: secret.reveal() }, sealed, terms)
    if (plaintext === undefined) continue
    try {
      const content = Content.decode(plaintext)
      // Decoded bytes may be views of what is erased.
      return { ...content, secret: content.secret.slice(), epochs: content.epochs.map(({ epoch, secret: own }) => ({ epoch, secret: own.slice() })), entries: content.entries.map(([key, value]) => [key.slice(), value.slice()] as const) }
    } finally {
      plaintext.fill(0)
    }
  }
  throw refuse('it was not sealed to this worker\'s ECDH key')
}

const assertAgreed = (joining: JoiningCluster, { block }: { readonly block: number }, root: Uint8Array, head: number): void => {
  if (block + 1 < joining.since) throw refuse(`its block ${block} is before block ${joining.since - 1}, after which this worker kept what happened`)
  if (block > head) throw refuse(`its block ${block} is after this worker's head`)
  const agreed = joining.agreed.find((one) => one.block === block)
  if (agreed === undefined) throw refuse(`the chain did not say yet that the state of block ${block} is agreed on`)
  if (!bytesEqual(agreed.stateRoot, root)) throw refuse(`its root is ${toHex(root)}, but the members agreed on ${toHex(agreed.stateRoot)}`)
}

/** Takes over a cluster's state and does what followed it. @throws CLUSTER_STATE_REFUSED, CONTRACT_ENGINE_FAILED, CODEC_ codes */
export const loadClusterState = (draft: Draft, encoded: Uint8Array): void => {
  const { crypto } = draft
  const { joining, clusterKeys, follow } = draft.state
  if (joining === undefined) throw refuse('this worker waits for no cluster')
  const content = openState(crypto, draft.state, joining.cluster, encoded)
  if (content.version !== VERSION || !bytesEqual(content.cluster, joining.cluster)) throw refuse('it is of another cluster or version')
  const contracts = contractsFrom(crypto, content.entries)
  assertAgreed(joining, content, contracts.root, follow.head.number)
  const read = readCluster(contracts)
  const main = keyFromSecret(crypto, content.secret)
  if (read === undefined || !bytesEqual(read.record.publicKey, main.publicKey)) throw refuse('its key is not the one of the cluster')
  const ring = withSecrets(crypto, content, { joining, known: clusterKeys, main, since: follow.head.number })
  const cluster = runCluster(crypto, { id: joining.cluster, entries: content.entries }, { ring, receipts: [], reported: [], reportedUpTo: content.block, differsSince: undefined, gaps: [] })
  if (cluster === undefined) throw refuse('it is not the state of a cluster')
  draft.state = { ...draft.state, clusterKeys: ring }
  setCluster(draft, cluster)
  replayWaiting(draft, { ...joining, blocks: joining.blocks.filter(({ number }) => number > content.block), agreed: joining.agreed.filter(({ block }) => block > content.block) }, read.record.epochs)
}

/** The secrets of a snapshot beside those that were received since. */
const withSecrets = (
  crypto: Crypto, content: TypeOf<typeof Content>, { joining, known, main, since }: { readonly joining: JoiningCluster; readonly known: ClusterKeyring | undefined; readonly main: KeyPair; readonly since: number },
): ClusterKeyring => {
  const held = known !== undefined && bytesEqual(known.cluster, joining.cluster) ? known.epochs : []
  const given = content.epochs.filter(({ epoch }) => !held.some((one) => one.epoch === epoch)).map(({ epoch, secret }) => ({ epoch, key: keyFromSecret(crypto, secret), since }))
  return { cluster: joining.cluster, main: { key: main, since }, epochs: [...held, ...given].sort((a, b) => (a.epoch < b.epoch ? -1 : 1)) }
}
