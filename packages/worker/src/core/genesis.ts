/** Owns the start of the chain: genesis header with its first authorities, proven against its state root. */
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { bytesEqual, bytesToKey, concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { AuthorityList, GenesisBlockInfo, headerHash, readPhlx, type AuthoritySet } from '@phalanx/primitives/chain'
import { readProof } from '@phalanx/primitives/trie'
import type { Crypto } from '@phalanx/primitives/crypto'
import type { FollowState } from './light-client.ts'

/** Whether a set can finalise anything: not empty, with weight, each authority once. */
export const isSoundSet = (set: AuthoritySet): boolean =>
  set.list.length > 0 && set.list.every(([, weight]) => weight > 0n) && new Set(set.list.map(([id]) => bytesToKey(id))).size === set.list.length

/** Storage key of `Grandpa.Authorities`. */
export const grandpaAuthoritiesKey = (crypto: Pick<Crypto, 'twox128'>): Uint8Array =>
  concatBytes(crypto.twox128(utf8('Grandpa')), crypto.twox128(utf8('Authorities')))

/**
 * State of a light client that trusts nothing but this genesis block.
 * @throws LIGHT_GENESIS_INVALID, HEADER_PHLX_MALFORMED, CODEC_ codes
 */
export const startAtGenesis = (crypto: Pick<Crypto, 'blake2b256' | 'twox128'>, encoded: Uint8Array): FollowState => {
  const refused = (reason: string, cause?: unknown): AppError =>
    new AppError('LIGHT_GENESIS_INVALID', { reason }, cause === undefined ? {} : { cause })
  const { blockHeader, authoritySet, proof } = GenesisBlockInfo.decode(encoded)
  if (blockHeader.number !== 0) throw refused(`its block has the number ${blockHeader.number}`)
  if (authoritySet.id !== 0n) throw refused('the first set must have the number 0')
  if (!isSoundSet(authoritySet)) throw refused('the first set is empty, weightless or lists an authority twice')
  const { timeMs } = readPhlx(blockHeader)
  let proven: Uint8Array | undefined
  try {
    proven = readProof({ crypto, root: blockHeader.stateRoot, proof }).get(grandpaAuthoritiesKey(crypto))
  } catch (cause) {
    if (isAppError(cause)) throw refused('the proof does not belong to its state root', cause)
    throw cause
  }
  if (proven === undefined || !bytesEqual(proven, AuthorityList.encode(authoritySet.list))) throw refused('the authorities are not the proven ones')
  const hash = headerHash(crypto, blockHeader)
  return {
    genesisHash: hash, authorities: authoritySet, authoritiesSince: 1, head: { number: 0, hash, stateRoot: blockHeader.stateRoot, timeMs }, recent: [{ number: 0, hash }], pending: [],
  }
}
