/** Owns the putting of gatekeeper code's questions to the root secret: one call each, every failure an answer. */
import { isAppError } from '@phalanx/primitives/errors'
import { KeyDistribution, type EncryptedKey } from '@phalanx/primitives/messages'
import type { RootAnswer, RootCall } from '../gatekeeper/root-calls.ts'
import type { RootSecret } from './root-secret.ts'

const ask = async (root: RootSecret, call: RootCall): Promise<RootAnswer> => {
  switch (call.kind) {
    case 'launch': await root.launch(call.value); break
    case 'inventory': break
    case 'accept': await root.accept(call.value); break
    case 'retire': await root.retire(call.value); break
    case 'beacon': return { kind: 'beacon', value: (await root.beacon(call.value)).value }
    case 'admit': return { kind: 'admitted', value: KeyDistribution.encode(await root.admit(call.value)) }
    case 'rotate': {
      const secretKeys = await root.rotate(call.value)
      if (secretKeys !== undefined) return { kind: 'proposed', value: secretKeys }
      break
    }
    case 'sealCluster': return { kind: 'clusterSealed', value: await sealCluster(root, call.value) }
  }
  return { kind: 'held', value: await root.held() }
}

/** A worker whose ECDH key is none is left out, rather than that the others wait for it. */
const sealCluster = async (root: RootSecret, { cluster, epoch, recipients }: Extract<RootCall, { kind: 'sealCluster' }>['value']) => {
  const label = { kind: 'cluster', id: cluster } as const
  const secretKeys: (readonly [Uint8Array, EncryptedKey])[] = []
  for (const { pubkey, ecdhPubkey } of recipients) {
    try {
      secretKeys.push([pubkey, await root.sealTo({ recipient: ecdhPubkey, label, epoch })])
    } catch (error) {
      if (!isAppError(error) || error.code !== 'CRYPTO_INVALID_KEY') throw error
    }
  }
  return { publicKey: await root.publicKey(epoch, label), secretKeys }
}

/** Asks and answers; never throws for what the world does. */
export const performRootCall = async (root: RootSecret, call: RootCall): Promise<RootAnswer> => {
  try {
    return await ask(root, call)
  } catch (error) {
    if (!isAppError(error)) throw error
    if (error.code === 'ROOT_KEY_MISSING') return { kind: 'missing', value: await root.held() }
    return { kind: 'failed', value: { code: error.code } }
  }
}
