/**
 * Owns the checkpoint of a chain: all that a worker needs to begin at a block in the middle of it. Who may trust which part, and how it is
 * checked, is the light client's.
 */
import { bytesUpTo, option, struct, u8, vecUpTo, type TypeOf } from '../codec/index.ts'
import { AppError } from '../errors.ts'
import { Hash, Sr25519Public } from './basics.ts'
import { JUSTIFICATION_BYTES_MAX } from './follow.ts'
import { AuthoritySet } from './grandpa.ts'
import { Header } from './header.ts'

/** Version of the checkpoint that this code writes and reads. */
export const CHECKPOINT_VERSION = 1
/** Largest checkpoint in bytes; it must fit into one InitRuntime request. */
export const CHECKPOINT_BYTES_MAX = 9 * 1024 * 1024
/** Headers before the checkpoint's own that go along; with it they are the blocks whose hashes a light client remembers. */
export const CHECKPOINT_ANCESTORS_MAX = 255
/** Most hand-overs of finality in one checkpoint. */
const HOPS_MAX = 16_384
const PROOF_ITEMS_MAX = 4096
/** One node of a trie, or one value: the longest is the code of system contracts, 2 MiB. */
const PROOF_ITEM_BYTES_MAX = 2 * 1024 * 1024 + 64 * 1024

const justification = bytesUpTo(JUSTIFICATION_BYTES_MAX)

/** A block that hands finality to another set, with the proof of the set before it. */
export const AuthorityHop = struct({ header: Header, justification })
export type AuthorityHop = TypeOf<typeof AuthorityHop>

/**
 * A final block with what leads to it and what its state says.
 * `hops`: every hand-over of finality below the block, ascending from the first set. `authorities`: the set that finalises the next block.
 * `ancestors`: the headers before the block, its parent first, down to genesis or as many as are allowed. `proof`: read proof under the block's state
 * root of the keys that `checkpointKeys` of `@phalanx/runtime/storage` lists, `worker`'s own entries among them where one is named.
 */
export const ChainCheckpoint = struct({
  version: u8,
  genesisHash: Hash,
  hops: vecUpTo(AuthorityHop, HOPS_MAX),
  header: Header,
  justification,
  authorities: AuthoritySet,
  ancestors: vecUpTo(Header, CHECKPOINT_ANCESTORS_MAX),
  worker: option(Sr25519Public),
  proof: vecUpTo(bytesUpTo(PROOF_ITEM_BYTES_MAX), PROOF_ITEMS_MAX),
})
export type ChainCheckpoint = TypeOf<typeof ChainCheckpoint>

/** A final header and the read proof, under its state root, of the rules by which the chain admits code (`admissionKeys` of `@phalanx/runtime/storage`). */
export const AdmissionProof = struct({ header: Header, proof: vecUpTo(bytesUpTo(PROOF_ITEM_BYTES_MAX), PROOF_ITEMS_MAX) })
export type AdmissionProof = TypeOf<typeof AdmissionProof>

/** Reads a checkpoint's form; nothing in it is proven by that. @throws CHECKPOINT_TOO_LARGE, CHECKPOINT_VERSION_UNSUPPORTED, CODEC_ codes */
export const decodeChainCheckpoint = (bytes: Uint8Array): ChainCheckpoint => {
  if (bytes.length > CHECKPOINT_BYTES_MAX) throw new AppError('CHECKPOINT_TOO_LARGE', { size: bytes.length, max: CHECKPOINT_BYTES_MAX })
  const [version] = bytes
  if (version !== undefined && version !== CHECKPOINT_VERSION) throw new AppError('CHECKPOINT_VERSION_UNSUPPORTED', { version, supported: CHECKPOINT_VERSION })
  return ChainCheckpoint.decode(bytes)
}
