/** Owns `system_*` and `rpc_methods`: who the node is and how it does. */
import { AppError } from '@phalanx/primitives/errors'
import { concatBytes, toHex } from '@phalanx/primitives/bytes'
import { readPhlx } from '@phalanx/primitives/chain'
import { u32 } from '@phalanx/primitives/codec'
import { parseAccountAddress } from '@phalanx/primitives/crypto'
import { DispatchError, TransactionValidityError } from '@phalanx/runtime/frame'
import type { RpcBackend } from '../backend.ts'
import { call, type MethodTable } from '../method.ts'
import { hash, hexBytes, optional, textUpTo } from '../params.ts'

/** Nonces counted through the pool at most. */
const NONCES_MAX = 65_536
const PERIOD_MS = 25n

const parseAccount = (backend: RpcBackend, text: string): Uint8Array => {
  try {
    return /^0x[0-9a-fA-F]{64}$/.test(text) ? hash.parse(text, 'address') : parseAccountAddress(backend.crypto, text)
  } catch (cause) {
    const field = 'params[0] address'
    throw new AppError('RPC_INVALID_PARAMS', { field, expected: 'the SS58 address or 0x public key of an account' }, { cause, path: field })
  }
}

/** The nonce that the next transaction of an account should have: the chain's, then past those that wait ready in the pool. */
const nextNonce = (backend: RpcBackend, account: Uint8Array): number => {
  const { chain, runtime, env, pool } = backend
  const { state, header } = chain.head()
  let nonce = u32.decode(runtime.callApi({ state, at: header, method: 'AccountNonceApi_account_nonce', params: account, env }))
  for (let steps = 0; steps < NONCES_MAX && pool.providesReady(concatBytes(account, u32.encode(nonce))); steps++) nonce++
  return nonce
}

/** Applies an extrinsic to a block that is thrown away; SCALE of `ApplyExtrinsicResult`. */
const dryRun = (backend: RpcBackend, extrinsic: Uint8Array, at: Uint8Array | undefined): Uint8Array => {
  const { chain, runtime, env } = backend
  const parent = chain.headerAt(at)
  const builder = runtime.buildBlock({ state: chain.stateAt(at), parent, timeMs: readPhlx(parent).timeMs + PERIOD_MS, env })
  const outcome = builder.apply(extrinsic)
  if (outcome.kind === 'applied') return outcome.dispatchError === undefined ? Uint8Array.of(0, 0) : concatBytes(Uint8Array.of(0, 1), DispatchError.encode(outcome.dispatchError))
  const error = outcome.kind === 'invalid' ? outcome.error : ({ kind: 'Invalid', value: { kind: 'ExhaustsResources' } } as const)
  return concatBytes(Uint8Array.of(1), TransactionValidityError.encode(error))
}

const accountNextIndex = call({
  doc: 'Next nonce of an account, transactions in the pool included.',
  params: { address: textUpTo(128) },
  aliases: ['account_nextIndex'],
  handle: (backend, { address }) => nextNonce(backend, parseAccount(backend, address)),
})

const roles = ({ engine }: RpcBackend): readonly string[] => [engine.health().isAuthoring ? 'Authority' : 'Full']

/** Methods about the node. */
export const systemMethods: MethodTable = {
  rpc_methods: call({ doc: 'Names of all methods.', params: {}, handle: ({ methodNames }) => ({ methods: methodNames() }) }),
  system_name: call({ doc: 'Name of the implementation.', params: {}, handle: ({ name }) => name }),
  system_version: call({ doc: 'Version of the implementation.', params: {}, handle: ({ version }) => version }),
  system_chain: call({ doc: 'Name of the chain.', params: {}, handle: ({ info }) => info.name }),
  system_chainType: call({ doc: 'Development, Local or Live.', params: {}, handle: ({ info }) => info.chainType }),
  system_properties: call({ doc: 'Properties of the chain: address format, token decimals and symbol.', params: {}, handle: ({ info }) => info.properties }),
  system_health: call({
    doc: 'Whether the node syncs, and its peers.', params: {},
    handle: ({ engine }) => ({ peers: engine.peers().length, isSyncing: engine.health().isSyncing, shouldHavePeers: engine.kind !== 'embedded' }),
  }),
  system_peers: call({
    doc: 'Connected peers.', params: {},
    handle: ({ engine }) => engine.peers().map(({ id, roles: role, bestHash, bestNumber }) => ({ peerId: id, roles: role, bestHash, bestNumber })),
  }),
  system_nodeRoles: call({ doc: 'Roles of the node.', params: {}, handle: roles }),
  system_localPeerId: call({
    doc: 'Identifier of the node, derived from the chain: there is no peer-to-peer network below the embedded engine.', params: {},
    handle: ({ chain }) => `phalanx-${toHex(chain.genesisHash).slice(2, 18)}`,
  }),
  system_localListenAddresses: call({ doc: 'Addresses that peers reach the node at: none.', params: {}, handle: () => [] }),
  system_syncState: call({
    doc: 'How far the node has synced.', params: {},
    handle: ({ chain }) => ({ startingBlock: 0, currentBlock: chain.head().number, highestBlock: chain.head().number }),
  }),
  system_accountNextIndex: accountNextIndex,
  system_dryRun: call({
    doc: 'Applies an extrinsic to the state of a block without keeping anything; SCALE of ApplyExtrinsicResult.',
    params: { extrinsic: hexBytes, at: optional(hash) },
    aliases: ['system_dryRunAt'],
    handle: (backend, { extrinsic, at }) => toHex(dryRun(backend, extrinsic, at)),
  }),
}
