/**
 * Owns the wire forms of the chain extension that contracts call: functions by number with the codecs of their arguments and results.
 * Both sides read them here: the worker that answers and the library inside a contract that asks. Performs nothing.
 */
import { bool, bytes, fixedBytes, option, struct, text, tuple, u128, u16, u64, u8, unit, variant, vec, result, type Codec, type TypeOf } from '../codec/index.ts'

const Headers = vec(tuple(text, text))

/** An HTTP request of a contract. */
export const HttpRequest = struct({ url: text, method: text, headers: Headers, body: bytes })
export type HttpRequest = TypeOf<typeof HttpRequest>

/** The response to one. */
export const HttpResponse = struct({ statusCode: u16, reasonPhrase: text, headers: Headers, body: bytes })
export type HttpResponse = TypeOf<typeof HttpResponse>

/** Why a request has no response. */
export const HttpRequestError = variant('HttpRequestError', {
  InvalidUrl: { index: 0 }, InvalidMethod: { index: 1 }, InvalidHeaderName: { index: 2 }, InvalidHeaderValue: { index: 3 }, FailedToCreateClient: { index: 4 },
  Timeout: { index: 5 }, NotAllowed: { index: 6 }, TooManyRequests: { index: 7 }, NetworkError: { index: 8 }, ResponseTooLarge: { index: 9 },
  TooManyHeaders: { index: 10 },
})
export type HttpRequestError = TypeOf<typeof HttpRequestError>

/** Signature scheme of a key that a contract holds. */
export const SigType = variant('SigType', { Ed25519: { index: 0 }, Sr25519: { index: 1 }, Ecdsa: { index: 2 } })
export type SigType = TypeOf<typeof SigType>

/** Number, arguments and result of one function of the chain extension. */
export interface ExtensionForm<A, R> {
  readonly id: number
  readonly args: Codec<A>
  readonly output: Codec<R>
}

const form = <A, R>(id: number, args: Codec<A>, output: Codec<R>): ExtensionForm<A, R> => ({ id, args, output })

const Hash = fixedBytes(32)

/** Functions that both sides share, as cluster contracts of the reference number them; a status other than 0 has no output. */
export const extensionForms = {
  httpRequest: form(1, tuple(HttpRequest), HttpResponse),
  sign: form(2, tuple(SigType, bytes, bytes), bytes),
  verify: form(3, tuple(SigType, bytes, bytes, bytes), bool),
  deriveSr25519Key: form(4, tuple(bytes), bytes),
  publicKey: form(5, tuple(SigType, bytes), bytes),
  /** Status 1: the contract's quota is used up. */
  cacheSet: form(6, tuple(bytes, bytes), unit),
  cacheSetExpiration: form(7, tuple(bytes, u64), unit),
  cacheGet: form(8, tuple(bytes), option(bytes)),
  cacheRemove: form(9, tuple(bytes), option(bytes)),
  random: form(11, tuple(u8), bytes),
  ecdsaSignPrehashed: form(13, tuple(bytes, Hash), fixedBytes(65)),
  ecdsaVerifyPrehashed: form(14, tuple(fixedBytes(65), Hash, fixedBytes(33)), bool),
  systemContractId: form(15, unit, Hash),
  /** Total and free balance. */
  balanceOf: form(16, tuple(Hash), tuple(u128, u128)),
  workerPublicKey: form(17, unit, Hash),
  untrustedNowMs: form(18, unit, u64),
  codeExists: form(19, tuple(Hash, bool), bool),
  /** Status: 1 + index of the HttpRequestError that kept all requests from being made. */
  batchHttpRequest: form(22, tuple(vec(HttpRequest), u64), vec(result(HttpResponse, HttpRequestError))),
} as const
