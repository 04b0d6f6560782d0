/** Owns what a light client is fed: genesis with its proven authorities, then blocks as header, optional finality proof, messages and acks. */
import { bytesUpTo, option, struct, vecUpTo, type TypeOf } from '../codec/index.ts'
import { AuthoritySet } from './grandpa.ts'
import { Header } from './header.ts'
import { BlockMessages } from './phlx.ts'

/** Largest justification accepted. */
export const JUSTIFICATION_BYTES_MAX = 1024 * 1024
/** Most blocks in one feed. */
export const FEED_BLOCKS_MAX = 4096

/** Start of a chain for a light client: the set is proven against the header's state root by read proof of `Grandpa.Authorities`. */
export const GenesisBlockInfo = struct({ blockHeader: Header, authoritySet: AuthoritySet, proof: vecUpTo(bytesUpTo(64 * 1024), 1024) })
export type GenesisBlockInfo = TypeOf<typeof GenesisBlockInfo>

/** One block as a follower sees it. `justification` is an encoded GRANDPA justification; a header that changes the set must have its own. */
export const FollowedBlock = struct({ header: Header, justification: option(bytesUpTo(JUSTIFICATION_BYTES_MAX)), messages: BlockMessages })
export type FollowedBlock = TypeOf<typeof FollowedBlock>

/** Consecutive blocks; answer of `phalanx_getBlocks` and body of the worker's feed. */
export const FollowedBlocks = vecUpTo(FollowedBlock, FEED_BLOCKS_MAX)
export type FollowedBlocks = TypeOf<typeof FollowedBlocks>
