/** Public face of `@phalanx/worker/api`: every service, method and message, and the names of methods that are not offered yet. */
import { chainMethods, feedMethods } from './chain.ts'
import { contractMethods, sealedQueryMethods } from './contracts.ts'
import { clusterStateMethods } from './cluster.ts'
import { endpointMethods } from './endpoints.ts'
import { handoverEndMethods, handoverMethods } from './handover.ts'
import { infoMethods, statusMethods } from './info.ts'
import { registrationMethods } from './registration.ts'

export * from './chain.ts'
export * from './cluster.ts'
export * from './common.ts'
export * from './contracts.ts'
export * from './endpoints.ts'
export * from './handover.ts'
export * from './info.ts'
export * from './registration.ts'
export type { Field, Fields, Handlers, MessageOf, MessageSchema, Method, Methods, ParamsOf, ResultOf, ScalarType } from './schema.ts'
export { METHODS_NOT_OFFERED, type NotOfferedMethod } from './not-offered.ts'

/** Services and their methods by wire name; a route is `/prpc/<service>.<method>`. */
export const workerApi = {
  PhactoryAPI: { ...infoMethods, ...registrationMethods, ...chainMethods, ...clusterStateMethods, ...endpointMethods, ...handoverMethods, ...contractMethods },
  PhalanxAPI: { ...statusMethods, ...feedMethods, ...handoverEndMethods, ...sealedQueryMethods },
} as const
/** Type of the whole API. */
export type WorkerApi = typeof workerApi
