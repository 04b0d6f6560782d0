/** Owns `phalanx_*`: what followers of this chain (relays, workers) are fed, and sealing on request. */
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { FEED_BLOCKS_MAX } from '@phalanx/primitives/chain'
import { compactU32 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { createAdmissionProof, createCheckpoint } from '../../checkpoint.ts'
import { readGenesisInfo } from '../../genesis.ts'
import type { RpcBackend } from '../backend.ts'
import { call, type MethodTable } from '../method.ts'
import { blockNumber, hash, integer, optional } from '../params.ts'

/** Bytes of one feed; the block that passes the bound is still in it when it is the first. */
const FEED_BYTES_MAX = 8 * 1024 * 1024

const feed = ({ chain }: RpcBackend, from: number, limit: number): Uint8Array => {
  const last = Math.min(chain.head().number, from + limit - 1)
  const blocks: Uint8Array[] = []
  let size = 0
  for (let number = from; number <= last; number++) {
    const block = chain.store.followed(number)
    if (block === undefined || (blocks.length > 0 && size + block.length > FEED_BYTES_MAX)) break
    blocks.push(block)
    size += block.length
  }
  return concatBytes(compactU32.encode(blocks.length), ...blocks)
}

/** Methods of this network. */
export const phalanxMethods: MethodTable = {
  phalanx_getBlocks: call({
    doc: 'Finalised blocks as a light client needs them (SCALE FollowedBlocks): headers, justifications, messages and acks; at most 8 MiB.',
    params: { from: blockNumber, limit: integer(1, FEED_BLOCKS_MAX) },
    handle: (backend, { from, limit }) => toHex(feed(backend, from, limit)),
  }),
  phalanx_genesisInfo: call({
    doc: 'What a light client starts from (SCALE GenesisBlockInfo): the first header, the first authorities and their read proof.', params: {},
    handle({ chain }) {
      const info = readGenesisInfo(chain.store)
      if (info === undefined) throw new AppError('BLOCK_UNKNOWN', { block: '0' })
      return toHex(info)
    },
  }),
  phalanx_getCheckpoint: call({
    doc: 'What a worker begins at instead of genesis (SCALE ChainCheckpoint): the newest block with a finality proof, or one whose state is kept; with the state\'s word on a worker.',
    params: { worker: optional(hash), at: optional(blockNumber) },
    handle: ({ chain, crypto }, { worker, at }) => toHex(createCheckpoint({ worker, at }, { chain, crypto })),
  }),
  phalanx_getAdmission: call({
    doc: 'The rules by which the chain admits code, proven under a final header (SCALE AdmissionProof): what two workers judge each other by.', params: {},
    handle: ({ chain, crypto }) => toHex(createAdmissionProof({ chain, crypto })),
  }),
  phalanx_sealBlock: call({
    doc: 'Authors a block now; its hash.', access: 'unsafe', params: {},
    async handle({ engine, chain }) {
      const number = await engine.seal()
      return toHex(chain.store.hashOf(number) as Uint8Array)
    },
  }),
}
