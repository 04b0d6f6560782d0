/** Owns one signature check. */
import { bytesEqual } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { SignatureCheck } from '@phalanx/runtime/frame'

/** Makes a check, the way the runtime would. */
export const checkSignature = (crypto: Crypto, check: SignatureCheck): boolean => {
  const { signature, message, publicKey } = check
  if (check.kind === 'sr25519') return crypto.sr25519.verify(signature, message, publicKey)
  if (check.kind === 'ed25519') return crypto.ed25519.verify(signature, message, publicKey)
  const signer = crypto.secp256k1.recover(signature, crypto.blake2b256(message))
  return signer !== undefined && bytesEqual(crypto.blake2b256(signer), publicKey)
}

/** Whether two checks ask the same, byte for byte. */
export const isSameCheck = (a: SignatureCheck, b: SignatureCheck): boolean =>
  a.kind === b.kind && bytesEqual(a.signature, b.signature) && bytesEqual(a.publicKey, b.publicKey) && bytesEqual(a.message, b.message)
