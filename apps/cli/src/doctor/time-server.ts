/** Owns asking a time server (SNTP, RFC 4330) how far this machine's clock is off. One question, no dependence on the answer's honesty. */
import { createSocket } from 'node:dgram'
import { AppError } from '@phalanx/primitives/errors'
import '../errors.ts'

const PORT = 123
const PACKET_BYTES = 48
const TIMEOUT_MS = 3_000
/** Seconds from 1900 to 1970. */
const EPOCH_SECONDS = 2_208_988_800
const FRACTIONS_PER_MS = 2 ** 32 / 1000
/** Version 4, mode 3: a client asks. */
const CLIENT = 0x23
const SERVER_MODE = 4

const timeAt = (view: DataView, offset: number): number => (view.getUint32(offset) - EPOCH_SECONDS) * 1000 + view.getUint32(offset + 4) / FRACTIONS_PER_MS

/** Offset out of an answer: how far `nowMs` was ahead when it came. Undefined for what is no answer. */
export const parseTimeAnswer = (packet: Uint8Array, times: { readonly askedMs: number; readonly answeredMs: number }): number | undefined => {
  if (packet.length < PACKET_BYTES) return undefined
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const stratum = view.getUint8(1)
  if ((view.getUint8(0) & 7) !== SERVER_MODE || stratum === 0 || stratum > 15) return undefined
  const theirs = (timeAt(view, 32) + timeAt(view, 40)) / 2
  return (times.askedMs + times.answeredMs) / 2 - theirs
}

/** Milliseconds by which `nowMs` is ahead of the clock of a server, `host` or `host:port`. @throws CLI_TIME_SERVER_FAILED */
export const askTimeServer = (server: string, nowMs: () => number): Promise<number> =>
  new Promise((resolve, reject) => {
    const [, host = server, port = String(PORT)] = /^([^:]+):(\d{1,5})$/.exec(server) ?? []
    const socket = createSocket('udp4')
    const askedMs = nowMs()
    const end = (act: () => void): void => {
      clearTimeout(timer)
      socket.close()
      act()
    }
    const failed = (reason: string, cause?: unknown): AppError => new AppError('CLI_TIME_SERVER_FAILED', { server, reason }, { cause })
    const timer = setTimeout(() => end(() => reject(failed('no answer'))), TIMEOUT_MS)
    socket.once('error', (error) => end(() => reject(failed(error.message, error))))
    socket.once('message', (packet) => {
      const offset = parseTimeAnswer(new Uint8Array(packet), { askedMs, answeredMs: nowMs() })
      end(() => (offset === undefined ? reject(failed('the answer is no time')) : resolve(offset)))
    })
    const question = Buffer.alloc(PACKET_BYTES)
    question[0] = CLIENT
    socket.send(question, Number(port), host, (error) => {
      if (error !== null) end(() => reject(failed(error.message, error)))
    })
  })
