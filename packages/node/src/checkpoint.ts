/** Owns making a checkpoint of the chain for a worker: a final block, the hand-overs of finality before it, and proofs of its state. */
import { AdmissionProof, CHECKPOINT_ANCESTORS_MAX, CHECKPOINT_BYTES_MAX, CHECKPOINT_VERSION, ChainCheckpoint, type AuthorityHop, type Header } from '@phalanx/primitives/chain'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { Trie } from '@phalanx/primitives/trie'
import { admissionKeys, checkpointKeys, grandpaStorage } from '@phalanx/runtime/storage'
import type { Chain } from './chain.ts'
import './errors.ts'

/** Blocks below the head among which one with a finality proof is looked for. */
const UNPROVEN_MAX = 64

interface FinalBlock {
  readonly header: Header
  readonly justification: Uint8Array
}

const finalBlockAt = ({ store }: Chain, number: number): FinalBlock | undefined => {
  const header = store.header(number)
  const justification = store.justification(number)
  return header === undefined || justification === undefined ? undefined : { header, justification }
}

/** @throws BLOCK_UNKNOWN where a block was asked for that is unknown or has no proof, or none near the head has one */
const findFinalBlock = (chain: Chain, at: number | undefined): FinalBlock => {
  const head = chain.head().number
  const last = at ?? head
  const first = at ?? Math.max(1, head - UNPROVEN_MAX)
  for (let number = last; number >= first && number > 0; number--) {
    const found = number <= head ? finalBlockAt(chain, number) : undefined
    if (found !== undefined) return found
  }
  throw new AppError('BLOCK_UNKNOWN', { block: `${last} with a finality proof` })
}

/** The blocks that handed finality to each set after the first, as the state names them, below a number. */
const hopsBelow = (chain: Chain, crypto: Crypto, state: Trie, number: number): readonly AuthorityHop[] => {
  const { currentSetId, setIdSession } = grandpaStorage
  const last = currentSetId.decode(state.get(currentSetId.key(crypto)))
  const hops: AuthorityHop[] = []
  for (let id = 1n; id <= last; id++) {
    const changedAt = setIdSession.decode(state.get(setIdSession.key(crypto, id)))
    if (changedAt === undefined || changedAt >= number) break
    const hop = finalBlockAt(chain, changedAt)
    if (hop === undefined) throw new AppError('BLOCK_UNKNOWN', { block: `${changedAt} with a finality proof` })
    hops.push(hop)
  }
  return hops
}

const ancestorsOf = ({ store }: Chain, number: number): readonly Header[] =>
  Array.from({ length: Math.min(number, CHECKPOINT_ANCESTORS_MAX) }, (_, i) => store.header(number - 1 - i) as Header)

/**
 * SCALE ChainCheckpoint of a block, the newest with a finality proof where none is asked for, with the state's word on `worker` where one is named.
 * @throws BLOCK_UNKNOWN, BLOCK_STATE_PRUNED, CHECKPOINT_TOO_LARGE
 */
export const createCheckpoint = (
  request: { readonly worker: Uint8Array | undefined; readonly at: number | undefined }, { chain, crypto }: { readonly chain: Chain; readonly crypto: Crypto },
): Uint8Array => {
  const { worker } = request
  const { header, justification } = findFinalBlock(chain, request.at)
  const { number } = header
  const state = number === chain.head().number ? chain.head().state : chain.store.state(number)
  const { authorities, currentSetId } = grandpaStorage
  const encoded = ChainCheckpoint.encode({
    version: CHECKPOINT_VERSION,
    genesisHash: chain.genesisHash,
    hops: hopsBelow(chain, crypto, state, number),
    header,
    justification,
    authorities: { list: authorities.decode(state.get(authorities.key(crypto))), id: currentSetId.decode(state.get(currentSetId.key(crypto))) },
    ancestors: ancestorsOf(chain, number),
    worker,
    proof: state.prove(checkpointKeys(crypto, (key) => state.get(key), worker)),
  })
  if (encoded.length > CHECKPOINT_BYTES_MAX) throw new AppError('CHECKPOINT_TOO_LARGE', { size: encoded.length, max: CHECKPOINT_BYTES_MAX })
  return encoded
}

/** SCALE AdmissionProof of the block that a checkpoint made now would be of. @throws BLOCK_UNKNOWN */
export const createAdmissionProof = ({ chain, crypto }: { readonly chain: Chain; readonly crypto: Crypto }): Uint8Array => {
  const { header } = findFinalBlock(chain, undefined)
  const state = header.number === chain.head().number ? chain.head().state : chain.store.state(header.number)
  return AdmissionProof.encode({ header, proof: state.prove(admissionKeys(crypto, (key) => state.get(key))) })
}
