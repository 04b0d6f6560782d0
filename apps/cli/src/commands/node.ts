/** Owns `phalanx node`. */
import type { Node } from '@phalanx/node'
import { bytesEqual, toHex } from '@phalanx/primitives/bytes'
import { suriToEd25519Seed, type Crypto } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { AppError } from '@phalanx/primitives/errors'
import { openBasePath } from '../base-path.ts'
import { ALL_FAMILIES, developmentSpec, keptSpec, readJsonFile } from '../chain-specs.ts'
import type { LogLevel } from '../log-levels.ts'
import { printLine, toJson } from '../output.ts'
import type { Runner } from '../program.ts'
import { readSigner } from '../secrets.ts'
import { createShutdown } from '../shutdown.ts'
import { startNode } from '../start-node.ts'
import { createLogger, systemClock } from '../system.ts'

interface NodeCommandOptions {
  readonly dev: boolean
  readonly chain?: string
  readonly blockTime: number
  readonly basePath?: string
  readonly rpcPort: number
  readonly rpcMethods: 'safe' | 'unsafe'
  readonly archive: boolean
  readonly authority?: string
  readonly logLevel?: LogLevel
  readonly json: boolean
}

/** The development chain's authority; its secret is public by design. */
const DEV_AUTHORITY = '//Alice'

const isAuthorityOf = (node: Node, crypto: Crypto, suri: string): boolean => {
  const publicKey = crypto.ed25519.publicKey(suriToEd25519Seed(crypto, suri))
  return node.chain.authorities().list.some(([id]) => bytesEqual(id, publicKey))
}

/** Runs a node until it is told to end. */
export const runNode: Runner = async (io, _positional, given) => {
  const options = given as unknown as NodeCommandOptions
  const { dev, chain, json } = options
  if (dev === (chain !== undefined)) throw new AppError('CLI_USAGE', { problem: 'Give either --dev or --chain', command: 'phalanx node' })
  const shutdown = createShutdown()
  let fatal: unknown
  try {
    const fromFile = chain === undefined ? undefined : readJsonFile(chain)
    const base = openBasePath({ path: options.basePath, kind: 'node' })
    shutdown.add(() => base.close())
    const [crypto, logger] = await Promise.all([loadCrypto(), createLogger({ level: options.logLevel ?? 'info', name: 'node' })])
    const authority = options.authority === undefined ? (dev ? DEV_AUTHORITY : undefined) : (await readSigner(io, options.authority)).reveal()
    // A named file wins over the kept copy, so that a folder of another chain is refused instead of silently used.
    const spec = fromFile ?? keptSpec(base.path, () => developmentSpec(crypto, options.blockTime, ALL_FAMILIES))
    const started = await startNode(
      {
        spec, folder: base.folder('node'), blockTimeMs: options.blockTime, rpcPort: options.rpcPort, isUnsafeRpcAllowed: options.rpcMethods === 'unsafe',
        isArchive: options.archive, isDev: dev, authority, isEager: false,
      },
      {
        crypto, clock: systemClock, logger,
        onFatal: (error) => {
          fatal = error
          shutdown.request()
        },
      },
    )
    shutdown.add(() => started.node.stop())
    const { rpc, node } = started
    if (authority !== undefined && !isAuthorityOf(node, crypto, authority)) throw new AppError('CLI_NOT_AN_AUTHORITY', { option: '--authority' })
    printLine(io.stdout, json
      ? toJson({ event: 'started', rpc, genesis: toHex(node.genesisHash), block: node.head().number, basePath: base.path })
      : `node listens on ${rpc}; genesis ${toHex(node.genesisHash)}, block ${node.head().number}`)
    const why = await shutdown.requested
    if (why === 'failure') throw fatal
    return 0
  } finally {
    await shutdown.close()
  }
}
