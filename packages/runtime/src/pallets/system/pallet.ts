/** Owns System: remarks, root's doors to raw storage, the events every extrinsic ends with. Execution itself is the frame's. */
import { assert } from '@phalanx/primitives/assert'
import { toHex } from '@phalanx/primitives/bytes'
import { AccountId, Hash } from '@phalanx/primitives/chain'
import { bytes, bytesUpTo, tuple, u16, u32, vecUpTo } from '@phalanx/primitives/codec'
import { apiMethod, runtimeApi } from '../../frame/api.ts'
import { DispatchError } from '../../frame/dispatch-error.ts'
import { ensureRoot, ensureSigned } from '../../frame/origin.ts'
import { toKey } from '../../frame/overlay.ts'
import { constant, declarePallet } from '../../frame/pallet.ts'
import { DispatchInfo, weigh } from '../../frame/weight.ts'
import { BLOCK_HASH_COUNT, BLOCK_LENGTH, BLOCK_WEIGHTS, BlockLength, BlockWeights, DB_WEIGHT, RuntimeDbWeight, RuntimeVersionCodec } from './limits.ts'
import * as storage from './storage.ts'

/** Address format of the chain. */
export const SS58_PREFIX = 30
const REMARK_BYTES_MAX = 4 * 1024 * 1024
const KEYS_MAX = 1024

const parts = declarePallet({
  name: 'System',
  crate: 'frame_system',
  doc: 'Accounts, block history and events.',
  storage,
  events: {
    ExtrinsicSuccess: { index: 0, doc: 'An extrinsic completed.', fields: { dispatchInfo: DispatchInfo } },
    ExtrinsicFailed: { index: 1, doc: 'An extrinsic failed; everything but its fee and nonce was rolled back.', fields: { dispatchError: DispatchError, dispatchInfo: DispatchInfo } },
    NewAccount: { index: 3, doc: 'An account came into being.', fields: { account: AccountId } },
    KilledAccount: { index: 4, doc: 'An account was removed.', fields: { account: AccountId } },
    Remarked: { index: 5, doc: 'A remark was made.', fields: { sender: AccountId, hash: Hash } },
  },
  errors: {
    FailedToExtractRuntimeVersion: { index: 2, doc: 'The rules of this chain come with the node; there is no code to set. Upgrade the nodes instead.' },
    CallFiltered: { index: 5, doc: 'The origin may not make this call.' },
  },
  constants: {
    BlockWeights: constant(BlockWeights, BLOCK_WEIGHTS, 'Weight limits of blocks and extrinsics.'),
    BlockLength: constant(BlockLength, BLOCK_LENGTH, 'Length limit of a block in bytes.'),
    BlockHashCount: constant(u32, BLOCK_HASH_COUNT, 'How many block hashes the state keeps.'),
    DbWeight: constant(RuntimeDbWeight, DB_WEIGHT, 'Weight of database reads and writes.'),
    Version: constant(RuntimeVersionCodec, (runtime) => runtime.version, 'Version of the runtime.'),
    SS58Prefix: constant(u16, SS58_PREFIX, 'Address format of this chain.'),
  },
})

const remark = bytesUpTo(REMARK_BYTES_MAX)

/** System, index 1. */
export const system = parts.withCalls({
  remark: {
    index: 0, doc: 'Put bytes on chain without effect.', weight: (args) => weigh({ micros: args.remark.length >> 10 }), args: { remark },
    dispatch(_ctx, origin) {
      if (origin.kind !== 'Root') ensureSigned(origin)
    },
  },
  setCode: {
    index: 2, doc: 'Refused: the rules of this chain come with the node.', class: 'Operational', weight: weigh({ reads: 1 }), args: { code: bytes },
    dispatch(ctx, origin) {
      ensureRoot(origin)
      ctx.fail('FailedToExtractRuntimeVersion')
    },
  },
  setStorage: {
    index: 4, doc: 'Set raw storage items. Root only.', class: 'Operational', weight: ({ items }) => weigh({ writes: items.length }),
    args: { items: vecUpTo(tuple(bytes, bytes), KEYS_MAX) },
    dispatch(ctx, origin, { items }) {
      ensureRoot(origin)
      for (const [key, value] of items) ctx.storage.set(toKey(key), value)
    },
  },
  killStorage: {
    index: 5, doc: 'Remove raw storage items. Root only.', class: 'Operational', weight: ({ keys }) => weigh({ writes: keys.length }),
    args: { keys: vecUpTo(bytes, KEYS_MAX) },
    dispatch(ctx, origin, { keys }) {
      ensureRoot(origin)
      for (const key of keys) ctx.storage.set(toKey(key), undefined)
    },
  },
  killPrefix: {
    index: 6, doc: 'Remove up to `subkeys` + 1 storage items under a prefix. Root only.', class: 'Operational',
    weight: ({ subkeys }) => weigh({ writes: subkeys + 1 }), args: { prefix: bytes, subkeys: u32 },
    dispatch(ctx, origin, { prefix, subkeys }) {
      ensureRoot(origin)
      const doomed: string[] = []
      for (const key of ctx.storage.keys(toKey(prefix))) {
        if (doomed.length > subkeys) break
        doomed.push(key)
      }
      for (const key of doomed) ctx.storage.set(key, undefined)
    },
  },
  remarkWithEvent: {
    index: 7, doc: 'Put bytes on chain and emit their hash.', weight: (args) => weigh({ micros: args.remark.length >> 8 }), args: { remark },
    dispatch(ctx, origin, args) {
      const sender = ensureSigned(origin)
      ctx.emit('Remarked', { sender, hash: ctx.crypto.blake2b256(args.remark) })
    },
  },
}, {
  apis: [
    runtimeApi({
      name: 'AccountNonceApi', version: 1, doc: 'Nonces of accounts.',
      methods: {
        accountNonce: apiMethod({ doc: 'Nonce of the account\'s next transaction.', params: { account: AccountId }, result: u32, call: (ctx, { account }) => storage.account.get(ctx, account).nonce }),
      },
    }),
  ],
  tryState(ctx) {
    for (const [[who], info] of storage.account.entries(ctx)) {
      assert(info.providers + info.sufficients > 0 || info.consumers === 0, `account ${toHex(who)} has a provider for its consumers`)
    }
  },
})
