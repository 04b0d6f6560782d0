/** Owns extrinsics of format 4: outer framing, the signed extra of this chain and the payload that gets signed. Calls stay bytes here. */
import { AppError } from '../errors.ts'
import { concatBytes } from '../bytes.ts'
import { ByteReader, compactU32, compactU128, readLength, bytes as lengthPrefixed, struct, u32, type TypeOf } from '../codec/index.ts'
import type { Crypto } from '../crypto/crypto.ts'
import { Hash, MultiAddress, MultiSignature } from './basics.ts'
import { Era } from './era.ts'

/** Extrinsic format version. */
export const EXTRINSIC_VERSION = 4
/** Longest extrinsic accepted anywhere: 5 MiB, the block length limit. */
export const EXTRINSIC_BYTES_MAX = 5 * 1024 * 1024
const SIGNED_BIT = 0x80

/** What the extensions write into a signed extrinsic: era, nonce, tip (runtime.md). */
export const SignedExtra = struct({ era: Era, nonce: compactU32, tip: compactU128 })
export type SignedExtra = TypeOf<typeof SignedExtra>

/** What the extensions add to the signed payload only. */
export const AdditionalSigned = struct({ specVersion: u32, transactionVersion: u32, genesisHash: Hash, eraHash: Hash })
export type AdditionalSigned = TypeOf<typeof AdditionalSigned>

/** An extrinsic taken apart. `extraBytes` and `call` are the original bytes: signatures are checked over them, never over re-encoded ones. */
export interface Extrinsic {
  readonly signed?: { readonly address: MultiAddress; readonly signature: MultiSignature; readonly extra: SignedExtra; readonly extraBytes: Uint8Array }
  readonly call: Uint8Array
}

/**
 * Takes an extrinsic apart, its compact length prefix included.
 * @throws EXTRINSIC_VERSION_UNSUPPORTED, CODEC_ codes
 */
export const decodeExtrinsic = (bytes: Uint8Array): Extrinsic => {
  const input = new ByteReader(bytes)
  const length = readLength(input, EXTRINSIC_BYTES_MAX)
  if (length !== input.left) throw length > input.left
    ? new AppError('CODEC_UNEXPECTED_END', { needed: length, left: input.left })
    : new AppError('CODEC_TRAILING_BYTES', { count: input.left - length })
  const version = input.u8()
  if ((version & ~SIGNED_BIT) !== EXTRINSIC_VERSION) throw new AppError('EXTRINSIC_VERSION_UNSUPPORTED', { version })
  if ((version & SIGNED_BIT) === 0) return { call: input.raw(input.left) }
  const address = MultiAddress.read(input)
  const signature = MultiSignature.read(input)
  const extraStart = input.offset
  const extra = SignedExtra.read(input)
  const extraBytes = bytes.slice(extraStart, input.offset)
  return { signed: { address, signature, extra, extraBytes }, call: input.raw(input.left) }
}

/** Bytes of an extrinsic, its compact length prefix included. */
export const encodeExtrinsic = (extrinsic: {
  readonly signed?: { readonly address: MultiAddress; readonly signature: MultiSignature; readonly extra: SignedExtra }
  readonly call: Uint8Array
}): Uint8Array => {
  const { signed, call } = extrinsic
  const body =
    signed === undefined
      ? concatBytes(Uint8Array.of(EXTRINSIC_VERSION), call)
      : concatBytes(
          Uint8Array.of(EXTRINSIC_VERSION | SIGNED_BIT), MultiAddress.encode(signed.address), MultiSignature.encode(signed.signature),
          SignedExtra.encode(signed.extra), call,
        )
  return lengthPrefixed.encode(body)
}

/** Payloads longer than this are hashed before signing. */
const PAYLOAD_BYTES_MAX = 256

/** The bytes an account signs: call ‖ extra ‖ additional, or their blake2b-256 when longer than 256 bytes. */
export const signingPayload = (
  crypto: Pick<Crypto, 'blake2b256'>,
  parts: { readonly call: Uint8Array; readonly extraBytes: Uint8Array; readonly additional: AdditionalSigned },
): Uint8Array => {
  const payload = concatBytes(parts.call, parts.extraBytes, AdditionalSigned.encode(parts.additional))
  return payload.length > PAYLOAD_BYTES_MAX ? crypto.blake2b256(payload) : payload
}
