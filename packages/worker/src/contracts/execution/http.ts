/** Owns the wire forms of HTTP requests of contracts and of their answers. Performs none. */
import { bytes, struct, text, tuple, u16, variant, vec, type TypeOf } from '@phalanx/primitives/codec'

const Headers = vec(tuple(text, text))

/** A request. */
export const HttpRequest = struct({ url: text, method: text, headers: Headers, body: bytes })
export type HttpRequest = TypeOf<typeof HttpRequest>

/** A response. */
export const HttpResponse = struct({ statusCode: u16, reasonPhrase: text, headers: Headers, body: bytes })
export type HttpResponse = TypeOf<typeof HttpResponse>

/** Why a request has no response. */
export const HttpRequestError = variant('HttpRequestError', {
  InvalidUrl: { index: 0 }, InvalidMethod: { index: 1 }, InvalidHeaderName: { index: 2 }, InvalidHeaderValue: { index: 3 }, FailedToCreateClient: { index: 4 },
  Timeout: { index: 5 }, NotAllowed: { index: 6 }, TooManyRequests: { index: 7 }, NetworkError: { index: 8 }, ResponseTooLarge: { index: 9 },
  TooManyHeaders: { index: 10 },
})
export type HttpRequestError = TypeOf<typeof HttpRequestError>

/** What became of one request. */
export type HttpAnswer = { readonly ok: true; readonly value: HttpResponse } | { readonly ok: false; readonly error: HttpRequestError }
