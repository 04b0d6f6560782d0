/** Owns a command's connection to a node: opened for one purpose, closed whatever happens. */
import { parseHex, toHex } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { createChainClient, createRpcClient, type ChainClient } from '@phalanx/sdk'
import { AppError } from '@phalanx/primitives/errors'
import { loadSockets, systemClock, systemRandom } from './system.ts'

/** Connects, does what is asked, and closes. @throws connection codes, and what `use` throws */
export const withChain = async <T>(url: string, use: (chain: ChainClient, crypto: Crypto) => Promise<T>): Promise<T> => {
  const crypto = await loadCrypto()
  const rpc = createRpcClient({ url }, { clock: systemClock, random: systemRandom, createSocket: await loadSockets() })
  const chain = createChainClient(rpc, { crypto })
  try {
    return await use(chain, crypto)
  } finally {
    chain.close()
  }
}

/** Calls a method of a runtime API on the state of a block. @throws SDK_RPC_REFUSED, SDK_RESPONSE_MALFORMED */
export const callApi = async (chain: ChainClient, method: string, params: Uint8Array, at: Uint8Array): Promise<Uint8Array> => {
  const answer = await chain.rpc.request('state_call', [method, toHex(params), toHex(at)])
  if (typeof answer !== 'string' || !/^0x([0-9a-f]{2})*$/i.test(answer)) throw new AppError('SDK_RESPONSE_MALFORMED', { url: chain.url, what: `state_call ${method}` })
  return parseHex(answer)
}
