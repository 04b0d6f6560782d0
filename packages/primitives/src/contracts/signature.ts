/** Owns the nine kinds of signature under certificates and queries, and the check of one (worker_api.md section 7). Does not own chains of certificates. */
import { bytesEqual, concatBytes, utf8 } from '../bytes.ts'
import { variant, type TypeOf } from '../codec/index.ts'
import type { Crypto } from '../crypto/crypto.ts'
import type { AccountMapping } from './accounts.ts'
import { normaliseRecovery, typedDataHash, type SignedSubject } from './eip712.ts'

/** Kind of a signature; the number is the wire's. */
export const SignatureType = variant('SignatureType', {
  Ed25519: { index: 0 }, Sr25519: { index: 1 }, Ecdsa: { index: 2 }, Ed25519WrapBytes: { index: 3 }, Sr25519WrapBytes: { index: 4 }, EcdsaWrapBytes: { index: 5 },
  Eip712: { index: 6 }, EvmEcdsa: { index: 7 }, EvmEcdsaWrapBytes: { index: 8 },
})
export type SignatureType = TypeOf<typeof SignatureType>
/** Name of a kind. */
export type SignatureTypeName = SignatureType['kind']

/** What a kind means: the scheme, whether the message is wrapped as wallets do, and how the account follows from the key. */
interface Rule {
  readonly scheme: 'ed25519' | 'sr25519' | 'ecdsa' | 'eip712'
  readonly isWrapped: boolean
  readonly mapping: AccountMapping
}

const RULES: Readonly<Record<SignatureTypeName, Rule>> = {
  Ed25519: { scheme: 'ed25519', isWrapped: false, mapping: 'key' },
  Sr25519: { scheme: 'sr25519', isWrapped: false, mapping: 'key' },
  Ecdsa: { scheme: 'ecdsa', isWrapped: false, mapping: 'hashed' },
  Ed25519WrapBytes: { scheme: 'ed25519', isWrapped: true, mapping: 'key' },
  Sr25519WrapBytes: { scheme: 'sr25519', isWrapped: true, mapping: 'key' },
  EcdsaWrapBytes: { scheme: 'ecdsa', isWrapped: true, mapping: 'hashed' },
  Eip712: { scheme: 'eip712', isWrapped: false, mapping: 'evm' },
  EvmEcdsa: { scheme: 'ecdsa', isWrapped: false, mapping: 'evm' },
  EvmEcdsaWrapBytes: { scheme: 'ecdsa', isWrapped: true, mapping: 'evm' },
}

/** How the account of a signer follows from its key. */
export const mappingOf = (type: SignatureTypeName): AccountMapping => RULES[type].mapping

const WRAP_START = utf8('<Bytes>')
const WRAP_END = utf8('</Bytes>')
const ECDSA_BYTES = 65

/** The message as wallets sign it when they are asked for raw bytes. */
export const wrapBytes = (message: Uint8Array): Uint8Array => concatBytes(WRAP_START, message, WRAP_END)

type Verifying = Pick<Crypto, 'sr25519' | 'ed25519' | 'secp256k1' | 'blake2b256' | 'keccak256'>

/** Whether a signature of some kind over a message is by this key. False for anything malformed. */
export const verifyTypedSignature = (
  crypto: Verifying,
  options: { readonly type: SignatureTypeName; readonly signature: Uint8Array; readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly subject: SignedSubject },
): boolean => {
  const { signature, publicKey } = options
  const { scheme, isWrapped } = RULES[options.type]
  const message = isWrapped ? wrapBytes(options.message) : options.message
  if (scheme === 'ed25519') return crypto.ed25519.verify(signature, message, publicKey)
  if (scheme === 'sr25519') return crypto.sr25519.verify(signature, message, publicKey)
  if (signature.length !== ECDSA_BYTES) return false
  const signer = scheme === 'ecdsa'
    ? crypto.secp256k1.recover(signature, crypto.blake2b256(message))
    : crypto.secp256k1.recover(normaliseRecovery(signature), typedDataHash(crypto, options.subject, message))
  return signer !== undefined && bytesEqual(signer, publicKey)
}
