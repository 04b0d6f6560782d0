/** Owns a command's connection to a network of clusters: whose evidence counts there, in whose name it speaks; closed whatever happens. */
import type { Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { createChainClient, createRpcClient, fetchPolicy, GENESIS_QUESTION, type ChainClient, type KeyType } from '@phalanx/sdk'
import { createNetwork, createSigner, createSurroundings, type Network, type Signer, type TrustPolicy } from '@phalanx/sdk/client'
import './errors.ts'
import type { CliIo } from '../output.ts'
import { readSigner } from '../secrets.ts'
import { createHttpClient, loadSockets, systemClock, systemRandom } from '../system.ts'

/** Whose word counts about workers: that of the hardware's vendors, or that of the chain. */
export type Trust = 'vendors' | 'chain'

/** Options that every such command takes. */
export interface NetworkOptions {
  readonly node: string
  readonly trust?: Trust
  readonly signer?: string
  readonly signerType: KeyType
  readonly json: boolean
}

/** An account that was named on the command line. @throws CLI_ codes of `readSigner`, SDK_SIGNER_MALFORMED, CRYPTO_ codes */
export const openSigner = async (io: CliIo, named: string, keyType: KeyType): Promise<Signer> => {
  const [crypto, suri] = await Promise.all([loadCrypto(), readSigner(io, named)])
  return createSigner({ suri, keyType }, { crypto, random: systemRandom })
}

/** A connected command. Without `signer` it can only ask, in nobody's name. */
export interface Reached {
  readonly network: Network
  readonly crypto: Crypto
  readonly signer: Signer | undefined
  /** The chain says that its workers are simulated: nothing is secret there. */
  readonly isSimulated: boolean
}

const LOOPBACK = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/

/** Whether a node is on this machine. */
export const isLocal = (url: string): boolean => LOOPBACK.test(new URL(url).hostname)

/**
 * By which policy workers are judged. Without a word from the user it is the vendors' roots; only a chain on this machine that says it is simulated is taken by its own
 * policy. A node elsewhere may say so of any chain: then the user must.
 * @throws CLI_CHAIN_SIMULATED
 */
export const chooseTrust = ({ node, trust }: Pick<NetworkOptions, 'node' | 'trust'>, isSimulated: boolean): TrustPolicy & Trust => {
  if (trust !== undefined) return trust
  if (!isSimulated) return 'vendors'
  if (!isLocal(node)) throw new AppError('CLI_CHAIN_SIMULATED', { url: node })
  return 'chain'
}

const connectChain = async (node: string, crypto: Crypto, http: ReturnType<typeof createHttpClient>) => {
  const surroundings = await createSurroundings({ crypto, clock: systemClock, random: systemRandom, http: http.request, createSocket: await loadSockets() })
  return { surroundings, chain: createChainClient(createRpcClient({ url: node, identity: GENESIS_QUESTION }, surroundings), surroundings) }
}

/** How commands come to a network: as below, or as a test says. */
export type Reach = (io: CliIo, options: NetworkOptions, use: (reached: Reached) => Promise<number>) => Promise<number>

/** Connects, does what is asked, and closes. @throws CLI_CHAIN_SIMULATED, connection codes, and what `use` throws */
export const withNetwork: Reach = async (io, options, use) => {
  const crypto = await loadCrypto()
  const signer = options.signer === undefined ? undefined : await openSigner(io, options.signer, options.signerType)
  const http = createHttpClient()
  let chain: ChainClient | undefined
  let isRefusal = false
  try {
    const connected = await connectChain(options.node, crypto, http)
    chain = connected.chain
    // The largest answer of all is on its way while the others come.
    chain.metadata().catch(() => {})
    const { simulated: isSimulated } = await fetchPolicy(chain)
    const network = await createNetwork({ chain, surroundings: connected.surroundings, policy: chooseTrust(options, isSimulated) })
    isRefusal = isSimulated && network.policy === 'vendors'
    return await use({ network, crypto, signer, isSimulated })
  } catch (error) {
    // Whom vendors must vouch for is not found on a chain without hardware: say that, rather than each worker's reason.
    throw isRefusal && isAppError(error, 'SDK_WORKER_NONE') ? new AppError('CLI_CHAIN_SIMULATED', { url: options.node }, { cause: error }) : error
  } finally {
    chain?.close()
    http.close()
  }
}
