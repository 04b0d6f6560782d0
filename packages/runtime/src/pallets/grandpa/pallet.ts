/**
 * Owns the set of GRANDPA authorities and its hand-over. A block that schedules a change is itself finalised by the old set; state
 * after it names the new one. Does not own finality: the engine signs, light clients check.
 */
import { concatBytes, utf8, bytesToKey } from '@phalanx/primitives/bytes'
import { AUTHORITIES_MAX, AuthorityList, GRANDPA_ENGINE, GrandpaLog } from '@phalanx/primitives/chain'
import { u32, u64 } from '@phalanx/primitives/codec'
import { AppError } from '@phalanx/primitives/errors'
import { apiMethod, runtimeApi } from '../../frame/api.ts'
import { jsonBigint, jsonHex, jsonList, jsonObject, jsonTuple } from '../../frame/json.ts'
import { ensureRoot } from '../../frame/origin.ts'
import { toKey, type StorageHost } from '../../frame/overlay.ts'
import { constant, declarePallet } from '../../frame/pallet.ts'
import { weigh } from '../../frame/weight.ts'
import { depositLog } from '../system/events.ts'
import * as storage from './storage.ts'

/** Well-known key under which relays of the reference look for the set: a version byte and the list. */
export const WELL_KNOWN_AUTHORITIES_KEY: Uint8Array = utf8(':grandpa_authorities')
const WELL_KNOWN_VERSION = Uint8Array.of(1)

const parts = declarePallet({
  name: 'Grandpa',
  crate: 'pallet_grandpa',
  doc: 'Authorities of finality.',
  storage,
  events: { NewAuthorities: { index: 0, doc: 'A new set finalises from the next block on.', fields: { authoritySet: AuthorityList } } },
  errors: {
    ChangePending: { index: 2, doc: 'This block changes the set already.' },
    InvalidAuthorities: { index: 7, doc: 'The set is empty, names a key twice or has a weight of zero.' },
  },
  constants: {
    MaxAuthorities: constant(u32, AUTHORITIES_MAX, 'Most authorities of a set.'),
    MaxSetIdSessionEntries: constant(u64, 0n, 'Equivocation proofs are not kept.'),
  },
})

/** Whether a list can finalise anything: not empty, no key twice, no weight of zero. */
const isSoundSet = (list: AuthorityList): boolean =>
  list.length > 0 && new Set(list.map(([id]) => bytesToKey(id))).size === list.length && list.every(([, weight]) => weight > 0n)

const install = (host: StorageHost, list: AuthorityList): void => {
  storage.authorities.set(host, list)
  host.storage.set(toKey(WELL_KNOWN_AUTHORITIES_KEY), concatBytes(WELL_KNOWN_VERSION, AuthorityList.encode(list)))
}

/** Grandpa, index 20. */
export const grandpa = parts.withCalls({
  scheduleChange: {
    index: 3, doc: 'Hand finality to another set when this block ends. Root only.', class: 'Operational', weight: weigh({ reads: 2, writes: 4 }),
    args: { nextAuthorities: AuthorityList },
    dispatch(ctx, origin, { nextAuthorities }) {
      ensureRoot(origin)
      if (storage.pendingChange.has(ctx)) ctx.fail('ChangePending')
      if (!isSoundSet(nextAuthorities)) ctx.fail('InvalidAuthorities')
      storage.pendingChange.set(ctx, nextAuthorities)
    },
  },
}, {
  hooks: {
    onFinalize(ctx) {
      const nextAuthorities = storage.pendingChange.take(ctx)
      if (nextAuthorities === undefined) return
      install(ctx, nextAuthorities)
      storage.currentSetId.mutate(ctx, (id) => id + 1n)
      storage.setIdSession.set(ctx, storage.currentSetId.get(ctx), ctx.block.number)
      depositLog(ctx, { kind: 'Consensus', value: [GRANDPA_ENGINE, GrandpaLog.encode({ kind: 'ScheduledChange', value: { nextAuthorities, delay: 0 } })] })
      ctx.emit('NewAuthorities', { authoritySet: nextAuthorities })
    },
  },
  genesis: {
    shape: jsonObject({ authorities: jsonList(jsonTuple(jsonHex(32), jsonBigint(64))) }),
    build(ctx, { authorities }) {
      if (!isSoundSet(authorities))
        throw new AppError('CHAIN_SPEC_INCONSISTENT', { field: 'genesis.Grandpa.authorities', reason: 'the list is empty, names a key twice or has a weight of zero' })
      install(ctx, authorities)
      storage.currentSetId.set(ctx, 0n)
      storage.setIdSession.set(ctx, 0n, 0)
    },
  },
  apis: [
    runtimeApi({
      name: 'GrandpaApi', version: 3, doc: 'The set that finalises the next block.',
      methods: {
        grandpaAuthorities: apiMethod({ doc: 'Keys and weights.', params: {}, result: AuthorityList, call: (ctx) => storage.authorities.get(ctx) }),
        currentSetId: apiMethod({ doc: 'Number of the set.', params: {}, result: u64, call: (ctx) => storage.currentSetId.get(ctx) }),
      },
    }),
  ],
})
