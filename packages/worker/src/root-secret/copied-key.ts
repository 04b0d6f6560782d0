/**
 * Owns the first root secret: the reference's master key, of which every gatekeeper holds a copy, in a sealed file and in memory. Does not
 * own when it is asked for anything (gatekeeper/).
 */
import { bytesEqual, utf8 } from '@phalanx/primitives/bytes'
import { fixedBytes, option, struct, u32, u64, u8, vecUpTo, type TypeOf } from '@phalanx/primitives/codec'
import { Hash } from '@phalanx/primitives/chain'
import { Secret, type Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { EncryptedKey, KeyDistribution } from '@phalanx/primitives/messages'
import type { Random } from '@phalanx/primitives/ports'
import { clusterKeyContext } from '../gatekeeper/cluster-shares.ts'
import type { Sealer } from '../platform/seal.ts'
import type { RootSecret, SecretLabel } from './root-secret.ts'
import { beaconValue, clusterPublicKey, clusterSecret, openFromSender, openShare, sealShare, type ShareContext } from './share.ts'

/** File of the sealed master keys. */
export const MASTER_KEY_FILE = 'master-key.seal'

const FILE_VERSION = 1
const KEYS_MAX = 1024
const StoredKey = struct({ rotationId: u64, secret: fixedBytes(64) })
/** `since`: block in which the latest key was made or received. `candidate`: our proposal for a rotation. */
const StoredKeys = struct({ version: u8, genesisHash: Hash, since: u32, keys: vecUpTo(StoredKey, KEYS_MAX), candidate: option(StoredKey) })

interface MasterKey {
  readonly rotationId: bigint
  readonly publicKey: Uint8Array
  readonly secret: Secret<Uint8Array>
}

interface Kept {
  readonly since: number
  /** Ascending by rotation. */
  readonly keys: readonly MasterKey[]
  readonly candidate: MasterKey | undefined
}

const NOTHING: Kept = { since: 0, keys: [], candidate: undefined }
const MASTER_LABEL: SecretLabel = { kind: 'master' }
/** Name of the key under a master key that seals master keys. */
const MASTER_SHARING = 'master_key_sharing'

/** What a copied key works with. */
export interface CopiedKeyDependencies {
  readonly crypto: Crypto
  readonly sealer: Sealer
  readonly random: Random
}

/** The root secret of one worker on one chain; reads its file at the first question. */
export const createCopiedKey = (options: { readonly genesisHash: Uint8Array }, dependencies: CopiedKeyDependencies): RootSecret => new CopiedKey(options.genesisHash, dependencies)

class CopiedKey implements RootSecret {
  private readonly genesisHash: Uint8Array
  private readonly outside: CopiedKeyDependencies
  private loaded: Kept | undefined

  constructor(genesisHash: Uint8Array, dependencies: CopiedKeyDependencies) {
    this.genesisHash = genesisHash
    this.outside = dependencies
  }

  async held() {
    return (await this.readable()).keys.map(({ rotationId, publicKey }) => ({ rotationId, publicKey }))
  }

  async publicKey(epoch: bigint, label = MASTER_LABEL): Promise<Uint8Array> {
    const { publicKey, secret } = await this.keyOf(epoch)
    return label.kind === 'master' ? publicKey : clusterPublicKey(this.outside.crypto, secret.reveal(), label.id)
  }

  async launch({ block }: { readonly block: number }): Promise<void> {
    const kept = await this.kept()
    if (kept.keys.length === 0) await this.keep({ ...kept, since: block, keys: [this.fresh(0n)] })
  }

  async sealTo({ recipient, label, epoch }: { readonly recipient: Uint8Array; readonly label: SecretLabel; readonly epoch: bigint }) {
    const { secret } = await this.keyOf(epoch)
    const master = secret.reveal()
    if (label.kind === 'master') return this.shareMaster(recipient, master, { secret, rotationId: epoch })
    const below = clusterSecret(this.outside.crypto, master, label.id)
    const share = sealShare(this.outside.crypto, { master, sharing: 'cluster_key_sharing', recipient, secret: below, context: this.context(label, epoch) })
    below.fill(0)
    return share
  }

  async beacon({ round, last, epoch }: { readonly round: number; readonly last: Uint8Array; readonly epoch: bigint }) {
    const { secret } = await this.keyOf(epoch)
    return { value: beaconValue(this.outside.crypto, secret.reveal(), { round, last }), proof: new Uint8Array(0) }
  }

  async sign({ message, epoch, random }: { readonly message: Uint8Array; readonly epoch: bigint; readonly random: Uint8Array }): Promise<Uint8Array> {
    const { secret } = await this.keyOf(epoch)
    return this.outside.crypto.sr25519.sign(secret.reveal(), message, random)
  }

  /** One key travels in the reference's older form, a history in the newer; the newest key's sender key makes all shares. */
  async admit({ recipient, epochs }: Parameters<RootSecret['admit']>[0]): Promise<KeyDistribution> {
    const { pubkey: dest, ecdhPubkey } = recipient
    const newest = epochs.at(-1)
    if (newest === undefined) throw new AppError('ROOT_KEY_MISSING', { epoch: 'any' })
    const master = (await this.keyOf(newest.rotationId)).secret.reveal()
    if (epochs.length === 1) {
      const share = this.shareMaster(ecdhPubkey, master, await this.keyOf(newest.rotationId))
      return { kind: 'MasterKeyDistribution', value: { dest, ecdhPubkey: share.ecdhPubkey, encryptedMasterKey: share.encryptedKey, iv: share.iv } }
    }
    const encryptedMasterKeyHistory = []
    for (const { rotationId, since } of epochs)
      encryptedMasterKeyHistory.push([rotationId, since, this.shareMaster(ecdhPubkey, master, await this.keyOf(rotationId))] as const)
    return { kind: 'MasterKeyHistory', value: { dest, encryptedMasterKeyHistory } }
  }

  /** A file that cannot be read gives way to keys that the other gatekeepers hold. */
  async accept({ block, keys, ecdh, sealedTo }: Parameters<RootSecret['accept']>[0]): Promise<void> {
    const kept = await this.readable()
    const opened = keys.flatMap(([rotationId, share]) => {
      const secret = openShare(this.outside.crypto, { ecdh, share, context: this.context(MASTER_LABEL, rotationId) }) ?? this.openFromSender(kept, { rotationId, share, sealedTo })
      return secret === undefined || secret.length !== 64 ? [] : [this.keyFrom(rotationId, secret)]
    })
    const fresh = opened.filter((key) => !kept.keys.some((one) => one.rotationId === key.rotationId && bytesEqual(one.publicKey, key.publicKey)))
    if (fresh.length === 0) return
    const others = kept.keys.filter(({ rotationId }) => !fresh.some((key) => key.rotationId === rotationId))
    await this.keep({ ...kept, since: Math.max(kept.since, block), keys: [...others, ...fresh].sort((a, b) => (a.rotationId < b.rotationId ? -1 : 1)) })
  }

  async rotate({ rotationId, epoch, recipients }: Parameters<RootSecret['rotate']>[0]) {
    const master = (await this.keyOf(epoch)).secret.reveal()
    const kept = await this.kept()
    const isOver = kept.keys.some((key) => key.rotationId >= rotationId) || (kept.candidate?.rotationId ?? 0n) > rotationId
    if (isOver) return undefined
    const candidate = kept.candidate?.rotationId === rotationId ? kept.candidate : this.fresh(rotationId)
    if (candidate !== kept.candidate) await this.keep({ ...kept, candidate })
    return recipients.map(({ pubkey, ecdhPubkey }) => [pubkey, this.shareMaster(ecdhPubkey, master, candidate)] as const)
  }

  async retire({ block }: { readonly block: number }): Promise<void> {
    const kept = await this.kept()
    if (kept.since > block) return
    await this.outside.sealer.remove(MASTER_KEY_FILE)
    this.erase(kept)
    this.loaded = NOTHING
  }

  close(): void {
    if (this.loaded !== undefined) this.erase(this.loaded)
    this.loaded = undefined
  }

  private context(label: SecretLabel, epoch: bigint): ShareContext {
    return label.kind === 'cluster' ? clusterKeyContext(this.genesisHash, label.id) : { genesisHash: this.genesisHash, label: utf8('master_key'), epoch }
  }

  private shareMaster(recipient: Uint8Array, master: Uint8Array, key: Pick<MasterKey, 'rotationId' | 'secret'>) {
    return sealShare(this.outside.crypto, {
      master, sharing: MASTER_SHARING, recipient, secret: key.secret.reveal(), context: this.context(MASTER_LABEL, key.rotationId),
    })
  }

  /** The newest key most likely sealed it. */
  private openFromSender({ keys }: Kept, sealed: { readonly rotationId: bigint; readonly share: EncryptedKey; readonly sealedTo: Uint8Array | undefined }): Uint8Array | undefined {
    const { rotationId, share, sealedTo: recipient } = sealed
    if (recipient === undefined) return undefined
    const context = this.context(MASTER_LABEL, rotationId)
    for (const { secret } of [...keys].reverse()) {
      const opened = openFromSender(this.outside.crypto, { master: secret.reveal(), sharing: MASTER_SHARING, recipient, share, context })
      if (opened !== undefined) return opened
    }
    return undefined
  }

  private fresh(rotationId: bigint): MasterKey {
    const seed = this.outside.random.bytes(32)
    const { secret, publicKey } = this.outside.crypto.sr25519.pairFromSeed(seed)
    seed.fill(0)
    return { rotationId, publicKey, secret: new Secret(secret) }
  }

  private keyFrom(rotationId: bigint, secret: Uint8Array): MasterKey {
    return { rotationId, publicKey: this.outside.crypto.sr25519.pairFromSecret(secret).publicKey, secret: new Secret(secret) }
  }

  private async keyOf(epoch: bigint): Promise<MasterKey> {
    const key = (await this.kept()).keys.find(({ rotationId }) => rotationId === epoch)
    if (key === undefined) throw new AppError('ROOT_KEY_MISSING', { epoch: String(epoch) })
    return key
  }

  /** A file that cannot be read is an error and not an empty one: a fresh key must never take the place of one that may come back. */
  private async kept(): Promise<Kept> {
    if (this.loaded !== undefined) return this.loaded
    const opened = await this.outside.sealer.read(MASTER_KEY_FILE)
    if (opened === undefined) return (this.loaded = NOTHING)
    try {
      this.loaded = this.keptFrom(StoredKeys.decode(opened))
    } catch (cause) {
      if (!isAppError(cause) || cause.code.startsWith('SEAL_')) throw cause
      throw new AppError('SEAL_MALFORMED', { name: MASTER_KEY_FILE, reason: 'its content is no master key' }, { cause })
    } finally {
      opened.fill(0)
    }
    return this.loaded
  }

  /** What can be read; nothing where the file is damaged or another machine's. It stays as it is. */
  private async readable(): Promise<Kept> {
    try {
      return await this.kept()
    } catch (error) {
      if (isAppError(error) && error.code.startsWith('SEAL_')) return NOTHING
      throw error
    }
  }

  private keptFrom({ version, genesisHash, since, keys, candidate }: TypeOf<typeof StoredKeys>): Kept {
    if (version !== FILE_VERSION) throw new AppError('SEAL_VERSION_UNSUPPORTED', { name: MASTER_KEY_FILE, version })
    if (!bytesEqual(genesisHash, this.genesisHash)) throw new AppError('SEAL_FOREIGN', { name: MASTER_KEY_FILE, reason: 'it belongs to another chain' })
    const restore = ({ rotationId, secret }: TypeOf<typeof StoredKey>): MasterKey => this.keyFrom(rotationId, secret.slice())
    return { since, keys: keys.map(restore), candidate: candidate === undefined ? undefined : restore(candidate) }
  }

  private async keep(kept: Kept): Promise<void> {
    const store = ({ rotationId, secret }: MasterKey): TypeOf<typeof StoredKey> => ({ rotationId, secret: secret.reveal() })
    const content = StoredKeys.encode({
      version: FILE_VERSION, genesisHash: this.genesisHash, since: kept.since, keys: kept.keys.map(store),
      candidate: kept.candidate === undefined ? undefined : store(kept.candidate),
    })
    try {
      await this.outside.sealer.write(MASTER_KEY_FILE, content)
      this.loaded = kept
    } finally {
      content.fill(0)
    }
  }

  private erase({ keys, candidate }: Kept): void {
    for (const key of [...keys, ...(candidate === undefined ? [] : [candidate])]) key.secret.reveal().fill(0)
  }
}
