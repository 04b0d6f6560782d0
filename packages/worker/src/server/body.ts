/** Owns the reading of request bodies: never more than the limit, never longer than the time allowed. */
import type { IncomingMessage } from 'node:http'
import { AppError } from '@phalanx/primitives/errors'
import type { Clock } from '@phalanx/primitives/ports'

/** Reads a whole body. @throws WIRE_BODY_TOO_LARGE, WIRE_BODY_UNREADABLE */
export const readBody = (request: IncomingMessage, options: { readonly limitBytes: number; readonly timeoutMs: number; readonly clock: Clock }): Promise<Uint8Array> => {
  const { limitBytes, timeoutMs, clock } = options
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return Promise.reject(new AppError('WIRE_BODY_TOO_LARGE', { max: limitBytes }))
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let size = 0
    const cancel = clock.after(timeoutMs, () => finish(() => reject(new AppError('WIRE_BODY_UNREADABLE', {}))))
    const onData = (chunk: Uint8Array): void => {
      size += chunk.length
      if (size > limitBytes) finish(() => reject(new AppError('WIRE_BODY_TOO_LARGE', { max: limitBytes })))
      else chunks.push(chunk)
    }
    const onEnd = (): void => finish(() => resolve(new Uint8Array(Buffer.concat(chunks))))
    const onBroken = (): void => finish(() => reject(new AppError('WIRE_BODY_UNREADABLE', {})))
    const finish = (settle: () => void): void => {
      cancel()
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('aborted', onBroken)
      request.on('error', () => {})
      settle()
    }
    request.on('data', onData).on('end', onEnd).on('error', onBroken).on('aborted', onBroken)
  })
}
