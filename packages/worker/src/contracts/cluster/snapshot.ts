/**
 * Owns the handing of a running cluster to a member that lacks its state or an epoch's key: a request signed by that member's identity, answered by another with the
 * cluster's secrets and, where asked for, the latest state that more than half agreed on, sealed to the member's ECDH key. A secret is taken where its public half
 * is the one that the chain told, a state where its root is one that the chain said was agreed on.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { bool, bytesUpTo, fixedBytes, option, struct, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash, Sr25519Public } from '@phalanx/primitives/chain'
import { createChannel, type Crypto, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { wrapSignedContent } from '@phalanx/primitives/messages'
import type { Trie } from '@phalanx/primitives/trie'
import type { Entropy } from '../../core/entropy.ts'
import type { KeyPair } from '../../core/keys.ts'
import type { LiveState } from '../../core/state.ts'
import { isAnchored } from '../../system/anchor.ts'
import type { Draft } from '../../system/draft.ts'
import { openingKeys } from '../../system/rotation.ts'
import { adoptNumbers, OpenNumbers, openNumbersOf } from './channel.ts'
import { keyFromSecret, type ClusterKeyring } from './keyring.ts'
import { contractsFrom, entriesOf, readCluster } from './records.ts'
import { replayWaiting } from './replay.ts'
import { runCluster } from './restore.ts'
import { endWait } from './keys.ts'
import { SecretBytes, StoredEntries, type EpochFact, type JoiningCluster } from './state.ts'
import { setCluster } from './work.ts'

const VERSION = 2
const PURPOSE = 'phalanx/cluster-state'
/** Blocks for which a request counts, on either side of the answering worker's head. */
export const REQUEST_LIFE_BLOCKS = 128
const EPOCHS_MAX = 64
/** Longest snapshot, and longest part of it about the cluster's channel. */
const SNAPSHOT_BYTES_MAX = 96 * 1024 * 1024
const NUMBERS_BYTES_MAX = 32 * 1024 * 1024

const Request = struct({
  genesis: Hash, cluster: Hash, worker: Sr25519Public, ecdhPubkey: Sr25519Public,
  /** Least block of the state that is of use, and the asking worker's head. */
  atLeast: u32, block: u32,
  /** False: the secrets are enough. */
  wantsState: bool,
})
/** A member's request for its cluster's state. */
export const ClusterStateRequest = struct({ request: Request, signature: fixedBytes(64) })
export type ClusterStateRequest = TypeOf<typeof ClusterStateRequest>

/** `numbers`: SCALE OpenNumbers, what the giver knows of the cluster's channel. */
const Content = struct({
  version: u8, cluster: Hash, state: option(struct({ block: u32, entries: StoredEntries, numbers: bytesUpTo(NUMBERS_BYTES_MAX) })), secret: SecretBytes,
  epochs: vecUpTo(struct({ epoch: u64, secret: SecretBytes }), EPOCHS_MAX),
})

type State = NonNullable<TypeOf<typeof Content>['state']>

/** A state sealed to a member: `from` was made for it. */
const SealedClusterState = struct({ version: u8, block: u32, from: Sr25519Public, iv: fixedBytes(12), data: bytesUpTo(SNAPSHOT_BYTES_MAX) })

const refuse = (reason: string): AppError => new AppError('CLUSTER_STATE_REFUSED', { reason })

const context = (genesis: Uint8Array, cluster: Uint8Array) => ({ purpose: PURPOSE, epoch: 0n, genesis, anchor: cluster })

/** What a member that waits for its cluster's state asks for; SCALE ClusterStateRequest. @throws CLUSTER_STATE_REFUSED */
export const requestClusterState = (crypto: Pick<Crypto, 'sr25519'>, state: LiveState, entropy: Entropy): { readonly encoded: Uint8Array; readonly atLeast: number } => {
  const { joining, keys, follow, clusters } = state
  if (joining === undefined) throw refuse('this worker waits for no cluster')
  if (!isAnchored(state)) throw refuse('its ECDH key is not final on the chain yet')
  const atLeast = Math.max(joining.since - 1, 0)
  // What holders of a key erased when its time was over only a later state makes up for.
  const isKeyThere = joining.needs === undefined || clusters.membership?.epochs.some(({ epoch }) => epoch === joining.needs) === true
  const wantsState = joining.deploy === undefined && (joining.state === undefined || !isKeyThere)
  const request = { genesis: follow.genesisHash, cluster: joining.cluster, worker: keys.identity.publicKey, ecdhPubkey: keys.ecdh.publicKey, atLeast, block: follow.head.number, wantsState }
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

const stateOf = (state: LiveState, contracts: Trie, block: number): State =>
  ({ block, entries: entriesOf(contracts), numbers: OpenNumbers.encode(openNumbersOf(state, state.cluster as NonNullable<LiveState['cluster']>)) })

/** The latest agreed state, sealed to whoever asks. @throws CLUSTER_STATE_REFUSED, CLUSTER_STATE_NOT_YET, CODEC_ codes */
export const saveClusterState = (crypto: Crypto, state: LiveState, encoded: Uint8Array, entropy: Entropy): { readonly block: number; readonly sealed: Uint8Array } => {
  const asked = ClusterStateRequest.decode(encoded)
  assertRequest(crypto, state, asked)
  const { agreed, id, secret, epochs } = state.cluster as NonNullable<LiveState['cluster']>
  const { request } = asked
  const isUseful = agreed?.contracts !== undefined && agreed.block >= request.atLeast
  if (request.wantsState && !isUseful) throw new AppError('CLUSTER_STATE_NOT_YET', { wanted: request.atLeast, agreed: agreed?.block ?? 0 })
  const block = agreed?.block ?? 0
  const seed = entropy.next('cluster-state-key')
  const own = crypto.sr25519.pairFromSeed(seed)
  const channel = createChannel({ own, theirPublicKey: request.ecdhPubkey }, context(request.genesis, id), crypto)
  const plaintext = Content.encode({
    version: VERSION, cluster: id, secret: secret.reveal(),
    state: request.wantsState && agreed?.contracts !== undefined ? stateOf(state, agreed.contracts, block) : undefined,
    epochs: epochs.map(({ epoch, key }) => ({ epoch, secret: key.secret.reveal() })),
  })
  const iv = entropy.next('cluster-state-iv').subarray(0, 12)
  const data = channel.seal({ iv, header: Uint8Array.of(VERSION), plaintext })
  channel.wipe()
  for (const bytes of [plaintext, seed, own.secret]) bytes.fill(0)
  return { block, sealed: SealedClusterState.encode({ version: VERSION, block, from: own.publicKey, iv, data }) }
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

const ownState = ({ block, entries, numbers }: State): State => ({ block, entries: entries.map(([key, value]) => [key.slice(), value.slice()] as const), numbers: numbers.slice() })

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
      return {
        ...content, secret: content.secret.slice(), epochs: content.epochs.map(({ epoch, secret: own }) => ({ epoch, secret: own.slice() })),
        state: content.state === undefined ? undefined : ownState(content.state),
      }
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

/** Puts a state in force and does what followed it. */
const takeState = (draft: Draft, joining: JoiningCluster, { block, entries, numbers }: State, main: KeyPair, secrets: TypeOf<typeof Content>['epochs']): void => {
  const { crypto } = draft
  const contracts = contractsFrom(crypto, entries)
  assertAgreed(joining, { block }, contracts.root, draft.state.follow.head.number)
  const read = readCluster(contracts)
  const open = OpenNumbers.decode(numbers)
  if (read === undefined || !bytesEqual(read.record.publicKey, main.publicKey)) throw refuse('its key is not the one of the cluster')
  const ring = withSecrets(draft, joining, { main, secrets, facts: [...read.record.epochs, ...epochsOf(draft)] })
  const cluster = runCluster(crypto, { id: joining.cluster, entries }, { ring, receipts: [], reported: [], reportedUpTo: block, differsSince: undefined, gaps: [] })
  if (cluster === undefined) throw refuse('it is not the state of a cluster')
  draft.state = { ...draft.state, clusterKeys: ring }
  setCluster(draft, cluster)
  adoptNumbers(draft, open)
  replayWaiting(draft, { ...joining, blocks: joining.blocks.filter(({ number }) => number > block), agreed: joining.agreed.filter((one) => one.block > block) }, read.record.epochs)
}

/** Goes on with what is here already, once the missing key is. */
const takeSecrets = (draft: Draft, joining: JoiningCluster, main: KeyPair, secrets: TypeOf<typeof Content>['epochs']): void => {
  const known = draft.state.clusterKeys?.main?.key
  const own = joining.state === undefined ? undefined : readCluster(contractsFrom(draft.crypto, joining.state.entries))?.record
  const expected = known?.publicKey ?? own?.publicKey
  if (expected !== undefined && !bytesEqual(expected, main.publicKey)) throw refuse('its key is not the one of the cluster')
  draft.state = { ...draft.state, clusterKeys: withSecrets(draft, joining, { main, secrets, facts: [...(own?.epochs ?? []), ...epochsOf(draft)] }) }
  endWait(draft)
  if (draft.state.joining === joining) throw refuse('it does not hold the key that is missing')
}

/** Takes over what another member gave, and does what the cluster did meanwhile. @throws CLUSTER_STATE_REFUSED, CONTRACT_ENGINE_FAILED, CODEC_ codes */
export const loadClusterState = (draft: Draft, encoded: Uint8Array): void => {
  const { joining } = draft.state
  if (joining === undefined) throw refuse('this worker waits for no cluster')
  const { version, cluster, state, secret, epochs } = openState(draft.crypto, draft.state, joining.cluster, encoded)
  if (version !== VERSION || !bytesEqual(cluster, joining.cluster)) throw refuse('it is of another cluster or version')
  const main = keyFromSecret(draft.crypto, secret)
  if (state === undefined) takeSecrets(draft, joining, main, epochs)
  else takeState(draft, joining, state, main, epochs)
}

const epochsOf = (draft: Draft): readonly EpochFact[] => draft.state.clusters.membership?.epochs ?? []

/** Given secrets whose public halves the chain told, beside those that are held. */
const withSecrets = (
  draft: Draft, joining: JoiningCluster, given: { readonly main: KeyPair; readonly secrets: TypeOf<typeof Content>['epochs']; readonly facts: readonly EpochFact[] },
): ClusterKeyring => {
  const { clusterKeys: known, follow: { head: { number: since } } } = draft.state
  const held = known !== undefined && bytesEqual(known.cluster, joining.cluster) ? known : undefined
  const added = given.secrets
    .filter(({ epoch }) => held?.epochs.some((one) => one.epoch === epoch) !== true)
    .map(({ epoch, secret }) => ({ epoch, key: keyFromSecret(draft.crypto, secret), since }))
    .filter(({ epoch, key }) => given.facts.some((fact) => fact.epoch === epoch && bytesEqual(fact.publicKey, key.publicKey)))
  return {
    cluster: joining.cluster, main: held?.main ?? { key: given.main, since }, epochs: [...(held?.epochs ?? []), ...added].sort((a, b) => (a.epoch < b.epoch ? -1 : 1)),
  }
}
