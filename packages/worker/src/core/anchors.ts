/**
 * Owns the blocks that a build trusts by itself: they are measured with its code, so that a host cannot show it a history that stolen keys of
 * former authorities made. A build without any trusts the genesis it is given first.
 */
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { AuthorityList, type AuthoritySet } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { BlockPoint } from './light-client.ts'

/** A block of a chain that is true whatever anybody proves; `setId` and `authoritiesHash` (blake2b-256 of the SCALE list) are of the set that finalises the next one. */
export interface TrustedAnchor {
  readonly genesisHash: Uint8Array
  readonly number: number
  readonly hash: Uint8Array
  readonly setId: bigint
  readonly authoritiesHash: Uint8Array
}

/** Hash under which an anchor names a set. */
export const authoritiesHash = (crypto: Pick<Crypto, 'blake2b256'>, { list }: AuthoritySet): Uint8Array => crypto.blake2b256(AuthorityList.encode(list))

/** The newest anchor of a chain; undefined where the build has none at all. @throws LIGHT_ANCHOR_OTHER_CHAIN where it has some, but of other chains */
export const anchorOf = (anchors: readonly TrustedAnchor[], genesisHash: Uint8Array): TrustedAnchor | undefined => {
  let newest: TrustedAnchor | undefined
  for (const anchor of anchors)
    if (bytesEqual(anchor.genesisHash, genesisHash) && (newest === undefined || anchor.number > newest.number)) newest = anchor
  if (newest === undefined && anchors.length > 0) throw new AppError('LIGHT_ANCHOR_OTHER_CHAIN', { got: toHex(genesisHash) })
  return newest
}

/** Makes sure that blocks about to be executed are not another history than the trusted one. @throws LIGHT_ANCHOR_MISMATCH */
export const assertAnchored = (anchors: readonly TrustedAnchor[], genesisHash: Uint8Array, blocks: readonly Pick<BlockPoint, 'number' | 'hash'>[]): void => {
  for (const anchor of anchors) {
    if (!bytesEqual(anchor.genesisHash, genesisHash)) continue
    const block = blocks.find(({ number }) => number === anchor.number)
    if (block !== undefined && !bytesEqual(block.hash, anchor.hash))
      throw new AppError('LIGHT_ANCHOR_MISMATCH', { number: anchor.number, expected: toHex(anchor.hash), got: toHex(block.hash) })
  }
}
