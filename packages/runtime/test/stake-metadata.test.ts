/** The stake pallets look to clients as a real chain's do: names, indices, hashers and keys of what both have. */
import { expect, test } from 'vitest'
import { describeVectors, readVectorJson } from '../../../tools/vectors.ts'
import type { AnyPallet } from '../src/frame/pallet.ts'
import { assets } from '../src/pallets/assets/pallet.ts'
import { phalaBasePool } from '../src/pallets/phala-base-pool/pallet.ts'
import { phalaStakePoolV2 } from '../src/pallets/phala-stake-pool-v2/pallet.ts'
import { phalaVault } from '../src/pallets/phala-vault/pallet.ts'
import { phalaWrappedBalances } from '../src/pallets/phala-wrapped-balances/pallet.ts'
import { rmrkCore } from '../src/pallets/rmrk-core/pallet.ts'
import { uniques } from '../src/pallets/uniques/pallet.ts'

interface Indexed {
  readonly name: string
  readonly index: number
}
interface RealPallet {
  readonly name: string
  readonly calls: readonly (Indexed & { readonly fields: readonly (readonly [string, string])[] })[]
  readonly events: readonly (Indexed & { readonly fields: number })[]
  readonly errors: readonly Indexed[]
  readonly storage: { readonly items: readonly { readonly name: string; readonly modifier: string; readonly type: 'plain' | { readonly hashers: readonly string[] } }[] }
}

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
/** Renamed since the metadata was taken: arguments of vault calls, an error with a leading underscore, a deprecated one. */
const RENAMED = new Set(['PhalaVault.check_and_maybe_force_withdraw', 'PhalaStakePoolv2.PoolIsBusy', 'PhalaBasePool.DeprecatedTransferSharesAmountInvalid'])
/** A field more since then: the item of a queued withdrawal. */
const GREW = new Set(['PhalaBasePool.WithdrawalQueued', 'PhalaBasePool.Withdrawal', 'PhalaStakePoolv2.Contribution'])

describeVectors('stake pallets beside a real chain\'s metadata', () => {
  const real = (): readonly RealPallet[] => readVectorJson<{ readonly pallets: readonly RealPallet[] }>('5-wire/metadata/khala-2023-08-prb.summary.json').pallets
  const pallets: readonly AnyPallet[] = [assets, uniques, rmrkCore, phalaStakePoolV2, phalaVault, phalaWrappedBalances, phalaBasePool]

  test.each(pallets.map((pallet) => [pallet.name, pallet] as const))('%s', (name, pallet) => {
    const theirs = real().find((one) => one.name === name)
    let compared = 0
    for (const [call, spec] of Object.entries(pallet.calls)) {
      const found = theirs?.calls.find((one) => one.name === snakeCase(call))
      if (found === undefined) continue
      compared++
      const fields = Object.keys(spec.args).map(snakeCase)
      expect({ call, index: spec.index, fields: RENAMED.has(`${name}.${found.name}`) ? found.fields.map(([field]) => field) : fields }).toEqual({ call, index: found.index, fields: found.fields.map(([field]) => field) })
    }
    for (const [event, spec] of Object.entries(pallet.events as Readonly<Record<string, { readonly index: number; readonly fields: object }>>)) {
      const found = theirs?.events.find((one) => one.name === event)
      if (found === undefined) continue
      compared++
      expect({ event, index: spec.index }).toEqual({ event, index: found.index })
      if (!GREW.has(`${name}.${event}`)) expect({ event, fields: Object.keys(spec.fields).length }).toEqual({ event, fields: found.fields })
    }
    for (const [error, spec] of Object.entries(pallet.errors as Readonly<Record<string, { readonly index: number }>>)) {
      const found = theirs?.errors.find((one) => one.index === spec.index)
      if (found === undefined || RENAMED.has(`${name}.${error}`)) continue
      compared++
      expect(error).toBe(found.name)
    }
    for (const { entry } of pallet.storage) {
      const found = theirs?.storage.items.find((one) => one.name === entry.name)
      if (found === undefined) continue
      compared++
      expect({ item: entry.name, modifier: entry.modifier, hashers: entry.hashers }).toEqual({ item: entry.name, modifier: found.modifier, hashers: found.type === 'plain' ? [] : found.type.hashers })
    }
    expect(compared).toBeGreaterThan(10)
  })
})
