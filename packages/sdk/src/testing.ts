/** Owns fakes for tests of whoever builds on the SDK: a clock that moves when told, a socket without a network. */
import type { Clock, Random } from '@phalanx/primitives/ports'
import type { SocketLike } from './transport.ts'

/** A clock under the test's hand. */
export interface FakeClock extends Clock {
  /** Moves time and runs what falls due, in order. */
  advance(ms: number): void
}

/** A clock that stands still until moved. */
export const createFakeClock = (startMs = 0): FakeClock => {
  let nowMs = startMs
  let timers: { readonly atMs: number; readonly callback: () => void }[] = []
  return {
    nowMs: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback }
      timers.push(timer)
      return () => (timers = timers.filter((other) => other !== timer))
    },
    advance(ms) {
      const endMs = nowMs + ms
      for (;;) {
        const due = timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
        if (due === undefined) break
        timers = timers.filter((other) => other !== due)
        nowMs = Math.max(nowMs, due.atMs)
        due.callback()
      }
      nowMs = endMs
    },
  }
}

/** Randomness that is always the same byte. */
export const constantRandom = (byte = 0): Random => ({ bytes: (length) => new Uint8Array(length).fill(byte) })

/** A socket whose other end is the test. */
export interface FakeSocket extends SocketLike {
  readonly url: string
  readonly sent: { readonly id: number; readonly method: string; readonly params: readonly unknown[] }[]
  isClosed: boolean
  open(): void
  receive(message: unknown): void
  /** Answers the last request of that method. */
  answer(method: string, result: unknown): void
  drop(reason?: string): void
}

/** Makes sockets and keeps them for the test, the newest last. */
export const createFakeSockets = (): { readonly sockets: FakeSocket[]; readonly createSocket: (url: string) => SocketLike } => {
  const sockets: FakeSocket[] = []
  const createSocket = (url: string): SocketLike => {
    const socket: FakeSocket = {
      url, sent: [], isClosed: false, onopen: null, onmessage: null, onclose: null, onerror: null,
      send: (text) => void socket.sent.push(JSON.parse(text) as FakeSocket['sent'][number]),
      close: () => void (socket.isClosed = true),
      open: () => (socket.onopen as (() => void) | null)?.(),
      receive: (message) => socket.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) }),
      answer(method, result) {
        const request = [...socket.sent].reverse().find((sent) => sent.method === method)
        socket.receive({ jsonrpc: '2.0', id: request?.id ?? -1, result })
      },
      drop: (reason = '') => socket.onclose?.({ reason }),
    }
    sockets.push(socket)
    return socket
  }
  return { sockets, createSocket }
}
