/** Runs in the browser: judges a registered worker's evidence that it fetches from a node over WebSocket, and evidence in a file. */
import { parsePolicy, referencePolicy, verifiedFileToJson, verifyFile, type PlainJson } from '@phalanx/attestation'
import { parseHex } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/backend'
import type { Clock, Random } from '@phalanx/primitives/ports'
import { createChainClient, createRpcClient, verifyWorker, type SocketLike } from '@phalanx/sdk'

const clock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}
const random: Random = { bytes: (length) => crypto.getRandomValues(new Uint8Array(length)) }

/** Verdict over a worker's evidence on the node's chain, as JSON. */
const judgeWorker = async (options: { readonly node: string; readonly worker: string; readonly policy: 'chain' | 'built-in'; readonly at: number }): Promise<PlainJson> => {
  const backend = await loadCrypto()
  const createSocket = (url: string): SocketLike => new WebSocket(url) as unknown as SocketLike
  const chain = createChainClient(createRpcClient({ url: options.node }, { clock, random, createSocket }), { crypto: backend })
  try {
    const policy = options.policy === 'chain' ? 'chain' : referencePolicy()
    const { file } = await verifyWorker(chain, parseHex(options.worker), { policy, nowSeconds: options.at }, { crypto: backend })
    return verifiedFileToJson(file)
  } finally {
    chain.close()
  }
}

/** Verdict over a file's bytes (hex) under a policy file's bytes (hex), as JSON. */
const judgeFile = async (options: { readonly file: string; readonly policy: string; readonly at: number }): Promise<PlainJson> =>
  verifiedFileToJson(verifyFile({ file: parseHex(options.file), policy: parsePolicy(parseHex(options.policy)), nowSeconds: options.at, crypto: await loadCrypto() }))

/** What the page offers to the test. */
export interface VerifyPage {
  readonly judgeWorker: typeof judgeWorker
  readonly judgeFile: typeof judgeFile
}

;(globalThis as { phalanxVerify?: VerifyPage }).phalanxVerify = { judgeWorker, judgeFile }
