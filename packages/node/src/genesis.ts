/** Owns the first block of a chain in the database: making it, or making sure that the database belongs to the chain asked for. */
import { bytesEqual, concatBytes, toHex, utf8 } from '@phalanx/primitives/bytes'
import { GenesisBlockInfo, headerHash } from '@phalanx/primitives/chain'
import { bytes, struct, text, u32 } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError } from '@phalanx/primitives/errors'
import type { ChainSpec, Runtime, RuntimeEnv } from '@phalanx/runtime/frame'
import { readAuthorities } from './engine/finality.ts'
import './errors.ts'
import type { BlockStore } from './storage/block-store.ts'

/** What is kept beside the first block: the light client's start, and which chain spec made it. */
const GenesisRecord = struct({ info: bytes, specHash: bytes, chainId: text, specVersion: u32 })

const sortKeys = (value: unknown): unknown => {
  if (typeof value === 'bigint') return `${value}n`
  if (value instanceof Uint8Array) return toHex(value)
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sortKeys(inner)]))
}

const specHashOf = (crypto: Crypto, spec: ChainSpec): Uint8Array => crypto.blake2b256(utf8(JSON.stringify(sortKeys(spec))))

/** Storage keys whose proof a light client starts from. */
const authorityKeys = (crypto: Crypto): readonly Uint8Array[] =>
  ['Authorities', 'CurrentSetId'].map((item) => concatBytes(crypto.twox128(utf8('Grandpa')), crypto.twox128(utf8(item))))

/** What `phalanx_genesisInfo` answers. */
export const readGenesisInfo = (store: Pick<BlockStore, 'genesisInfo'>): Uint8Array | undefined => {
  const record = store.genesisInfo()
  return record === undefined ? undefined : GenesisRecord.decode(record).info
}

/**
 * Writes the first block of a new database, or checks that an existing one is this chain's.
 * @throws STORAGE_GENESIS_MISMATCH
 */
export const ensureGenesis = async (
  options: { readonly spec: ChainSpec; readonly folder: string },
  dependencies: { readonly store: BlockStore; readonly runtime: Runtime; readonly env: RuntimeEnv; readonly crypto: Crypto },
): Promise<Uint8Array> => {
  const { spec, folder } = options
  const { store, runtime, env, crypto } = dependencies
  const specHash = specHashOf(crypto, spec)
  const stored = store.genesisHash
  if (stored !== undefined) {
    const record = GenesisRecord.decode(store.genesisInfo() as Uint8Array)
    if (bytesEqual(record.specHash, specHash)) return stored
    // A newer runtime writes another genesis from the same spec; the one that made this chain stays its genesis.
    const expected = headerHash(crypto, runtime.genesis(spec, env).header)
    if (bytesEqual(expected, stored) || (record.chainId === spec.id && record.specVersion !== runtime.version.specVersion)) return stored
    throw new AppError('STORAGE_GENESIS_MISMATCH', { folder, stored: toHex(stored), expected: toHex(expected) })
  }
  const { header, changes } = runtime.genesis(spec, env)
  const state = store.emptyState(runtime.version.stateVersion).apply(changes)
  const hash = headerHash(crypto, header)
  const info = GenesisBlockInfo.encode({
    blockHeader: header, authoritySet: readAuthorities(runtime, { state, header }, env), proof: state.prove(authorityKeys(crypto)),
  })
  const record = GenesisRecord.encode({ info, specHash, chainId: spec.id, specVersion: runtime.version.specVersion })
  await store.commitGenesis({ header, hash, body: [], messages: { messages: [], acks: [] }, changes, state }, record)
  return hash
}
