/**
 * Owns the reference's form of private messages (worker_api.md sections 6 to 8), for clients that know no other: the bare agreement of two keys as
 * AES-256-GCM key, no associated data, no forward secrecy. Also its query and reply. Our own form is in command.ts, query.ts and reply.ts.
 */
import { bytesEqual, concatBytes, EMPTY } from '../bytes.ts'
import { bool, bytesUpTo, fixedBytes, result, struct, textUpTo, u128, variant, type TypeOf } from '../codec/index.ts'
import type { Crypto, Sr25519Pair } from '../crypto/crypto.ts'
import { AppError, isAppError } from '../errors.ts'
import { Hash } from '../chain/basics.ts'
import { CONTRACT_INPUT_BYTES_MAX, EncryptedData, SALT_BYTES_MAX } from '../messages/contract.ts'

type Sealing = Pick<Crypto, 'sr25519' | 'aesGcmSeal' | 'aesGcmOpen'>

/** Longest request of the reference's ContractQuery. */
export const REFERENCE_QUERY_BYTES_MAX = 500 * 1024
const ERROR_TEXT_MAX = 4096
const RESPONSE_BYTES_MAX = 6 * 1024 * 1024
const NONCE_BYTES = 32

/** Seals bytes in the reference's form. `iv` is 12 fresh random bytes. @throws CRYPTO_INVALID_KEY */
export const sealEncryptedData = (
  crypto: Sealing, options: { readonly own: Sr25519Pair; readonly recipient: Uint8Array; readonly iv: Uint8Array; readonly plaintext: Uint8Array },
): EncryptedData => {
  const { own, recipient, iv, plaintext } = options
  const key = crypto.sr25519.agree(own.secret, recipient)
  const data = crypto.aesGcmSeal({ key, iv, aad: EMPTY, plaintext })
  key.fill(0)
  return { iv, pubkey: own.publicKey, data }
}

/** Opens what was sealed so to the holder of `secret` (64 bytes). @throws SEALED_NOT_OPENED */
export const openEncryptedData = (crypto: Sealing, secret: Uint8Array, sealed: EncryptedData): Uint8Array => {
  try {
    const key = crypto.sr25519.agree(secret, sealed.pubkey)
    const opened = crypto.aesGcmOpen({ key, iv: sealed.iv, aad: EMPTY, ciphertext: sealed.data })
    key.fill(0)
    return opened
  } catch (cause) {
    throw isAppError(cause) ? new AppError('SEALED_NOT_OPENED', { what: 'encrypted message' }, { cause }) : cause
  }
}

/** What a query begins with: which contract, and a nonce that the reply repeats. */
const QueryHead = struct({ id: Hash, nonce: fixedBytes(NONCE_BYTES) })

const Input = bytesUpTo(CONTRACT_INPUT_BYTES_MAX)

/** What is asked. */
export const ReferenceQuery = variant('Query', {
  InkMessage: { index: 0, fields: { payload: Input, deposit: u128, transfer: u128, estimating: bool } },
  SidevmQuery: { index: 1, value: Input },
  InkInstantiate: { index: 2, fields: { codeHash: Hash, salt: bytesUpTo(SALT_BYTES_MAX), instantiateData: Input, deposit: u128, transfer: u128 } },
})
export type ReferenceQuery = TypeOf<typeof ReferenceQuery>

/** Plaintext of a query. */
export const ReferenceQueryContent = struct({ head: QueryHead, query: ReferenceQuery })
export type ReferenceQueryContent = TypeOf<typeof ReferenceQueryContent>

/** What is answered. */
export const ReferenceResponse = variant('Response', { Payload: { index: 0, value: bytesUpTo(RESPONSE_BYTES_MAX) } })
export type ReferenceResponse = TypeOf<typeof ReferenceResponse>

/** Why nothing is. */
export const ReferenceQueryError = variant('QueryError', {
  BadOrigin: { index: 0 }, RuntimeError: { index: 1, value: textUpTo(ERROR_TEXT_MAX) }, SidevmNotFound: { index: 2 }, NoResponse: { index: 3 },
  ServiceUnavailable: { index: 4 }, Timeout: { index: 5 },
})
export type ReferenceQueryError = TypeOf<typeof ReferenceQueryError>

/** Plaintext of a reply. */
export const ReferenceReply = struct({ nonce: fixedBytes(NONCE_BYTES), result: result(ReferenceResponse, ReferenceQueryError) })
export type ReferenceReply = TypeOf<typeof ReferenceReply>

/** A query that was opened. `client` is the key that the reply is sealed to. */
export interface OpenedReferenceQuery extends ReferenceQueryContent {
  readonly client: Uint8Array
}

/** Opens SCALE `EncryptedData` of a query with the worker's key for this form. @throws SEALED_NOT_OPENED, CODEC_ codes */
export const openReferenceQuery = (crypto: Sealing, secret: Uint8Array, encoded: Uint8Array): OpenedReferenceQuery => {
  if (encoded.length > REFERENCE_QUERY_BYTES_MAX) throw new AppError('CODEC_LENGTH_EXCEEDED', { length: encoded.length, max: REFERENCE_QUERY_BYTES_MAX })
  const sealed = EncryptedData.decode(encoded)
  return { ...ReferenceQueryContent.decode(openEncryptedData(crypto, secret, sealed)), client: sealed.pubkey }
}

/** SCALE `EncryptedData` of a reply. @throws CRYPTO_INVALID_KEY */
export const sealReferenceReply = (
  crypto: Sealing, options: { readonly own: Sr25519Pair; readonly client: Uint8Array; readonly iv: Uint8Array; readonly reply: ReferenceReply },
): Uint8Array => EncryptedData.encode(sealEncryptedData(crypto, { own: options.own, recipient: options.client, iv: options.iv, plaintext: ReferenceReply.encode(options.reply) }))

/** Seals a query as the reference's clients do; the result is what they sign. @throws CRYPTO_INVALID_KEY */
export const sealReferenceQuery = (
  crypto: Sealing, options: { readonly own: Sr25519Pair; readonly worker: Uint8Array; readonly iv: Uint8Array; readonly content: ReferenceQueryContent },
): Uint8Array => EncryptedData.encode(sealEncryptedData(crypto, { own: options.own, recipient: options.worker, iv: options.iv, plaintext: ReferenceQueryContent.encode(options.content) }))

/** Opens a reply to a query with this nonce, from this worker. @throws SEALED_NOT_OPENED, REPLY_MISMATCH, CODEC_ codes */
export const openReferenceReply = (
  crypto: Sealing, options: { readonly own: Sr25519Pair; readonly worker: Uint8Array; readonly nonce: Uint8Array; readonly encoded: Uint8Array },
): ReferenceReply['result'] => {
  const sealed = EncryptedData.decode(options.encoded)
  if (!bytesEqual(sealed.pubkey, options.worker)) throw new AppError('REPLY_MISMATCH', { what: 'worker' })
  const { nonce, result: outcome } = ReferenceReply.decode(openEncryptedData(crypto, options.own.secret, sealed))
  if (!bytesEqual(nonce, options.nonce)) throw new AppError('REPLY_MISMATCH', { what: 'nonce' })
  return outcome
}

/** SCALE payload of a command in the reference's form: variant 1 around the encrypted command. */
export const referenceCommandPayload = (sealed: EncryptedData): Uint8Array => concatBytes(Uint8Array.of(1), EncryptedData.encode(sealed))
