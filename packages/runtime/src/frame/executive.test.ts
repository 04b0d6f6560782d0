/** Blocks and transactions: what is refused and why, what it costs, and that building and executing agree. */
import { concatBytes, utf8 } from '@phalanx/primitives/bytes'
import { createMortalEra, decodeExtrinsic, encodeExtrinsic, SignedExtra, signingPayload, type Header } from '@phalanx/primitives/chain'
import { suriToSecp256k1Secret } from '@phalanx/primitives/crypto'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { balances } from '../pallets/balances/pallet.ts'
import { totalIssuance } from '../pallets/balances/storage.ts'
import { EXISTENTIAL_DEPOSIT as ED } from '../pallets/balances/declaration.ts'
import { sudo } from '../pallets/sudo/pallet.ts'
import { BLOCK_LENGTH } from '../pallets/system/limits.ts'
import { account, blockHash, eventCount, lastRuntimeUpgrade } from '../pallets/system/storage.ts'
import { system } from '../pallets/system/pallet.ts'
import { timestamp } from '../pallets/timestamp/pallet.ts'
import { TREASURY_ACCOUNT } from '../pallets/treasury/storage.ts'
import { transactionPayment } from '../pallets/transaction-payment/pallet.ts'
import { feeDetails, totalFee } from '../pallets/transaction-payment/fees.ts'
import { utility } from '../pallets/utility/pallet.ts'
import type { RuntimeCall } from './context.ts'
import { createTestChain, devAccount, eventText, type TestAccount, type TestChain } from './testing.ts'
import type { ApplyOutcome } from './runtime-api.ts'

const crypto = await loadCrypto()
const [alice, bob, eve] = ['Alice', 'Bob', 'Eve'].map((name) => devAccount(crypto, name)) as [TestAccount, TestAccount, TestAccount]
const id = (account: TestAccount) => ({ kind: 'Id', value: account.publicKey }) as const
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const START = 10_000n * ED
const pallets = [
  { index: 1, pallet: system }, { index: 2, pallet: utility }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances },
  { index: 8, pallet: transactionPayment }, { index: 22, pallet: sudo },
]
const start = (): TestChain =>
  createTestChain({ pallets, genesis: { Balances: { balances: [alice, bob].map(({ publicKey }) => [hex(publicKey), START.toString()]) }, Sudo: { key: hex(alice.publicKey) } } }, { crypto })
const pay = (to: TestAccount, value: bigint): RuntimeCall => balances.call('transferAllowDeath', { dest: id(to), value })
const builder = (chain: TestChain) =>
  chain.runtime.buildBlock({ state: chain.head.state, parent: chain.head.header, timeMs: 1_700_000_000_000n, env: chain.env })
const tryOne = (chain: TestChain, extrinsic: Uint8Array): ApplyOutcome => builder(chain).apply(extrinsic)
const refusal = (outcome: ApplyOutcome): string => (outcome.kind === 'invalid' ? `${outcome.error.kind}.${outcome.error.value.kind}` : outcome.kind)
const validity = (chain: TestChain, extrinsic: Uint8Array) =>
  chain.runtime.validateTransaction({ state: chain.head.state, parent: chain.head.header, extrinsic, source: 'External', env: chain.env })
const free = (chain: TestChain, who: Uint8Array): bigint => account.get(chain.ctx, who).data.free

describe('a signed transfer', () => {
  test('pays exactly base, length and weight fee and the tip, to the treasury', () => {
    const chain = start()
    const call = pay(bob, 3n * ED)
    const extrinsic = chain.sign(call, alice, { tip: 7n })
    const fee = totalFee(feeDetails(chain.ctx, chain.runtime.parts.services.callInfo(call), { length: extrinsic.length, tip: 7n }))
    const treasury = free(chain, TREASURY_ACCOUNT)
    const outcome = chain.seal([extrinsic])
    expect(outcome.results).toEqual([{ ok: true }, { ok: true }])
    expect(fee).toBe(1_000_000_000n + BigInt(extrinsic.length) * 1_000_000n + 600_000_000n + 7n)
    expect([free(chain, alice.publicKey), free(chain, bob.publicKey), free(chain, TREASURY_ACCOUNT)]).toEqual([START - 3n * ED - fee, START + 3n * ED, treasury + fee])
    expect(account.get(chain.ctx, alice.publicKey).nonce).toBe(1)
  })

  test('emits the fee first, then its own events, then payment and success', () => {
    const chain = start()
    const before = chain.head
    const outcome = chain.seal([chain.sign(pay(bob, ED), alice)])
    const text = Buffer.from(outcome.events).toString('hex')
    const order = ['0708', '0702', '0707', '0800', '0100'].map((index) => text.indexOf(`0001000000${index}`))
    expect(order.every((at) => at > 0)).toBe(true)
    expect(order).toEqual([...order].sort((a, b) => a - b))
    expect(eventCount.decode(outcome.state.get(eventCount.key(crypto)))).toBe(6)
    expect(before.header.number + 1).toBe(outcome.header.number)
  })

  test('that fails keeps fee and nonce only', () => {
    const chain = start()
    const outcome = chain.seal([chain.sign(pay(bob, 2n * START), alice)])
    expect(outcome.results[1]).toEqual({ ok: false, dispatchError: { kind: 'Token', value: { kind: 'FundsUnavailable' } } })
    expect(free(chain, bob.publicKey)).toBe(START)
    expect(free(chain, alice.publicKey)).toBeLessThan(START)
    expect(account.get(chain.ctx, alice.publicKey).nonce).toBe(1)
  })

  test('made as root is free', () => {
    const chain = start()
    chain.seal([chain.sign(sudo.call('sudo', { call: system.call('killStorage', { keys: [] }) }), alice)])
    expect(free(chain, alice.publicKey)).toBe(START)
  })

  test('gets back what its batch did not use', () => {
    const chain = start()
    const batch = utility.call('batch', { calls: [pay(bob, 2n * START), pay(bob, ED), pay(bob, ED)] })
    const extrinsic = chain.sign(batch, alice)
    const most = totalFee(feeDetails(chain.ctx, chain.runtime.parts.services.callInfo(batch), { length: extrinsic.length, tip: 0n }))
    chain.seal([extrinsic])
    expect(START - free(chain, alice.publicKey)).toBeLessThan(most)
  })
})

describe('refusals', () => {
  test('nonces: stale, future, and a second use in the same block', () => {
    const chain = start()
    const first = chain.sign(pay(bob, ED), alice, { nonce: 0 })
    expect(refusal(tryOne(chain, chain.sign(pay(bob, ED), alice, { nonce: 1 })))).toBe('Invalid.Future')
    const block = builder(chain)
    expect(block.apply(first)).toEqual({ kind: 'applied', ok: true })
    expect(refusal(block.apply(first))).toBe('Invalid.Stale')
    chain.seal([first])
    expect(refusal(tryOne(chain, first))).toBe('Invalid.Stale')
    expect(validity(chain, first)).toMatchObject({ ok: false, error: { value: { kind: 'Stale' } } })
  })

  test('signatures: every flipped bit, another signer, another chain, another version', () => {
    const chain = start()
    const good = chain.sign(pay(bob, ED), alice)
    expect(tryOne(chain, good).kind).toBe('applied')
    fc.assert(fc.property(fc.integer({ min: 3, max: good.length - 1 }), fc.integer({ min: 0, max: 7 }), (at, bit) => {
      const bad = good.slice()
      bad[at] = (bad[at] as number) ^ (1 << bit)
      expect(tryOne(chain, bad).kind).toBe('invalid')
    }), { numRuns: 60 })
    const other = createTestChain({ pallets, genesis: { Balances: { balances: [[hex(alice.publicKey), (2n * START).toString()]] } } }, { crypto })
    expect(refusal(tryOne(chain, other.sign(pay(bob, ED), alice)))).toBe('Invalid.BadProof')
    const swapped = decodeExtrinsic(good)
    const forged = encodeExtrinsic({ signed: { ...swapped.signed!, address: id(bob) }, call: swapped.call })
    expect(refusal(tryOne(chain, forged))).toBe('Invalid.BadProof')
  })

  test('accepts ed25519 and ecdsa', () => {
    const chain = start()
    const call = chain.runtime.parts.enums.RuntimeCall.encode(system.call('remark', { remark: utf8('x'.repeat(300)) }))
    const secret = suriToSecp256k1Secret(crypto, '//Alice')
    const edPublic = crypto.ed25519.publicKey(alice.ed25519Seed)
    const ecPublic = crypto.blake2b256(crypto.secp256k1.publicKey(secret))
    chain.seal([edPublic, ecPublic].map((value, nonce) => chain.sign(balances.call('transferAllowDeath', { dest: { kind: 'Id', value }, value: 100n * ED }), alice, { nonce })))
    const extra = { era: { kind: 'Immortal' }, nonce: 0, tip: 0n } as const
    const message = signingPayload(crypto, {
      call, extraBytes: SignedExtra.encode(extra),
      additional: { specVersion: 1, transactionVersion: 1, genesisHash: chain.genesisHash, eraHash: chain.genesisHash },
    })
    const ed = encodeExtrinsic({ signed: { address: { kind: 'Id', value: edPublic }, signature: { kind: 'Ed25519', value: crypto.ed25519.sign(alice.ed25519Seed, message) }, extra }, call })
    const ec = encodeExtrinsic({ signed: { address: { kind: 'Id', value: ecPublic }, signature: { kind: 'Ecdsa', value: crypto.secp256k1.sign(secret, crypto.blake2b256(message)) }, extra }, call })
    expect(chain.seal([ed, ec]).results.every(({ ok }) => ok)).toBe(true)
  })

  test('eras: before, within and after their time, and hashes the chain forgot', () => {
    const chain = start()
    const era = createMortalEra({ period: 4, current: 0 })
    const mortal = chain.sign(pay(bob, ED), alice, { era, eraHash: chain.genesisHash })
    for (let i = 0; i < 2; i++) chain.seal([])
    expect(tryOne(chain, mortal)).toEqual({ kind: 'applied', ok: true })
    expect(validity(chain, mortal)).toMatchObject({ ok: true, value: { longevity: 1n } })
    for (let i = 0; i < 2; i++) chain.seal([])
    expect(refusal(tryOne(chain, mortal))).toBe('Invalid.BadProof')
    const early = chain.sign(pay(bob, ED), alice, { era: { kind: 'Mortal', period: 4096, phase: 900 }, eraHash: chain.genesisHash })
    expect(refusal(tryOne(chain, early))).toBe('Invalid.AncientBirthBlock')
    const now = createMortalEra({ period: 64, current: chain.head.header.number })
    const fresh = chain.sign(pay(bob, ED), alice, { era: now, eraHash: crypto.blake2b256(utf8('no such block')) })
    expect(refusal(tryOne(chain, fresh))).toBe('Invalid.BadProof')
  })

  test('a transaction born in the best block is valid on top of it', () => {
    const chain = start()
    chain.seal([])
    const { number } = chain.head.header
    const era = createMortalEra({ period: 64, current: number })
    const best = blockHash.get(chain.ctx, number)
    expect(validity(chain, chain.sign(pay(bob, ED), alice, { era, eraHash: best }))).toMatchObject({ ok: true })
  })

  test('money, addresses, bytes and unsigned calls', () => {
    const chain = start()
    expect(refusal(tryOne(chain, chain.sign(pay(bob, ED), eve)))).toBe('Invalid.Payment')
    expect(refusal(tryOne(chain, chain.sign(pay(bob, ED), alice, { tip: START })))).toBe('Invalid.Payment')
    const good = decodeExtrinsic(chain.sign(pay(bob, ED), alice))
    expect(refusal(tryOne(chain, encodeExtrinsic({ signed: { ...good.signed!, address: { kind: 'Index', value: 0 } }, call: good.call })))).toBe('Unknown.CannotLookup')
    expect(refusal(tryOne(chain, encodeExtrinsic({ call: good.call })))).toBe('Unknown.NoUnsignedValidator')
    expect(refusal(tryOne(chain, encodeExtrinsic({ signed: good.signed!, call: concatBytes(good.call, Uint8Array.of(0)) })))).toBe('Invalid.Call')
    expect(refusal(tryOne(chain, encodeExtrinsic({ signed: good.signed!, call: Uint8Array.of(99, 0) })))).toBe('Invalid.Call')
    for (const bytes of [new Uint8Array(0), Uint8Array.of(4), Uint8Array.of(8, 3, 0), new Uint8Array(200).fill(0xff)]) expect(refusal(tryOne(chain, bytes))).toBe('Invalid.Call')
    const inherent = encodeExtrinsic({ call: chain.runtime.parts.enums.RuntimeCall.encode(timestamp.call('set', { now: 1n })) })
    expect(refusal(tryOne(chain, inherent))).toBe('Unknown.NoUnsignedValidator')
    expect(refusal(tryOne(chain, chain.sign(timestamp.call('set', { now: 1n }), alice)))).toBe('Invalid.MandatoryValidation')
    expect(validity(chain, inherent)).toMatchObject({ ok: false, error: { value: { kind: 'NoUnsignedValidator' } } })
  })

  test('the zero account', () => {
    const chain = start()
    const good = decodeExtrinsic(chain.sign(pay(bob, ED), alice))
    const zero = encodeExtrinsic({ signed: { ...good.signed!, address: { kind: 'Id', value: new Uint8Array(32) } }, call: good.call })
    const trusting = chain.runtime.buildBlock({ state: chain.head.state, parent: chain.head.header, timeMs: 1n, env: { crypto, verified: () => true } })
    expect(refusal(trusting.apply(zero))).toBe('Invalid.BadSigner')
  })
})

describe('space', () => {
  const remark = (chain: TestChain, size: number, nonce: number): Uint8Array => chain.sign(system.call('remark', { remark: new Uint8Array(size) }), alice, { nonce })

  test('length: a block fills up, and what fits no block is refused for good', () => {
    const chain = start()
    const block = builder(chain)
    const size = 1_000_000
    const fitting = Math.floor(BLOCK_LENGTH.max.normal / (size + 200))
    for (let nonce = 0; nonce < fitting; nonce++) expect(block.apply(remark(chain, size, nonce))).toEqual({ kind: 'applied', ok: true })
    expect(block.apply(remark(chain, size, fitting))).toEqual({ kind: 'full' })
    expect(block.apply(remark(chain, 100, fitting))).toEqual({ kind: 'applied', ok: true })
    expect(block.finish().results).toHaveLength(fitting + 2)
    expect(validity(chain, remark(chain, BLOCK_LENGTH.max.normal, 0))).toMatchObject({ ok: false, error: { value: { kind: 'ExhaustsResources' } } })
  })

  test('weight: a block fills up, operational calls still fit', () => {
    const chain = start()
    const heavy = (nonce: number, refTime: bigint): Uint8Array =>
      chain.sign(sudo.call('sudoUncheckedWeight', { call: system.call('remark', { remark: utf8('') }), weight: { refTime, proofSize: 0n } }), alice, { nonce })
    expect(refusal(tryOne(chain, heavy(0, 2_000_000_000_000n)))).toBe('Invalid.ExhaustsResources')
    const block = builder(chain)
    expect(block.apply(heavy(0, 1_000_000_000_000n))).toEqual({ kind: 'applied', ok: true })
    expect(block.apply(heavy(1, 1_000_000_000_000n))).toEqual({ kind: 'full' })
    const operational = chain.sign(sudo.call('sudo', { call: system.call('killStorage', { keys: [] }) }), alice, { nonce: 1 })
    expect(block.apply(operational)).toEqual({ kind: 'applied', ok: true })
  })
})

describe('the pool\'s order', () => {
  test('tips raise priority, nonces chain by tags', () => {
    const chain = start()
    const plain = validity(chain, chain.sign(pay(bob, ED), alice))
    const tipped = validity(chain, chain.sign(pay(bob, ED), alice, { tip: 1000n }))
    const later = validity(chain, chain.sign(pay(bob, ED), alice, { nonce: 1 }))
    if (!plain.ok || !tipped.ok || !later.ok) throw new Error('all are valid')
    expect(tipped.value.priority).toBeGreaterThan(plain.value.priority)
    expect(plain.value.requires).toEqual([])
    expect(later.value.requires).toEqual(plain.value.provides)
  })
})

describe('executeBlock', () => {
  const sealed = () => {
    const chain = start()
    const { state, header: parent } = chain.head
    const block = builder(chain)
    block.apply(chain.sign(pay(bob, ED), alice))
    const built = block.finish()
    const execute = (change: { readonly header?: Partial<Header>; readonly extrinsics?: readonly Uint8Array[] }) => () =>
      chain.runtime.executeBlock({ state, parent, env: chain.env, block: { header: { ...built.header, ...change.header }, extrinsics: change.extrinsics ?? built.extrinsics } })
    return { chain, built, execute, parent }
  }
  const withCode = (code: string) => expect.objectContaining({ code })

  test('gives what building gave', () => {
    const { built, execute } = sealed()
    const again = execute({})()
    expect(again.header).toEqual(built.header)
    expect(again.changes).toEqual(built.changes)
    expect(again.events).toEqual(built.events)
  })

  test('uses the host\'s signature results', () => {
    const { chain, built, parent } = sealed()
    let asked = 0
    chain.runtime.executeBlock({ state: chain.head.state, parent, block: built, env: { crypto, verified: () => { asked++; return true } } })
    expect(asked).toBe(1)
    expect(() => chain.runtime.executeBlock({ state: chain.head.state, parent, block: built, env: { crypto, verified: () => false } })).toThrow(withCode('BLOCK_EXTRINSIC_INVALID'))
  })

  test('refuses every lie of a header', () => {
    const { built, execute } = sealed()
    expect(execute({ header: { stateRoot: new Uint8Array(32) } })).toThrow(withCode('BLOCK_MISMATCH'))
    expect(execute({ header: { extrinsicsRoot: new Uint8Array(32) } })).toThrow(withCode('BLOCK_MISMATCH'))
    expect(execute({ header: { digest: { logs: [{ kind: 'Other', value: utf8('x') }] } } })).toThrow(withCode('BLOCK_MISMATCH'))
    expect(execute({ header: { number: 5 } })).toThrow(withCode('BLOCK_PARENT_MISMATCH'))
    expect(execute({ header: { parentHash: new Uint8Array(32) } })).toThrow(withCode('BLOCK_PARENT_MISMATCH'))
    expect(execute({ extrinsics: built.extrinsics.slice(1) })).toThrow(withCode('BLOCK_INHERENT_INVALID'))
    expect(execute({ extrinsics: [] })).toThrow(withCode('BLOCK_INHERENT_INVALID'))
    expect(execute({ extrinsics: [...built.extrinsics, built.extrinsics[0] as Uint8Array] })).toThrow(withCode('BLOCK_EXTRINSIC_INVALID'))
    expect(execute({ extrinsics: [...built.extrinsics, built.extrinsics[1] as Uint8Array] })).toThrow(withCode('BLOCK_EXTRINSIC_INVALID'))
    expect(execute({ extrinsics: built.extrinsics.slice(0, 1) })).toThrow(withCode('BLOCK_MISMATCH'))
  })
})

describe('signatureChecksOf', () => {
  test('names the check that execution will make', () => {
    const chain = start()
    const extrinsic = chain.sign(pay(bob, ED), alice)
    const checks = chain.runtime.signatureChecksOf(extrinsic, { crypto, genesisHash: chain.genesisHash, number: 1, blockHash: () => undefined })
    const seen: unknown[] = []
    chain.runtime.validateTransaction({ state: chain.head.state, parent: chain.head.header, extrinsic, source: 'External', env: { crypto, verified: (check) => { seen.push(check); return undefined } } })
    expect(checks).toEqual(seen)
    expect(chain.runtime.signatureChecksOf(utf8('garbage'), { crypto, genesisHash: chain.genesisHash, number: 1, blockHash: () => undefined })).toEqual([])
  })
})

test('notes the runtime that runs, and a later one with its digest', () => {
  const chain = start()
  lastRuntimeUpgrade.set(chain.ctx, { specName: 'test', specVersion: 0 })
  chain.nextBlock()
  const outcome = chain.seal([])
  expect(outcome.header.digest.logs).toEqual([{ kind: 'RuntimeEnvironmentUpdated' }])
  expect(lastRuntimeUpgrade.get(chain.ctx)).toEqual({ specName: 'test', specVersion: 1 })
})

test('random transfers, failures and fees keep the issuance', () => {
  const accounts = [alice, bob, eve]
  const transfer = fc.record({ from: fc.nat(2), to: fc.nat(2), value: fc.bigInt(0n, 2n * START), tip: fc.bigInt(0n, ED), keep: fc.boolean() })
  fc.assert(fc.property(fc.array(transfer, { minLength: 1, maxLength: 12 }), (transfers) => {
    const chain = start()
    const { state, header: parent } = chain.head
    const block = chain.runtime.buildBlock({ state, parent, timeMs: 1_700_000_000_000n, env: { crypto, verified: () => true } })
    const nonces = [0, 0, 0]
    for (const { from, to, value, tip, keep } of transfers) {
      const name = keep ? 'transferKeepAlive' : 'transferAllowDeath'
      const call = chain.runtime.parts.enums.RuntimeCall.encode(balances.call(name, { dest: id(accounts[to] as TestAccount), value }))
      const extra = { era: { kind: 'Immortal' }, nonce: nonces[from] as number, tip } as const
      const outcome = block.apply(encodeExtrinsic({ signed: { address: id(accounts[from] as TestAccount), signature: { kind: 'Sr25519', value: new Uint8Array(64) }, extra }, call }))
      if (outcome.kind === 'applied') nonces[from] = (nonces[from] as number) + 1
    }
    const after = block.finish()
    const ctx = chain.runtime.contextAt({ state: after.state, at: after.header, env: chain.env })
    for (const { pallet } of pallets) (pallet as { tryState?(ctx: unknown): void }).tryState?.((pallet as typeof balances).in(ctx))
    expect(totalIssuance.get(ctx)).toBeLessThanOrEqual(2n * START + ED)
  }), { numRuns: 40 })
})

test('event texts are comparable', () => {
  expect(eventText({ pallet: 'A', name: 'B', value: { n: 1n, b: Uint8Array.of(1) } })).toBe('A.B {"n":"1n","b":"0x01"}')
})
