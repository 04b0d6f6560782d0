/** Owns `phalanx contract build` without its printing: from a contract's source to the two files that clients and workers take. */
import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { toHex, utf8 } from '@phalanx/primitives/bytes'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { ContractDefinition } from '@phalanx/sdk/contract'
import { selectorsOf } from '@phalanx/sdk/contract/abi'
import { contractMetadata, type ContractMetadata } from '@phalanx/sdk/contract/metadata'
import manifest from '../../package.json' with { type: 'json' }
import '../errors.ts'
import { bundleScript } from './bundler.ts'
import { assertServes, EXPORT_NAME, readDefinition } from './evaluate.ts'

/** First line of a contract's code, by which workers know the format. */
const CODE_PREFIX = '//phalanx-contract:1\n'
/** Longest code that workers take. */
const CODE_BYTES_MAX = 2 * 1024 * 1024
/** Where a project's contract may be, in order. */
const ENTRY_FILES = ['contract.ts', 'src/contract.ts', 'contract.js', 'src/contract.js']

/** Where a contract's source is. */
export interface ContractSource {
  readonly file: string
  /** Folder of the project. */
  readonly folder: string
}

/** Where code came from, in the layout of ink!'s bundles. */
export interface SourceInfo {
  /** blake2-256 of the code. */
  readonly hash: string
  readonly language: string
  readonly compiler: string
}

/** A built contract. */
export interface BuiltContract {
  readonly definition: ContractDefinition
  readonly code: Uint8Array
  readonly codeHash: Uint8Array
  readonly metadata: { readonly source: SourceInfo } & ContractMetadata
}

/** The contract that a file or a folder holds. @throws CLI_CONTRACT_SOURCE_MISSING */
export const findContract = (target: string): ContractSource => {
  const path = resolve(target)
  if (!existsSync(path)) throw new AppError('CLI_CONTRACT_SOURCE_MISSING', { path: target })
  if (statSync(path).isFile()) {
    const parent = dirname(path)
    return { file: path, folder: basename(parent) === 'src' ? dirname(parent) : parent }
  }
  const file = ENTRY_FILES.map((name) => join(path, name)).find((candidate) => existsSync(candidate))
  if (file === undefined) throw new AppError('CLI_CONTRACT_SOURCE_MISSING', { path: target })
  return { file, folder: path }
}

/**
 * Builds a contract: the same sources give the same bytes, wherever they lie.
 * @throws CLI_CONTRACT_IMPORT_REFUSED, CLI_CONTRACT_BUILD_FAILED, CLI_CONTRACT_DECLARATION_FAILED, CLI_CONTRACT_EXPORT_MISSING, CLI_CONTRACT_TOO_LARGE
 */
export const buildContract = async ({ file }: ContractSource, { crypto }: { readonly crypto: Pick<Crypto, 'blake2b256'> }): Promise<BuiltContract> => {
  const [folder, path] = [dirname(file), basename(file)]
  const hash = (bytes: Uint8Array): Uint8Array => crypto.blake2b256(bytes)
  const source = JSON.stringify(`./${path}`)
  const declared = await bundleScript({ entry: `import * as exported from ${source}\nglobalThis.${EXPORT_NAME} = exported`, folder, path })
  const definition = readDefinition(declared, path)
  const selectors = JSON.stringify(selectorsOf(hash, definition))
  const script = await bundleScript({
    entry: `import definition from ${source}\nimport { serveContract } from '@phalanx/sdk/contract/serve'\nserveContract(definition, ${selectors})`, folder, path,
  })
  const code = utf8(CODE_PREFIX + script)
  if (code.length > CODE_BYTES_MAX) throw new AppError('CLI_CONTRACT_TOO_LARGE', { path, size: code.length, max: CODE_BYTES_MAX })
  assertServes(script, path)
  const codeHash = hash(code)
  const info: SourceInfo = { hash: toHex(codeHash), language: 'TypeScript', compiler: `phalanx ${manifest.version}` }
  return { definition, code, codeHash, metadata: { source: info, ...contractMetadata(definition, hash) } }
}

/** Text of `<name>.contract`: metadata with the code in it. */
export const bundleText = ({ metadata, code }: BuiltContract): string => `${JSON.stringify({ ...metadata, source: { ...metadata.source, wasm: toHex(code) } })}\n`

/** Text of `<name>.json`: metadata alone, for clients. */
export const metadataText = ({ metadata }: BuiltContract): string => `${JSON.stringify(metadata, undefined, 2)}\n`
