/** Owns the worker's public addresses and their signed form. */
import { AppError } from '@phalanx/primitives/errors'
import { WorkerEndpointPayload, wrapSignedContent } from '@phalanx/primitives/messages'
import type { Crypto } from '@phalanx/primitives/crypto'
import { createEntropy, type Entropy } from './entropy.ts'
import type { LiveState } from './state.ts'

/** Most bytes of an encoded payload. */
export const ENDPOINT_PAYLOAD_BYTES_MAX = 2048
/** Types by their wire byte. */
const ENDPOINT_TYPES = [0, 1]

type SigningCrypto = Pick<Crypto, 'sr25519' | 'hkdfSha256'>

/** A list of endpoints signed by the identity, dated with the last block's time. @throws WORKER_ENDPOINT_INVALID */
export const signEndpointList = (
  crypto: SigningCrypto, state: LiveState, urls: readonly string[], entropy: Entropy,
): { readonly payload: Uint8Array; readonly signature: Uint8Array } => {
  if (urls.length > 64 || urls.some((url) => url.length > ENDPOINT_PAYLOAD_BYTES_MAX)) throw new AppError('WORKER_ENDPOINT_INVALID', { reason: 'it is too long' })
  const payload = WorkerEndpointPayload.encode({
    pubkey: state.keys.identity.publicKey, versionedEndpoints: { kind: 'V1', value: urls }, signingTime: state.follow.head.timeMs,
  })
  if (payload.length > ENDPOINT_PAYLOAD_BYTES_MAX) throw new AppError('WORKER_ENDPOINT_INVALID', { reason: `it takes ${payload.length} bytes` })
  const signature = crypto.sr25519.sign(state.keys.identity.secret.reveal(), wrapSignedContent('endpointInfo', payload), entropy.next('endpoints'))
  return { payload, signature }
}

const isUrl = (url: string): boolean => /^https?:\/\/[^\s\p{Cc}]+$/u.test(url)

/** Signs the kept endpoints anew. @throws WORKER_ENDPOINT_NONE */
export const signEndpoints = (core: { readonly crypto: SigningCrypto }, state: LiveState, entropy: Entropy): LiveState => {
  const { urls } = state.endpoints
  if (urls.length === 0) throw new AppError('WORKER_ENDPOINT_NONE', {})
  return { ...state, endpoints: { urls, signed: signEndpointList(core.crypto, state, urls.map(([, url]) => url), entropy) } }
}

/** Adds or replaces the endpoint of one type and signs the list. @throws WORKER_ENDPOINT_INVALID */
export const addEndpoint = (
  core: { readonly crypto: SigningCrypto }, state: LiveState, input: { readonly type: number; readonly url: string; readonly entropy: Uint8Array },
): LiveState => {
  if (!ENDPOINT_TYPES.includes(input.type)) throw new AppError('WORKER_ENDPOINT_INVALID', { reason: `its type ${input.type} is unknown` })
  if (!isUrl(input.url)) throw new AppError('WORKER_ENDPOINT_INVALID', { reason: 'it is not an http or https URL' })
  const urls = [...state.endpoints.urls.filter(([type]) => type !== input.type), [input.type, input.url] as const].sort((a, b) => a[0] - b[0])
  return signEndpoints(core, { ...state, endpoints: { ...state.endpoints, urls } }, createEntropy(core.crypto, input.entropy))
}
