/** Owns `chainSpec_v1_*`. */
import { toHex } from '@phalanx/primitives/bytes'
import { call, type MethodTable } from '../method.ts'

/** Methods about the chain spec. */
export const chainSpecMethods: MethodTable = {
  chainSpec_v1_chainName: call({ doc: 'Name of the chain.', params: {}, handle: ({ info }) => info.name }),
  chainSpec_v1_genesisHash: call({ doc: 'Hash of the first block.', params: {}, handle: ({ chain }) => toHex(chain.genesisHash) }),
  chainSpec_v1_properties: call({ doc: 'Properties of the chain.', params: {}, handle: ({ info }) => info.properties }),
}
