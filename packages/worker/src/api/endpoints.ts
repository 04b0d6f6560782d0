/** Owns the methods around the worker's public addresses. */
import { Empty } from './common.ts'
import { KIB, bytes, message, method, optional, string, type MessageOf } from './schema.ts'

/** `encodedEndpointType` is one byte: 0 I2P, 1 HTTP. */
export const AddEndpointRequest = message('AddEndpointRequest', { encodedEndpointType: bytes(1), endpoint: string(2) })
/** SCALE `Vec<String>`. */
const SignEndpointsRequest = message('SignEndpointsRequest', { encodedEndpoints: bytes(1) })
/** SCALE `WorkerEndpointPayload` and the identity's signature over `ff 02` ‖ payload. */
export const GetEndpointResponse = message('GetEndpointResponse', { encodedEndpointPayload: optional(bytes(1)), signature: optional(bytes(2)) })
export type GetEndpointResponse = MessageOf<typeof GetEndpointResponse>

/** Methods of the service PhactoryAPI. */
export const endpointMethods = {
  AddEndpoint: method({
    doc: 'Adds or replaces the endpoint of one type and signs the list.', params: AddEndpointRequest, result: GetEndpointResponse, access: 'private', kind: 'command', limitBytes: 10 * KIB,
  }),
  RefreshEndpointSigningTime: method({
    doc: 'Signs the endpoints again with the time of the last block.', params: Empty, result: GetEndpointResponse, access: 'private', kind: 'command', limitBytes: 10 * KIB,
  }),
  GetEndpointInfo: method({ doc: 'The signed endpoints, if any.', params: Empty, result: GetEndpointResponse, access: 'private', kind: 'query', limitBytes: KIB }),
  SignEndpointInfo: method({
    doc: 'Signs a list of endpoints without keeping it.', params: SignEndpointsRequest, result: GetEndpointResponse, access: 'private', kind: 'command', limitBytes: 32 * KIB,
  }),
} as const
