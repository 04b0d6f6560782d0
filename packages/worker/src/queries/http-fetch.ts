/**
 * Owns HTTP requests of contracts: http and https to public addresses only, checked after names were resolved and again at every redirect; bounded in size,
 * number of headers and time. Every failure is one of the reference's errors. Does not own when requests are made.
 */
import { Resolver, type LookupAddress } from 'node:dns'
import { request as httpRequest, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { HttpAnswer, HttpRequest, HttpRequestError } from '../contracts/execution/http.ts'
import { isPublicAddress } from './addresses.ts'

/** Largest body of an answer, and most headers. */
const BODY_BYTES_MAX = 2 * 1024 * 1024
const HEADERS_MAX = 256
const HEADER_BYTES_MAX = 64 * 1024
/** Most bytes that one answer can bring. */
export const HTTP_ANSWER_BYTES_MAX: number = BODY_BYTES_MAX + HEADER_BYTES_MAX
const REDIRECTS_MAX = 5
/** For one try of a name server. */
const NAME_TIMEOUT_MS = 2000
const NAME_TRIES = 2
const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/** Set by the client itself, or about this connection only: a contract cannot set them. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'expect', 'te', 'trailer', 'proxy-authorization', 'keep-alive'])
/** Not carried to another origin. */
const PRIVATE_HEADERS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization'])

/** Performs one request. Never rejects. */
export type HttpFetch = (request: HttpRequest, options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined }) => Promise<HttpAnswer>

type ErrorKind = HttpRequestError['kind']

const refused = (kind: ErrorKind, cause?: unknown): AppError<'QUERY_HTTP_FAILED'> => new AppError('QUERY_HTTP_FAILED', { kind }, { cause })

interface Hop {
  readonly url: URL
  readonly method: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Uint8Array
}

const parseUrl = (text: string, base?: URL): URL => {
  let url: URL
  try {
    url = new URL(text, base)
  } catch (cause) {
    throw refused('InvalidUrl', cause)
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') throw refused('InvalidUrl')
  return url
}

const firstHop = ({ url, method, headers, body }: HttpRequest): Hop => {
  const name = method.toUpperCase()
  if (!METHODS.has(name)) throw refused('InvalidMethod')
  if (headers.length > HEADERS_MAX) throw refused('TooManyHeaders')
  for (const [key, value] of headers) {
    if (!TOKEN.test(key) || OWN_HEADERS.has(key.toLowerCase())) throw refused('InvalidHeaderName')
    if (!HEADER_VALUE.test(value)) throw refused('InvalidHeaderValue')
  }
  return { url: parseUrl(url), method: name, headers, body }
}

/** How addresses are judged, and where names are asked for. */
interface Guard {
  readonly isAllowed: (address: string) => boolean
  /** Name servers, `address:port`; those of the machine where absent. */
  readonly nameServers: readonly string[] | undefined
}

interface Resolved {
  readonly found: readonly LookupAddress[]
  readonly error: NodeJS.ErrnoException | null
}

const resolveFamily = (resolver: Resolver, hostname: string, family: 4 | 6): Promise<Resolved> =>
  new Promise((resolve) => {
    const take = (error: NodeJS.ErrnoException | null, addresses: readonly string[] | undefined): void =>
      resolve({ error, found: (addresses ?? []).map((address) => ({ address, family })) })
    if (family === 4) resolver.resolve4(hostname, take)
    else resolver.resolve6(hostname, take)
  })

const OWN_NAME = /(^|\.)localhost\.?$/i

/**
 * Resolves names and hands on none but allowed addresses, so that what is connected to is what was checked. Asks name servers itself: the system's way holds a thread
 * of the few that files are written with for as long as somebody's server takes to answer, and all contracts would wait for those of one.
 */
const guardedLookup = ({ isAllowed, nameServers }: Guard): LookupFunction => (hostname, options, callback) => {
  const resolver = new Resolver({ timeout: NAME_TIMEOUT_MS, tries: NAME_TRIES })
  if (nameServers !== undefined) resolver.setServers(nameServers)
  const hand = ([v4, v6]: readonly [Resolved, Resolved]): void => {
    const found = [...v4.found, ...v6.found]
    if (found.length === 0) return callback(v4.error ?? v6.error ?? (refused('NetworkError') as NodeJS.ErrnoException), '')
    const allowed = found.filter(({ address }) => isAllowed(address))
    const first = allowed[0]
    if (first === undefined) return callback(refused('NotAllowed') as NodeJS.ErrnoException, '')
    if (options.all === true) return callback(null, allowed)
    return callback(null, first.address, first.family)
  }
  if (OWN_NAME.test(hostname)) return hand([{ error: null, found: [{ address: '127.0.0.1', family: 4 }] }, { error: null, found: [] }])
  void Promise.all([resolveFamily(resolver, hostname, 4), resolveFamily(resolver, hostname, 6)]).then(hand)
}

const assertAllowed = ({ hostname }: URL, isAllowed: (address: string) => boolean): void => {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
  if (isIP(host) !== 0 && !isAllowed(host)) throw refused('NotAllowed')
}

const headerPairs = ({ rawHeaders }: IncomingMessage): (readonly [string, string])[] =>
  Array.from({ length: rawHeaders.length / 2 }, (_, i) => [rawHeaders[2 * i] as string, rawHeaders[2 * i + 1] as string] as const)

const readAnswer = (response: IncomingMessage, settle: { resolve(answer: HttpAnswer): void; reject(error: Error): void }): void => {
  const headers = headerPairs(response)
  if (headers.length > HEADERS_MAX) return settle.reject(refused('TooManyHeaders'))
  if (Number(response.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return settle.reject(refused('ResponseTooLarge'))
  const chunks: Buffer[] = []
  let size = 0
  response.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > BODY_BYTES_MAX) settle.reject(refused('ResponseTooLarge'))
    else chunks.push(chunk)
  })
  response.on('error', (cause) => settle.reject(refused('NetworkError', cause)))
  response.on('aborted', () => settle.reject(refused('NetworkError')))
  response.on('end', () => {
    settle.resolve({ ok: true, value: { statusCode: response.statusCode ?? 0, reasonPhrase: response.statusMessage ?? '', headers, body: new Uint8Array(Buffer.concat(chunks)) } })
  })
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Where a redirect leads; undefined where the answer is none. */
const nextHop = (hop: Hop, response: IncomingMessage): Hop | undefined => {
  const { location } = response.headers
  const status = response.statusCode ?? 0
  if (!REDIRECTS.has(status) || location === undefined) return undefined
  const url = parseUrl(location, hop.url)
  const headers = url.origin === hop.url.origin ? hop.headers : hop.headers.filter(([key]) => !PRIVATE_HEADERS.has(key.toLowerCase()))
  const keepsMethod = status === 307 || status === 308 || hop.method === 'GET' || hop.method === 'HEAD'
  return keepsMethod ? { ...hop, url, headers } : { url, method: 'GET', headers: headers.filter(([key]) => !/^content-/i.test(key)), body: new Uint8Array(0) }
}

/** One exchange: an answer, or the next hop. */
const exchange = (hop: Hop, options: { readonly lookup: LookupFunction; readonly signal: AbortSignal }): Promise<HttpAnswer | Hop> =>
  new Promise((resolve, reject) => {
    const { url, method, headers, body } = hop
    const flat = headers.flatMap(([key, value]) => [key, value])
    const hasBody = body.length > 0 || method === 'POST' || method === 'PUT' || method === 'PATCH'
    const settings: RequestOptions = {
      method, lookup: options.lookup, signal: options.signal, agent: false, maxHeaderSize: HEADER_BYTES_MAX,
      headers: [...flat, 'Host', url.host, ...(hasBody ? ['Content-Length', String(body.length)] : [])],
    }
    const sent: ClientRequest = url.protocol === 'https:' ? httpsRequest(url, settings) : httpRequest(url, settings)
    const finish = (settle: () => void): void => {
      settle()
      sent.destroy()
    }
    sent.on('error', (error) => reject(error))
    sent.on('upgrade', () => finish(() => reject(refused('NetworkError'))))
    sent.on('response', (response) => {
      try {
        const next = nextHop(hop, response)
        if (next !== undefined) return finish(() => resolve(next))
      } catch (error) {
        return finish(() => reject(error as Error))
      }
      readAnswer(response, { resolve: (answer) => finish(() => resolve(answer)), reject: (error) => finish(() => reject(error)) })
    })
    sent.end(Buffer.from(body))
  })

const UNREACHABLE: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', 'EADDRNOTAVAIL', 'ENODATA', 'ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'EBADNAME'])

/** How a failure is told to the contract: nobody reachable is an answer of its own. */
const answerOf = (error: unknown, isLate: boolean): HttpAnswer => {
  if (isLate) return { ok: false, error: { kind: 'Timeout' } }
  for (let each: unknown = error; each instanceof Error; each = each.cause) if (isAppError(each, 'QUERY_HTTP_FAILED')) return { ok: false, error: { kind: each.context.kind as ErrorKind } }
  const code = error instanceof Error ? String((error as NodeJS.ErrnoException).code) : ''
  if (code === 'HPE_HEADER_OVERFLOW') return { ok: false, error: { kind: 'TooManyHeaders' } }
  if (UNREACHABLE.has(code)) return { ok: true, value: { statusCode: 523, reasonPhrase: 'Unreachable', headers: [], body: new Uint8Array(0) } }
  return { ok: false, error: { kind: 'NetworkError' } }
}

/** The way of a worker to the outside. `isAllowed` says which addresses may be talked to: public ones, unless told otherwise by a test, as are `nameServers`. */
export const createHttpFetch = (options: Partial<Guard> = {}): HttpFetch => {
  const isAllowed = options.isAllowed ?? isPublicAddress
  const lookup = guardedLookup({ isAllowed, nameServers: options.nameServers })
  return async (request, { timeoutMs, signal }) => {
    const late = AbortSignal.timeout(Math.max(timeoutMs, 1))
    const stop = signal === undefined ? late : AbortSignal.any([late, signal])
    try {
      let hop = firstHop(request)
      for (let i = 0; i <= REDIRECTS_MAX; i++) {
        assertAllowed(hop.url, isAllowed)
        const found = await exchange(hop, { lookup, signal: stop })
        if ('ok' in found) return found
        hop = found
      }
      throw refused('NetworkError')
    } catch (error) {
      return answerOf(error, late.aborted)
    }
  }
}
