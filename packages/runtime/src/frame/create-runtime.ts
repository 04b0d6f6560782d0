/** Owns assembling a runtime from a list of pallets: the Runtime that node and simulator run. Knows no pallet but System by name. */
import { assert } from '@phalanx/primitives/assert'
import { utf8 } from '@phalanx/primitives/bytes'
import { decodeExtrinsic, headerHash, ZERO_HASH, type Header } from '@phalanx/primitives/chain'
import { ByteReader, snakeCase, struct } from '@phalanx/primitives/codec'
import type { Crypto } from '@phalanx/primitives/crypto'
import { AppError, isAppError } from '@phalanx/primitives/errors'
import { createTrie, orderedRoot, type StateVersion } from '@phalanx/primitives/trie'
import { lastRuntimeUpgrade } from '../pallets/system/storage.ts'
import type { ApiMethod, ApiSpec } from './api.ts'
import { createContext } from './block-context.ts'
import { createOuterEnums, type PlacedPallet } from './calls.ts'
import { parseChainSpecFor, type ChainSpec } from './chain-spec.ts'
import type { Context, RuntimeServices } from './context.ts'
import { createCoreApis } from './core-apis.ts'
import { createDispatcher } from './dispatch.ts'
import { blockEndItems, buildBlock, CODE_KEY, codeOf, executeBlock, validateTransaction, type ExecutiveParts } from './executive.ts'
import type { TransactionExtension } from './extension.ts'
import { encodeMetadata } from './metadata/build.ts'
import { toKey } from './overlay.ts'
import type { Runtime, RuntimeEnv, RuntimeVersion } from './runtime-api.ts'
import { extrinsicSignatureCheck } from './transactions.ts'
import { systemExtensions } from '../pallets/system/extensions.ts'

/** What a runtime is made of. */
export interface RuntimeOptions {
  readonly pallets: readonly PlacedPallet[]
  readonly version: Omit<RuntimeVersion, 'apis' | 'stateVersion'>
  readonly stateVersion: StateVersion
}

/** A runtime and what tests and tools may look into. */
export interface AssembledRuntime extends Runtime {
  readonly parts: ExecutiveParts
  parseChainSpec(json: unknown, dependencies: { readonly crypto: Crypto }): ChainSpec
  /** A context over a state, outside any block: reads, tests, dry runs. */
  contextAt(args: { readonly state: Parameters<typeof createContext>[1]['state']; readonly at: Header; readonly env: RuntimeEnv }): Context
}

const assertPallets = (pallets: readonly PlacedPallet[]): void => {
  assert(new Set(pallets.map(({ index }) => index)).size === pallets.length, 'pallets have indices of their own')
  assert(new Set(pallets.map(({ pallet }) => pallet.name)).size === pallets.length, 'pallets have names of their own')
}

/** Extensions in order: System's, then the pallets' in pallet order, the fee payment last. */
const collectExtensions = (pallets: readonly PlacedPallet[]): readonly TransactionExtension[] => {
  const own = pallets.flatMap(({ pallet }) => (pallet.extension === undefined ? [] : [pallet.extension]))
  return [...systemExtensions, ...own.filter(({ last }) => last !== true), ...own.filter(({ last }) => last === true)]
}

const genesis = (parts: ExecutiveParts, spec: ChainSpec, env: RuntimeEnv): ReturnType<Runtime['genesis']> => {
  assert(spec.stateVersion === parts.services.stateVersion, 'the runtime was created for the state version of the chain spec')
  const empty = createTrie({ crypto: env.crypto, version: spec.stateVersion })
  const ctx = createContext(parts, { state: empty, env, block: { number: 0, parentHash: ZERO_HASH, phase: { kind: 'Initialization' } } })
  for (const { pallet } of parts.pallets) {
    if (pallet.genesis === undefined) continue
    const config = spec.genesis[pallet.name] ?? pallet.genesis.empty
    if (config !== undefined) pallet.genesis.build(pallet.in(ctx), config, { simulated: spec.simulated })
  }
  const { specName, specVersion } = parts.services.version
  lastRuntimeUpgrade.set(ctx, { specName, specVersion })
  ctx.storage.set(toKey(CODE_KEY), codeOf(parts))
  const logs = blockEndItems(ctx, parts)
  const changes = ctx.storage.changes()
  const state = empty.apply(changes)
  const header: Header = {
    parentHash: ZERO_HASH, number: 0, stateRoot: state.root,
    extrinsicsRoot: orderedRoot({ crypto: env.crypto, version: 0, items: [] }), digest: { logs: [...logs] },
  }
  return { changes, state, header }
}

interface ApiEntry {
  readonly method: ApiMethod
  readonly params: ReturnType<typeof struct>
}

const createApiTable = (apis: readonly ApiSpec[]): ReadonlyMap<string, ApiEntry> =>
  new Map(apis.flatMap((api) =>
    Object.entries(api.methods).map(([name, method]) => [`${api.name}_${snakeCase(name)}`, { method, params: struct(method.params) }] as const)))

const signatureChecks = ({ services, pallets }: ExecutiveParts): Runtime['signatureChecksOf'] => (bytes, at) => {
  try {
    const extrinsic = decodeExtrinsic(bytes)
    const outer = extrinsicSignatureCheck(extrinsic, { ...at, versions: services.version })
    const call = services.RuntimeCall.decode(extrinsic.call)
    const inner = pallets.find(({ pallet }) => pallet.name === call.pallet)?.pallet.signatureChecks?.(call) ?? []
    return outer === undefined ? inner : [outer, ...inner]
  } catch (error) {
    if (isAppError(error)) return []
    throw error
  }
}

const callApi = (parts: ExecutiveParts, table: ReadonlyMap<string, ApiEntry>): Runtime['callApi'] => ({ state, at, method, params, env }) => {
  const entry = table.get(method)
  if (entry === undefined) throw new AppError('RUNTIME_API_UNKNOWN', { method })
  let args: unknown
  try {
    const input = new ByteReader(params)
    args = entry.params.read(input)
    input.finish()
  } catch (cause) {
    throw new AppError('RUNTIME_API_PARAMS', { method }, { cause })
  }
  const ctx = createContext(parts, { state, env, block: { number: at.number, parentHash: at.parentHash, phase: { kind: 'Finalization' } } })
  return entry.method.result.encode(entry.method.call(ctx, args, { state, at, env }))
}

/** Id of a runtime API: blake2b-64 of its name. */
const apiId = (crypto: Pick<Crypto, 'blake2b'>, name: string): Uint8Array => crypto.blake2b(utf8(name), 8)

/** Assembles a runtime. `crypto` serves naming only (API ids, storage prefixes). */
export const createRuntime = (options: RuntimeOptions, dependencies: { readonly crypto: Crypto }): AssembledRuntime => {
  const pallets = [...options.pallets].sort((a, b) => a.index - b.index)
  assertPallets(pallets)
  const { crypto } = dependencies
  const enums = createOuterEnums(pallets)
  const extensions = collectExtensions(pallets)
  const metadataMemo = new Map<number, Uint8Array>()
  const dispatcher = createDispatcher(enums, () => services)
  const metadata = (version: 14 | 15 | 16): Uint8Array => {
    let bytes = metadataMemo.get(version)
    if (bytes === undefined) metadataMemo.set(version, (bytes = encodeMetadata({ version, pallets, enums, extensions, apis, services })))
    return bytes
  }
  const services: RuntimeServices = {
    ...dispatcher,
    get version() {
      return version
    },
    stateVersion: options.stateVersion,
    RuntimeCall: enums.RuntimeCall,
    RuntimeEvent: enums.RuntimeEvent,
    has: (name) => pallets.some(({ pallet }) => pallet.name === name),
    metadata,
  }
  const parts: ExecutiveParts = { services, enums, pallets, extensions }
  const apis = [...createCoreApis(parts), ...pallets.flatMap(({ pallet }) => (typeof pallet.apis === 'function' ? pallet.apis(enums) : (pallet.apis ?? [])))]
  const version: RuntimeVersion = {
    ...options.version, stateVersion: options.stateVersion,
    apis: apis.map((api) => [apiId(crypto, api.name), api.version] as const),
  }
  return {
    parts,
    version,
    metadata,
    genesis: (spec, env) => genesis(parts, spec, env),
    executeBlock: (args) => executeBlock(parts, args),
    buildBlock: (args) => buildBlock(parts, args),
    validateTransaction: (args) => validateTransaction(parts, args),
    callApi: callApi(parts, createApiTable(apis)),
    signatureChecksOf: signatureChecks(parts),
    parseChainSpec: (json, tools) => parseChainSpecFor(pallets, json, tools),
    contextAt: ({ state, at, env }) =>
      createContext(parts, { state, env, block: { number: at.number, parentHash: headerHash(env.crypto, at), phase: { kind: 'Finalization' } } }),
  }
}
