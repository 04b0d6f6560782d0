/**
 * Owns certificates: an account lets a key sign queries for it until a block. Their SCALE forms, the message to sign, and the check that leads from
 * a signature to an account. At most two: the leaf, which signs the query, and the root, which is the account.
 */
import { bytesToKey, concatBytes } from '../bytes.ts'
import { bytesUpTo, option, struct, u32, type TypeOf } from '../codec/index.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { AppError } from '../errors.ts'
import { accountOfKey } from './accounts.ts'
import { mappingOf, SignatureType, verifyTypedSignature } from './signature.ts'

/** Longest public key of a certificate. */
const PUBLIC_KEY_BYTES_MAX = 65
const SIGNATURE_BYTES_MAX = 65

/** What a certificate says: `pubkey` may sign until block `ttl`, that block included. */
export const CertificateBody = struct({ pubkey: bytesUpTo(PUBLIC_KEY_BYTES_MAX), ttl: u32, configBits: u32 })
export type CertificateBody = TypeOf<typeof CertificateBody>

/** A signature and its kind. */
export const TypedSignature = struct({ type: SignatureType, signature: bytesUpTo(SIGNATURE_BYTES_MAX) })
export type TypedSignature = TypeOf<typeof TypedSignature>

const Issuer = struct({ signature: TypedSignature, root: CertificateBody })

/** Whoever signs, and what lets them: `leaf` signed the message; `issuer`, where there is one, signed SCALE(leaf). */
export const SignerChain = struct({ signature: TypedSignature, leaf: CertificateBody, issuer: option(Issuer) })
export type SignerChain = TypeOf<typeof SignerChain>

type Verifying = Pick<Crypto, 'sr25519' | 'ed25519' | 'secp256k1' | 'blake2b256' | 'keccak256'>

/** A certificate as a client holds it: enough to sign queries with the leaf's secret. */
export type Certificate = Pick<SignerChain, 'leaf' | 'issuer'>

/** Bytes that the root signs for a leaf. */
export const certificateSigningPayload = (leaf: CertificateBody): Uint8Array => CertificateBody.encode(leaf)

/** Certificates that are remembered, unless told otherwise. */
const ISSUED_MAX = 1024

/**
 * Certificates whose issuer's signature was found right. A client signs all its queries with one, and that signature says the same each time; when it ends is looked at
 * each time. Those that were used last are remembered.
 */
export class IssuedCertificates {
  private readonly known = new Set<string>()
  private readonly max: number

  constructor(max = ISSUED_MAX) {
    this.max = max
  }

  /** How many are remembered. */
  get size(): number {
    return this.known.size
  }

  /** Whether a certificate is issued, by memory or by `verify`. All that `verify` looks at must be part of the certificate. */
  check({ leaf, issuer }: Pick<SignerChain, 'leaf'> & { readonly issuer: NonNullable<SignerChain['issuer']> }, verify: () => boolean): boolean {
    // In the reference's form nobody has looked at its length yet.
    if (issuer.signature.signature.length > SIGNATURE_BYTES_MAX) return verify()
    const key = bytesToKey(concatBytes(CertificateBody.encode(leaf), Issuer.encode(issuer)))
    if (!this.known.delete(key) && !verify()) return false
    this.known.add(key)
    const oldest = this.known.values().next().value
    if (this.known.size > this.max && oldest !== undefined) this.known.delete(oldest)
    return true
  }
}

const assertAlive = ({ ttl }: CertificateBody, blockNumber: number): void => {
  if (ttl < blockNumber) throw new AppError('CERTIFICATE_EXPIRED', { ttl, blockNumber })
}

/**
 * The account (32 bytes) on whose behalf a message is signed: that of the root. `issued` spares signatures of issuers that were verified before.
 * @throws CERTIFICATE_EXPIRED, CERTIFICATE_SIGNATURE_INVALID
 */
export const verifySignerChain = (
  crypto: Verifying, chain: SignerChain, options: { readonly message: Uint8Array; readonly blockNumber: number; readonly issued?: IssuedCertificates | undefined },
): Uint8Array => {
  const { signature, leaf, issuer } = chain
  assertAlive(leaf, options.blockNumber)
  const isOurs = verifyTypedSignature(crypto, {
    type: signature.type.kind, signature: signature.signature, publicKey: leaf.pubkey, message: options.message, subject: { kind: 'query' },
  })
  if (!isOurs) throw new AppError('CERTIFICATE_SIGNATURE_INVALID', { signed: 'query', type: signature.type.kind })
  if (issuer !== undefined) {
    assertAlive(issuer.root, options.blockNumber)
    const verify = (): boolean =>
      verifyTypedSignature(crypto, {
        type: issuer.signature.type.kind, signature: issuer.signature.signature, publicKey: issuer.root.pubkey, message: certificateSigningPayload(leaf),
        subject: { kind: 'certificate', ttl: leaf.ttl },
      })
    if (!(options.issued?.check({ leaf, issuer }, verify) ?? verify())) throw new AppError('CERTIFICATE_SIGNATURE_INVALID', { signed: 'certificate', type: issuer.signature.type.kind })
  }
  const account = issuer === undefined
    ? accountOfKey(crypto, mappingOf(signature.type.kind), leaf.pubkey)
    : accountOfKey(crypto, mappingOf(issuer.signature.type.kind), issuer.root.pubkey)
  if (account === undefined) throw new AppError('CERTIFICATE_SIGNATURE_INVALID', { signed: 'certificate', type: signature.type.kind })
  return account
}
