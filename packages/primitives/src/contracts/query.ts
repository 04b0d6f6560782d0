/**
 * Owns queries on their way in our own form: what is asked and under which conditions, sealed by the client to the worker's anchored ECDH key,
 * opened and checked by the worker. Replies are in reply.ts; the reference's form is in reference.ts.
 */
import { bytesEqual, concatBytes, toHex, utf8 } from '../bytes.ts'
import { bytesUpTo, fixedBytes, option, struct, u128, u32, u64, u8, variant, type TypeOf } from '../codec/index.ts'
import { Hash, Sr25519Public } from '../chain/basics.ts'
import type { Channel } from '../crypto/channel.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { AppError } from '../errors.ts'
import { CONTRACT_INPUT_BYTES_MAX, SALT_BYTES_MAX } from '../messages/contract.ts'
import { SignerChain, verifySignerChain, type IssuedCertificates } from './certificate.ts'
import { headerOf, openChannel, orNotOpened, type ChannelCrypto, type ChannelHolder, type ChannelTarget } from './channel-ends.ts'
import type { SealingRandom } from './command.ts'
import { markSealed, type SealedBytes } from './sealed-bytes.ts'

/** Version of sealed queries that this code writes and reads. */
export const SEALED_QUERY_VERSION = 1
/** Room for everything around a query's input. */
const QUERY_OVERHEAD_BYTES = 4096
/** Longest sealed query. */
export const QUERY_BYTES_MAX = CONTRACT_INPUT_BYTES_MAX + QUERY_OVERHEAD_BYTES
/** How many blocks ahead of the worker's head a query may stay valid. */
export const QUERY_LIFE_BLOCKS = 128
/** Length of a query's nonce. */
export const QUERY_NONCE_BYTES = 32

const Input = bytesUpTo(CONTRACT_INPUT_BYTES_MAX)
const message = { contract: Hash, input: Input, transfer: u128, deposit: u128 } as const

/**
 * What is asked. `deposit` is balance that the caller is lent for the length of the query. Estimates run like the command would, and change nothing.
 * Logs: of one contract or of all, from record `from` on; `fromEnd` counts back from the newest instead.
 */
export const ClusterQuery = variant('ClusterQuery', {
  Call: { index: 0, fields: message },
  Estimate: { index: 1, fields: message },
  EstimateInstantiate: { index: 2, fields: { codeHash: Hash, salt: bytesUpTo(SALT_BYTES_MAX), input: Input, transfer: u128, deposit: u128 } },
  Logs: { index: 3, fields: { contract: option(Hash), start: variant('LogStart', { From: { index: 0, value: u64 }, FromEnd: { index: 1, value: u32 } }), count: u32 } },
})
export type ClusterQuery = TypeOf<typeof ClusterQuery>

/** A finalised block that the caller knows. */
export const KnownBlock = struct({ number: u32, hash: Hash })
export type KnownBlock = TypeOf<typeof KnownBlock>

/**
 * A query with its conditions: for which worker (identity key) and cluster, at the state after `atLeast` or a later one, not after block `notAfter`,
 * and once (`nonce`).
 */
export const QueryContent = struct({
  genesis: Hash, worker: Sr25519Public, cluster: Hash, atLeast: KnownBlock, notAfter: u32, nonce: fixedBytes(QUERY_NONCE_BYTES), query: ClusterQuery,
})
export type QueryContent = TypeOf<typeof QueryContent>

/** A query and who asks. Without a signer the caller is the account of the key that sealed the query, which only its holder can have done. */
const SignedQuery = struct({ content: QueryContent, signer: option(SignerChain) })

/** The envelope: sealed over a channel from `from` (sr25519, fresh) to the worker's ECDH key of `epoch`. */
export const SealedQuery = struct({ version: u8, epoch: u64, from: Sr25519Public, iv: fixedBytes(12), data: bytesUpTo(QUERY_BYTES_MAX) })
export type SealedQuery = TypeOf<typeof SealedQuery>

const QUERY_DOMAIN = utf8('phalanx/query/1')

/** What the signer of a query signs; the content names the chain itself. */
export const querySigningPayload = (content: QueryContent): Uint8Array => concatBytes(QUERY_DOMAIN, QueryContent.encode(content))

/** A query ready to be sent, and what its sender keeps to open the reply. */
export interface PreparedQuery {
  readonly sealed: SealedBytes<'query'>
  /** blake2b-256 of the sealed bytes: the reply is bound to it. */
  readonly requestHash: Uint8Array
  readonly content: QueryContent
  /** This end of the channel; wipe it once the reply is there. */
  readonly channel: Channel
}

/** Seals a query to a worker's ECDH key. @throws CRYPTO_INVALID_KEY, CODEC_ codes */
export const sealQuery = (
  crypto: ChannelCrypto & Pick<Crypto, 'blake2b256'>,
  options: { readonly target: ChannelTarget; readonly content: QueryContent; readonly signer: SignerChain | undefined; readonly random: SealingRandom },
): PreparedQuery => {
  const { target, content, signer, random } = options
  const own = crypto.sr25519.pairFromSeed(random.seed)
  const channel = openChannel(crypto, 'query', { own, their: target.publicKey, terms: target })
  const head = { version: SEALED_QUERY_VERSION, epoch: target.epoch, from: own.publicKey }
  const data = channel.seal({ iv: random.iv, header: headerOf(head), plaintext: SignedQuery.encode({ content, signer }) })
  own.secret.fill(0)
  const sealed = SealedQuery.encode({ ...head, iv: random.iv, data })
  return { sealed: markSealed('query', sealed), requestHash: crypto.blake2b256(sealed), content, channel }
}

/** A query that the worker opened; nothing in it is checked yet. */
export interface OpenedQuery {
  readonly content: QueryContent
  readonly signer: SignerChain | undefined
  /** Key that sealed the query. */
  readonly from: Uint8Array
  readonly requestHash: Uint8Array
  /** The worker's end of the channel; wipe it once the reply is sealed. */
  readonly channel: Channel
}

/**
 * Opens a sealed query. `keyOfEpoch` throws where the worker has no such key.
 * @throws SEALED_VERSION_UNSUPPORTED, SEALED_NOT_OPENED, CODEC_ codes and what `keyOfEpoch` throws
 */
export const openQuery = (
  crypto: ChannelCrypto & Pick<Crypto, 'blake2b256'>, sealed: Uint8Array,
  keys: { readonly genesis: Uint8Array; keyOfEpoch(epoch: bigint): Omit<ChannelHolder, 'genesis' | 'epoch'> },
): OpenedQuery => {
  if (sealed.length > QUERY_BYTES_MAX) throw new AppError('CODEC_LENGTH_EXCEEDED', { length: sealed.length, max: QUERY_BYTES_MAX })
  const query = SealedQuery.decode(sealed)
  const { version, epoch, from, iv, data } = query
  if (version !== SEALED_QUERY_VERSION) throw new AppError('SEALED_VERSION_UNSUPPORTED', { what: 'query', version, supported: SEALED_QUERY_VERSION })
  const { pair, anchor } = keys.keyOfEpoch(epoch)
  const channel = orNotOpened('query', () => openChannel(crypto, 'query', { own: pair, their: from, terms: { genesis: keys.genesis, epoch, anchor } }))
  const plaintext = orNotOpened('query', () => channel.open({ iv, header: headerOf(query), ciphertext: data }))
  return { ...SignedQuery.decode(plaintext), from, requestHash: crypto.blake2b256(sealed), channel }
}

/** Where the worker stands when it checks a query. */
export interface QueryStanding {
  readonly genesis: Uint8Array
  readonly worker: Uint8Array
  readonly cluster: Uint8Array
  readonly blockNumber: number
  /** Hash of a final block that the worker still remembers. */
  hashOf(number: number): Uint8Array | undefined
}

const assertConditions = ({ genesis, worker, cluster, atLeast, notAfter }: QueryContent, standing: QueryStanding): void => {
  const { blockNumber } = standing
  if (!bytesEqual(genesis, standing.genesis)) throw new AppError('QUERY_CHAIN_MISMATCH', { expected: toHex(standing.genesis), got: toHex(genesis) })
  if (!bytesEqual(worker, standing.worker)) throw new AppError('QUERY_WORKER_MISMATCH', { expected: toHex(standing.worker), got: toHex(worker) })
  if (!bytesEqual(cluster, standing.cluster)) throw new AppError('QUERY_CLUSTER_MISMATCH', { expected: toHex(standing.cluster), got: toHex(cluster) })
  if (notAfter < blockNumber) throw new AppError('QUERY_EXPIRED', { notAfter, blockNumber })
  if (notAfter > blockNumber + QUERY_LIFE_BLOCKS) throw new AppError('QUERY_LIFE_EXCEEDED', { notAfter, latest: blockNumber + QUERY_LIFE_BLOCKS })
  if (atLeast.number > blockNumber) throw new AppError('QUERY_STATE_BEHIND', { wanted: atLeast.number, blockNumber })
  const known = atLeast.number === 0 ? standing.genesis : standing.hashOf(atLeast.number)
  if (known === undefined || !bytesEqual(known, atLeast.hash)) throw new AppError('QUERY_BLOCK_UNKNOWN', { number: atLeast.number, hash: toHex(atLeast.hash) })
}

type Verifying = Pick<Crypto, 'sr25519' | 'ed25519' | 'secp256k1' | 'blake2b256' | 'keccak256'>

/**
 * Checks the conditions and the signatures of a query. Whether its nonce was used before is the worker's to know. `issued`: see `verifySignerChain`.
 * @returns the account that asks
 * @throws QUERY_ codes, CERTIFICATE_EXPIRED, CERTIFICATE_SIGNATURE_INVALID
 */
export const verifyQuery = (crypto: Verifying, opened: OpenedQuery, standing: QueryStanding, issued?: IssuedCertificates): Uint8Array => {
  const { content, signer, from } = opened
  assertConditions(content, standing)
  if (signer === undefined) return from
  return verifySignerChain(crypto, signer, { message: querySigningPayload(content), blockNumber: standing.blockNumber, issued })
}

/** 32 bytes that stand for a query's nonce among those that were used. */
export const queryNonceKey = (crypto: Pick<Crypto, 'blake2b256'>, { from, content }: Pick<OpenedQuery, 'from' | 'content'>): Uint8Array =>
  crypto.blake2b256(concatBytes(from, content.nonce))
