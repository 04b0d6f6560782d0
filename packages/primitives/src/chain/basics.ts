/** Owns the chain's basic identifiers: accounts, hashes, addresses, signatures. */
import { createCodec, fixedBytes, bytes, compactU32, named, newtype, variant, type Codec, type TypeOf } from '../codec/index.ts'
import { plainInfo, type TypeInfo } from '../codec/type-info.ts'

/** 32-byte account identifier. */
export const AccountId = newtype('sp_core::crypto::AccountId32', fixedBytes(32))
export type AccountId = TypeOf<typeof AccountId>

/** 32-byte hash. */
export const Hash = newtype('primitive_types::H256', fixedBytes(32))
export type Hash = TypeOf<typeof Hash>

/** The zero hash: parent of genesis. */
export const ZERO_HASH: Uint8Array = new Uint8Array(32)

/** sr25519 public key: worker identities, ECDH, cluster and contract keys. */
export const Sr25519Public = newtype('sp_core::sr25519::Public', fixedBytes(32))
export type Sr25519Public = TypeOf<typeof Sr25519Public>

/** ed25519 public key of a GRANDPA authority. */
export const GrandpaAuthorityId = newtype('sp_consensus_grandpa::app::Public', newtype('sp_core::ed25519::Public', fixedBytes(32)))
export type GrandpaAuthorityId = TypeOf<typeof GrandpaAuthorityId>

const withParams = <T>(codec: Codec<T>, params: TypeInfo['params']): Codec<T> => {
  let info: TypeInfo | undefined
  return createCodec<T>({ info: () => (info ??= { ...codec.info(), params }), minSize: codec.minSize, write: codec.write, read: codec.read })
}

const unitInfo = plainInfo({ kind: 'tuple', elements: [] })

/** Destination or sender as extrinsics write it; this chain resolves `Id` only. */
export const MultiAddress = withParams(
  named(
    'sp_runtime::multiaddress::MultiAddress',
    variant('MultiAddress', {
      Id: { index: 0, value: AccountId },
      Index: { index: 1, value: compactU32 },
      Raw: { index: 2, value: bytes },
      Address32: { index: 3, value: fixedBytes(32) },
      Address20: { index: 4, value: fixedBytes(20) },
    }),
  ),
  [
    { name: 'AccountId', type: AccountId.info },
    { name: 'AccountIndex', type: () => unitInfo },
  ],
)
export type MultiAddress = TypeOf<typeof MultiAddress>

/** Signature of an extrinsic by one of three schemes. */
export const MultiSignature = named(
  'sp_runtime::MultiSignature',
  variant('MultiSignature', {
    Ed25519: { index: 0, value: fixedBytes(64) },
    Sr25519: { index: 1, value: fixedBytes(64) },
    Ecdsa: { index: 2, value: fixedBytes(65) },
  }),
)
export type MultiSignature = TypeOf<typeof MultiSignature>
