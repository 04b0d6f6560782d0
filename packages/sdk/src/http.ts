/** Owns the interface of HTTP requests that the SDK makes through its host, and its form over `fetch`. */
import { AppError } from '@phalanx/primitives/errors'

/** One request. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly timeoutMs: number
  /** Longest answer accepted. */
  readonly maxBytes: number
}

/** Its answer, whatever the status. Header names in lower case. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** Performs requests. Rejects only when no whole answer came. */
export type HttpClient = (request: HttpRequest) => Promise<HttpAnswer>

/** The part of `fetch` that is used. */
export type FetchLike = (
  url: string,
  init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: Uint8Array; readonly signal: unknown },
) => Promise<{
  readonly status: number
  readonly headers: { forEach(callback: (value: string, name: string) => void): void }
  arrayBuffer(): Promise<ArrayBuffer>
}>

/** HTTP over a browser's or Node's `fetch`. @throws SDK_HTTP_FAILED */
export const createFetchClient =
  (fetchLike: FetchLike, abortAfter: (timeoutMs: number) => unknown): HttpClient =>
  async (request) => {
    const { method, url, headers = {}, body, timeoutMs, maxBytes } = request
    try {
      const answer = await fetchLike(url, { method, headers: { ...headers }, ...(body === undefined ? {} : { body }), signal: abortAfter(timeoutMs) })
      const bytes = new Uint8Array(await answer.arrayBuffer())
      if (bytes.length > maxBytes) throw new AppError('SDK_HTTP_FAILED', { url, reason: `the answer exceeds ${maxBytes} bytes` })
      const names: Record<string, string> = {}
      answer.headers.forEach((value, name) => (names[name.toLowerCase()] = value))
      return { status: answer.status, headers: names, body: bytes }
    } catch (cause) {
      if (cause instanceof AppError) throw cause
      throw new AppError('SDK_HTTP_FAILED', { url, reason: cause instanceof Error ? cause.message : 'no answer' }, { cause })
    }
  }
