/** Owns headers and their digest items. What the digest says to workers is in phlx.ts, to finality in grandpa.ts. */
import type { Crypto } from '../crypto/crypto.ts'
import { bytes, compactU32, fixedBytes, named, struct, tuple, variant, vecUpTo, type TypeOf } from '../codec/index.ts'
import { Hash } from './basics.ts'

/** Four-byte name of an engine or protocol inside a digest. */
export const EngineId = fixedBytes(4)

/** One item of a header's digest. */
export const DigestItem = named(
  'sp_runtime::generic::digest::DigestItem',
  variant('DigestItem', {
    PreRuntime: { index: 6, tuple: tuple(EngineId, bytes) },
    Consensus: { index: 4, tuple: tuple(EngineId, bytes) },
    Seal: { index: 5, tuple: tuple(EngineId, bytes) },
    Other: { index: 0, value: bytes },
    RuntimeEnvironmentUpdated: { index: 8 },
  }),
)
export type DigestItem = TypeOf<typeof DigestItem>

/** Most digest items a header may carry. */
export const DIGEST_ITEMS_MAX = 32

/** A header's digest. */
export const Digest = named('sp_runtime::generic::digest::Digest', struct({ logs: vecUpTo(DigestItem, DIGEST_ITEMS_MAX) }))
export type Digest = TypeOf<typeof Digest>

/** Block header; its hash is blake2b-256 of these bytes. */
export const Header = named(
  'sp_runtime::generic::header::Header',
  struct({ parentHash: Hash, number: compactU32, stateRoot: Hash, extrinsicsRoot: Hash, digest: Digest }),
)
export type Header = TypeOf<typeof Header>

/** Hash that names a block. */
export const headerHash = (crypto: Pick<Crypto, 'blake2b256'>, header: Header): Uint8Array => crypto.blake2b256(Header.encode(header))
