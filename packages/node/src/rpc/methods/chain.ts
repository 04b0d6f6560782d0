/** Owns `chain_*`: headers, blocks, hashes and news of blocks. Best and finalised blocks are the same here. */
import { toHex } from '@phalanx/primitives/bytes'
import { AppError } from '@phalanx/primitives/errors'
import type { RpcBackend } from '../backend.ts'
import { blockJson, headerJson } from '../json.ts'
import { call, subscription, type MethodTable, type Sink } from '../method.ts'
import { blockNumber, either, hash, listOf, optional } from '../params.ts'

/** Numbers asked for in one `chain_getBlockHash`. */
const HASHES_MAX = 1024

const unlessUnknown = <T>(read: () => T): T | null => {
  try {
    return read()
  } catch (error) {
    if (error instanceof AppError && error.code === 'BLOCK_UNKNOWN') return null
    throw error
  }
}

const hashOf = ({ chain }: RpcBackend, number: number): string | null => {
  const found = number <= chain.head().number ? chain.store.hashOf(number) : undefined
  return found === undefined ? null : toHex(found)
}

const followHeads = ({ chain }: RpcBackend, sink: Sink): (() => void) => {
  sink.notify(headerJson(chain.head().header))
  return chain.onBlock(({ header }) => sink.notify(headerJson(header)))
}

const heads = (spec: { doc: string; notification: string; unsubscribe: readonly string[]; aliases?: readonly string[] }) =>
  subscription({ ...spec, params: {}, start: (backend, _params, sink) => followHeads(backend, sink) })

/** Methods about blocks. */
export const chainMethods: MethodTable = {
  chain_getHeader: call({
    doc: 'Header of a block, the newest by default; null for unknown blocks.', params: { hash: optional(hash) },
    handle: ({ chain }, params) => unlessUnknown(() => headerJson(chain.headerAt(params.hash))),
  }),
  chain_getBlock: call({
    doc: 'Header, extrinsics and finality proof of a block, the newest by default; null for unknown blocks.', params: { hash: optional(hash) },
    handle: ({ chain }, params) =>
      unlessUnknown(() => {
        const number = chain.numberOf(params.hash)
        return blockJson({ header: chain.headerAt(params.hash), body: chain.store.body(number) ?? [], justification: chain.store.justification(number) })
      }),
  }),
  chain_getBlockHash: call({
    doc: 'Hash of the block with a number, the newest by default; a list for a list.',
    params: { number: optional(either(blockNumber, listOf(blockNumber, HASHES_MAX))) },
    aliases: ['chain_getHead'],
    handle: (backend, { number }) =>
      typeof number === 'object' ? number.map((one) => hashOf(backend, one)) : hashOf(backend, number ?? backend.chain.head().number),
  }),
  chain_getFinalizedHead: call({
    doc: 'Hash of the newest finalised block.', params: {}, aliases: ['chain_getFinalisedHead'],
    handle: ({ chain }) => toHex(chain.head().hash),
  }),
  chain_subscribeNewHeads: heads({
    doc: 'Header of every new best block, beginning with the newest.',
    notification: 'chain_newHead', aliases: ['chain_subscribeNewHead', 'subscribe_newHead'],
    unsubscribe: ['chain_unsubscribeNewHeads', 'chain_unsubscribeNewHead', 'unsubscribe_newHead'],
  }),
  chain_subscribeAllHeads: heads({
    doc: 'Header of every new block, beginning with the newest.', notification: 'chain_allHead', unsubscribe: ['chain_unsubscribeAllHeads'],
  }),
  chain_subscribeFinalizedHeads: heads({
    doc: 'Header of every finalised block, beginning with the newest.',
    notification: 'chain_finalizedHead', aliases: ['chain_subscribeFinalisedHeads'],
    unsubscribe: ['chain_unsubscribeFinalizedHeads', 'chain_unsubscribeFinalisedHeads'],
  }),
}
