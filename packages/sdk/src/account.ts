/**
 * Owns signing by any Polkadot account as one asynchronous interface: this library's signers, pairs of a polkadot-js keyring, wallets in a browser. Building of
 * extrinsics is tx.ts.
 */
import { encodeExtrinsic, SignedExtra, type MultiSignature } from '@phalanx/primitives/chain'
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import { u32 } from '@phalanx/primitives/codec'
import { parseAccountAddress, type Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import './errors.ts'
import type { MetadataIndex } from './metadata-index.ts'
import { isKeyType, type KeyType, type Signer } from './signer.ts'
import { eraOf, signExtrinsic, type SigningContext } from './tx.ts'

/** A pair of a polkadot-js keyring. */
export interface KeyringPair {
  readonly address: string
  readonly publicKey: Uint8Array
  readonly type: string
  sign(message: Uint8Array, options?: { readonly withType?: boolean }): Uint8Array
}

/** A wallet's signer as polkadot-js extensions inject it. */
export interface InjectedSigner {
  signRaw?(raw: { readonly address: string; readonly data: string; readonly type: 'bytes' }): Promise<{ readonly signature: string }>
  signPayload?(payload: Readonly<Record<string, unknown>>): Promise<{ readonly signature: string; readonly signedTransaction?: unknown }>
}

/** An account of a wallet. `keyType` is sr25519 where the wallet does not say. */
export interface WalletAccount {
  readonly address: string
  readonly signer: InjectedSigner
  readonly keyType?: KeyType
}

/** Whatever can sign. */
export type AnySigner = Signer | KeyringPair | WalletAccount | Account

/** What an extrinsic is made of, before it is signed. */
export interface ExtrinsicParts {
  readonly call: Uint8Array
  readonly nonce: number
  readonly tip?: bigint
  readonly context: SigningContext
  readonly metadata: Pick<MetadataIndex, 'extensions'>
}

/** An account that can sign. `wrapsBytes`: it signs messages between `<Bytes>` and `</Bytes>`, as wallets do. */
export interface Account {
  readonly kind: 'account'
  readonly keyType: KeyType
  /** 32 bytes, 33 for ecdsa; undefined for an ecdsa account of a wallet, which shows only its address. */
  readonly publicKey: Uint8Array | undefined
  readonly accountId: Uint8Array
  readonly wrapsBytes: boolean
  /** @throws SDK_SIGNING_REFUSED */
  signMessage(message: Uint8Array): Promise<MultiSignature>
  /** A signed extrinsic. @throws SDK_SIGNING_REFUSED */
  signExtrinsic(parts: ExtrinsicParts): Promise<Uint8Array>
}

type Hashing = Pick<Crypto, 'blake2b256' | 'blake2b'>

const KINDS: Readonly<Record<KeyType, MultiSignature['kind']>> = { sr25519: 'Sr25519', ed25519: 'Ed25519', ecdsa: 'Ecdsa' }
const SIGNATURE_BYTES: Readonly<Record<KeyType, number>> = { sr25519: 64, ed25519: 64, ecdsa: 65 }
const EXTRINSIC_VERSION = 4

const refused = (address: string, reason: string, cause?: unknown): AppError => new AppError('SDK_SIGNING_REFUSED', { address, reason }, { cause })

/** A signature of this key type; some signers put the scheme's number in front. */
const signatureOf = (keyType: KeyType, bytes: Uint8Array, address: string): MultiSignature => {
  const length = SIGNATURE_BYTES[keyType]
  if (bytes.length !== length && bytes.length !== length + 1) throw refused(address, `a signature of ${bytes.length} bytes`)
  return { kind: KINDS[keyType], value: bytes.subarray(bytes.length - length) } as MultiSignature
}

const localAccount = (crypto: Hashing, signer: Signer): Account => ({
  kind: 'account', keyType: signer.keyType, publicKey: signer.publicKey, accountId: signer.accountId, wrapsBytes: false,
  signMessage: (message) => Promise.resolve(signer.sign(message)),
  signExtrinsic: ({ call, nonce, tip, context }) => Promise.resolve(signExtrinsic(crypto, { call, signer, nonce, context, ...(tip === undefined ? {} : { tip }) })),
})

const keyringSigner = (crypto: Hashing, pair: KeyringPair): Signer => {
  const { type: keyType, publicKey, address } = pair
  if (!isKeyType(keyType)) throw new AppError('SDK_SIGNER_MALFORMED', { what: `the scheme ${keyType} signs no extrinsics of this chain` })
  return {
    keyType, publicKey, accountId: keyType === 'ecdsa' ? crypto.blake2b256(publicKey) : publicKey,
    sign: (payload) => signatureOf(keyType, pair.sign(payload, { withType: false }), address),
  }
}

const askWallet = async (address: string, ask: () => Promise<{ readonly signature: string }>): Promise<Uint8Array> => {
  try {
    return parseHex((await ask()).signature)
  } catch (cause) {
    throw refused(address, cause instanceof Error ? cause.message : 'no signature', cause)
  }
}

const number = (value: number): string => toHex(u32.encode(value).reverse())

const walletPayload = (address: string, { call, nonce, tip = 0n, context, metadata }: ExtrinsicParts): Readonly<Record<string, unknown>> => {
  const { birth, genesisHash, specVersion, transactionVersion } = context
  const extra = SignedExtra.encode({ era: eraOf(birth), nonce, tip })
  return {
    address, method: toHex(call), genesisHash: toHex(genesisHash), blockHash: toHex(birth?.hash ?? genesisHash), blockNumber: number(birth?.number ?? 0),
    era: toHex(extra.subarray(0, birth === undefined ? 1 : 2)), nonce: number(nonce), tip: `0x${tip.toString(16).padStart(32, '0')}`,
    specVersion: number(specVersion), transactionVersion: number(transactionVersion), signedExtensions: [...metadata.extensions], version: EXTRINSIC_VERSION,
  }
}

const walletAccount = (crypto: Hashing, { address, signer, keyType = 'sr25519' }: WalletAccount): Account => {
  const accountId = parseAccountAddress(crypto, address)
  return {
    kind: 'account', keyType, accountId, publicKey: keyType === 'ecdsa' ? undefined : accountId, wrapsBytes: true,
    async signMessage(message) {
      const { signRaw } = signer
      if (signRaw === undefined) throw refused(address, 'the wallet signs no messages')
      return signatureOf(keyType, await askWallet(address, () => signRaw.call(signer, { address, data: toHex(message), type: 'bytes' })), address)
    },
    async signExtrinsic(parts) {
      const { signPayload } = signer
      if (signPayload === undefined) throw refused(address, 'the wallet signs no extrinsics')
      const signature = signatureOf(keyType, await askWallet(address, () => signPayload.call(signer, walletPayload(address, parts))), address)
      const { call, nonce, tip = 0n, context } = parts
      return encodeExtrinsic({ signed: { address: { kind: 'Id', value: accountId }, signature, extra: { era: eraOf(context.birth), nonce, tip } }, call })
    },
  }
}

/** One interface for every kind of signer. @throws SDK_SIGNER_MALFORMED, CRYPTO_ codes where an address is none */
export const accountOf = (crypto: Hashing, signer: AnySigner): Account => {
  if ('kind' in signer) return signer
  if ('signer' in signer) return walletAccount(crypto, signer)
  return localAccount(crypto, 'keyType' in signer ? signer : keyringSigner(crypto, signer))
}
