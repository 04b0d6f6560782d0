/** Owns replies to sealed queries: sealed back over the query's channel, bound to the very request, and signed by the worker's identity for a block. */
import { concatBytes, utf8 } from '../bytes.ts'
import { bytesUpTo, fixedBytes, option, result, struct, textUpTo, u32, u8, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Hash } from '../chain/basics.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { AppError } from '../errors.ts'
import { orNotOpened } from './channel-ends.ts'
import { LogPage } from './logs.ts'
import type { OpenedQuery, PreparedQuery } from './query.ts'

/** Version of sealed replies. */
export const SEALED_REPLY_VERSION = 1
/** Longest reply. */
export const REPLY_BYTES_MAX = 16 * 1024 * 1024 - 1024
const OUTPUT_BYTES_MAX = 6 * 1024 * 1024
/** Most lines of log in a reply. */
export const QUERY_LOGS_MAX = 256
const CODE_MAX = 64
const TEXT_MAX = 4096

/** What a contract logged while it was asked. */
export const QueryLog = struct({ contract: Hash, level: u8, message: textUpTo(TEXT_MAX) })
export type QueryLog = TypeOf<typeof QueryLog>

const ran = { output: bytesUpTo(OUTPUT_BYTES_MAX), failure: option(textUpTo(TEXT_MAX)), logs: vecUpTo(QueryLog, QUERY_LOGS_MAX) } as const

/**
 * What a query yields. `output` is SCALE `ContractExecResult` or `ContractInstantiateResult`; `failure` says for people why a call failed; `logs` are
 * those lines that the asker may read.
 */
export const QueryAnswer = variant('QueryAnswer', {
  Called: { index: 0, fields: ran },
  Instantiated: { index: 1, fields: ran },
  Logs: { index: 2, value: LogPage },
})
export type QueryAnswer = TypeOf<typeof QueryAnswer>

/** Why a query that was opened is not answered: an error code of the worker and its sentence. Told under seal, so that nobody else learns it. */
export const QueryRefusal = struct({ code: textUpTo(CODE_MAX), text: textUpTo(TEXT_MAX) })
export type QueryRefusal = TypeOf<typeof QueryRefusal>

/** Outcome of a query. */
export const QueryOutcome = result(QueryAnswer, QueryRefusal)
export type QueryOutcome = TypeOf<typeof QueryOutcome>

/** A finalised block and the root of the cluster's state after it. */
export const ReplyPoint = struct({ blockNumber: u32, blockHash: Hash, stateRoot: Hash })
export type ReplyPoint = TypeOf<typeof ReplyPoint>

const ReplyContent = struct({ point: ReplyPoint, outcome: QueryOutcome, signature: fixedBytes(64) })

/** The envelope. */
export const SealedReply = struct({ version: u8, iv: fixedBytes(12), data: bytesUpTo(REPLY_BYTES_MAX) })
export type SealedReply = TypeOf<typeof SealedReply>

const REPLY_DOMAIN = utf8('phalanx/reply/1')

/** What the worker's identity signs: domain ‖ request hash ‖ SCALE(point) ‖ blake2b-256(SCALE(outcome)). */
export const replySigningPayload = (
  crypto: Pick<Crypto, 'blake2b256'>, options: { readonly requestHash: Uint8Array; readonly point: ReplyPoint; readonly outcome: QueryOutcome },
): Uint8Array => concatBytes(REPLY_DOMAIN, options.requestHash, ReplyPoint.encode(options.point), crypto.blake2b256(QueryOutcome.encode(options.outcome)))

const headerOf = (version: number, requestHash: Uint8Array): Uint8Array => concatBytes(Uint8Array.of(version), requestHash)

/** A reply as the client has it: verified, with the worker's signature over it to show to others. */
export interface VerifiedReply {
  readonly point: ReplyPoint
  readonly outcome: QueryOutcome
  readonly signature: Uint8Array
}

/** Signs and seals a reply. `secret` is the identity's; `random` holds 32 bytes for the signature and a 12-byte IV, both fresh. */
export const sealReply = (
  crypto: Pick<Crypto, 'blake2b256' | 'sr25519'>, opened: Pick<OpenedQuery, 'channel' | 'requestHash'>,
  options: {
    readonly point: ReplyPoint; readonly outcome: QueryOutcome; readonly secret: Uint8Array; readonly random: { readonly nonce: Uint8Array; readonly iv: Uint8Array }
  },
): Uint8Array => {
  const { point, outcome, secret, random } = options
  const { requestHash, channel } = opened
  const signature = crypto.sr25519.sign(secret, replySigningPayload(crypto, { requestHash, point, outcome }), random.nonce)
  const version = SEALED_REPLY_VERSION
  const data = channel.seal({ iv: random.iv, header: headerOf(version, requestHash), plaintext: ReplyContent.encode({ point, outcome, signature }) })
  return SealedReply.encode({ version, iv: random.iv, data })
}

/**
 * Opens a reply to a query that was prepared here and checks it: sealed for this request, signed by the worker asked, at a state no older than asked for.
 * @throws SEALED_VERSION_UNSUPPORTED, SEALED_NOT_OPENED, REPLY_SIGNATURE_INVALID, REPLY_STATE_OLD, CODEC_ codes
 */
export const openReply = (crypto: Pick<Crypto, 'blake2b256' | 'sr25519'>, prepared: Pick<PreparedQuery, 'channel' | 'requestHash' | 'content'>, sealed: Uint8Array): VerifiedReply => {
  const { version, iv, data } = SealedReply.decode(sealed)
  if (version !== SEALED_REPLY_VERSION) throw new AppError('SEALED_VERSION_UNSUPPORTED', { what: 'reply', version, supported: SEALED_REPLY_VERSION })
  const { channel, requestHash, content } = prepared
  const reply = ReplyContent.decode(orNotOpened('reply', () => channel.open({ iv, header: headerOf(version, requestHash), ciphertext: data })))
  if (!crypto.sr25519.verify(reply.signature, replySigningPayload(crypto, { requestHash, ...reply }), content.worker)) throw new AppError('REPLY_SIGNATURE_INVALID', {})
  const { blockNumber } = reply.point
  if (reply.outcome.ok && blockNumber < content.atLeast.number) throw new AppError('REPLY_STATE_OLD', { wanted: content.atLeast.number, blockNumber })
  return reply
}
