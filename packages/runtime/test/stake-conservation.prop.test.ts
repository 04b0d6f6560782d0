/** No planck appears or vanishes: random stake actions held to an independent model; 50,000 here, 1,000,000 with PHALANX_LONG=1. Planted faults are found. */
import { AssertionError } from '@phalanx/primitives/assert'
import { leToBigint } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import type { Codec } from '@phalanx/primitives/codec'
import { toKey } from '../src/frame/overlay.ts'
import type { StorageItem } from '../src/frame/storage.ts'
import { account as assetAccount, type AssetAccount } from '../src/pallets/assets/storage.ts'
import { pools } from '../src/pallets/phala-base-pool/storage.ts'
import { NftAttr, type BasePool, type PoolProxy } from '../src/pallets/phala-base-pool/types.ts'
import { unmintableDust } from '../src/pallets/phala-wrapped-balances/storage.ts'
import { properties } from '../src/pallets/rmrk-core/storage.ts'
import { runRandomStake, type Fault } from './stake-rig.ts'

const crypto = await loadCrypto()
const ACTIONS = process.env['PHALANX_LONG'] === '1' ? 1_000_000 : 50_000
/** `STAKE_SEED=7` looks elsewhere; `STAKE_TALLY=1` tells what was done. */
const SEED = Number(process.env['STAKE_SEED'] ?? 1)

test(`${ACTIONS} random actions keep every planck and every share`, { timeout: 120_000 + ACTIONS * 5 }, () => {
  const tally = runRandomStake({ seed: SEED, actions: ACTIONS }, crypto)
  if (process.env['STAKE_TALLY'] === '1') console.log([...tally].map(([kind, { tried, done }]) => `${kind} ${done}/${tried}`).join(', '))
  for (const [kind, { tried, done }] of tally) expect(done, `${kind}: ${done} of ${tried} succeed`).toBeGreaterThan(0)
})

describe('a planted fault is found: off by one in', () => {
  const PLANTED_AT = 510
  const LAST = 900

  /** From then on every write under the item is altered, as a wrong rounding would alter it. */
  const writing = <T>(item: StorageItem, alter: (value: T) => T): Fault => (ctx, step) => {
    if (step !== PLANTED_AT) return
    const prefix = toKey(item.prefix(ctx.storage.hasher))
    const write = ctx.storage.write.bind(ctx.storage)
    ctx.storage.write = <V>(key: string, codec: Codec<V>, value: V, deferred?: boolean) =>
      write(key, codec, key.startsWith(prefix) ? (alter(value as never) as never) : value, deferred)
  }
  const withBase = (pool: PoolProxy, change: (base: BasePool) => Partial<BasePool>): PoolProxy =>
    ({ ...pool, value: { ...pool.value, basepool: { ...pool.value.basepool, ...change(pool.value.basepool) } } }) as PoolProxy
  const isShares = (value: Uint8Array): boolean => value.length === NftAttr.minSize

  const faults: readonly (readonly [string, Fault])[] = [
    ['the shares of a pool', writing<PoolProxy>(pools, (pool) => withBase(pool, ({ totalShares }) => ({ totalShares: totalShares + 1n })))],
    ['the value of a pool', writing<PoolProxy>(pools, (pool) => withBase(pool, ({ totalValue }) => ({ totalValue: totalValue + 1n })))],
    ['the shares of an item', writing<Uint8Array>(properties, (value) => (isShares(value) ? NftAttr.encode({ shares: leToBigint(value) + 1n }) : value))],
    ['a balance of wrapped PHA', writing<AssetAccount>(assetAccount, (one) => ({ ...one, balance: one.balance + 1n }))],
    ['the dust', (ctx, step) => { if (step === PLANTED_AT) unmintableDust.mutate(ctx, (dust) => dust + 1n) }],
  ]
  test.each(faults)('%s', (_, fault) => {
    let at = 0
    const run = (): unknown => runRandomStake({ seed: SEED, actions: LAST, fault: (ctx, step) => { at = step; fault(ctx, step) } }, crypto)
    expect(run).toThrow(AssertionError)
    expect(at).toBeGreaterThanOrEqual(PLANTED_AT)
  })

  test('nothing: the same actions without a fault pass', () => {
    expect(() => runRandomStake({ seed: SEED, actions: LAST }, crypto)).not.toThrow()
  })
})
