import { toHexPlain } from '@phalanx/primitives/bytes'
import { loadCrypto } from '@phalanx/primitives/crypto/node'
import { describe, expect, test } from 'vitest'
import { createSecretHunt } from './secrets.ts'

const crypto = await loadCrypto()
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const canary = crypto.sha256(Uint8Array.of(1))
/** The canary behind so many other bytes, and before two. */
const behind = (before: number): Uint8Array => Uint8Array.from([...new Uint8Array(before).fill(1), ...canary, 2, 3])

describe('createSecretHunt', () => {
  const secretOf = (hunt: ReturnType<typeof createSecretHunt>): Uint8Array => hunt.crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(7)).secret.subarray(0, 32)

  test('finds a secret at every offset, as bytes and in hex', () => {
    for (let before = 0; before < 70; before++) {
      const raw = createSecretHunt(crypto)
      raw.watch(Uint8Array.from([...new Uint8Array(before).fill(1), ...secretOf(raw), 2, 3]))
      expect(raw.found(), `raw at ${before}`).toBeDefined()
      const hex = createSecretHunt(crypto)
      hex.watch(`${'x'.repeat(before)}${toHexPlain(secretOf(hex))}`)
      expect(hex.found(), `hex at ${before}`).toBeDefined()
    }
  })

  test('finds a canary at every offset, as bytes, in hex and in base64, in bytes and in texts', () => {
    for (let before = 0; before < 70; before++) {
      const forms = [behind(before), toHexPlain(behind(before)), base64(behind(before)), `{"a":"${base64(behind(before))}"}`, new TextEncoder().encode(base64(behind(before)))]
      for (const [i, form] of forms.entries()) {
        const hunt = createSecretHunt(crypto)
        hunt.plant(canary, 'a canary')
        hunt.watch(form, 'here')
        expect(hunt.found(), `form ${i} at ${before}`).toMatch(/^a canary in here/)
      }
    }
  })

  test('is silent about part of a secret and about other bytes', () => {
    const hunt = createSecretHunt(crypto)
    hunt.plant(canary, 'a canary')
    hunt.watch(secretOf(hunt).subarray(0, 31))
    hunt.watch(toHexPlain(secretOf(hunt).subarray(1)))
    hunt.watch(canary.subarray(1))
    hunt.watch(base64(canary.subarray(0, 20)))
    hunt.watch('')
    hunt.watch(new Uint8Array(100))
    expect(hunt.found()).toBeUndefined()
  })

  test('tells which key pairs some bytes hold, though the pair was erased since', () => {
    const hunt = createSecretHunt(crypto)
    const pair = hunt.crypto.sr25519.pairFromSeed(new Uint8Array(32).fill(9))
    const secret = pair.secret.slice()
    pair.secret.fill(0)
    const found = hunt.heldIn(Uint8Array.from([5, 5, ...secret, 6]))
    expect(found.map(({ publicKey }) => toHexPlain(publicKey))).toEqual([toHexPlain(pair.publicKey)])
    expect(hunt.heldIn(new Uint8Array(200))).toEqual([])
    expect(hunt.found()).toBeUndefined()
  })
})
