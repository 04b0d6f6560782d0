/** Owns the chain spec: a JSON object that fixes a chain's name, properties and genesis state, parsed strictly. */
import { AppError } from '@phalanx/primitives/errors'
import { parseAccountAddress, type Crypto } from '@phalanx/primitives/crypto'
import type { StateVersion } from '@phalanx/primitives/trie'
import type { PlacedPallet } from './calls.ts'
import { jsonBool, jsonDefault, jsonInteger, jsonList, jsonObject, jsonOneOf, jsonText, type JsonOf, type JsonShape, type JsonTools } from './json.ts'
import { SS58_PREFIX } from '../pallets/system/pallet.ts'

const any: JsonShape<unknown> = { parse: (value) => value }

const outerShape = jsonObject({
  name: jsonText,
  /** Lower-case identifier, used for folders. */
  id: jsonText,
  chainType: jsonOneOf('Development', 'Local', 'Live'),
  properties: jsonObject({ ss58Format: jsonInteger(0, 16383), tokenDecimals: jsonInteger(0, 38), tokenSymbol: jsonText }),
  /** Opens simulated vendor roots and development doors; fixed in the genesis state. */
  simulated: jsonBool,
  stateVersion: jsonDefault(jsonInteger(0, 1), 1),
  /** Idle interval between blocks. */
  blockTimeMs: jsonDefault(jsonInteger(50, 600_000), 1000),
  /** Peers or checkpoints to start from; the embedded engine needs none. */
  bootstrap: jsonDefault(jsonList(jsonText), []),
  genesis: any,
})

/** A chain spec as parsed. `genesis` holds each pallet's own configuration by pallet name. */
export interface ChainSpec extends Omit<JsonOf<typeof outerShape>, 'genesis' | 'stateVersion'> {
  readonly stateVersion: StateVersion
  readonly genesis: Readonly<Record<string, unknown>>
}

const ID_PATTERN = /^[a-z][a-z0-9_-]{0,63}$/

/** Parses a chain spec for a runtime of these pallets. @throws CHAIN_SPEC_MALFORMED, CHAIN_SPEC_UNKNOWN_FIELD, CHAIN_SPEC_INCONSISTENT */
export const parseChainSpecFor = (pallets: readonly PlacedPallet[], json: unknown, dependencies: { readonly crypto: Crypto }): ChainSpec => {
  const tools: JsonTools = { parseAddress: (text) => parseAccountAddress(dependencies.crypto, text) }
  const { genesis: genesisJson, ...outer } = outerShape.parse(json, '', tools)
  if (!ID_PATTERN.test(outer.id)) throw new AppError('CHAIN_SPEC_MALFORMED', { field: 'id', expected: 'lower-case letters, digits, - and _' })
  if (outer.properties.ss58Format !== SS58_PREFIX)
    throw new AppError('CHAIN_SPEC_INCONSISTENT', { field: 'properties.ss58Format', reason: `the runtime uses ${SS58_PREFIX}` })
  const shapes: Record<string, JsonShape<unknown>> = {}
  for (const { pallet } of pallets) if (pallet.genesis !== undefined) shapes[pallet.name] = jsonDefault(pallet.genesis.shape as JsonShape<unknown>, undefined)
  const genesis = jsonObject(shapes).parse(genesisJson, 'genesis', tools)
  return { ...outer, stateVersion: outer.stateVersion as StateVersion, genesis }
}
