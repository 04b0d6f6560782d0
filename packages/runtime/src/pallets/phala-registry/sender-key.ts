/** Owns which public key authenticates a message's sender (registry.md section 7, "Message authentication"). */
import type { MessageOrigin } from '@phalanx/primitives/messages'
import * as storage from './storage.ts'
import type { RegistryContext } from './declaration.ts'

/** Length of an sr25519 signature. */
export const SIGNATURE_BYTES = 64

/** The key a sender signs with. Fails with UnknownCluster, UnknownContract, MasterKeyUninitialized or CannotHandleUnknownMessage. */
export const senderPublicKey = (ctx: RegistryContext, sender: MessageOrigin): Uint8Array => {
  switch (sender.kind) {
    case 'Worker':
      return sender.value
    case 'Cluster':
      return storage.clusterKeys.get(ctx, sender.value) ?? ctx.fail('UnknownCluster')
    case 'Contract':
      return storage.contractKeys.get(ctx, sender.value) ?? ctx.fail('UnknownContract')
    case 'Gatekeeper':
      return storage.gatekeeperMasterPubkey.get(ctx) ?? ctx.fail('MasterKeyUninitialized')
    default:
      return ctx.fail('CannotHandleUnknownMessage')
  }
}
