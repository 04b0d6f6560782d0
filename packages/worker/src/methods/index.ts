/** Owns the one table of handlers; it has the shape of `workerApi`, so that a method without a handler does not compile. */
import { workerApi, type WorkerApi } from '../api/index.ts'
import type { Handlers, Method } from '../api/schema.ts'
import { chainHandlers, feedHandlers } from './chain.ts'
import { clusterStateHandlers } from './cluster.ts'
import type { MethodContext } from './context.ts'
import { contractInfoHandlers } from './contract-info.ts'
import { contractQueryHandlers, sealedQueryHandlers } from './contract-queries.ts'
import { endpointHandlers } from './endpoints.ts'
import { handoverEndHandlers, handoverHandlers } from './handover.ts'
import { infoHandlers, statusHandlers } from './info.ts'
import { registrationHandlers } from './registration.ts'

const handlers: { readonly [S in keyof WorkerApi]: Handlers<WorkerApi[S], MethodContext> } = {
  PhactoryAPI: { ...infoHandlers, ...registrationHandlers, ...chainHandlers, ...clusterStateHandlers, ...endpointHandlers, ...handoverHandlers, ...contractInfoHandlers, ...contractQueryHandlers },
  PhalanxAPI: { ...statusHandlers, ...feedHandlers, ...handoverEndHandlers, ...sealedQueryHandlers },
}

/** A method with its handler, types forgotten: what routing needs. */
export interface Route {
  readonly method: Method<unknown, unknown>
  readonly handle: (context: MethodContext, params: unknown) => unknown
}

/** Routes by `<service>.<method>`. */
export const routes: ReadonlyMap<string, Route> = new Map(
  Object.entries(workerApi).flatMap(([service, methods]) =>
    Object.entries(methods).map(([name, method]) => [
      `${service}.${name}`,
      { method: method as Route['method'], handle: (handlers as unknown as Record<string, Record<string, Route['handle']>>)[service]?.[name] as Route['handle'] },
    ]),
  ),
)
