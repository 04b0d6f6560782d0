/** Owns what became of a contract's HTTP requests. Their wire forms are shared with the contracts that ask. Performs none. */
import type { HttpRequestError, HttpResponse } from '@phalanx/primitives/contracts/extension'

export { HttpRequest, HttpRequestError, HttpResponse } from '@phalanx/primitives/contracts/extension'

/** What became of one request. */
export type HttpAnswer = { readonly ok: true; readonly value: HttpResponse } | { readonly ok: false; readonly error: HttpRequestError }
