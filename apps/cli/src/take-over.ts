/** Owns the carrying of a handover of identity between two workers over real sockets. */
import type { Crypto } from '@phalanx/primitives/crypto'
import type { Clock, Logger, Random } from '@phalanx/primitives/ports'
import { createChainClient, createRpcClient, handOver, type HandoverPeer } from '@phalanx/sdk'
import { createWorkerClient } from '@phalanx/worker/wire'
import './errors.ts'
import { createHttpClient, loadSockets } from './system.ts'

/** Evidence may take a platform long to make. */
const TIMEOUT_MS = 60_000
const ANSWER_BYTES_MAX = 1024 * 1024

/** Where the two workers and a node of their chain are. */
export interface TakeOverUrls {
  readonly from: string
  readonly to: string
  readonly node: string
}

/** Moves the identity; resolves when the older worker has forgotten it. @throws WIRE_CALL_FAILED with the refusing worker's code, SDK_ codes */
export const takeOver = async (
  urls: TakeOverUrls, dependencies: { readonly crypto: Crypto; readonly clock: Clock; readonly random: Random; readonly logger: Logger },
): Promise<void> => {
  const createSocket = await loadSockets()
  const http = createHttpClient()
  const peer = (url: string): HandoverPeer =>
    createWorkerClient((path, body) => http.request({
      method: 'POST', url: `${url.replace(/\/+$/, '')}${path}`, body, timeoutMs: TIMEOUT_MS, maxBytes: ANSWER_BYTES_MAX, headers: { 'content-type': 'application/octet-stream' },
    }))
  const node = createChainClient(createRpcClient({ url: urls.node }, { createSocket, ...dependencies }), { crypto: dependencies.crypto })
  try {
    await handOver({ from: peer(urls.from), to: peer(urls.to) }, { node })
  } finally {
    node.close()
    http.close()
  }
}
