/** Owns what clients of clusters need from outside, and the defaults that every browser and Node offer: clock, randomness, fetch, WebSocket, cryptography. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/backend'
import { AppError } from '@phalanx/primitives/errors'
import { silentLogger, type Clock, type Logger, type Random } from '@phalanx/primitives/ports'
import '../errors.ts'
import { createFetchClient, type FetchLike, type HttpClient } from '../http.ts'
import type { SocketLike } from '../transport.ts'

/** The outside world of a client. */
export interface Surroundings {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly random: Random
  readonly http: HttpClient
  readonly createSocket: (url: string) => SocketLike
  readonly logger: Logger
}

/** A WebSocket class: the browser's own, or that of the `ws` package. */
export type SocketClass = new (url: string) => unknown

/** The globals that are used where nothing is handed in; one that is absent is asked for only when it is needed. */
interface Globals {
  readonly fetch?: unknown
  readonly WebSocket?: SocketClass
  readonly AbortSignal: { timeout(ms: number): unknown }
  readonly crypto: { getRandomValues<T extends Uint8Array>(bytes: T): T }
  setTimeout(callback: () => void, ms: number): unknown
  clearTimeout(timer: never): void
}

/** Browsers hand out at most so many random bytes at a time. */
const RANDOM_BYTES_MAX = 65_536

const globals = (): Globals => globalThis as unknown as Globals

const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = globals().setTimeout(callback, delayMs)
    return () => globals().clearTimeout(timer as never)
  },
}

const systemRandom: Random = {
  bytes(length) {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += RANDOM_BYTES_MAX) globals().crypto.getRandomValues(bytes.subarray(at, at + RANDOM_BYTES_MAX))
    return bytes
  },
}

const socketsOf = (given: SocketClass | undefined): ((url: string) => SocketLike) => (url) => {
  const Socket = given ?? globals().WebSocket
  if (Socket === undefined) throw new AppError('SDK_SOCKET_ABSENT', {})
  return new Socket(url) as SocketLike
}

/** The given parts, and the platform's own for the others. `WebSocket`: a class, where the platform has none. */
export const createSurroundings = async (given: Partial<Surroundings> & { readonly WebSocket?: SocketClass | undefined } = {}): Promise<Surroundings> => ({
  crypto: given.crypto ?? (await loadCrypto()),
  clock: given.clock ?? systemClock,
  random: given.random ?? systemRandom,
  // Looked up when it is called, and without an owner: browsers refuse a fetch that was taken from its window.
  http: given.http ?? createFetchClient((url, init) => (globals().fetch as FetchLike)(url, init), (ms) => globals().AbortSignal.timeout(ms)),
  createSocket: given.createSocket ?? socketsOf(given.WebSocket),
  logger: given.logger ?? silentLogger,
})
