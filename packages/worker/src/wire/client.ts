/** Owns the calling side of the worker API: typed methods over an injected transport. Does not own sockets or retries. */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { PrpcError } from '../api/common.ts'
import { workerApi } from '../api/index.ts'
import type { Method, ParamsOf, ResultOf } from '../api/schema.ts'
import { decodeMessage, encodeMessage } from './protobuf.ts'

type Services = typeof workerApi

/** Carries one request: `path` begins with `/prpc/`; resolves with whatever the worker answered, rejects only when it could not be reached. */
export type WorkerTransport = (path: string, body: Uint8Array) => Promise<{ readonly status: number; readonly body: Uint8Array }>

/** Every method of the API as an asynchronous function, by service. Calls reject with WIRE_CALL_FAILED, whose `code` is the worker's own. */
export type WorkerClient = {
  readonly [S in keyof Services]: {
    readonly [M in keyof Services[S]]: (params: ParamsOf<Services[S][M]>) => Promise<ResultOf<Services[S][M]>>
  }
}

const ERROR_CODE = /^(?:DecodeError\()?([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)/

const failureText = (body: Uint8Array): string => {
  try {
    return decodeMessage(PrpcError, body).message
  } catch (error) {
    if (isAppError(error)) return 'an answer that is not a worker\'s'
    throw error
  }
}

const callMethod = async (transport: WorkerTransport, name: string, method: Method<unknown, unknown>, params: unknown): Promise<unknown> => {
  const answer = await transport(`/prpc/${name}`, encodeMessage(method.params, params))
  if (answer.status === 200) return decodeMessage(method.result, answer.body)
  const text = failureText(answer.body)
  throw new AppError('WIRE_CALL_FAILED', { method: name, status: answer.status, code: ERROR_CODE.exec(text)?.[1] ?? '', text })
}

/** A client over a transport. */
export const createWorkerClient = (transport: WorkerTransport): WorkerClient => {
  const services: Record<string, Record<string, (params: unknown) => Promise<unknown>>> = {}
  for (const [service, methods] of Object.entries(workerApi)) {
    const calls: Record<string, (params: unknown) => Promise<unknown>> = {}
    for (const [name, method] of Object.entries(methods))
      calls[name] = (params) => callMethod(transport, `${service}.${name}`, method as Method<unknown, unknown>, params)
    services[service] = calls
  }
  return services as unknown as WorkerClient
}
