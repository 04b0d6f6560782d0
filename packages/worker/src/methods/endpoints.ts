/** Owns the handlers around the worker's public addresses. */
import { textUpTo, u8, vecUpTo } from '@phalanx/primitives/codec'
import { type endpointMethods, type GetEndpointResponse } from '../api/endpoints.ts'
import type { Handlers } from '../api/schema.ts'
import { ENDPOINT_PAYLOAD_BYTES_MAX, signEndpointList } from '../core/endpoints.ts'
import { createEntropy } from '../core/entropy.ts'
import type { LiveState } from '../core/state.ts'
import { assertLive } from '../core/step.ts'
import type { MethodContext } from './context.ts'

const UrlList = vecUpTo(textUpTo(ENDPOINT_PAYLOAD_BYTES_MAX), 64)

const answer = (signed: LiveState['endpoints']['signed']): GetEndpointResponse =>
  signed === undefined ? {} : { encodedEndpointPayload: signed.payload, signature: signed.signature }

/** Handlers of `endpointMethods`. */
export const endpointHandlers: Handlers<typeof endpointMethods, MethodContext> = {
  async AddEndpoint(context, params) {
    const value = { type: u8.decode(params.encodedEndpointType), url: params.endpoint, entropy: context.entropy() }
    return answer(assertLive(await context.dispatch({ kind: 'addEndpoint', value })).endpoints.signed)
  },
  async RefreshEndpointSigningTime(context) {
    return answer(assertLive(await context.dispatch({ kind: 'signEndpoints', value: { entropy: context.entropy() } })).endpoints.signed)
  },
  GetEndpointInfo: (context) => answer(assertLive(context.state()).endpoints.signed),
  SignEndpointInfo(context, params) {
    const { crypto } = context.core
    return answer(signEndpointList(crypto, assertLive(context.state()), UrlList.decode(params.encodedEndpoints), createEntropy(crypto, context.entropy())))
  },
}
