/**
 * Owns who asks: an account's certificate for a key that signs its queries, so that a wallet is asked once, and what the account has seen of the chain, so that answers
 * are never older than its own receipts.
 */
import type { BlockRef } from '../chain-client.ts'
import { bytesEqual, bytesToKey, toHex } from '@phalanx/primitives/bytes'
import {
  certificateSigningPayload, querySigningPayload, type Certificate, type QueryContent, type SignatureTypeName, type SignerChain,
} from '@phalanx/primitives/contracts'
import type { Sr25519Pair } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Account, AnySigner } from '../account.ts'
import type { ContractEntry } from '../cluster/chain-state.ts'
import type { Network } from '../cluster/network.ts'
import '../errors.ts'
import type { KeyType } from '../signer.ts'

/** Blocks for which a certificate is made, and that must be left of it. */
const CERTIFICATE_BLOCKS = 7200
const CERTIFICATE_BLOCKS_LEFT = 128
/** Workers may be so many blocks behind the node that the client asks. */
const LAG_BLOCKS = 4
/** How long the head that was heard of last is taken for the present one. */
const HEAD_AGE_MS_MAX = 1000
/** How long the node is waited for where a worker is ahead of it. */
const NODE_BEHIND_MS_MAX = 5000
/** Hashes of blocks that are remembered. */
const HASHES_MAX = 64
const SEED_BYTES = 32

const SCHEMES: Readonly<Record<KeyType, { readonly plain: SignatureTypeName; readonly wrapped: SignatureTypeName }>> = {
  sr25519: { plain: 'Sr25519', wrapped: 'Sr25519WrapBytes' }, ed25519: { plain: 'Ed25519', wrapped: 'Ed25519WrapBytes' }, ecdsa: { plain: 'Ecdsa', wrapped: 'EcdsaWrapBytes' },
}

interface Held extends Certificate {
  readonly pair: Sr25519Pair
}

/** One account (or nobody) on one network. */
export class Session {
  readonly network: Network
  readonly account: Account | undefined
  private held: Promise<Held> | undefined
  private ttl = 0
  private floor: BlockRef | undefined
  private head: { readonly block: Promise<BlockRef>; readonly atMs: number } | undefined
  private readonly contracts = new Map<string, Promise<ContractEntry>>()
  private readonly hashes = new Map<number, Promise<Uint8Array>>()

  constructor(network: Network, signer: AnySigner | undefined) {
    this.network = network
    this.account = signer === undefined ? undefined : network.account(signer)
  }

  /** The account; who only asks has none. @throws SDK_SIGNING_REFUSED */
  assertAccount(): Account {
    if (this.account === undefined) throw new AppError('SDK_SIGNING_REFUSED', { address: 'nobody', reason: 'no signer was given' })
    return this.account
  }

  /** What the chain has of a contract; where it runs never changes. @throws SDK_CONTRACT_NOT_FOUND */
  contract(id: Uint8Array): Promise<ContractEntry> {
    const key = bytesToKey(id)
    const known = this.contracts.get(key)
    if (known !== undefined) return known
    const asked = this.network.state().then((state) => state.contract(id))
    this.contracts.set(key, asked)
    asked.catch(() => this.contracts.delete(key))
    return asked
  }

  /** A block whose state answers must have at least. */
  raiseFloor(block: BlockRef): void {
    if (this.floor === undefined || block.number > this.floor.number) this.floor = block
  }

  /** The finalised head, heard of at most a second ago. */
  headBlock(): Promise<BlockRef> {
    const nowMs = this.network.surroundings.clock.nowMs()
    if (this.head === undefined || nowMs - this.head.atMs > HEAD_AGE_MS_MAX) {
      const block = this.network.chain.finalizedHead()
      this.head = { block, atMs: nowMs }
      block.catch(() => (this.head = undefined))
    }
    return this.head.block
  }

  /** Oldest state that an answer may come from: a little behind the head, never before what this account was told already or sent over this connection. */
  async atLeast(): Promise<BlockRef> {
    const number = Math.max((await this.headBlock()).number - LAG_BLOCKS, 0)
    const { newestOwn } = this.network
    if (newestOwn !== undefined) this.raiseFloor(newestOwn)
    if (this.floor !== undefined && this.floor.number >= number) return this.floor
    if (number === 0) return { number, hash: this.network.genesisHash }
    return { number, hash: await this.hashOf(number) }
  }

  /** Checks that a block for which a worker answered is one of the chain, and final. @throws REPLY_BLOCK_UNKNOWN, connection codes */
  async assertFinal({ number, hash }: BlockRef): Promise<void> {
    const unknown = (cause?: unknown): AppError => new AppError('REPLY_BLOCK_UNKNOWN', { number, hash: toHex(hash) }, { cause })
    if ((await this.headBlock()).number < number) this.head = undefined
    if ((await this.headBlock()).number < number) {
      // The node of the worker's relay can be a little ahead of this one.
      await this.network.waitFor({
        what: `block ${number}`, timeoutMs: NODE_BEHIND_MS_MAX, find: (state) => Promise.resolve(state.block.number < number ? undefined : true),
      }).catch((error: unknown) => {
        throw isAppError(error, 'SDK_WAIT_TIMEOUT') ? unknown(error) : error
      })
    }
    if (!bytesEqual(await this.hashOf(number), hash)) throw unknown()
  }

  private hashOf(number: number): Promise<Uint8Array> {
    const known = this.hashes.get(number)
    if (known !== undefined) return known
    const asked = this.network.state().then((state) => state.hashOf(number))
    const oldest = this.hashes.keys().next().value
    if (this.hashes.size >= HASHES_MAX && oldest !== undefined) this.hashes.delete(oldest)
    this.hashes.set(number, asked)
    asked.catch(() => this.hashes.delete(number))
    return asked
  }

  /** Signs a query in the account's name; undefined where nobody in particular asks. @throws SDK_SIGNING_REFUSED */
  async signQuery(content: QueryContent): Promise<SignerChain | undefined> {
    const { account, network: { surroundings: { crypto, random } } } = this
    if (account === undefined) return undefined
    const { pair, leaf, issuer } = await this.certificate(account)
    const signature = crypto.sr25519.sign(pair.secret, querySigningPayload(content), random.bytes(SEED_BYTES))
    return { signature: { type: { kind: 'Sr25519' }, signature }, leaf, issuer }
  }

  private async certificate(account: Account): Promise<Held> {
    const { number } = await this.headBlock()
    if (this.held === undefined || this.ttl - number < CERTIFICATE_BLOCKS_LEFT) {
      this.ttl = number + CERTIFICATE_BLOCKS
      const made = this.issue(account, this.ttl)
      this.held = made
      made.catch(() => (this.held = undefined))
    }
    return this.held
  }

  /** Has the account let a fresh key sign its queries. */
  private async issue(account: Account, ttl: number): Promise<Held> {
    const { crypto, random } = this.network.surroundings
    const { publicKey, keyType, wrapsBytes, accountId } = account
    if (publicKey === undefined) throw new AppError('SDK_SIGNING_REFUSED', { address: toHex(accountId), reason: 'its public key is not known' })
    const pair = crypto.sr25519.pairFromSeed(random.bytes(SEED_BYTES))
    const leaf = { pubkey: pair.publicKey, ttl, configBits: 0 }
    const { value: signature } = await account.signMessage(certificateSigningPayload(leaf))
    const kind = SCHEMES[keyType][wrapsBytes ? 'wrapped' : 'plain']
    return { pair, leaf, issuer: { signature: { type: { kind }, signature }, root: { pubkey: publicKey, ttl, configBits: 0 } } }
  }
}
