/** Owns starting a node of this process: its database, its authority key and its listener. */
import { createPhalanxRuntime, type ChainSpec } from '@phalanx/runtime'
import { suriToEd25519Seed, type Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import type { Clock, Logger } from '@phalanx/primitives/ports'
import { createNode, openDisk, type Node } from '@phalanx/node'
import './errors.ts'

/** Address on which nodes of this binary listen. */
const NODE_ADDRESS = '127.0.0.1'

/** What a node of this binary does. */
export interface StartNodeOptions {
  readonly spec: unknown
  /** Folder of the database. */
  readonly folder: string
  readonly blockTimeMs: number
  readonly rpcPort: number
  readonly isUnsafeRpcAllowed: boolean
  readonly isArchive: boolean
  /** Seals at once while transactions wait. */
  readonly isDev: boolean
  /** Secret URI of the finality authority; without one the node authors nothing. */
  readonly authority: string | undefined
  readonly isEager: boolean
  readonly threads?: number
}

/** What a node needs from its process. */
export interface StartNodeDependencies {
  readonly crypto: Crypto
  readonly clock: Clock
  readonly logger: Logger
  readonly onFatal: (error: unknown) => void
}

/** A node and its address. */
export interface StartedNode {
  readonly node: Node
  /** `ws://…`; HTTP is served on the same port. */
  readonly rpc: string
}

const portInUse = (error: unknown): boolean => isAppError(error, 'RPC_LISTEN_FAILED') && (error.cause as { code?: unknown } | undefined)?.code === 'EADDRINUSE'

/** Opens the chain and listens. @throws STORAGE_ codes, CHAIN_SPEC_ codes, CLI_PORT_IN_USE */
export const startNode = async (options: StartNodeOptions, dependencies: StartNodeDependencies): Promise<StartedNode> => {
  const { crypto, clock, logger, onFatal } = dependencies
  const kv = await openDisk({ folder: options.folder })
  const parser = createPhalanxRuntime({ stateVersion: 1 }, { crypto })
  let chainSpec: ChainSpec
  try {
    chainSpec = parser.parseChainSpec(options.spec, { crypto })
  } catch (error) {
    await kv.close()
    throw error
  }
  const { blockTimeMs } = options
  const node = await createNode(
    {
      chainSpec, folder: options.folder, isArchive: options.isArchive, isUnsafeRpcAllowed: options.isUnsafeRpcAllowed,
      sealing: options.isDev ? { kind: 'dev', blockTimeMs } : { kind: 'interval', blockTimeMs },
      authoritySeed: options.authority === undefined ? undefined : suriToEd25519Seed(crypto, options.authority),
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    },
    { kv, clock, crypto, logger, onFatal, ...(chainSpec.stateVersion === 1 ? { runtime: parser } : {}) },
  )
  if (options.isEager) node.setEager(true)
  try {
    const { port } = await node.listen({ port: options.rpcPort, host: NODE_ADDRESS })
    return { node, rpc: `ws://${NODE_ADDRESS}:${port}` }
  } catch (error) {
    await node.stop()
    throw portInUse(error) ? new AppError('CLI_PORT_IN_USE', { port: String(options.rpcPort), option: '--rpc-port' }, { cause: error }) : error
  }
}
