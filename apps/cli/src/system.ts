/** Owns the real outside world of the processes this binary runs: clock, randomness, logs, sockets and HTTP. */
import { randomBytes } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { silentLogger, type Clock, type Logger, type Random } from '@phalanx/primitives/ports'
import type { HttpAnswer, HttpClient, HttpRequest, SocketLike } from '@phalanx/sdk'
import type { CliIo } from './output.ts'
import { toJson } from './output.ts'
import type { LogLevel } from './log-levels.ts'

/** The wall clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

/** The operating system's randomness. */
export const systemRandom: Random = { bytes: (length) => new Uint8Array(randomBytes(length)) }

const errorFields = (error: unknown): Record<string, unknown> => {
  if (error === undefined) return {}
  return { error: isAppError(error) ? { code: error.code, message: error.message } : error instanceof Error ? { message: error.message, stack: error.stack } : String(error) }
}

/** Logs as JSON lines on stderr, by pino, which is loaded only when somebody wants logs. */
export const createLogger = async (options: { readonly level: LogLevel; readonly name: string }): Promise<Logger> => {
  if (options.level === 'silent') return silentLogger
  const { pino, destination } = await import('pino')
  const log = pino({ name: options.name, level: options.level, timestamp: () => `,"time":"${new Date().toISOString()}"`, formatters: { level: (label) => ({ level: label }) } }, destination({ dest: 2, sync: true }))
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, data: Readonly<Record<string, unknown>> = {}, error?: unknown): void => {
    if (log.isLevelEnabled(level)) log[level](JSON.parse(toJson({ ...data, ...errorFields(error) })) as object, message)
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** A factory of WebSockets with a bound on message size. The library is loaded here, once. */
export const loadSockets = async (): Promise<(url: string) => SocketLike> => {
  const { WebSocket } = await import('ws')
  return (url) => new WebSocket(url, { maxPayload: 64 * 1024 * 1024, perMessageDeflate: false, skipUTF8Validation: false }) as unknown as SocketLike
}

const collect = (request: HttpRequest, answer: import('node:http').IncomingMessage, resolve: (value: HttpAnswer) => void, reject: (error: unknown) => void): void => {
  const parts: Buffer[] = []
  let size = 0
  answer.on('data', (part: Buffer) => {
    size += part.length
    parts.push(part)
    if (size > request.maxBytes) answer.destroy(new AppError('SDK_HTTP_FAILED', { url: request.url, reason: `the answer exceeds ${request.maxBytes} bytes` }))
  })
  answer.on('error', reject)
  answer.on('end', () => {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(answer.headers)) if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
    resolve({ status: answer.statusCode ?? 0, headers, body: new Uint8Array(Buffer.concat(parts, size)) })
  })
}

/** HTTP and HTTPS with kept connections. Close it so that the process can end. */
export const createHttpClient = (): { readonly request: HttpClient; close(): void } => {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const send = async (request: HttpRequest): Promise<HttpAnswer> => {
    const { url, method, headers = {}, body, timeoutMs } = request
    const isSecure = url.startsWith('https:')
    const open = isSecure ? (await import('node:https')).request : httpRequest
    return new Promise<HttpAnswer>((resolve, reject) => {
      const outgoing = open(url, { method, headers: { ...headers, 'content-length': String(body?.length ?? 0) }, ...(isSecure ? {} : { agent }) }, (answer) => collect(request, answer, resolve, reject))
      const timer = setTimeout(() => outgoing.destroy(new AppError('SDK_HTTP_FAILED', { url, reason: `no answer within ${timeoutMs} ms` })), timeoutMs)
      outgoing.on('error', reject)
      outgoing.on('close', () => clearTimeout(timer))
      outgoing.end(body)
    })
  }
  return {
    async request(request) {
      for (let isRetry = false; ; isRetry = true) {
        try {
          return await send(request)
        } catch (cause) {
          // A kept connection that the other side closed at this very moment: once more over a new one.
          if (!isRetry && (cause as { code?: unknown }).code === 'ECONNRESET') continue
          if (isAppError(cause)) throw cause
          throw new AppError('SDK_HTTP_FAILED', { url: request.url, reason: cause instanceof Error ? cause.message : 'no answer' }, { cause })
        }
      }
    },
    close: () => agent.destroy(),
  }
}

/** Who reads what is printed may have enough of it (`| head`): that ends the process, and is no error. */
const endWithReader = (cause: NodeJS.ErrnoException): void => {
  if (cause.code === 'EPIPE') process.exit(0)
  throw new AppError('CLI_UNEXPECTED', { reason: cause.message }, { cause })
}

/** The process's own streams and environment. */
export const processIo = (): CliIo => {
  if (!process.stdout.listeners('error').includes(endWithReader)) process.stdout.on('error', endWithReader)
  return { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin, env: process.env }
}
