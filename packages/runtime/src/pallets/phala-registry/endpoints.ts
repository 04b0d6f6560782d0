/** Owns the endpoints that workers publish (registry.md section 8). */
import { wrapSignedContent, WorkerEndpointPayload } from '@phalanx/primitives/messages'
import { now } from '../timestamp/storage.ts'
import type { RegistryContext } from './declaration.ts'
import { SIGNATURE_BYTES } from './sender-key.ts'
import * as storage from './storage.ts'

/** How old signed endpoints may be, in milliseconds: four hours. */
const ENDPOINT_AGE_MS_MAX = 14_400_000n

/** Stores endpoints that a registered worker signed. Fails with InvalidSignatureLength, InvalidSignature, InvalidEndpointSigningTime, InvalidPubKey. */
export const updateWorkerEndpoint = (ctx: RegistryContext, payload: WorkerEndpointPayload, signature: Uint8Array): void => {
  const { pubkey, signingTime } = payload
  if (signature.length !== SIGNATURE_BYTES) ctx.fail('InvalidSignatureLength')
  const message = wrapSignedContent('endpointInfo', WorkerEndpointPayload.encode(payload))
  if (!ctx.verify({ kind: 'sr25519', signature, message, publicKey: pubkey })) ctx.fail('InvalidSignature')
  const nowMs = now.get(ctx)
  if (signingTime >= nowMs || nowMs > signingTime + ENDPOINT_AGE_MS_MAX) ctx.fail('InvalidEndpointSigningTime')
  if (!storage.workers.has(ctx, pubkey)) ctx.fail('InvalidPubKey')
  storage.endpoints.set(ctx, pubkey, payload.versionedEndpoints)
  ctx.emit('WorkerEndpointUpdated', { pubkey })
}
