/** Owns how simulated accounts act on the chain: calls by their names, signed with the account's next nonce. Decides nothing about when or what. */
import { encodeExtrinsic, SignedExtra, signingPayload } from '@phalanx/primitives/chain'
import type { Crypto, Sr25519Pair } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { systemStorage } from '@phalanx/runtime/storage'
import type { Node } from '@phalanx/node'
import type { Prng } from './prng.ts'

/** A storage item with its key and default. */
interface Readable<K extends readonly unknown[], T> {
  key(hasher: Crypto, ...key: K): Uint8Array
  decode(bytes: Uint8Array | undefined): T
}

/** Reads one value at the node's head. */
export const readHead = <K extends readonly unknown[], T>(node: Node, crypto: Crypto, item: Readable<K, T>, ...key: K): T =>
  item.decode(node.chain.head().state.get(item.key(crypto, ...key)))

/** An immortal extrinsic with the account's nonce at the head. */
const signOrder = (node: Node, order: { readonly call: Uint8Array; readonly by: Sr25519Pair }, dependencies: { readonly crypto: Crypto; readonly prng: Prng }): Uint8Array => {
  const { crypto, prng } = dependencies
  const { specVersion, transactionVersion } = node.runtime.version
  const extra = { era: { kind: 'Immortal' } as const, nonce: readHead(node, crypto, systemStorage.account, order.by.publicKey).nonce, tip: 0n }
  const message = signingPayload(crypto, {
    call: order.call, extraBytes: SignedExtra.encode(extra),
    additional: { specVersion, transactionVersion, genesisHash: node.genesisHash, eraHash: node.genesisHash },
  })
  const signature = crypto.sr25519.sign(order.by.secret, message, prng.bytes(32))
  return encodeExtrinsic({ signed: { address: { kind: 'Id', value: order.by.publicKey }, signature: { kind: 'Sr25519', value: signature }, extra }, call: order.call })
}

/** Signs and submits; false where the node refuses, as it may: another order of the account is on its way. */
export const submitOrder = async (node: Node, order: { readonly call: Uint8Array; readonly by: Sr25519Pair }, dependencies: { readonly crypto: Crypto; readonly prng: Prng }): Promise<boolean> => {
  try {
    await node.submit(signOrder(node, order, dependencies))
    return true
  } catch (error) {
    if (!isAppError(error)) throw error
    return false
  }
}
