/** The reference's own snapshots of withdrawals (6-tokenomics/snapshots): our pallets give the same events in the same order. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bigintToLe, concatBytes, leToBigint, toHex, utf8 } from '@phalanx/primitives/bytes'
import { snakeCase } from '@phalanx/primitives/codec'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { expect, test } from 'vitest'
import { describeVectors, vectorsDir } from '../../../tools/vectors.ts'
import type { RuntimeEvent } from '../src/frame/context.ts'
import { ISSUER } from '../src/pallets/phala-base-pool/accounts.ts'
import { phalaStakePoolV2 } from '../src/pallets/phala-stake-pool-v2/pallet.ts'
import { createStakeTestbed, UNIT } from '../src/pallets/phala-stake-pool-v2/testing.ts'
import { phalaVault } from '../src/pallets/phala-vault/pallet.ts'
import { parseSnapshot, type Printed } from './rust-debug.ts'

const crypto = await loadCrypto()
const D = UNIT
/** The mock's accounts are numbers; ours begin with the same eight bytes. */
const user = (id: number): Uint8Array => concatBytes(bigintToLe(BigInt(id), 8), new Uint8Array(24).fill(7))
const worker = (id: number): Uint8Array => new Uint8Array(32).fill(id)
const ids = [1, 2, 3, 4, 99] as const
/** Account of a pool in the mock: prefix and hash of pid and owner, both u64, cut to eight bytes. */
const mockPool = (pid: number, owner: number): bigint =>
  leToBigint(concatBytes(utf8('bp/'), crypto.blake2b256(concatBytes(bigintToLe(BigInt(pid), 8), bigintToLe(BigInt(owner), 8)))).subarray(0, 8))

const ACCOUNT_FIELDS = new Set(['owner', 'user', 'from', 'to', 'account'])

const createWorld = () => {
  const bed = createStakeTestbed(crypto, { people: ids.map((id) => [user(id), 10_000n * D]), timeMs: 0n })
  const labels = new Map<string, string>([[toHex(ISSUER), 'issuer'], ...ids.map((id) => [toHex(user(id)), `user ${id}`] as const)])
  const mockLabels = new Map<bigint, string>([[leToBigint(utf8('basepool')), 'issuer'], ...ids.map((id) => [BigInt(id), `user ${id}`] as const)])
  const learnPool = (pid: number, owner: number): void => {
    labels.set(toHex(bed.base(BigInt(pid)).poolAccountId), `pool ${pid}`)
    mockLabels.set(mockPool(pid, owner), `pool ${pid}`)
  }
  const ours = (value: unknown, field: string): unknown => {
    if (value instanceof Uint8Array) return ACCOUNT_FIELDS.has(field) ? (labels.get(toHex(value)) ?? toHex(value)) : toHex(value)
    if (typeof value === 'number') return BigInt(value)
    if (value === undefined) return null
    if (typeof value === 'object' && value !== null && 'kind' in value && 'value' in value) return ours(value.value, field)
    return value
  }
  const describeOurs = ({ pallet, name, value }: RuntimeEvent): unknown => ({
    pallet, name, fields: Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [snakeCase(key), ours(inner, snakeCase(key))])),
  })
  const theirs = (value: Printed, field: string): unknown => {
    if (field === 'asset_id') return 10_000n
    return ACCOUNT_FIELDS.has(field) && typeof value === 'bigint' ? (mockLabels.get(value) ?? value) : value
  }
  const snapshot = (name: string): readonly unknown[] =>
    parseSnapshot(readFileSync(join(vectorsDir() ?? '', '6-tokenomics/snapshots', `${name}.snap`), 'utf8')).map(({ pallet, name: event, fields }) => ({
      pallet, name: event, fields: Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, theirs(value, key)])),
    }))
  const compare = (name: string, events: readonly RuntimeEvent[]): void => {
    const expected = snapshot(name)
    expect(expected.length).toBeGreaterThan(5)
    expect(events.map(describeOurs), name).toEqual(expected)
  }
  return { bed, compare, learnPool }
}

describeVectors('withdrawals of the reference', () => {
  test('come out event by event', () => {
    const { bed, compare, learnPool } = createWorld()
    const { ok, base, wpha, shares } = bed
    const contribute = (pid: bigint, who: number, amount: bigint, asVault?: bigint) => ok(phalaStakePoolV2.call('contribute', { pid, amount, asVault }), user(who))
    const withdraw = (pid: bigint, who: number, amount: bigint, asVault?: bigint) => ok(phalaStakePoolV2.call('withdraw', { pid, shares: amount, asVault }), user(who))
    for (const id of [1, 2, 3]) bed.wrap(user(id), 500n * D)
    bed.wrap(user(99), 5000n * D)
    ok(phalaStakePoolV2.call('create'), user(1))
    learnPool(0, 1)
    for (const id of [1, 2]) {
      bed.register(worker(id), user(1))
      ok(phalaStakePoolV2.call('addWorker', { pid: 0n, pubkey: worker(id) }), user(1))
    }
    for (const id of [2, 1, 3]) contribute(0n, id, 300n * D)
    ok(phalaStakePoolV2.call('startComputing', { pid: 0n, worker: worker(1), stake: 400n * D }), user(1))
    ok(phalaStakePoolV2.call('startComputing', { pid: 0n, worker: worker(2), stake: 300n * D }), user(1))

    compare('withdraw1', withdraw(0n, 2, 300n * D))
    expect([wpha(user(2)), shares(0n, user(2)), base(0n).withdrawQueue.length]).toEqual([400n * D, 0n, 1])
    compare('withdraw2', contribute(0n, 99, 300n * D))
    expect([wpha(user(2)), base(0n).withdrawQueue.length]).toEqual([500n * D, 0])
    compare('withdraw3', withdraw(0n, 1, 200n * D))
    expect([wpha(user(1)), shares(0n, user(1)), base(0n).withdrawQueue.length]).toEqual([400n * D, 100n * D, 0])

    ok(phalaVault.call('create'), user(99))
    learnPool(1, 99)
    for (const id of [1, 99]) ok(phalaVault.call('contribute', { pid: 1n, amount: 300n * D }), user(id))
    contribute(0n, 99, 500n * D, 1n)
    compare('withdraw4', ok(phalaVault.call('withdraw', { pid: 1n, shares: 200n * D }), user(1)))
    expect([wpha(user(1)), shares(1n, user(1)), base(1n).withdrawQueue.length]).toEqual([200n * D, 100n * D, 1])
    compare('withdraw5', withdraw(0n, 3, 200n * D))
    expect(wpha(base(0n).poolAccountId)).toBe(300n * D)
    compare('withdraw6', withdraw(0n, 99, 400n * D, 1n))
    expect([wpha(base(1n).poolAccountId), shares(0n, base(1n).poolAccountId), base(0n).withdrawQueue.length]).toEqual([300n * D, 100n * D, 1])

    ok(phalaVault.call('create'), user(99))
    learnPool(2, 99)
    ok(phalaVault.call('contribute', { pid: 2n, amount: 300_000_000_100_000n }), user(99))
    compare('withdraw7', ok(phalaVault.call('withdraw', { pid: 2n, shares: 100_000n }), user(99)))
    contribute(0n, 99, 299_990_000_000_000n, 2n)
    compare('withdraw8', ok(phalaVault.call('withdraw', { pid: 2n, shares: 300n * D }), user(99)))
    compare('withdraw9', ok(phalaVault.call('checkAndMaybeForceWithdraw', { vaultPid: 1n }), user(4)))
    expect(base(1n).withdrawQueue).toEqual([])
  })
})
