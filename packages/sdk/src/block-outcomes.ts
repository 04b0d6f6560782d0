/** Owns reading from blocks how their extrinsics ended, and looking for one of which nothing was heard any more. */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { ChainClient, Inclusion } from './chain-client.ts'
import './errors.ts'
import { dispatchOutcomes, type DispatchOutcome } from './outcome.ts'

type Chain = Pick<ChainClient, 'url' | 'rpc' | 'metadata' | 'storage'>
type Hashing = Pick<Crypto, 'blake2b256'>

const malformed = ({ url }: Chain, what: string): AppError => new AppError('SDK_RESPONSE_MALFORMED', { url, what })

const bytesOf = (chain: Chain, what: string, hex: unknown): Uint8Array => {
  try {
    if (typeof hex === 'string') return parseHex(hex)
  } catch (error) {
    if (!isAppError(error)) throw error
  }
  throw malformed(chain, what)
}

/** Hashes of a block's extrinsics as `0x` hex, in order. @throws SDK_RESPONSE_MALFORMED, connection codes */
const hashesIn = async (chain: Chain, crypto: Hashing, blockHash: Uint8Array): Promise<readonly string[]> => {
  const answer = (await chain.rpc.request('chain_getBlock', [toHex(blockHash)])) as { readonly block?: { readonly extrinsics?: unknown } } | null
  const extrinsics = answer?.block?.extrinsics
  if (!Array.isArray(extrinsics)) throw malformed(chain, 'chain_getBlock')
  return extrinsics.map((extrinsic) => toHex(crypto.blake2b256(bytesOf(chain, 'chain_getBlock', extrinsic))))
}

/** Outcome by extrinsic hash (`0x` hex) of one block. @throws SDK_RESPONSE_MALFORMED, SDK_METADATA_ codes, connection codes */
export const readOutcomes = async (chain: Chain, crypto: Hashing, blockHash: Uint8Array): Promise<ReadonlyMap<string, DispatchOutcome>> => {
  const [hashes, metadata] = await Promise.all([hashesIn(chain, crypto, blockHash), chain.metadata()])
  const events = await chain.storage(metadata.storagePrefix('System', 'Events'), blockHash)
  const byIndex = dispatchOutcomes(metadata, events ?? Uint8Array.of(0))
  const out = new Map<string, DispatchOutcome>()
  hashes.forEach((hash, i) => {
    const outcome = byIndex.get(i)
    if (outcome !== undefined) out.set(hash, outcome)
  })
  return out
}

/** Number of the newest block of a node. @throws SDK_RESPONSE_MALFORMED, connection codes */
export const newestBlock = async (chain: Chain): Promise<number> => {
  const header = (await chain.rpc.request('chain_getHeader', [])) as { readonly number?: unknown } | null
  const number = typeof header?.number === 'string' ? Number(header.number) : Number.NaN
  if (!Number.isSafeInteger(number)) throw malformed(chain, 'chain_getHeader')
  return number
}

/** Looks for an extrinsic in the blocks `from` to `to`; undefined where it is in none of them. @throws SDK_RESPONSE_MALFORMED, connection codes */
export const findExtrinsic = async (
  chain: Chain, crypto: Hashing, wanted: { readonly hash: Uint8Array; readonly from: number; readonly to: number },
): Promise<Inclusion | undefined> => {
  const hash = toHex(wanted.hash)
  for (let number = wanted.from; number <= wanted.to; number++) {
    const blockHash = bytesOf(chain, 'chain_getBlockHash', await chain.rpc.request('chain_getBlockHash', [number]))
    if (!(await hashesIn(chain, crypto, blockHash)).includes(hash)) continue
    const outcome = (await readOutcomes(chain, crypto, blockHash)).get(hash)
    if (outcome === undefined) throw malformed(chain, 'the events of a block')
    return { blockHash, outcome }
  }
  return undefined
}
