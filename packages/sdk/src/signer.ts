/** Owns signing accounts made from secret URIs, in the three schemes extrinsics know. The secret never leaves its wrapper. */
import { type MultiSignature } from '@phalanx/primitives/chain'
import { Secret, suriToEd25519Seed, suriToSecp256k1Secret, suriToSr25519, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Random } from '@phalanx/primitives/ports'
import './errors.ts'

/** Signature schemes of accounts. */
export const KEY_TYPES = ['sr25519', 'ed25519', 'ecdsa'] as const

/** Scheme of an account's key. */
export type KeyType = (typeof KEY_TYPES)[number]

/** An account that can sign; browser wallets may implement it too. */
export interface Signer {
  readonly keyType: KeyType
  /** 32 bytes, 33 for ecdsa. */
  readonly publicKey: Uint8Array
  /** 32 bytes; blake2b-256 of the public key for ecdsa. */
  readonly accountId: Uint8Array
  sign(payload: Uint8Array): MultiSignature
}

/** Whether `text` names a scheme. */
export const isKeyType = (text: string): text is KeyType => (KEY_TYPES as readonly string[]).includes(text)

const SIGNING_RANDOM_BYTES = 32

/**
 * A signer for a secret URI such as `//Alice` or a mnemonic with junctions.
 * @throws CRYPTO_INVALID_SURI, CRYPTO_INVALID_MNEMONIC, SDK_SIGNER_MALFORMED
 */
export const createSigner = (
  options: { readonly suri: Secret<string>; readonly keyType?: KeyType },
  dependencies: { readonly crypto: Crypto; readonly random: Random },
): Signer => {
  const { crypto, random } = dependencies
  const suri = options.suri.reveal().trim()
  const keyType = options.keyType ?? 'sr25519'
  switch (keyType) {
    case 'sr25519': {
      const pair = suriToSr25519(crypto, suri)
      const secret = new Secret(pair.secret)
      const { publicKey } = pair
      return {
        keyType, publicKey, accountId: publicKey,
        sign: (payload) => ({ kind: 'Sr25519', value: crypto.sr25519.sign(secret.reveal(), payload, random.bytes(SIGNING_RANDOM_BYTES)) }),
      }
    }
    case 'ed25519': {
      const seed = new Secret(suriToEd25519Seed(crypto, suri))
      const publicKey = crypto.ed25519.publicKey(seed.reveal())
      return { keyType, publicKey, accountId: publicKey, sign: (payload) => ({ kind: 'Ed25519', value: crypto.ed25519.sign(seed.reveal(), payload) }) }
    }
    case 'ecdsa': {
      const secret = new Secret(suriToSecp256k1Secret(crypto, suri))
      const publicKey = crypto.secp256k1.publicKey(secret.reveal())
      return {
        keyType, publicKey, accountId: crypto.blake2b256(publicKey),
        sign: (payload) => ({ kind: 'Ecdsa', value: crypto.secp256k1.sign(secret.reveal(), crypto.blake2b256(payload)) }),
      }
    }
    default:
      throw new AppError('SDK_SIGNER_MALFORMED', { what: `there is no scheme ${String(keyType)}` })
  }
}
