/** Preimages: kept against a deposit or on the chain's demand, given up, and every refusal. */
import { utf8 } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { ROOT, signed } from '../../frame/origin.ts'
import { createTestChain, devAccount } from '../../frame/testing.ts'
import { balanceOf } from '../balances/account.ts'
import { balancesParts } from '../balances/declaration.ts'
import { balances } from '../balances/pallet.ts'
import { system } from '../system/pallet.ts'
import { timestamp } from '../timestamp/pallet.ts'
import { preimage } from './pallet.ts'
import { PREIMAGE_BYTES_MAX, preimageFor, statusFor } from './storage.ts'

const crypto = await loadCrypto()
const [alice, bob] = ['Alice', 'Bob'].map((name) => devAccount(crypto, name).publicKey) as [Uint8Array, Uint8Array]
const hex = (value: Uint8Array): string => `0x${Buffer.from(value).toString('hex')}`
const bytes = utf8('a call, say')
const hash = crypto.blake2b256(bytes)
const note = preimage.call('notePreimage', { bytes })
const [unnote, request, unrequest] = (['unnotePreimage', 'requestPreimage', 'unrequestPreimage'] as const).map((name) => preimage.call(name, { hash })) as [
  ReturnType<typeof preimage.call>, ReturnType<typeof preimage.call>, ReturnType<typeof preimage.call>]

const start = () => createTestChain({
  pallets: [{ index: 1, pallet: system }, { index: 4, pallet: timestamp }, { index: 7, pallet: balances }, { index: 33, pallet: preimage }],
  genesis: { Balances: { balances: [[hex(alice), (10n ** 15n).toString()], [hex(bob), (10n ** 11n).toString()]] } },
}, { crypto })
type Chain = ReturnType<typeof start>
const reserved = (chain: Chain): bigint => balanceOf(balancesParts.in(chain.ctx), alice).reserved

describe('notePreimage, unnotePreimage: bytes', () => {
  test('keeps bytes against a deposit that comes back with them', () => {
    const chain = start()
    expect(chain.dispatch(note, signed(alice))).toEqual({ ok: true, post: { paysFee: true } })
    expect(preimageFor.get(chain.ctx, [hash, bytes.length])).toEqual(bytes)
    expect(reserved(chain)).toBe(1_000_000_000_000n + 100_000_000n * BigInt(bytes.length))
    chain.assertNoop(note, signed(bob), 'Preimage.AlreadyNoted')
    chain.assertNoop(unnote, signed(bob), 'Preimage.NotAuthorized')
    chain.assertOk(unnote, signed(alice))
    expect([reserved(chain), statusFor.has(chain.ctx, hash), preimageFor.has(chain.ctx, [hash, bytes.length])]).toEqual([0n, false, false])
    chain.assertNoop(unnote, signed(alice), 'Preimage.NotNoted')
  })

  test('is free and without deposit when the chain asked for the bytes', () => {
    const chain = start()
    chain.assertOk(request, ROOT)
    expect(chain.dispatch(note, signed(bob))).toEqual({ ok: true, post: { paysFee: false } })
    chain.assertNoop(note, signed(alice), 'Preimage.AlreadyNoted')
    chain.assertNoop(unnote, signed(bob), 'Preimage.NotAuthorized')
    chain.assertOk(unrequest, ROOT)
    expect(preimageFor.has(chain.ctx, [hash, bytes.length])).toBe(false)
  })

  test('is refused without means, and beyond the longest preimage', () => {
    const chain = start()
    chain.assertNoop(note, signed(bob), 'Balances.InsufficientBalance')
    chain.assertNoop(preimage.call('notePreimage', { bytes: new Uint8Array(PREIMAGE_BYTES_MAX + 1) }), signed(alice), 'Preimage.TooBig')
  })

  test('by root asks for the bytes at once, and takes over what someone noted', () => {
    const chain = start()
    chain.assertOk(note, ROOT)
    chain.assertOk(unnote, ROOT)
    expect(statusFor.has(chain.ctx, hash)).toBe(false)
    chain.assertOk(note, signed(alice))
    chain.assertOk(note, ROOT)
    expect(statusFor.get(chain.ctx, hash)).toMatchObject({ kind: 'Requested', value: { count: 1 } })
    chain.assertOk(unnote, signed(alice))
    expect([reserved(chain), preimageFor.has(chain.ctx, [hash, bytes.length])]).toEqual([0n, true])
  })
})

describe('requestPreimage, unrequestPreimage: requests', () => {
  test('count; the bytes go with the last, or back to who paid for them', () => {
    const chain = start()
    chain.assertOk(note, signed(alice))
    chain.assertOk(request, ROOT)
    chain.assertOk(request, ROOT)
    chain.assertOk(unrequest, ROOT)
    chain.assertOk(unrequest, ROOT)
    expect(statusFor.get(chain.ctx, hash)?.kind).toBe('Unrequested')
    chain.assertNoop(unrequest, ROOT, 'Preimage.NotRequested')
  })

  test('are root\'s', () => {
    const chain = start()
    chain.assertNoop(request, signed(alice), 'BadOrigin')
    chain.assertNoop(unrequest, signed(alice), 'BadOrigin')
    chain.assertNoop(unrequest, ROOT, 'Preimage.NotRequested')
  })
})
