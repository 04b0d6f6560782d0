/** Owns the functions of the chain extension that sign, verify and derive keys. Signing with sr25519 needs randomness, so only queries can. */
import { bytesEqual, concatBytes, EMPTY, utf8 } from '@phalanx/primitives/bytes'
import { extensionForms, type SigType } from '@phalanx/primitives/contracts/extension'
import { deriveKeyPair, type Sr25519Pair } from '@phalanx/primitives/crypto'
import { isAppError } from '@phalanx/primitives/errors'
import { drawRandom, formedFunction, stopWith, type ExtensionContext, type ExtensionFunction } from './extension-function.ts'

const SIGN_GAS = 200_000_000n
const BYTE_GAS = 5_000n
const SEED = 32

const cryptoOf = ({ execution }: ExtensionContext): ExtensionContext['execution']['env']['crypto'] => execution.env.crypto

/** Runs an operation with a key from the contract; a wrong key stops the contract. */
const withKey = <T>(run: () => T): T => {
  try {
    return run()
  } catch (error) {
    throw isAppError(error) && !isAppError(error, 'CONTRACT_TRAPPED') ? stopWith('ContractTrapped', error.message) : error
  }
}

const requireSeed = (key: Uint8Array): Uint8Array => {
  if (key.length !== SEED) throw stopWith('ContractTrapped', `a key of this type has ${SEED} bytes`)
  return key
}

const srPair = (context: ExtensionContext, key: Uint8Array): Sr25519Pair => {
  const { sr25519 } = cryptoOf(context)
  if (key.length !== SEED && key.length !== 2 * SEED) throw stopWith('ContractTrapped', 'an sr25519 key has 32 or 64 bytes')
  return key.length === SEED ? sr25519.pairFromSeed(key) : sr25519.pairFromSecret(key)
}

const charge = (context: ExtensionContext, length: number): void => context.gas.charge(SIGN_GAS + BigInt(length) * BYTE_GAS)

const sign = (context: ExtensionContext, args: { readonly type: SigType['kind']; readonly key: Uint8Array; readonly message: Uint8Array }): Uint8Array => {
  const { type, key, message } = args
  charge(context, message.length)
  const crypto = cryptoOf(context)
  const { mode, query } = context.execution.env
  return withKey(() => {
    if (type === 'Ed25519') return crypto.ed25519.sign(requireSeed(key), message)
    if (type === 'Ecdsa') return crypto.secp256k1.sign(requireSeed(key), crypto.blake2b256(message))
    if (mode !== 'Query' || query === undefined) return EMPTY
    return crypto.sr25519.sign(srPair(context, key).secret, message, drawRandom(context, query, 32))
  })
}

const isEcdsaBy = (context: ExtensionContext, parts: { readonly signature: Uint8Array; readonly hash: Uint8Array; readonly publicKey: Uint8Array }): boolean => {
  if (parts.signature.length !== 65) return false
  const recovered = cryptoOf(context).secp256k1.recover(parts.signature, parts.hash)
  return recovered !== undefined && bytesEqual(recovered, parts.publicKey)
}

const verify = (context: ExtensionContext, args: { readonly type: SigType['kind']; readonly publicKey: Uint8Array; readonly message: Uint8Array; readonly signature: Uint8Array }): boolean => {
  const { type, publicKey, message, signature } = args
  charge(context, message.length)
  const crypto = cryptoOf(context)
  if (type === 'Ecdsa') return isEcdsaBy(context, { signature, hash: crypto.blake2b256(message), publicKey })
  return type === 'Ed25519' ? crypto.ed25519.verify(signature, message, publicKey) : crypto.sr25519.verify(signature, message, publicKey)
}

const publicKeyOf = (context: ExtensionContext, type: SigType['kind'], key: Uint8Array): Uint8Array => {
  charge(context, 0)
  const crypto = cryptoOf(context)
  return withKey(() => {
    if (type === 'Ed25519') return crypto.ed25519.publicKey(requireSeed(key))
    return type === 'Ecdsa' ? crypto.secp256k1.publicKey(requireSeed(key)) : srPair(context, key).publicKey
  })
}

/** Functions by number. */
export const CRYPTO_FUNCTIONS: Readonly<Record<number, ExtensionFunction>> = {
  2: formedFunction(extensionForms.sign, (context, [type, key, message]) => sign(context, { type: type.kind, key, message })),
  3: formedFunction(extensionForms.verify, (context, [type, publicKey, message, signature]) => verify(context, { type: type.kind, publicKey, message, signature })),
  4: formedFunction(extensionForms.deriveSr25519Key, (context, [salt]) => {
    charge(context, salt.length)
    const { env } = context.execution
    return deriveKeyPair(env.crypto, env.clusterSecret, [concatBytes(context.address, salt, utf8('keygen'))]).secret
  }),
  5: formedFunction(extensionForms.publicKey, (context, [type, key]) => publicKeyOf(context, type.kind, key)),
  13: formedFunction(extensionForms.ecdsaSignPrehashed, (context, [key, hash]) => {
    charge(context, 0)
    return withKey(() => cryptoOf(context).secp256k1.sign(requireSeed(key), hash))
  }),
  14: formedFunction(extensionForms.ecdsaVerifyPrehashed, (context, [signature, hash, publicKey]) => {
    charge(context, 0)
    return isEcdsaBy(context, { signature, hash, publicKey })
  }),
}
